"""Deeds of cases: the walk with the city's answer, interruption, taking back, ends; time, facts and what is never kept."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.cases import history
from madoguchi.domain.cases.enums import End, MoveKind, Pause, Side, Spent, State
from madoguchi.domain.cases.erasers import erase_notes
from madoguchi.domain.cases.errors import CaseRefused
from madoguchi.domain.cases.hands import hand_of
from madoguchi.domain.cases.models import Case, FlowVersion, Move
from madoguchi.domain.cases.queries import cases as reads
from madoguchi.domain.cases.services import work
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.worklog.models import Fact
from tests.domain.booking.desk import Desk, at

from .counter import MINUTE, hand, key, opened, step


@pytest.mark.req("DESK-02", "DESK-07")
def test_from_the_counter_to_the_city_and_back_to_the_end(contract: Contract, now: dt.datetime) -> None:
    clerk, city = hand(contract), hand(contract, Role.CITY)
    case = opened(contract, clerk, now)
    assert (case.step, case.side, case.owner, case.channel, case.flow.number) == ("welcome", Side.COUNTER, clerk.user, "counter", 1)
    step(contract, case, clerk, "next", now + MINUTE)
    step(contract, case, clerk, "next", now + 4 * MINUTE)
    handed = step(contract, case, clerk, "send", now + 5 * MINUTE)
    assert (handed.side, handed.step, handed.examiner) == (Side.CITY, "examine", None)
    with pytest.raises(CaseRefused, match="市職員だけ"):
        step(contract, case, clerk, "approve", now + 6 * MINUTE)
    work.take(contract, case.pk, version=handed.moves, key=key(), hand=city, now=now + 8 * MINUTE)
    more = step(contract, case, city, "more", now + 10 * MINUTE, reason="documents")
    assert (more.side, more.step, more.owner) == (Side.COUNTER, "documents", clerk.user)
    step(contract, case, clerk, "next", now + 12 * MINUTE)
    step(contract, case, clerk, "send", now + 13 * MINUTE)
    step(contract, case, city, "approve", now + 15 * MINUTE)
    step(contract, case, clerk, "next", now + 18 * MINUTE)
    ended = step(contract, case, clerk, "done", now + 20 * MINUTE)
    assert (ended.state, ended.outcome, ended.ended_at) == (State.ENDED, End.DONE, now + 20 * MINUTE)
    assert reads.seconds_of(case) == {Spent.NONE: 0, Spent.WORK: 13 * 60, Spent.CITY_WAIT: 5 * 60, Spent.CITY_WORK: 2 * 60}
    told = [(f.kind, f.outcome, f.wait_seconds, f.handle_seconds, f.channel, f.procedure, f.language) for f in Fact.objects.order_by("id")]
    assert told == [
        ("case.opened", "", None, None, "counter", "pin_reset", "ja"), ("case.examined", "documents", 180, 120, "counter", "pin_reset", "ja"),
        ("case.examined", "approve", 120, 0, "counter", "pin_reset", "ja"), ("case.ended", "done", 420, 780, "counter", "pin_reset", "ja"),
    ]  # fmt: skip
    moves = list(Move.objects.order_by("n"))
    assert [move.n for move in moves] == list(range(1, 12))
    assert {move.kind for move in moves} == {"opened", "taken", "done", "handed", "answered", "ended"}
    assert set(Entry.objects.filter(target=f"case:{case.pk}").values_list("action", flat=True)) >= {"case.opened", "case.handed", "case.answered", "case.ended"}
    with pytest.raises(CaseRefused, match="すでに終わって"):
        work.take(contract, case.pk, version=ended.moves, key=key(), hand=clerk, now=now)


@pytest.mark.req("DESK-02")
def test_a_deed_sent_twice_is_done_once_and_an_old_screen_does_nothing(contract: Contract, now: dt.datetime) -> None:
    clerk = hand(contract)
    case = opened(contract, clerk, now)
    one = {"ticked": ["purpose", "which", "face"], "version": 1, "key": "same", "hand": clerk, "now": now}
    work.finish_step(contract, case.pk, "next", **one)  # type: ignore[arg-type]
    again = work.finish_step(contract, case.pk, "next", **one)  # type: ignore[arg-type]
    assert (again.step, Move.objects.count()) == ("documents", 2)
    with pytest.raises(CaseRefused, match="先に進んで"):
        work.finish_step(contract, case.pk, "next", **{**one, "key": "other"})  # type: ignore[arg-type]
    with pytest.raises(CaseRefused, match="見つかりません"):
        work.note(contract, 0, "x", version=1, key=key(), hand=clerk, now=now)
    site = work.Visit(contract.profile.sites[0].code)
    first, second = (work.open_case(contract, "certificate", "cert_renewal", site, key="open", hand=clerk, now=now) for _ in range(2))
    assert first == second


@pytest.mark.req("DESK-02")
def test_a_case_is_done_by_who_has_it(contract: Contract, now: dt.datetime) -> None:
    one, two, auditor = hand(contract), hand(contract), hand(contract, Role.SUPERVISOR)
    case = opened(contract, one, now)
    with pytest.raises(CaseRefused, match=f"{one.user.name}さんが担当"):
        step(contract, case, two, "next", now)
    with pytest.raises(CaseRefused, match=f"{one.user.name}さんが担当"):
        work.take(contract, case.pk, version=1, key=key(), hand=two, now=now)
    taken = work.take(contract, case.pk, instead_of=one.user.pk, version=1, key=key(), hand=two, now=now)
    assert (taken.owner, taken.moves) == (two.user, 2)
    assert work.take(contract, case.pk, version=2, key=key(), hand=two, now=now).moves == 2, "nothing new"
    city = hand(contract, Role.CITY)
    with pytest.raises(CaseRefused, match="あなたの役割"):
        work.take(contract, case.pk, version=2, key=key(), hand=city, now=now)
    assert auditor.part == "leader"
    with pytest.raises(KeyError):
        hand_of(one.user, Role.OPERATOR)


@pytest.mark.req("DESK-02")
def test_sent_home_with_what_is_missing(contract: Contract, now: dt.datetime) -> None:
    clerk = hand(contract)
    case = opened(contract, clerk, now)
    step(contract, case, clerk, "next", now)
    with pytest.raises(CaseRefused, match="足りないものに印"):
        step(contract, case, clerk, "missing", now)
    ended = step(contract, case, clerk, "missing", now, missing=["identity"])
    assert ended.outcome == End.SENT_HOME
    listed = reads.case_of(contract, case.pk)
    assert listed is not None
    assert reads.moves_of(contract, listed)[-1].missing == ("もう1点の本人確認書類",)
    assert [one.case for one in reads.ended_on(contract, now.date())] == [case]


@pytest.mark.req("DESK-02")
def test_interrupted_and_gone_on_with_another_day_by_somebody_else(contract: Contract, now: dt.datetime) -> None:
    clerk, other = hand(contract), hand(contract)
    case = opened(contract, clerk, now)
    step(contract, case, clerk, "next", now)
    step(contract, case, clerk, "next", now)
    paused = work.interrupt(contract, case.pk, Pause.DOCUMENTS, text="家に取りに戻る", version=3, key=key(), hand=clerk, now=now + MINUTE)
    assert (paused.state, paused.step, paused.owner) == (State.INTERRUPTED, "documents", None), "the hand-over resumes at the documents"
    assert [(one.pause, one.case.pk) for one in reads.open_cases(contract)] == [("書類を取りに戻る", case.pk)]
    with pytest.raises(CaseRefused, match="中断中"):
        step(contract, case, clerk, "next", now)
    day = dt.timedelta(days=1)
    went_on = work.resume(contract, case.pk, version=4, key=key(), hand=other, now=now + day)
    assert (went_on.state, went_on.owner, went_on.flow_id) == (State.ACTIVE, other.user, case.flow_id)
    assert reads.seconds_of(case)[Spent.PAUSE] == 86400 - 60
    with pytest.raises(CaseRefused, match="戻せる手順がありません"):
        work.undo(contract, case.pk, text="x", version=5, key=key(), hand=other, now=now + day)
    with pytest.raises(CaseRefused, match="対応中"):
        work.resume(contract, case.pk, version=5, key=key(), hand=other, now=now + day)
    step(contract, case, other, "next", now + day)
    step(contract, case, other, "send", now + day)
    with pytest.raises(CaseRefused, match="中断できません"):
        work.interrupt(contract, case.pk, Pause.OTHER, version=7, key=key(), hand=other, now=now + day)


@pytest.mark.req("DESK-02", "DESK-07")
def test_the_last_step_is_taken_back_with_its_facts(contract: Contract, now: dt.datetime) -> None:
    clerk, other, leader, city = hand(contract), hand(contract), hand(contract, Role.SUPERVISOR), hand(contract, Role.CITY)
    case = opened(contract, clerk, now)

    def undo(by: object, version: int, text: str = "押し間違い", when: dt.datetime = now) -> Case:
        return work.undo(contract, case.pk, text=text, version=version, key=key(), hand=by, now=when)  # type: ignore[arg-type]

    for _ in range(2):
        step(contract, case, clerk, "next", now)
    with pytest.raises(CaseRefused, match="理由を入力"):
        undo(clerk, 3, text=" ")
    with pytest.raises(CaseRefused, match="リーダー・業務責任者"):
        undo(other, 3)
    back = undo(leader, 3)
    assert (back.step, back.owner) == ("documents", leader.user)
    step(contract, case, leader, "next", now)
    step(contract, case, leader, "send", now)
    with pytest.raises(CaseRefused, match="相手の側"):
        undo(city, 6)
    assert undo(leader, 6).side == Side.COUNTER
    step(contract, case, leader, "send", now)
    work.take(contract, case.pk, version=8, key=key(), hand=city, now=now)
    with pytest.raises(CaseRefused, match="市がすでに審査"):
        undo(leader, 9)
    refused = step(contract, case, city, "refuse", now, reason="identity")
    assert (refused.outcome, refused.moves) == (End.REFUSED, 10)
    with pytest.raises(CaseRefused, match="相手の側"):
        undo(leader, 10)
    with pytest.raises(CaseRefused, match="日が過ぎた"):
        undo(city, 10, when=now + dt.timedelta(days=1))
    again = undo(city, 10)
    assert (again.state, again.side, again.step, again.examiner, again.outcome) == (State.ACTIVE, Side.CITY, "examine", city.user, "")
    assert sorted((f.kind, f.quantity) for f in Fact.objects.exclude(kind="case.opened")) == [
        ("case.ended", -1), ("case.ended", 1), ("case.examined", -1), ("case.examined", 1),
    ]  # fmt: skip
    step(contract, case, city, "approve", now)
    given_up = work.end(contract, case.pk, End.GIVEN_UP, version=12, key=key(), hand=leader, now=now)
    assert given_up.outcome == End.GIVEN_UP
    with pytest.raises(CaseRefused, match="すでに終わって"):
        work.end(contract, case.pk, End.MOVED, version=13, key=key(), hand=leader, now=now)
    assert undo(leader, 13).step == "pin"


@pytest.mark.req("DESK-02", "DESK-07")
def test_a_case_opened_by_mistake_is_no_visit(contract: Contract, now: dt.datetime) -> None:
    clerk = hand(contract)
    case = opened(contract, clerk, now)
    void = work.undo(contract, case.pk, text="二重に開いた", version=1, key=key(), hand=clerk, now=now)
    assert (void.state, void.outcome) == (State.ENDED, End.VOID)
    assert sum(Fact.objects.filter(kind="case.opened").values_list("quantity", flat=True)) == 0
    with pytest.raises(CaseRefused, match="戻せる手順がありません"):
        work.undo(contract, case.pk, text="x", version=2, key=key(), hand=clerk, now=now)
    other = opened(contract, clerk, now)
    with pytest.raises(CaseRefused, match="終わり方"):
        work.end(contract, other.pk, End.DONE, version=1, key=key(), hand=clerk, now=now)


@pytest.mark.req("DESK-02")
def test_a_booked_person_has_one_open_case_a_procedure(contract: Contract, now: dt.datetime) -> None:
    desk = Desk(contract, now)
    desk.set_up(dt.date(2026, 11, 4), dt.date(2026, 11, 5))
    booked = desk.reserve(at(10), ["card_pickup", "card_pickup"])
    clerk = hand(contract)
    site = contract.profile.sites[0].code

    def open_for(position: int, code: str = booked.code) -> Case:
        visit = work.Visit(site, booking=code, position=position)
        return opened(contract, clerk, now, "issuance_at_delivery", "card_pickup", visit)

    case = open_for(1)
    assert (case.booking.code, case.position, case.channel) == (booked.code, 1, "web")  # type: ignore[union-attr]
    with pytest.raises(CaseRefused, match="すでに開いて"):
        open_for(1)
    open_for(2)
    with pytest.raises(CaseRefused, match="3人目の方はいません"):
        open_for(3)
    with pytest.raises(CaseRefused, match="予約はありません"):
        open_for(1, "ZZZZZZZZ")
    work.end(contract, case.pk, End.GIVEN_UP, version=1, key=key(), hand=clerk, now=now)
    back = open_for(1)
    with pytest.raises(CaseRefused, match="ほかに開いている"):
        work.undo(contract, case.pk, text="x", version=2, key=key(), hand=clerk, now=now)
    assert [one.case.pk for one in reads.cases_of_booking(contract, back.booking_id or 0)][:2] == [case.pk, back.pk]


@pytest.mark.req("DESK-02")
def test_what_cannot_be_opened_says_why(contract: Contract, now: dt.datetime) -> None:
    clerk, site = hand(contract), work.Visit(contract.profile.sites[0].code)
    for flow, procedure, visit, why in (
        ("dance", "pin_reset", site, "この手続きの流れはありません"), ("pin_reset", "card_pickup", site, "この流れで扱わない"),
        ("pin_reset", "pin_reset", work.Visit("moon"), "この場所では扱わない"),
    ):  # fmt: skip
        with pytest.raises(CaseRefused, match=why):
            opened(contract, clerk, now, flow, procedure, visit)
    assert not Case.objects.exists()


@pytest.mark.req("DESK-02", "SEC-04", "SEC-05")
def test_notes_are_sealed_refuse_the_number_and_are_erased(contract: Contract, now: dt.datetime) -> None:
    clerk = hand(contract)
    case = opened(contract, clerk, now)
    noted = work.note(contract, case.pk, "ひみつの事情", version=1, key=key(), hand=clerk, now=now)
    assert noted.moves == 2
    for text, why in (("番号 1234 5678 9018", "マイナンバー"), ("あ" * 1001, "1,000文字まで"), (" ", "メモを入力")):
        with pytest.raises(CaseRefused, match=why):
            work.note(contract, case.pk, text, version=2, key=key(), hand=clerk, now=now)
    move = Move.objects.get(kind=MoveKind.NOTED)
    assert "ひみつ".encode() not in bytes(move.words or b"")
    listed = reads.case_of(contract, case.pk)
    assert listed is not None and reads.moves_of(contract, listed)[-1].text == "ひみつの事情"
    days = contract.profile.retention.resident_days_after_visit
    assert erase_notes(contract, now + dt.timedelta(days=days)) == 0
    assert erase_notes(contract, now + dt.timedelta(days=days, seconds=1)) == 1
    assert erase_notes(contract, now + dt.timedelta(days=days, seconds=1)) == 0
    assert reads.moves_of(contract, listed)[-1].text == ""
    plain = {field.name for field in (*Case._meta.fields, *Move._meta.fields, *FlowVersion._meta.fields)}
    assert not plain & {"name", "kana", "birth_date", "phone", "pin", "number_of_card"}


@pytest.mark.req("DESK-02")
def test_history_is_a_stack_of_steps() -> None:
    def move(n: int, kind: MoveKind, undoes: int | None = None) -> Move:
        return Move(n=n, kind=kind, undoes=undoes, spent=Spent.WORK, seconds=n)

    moves = [move(1, MoveKind.OPENED), move(2, MoveKind.DONE), move(3, MoveKind.NOTED), move(4, MoveKind.UNDONE, 2)]
    assert history.last_step(moves) is moves[0]
    assert history.last_step([*moves, move(5, MoveKind.INTERRUPTED), move(6, MoveKind.RESUMED)]) is None
    assert history.last_step([*moves, move(5, MoveKind.UNDONE, 1)]) is None
    assert history.spent(moves) == {Spent.WORK: 10}
