"""When lists are due and papers are next destroyed."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.premises.enums import Kind, Standing
from madoguchi.domain.premises.rules import (
    JST,
    Part,
    due_at,
    fiscal_year,
    ledger,
    parts_of_year,
    run_day,
    span_of,
    standing,
)
from madoguchi.ground.contracts.profile import END_OF_DAY

pytestmark = pytest.mark.req("DESK-08")
MONDAY = dt.date(2026, 11, 2)
EIGHT_45, NOON, FIVE_15 = dt.time(8, 45), dt.time(12), dt.time(17, 15)
days = st.dates(dt.date(2025, 1, 1), dt.date(2030, 12, 31))


def at(day: int, hour: int, minute: int) -> dt.datetime:
    return dt.datetime(2026, 11, day, hour, minute, tzinfo=JST)


@pytest.mark.parametrize(
    ("kind", "hours", "due"),
    [
        (Kind.OPENING, [(MONDAY, [(EIGHT_45, FIVE_15)])], at(2, 8, 35)),
        (Kind.OPENING, [(MONDAY, [(EIGHT_45, NOON), (dt.time(13), FIVE_15)])], at(2, 8, 35)),
        (Kind.CLOSING, [(MONDAY, [(EIGHT_45, NOON), (dt.time(13), FIVE_15)])], at(2, 17, 25)),
        (Kind.CLOSING, [(MONDAY, [(EIGHT_45, END_OF_DAY)])], at(3, 0, 10)),
        (Kind.WEEKLY, [(MONDAY, [(EIGHT_45, FIVE_15)]), (MONDAY + dt.timedelta(5), [(EIGHT_45, NOON)]), (MONDAY + dt.timedelta(6), [])], at(7, 12, 10)),
        (Kind.CLOSING, [(MONDAY, [])], None),
        (Kind.WEEKLY, [], None),
    ],
)
def test_a_list_is_due_by_the_hours_of_its_days(kind: Kind, hours, due) -> None:
    assert due_at(kind, 10, hours) == due


@given(st.sampled_from(Kind.values), days)
def test_a_run_holds_each_day_once(kind: str, day: dt.date) -> None:
    first, last = span_of(kind, day)
    assert first <= day <= last
    assert {run_day(kind, first + dt.timedelta(n)) for n in range((last - first).days + 1)} == {run_day(kind, day)} == {first}
    assert run_day(kind, last + dt.timedelta(days=1)) == last + dt.timedelta(days=1)


moments = st.datetimes(dt.datetime(2026, 11, 1), dt.datetime(2026, 11, 3)).map(lambda one: one.replace(tzinfo=JST))


@given(st.none() | moments, st.booleans(), st.none() | moments, moments)
def test_a_standing_says_late_only_beyond_the_time(due, begun, closed, now) -> None:
    found = standing(due, begun=begun, closed_at=closed, now=now)
    assert (found in (Standing.DONE, Standing.DONE_LATE)) == (closed is not None)
    assert (found == Standing.LATE) == (closed is None and due is not None and now > due)
    assert (found == Standing.DONE_LATE) == (closed is not None and due is not None and closed > due)


def test_at_the_very_moment_nothing_is_late() -> None:
    due = at(2, 8, 35)
    assert standing(due, begun=True, closed_at=None, now=due) == Standing.BEGUN
    assert standing(due, begun=False, closed_at=None, now=due) == Standing.COMING
    assert standing(due, begun=True, closed_at=due, now=due) == Standing.DONE
    assert standing(None, begun=False, closed_at=None, now=due) == Standing.NONE


TERM = (dt.date(2026, 7, 1), dt.date(2027, 3, 31))


def test_four_times_a_year_are_three_in_a_term_that_begins_in_july() -> None:
    parts = parts_of_year(dt.date(2026, 11, 2), 4, 4, TERM)
    assert [(part.begins, part.ends) for part in parts] == [
        (dt.date(2026, 7, 1), dt.date(2026, 9, 30)), (dt.date(2026, 10, 1), dt.date(2026, 12, 31)), (dt.date(2027, 1, 1), dt.date(2027, 3, 31)),
    ]  # fmt: skip
    assert ledger(parts, 1, dt.date(2026, 11, 2)).due_on == dt.date(2026, 12, 31)
    assert not ledger(parts, 1, dt.date(2026, 12, 31)).late
    assert ledger(parts, 1, dt.date(2027, 1, 1)).late
    assert ledger(parts, 3, dt.date(2027, 3, 31)).due_on is None
    assert ledger(parts, 5, dt.date(2027, 3, 31)).due_on is None


@given(days, st.integers(1, 12), st.integers(1, 40))
def test_the_parts_of_a_year_are_the_year(day: dt.date, month: int, times: int) -> None:
    begins, ends = fiscal_year(day, month)
    assert begins <= day <= ends
    assert (begins.month, begins.day) == (month, 1)
    parts = parts_of_year(day, month, times, (dt.date.min, dt.date.max))
    assert len(parts) == min(times, 12)
    assert (parts[0].begins, parts[-1].ends) == (begins, ends)
    for before, after in pairwise(parts):
        assert before.ends + dt.timedelta(days=1) == after.begins


@given(days, st.integers(1, 12), st.integers(1, 12), days, st.integers(0, 900), st.integers(0, 14))
def test_whoever_is_in_time_is_never_late_and_every_time_more_moves_the_date_on(day, month, times, first, length, done) -> None:
    term = (first, first + dt.timedelta(days=length))
    parts = parts_of_year(day, month, times, term)
    assert all(part.begins <= term[1] and part.ends >= term[0] for part in parts)
    now, later = ledger(parts, done, day), ledger(parts, done + 1, day)
    assert now.late == (now.due_on is not None and day > now.due_on)
    assert later.due_on is None or (now.due_on is not None and now.due_on < later.due_on)
    passed = sum(part.ends < day for part in parts)
    assert now.late == (done < passed)


def test_a_part_is_both_days_inclusive() -> None:
    assert ledger([Part(MONDAY, MONDAY)], 0, MONDAY).late is False
