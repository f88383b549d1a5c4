"""The forecast of calls and the staff they need."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madoguchi.domain.staffing.rules import (
    DEFAULTS,
    PRIOR_WEEKS,
    Assumptions,
    Measured,
    actual,
    assumptions_of,
    estimate,
    forecast,
    measured_handle_seconds,
    month_answered,
    month_hours,
    open_shares,
    plan_day,
    rates_by_operators,
)
from madoguchi.ground.contracts.calendar import BusinessCalendar
from madoguchi.ground.contracts.profile import END_OF_DAY, Profile, load_profile
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.queueing import answering

pytestmark = pytest.mark.req("CALL-07")

PLAN = Assumptions(**{**DEFAULTS, "calls_per_month": 1500, "channels": 2})  # type: ignore[arg-type]
MONDAY, TUESDAY = dt.date(2026, 11, 9), dt.date(2026, 11, 10)
HOLIDAY = dt.date(2026, 11, 3)


@pytest.fixture(scope="module")
def profile(request: pytest.FixtureRequest) -> Profile:
    return load_profile(request.config.rootpath / "profiles" / "hatsukaichi.toml")


@pytest.fixture(scope="module")
def hours(profile: Profile) -> dict[dt.date, tuple[float, ...]]:
    """November 2026 of a telephone that is open from 8:30 to 17:00 on working days."""
    return month_hours(BusinessCalendar(profile), ["main"], TUESDAY)


def weeks(count: int, offered: int, *, start: dt.time = dt.time(9), day: dt.date = TUESDAY) -> list[Measured]:
    """One half hour measured in each of the ``count`` weeks before ``day``."""
    first = dt.datetime.combine(day, start, JST)
    return [Measured(first - dt.timedelta(weeks=n), offered, offered, offered * 240.0) for n in range(1, count + 1)]


def test_half_hours_are_open_in_part_and_at_any_site() -> None:
    shares = open_shares([((dt.time(8, 45), dt.time(9, 10)),), ((dt.time(9), dt.time(9, 20)), (dt.time(23), END_OF_DAY))])
    assert shares[17] == pytest.approx(0.5)
    assert shares[18] == pytest.approx(20 / 30)
    assert shares[46:] == (1.0, 1.0)
    assert sum(shares) == pytest.approx(0.5 + 20 / 30 + 2)


def test_hours_of_a_month_follow_the_calendar(hours: dict[dt.date, tuple[float, ...]]) -> None:
    assert len(hours) == 30
    assert sum(hours[TUESDAY]) == 17
    assert hours[HOLIDAY] == hours[dt.date(2026, 11, 8)] == (0.0,) * 48


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 50_000), st.lists(st.integers(1, 1000), min_size=48, max_size=48), st.lists(st.integers(1, 1000), min_size=7, max_size=7)
)
def test_the_estimates_of_a_month_add_up(calls: int, half_hours: list[int], weekdays: list[int]) -> None:
    month = {dt.date(2026, 11, n): (0.0,) * 17 + (1.0, 0.5) * 8 + (0.0,) * 15 for n in range(1, 31)}
    plan = replace(PLAN, calls_per_month=calls, half_hours=tuple(half_hours), weekdays=tuple(weekdays))
    days = [estimate(plan, month, day) for day in month]
    assert sum(map(sum, days)) == pytest.approx(calls)
    assert all(calls == 0 for day in days for calls in (*day[:17], *day[33:]))


def test_a_weekday_and_a_half_hour_weigh_as_the_assumptions_say(hours: dict[dt.date, tuple[float, ...]]) -> None:
    monday, tuesday = estimate(PLAN, hours, MONDAY), estimate(PLAN, hours, TUESDAY)
    assert sum(monday) / sum(tuesday) == pytest.approx(125 / 105)
    assert monday[20] / monday[24] == pytest.approx(PLAN.half_hours[20] / PLAN.half_hours[24])


def test_without_open_hours_or_weights_nobody_is_expected(hours: dict[dt.date, tuple[float, ...]]) -> None:
    assert forecast(PLAN, hours, HOLIDAY) == ()
    silent = replace(PLAN, weekdays=(0,) * 7)
    assert sum(one.calls for one in forecast(silent, hours, TUESDAY)) == 0
    assert month_answered(silent, hours) is None


def at_nine(measured: list[Measured], hours: dict[dt.date, tuple[float, ...]], day: dt.date = TUESDAY) -> tuple[int, float, float]:
    found = next(one for one in forecast(PLAN, hours, day, measured) if one.index == 18)
    return found.weeks, found.mean, found.calls


def test_measured_weeks_gain_weight_as_they_grow(hours: dict[dt.date, tuple[float, ...]]) -> None:
    guess = estimate(PLAN, hours, TUESDAY)[18]
    assert at_nine([], hours) == (0, 0.0, pytest.approx(guess))
    for count in (1, PRIOR_WEEKS, 50):
        weight = count / (count + PRIOR_WEEKS)
        assert at_nine(weeks(count, 12), hours) == (count, 12.0, pytest.approx(weight * 12 + (1 - weight) * guess))


def test_only_the_same_weekday_before_the_day_counts(hours: dict[dt.date, tuple[float, ...]]) -> None:
    today = [Measured(dt.datetime.combine(TUESDAY, dt.time(9), JST), 40, 0, 0)]
    assert at_nine(today, hours)[0] == 0
    assert at_nine(weeks(3, 9, day=MONDAY), hours)[0] == 0
    assert actual(TUESDAY, [*today, *today]) == {18: 80}
    assert actual(MONDAY, today) == {}


def test_rows_of_one_half_hour_are_one_measurement_and_quiet_ones_count(hours: dict[dt.date, tuple[float, ...]]) -> None:
    utc = [replace(one, start=one.start.astimezone(dt.UTC)) for one in weeks(2, 3)]
    assert at_nine([*weeks(2, 5), *utc], hours)[:2] == (2, 8.0)
    assert at_nine(weeks(4, 0), hours)[1] == 0.0


def test_the_measured_handle_time() -> None:
    assert measured_handle_seconds([]) is None
    assert measured_handle_seconds([Measured(dt.datetime(2026, 11, 2, 9, tzinfo=JST), 10, 8, 2000), *weeks(1, 2)]) == 248


def test_a_day_needs_what_its_half_hours_need(hours: dict[dt.date, tuple[float, ...]]) -> None:
    plan = plan_day(PLAN, forecast(PLAN, hours, MONDAY))
    assert plan.peak is not None
    assert plan.peak.half_hour.start == dt.time(10)
    assert plan.need is not None
    assert plan.need.operators == max(line.need.operators for line in plan.lines if line.need)
    for line in plan.lines:
        assert line.need is not None
        result = answering(PLAN.traffic(line.calls), line.need.operators, channels=line.need.channels)
        assert result.answered >= 0.8
        assert result.refused <= 0.01
        assert line.need.channels >= line.need.operators + PLAN.waiting_places
    assert 0 < plan.share("answered") < 1
    assert plan.share("answered") + plan.share("refused") + plan.share("abandoned") == pytest.approx(1)


def test_two_channels_refuse_callers_and_enough_of_them_do_not(hours: dict[dt.date, tuple[float, ...]]) -> None:
    half_hours = forecast(PLAN, hours, MONDAY)
    narrow, wide = (plan_day(replace(PLAN, channels=n), half_hours) for n in (2, 8))
    assert narrow.share("refused") > 0.1
    assert wide.share("refused") < 0.01
    (few, few_wide), (more, more_wide) = (row[1:] for row in rates_by_operators(PLAN, 6.0, (2, 4)))
    assert more.answered == pytest.approx(few.answered), "more operators than channels answer no more calls"
    assert more_wide.answered > few_wide.answered > few.answered


def test_a_campaign_multiplies_the_calls(hours: dict[dt.date, tuple[float, ...]]) -> None:
    half_hours = forecast(PLAN, hours, MONDAY)
    usual, campaign = plan_day(PLAN, half_hours), plan_day(PLAN, half_hours, times=5)
    assert campaign.calls == pytest.approx(5 * usual.calls)
    assert usual.need is not None
    assert campaign.need is not None
    assert usual.need.operators < campaign.need.operators < 5 * usual.need.operators
    rates = [month_answered(PLAN, hours, times=times) for times in (1, 2, 5)]
    assert rates == sorted(rates, reverse=True)  # type: ignore[type-var]


def test_more_calls_than_can_be_worked_out_have_no_need(hours: dict[dt.date, tuple[float, ...]]) -> None:
    huge = replace(PLAN, calls_per_month=50_000, handle_seconds=1800)
    plan = plan_day(huge, forecast(huge, hours, MONDAY), times=5)
    assert plan.need is None
    assert plan.share("answered") < 0.01


def test_a_day_without_hours_needs_nobody(hours: dict[dt.date, tuple[float, ...]]) -> None:
    plan = plan_day(PLAN, forecast(PLAN, hours, HOLIDAY))
    assert (plan.lines, plan.peak, plan.need, plan.share("answered")) == ((), None, None, 0.0)


def test_the_profile_says_what_it_knows(profile: Profile) -> None:
    plan, silent = assumptions_of(profile)
    assert (plan.calls_per_month, plan.answer_percent, plan.operators, plan.channels) == (1500, 80, 2, 2)
    assert {"handle_seconds", "patience_seconds", "waiting_places"} <= silent
    assert not silent & {"calls_per_month", "answer_percent", "operators", "channels"}
    assert plan.fewest_channels > plan.channels


@pytest.mark.parametrize("code", ["hatsukaichi", "izumi", "izunokuni", "nagaoka", "urasoe"])
def test_every_contract_has_assumptions_to_begin_with(request: pytest.FixtureRequest, code: str) -> None:
    plan, silent = assumptions_of(load_profile(request.config.rootpath / "profiles" / f"{code}.toml"))
    assert all(getattr(plan, name) == DEFAULTS[name] for name in silent)


@pytest.mark.parametrize(
    "wrong",
    [{"calls_per_month": -1}, {"patience_seconds": 0}, {"operators": 0}, {"weekdays": (1,) * 6}, {"half_hours": (1001,) + (1,) * 47}],
)
def test_impossible_assumptions_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        replace(PLAN, **wrong)  # type: ignore[arg-type]
