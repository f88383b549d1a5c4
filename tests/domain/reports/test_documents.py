"""Reports: what they say is what plain counting says, what was signed stays, and what changed since is told figure by figure."""

from __future__ import annotations

import copy
import datetime as dt
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from madoguchi.domain.reports import tasks
from madoguchi.domain.reports.contents import (
    canonical,
    computed,
    content_of,
    differences,
    digest_of,
    duty_of,
    figures_in,
    mistakes,
    unbalanced,
)
from madoguchi.domain.reports.enums import Answer, State
from madoguchi.domain.reports.erasers import erase_words
from madoguchi.domain.reports.errors import ReportRefused
from madoguchi.domain.reports.events import accepted
from madoguchi.domain.reports.measures import MEASURES
from madoguchi.domain.reports.models import CorrectionRequest, Report
from madoguchi.domain.reports.periods import Period, due_on, month_of
from madoguchi.domain.reports.services import documents as deeds
from madoguchi.domain.reports.services import requests
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.audit import queries as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog.models import Fact
from madoguchi.ground.worklog.services import note, note_all

from . import brute
from .test_figures import KINDS, OUTCOMES, SECONDS

pytestmark = pytest.mark.req("REP-01", "REP-02", "REP-03")
OCTOBER = Period(dt.date(2026, 10, 1), dt.date(2026, 10, 31))
PHONE = SYSTEM.through(Channel.PHONE)


@pytest.fixture
def manager(contract: Contract) -> User:
    return member(contract, Role.MANAGER)


def member(contract: Contract, role: Role) -> User:
    user = User.objects.create_user(f"{role}@example.jp", None, name=f"{role.label} 花子")
    Assignment.objects.create(user=user, contract=contract, role=role)
    return user


def call(contract: Contract, day: int = 5, outcome: str = "answered") -> None:
    at = dt.datetime(2026, 10, day, 10, 0, tzinfo=JST)
    note(contract, "call.ended", by=PHONE, now=at, ref="call:1", outcome=outcome, wait_seconds=5, handle_seconds=60)


def written(contract: Contract, report: Report, user: User, by: Actor, now: dt.datetime) -> Report:
    """The report with every text that a person has to write."""
    for passage in content_of(contract, report)["passages"]:
        if not passage["text"]:
            deeds.write(contract, report.pk, passage["code"], "特になし", user=user, by=by, now=now)
    return report


def signed(contract: Contract, user: User, by: Actor, now: dt.datetime) -> Report:
    report = written(contract, deeds.make(contract, "monthly", OCTOBER.first, by=by, now=now), user, by, now)
    return deeds.sign(contract, report.pk, user=user, by=by, now=now)


def submitted(contract: Contract, user: User, by: Actor, now: dt.datetime) -> Report:
    return deeds.submit(contract, signed(contract, user, by, now).pk, user=user, by=by, now=now)


def test_every_table_of_every_contract_can_be_made(contracts: dict[str, Contract]) -> None:
    kinds = {}
    for code, contract in contracts.items():
        assert mistakes(contract.profile) == []
        kinds[code] = {one.code for one in contract.profile.reports if one.period}
        for duty in contract.profile.reports:
            if duty.period:
                with contract_scope(contract):
                    content = computed(contract, duty, OCTOBER)
                assert json.loads(canonical(content)) == content
    both, month = {"daily", "monthly"}, {"monthly"}
    assert kinds == {"hatsukaichi": both, "nagaoka": both, "izumi": month, "izunokuni": month, "urasoe": month}


