"""Bands and proposals: what must hold for all numbers, and the draws against what is known of their distributions."""

from __future__ import annotations

import datetime as dt
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.forecast import rules
from madoguchi.domain.forecast.rules import Level, Watched

pytestmark = pytest.mark.req("REP-08")
MONTHS = [dt.date(2026, 7, 1), dt.date(2026, 8, 1), dt.date(2026, 9, 1), dt.date(2026, 10, 1)]
SURE = Level(1e9, 1e9, 1.0)


@pytest.mark.parametrize("mean", [0.4, 8.0, 11.0, 60.0, 1500.0])
def test_poisson_has_the_mean_and_variance_of_its_name(mean: float) -> None:
    dice = random.Random(f"poisson {mean}")
    drawn = [rules.poisson(dice, mean) for _ in range(4000)]
    assert statistics.fmean(drawn) == pytest.approx(mean, rel=0.06 if mean < 1 else 0.03)
    assert statistics.variance(drawn) == pytest.approx(mean, rel=0.12)


def test_a_sure_level_gives_the_quantiles_of_poisson_and_a_spread_widens_them() -> None:
    """Poisson with mean 100: 10 % at 87, 50 % at 100, 90 % at 113."""
    band = rules.band(rules.draws(SURE, {MONTHS[0]: 100.0}, seed="a")[MONTHS[0]])
    assert (band.low, band.middle, band.high) == pytest.approx((87, 100, 113), abs=1.5)
    wide = rules.band(rules.draws(Level(1e9, 1e9, 9.0), {MONTHS[0]: 100.0}, seed="a")[MONTHS[0]])
    assert wide.high - wide.low == pytest.approx(3 * (band.high - band.low), rel=0.2)


def test_the_same_seed_gives_the_same_page() -> None:
    expected = {MONTHS[0]: 900.0, MONTHS[1]: 12.0}
    level = rules.level_of([])
    assert rules.draws(level, expected, seed="izumi") == rules.draws(level, expected, seed="izumi")
    assert rules.draws(level, expected, seed="izumi") != rules.draws(level, expected, seed="nagaoka")


def test_a_plan_alone_is_doubted_and_what_came_is_believed() -> None:
    alone = rules.level_of([])
    assert (alone.mean, alone.spread) == (1.0, 1.0)
    assert (1 / alone.shape) ** 0.5 == rules.DOUBT
    half = rules.level_of([Watched(MONTHS[0], 750, 1500.0)])
    assert half.mean == pytest.approx(0.505, abs=0.003)
    steady = rules.level_of([Watched(month, 1000, 1000.0) for month in MONTHS])
    wild = rules.level_of([Watched(month, came, 1000.0) for month, came in zip(MONTHS, (600, 1400, 800, 1200), strict=True)])
    assert steady.spread == 1.0
    assert wild.spread == pytest.approx((160_000 + 160_000 + 40_000 + 40_000) / 1000 / 3)
    assert wild.rate < steady.rate


@given(came=st.lists(st.integers(0, 3000), min_size=1, max_size=9), exposure=st.floats(1, 3000))
def test_the_level_lies_between_the_plan_and_what_came(came: list[int], exposure: float) -> None:
    level = rules.level_of([Watched(MONTHS[0], n, exposure) for n in came])
    seen = sum(came) / (exposure * len(came))
    assert min(1.0, seen) - 1e-9 <= level.mean <= max(1.0, seen) + 1e-9
    assert level.spread >= 1


@given(numbers=st.lists(st.integers(0, 10_000), min_size=1, max_size=300))
def test_a_band_is_in_order_and_holds_its_shares(numbers: list[int]) -> None:
    band = rules.band(numbers)
    assert band.low <= band.middle <= band.high
    for share, edge in ((0.1, band.low), (0.5, band.middle), (0.9, band.high)):
        assert sum(1 for n in numbers if n <= edge) >= share * len(numbers)
        assert sum(1 for n in numbers if n < edge) < share * len(numbers) + 1e-9


@given(count=st.integers(0, 50_000), days=st.lists(st.integers(0, 23), min_size=1, max_size=24))
def test_a_plan_of_the_term_is_spread_whole_over_its_open_days(count: int, days: list[int]) -> None:
    by_month = {rules.month_after(MONTHS[0], n): d for n, d in enumerate(days)}
    spread = rules.planned(count, "term", by_month)
    assert sum(spread.values()) == pytest.approx(count if sum(days) else 0)
    assert all(value == 0 for month, value in spread.items() if by_month[month] == 0)
    assert rules.planned(count, "month", by_month) == {month: float(count if d else 0) for month, d in by_month.items()}


def test_cohorts_come_around_their_month_and_only_whole_neighbourhoods_count() -> None:
    expiring = {rules.month_after(MONTHS[0], n): 1000 for n in range(5)}
    found = rules.from_cohorts(expiring, (0.1, 0.2, 0.2, 0.15, 0.05), [rules.month_after(MONTHS[0], n) for n in range(-3, 6)])
    assert found == {MONTHS[1]: pytest.approx(700)}
    assert rules.from_cohorts(expiring, (0, 0, 0, 0.5, 0), MONTHS[:1]) == {MONTHS[0]: 500}


@given(pools=st.dictionaries(st.sampled_from("abcdef"), st.frozensets(st.sampled_from("123456"), min_size=1), max_size=6))
def test_pools_are_joined_by_what_both_serve(pools: dict[str, frozenset[str]]) -> None:
    found = rules.joined(pools)
    assert sorted(name for names, _ in found for name in names) == sorted(pools)
    for names, codes in found:
        assert set(codes) == set().union(*(pools[name] for name in names))
    served = [code for _, codes in found for code in codes]
    assert len(served) == len(set(served))


@given(places=st.integers(0, 5000), there=st.integers(0, 5000), days=st.integers(0, 23), minutes=st.integers(0, 100_000))
def test_a_proposal_is_enough_and_not_more_than_a_day_too_much(places: int, there: int, days: int, minutes: int) -> None:
    asked = rules.propose(places, there, minutes, days=days, open_minutes=510, use=0.85, person_minutes=360)
    assert asked.places * 0.85 >= places - 1e-6
    assert (asked.places - 1) * 0.85 < places or places == 0
    assert asked.missing == asked.places - there
    if days and asked.missing > 0:
        assert (asked.missing_a_day - 1) * days < asked.missing <= asked.missing_a_day * days
    if days:
        assert asked.windows * 510 * 0.85 * days >= minutes - 1e-6
        assert asked.people * 360 * days >= minutes


def test_months() -> None:
    assert rules.month_after(dt.date(2026, 12, 1)) == dt.date(2027, 1, 1)
    assert rules.month_after(dt.date(2026, 1, 1), -2) == dt.date(2025, 11, 1)
    assert rules.months_between(dt.date(2026, 11, 30), dt.date(2027, 1, 2)) == [dt.date(2026, 11, 1), dt.date(2026, 12, 1), dt.date(2027, 1, 1)]
    assert rules.error_of(110, 100) == pytest.approx(0.1)
    assert rules.error_of(3, 0) is None
