"""The times offered in place of another: nearest day first, then nearest time of day, several days."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.booking.rules import nearest
from madoguchi.ground.kit.clock import JST

WANTED = dt.datetime(2026, 11, 10, 10, 0, tzinfo=JST)
MOMENTS = st.lists(
    st.datetimes(dt.datetime(2026, 11, 1), dt.datetime(2026, 11, 30)).map(lambda moment: moment.replace(tzinfo=JST)), max_size=60
)


def at(day: int, hour: int) -> dt.datetime:
    return dt.datetime(2026, 11, day, hour, 0, tzinfo=JST)


@pytest.mark.req("CAL-05", "BOOK-06")
def test_the_next_day_at_the_same_hour_comes_before_the_same_day_of_another_week() -> None:
    found = nearest([at(17, 10), at(11, 15), at(11, 10), at(9, 9), at(10, 16)], WANTED, count=4)
    assert found == [at(10, 16), at(11, 10), at(9, 9), at(11, 15)]


@pytest.mark.req("CAL-05")
@given(MOMENTS, st.integers(1, 8), st.none() | st.integers(1, 3))
def test_no_more_than_asked_and_none_twice_and_never_the_time_itself(
    moments: list[dt.datetime], count: int, per_day: int | None
) -> None:
    moments = list(dict.fromkeys([*moments, WANTED]))
    found = nearest(moments, WANTED, count=count, per_day=per_day)
    assert len(found) <= count
    assert len(set(found)) == len(found)
    assert WANTED not in found
    assert set(found) <= set(moments)
    days = [moment.date() for moment in found]
    assert per_day is None or all(days.count(day) <= per_day for day in days)
    gaps = [abs((day - WANTED.date()).days) for day in days]
    assert gaps == sorted(gaps)
    if per_day is None:
        assert len(found) == min(count, len(moments) - 1)
