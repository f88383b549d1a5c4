"""Bands of visits by Monte Carlo, and what they ask of places and people. Pure.

Visits of a month are Poisson, or negative binomial when the weeks watched vary more than that. Their level is gamma distributed: before anything
is known its mean is 1 and its coefficient of variation :data:`DOUBT`, and each visit watched moves it (the conjugate pair of gamma and Poisson:
A. Gelman and others, "Bayesian Data Analysis", 3rd edition 2013, section 2.6). Large Poisson numbers are drawn by W. Hörmann's transformed
rejection (Insurance: Mathematics and Economics 12 (1993) 39-45), so that no draw is an approximation.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

DRAWS = 1000
DOUBT = 0.25
"""How far a plan may be off: the coefficient of variation of its level."""
FEWEST_WEEKS = 4
"""Weeks that must be watched before their spread is looked at; until then it is Poisson's."""
OFFSETS = (-3, -2, -1, 0, 1)
"""Months from that of the expiry in which people come; certificates and cards may be renewed from three months before."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A week that was watched, or the part of it that lies in one month: its first day, how many came, how many were expected (> 0)."""

    first: dt.date
    came: int
    exposure: float


@dataclass(frozen=True, slots=True)
class Level:
    """What is known of the level: a gamma distribution, and by how much more than Poisson's the visits vary (``spread`` >= 1)."""

    shape: float
    rate: float
    spread: float

    @property
    def mean(self) -> float:
        """The level expected."""
        return self.shape / self.rate


@dataclass(frozen=True, slots=True)
class Band:
    """The 10th, 50th and 90th percentile of what may come."""

    low: int
    middle: int
    high: int


def month_of(day: dt.date) -> dt.date:
    """The month of a day."""
    return day.replace(day=1)


def month_after(month: dt.date, months: int = 1) -> dt.date:
    """The month some months later (or earlier, for a negative number)."""
    count = month.year * 12 + month.month - 1 + months
    return dt.date(count // 12, count % 12 + 1, 1)


def months_between(first: dt.date, last: dt.date) -> list[dt.date]:
    """The months from that of one day to that of another, in order."""
    found, end = [], month_of(last)
    month = month_of(first)
    while month <= end:
        found.append(month)
        month = month_after(month)
    return found


def planned(count: int, per: str, days: Mapping[dt.date, int]) -> dict[dt.date, float]:
    """The visits a plan expects of each month of ``days`` (open days by month): ``count`` in every month, or in all months together (``per`` "term")
    by their open days.
    """
    if per == "month":
        return {month: float(count) if n else 0.0 for month, n in days.items()}
    whole = sum(days.values())
    return {month: count * n / whole if whole else 0.0 for month, n in days.items()}


def from_cohorts(expiring: Mapping[dt.date, int], come: Sequence[float], months: Collection[dt.date]) -> dict[dt.date, float]:
    """The visits that cohorts (month of expiry → count) bring, for those of ``months`` that they reach in full.

    ``come`` is the share of a cohort that comes in each of :data:`OFFSETS`.
    """
    found = {}
    for month in months:
        parts = [(expiring.get(month_after(month, -offset)), share) for offset, share in zip(OFFSETS, come, strict=True) if share]
        if parts and all(count is not None for count, _ in parts):
            found[month] = sum((count or 0) * share for count, share in parts)
    return found


def level_of(watched: Sequence[Watched]) -> Level:
    """What the weeks watched say of the level."""
    prior = 1 / DOUBT**2
    came, exposure = sum(one.came for one in watched), sum(one.exposure for one in watched)
    spread = 1.0
    if len(watched) >= FEWEST_WEEKS and came:
        rate = came / exposure
        spread = max(1.0, sum((one.came - rate * one.exposure) ** 2 / (rate * one.exposure) for one in watched) / (len(watched) - 1))
    return Level(prior + came / spread, prior + exposure / spread, spread)


def draws(level: Level, expected: Mapping[dt.date, float], *, seed: str, certain: Mapping[dt.date, int] | None = None) -> dict[dt.date, list[int]]:
    """:data:`DRAWS` possible numbers of visits for each month, drawn together: the nth of each month have the same level.

    ``expected`` are the visits still to come at level 1, ``certain`` those of a month that have come already. The same seed gives the same draws.
    """
    dice = random.Random(seed)  # noqa: S311
    already = certain or {}
    months = sorted(expected)
    found: dict[dt.date, list[int]] = {month: [] for month in months}
    for _ in range(DRAWS):
        at = dice.gammavariate(level.shape, 1 / level.rate)
        for month in months:
            found[month].append(already.get(month, 0) + _visits(dice, at * expected[month], level.spread))
    return found


def _visits(dice: random.Random, mean: float, spread: float) -> int:
    """A number with this mean and ``spread`` times its variance."""
    if mean <= 0:
        return 0
    if spread > 1.0:
        mean = dice.gammavariate(mean / (spread - 1), spread - 1)
    return poisson(dice, mean)


def poisson(dice: random.Random, mean: float) -> int:
    """A Poisson number: by counting exponential steps for small means, else by transformed rejection (PTRS)."""
    if mean < 10:
        limit, product, n = math.exp(-mean), dice.random(), 0
        while product > limit:
            product *= dice.random()
            n += 1
        return n
    log_mean, root = math.log(mean), math.sqrt(mean)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    inverse = 1.1239 + 1.1328 / (b - 3.4)
    limit = 0.9277 - 3.6224 / (b - 2)
    while True:
        u, v = dice.random() - 0.5, 1 - dice.random()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + mean + 0.43) if us else -1
        if us >= 0.07 and v <= limit:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        if math.log(v * inverse / (a / (us * us) + b)) <= k * log_mean - mean - math.lgamma(k + 1):
            return k