@st.composite
def october_facts(draw: st.DrawFn, contract: Contract) -> list[Fact]:
    """Facts of October 2026 and a day on both sides, in every kind, place, channel and outcome."""
    start = dt.datetime(2026, 9, 30, tzinfo=JST)
    sites = ["", *(site.code for site in contract.profile.sites)]
    procedures = ["", "gone", *(one.code for one in contract.profile.procedures)]
    return [
        Fact(
            contract=contract, at=start + dt.timedelta(minutes=draw(st.integers(0, 33 * 1440 - 1))), kind=draw(st.sampled_from(KINDS)),
            site=draw(st.sampled_from(sites)), channel=draw(st.sampled_from(["web", "phone", "counter"])), outcome=draw(st.sampled_from(OUTCOMES)),
            procedure=draw(st.sampled_from(procedures)), actor_kind="counter", language=draw(st.sampled_from(["ja", "vi", ""])),
            quantity=draw(st.sampled_from([1, 1, 3, 0, -1])), wait_seconds=draw(SECONDS), handle_seconds=draw(SECONDS), ref="case:1",
        ) for _ in range(draw(st.integers(0, 30)))
    ]  # fmt: skip


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_every_figure_of_a_monthly_report_is_what_plain_counting_says(contracts: dict[str, Contract], data: st.DataObject) -> None:
    contract = contracts[data.draw(st.sampled_from(sorted(contracts)))]
    duty = duty_of(contract.profile, "monthly")
    assert duty is not None
    with contract_scope(contract):
        Fact.objects.all().delete()
        note_all(data.draw(october_facts(contract)))
        facts = brute.within(Fact.objects.all(), OCTOBER.first, OCTOBER.last)
        content = computed(contract, duty, OCTOBER)
    places = set()
    for place, column, cell in figures_in(content):
        measure, by, key = place
        counted = [one for one in facts if not by or brute.value_of(one, by) == key]
        value, top, bottom = brute.said(MEASURES[measure], counted)
        assert (cell["value"], cell["top"], cell["bottom"]) == (value, top, bottom), (place, column)
        places.add(place)
    for section in duty.sections:
        for measure in section.measures:
            found = brute.by(MEASURES[measure], facts, [section.by]) if section.by else {}
            assert {(measure, section.by, key[0]) for key in found} <= places, "no row is missing"


def test_the_hash_is_stable_and_names_the_very_content(contract: Contract, manager: User, official: Actor, now: dt.datetime) -> None:
    call(contract)
    report = signed(contract, manager, official, now)
    kept = Report.objects.get(pk=report.pk)
    assert digest_of(kept.content) == kept.digest == report.digest
    shuffled = json.loads(json.dumps(dict(reversed(list(kept.content.items())))))
    assert digest_of(shuffled) == kept.digest
    shuffled["sections"][0]["totals"][0]["value"] = 1_000_000
    assert digest_of(shuffled) != kept.digest
    assert [one.detail["sha256"] for one in audit.search(action="report.signed")] == [kept.digest]


def test_a_fact_that_comes_after_the_submission_is_told_and_changes_nothing(contract: Contract, manager: User, official: Actor, now: dt.datetime) -> None:
    call(contract)
    report = submitted(contract, manager, official, now)
    before = copy.deepcopy(Report.objects.get(pk=report.pk).content)
    assert deeds.notice_changes(contract, since=OCTOBER.first, by=SYSTEM, now=now) == 0
    call(contract, day=9, outcome="abandoned")
    assert deeds.notice_changes(contract, since=OCTOBER.first, by=SYSTEM, now=now) == 1
    assert deeds.notice_changes(contract, since=OCTOBER.first, by=SYSTEM, now=now) == 0
    kept = Report.objects.get(pk=report.pk)
    assert kept.content == before
    live, drift = deeds.changed_since(contract, kept)
    found = {one.place: one.told for one in differences(before, live, corrected=False)}
    assert found == {
        ("calls", "", ""): ("1", "2"), ("calls_in_hours", "", ""): ("1", "2"), ("calls_abandoned", "", ""): ("0", "1"),
        ("answer_rate", "", ""): ("100.0%", "50.0%"), ("answered_in_20", "", ""): ("100.0%", "50.0%"), ("calls", "day", "2026-10-09"): ("0", "1"),
        ("calls_abandoned", "day", "2026-10-09"): ("0", "1"), ("answer_rate", "day", "2026-10-09"): ("―", "0.0%"), ("calls", "language", ""): ("1", "2"),
    }  # fmt: skip
    assert (drift, kept.drift) == (len(found), len(found))
    again = deeds.issue_again(contract, report.pk, reason="着信が1件遅れて届いたため", by=official, now=now)
    assert (again.version, again.state, Report.objects.get(pk=report.pk).state) == (2, State.DRAFT, State.REPLACED)
    written(contract, again, manager, official, now)
    second = deeds.sign(contract, again.pk, user=manager, by=official, now=now)
    assert len(differences(before, second.content, corrected=True)) == len(found)


