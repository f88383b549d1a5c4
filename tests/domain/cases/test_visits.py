"""Visits and cases as one: opened when the party sits down, done before the procedure counts, settled when the visit is over; the card out of the stock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.domain.cards.enums import State as CardState
from madoguchi.domain.cards.services.stock import link
from madoguchi.domain.cases.enums import End, MoveKind, Pause, State
from madoguchi.domain.cases.errors import CaseRefused
from madoguchi.domain.cases.hands import Hand
from madoguchi.domain.cases.models import Case, Move
from madoguchi.domain.cases.queries import cases as reads
from madoguchi.domain.cases.queries.flows import offered_flows, usual_flows, worked
from madoguchi.domain.cases.services import visits, work
from madoguchi.domain.reception.enums import Outcome
from madoguchi.domain.reception.errors import ReceptionRefused
from madoguchi.domain.reception.models import Ticket
from madoguchi.domain.reception.services import day, paper, tickets, windows
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog.models import Fact
from tests.domain.cards.people import Stock, numbers
from tests.web.staff_site import TUESDAY_10, book

from .counter import MINUTE, hand, key, step, walk

FAMILY = (("山田 太郎", "ヤマダ タロウ", "1980-01-02"), ("山田 花子", "ヤマダ ハナコ", "1982-03-04"))


@dataclass
class Window:
    """Window 1 of a contract and who sits there; deeds in short."""

    contract: Contract
    now: dt.datetime
    clerk: Hand
    city: Hand
    groups: tuple[str, ...]
    site: str
    own: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.own = {"site": self.site, "number": 1, "user": self.clerk.member, "by": self.clerk.by}
        windows.open_window(self.contract, groups=self.groups, key=key(), now=self.now, **self.own)

    def come(self, booking: str = "", people: int = 0, **parts: int) -> Ticket:
        self.now += MINUTE
        return tickets.issue(
            self.contract, site=self.site, parts=parts, people=people, booking=booking, key=key(), by=self.clerk.by, now=self.now
        )  # fmt: skip

    def do(self, verb: Any, **values: Any) -> Any:
        self.now += MINUTE
        return verb(self.contract, **self.own, key=key(), now=self.now, **values)

    def serve(self) -> Ticket:
        """Call the next party and begin."""
        self.do(windows.call_next)
        found: Ticket = self.do(windows.begin)
        return found

    def cases(self, ticket: Ticket) -> list[Case]:
        with contract_scope(self.contract):
            return list(Case.objects.select_related("procedure", "owner", "card").filter(ticket=ticket).order_by("id"))

    def walk(self, case: Case, **values: Any) -> Case:
        self.now += 30 * MINUTE
        return walk(self.contract, case, self.clerk, self.city, self.now - 30 * MINUTE, **values)


def window_of(contract: Contract, now: dt.datetime) -> Window:
    set_up(contract, now=now)
    assert contract.profile.reception is not None
    site = contract.profile.sites[0].code
    groups = tuple(group.code for group in contract.profile.reception.groups_at(site))
    return Window(contract, now, hand(contract), hand(contract, Role.CITY), groups, site)


@pytest.fixture
def window(contracts: dict[str, Contract], now: dt.datetime) -> Iterator[Window]:
    """廿日市市: a counter without a stock of cards."""
    availability.forget()
    yield window_of(contracts["hatsukaichi"], now)
    availability.forget()


@pytest.mark.req("DESK-01", "DESK-02", "DESK-07")
def test_a_party_that_sits_down_has_its_cases_and_is_done_when_they_are(window: Window) -> None:
    window.come(card_pickup=2, pin_reset=1)
    ticket = window.serve()
    first, second, third = window.cases(ticket)
    assert [case.procedure.code for case in (first, second, third)] == ["card_pickup", "card_pickup", "pin_reset"]
    assert (first.owner, second.owner, third.owner) == (window.clerk.user, None, None)
    with pytest.raises(ReceptionRefused, match="終わっていません（ほか1件）"):
        window.do(windows.finish, procedures=["card_pickup"])
    window.walk(first)
    with pytest.raises(ReceptionRefused, match=f"案件{second.pk}が終わっていません。"):
        window.do(windows.finish, procedures=["card_pickup"])
    window.walk(second)
    window.do(windows.finish, procedures=["card_pickup"])
    with contract_scope(window.contract):
        served = Fact.objects.get(kind="reception.served")
        ended = Fact.objects.filter(kind="case.ended", procedure="card_pickup", outcome="done")
        assert served.quantity == ended.count() == 2
    window.walk(third)
    done = window.do(windows.finish, procedures=["pin_reset"])
    assert done.outcome == Outcome.SERVED
    assert {case.outcome for case in window.cases(ticket)} == {End.DONE}


@pytest.mark.req("DESK-02")
def test_a_booked_family_has_a_case_for_each_person_and_fewer_people_are_asked_who(window: Window) -> None:
    code = book(window.contract, names=FAMILY, now=window.now).code
    window.now = TUESDAY_10 - 5 * MINUTE
    family = window.come(booking=code)
    window.serve()
    assert [(case.position, case.channel) for case in window.cases(family)] == [(1, "web"), (2, "web")]
    window.do(windows.end_visit, outcome=Outcome.LEFT)
    fewer = window.come(booking=code, card_pickup=1)
    window.serve()
    assert window.cases(fewer) == []
    visit = work.Visit(window.site, booking=code, position=2, ticket=fewer)
    made = work.open_case(window.contract, "issuance_at_delivery", "card_pickup", visit, key=key(), hand=window.clerk, now=window.now)
    assert [case.pk for case in window.cases(fewer)] == [made.pk]


@pytest.mark.req("DESK-02")
def test_while_the_city_examines_others_are_served_and_the_party_goes_on_with_its_case(window: Window) -> None:
    ticket = window.come(card_pickup=1)
    window.serve()
    (case,) = window.cases(ticket)
    window.walk(case, until="examine")
    window.do(windows.hold)
    with contract_scope(window.contract):
        assert reads.standing_of([ticket.pk]) == {ticket.pk: (1, 0)}
    step(window.contract, case, window.city, "approve", window.now)
    with contract_scope(window.contract):
        assert reads.standing_of([ticket.pk]) == {ticket.pk: (0, 1)}
    window.do(windows.call_this, ticket=ticket.pk)
    window.do(windows.begin)
    assert [one.pk for one in window.cases(ticket)] == [case.pk]
    window.walk(case)
    assert window.do(windows.finish, procedures=["card_pickup"]).outcome == Outcome.SERVED


@pytest.mark.req("DESK-02")
def test_a_case_at_the_city_does_not_hold_the_party_back(window: Window) -> None:
    ticket = window.come(card_pickup=1)
    window.serve()
    (case,) = window.cases(ticket)
    window.walk(case, until="examine")
    assert window.do(windows.finish, procedures=["card_pickup"]).outcome == Outcome.SERVED
    assert window.cases(ticket)[0].state == State.ACTIVE


@pytest.mark.req("DESK-02")
def test_who_leaves_leaves_no_case_open(window: Window) -> None:
    for outcome, end in ((Outcome.LEFT, End.GIVEN_UP), (Outcome.REFERRED, End.MOVED)):
        ticket = window.come(card_pickup=1, pin_reset=1)
        window.serve()
        window.do(windows.end_visit, outcome=outcome)
        assert {case.outcome for case in window.cases(ticket)} == {end}
    away = window.come(card_pickup=1)
    window.serve()
    window.do(windows.hold)
    window.do(windows.call_this, ticket=away.pk)
    window.do(windows.missed)
    window.do(windows.call_next)
    day.close_day(window.contract, site=window.site, no_shows=False, key=key(), by=window.clerk.by, now=window.now)
    (case,) = window.cases(away)
    with contract_scope(window.contract):
        last = Move.objects.filter(case=case).order_by("-n")[0]
    assert (case.state, last.pause) == (State.INTERRUPTED, Pause.PERSON)


@pytest.mark.req("DESK-02")
def test_a_case_of_another_day_goes_on_in_todays_visit(window: Window) -> None:
    ticket = window.come(pin_reset=1)
    window.serve()
    (old,) = window.cases(ticket)
    step(window.contract, old, window.clerk, "next", window.now)
    with contract_scope(window.contract):
        old = Case.objects.get(pk=old.pk)
    work.interrupt(window.contract, old.pk, Pause.DOCUMENTS, version=old.moves, key=key(), hand=window.clerk, now=window.now)
    window.do(windows.finish, procedures=["pin_reset"])
    back = window.come(pin_reset=1)
    window.serve()
    (today,) = window.cases(back)
    with pytest.raises(CaseRefused, match="中断中ではありません"):
        visits.go_on(window.contract, back, today.pk, key=key(), hand=window.clerk, now=window.now)
    with pytest.raises(CaseRefused, match="案件はありません"):
        visits.go_on(window.contract, back, 0, key=key(), hand=window.clerk, now=window.now)
    visits.go_on(window.contract, back, old.pk, key="again", hand=window.clerk, now=window.now)
    visits.go_on(window.contract, back, old.pk, key="again", hand=window.clerk, now=window.now)
    assert [(case.pk, case.state, case.outcome) for case in window.cases(back)] == [(old.pk, State.ACTIVE, ""), (today.pk, State.ENDED, End.VOID)]
    window.walk(old)
    assert window.do(windows.finish, procedures=["pin_reset"]).outcome == Outcome.SERVED
    with contract_scope(window.contract):
        assert sum(Fact.objects.filter(kind="case.opened").values_list("quantity", flat=True)) == 1
        assert list(Move.objects.filter(case=old, kind=MoveKind.RESUMED).values_list("ticket_id", flat=True)) == [back.pk]


@pytest.mark.req("DESK-02", "DESK-03")
def test_the_card_leaves_the_stock_in_the_case_and_comes_back_with_it(contracts: dict[str, Contract], now: dt.datetime) -> None:
    contract = contracts["nagaoka"]
    availability.forget()
    window = window_of(contract, now)
    stock = Stock(contract)
    mine, other, early = numbers(3)
    stock.told(mine, other)
    stock.arrive(early)
    ticket = window.come(card_pickup=1)
    window.serve()
    (case,) = window.cases(ticket)
    window.walk(case, until="issue")
    at = window.now
    with pytest.raises(CaseRefused, match="管理番号を読み取って"):
        step(contract, case, window.clerk, "next", at)
    with pytest.raises(CaseRefused, match="交付できるのは"):
        step(contract, case, window.clerk, "next", at, card=early)
    with pytest.raises(CaseRefused, match="登録されていません"):
        step(contract, case, window.clerk, "next", at, card="R08-77777")
    step(contract, case, window.clerk, "next", at, card=mine.lower())
    assert (stock.states()[mine], stock.states()[other]) == (CardState.ISSUED, CardState.NOTIFIED)
    assert window.cases(ticket)[0].card == stock.card(mine)
    work.undo(contract, case.pk, text="別の方のカードだった", version=window.cases(ticket)[0].moves, key=key(), hand=window.clerk, now=at)
    assert (stock.states()[mine], window.cases(ticket)[0].card) == (CardState.NOTIFIED, None)
    step(contract, case, window.clerk, "next", at, card=other)
    window.walk(case)
    with contract_scope(contract):
        issued = sum(Fact.objects.filter(kind="card.issued").values_list("quantity", flat=True))
        assert issued == Fact.objects.filter(kind="case.ended", outcome="done", procedure="card_pickup").count() == 1
    availability.forget()


@pytest.mark.req("DESK-03")
def test_a_card_of_another_reservation_is_not_given_and_one_from_outside_is_said_so(contracts: dict[str, Contract], now: dt.datetime) -> None:
    contract = contracts["nagaoka"]
    availability.forget()
    window = window_of(contract, now)
    stock = Stock(contract)
    (theirs,) = numbers(1)
    stock.told(theirs)
    code = book(contract, now=now).code
    link(contract, theirs, code=code, **stock.who("worker"))  # type: ignore[arg-type]
    ticket = window.come(card_pickup=1)
    window.serve()
    (case,) = window.cases(ticket)
    window.walk(case, until="issue")
    with pytest.raises(CaseRefused, match="別の予約の方のカード"):
        step(contract, case, window.clerk, "next", window.now, card=theirs)
    step(contract, case, window.clerk, "next", window.now, outside=True)
    assert (window.cases(ticket)[0].card, stock.states()[theirs]) == (None, CardState.NOTIFIED)
    availability.forget()


@pytest.mark.req("SEC-06", "DESK-02", "DESK-03")
def test_what_was_done_without_the_system_is_recorded_and_the_card_said_afterwards(contracts: dict[str, Contract], now: dt.datetime) -> None:
    contract = contracts["nagaoka"]
    availability.forget()
    window = window_of(contract, now)
    stock = Stock(contract)
    (number,) = numbers(1)
    stock.told(number)
    ticket = window.come(card_pickup=1)
    window.serve()
    assert window.do(windows.finish, procedures=["card_pickup"], told_later=True).outcome == Outcome.SERVED
    (case,) = window.cases(ticket)
    assert (case.outcome, case.card) == (End.DONE, None)
    with contract_scope(contract):
        assert work.lacks_card(contract, case, worked(contract, case.flow))
    done = work.record_card(contract, case.pk, number, version=case.moves, key=key(), hand=window.clerk, now=window.now)
    assert (done.card, stock.states()[number]) == (stock.card(number), CardState.ISSUED)
    with pytest.raises(CaseRefused, match="記録するカードはありません"):
        work.record_card(contract, case.pk, number, version=done.moves, key=key(), hand=window.clerk, now=window.now)
    back = work.undo(contract, case.pk, text="別の方だった", version=done.moves, key=key(), hand=window.clerk, now=window.now)
    assert (back.state, back.card, stock.states()[number]) == (State.ACTIVE, None, CardState.NOTIFIED)
    with contract_scope(contract):
        assert not any(sum(Fact.objects.filter(kind=kind).values_list("quantity", flat=True)) for kind in ("case.ended", "card.issued"))
    availability.forget()


@pytest.mark.req("SEC-06", "DESK-02")
def test_a_sheet_of_paper_makes_cases_too(window: Window) -> None:
    block = tickets.reserve_block(window.contract, site=window.site, letter="A", device=tickets.PAPER, by=window.clerk.by, now=window.now)
    sheet = paper.Sheet("A", block.first, dt.time(9, 10), dt.time(9, 20), dt.time(9, 40), {"card_pickup": 2, "pin_reset": 1}, Outcome.SERVED)
    later = window.now.replace(hour=15)
    (ticket,) = paper.enter_sheets(
        window.contract, site=window.site, day=window.now.date(), sheets=[sheet], key=key(), by=window.clerk.by, now=later
    )  # fmt: skip
    assert [(case.outcome, case.opened_at.astimezone(JST).time()) for case in window.cases(ticket)] == [(End.DONE, dt.time(9, 20))] * 3
    with contract_scope(window.contract):
        by = {case.pk: Move.objects.filter(case=case).order_by("-n")[0].by for case in window.cases(ticket)}
        assert set(by.values()) == {window.clerk.user}
        assert sum(Fact.objects.filter(kind="case.ended", outcome="done").values_list("quantity", flat=True)) == 3


def test_the_flows_that_profiles_name_are_offered(contracts: dict[str, Contract], now: dt.datetime) -> None:
    for contract in contracts.values():
        with contract_scope(contract):
            flows = {one.flow.code: one.flow.procedures for one in offered_flows(contract, now.date())}
            assert all(code in flows[flow] for code, flow in contract.profile.cases.usual.items()), contract.code
            usual = usual_flows(contract, now.date())
            assert "other" not in usual
            assert usual["card_application"] == "application_support" if contract.profile.reception else True
