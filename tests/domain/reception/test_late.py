"""Deeds of tablets without a connection: done once, at the time they happened; what does not fit stands in question and is never dropped."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass, field
from typing import Any

import pytest

from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.services.change import cancel
from madoguchi.domain.reception.enums import Choice, Clash, LateState, LateVerb, Outcome, Source, Stay
from madoguchi.domain.reception.errors import ReceptionRefused
from madoguchi.domain.reception.models import LateDeed, NumberBlock, Period, Tablet, Ticket, Window
from madoguchi.domain.reception.services import day, late, tablets, windows
from madoguchi.domain.reception.services.late import Sent
from madoguchi.domain.reception.services.tickets import TABLET_FIRST
from madoguchi.ground.worklog.models import Fact
from tests.web.staff_site import book

from .conftest import Counter

pytestmark = pytest.mark.req("SEC-06", "DESK-01")
BROWSER = "a" * 32


@dataclass
class Device:
    """A tablet without a connection: it keeps deeds with its own numbers and sends them when told to."""

    counter: Counter
    tablet: Tablet
    numbers: list[int]
    kept: list[Sent] = field(default_factory=list)
    keys: Any = field(default_factory=itertools.count)

    def do(self, verb: LateVerb, about: str = "", *, at: dt.datetime | None = None, **body: Any) -> str:
        key = f"{self.tablet.name}-{next(self.keys)}"
        self.kept.append(Sent(key, verb, about or key, at or self.counter.now, body))
        return key

    def come(self, **body: Any) -> str:
        usual = {"group": "card", "number": self.numbers.pop(0), "parts": {"card_pickup": 1}, "people": 1, "language": "ja"}
        return self.do(LateVerb.ISSUE, **{**usual, **body})

    def serve(self, about: str, window: int = 1, minutes: int = 10) -> None:
        self.do(LateVerb.CALL, about, window=window)
        self.do(LateVerb.BEGIN, about, window=window)
        self.counter.later(minutes)
        self.do(LateVerb.FINISH, about, window=window, procedures=["card_pickup"])

    def send(self) -> list[LateDeed]:
        user = self.counter.staff[1]
        return [
            row
            for first in range(0, len(self.kept), late.MOST)
            for row in late.take_in(
                self.counter.contract, self.tablet.pk, self.kept[first : first + late.MOST], user=user,
                by=self.counter.actor(user), now=self.counter.now,
            )
        ]  # fmt: skip

    def decide(self, row: LateDeed, choice: Choice) -> LateDeed:
        user = self.counter.staff[1]
        return late.decide(self.counter.contract, row.pk, choice, user=user, by=self.counter.actor(user), now=self.counter.now)


def device(counter: Counter, name: str = "t1") -> Device:
    by = counter.actor(counter.staff[0])
    tablet = tablets.add_tablet(counter.contract, site="main", name=name, by=by, now=counter.now)
    blocks = tablets.meet(counter.contract, tablet, browser=BROWSER, unused={}, kept=0, by=by, now=counter.now)
    numbers = [n for block in blocks if block.letter == "A" for n in range(block.first, block.last + 1)]
    return Device(counter, tablet, numbers)


def states(rows: list[LateDeed]) -> list[str]:
    return [row.state for row in rows]


def test_a_morning_without_a_connection_is_told_afterwards_at_its_own_time(counter: Counter) -> None:
    tablet = device(counter)
    waiting = counter.come()
    nine = counter.now
    counter.later(10)
    first = tablet.come(needs=["sign"], language="en")
    counter.later(5)
    tablet.serve(first, window=2)
    tablet.serve(f"#{waiting.pk}", window=1, minutes=4)
    counter.later(30)
    assert set(states(tablet.send())) == {LateState.DONE}
    ticket = Ticket.objects.get(source=Source.TABLET)
    assert (ticket.issued_at, ticket.entered_at) == (nine + dt.timedelta(minutes=10), counter.now)
    assert (ticket.closed_at, ticket.outcome) == (nine + dt.timedelta(minutes=25), Outcome.SERVED)
    told = [(f.at, f.wait_seconds, f.handle_seconds, f.language) for f in Fact.objects.filter(kind="reception.served", ref=f"ticket:{ticket.pk}")]
    assert told == [(nine + dt.timedelta(minutes=25), 300, 600, "en")]
    assert Ticket.objects.filter(outcome=Outcome.SERVED).count() == 2
    assert not Window.objects.filter(staff__isnull=False).exists(), "windows opened for these deeds alone are closed again"


def test_a_party_on_hold_leaves_its_window_and_is_called_again(counter: Counter) -> None:
    tablet = device(counter)
    nine = counter.now
    first, second = tablet.come(), tablet.come()
    tablet.do(LateVerb.CALL, first, window=1)
    tablet.do(LateVerb.BEGIN, first, window=1)
    counter.later(5)
    tablet.do(LateVerb.HOLD, first, window=1)
    tablet.serve(second, window=1, minutes=10)
    tablet.serve(first, window=2, minutes=3)
    third = tablet.come()
    tablet.do(LateVerb.CALL, third, window=3)
    tablet.do(LateVerb.BEGIN, third, window=3)
    tablet.do(LateVerb.HOLD, third, window=3)
    counter.later(30)
    assert set(states(tablet.send())) == {LateState.DONE}
    one = Ticket.objects.get(number=TABLET_FIRST)
    stays = [(stay.kind, (stay.started_at - nine).total_seconds() / 60) for stay in Period.objects.filter(ticket=one)]
    assert stays == [("wait", 0), ("walk", 0), ("serve", 0), ("hold", 5), ("walk", 15), ("serve", 15)]
    assert (one.outcome, Fact.objects.get(kind="reception.served", ref=f"ticket:{one.pk}").handle_seconds) == (Outcome.SERVED, 8 * 60)
    assert Ticket.objects.get(number=TABLET_FIRST + 2).state == Stay.HOLD
    assert not Window.objects.filter(staff__isnull=False).exists(), "a window that was opened for these deeds alone is free for others"


def test_who_is_called_from_hold_elsewhere_is_asked_about(counter: Counter) -> None:
    tablet = device(counter)
    waiting = counter.come()
    user = counter.staff[1]
    common: dict[str, Any] = {"site": "main", "number": 1, "user": user, "by": counter.actor(user)}
    windows.open_window(counter.contract, groups=["card"], key="o", now=counter.now, **common)
    windows.call_next(counter.contract, key="n", now=counter.now, **common)
    windows.begin(counter.contract, key="b", now=counter.now, **common)
    windows.hold(counter.contract, key="h", now=counter.now, **common)
    counter.later(5)
    tablet.serve(f"#{waiting.pk}", window=2)
    windows.call_this(counter.contract, ticket=waiting.pk, key="t", now=counter.now, **common)
    rows = tablet.send()
    assert states(rows) == [LateState.CLASH, LateState.BEHIND, LateState.BEHIND]
    assert rows[0].clash == Clash.TICKET


def test_a_second_sending_changes_nothing(counter: Counter) -> None:
    tablet = device(counter)
    tablet.serve(tablet.come())
    first = tablet.send()
    facts = Fact.objects.count()
    again = tablet.send()
    assert [row.pk for row in again] == [row.pk for row in first]
    assert (Fact.objects.count(), Ticket.objects.count()) == (facts, 1)


def test_numbers_of_tablets_paper_and_server_never_meet(counter: Counter) -> None:
    one, two = device(counter, "t1"), device(counter, "t2")
    live = [counter.come().number for _ in range(3)]
    assert not {*one.numbers} & {*two.numbers}
    assert not {*one.numbers, *two.numbers} & {*live}
    foreign = one.come(number=two.numbers[0])
    (row,) = one.send()
    assert (row.state, row.clash) == (LateState.CLASH, Clash.NUMBER)
    one.serve(foreign)
    assert states(one.send())[1:] == [LateState.BEHIND] * 3
    assert one.decide(row, Choice.RENUMBER).state == LateState.DONE
    ticket = Ticket.objects.get(pk=LateDeed.objects.get(key=foreign).ticket_id)
    assert ticket.outcome == Outcome.SERVED
    assert ticket.number not in {*one.numbers, *two.numbers}


def test_numbers_last_for_four_hours_are_topped_up_and_no_further(counter: Counter) -> None:
    tablet = device(counter).tablet
    by = counter.actor(counter.staff[0])

    def held(**unused: int) -> dict[str, int]:
        blocks = tablets.meet(counter.contract, tablet, browser=BROWSER, unused=unused, kept=0, by=by, now=counter.now)
        assert min(one.first for one in blocks) == TABLET_FIRST
        return {letter: sum(one.last - one.first + 1 for one in blocks if one.letter == letter) for letter in "AB"}

    # Three windows with services of at least 10 minutes, and one: 72 and 24 parties in four hours, in whole blocks of 20.
    assert held(A=80, B=40) == {"A": 80, "B": 40}
    assert held(A=72, B=24) == {"A": 80, "B": 40}
    assert held(A=71, B=3) == {"A": 100, "B": 80}
    for _ in range(40):
        tablets.meet(counter.contract, tablet, browser=BROWSER, unused={}, kept=0, by=by, now=counter.now)
    assert NumberBlock.objects.filter(device=tablet.device, letter="A").count() == tablets.MOST_BLOCKS
    tablets.revoke_tablet(counter.contract, tablet.pk, by=by, now=counter.now)
    tablet.refresh_from_db()
    counter.later(24 * 60)
    assert tablets.meet(counter.contract, tablet, browser=BROWSER, unused={}, kept=0, by=by, now=counter.now) == []


def test_numbers_of_a_tablet_are_those_of_one_browser_for_the_day(counter: Counter) -> None:
    tablet = device(counter).tablet
    by = counter.actor(counter.staff[0])

    def meets(browser: str) -> list[NumberBlock]:
        found = Tablet.objects.get(pk=tablet.pk)
        return tablets.meet(counter.contract, found, browser=browser, unused={}, kept=0, by=by, now=counter.now)

    other = "b" * 32
    assert meets(other) == []
    assert meets(BROWSER)
    counter.later(24 * 60)
    new = {one.pk for one in meets(other)}
    assert new
    assert meets(BROWSER) == [], "the first one's numbers were yesterday's"
    assert set(NumberBlock.objects.filter(day=counter.now.date()).values_list("pk", flat=True)) == new


def test_a_booking_that_came_elsewhere_is_asked_about(counter: Counter) -> None:
    ten = counter.now.replace(day=10, hour=10)
    code = book(counter.contract, ten, now=counter.now).code
    counter.now = ten
    tablet = device(counter)
    elsewhere = counter.come(booking=code, parts={})
    mine = tablet.come(booking=code)
    tablet.serve(mine)
    rows = tablet.send()
    assert states(rows) == [LateState.CLASH, *[LateState.BEHIND] * 3]
    assert elsewhere.shown in rows[0].message
    with pytest.raises(ReceptionRefused):
        tablet.decide(rows[0], Choice.RENUMBER)
    tablet.decide(rows[0], Choice.SAME)
    elsewhere.refresh_from_db()
    assert elsewhere.outcome == Outcome.SERVED
    assert Ticket.objects.count() == 1
    with pytest.raises(ReceptionRefused, match="すでに"):
        tablet.decide(rows[0], Choice.SAME)


def test_a_booking_cancelled_meanwhile_goes_on_without_it(counter: Counter) -> None:
    ten = counter.now.replace(day=10, hour=10)
    code = book(counter.contract, ten, now=counter.now).code
    counter.now = ten
    tablet = device(counter)
    tablet.serve(tablet.come(booking=code))
    cancel(counter.contract, code, by=counter.actor(counter.staff[0]), now=counter.now, reason="")
    rows = tablet.send()
    assert (rows[0].state, rows[0].clash) == (LateState.CLASH, Clash.BOOKING)
    tablet.decide(rows[0], Choice.WALK_IN)
    ticket = Ticket.objects.get()
    assert (ticket.outcome, ticket.booking_id) == (Outcome.SERVED, None)
    assert Booking.objects.get(code=code).arrived_at is None


def test_a_ticket_called_online_meanwhile_stays_with_the_window(counter: Counter) -> None:
    tablet = device(counter)
    ticket = counter.come()
    tablet.serve(f"#{ticket.pk}", window=2)
    counter.open(1)
    counter.deed(windows.call_next)
    rows = tablet.send()
    assert (rows[0].state, rows[0].clash) == (LateState.CLASH, Clash.TICKET)
    assert "1番窓口" in rows[0].message
    tablet.decide(rows[0], Choice.ASIDE)
    assert set(LateDeed.objects.values_list("state", flat=True)) == {LateState.ASIDE}
    ticket.refresh_from_db()
    assert ticket.state == Stay.WALK
    counter.deed(windows.begin)
    assert counter.deed(windows.finish, procedures=["card_pickup"]).outcome == Outcome.SERVED


def test_a_window_in_use_is_asked_about_and_another_taken(counter: Counter) -> None:
    tablet = device(counter)
    mine = tablet.come()
    tablet.serve(mine, window=1)
    counter.come()
    counter.open(1)
    counter.deed(windows.call_next)
    rows = tablet.send()
    assert states(rows) == [LateState.DONE, LateState.CLASH, LateState.BEHIND, LateState.BEHIND]
    with_choice = tablet.decide(rows[1], Choice.AGAIN)
    assert with_choice.state == LateState.CLASH
    tablet.decide(rows[1], Choice.FREE_WINDOW)
    assert set(LateDeed.objects.values_list("state", flat=True)) == {LateState.DONE}
    ticket = Ticket.objects.get(source=Source.TABLET)
    assert ticket.outcome == Outcome.SERVED
    assert not Period.objects.filter(ticket=ticket, ended_at=None).exists()
    assert Window.objects.get(number=1).staff == counter.staff[0], "who sits at a window stays there"


def test_who_sits_at_a_window_is_who_served_there(counter: Counter) -> None:
    counter.open(1)
    tablet = device(counter)
    tablet.serve(tablet.come(), window=1)
    tablet.send()
    assert Period.objects.get(kind=Stay.SERVE).staff == counter.staff[0]
    assert Window.objects.get(number=1).is_open


def test_a_day_that_is_closed_is_asked_about(counter: Counter) -> None:
    tablet = device(counter)
    first = tablet.come()
    tablet.serve(first)
    counter.now = counter.now.replace(hour=18)
    day.close_day(counter.contract, site="main", no_shows=False, key="c", by=counter.actor(counter.staff[0]), now=counter.now)
    rows = tablet.send()
    assert (rows[0].state, rows[0].clash) == (LateState.CLASH, Clash.DAY)
    tablet.decide(rows[0], Choice.RECORD)
    ticket = Ticket.objects.get()
    assert (ticket.outcome, ticket.issued_at.hour) == (Outcome.SERVED, 0)


def test_the_clock_of_a_tablet_is_held_within_bounds(counter: Counter) -> None:
    tablet = device(counter)
    waiting = counter.come()
    ahead = tablet.come(at=counter.now + dt.timedelta(hours=5))
    tablet.do(LateVerb.CALL, f"#{waiting.pk}", at=counter.now - dt.timedelta(hours=1), window=1)
    rows = tablet.send()
    assert set(states(rows)) == {LateState.DONE}
    assert Ticket.objects.get(pk=LateDeed.objects.get(key=ahead).ticket_id).issued_at == counter.now
    walk = Period.objects.get(ticket=waiting, kind=Stay.WALK)
    assert walk.started_at == waiting.issued_at, "nobody is called before coming"


def test_missed_twice_and_gone_home(counter: Counter) -> None:
    tablet = device(counter)
    one, two = tablet.come(), tablet.come()
    for _ in range(2):
        tablet.do(LateVerb.CALL, one, window=1)
        tablet.do(LateVerb.MISSED, one, window=1)
    tablet.do(LateVerb.CALL, two, window=1)
    tablet.do(LateVerb.BEGIN, two, window=1)
    tablet.do(LateVerb.END, two, window=1, outcome="referred")
    assert set(states(tablet.send())) == {LateState.DONE}
    assert list(Ticket.objects.order_by("number").values_list("outcome", flat=True)) == [Outcome.MISSED, Outcome.REFERRED]


def test_a_deed_that_makes_no_sense_is_kept_and_asked_about(counter: Counter) -> None:
    tablet = device(counter)
    for about in ("nothing", "#999999", "#x"):
        tablet.do(LateVerb.BEGIN, about, window=1)
    tablet.do(LateVerb.ISSUE, number=0, group="card", parts={"card_pickup": 1})
    tablet.do(LateVerb.ISSUE, number=tablet.numbers[0], group="none", parts={"card_pickup": 1})
    rows = tablet.send()
    assert set(states(rows)) == {LateState.CLASH}
    for row in rows:
        tablet.decide(row, Choice.ASIDE)
    assert LateDeed.objects.filter(state=LateState.ASIDE, decided_by=counter.staff[1].name).count() == 5
