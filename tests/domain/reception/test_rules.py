"""Whose turn it is and how long the wait will be, as pure rules."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.reception import rules
from madoguchi.domain.reception.rules import Measured, Service, WaitRange, waiting_range
from madoguchi.ground.contracts.profile import Reception, WindowGroup
from madoguchi.ground.kit.clock import JST

pytestmark = pytest.mark.req("DESK-01")
NINE = dt.datetime(2026, 11, 2, 9, 0, tzinfo=JST)
GROUP = WindowGroup(code="card", site="main", letter="A", name="受取り", procedures=("card_pickup", "pin_reset"), windows=(1, 2))
TERMS = Reception(groups=(GROUP,))
moments = st.integers(0, 480).map(lambda minutes: NINE + dt.timedelta(minutes=minutes))
services = st.tuples(st.integers(0, 3600), st.integers(0, 3600)).map(lambda pair: Service(min(pair), max(pair)))


def at(minutes: int) -> dt.datetime:
    return NINE + dt.timedelta(minutes=minutes)


def rank(came: dt.datetime, booked: dt.datetime | None = None) -> dt.datetime:
    return rules.rank(TERMS, GROUP, came_at=came, booked_at=booked)


def test_a_booked_party_near_its_time_goes_before_who_just_came_and_after_who_waited_long() -> None:
    booked = rank(at(60), at(65))
    assert rank(at(30)) > booked
    assert rank(at(10)) < booked


@given(moments, moments)
def test_nobody_is_worse_off_with_a_booking(came: dt.datetime, booked: dt.datetime) -> None:
    assert rank(came, booked) <= rank(came)


@given(moments, moments)
def test_who_comes_far_too_early_or_too_late_queues_like_everybody(came: dt.datetime, booked: dt.datetime) -> None:
    if came > booked + dt.timedelta(minutes=TERMS.late_minutes):
        assert rank(came, booked) == came
    if came < booked - dt.timedelta(minutes=TERMS.near_minutes + GROUP.booked_ahead_minutes):
        assert rank(came, booked) == came


@given(moments, moments)
def test_without_bookings_the_order_is_that_of_coming(first: dt.datetime, second: dt.datetime) -> None:
    assert (rank(first) < rank(second)) == (first < second)


@given(moments, st.lists(st.tuples(moments, st.none() | moments), max_size=40))
def test_nobody_starves(came: dt.datetime, others: list[tuple[dt.datetime, dt.datetime | None]]) -> None:
    """Only who comes within the advantage of the booked can pass somebody; from then on nobody does, whoever comes."""
    end = came + dt.timedelta(minutes=GROUP.booked_ahead_minutes)
    for other, booked in others:
        if other > end:
            assert rank(other, booked) > rank(came)


@given(moments, moments)
def test_who_missed_a_call_comes_back_later_and_is_not_lost(before: dt.datetime, now: dt.datetime) -> None:
    again = rules.rank_after_missing(TERMS, rank=before, now=now)
    assert again >= before
    assert again <= max(before, now + dt.timedelta(minutes=TERMS.missed_back_minutes))


def test_the_group_of_a_visit_takes_all_its_procedures_and_its_language_first() -> None:
    one = GROUP.model_copy(update={"code": "one", "procedures": ("card_pickup",)})
    every = GROUP.model_copy(update={"code": "every", "procedures": ("card_pickup", "pin_reset")})
    english = every.model_copy(update={"code": "english", "languages": ("en",)})
    groups = (one, english, every)
    assert rules.group_for(groups, ["card_pickup"], "ja") == one
    assert rules.group_for(groups, ["card_pickup"], "en") == english
    assert rules.group_for(groups, ["card_pickup", "pin_reset"], "ja") == every
    assert rules.group_for(groups, ["card_pickup", "mynaportal"], "ja") == one
    assert rules.group_for(groups, ["mynaportal"], "ja") is None


def test_measured_times_count_once_there_are_enough() -> None:
    few, many = {"card_pickup": Measured(3, 60, 90)}, {"card_pickup": Measured(8, 600, 900)}
    usual = {"card_pickup": 20}
    assert rules.service_of(GROUP, [("card_pickup", 1)], usual, few) == Service(900, 1800)
    assert rules.service_of(GROUP, [("card_pickup", 1)], usual, many) == Service(600, 900)
    assert rules.service_of(GROUP, [("card_pickup", 3)], usual, many) == Service(1200, 1800)


@pytest.mark.parametrize(
    ("ahead", "busy", "windows", "says"),
    [
        ([], [], 0, None),
        ([], [], 1, WaitRange(0, 0)),
        ([], [Service(300, 600)], 1, WaitRange(5, 10)),
        ([], [Service(300, 600)], 2, WaitRange(0, 0)),
        ([Service(600, 1200)] * 2, [], 1, WaitRange(20, 40)),
        ([Service(600, 1200)] * 2, [], 2, WaitRange(10, 20)),
    ],
)
def test_the_wait_of_plain_cases(ahead: list[Service], busy: list[Service], windows: int, says: WaitRange | None) -> None:
    assert waiting_range(ahead=ahead, busy=busy, windows=windows) == says


@given(st.lists(services, max_size=12), st.lists(services, max_size=4), st.lists(services, max_size=4), services, st.integers(1, 4))
def test_the_wait_is_a_range_that_grows_with_the_queue_and_shrinks_with_windows(
    ahead: list[Service], busy: list[Service], coming: list[Service], one: Service, windows: int
) -> None:
    busy = busy[:windows]
    now = waiting_range(ahead=ahead, busy=busy, windows=windows, may_come=coming)
    longer = waiting_range(ahead=[*ahead, one], busy=busy, windows=windows, may_come=coming)
    more = waiting_range(ahead=ahead, busy=busy, windows=windows + 1, may_come=coming)
    assert now is not None
    assert longer is not None
    assert more is not None
    assert 0 <= now.low <= now.high
    assert (now.low, now.high) <= (longer.low, longer.high)
    assert now.low <= longer.low
    assert more.low <= now.low
    assert more.high <= now.high


def test_a_service_is_no_negative_time() -> None:
    with pytest.raises(ValueError, match="a service takes"):
        Service(10, 5)
    assert Service(10, 20).less(15) == Service(0, 5)
