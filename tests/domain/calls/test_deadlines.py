"""Due times run in opening time only."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.booking.services.slots import CalendarChange, change_calendar
from madoguchi.domain.calls.enums import Line
from madoguchi.domain.calls.queries.deadlines import callback_due, second_line_due
from madoguchi.domain.calls.rules import office_deadline
from madoguchi.ground.contracts.calendar import BusinessCalendar, Day
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import END_OF_DAY
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST

pytestmark = pytest.mark.req("CALL-04", "CALL-03")
FIRST = dt.date(2026, 12, 1)
MINUTE = dt.timedelta(minutes=1)


@st.composite
def spans(draw: st.DrawFn) -> tuple[tuple[dt.time, dt.time], ...]:
    cuts = sorted(draw(st.sets(st.integers(0, 1440), max_size=6)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return tuple((dt.time(a // 60, a % 60), END_OF_DAY if b == 1440 else dt.time(b // 60, b % 60)) for a, b in pairs)


def opening_minutes(days: list[Day]) -> list[dt.datetime]:
    """The beginning of every minute in which it is open."""
    found = []
    for day in days:
        midnight = dt.datetime.combine(day.date, dt.time(), JST)
        for begin, end in day.intervals:
            last = 1440 if end == END_OF_DAY else end.hour * 60 + end.minute
            found += [midnight + n * MINUTE for n in range(begin.hour * 60 + begin.minute, last)]
    return found


@given(st.lists(spans(), min_size=1, max_size=8), st.integers(0, 1440 * 3), st.integers(1, 1500))
def test_the_deadline_is_so_many_opening_minutes_later_and_never_while_closed(
    hours: list[tuple[tuple[dt.time, dt.time], ...]], later: int, minutes: int
) -> None:
    days = [Day(FIRST + dt.timedelta(days=n), intervals, None, "") for n, intervals in enumerate(hours)]
    start = dt.datetime.combine(FIRST, dt.time(), JST) + later * MINUTE
    due = office_deadline(start, minutes, days)
    ahead = [minute for minute in opening_minutes(days) if minute >= start]
    if len(ahead) < minutes:
        assert due == start + minutes * MINUTE
    else:
        assert sum(minute < due for minute in ahead) == minutes
        assert due - MINUTE in ahead


def jst(month: int, day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2027 if month == 1 else 2026, month, day, hour, minute, tzinfo=JST)


def test_over_a_holiday_a_weekend_and_the_new_year(contract: Contract) -> None:
    calendar = BusinessCalendar(contract.profile)

    def next_opening(after: dt.datetime) -> dt.datetime:
        found = calendar.at("main", "phone", after).next_open
        assert found is not None
        return found

    for evening in (jst(11, 2, 23), jst(11, 6, 23), jst(12, 28, 23)):
        opening = next_opening(evening)
        assert callback_due(contract, evening) == opening + 120 * MINUTE
    assert next_opening(jst(12, 28, 23)).date() == dt.date(2027, 1, 4)
    assert callback_due(contract, jst(11, 3, 10)) == next_opening(jst(11, 3, 10)) + 120 * MINUTE, "3 November is a holiday"


def test_each_line_has_its_own_minutes_and_hours(contract: Contract) -> None:
    morning = jst(11, 4, 9)
    assert second_line_due(contract, Line.SUPERVISOR, morning) == morning + 30 * MINUTE
    assert second_line_due(contract, Line.CITY, morning) == morning + 120 * MINUTE


def test_a_closure_by_staff_moves_it(contract: Contract, official: Actor, now: dt.datetime) -> None:
    shut = CalendarChange(dt.date(2026, 11, 4), "closed", "", "", (), None, "台風")
    change_calendar(contract, shut, by=official, now=now)
    assert second_line_due(contract, Line.CITY, jst(11, 4, 9)).date() == dt.date(2026, 11, 5)