def test_a_correction_shows_both_values_and_is_carried_over_while_it_fits(contract: Contract, manager: User, official: Actor, now: dt.datetime) -> None:
    call(contract)
    report = deeds.make(contract, "monthly", OCTOBER.first, by=SYSTEM, now=now)
    doer = {"user": manager, "by": official, "now": now}
    for value in (3, 4):
        deeds.correct(contract, report.pk, ("calls", "", ""), value, reason="停電中の2件", **doer)
    deeds.correct(contract, report.pk, ("enquiries", "", ""), 7, reason="紙の記録", **doer)
    deeds.correct(contract, report.pk, ("answer_rate", "", ""), 1.0, reason="同じ値は訂正ではない", **doer)
    content = content_of(contract, report)
    cells = {place: cell for place, _, cell in figures_in(content)}
    assert cells["calls", "", ""]["value"] == 1
    assert cells["calls", "", ""]["corrected"] == {
        "value": 4, "reason": "停電中の2件", "by": "業務責任者 花子", "at": now.isoformat(timespec="seconds"),
    }  # fmt: skip
    assert "corrected" not in cells["answer_rate", "", ""]
    assert ("電話の状況（日ごと）", "着信", 1, 4) in unbalanced(content)
    for place, value, words in (
        (("calls", "", ""), 1.5, "整数"), (("answer_rate", "", ""), 2, "0から100"), (("tickets", "", ""), 1, "この報告書にありません"),
        (("calls", "", ""), float("nan"), "数字を入力"),
    ):  # fmt: skip
        with pytest.raises(ReportRefused, match=words):
            deeds.correct(contract, report.pk, place, value, reason="理由", **doer)
    with pytest.raises(ReportRefused, match="理由を入力"):
        deeds.correct(contract, report.pk, ("calls", "", ""), 5, reason=" ", **doer)
    written(contract, report, manager, official, now)
    deeds.sign(contract, report.pk, **doer)
    deeds.submit(contract, report.pk, **doer)
    call(contract)
    following = deeds.send_back(contract, report.pk, comments="着信の数を確かめてください。", **doer)
    cells = {place: cell for place, _, cell in figures_in(content_of(contract, following))}
    assert "corrected" not in cells["calls", "", ""], "the computed value is another one now"
    assert cells["enquiries", "", ""]["corrected"]["value"] == 7
    assert not [one for one in content_of(contract, following)["passages"] if not one["text"]]


def test_the_way_of_a_report_and_who_hears_of_its_end(contract: Contract, manager: User, official: Actor, now: dt.datetime) -> None:
    heard: list[Period] = []
    doer = {"user": manager, "by": official, "now": now}
    report = deeds.make(contract, "monthly", dt.date(2026, 10, 17), by=SYSTEM, now=now)
    with pytest.raises(ReportRefused, match="もうあります"):
        deeds.make(contract, "monthly", OCTOBER.first, by=SYSTEM, now=now)
    with pytest.raises(ReportRefused, match="問合せ内容"):
        deeds.sign(contract, report.pk, **doer)
    for deed in (deeds.submit, deeds.accept):
        with pytest.raises(ReportRefused, match="下書き"):
            deed(contract, report.pk, **doer)
    written(contract, report, manager, official, now)
    with pytest.raises(ReportRefused, match="役割"):
        deeds.sign(contract, report.pk, user=member(contract, Role.SUPERVISOR), by=official, now=now)
    deeds.sign(contract, report.pk, **doer)
    for refused in (
        lambda: deeds.correct(contract, report.pk, ("calls", "", ""), 3, reason="遅い", **doer),
        lambda: deeds.write(contract, report.pk, "summary", "遅い", **doer),
        lambda: deeds.sign(contract, report.pk, **doer),
    ):
        with pytest.raises(ReportRefused, match="確定"):
            refused()
    deeds.submit(contract, report.pk, **doer)

    def hear(sender: object, *, period: Period, **_: object) -> None:
        heard.append(period)

    accepted.connect(hear)
    try:
        deeds.accept(contract, report.pk, comments="確かめました。", **doer)
    finally:
        accepted.disconnect(hear)
    assert heard == [OCTOBER]
    with pytest.raises(ReportRefused, match="合格"):
        deeds.send_back(contract, report.pk, comments="やはり", **doer)
    again = deeds.issue_again(contract, report.pk, reason="遅れて届いた記録", by=official, now=now)
    assert Report.objects.get(pk=report.pk).state == State.ACCEPTED
    with pytest.raises(ReportRefused, match="もっと新しい版"):
        deeds.issue_again(contract, report.pk, reason="もう一度", by=official, now=now)
    assert again.version == 2
    with pytest.raises(ReportRefused, match="終わっていません"):
        deeds.sign(contract, deeds.make(contract, "monthly", now.date(), by=SYSTEM, now=now).pk, **doer)
    with pytest.raises(ReportRefused, match="始まっていない"):
        deeds.make(contract, "daily", now.date() + dt.timedelta(days=1), by=SYSTEM, now=now)


