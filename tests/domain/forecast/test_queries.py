"""The outlook of a contract: plan, cohorts and what came put together; the past is judged by what was known then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.domain.forecast.models import Cohort
from madoguchi.domain.forecast.queries import Line, Outlook, outlook
from madoguchi.domain.forecast.services import replace_cohorts
from madoguchi.ground.audit import queries as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import business_days
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import CITIZEN_WEB, Actor
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog import services as worklog

pytestmark = [pytest.mark.django_db, pytest.mark.req("REP-08")]
TODAY = dt.date(2026, 11, 2)
JULY, OCTOBER, NOVEMBER, MARCH = (dt.date(2026, m, 1) if m > 3 else dt.date(2027, m, 1) for m in (7, 10, 11, 3))


@pytest.fixture
def izumi(contracts: dict[str, Contract], now: dt.datetime) -> Iterator[Contract]:
    availability.forget()
    set_up(contracts["izumi"], now=now)
    with contract_scope(contracts["izumi"]) as entered:
        yield entered
    availability.forget()


def come(contract: Contract, day: dt.date, procedure: str, people: int, *, minutes: int | None = None) -> None:
    at = dt.datetime.combine(day, dt.time(10), JST)
    worklog.note(contract, "booking.attended", by=CITIZEN_WEB, now=at, ref="booking:1", site="honkan", procedure=procedure, quantity=people)
    for _ in range(30 if minutes else 0):
        worklog.note(
            contract, "reception.served", by=CITIZEN_WEB, now=at, ref="ticket:1", site="honkan", procedure=procedure, handle_seconds=60 * (minutes or 0)
        )


def come_daily(contract: Contract, first: dt.date, last: dt.date, procedure: str, people: int) -> None:
    """As many people on each open day."""
    facts = [
        worklog.fact(
            contract, "booking.attended", by=CITIZEN_WEB, now=dt.datetime.combine(day, dt.time(10), JST), ref="booking:1", procedure=procedure, quantity=people
        ) for day in business_days(contract, first, last)
    ]  # fmt: skip
    worklog.note_all(facts)


def line(found: Outlook, code: str) -> Line:
    return next(one for one in found.lines if one.code == code)


def test_the_annex_alone(izumi: Contract) -> None:
    """14,000 issuances and 22,000 renewals over the open days of nine months, before anybody came."""
    found = outlook(izumi, dt.date(2026, 7, 1))
    assert (found.months[0], found.months[-1], len(found.months)) == (JULY, MARCH, 9)
    cells = line(found, "card_pickup").cells
    assert sum(cell.expected for cell in cells.values()) == pytest.approx(14_000)
    assert sum(cell.expected for cell in line(found, "cert_renewal").cells.values()) == pytest.approx(22_000)
    for cell in cells.values():
        assert cell.band is not None
        assert cell.band.low < cell.expected < cell.band.high
        assert (cell.band.high - cell.band.low) / cell.expected == pytest.approx(2 * 1.28 * 0.25, rel=0.15)
    assert [one.code for one in found.lines] == ["card_pickup", "cert_renewal"]
    assert found.since is None
    assert found == outlook(izumi, dt.date(2026, 7, 1))


def test_what_came_moves_the_level_and_the_past_is_judged_by_what_was_known(izumi: Contract) -> None:
    come_daily(izumi, JULY, dt.date(2026, 10, 31), "card_pickup", 35)
    come_daily(izumi, JULY, dt.date(2026, 10, 31), "pin_reset", 5)
    found = outlook(izumi, TODAY)
    pickup = line(found, "card_pickup")
    assert 0.45 < pickup.level.mean < 0.55
    first, last = pickup.cells[JULY], pickup.cells[OCTOBER]
    assert (first.came, last.came) == (35 * found.days[JULY], 35 * found.days[OCTOBER])
    assert first.before is not None
    assert first.error is not None
    assert first.error > 0.8
    assert last.error is not None
    assert abs(last.error) < 0.1
    assert first.band is None
    assert pickup.cells[MARCH].came is None
    assert pickup.cells[MARCH].band is not None
    assert pickup.cells[MARCH].band.middle == pytest.approx(pickup.cells[MARCH].expected * pickup.level.mean, rel=0.05)
    reset = line(found, "pin_reset")
    assert reset.basis == "history"
    assert reset.cells[JULY].before is None
    assert reset.cells[MARCH].band is not None
    assert reset.cells[MARCH].band.middle == pytest.approx(5 * found.days[MARCH], rel=0.1)


def test_this_month_is_what_came_and_the_rest(izumi: Contract) -> None:
    come_daily(izumi, TODAY, dt.date(2026, 11, 29), "card_pickup", 25)
    found = outlook(izumi, dt.date(2026, 11, 30))
    cell = line(found, "card_pickup").cells[NOVEMBER]
    assert cell.came == 25 * (found.days[NOVEMBER] - 1)
    assert cell.band is not None
    assert cell.came + 15 <= cell.band.low <= cell.band.high <= cell.came + 40


def test_days_that_differ_much_widen_the_band(izumi: Contract) -> None:
    come_daily(izumi, JULY, dt.date(2026, 10, 31), "card_pickup", 35)
    steady = line(outlook(izumi, TODAY), "card_pickup")
    come_daily(izumi, dt.date(2026, 9, 14), dt.date(2026, 9, 25), "card_pickup", 60)
    wild = line(outlook(izumi, TODAY), "card_pickup")
    assert steady.level.spread == 1.0
    assert wild.level.spread > 10
    narrow, wide = steady.cells[MARCH].band, wild.cells[MARCH].band
    assert narrow is not None
    assert wide is not None
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_cohorts_take_the_place_of_the_plan_where_they_reach(izumi: Contract, official: Actor, now: dt.datetime) -> None:
    counts = {("certificate", dt.date(2026, month, 1)): 4000 for month in range(8, 13)} | {("certificate", dt.date(2027, 1, 1)): 4000}
    assert replace_cohorts(izumi, counts, by=official, now=now) == 6
    found = line(outlook(izumi, TODAY), "cert_renewal")
    assert found.basis == "cohorts"
    assert found.cells[OCTOBER].expected == pytest.approx(2800)
    assert found.cells[MARCH].expected == pytest.approx(22_000 * 22 / 181, rel=0.1)
    replace_cohorts(izumi, {("card", OCTOBER): 1}, by=official, now=now)
    assert Cohort.objects.count() == 1
    assert [one.detail["before"] for one in audit.search(action="forecast.cohorts_replaced")] == [6, 0]


def test_places_windows_and_people_follow_from_the_high_side(izumi: Contract) -> None:
    come(izumi, OCTOBER, "card_pickup", 780, minutes=20)
    found = outlook(izumi, TODAY)
    pickup = line(found, "card_pickup")
    assert (pickup.minutes, pickup.measured) == (20.0, True)
    assert line(found, "cert_renewal").measured is False
    (group,) = found.groups
    assert group.names == ("本庁 交付・更新", "本庁 申請・マイナポータル", "出張所 更新・申請")
    assert [need.month for need in group.needs] == list(found.months[-5:])
    for need, staff in zip(group.needs, found.staff, strict=True):
        assert need.proposal.places >= need.places.high / 0.85
        assert need.proposal.missing == need.proposal.places - need.there
        assert staff.people >= staff.minutes.high / staff.days / 360 > staff.people - 1
    assert (group.needs[0].firm, group.needs[-1].firm) == (True, False)
    assert group.needs[-1].there > 0


def test_after_the_end_there_is_nothing_to_expect(izumi: Contract) -> None:
    found = outlook(izumi, dt.date(2027, 4, 1))
    assert (found.months, found.lines) == ((), ())