def band(numbers: Sequence[float]) -> Band:
    """The percentiles of some draws (not empty): the smallest that at least 10, 50 and 90 % do not exceed, rounded up."""
    ordered = sorted(numbers)
    low, middle, high = (math.ceil(ordered[math.ceil(len(ordered) * share) - 1]) for share in (0.1, 0.5, 0.9))
    return Band(low, middle, high)


def weighted(by: Mapping[str, Sequence[int]], weights: Mapping[str, float]) -> list[float]:
    """The nth draws of all procedures together, each times its weight (places or minutes of one visit)."""
    columns = [(weights[code], found) for code, found in by.items()]
    return [sum(weight * found[n] for weight, found in columns) for n in range(DRAWS)]


def joined(pools: Mapping[str, Collection[str]]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Pools that can stand in for one another, with their procedures: those joined by a procedure that both serve, in the order given."""
    groups: list[tuple[list[str], set[str]]] = []
    for pool, procedures in pools.items():
        touching = [one for one in groups if one[1] & set(procedures)]
        merged = ([name for names, _ in touching for name in names] + [pool], set(procedures).union(*(codes for _, codes in touching)))
        groups = [one for one in groups if one not in touching] + [merged]
    order = list(pools)
    found = [(tuple(sorted(names, key=order.index)), tuple(sorted(codes))) for names, codes in groups]
    return sorted(found, key=lambda one: order.index(one[0][0]))


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a month asks for, at the 90th percentile: places to plan, how many more than there are (negative: to spare), and a day's share of both;
    windows and people on an open day.
    """

    places: int
    missing: int
    missing_a_day: int
    windows: int
    people: int


def propose(places: float, there: int, minutes: float, *, days: int, open_minutes: float, use: float, person_minutes: int) -> Proposal:
    """What is needed for ``places`` and ``minutes`` of service in a month of ``days`` open days with ``open_minutes`` each.

    ``use`` is the share of places and of window time that can be filled in practice; a person serves ``person_minutes`` a day.
    """
    needed = math.ceil(places / use)
    if not days:
        return Proposal(needed, needed - there, 0, 0, 0)
    missing = needed - there
    a_day = minutes / days
    return Proposal(
        needed, missing, math.ceil(missing / days) if missing > 0 else -(-missing // days),
        math.ceil(a_day / (open_minutes * use)) if open_minutes else 0, math.ceil(a_day / person_minutes),
    )  # fmt: skip


def error_of(forecast: int, came: int) -> float | None:
    """By which share a forecast was too high (negative: too low); None where nobody came."""
    return (forecast - came) / came if came else None