def test_the_worker_makes_what_is_owed_once(contract: Contract, contracts: dict[str, Contract], now: dt.datetime) -> None:
    """Monday 2 November: the open days of the week before (Tuesday 27th to Friday 30th, and Monday 26th), and October."""
    owed = [(code, period.first.isoformat()) for code, period in tasks.due_to_make(contract, now.date())]
    assert ("monthly", "2026-10-01") in owed
    assert [day for code, day in owed if code == "daily"] == ["2026-10-26", "2026-10-27", "2026-10-28", "2026-10-29", "2026-10-30"]
    made = tasks.make_reports(now)
    assert made == 2 * 6 + 3
    assert tasks.make_reports(now) == 0
    assert Report.objects.filter(state=State.DRAFT).count() == 6
    assert [one.actor_kind for one in audit.search(action="report.made")][:1] == ["system"]


def test_days_by_which_reports_are_due(contracts: dict[str, Contract]) -> None:
    due = {code: next(one.due for one in contract.profile.reports if one.code == "monthly") for code, contract in contracts.items()}
    assert due_on(due["izumi"], month_of(dt.date(2026, 11, 15))) == dt.date(2026, 12, 10)
    assert due_on(due["izumi"], month_of(dt.date(2027, 3, 1))) == dt.date(2027, 3, 31)
    daily = next(one.due for one in contracts["nagaoka"].profile.reports if one.code == "daily")
    assert due_on(daily, Period(dt.date(2026, 11, 2), dt.date(2026, 11, 2))) == dt.date(2026, 11, 3)


@pytest.mark.req("REP-07")
def test_a_request_is_sealed_answered_once_and_erased(contract: Contract, manager: User, official: Actor, now: dt.datetime) -> None:
    city = member(contract, Role.CITY)
    made = requests.ask(contract, "case:5", "山田さんの手続きが、更新ではなく交付です。", user=city, by=official, now=now)
    assert "山田".encode() not in bytes(CorrectionRequest.objects.get(pk=made.pk).words)
    for ref, words, why in (("case", "x", "種類と番号"), ("case:5", " ", "どこを"), ("case:5", "番号は 123456789018 です", "12桁")):
        with pytest.raises(ReportRefused, match=why):
            requests.ask(contract, ref, words, user=city, by=official, now=now)
    requests.answer(contract, made.pk, Answer.CORRECTED, "案件を直しました。", user=manager, by=official, now=now)
    with pytest.raises(ReportRefused, match="もう回答"):
        requests.answer(contract, made.pk, Answer.DECLINED, "しません", user=manager, by=official, now=now)
    kept = CorrectionRequest.objects.get(pk=made.pk)
    assert requests.words_of(contract, kept) == ("山田さんの手続きが、更新ではなく交付です。", "案件を直しました。")
    assert erase_words(contract, now + dt.timedelta(days=10)) == 0
    assert erase_words(contract, now + dt.timedelta(days=4000)) == 1
    assert "消去しました" in requests.words_of(contract, CorrectionRequest.objects.get(pk=made.pk))[0]
