"""What "next week" means on a day."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.booking.periods import Period, span
from madoguchi.domain.booking.selection import Selection
from madoguchi.ground.contracts.models import CalendarOverride, Contract
from madoguchi.ground.contracts.queries import business_days, next_business_day

pytestmark = pytest.mark.req("BOOK-10")
MONDAY = dt.date(2026, 11, 30)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def tomorrow(after: dt.date) -> dt.date:
    return after + dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("today", "2026-11-30", "2026-11-30"),
        ("tomorrow", "2026-12-01", "2026-12-01"),
        ("next_open", "2026-12-01", "2026-12-01"),
        ("yesterday", "2026-11-29", "2026-11-29"),
        ("next_7", "2026-11-30", "2026-12-06"),
        ("this_week", "2026-11-30", "2026-12-06"),
        ("next_week", "2026-12-07", "2026-12-13"),
        ("last_week", "2026-11-23", "2026-11-29"),
        ("this_month", "2026-11-01", "2026-11-30"),
        ("next_month", "2026-12-01", "2026-12-31"),
        ("last_month", "2026-10-01", "2026-10-31"),
    ],
)
def test_on_a_monday_that_ends_a_month(period: str, first: str, last: str) -> None:
    assert span(Period(period), MONDAY, tomorrow) == (day(first), day(last))


@given(st.dates(dt.date(1900, 1, 1), dt.date(2190, 12, 31)))
def test_weeks_and_months_follow_each_other_without_gap(today: dt.date) -> None:
    for kinds in (("last_week", "this_week", "next_week"), ("last_month", "this_month", "next_month")):
        spans = [span(Period(kind), today, tomorrow) for kind in kinds]
        assert spans[1][0] <= today <= spans[1][1]
        assert [tomorrow(last) for _, last in spans[:2]] == [first for first, _ in spans[1:]]


def test_the_next_business_day_passes_holidays_and_closures(contract: Contract, now: dt.datetime) -> None:
    assert next_business_day(contract, day("2026-11-02")) == day("2026-11-04")
    CalendarOverride.objects.create(
        contract=contract, date=day("2026-11-04"), kind="closed", reason="点検", created_at=now, created_by="x"
    )
    assert next_business_day(contract, day("2026-11-02")) == day("2026-11-05")
    days = business_days(contract, day("2026-12-28"), day("2027-01-05"))
    assert days == [day("2026-12-28"), day("2027-01-04"), day("2027-01-05")]


def test_a_selection_moves_with_the_day_and_names_what_is_gone(contract: Contract) -> None:
    kept = Selection(visit="next_open", created="yesterday", procedure="gone", site="main", personal=True)
    assert Selection.of(kept.stored()) == kept
    on = kept.on(contract, day("2026-11-06"))
    assert (on.first, on.last) == (day("2026-11-09"), day("2026-11-09"))
    assert (on.created_first, on.created_last) == (day("2026-11-05"), day("2026-11-05"))
    assert kept.words().startswith("来庁日：次の開庁日・予約した日：昨日・手続き：gone")
    assert kept.faults() == ["手続き「gone」は今はありません。手続きを選び直して、保存し直してください。"]
    alone = Selection(changed="today").on(contract, day("2026-11-06"))
    assert (alone.last - alone.first).days == 800
