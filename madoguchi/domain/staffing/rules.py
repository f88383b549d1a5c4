"""Forecast of calls and the staff they need: pure functions over plain values."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from madoguchi.ground.contracts.calendar import JST, BusinessCalendar, Intervals
from madoguchi.ground.contracts.profile import Profile, minute_of
from madoguchi.ground.kit.queueing import Answering, Need, Target, Traffic, Unreachable, answering, need

HALF_HOURS = 48
MINUTES = 30
PRIOR_WEEKS = 4
"""The estimate weighs as much as this many measured weeks."""

REFUSED = 0.01
"""Share of calls that may find all channels taken: the usual grade of service of public networks."""

MOST_WEIGHT = 1000

LIMITS: dict[str, tuple[int, int]] = {
    "calls_per_month": (0, 50_000),
    "handle_seconds": (30, 1800),
    "patience_seconds": (5, 3600),
    "answer_percent": (0, 99),
    "service_percent": (0, 99),
    "service_seconds": (0, 300),
    "operators": (1, 200),
    "channels": (1, 500),
    "waiting_places": (0, 200),
}
"""Smallest and largest value of each assumption."""

_SHAPE = {9: (120, 125), 10: (130, 125), 11: (115, 95), 12: (70, 75), 13: (100, 110), 14: (105, 100), 15: (95, 95), 16: (95, 85)}
HALF_HOUR_WEIGHTS = tuple(_SHAPE.get(n // 2, (80, 80))[n % 2] for n in range(HALF_HOURS))
"""An assumption: busiest in the morning, a dip at noon, a second rise after it. Only the ratios matter."""

WEEKDAY_WEIGHTS = (125, 105, 95, 95, 100, 80, 80)
"""An assumption, Monday first: the first day after a rest is the busiest."""

DEFAULTS = {
    "calls_per_month": 500,
    "handle_seconds": 300,
    "patience_seconds": 90,
    "answer_percent": 80,
    "service_percent": 0,
    "service_seconds": 20,
    "operators": 2,
    "channels": 5,
    "waiting_places": 2,
}
"""Where the contract says nothing. Patience above all is an assumption, because nobody has measured it before the first week."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What a plan stands on; see :data:`LIMITS`. Raises ``ValueError``.

    Times in seconds, percents whole; ``service_percent`` of all calls are to be answered within ``service_seconds`` (0: no such target).
    ``operators`` are those planned, ``channels`` lines to the carrier, ``waiting_places`` callers who shall be able to wait.
    ``half_hours`` are 48 weights from 0:00 on, ``weekdays`` seven from Monday on; ratios matter, not sums.
    """

    calls_per_month: int
    handle_seconds: int
    patience_seconds: int
    answer_percent: int
    service_percent: int
    service_seconds: int
    operators: int
    channels: int
    waiting_places: int
    half_hours: tuple[int, ...] = HALF_HOUR_WEIGHTS
    weekdays: tuple[int, ...] = WEEKDAY_WEIGHTS

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be from {low} to {high}, not {getattr(self, name)}")
        if len(self.half_hours) != HALF_HOURS or len(self.weekdays) != 7:
            raise ValueError("there are 48 weights of half hours and 7 of weekdays")
        if not all(0 <= weight <= MOST_WEIGHT for weight in (*self.half_hours, *self.weekdays)):
            raise ValueError(f"weights are from 0 to {MOST_WEIGHT}")

    @property
    def target(self) -> Target:
        """The same as the target of a queue."""
        return Target(self.answer_percent / 100, self.service_percent / 100, self.service_seconds, REFUSED)

    def traffic(self, calls: float) -> Traffic:
        """The stream of ``calls`` in a half hour."""
        return Traffic(calls * 60 / MINUTES, self.handle_seconds, self.patience_seconds)

    @property
    def fewest_channels(self) -> int:
        """Channels for the planned operators and the callers who shall be able to wait."""
        return self.operators + self.waiting_places


@dataclass(frozen=True, slots=True)
class Measured:
    """One half hour of the past in which the telephone was open: also one without a call, or it counts as not measured.

    ``start`` is aware; ``offered`` calls reached us, ``answered`` of them were answered by people, who were busy with them for
    ``handle_seconds`` together, after-call work included. Several rows of one start (queues, sites) are added up.
    """

    start: dt.datetime
    offered: int
    answered: int
    handle_seconds: float


@dataclass(frozen=True, slots=True)
class HalfHour:
    """Calls of one half hour of a day: the ``estimate``, what was measured over ``weeks`` days (``mean``), and the blend ``calls``."""

    index: int
    estimate: float
    weeks: int
    mean: float
    calls: float

    @property
    def start(self) -> dt.time:
        """When it begins."""
        return dt.time(self.index // 2, self.index % 2 * MINUTES)


@dataclass(frozen=True, slots=True)
class Line:
    """One half hour with its load in erlangs, the need (None: more than can be worked out), and what the plan's staff makes of it."""

    half_hour: HalfHour
    calls: float
    load: float
    need: Need | None
    planned: Answering


@dataclass(frozen=True, slots=True)
class DayPlan:
    """A day by open half hours, in order."""

    lines: tuple[Line, ...]

    @property
    def calls(self) -> float:
        """Calls of the day."""
        return sum(line.calls for line in self.lines)

    @property
    def peak(self) -> Line | None:
        """The busiest half hour."""
        return max(self.lines, key=lambda line: line.calls, default=None)

    @property
    def need(self) -> Need | None:
        """Operators and channels that are enough all day; None when some half hour has no answer, or the day no calls."""
        needs = [line.need for line in self.lines]
        if not needs or any(one is None for one in needs):
            return None
        return Need(max(one.operators for one in needs if one), max(one.channels for one in needs if one))

    def share(self, name: str) -> float:
        """A share of :class:`Answering` over the day, weighed by calls; 0 for a day without calls."""
        return sum(line.calls * getattr(line.planned, name) for line in self.lines) / self.calls if self.calls else 0.0


def assumptions_of(profile: Profile) -> tuple[Assumptions, frozenset[str]]:
    """What the contract says, and the names of the assumptions on which it is silent, so that the page can say so."""
    phone = profile.channels.phone
    demanded = [row.minimum for row in profile.staffing if row.channel == "phone" and row.per in ("hours", "day")]
    said: dict[str, int | None] = {
        "calls_per_month": profile.kpis.calls_per_month,
        "answer_percent": round(profile.kpis.answer_rate * 100) if profile.kpis.answer_rate is not None else None,
        "operators": sum(demanded) or None,
        "channels": phone.units if phone else None,
    }
    known = {name: value for name, value in said.items() if value is not None}
    values: dict[str, Any] = {**DEFAULTS, **known}
    return Assumptions(**values), frozenset(DEFAULTS) - frozenset(known)


def open_shares(openings: Iterable[Intervals]) -> tuple[float, ...]:
    """How much of each of the 48 half hours of a day is open, 0…1, where any of ``openings`` (one per site) is."""
    minutes: set[int] = set()
    for intervals in openings:
        for begin, end in intervals:
            minutes.update(range(minute_of(begin), minute_of(end)))
    return tuple(sum(minute in minutes for minute in range(n * MINUTES, (n + 1) * MINUTES)) / MINUTES for n in range(HALF_HOURS))


def month_hours(calendar: BusinessCalendar, sites: Sequence[str], day: dt.date) -> dict[dt.date, tuple[float, ...]]:
    """Open shares of the telephone for every day of the month of ``day``."""
    first = day.replace(day=1)
    last = (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
    days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    return {one: open_shares(calendar.day(site, "phone", one).intervals for site in sites) for one in days}


def estimate(plan: Assumptions, hours: Mapping[dt.date, Sequence[float]], day: dt.date) -> tuple[float, ...]:
    """Calls expected in the 48 half hours of ``day``: the month's calls, spread over ``hours`` of the month by weight.

    The weight of a half hour is its weekday's × its own × how much of it is open; the estimates of a month add up to its calls, unless
    no open half hour has a weight. A shorter month, or one with many holidays, has the same calls in fewer hours.
    """
    total = sum(sum(_weights(plan, date, shares)) for date, shares in hours.items())
    return tuple(plan.calls_per_month * weight / total if total else 0.0 for weight in _weights(plan, day, hours[day]))


def forecast(
    plan: Assumptions, hours: Mapping[dt.date, Sequence[float]], day: dt.date, measured: Sequence[Measured] = ()
) -> tuple[HalfHour, ...]:
    """The open half hours of ``day``: estimate and what was measured on the same weekday before that day, blended.

    Calls are a Poisson stream whose rate is not known; the estimate ``e`` stands for :data:`PRIOR_WEEKS` = ``k`` weeks of knowledge
    (a gamma prior with mean ``e``). After ``n`` measured weeks with the mean ``m`` the expected calls are ``(n·m + k·e) / (n + k)``,
    so the weight of the measured is ``n / (n + k)``: half after four weeks, three quarters after twelve.
    """
    seen = _by_half_hour(one for one in measured if _local(one).date() < day and _local(one).weekday() == day.weekday())
    found = []
    for index, (expected, share) in enumerate(zip(estimate(plan, hours, day), hours[day], strict=True)):
        if share:
            counts = list(seen.get(index, {}).values())
            weeks, calls = len(counts), sum(counts)
            blend = (calls + PRIOR_WEEKS * expected) / (weeks + PRIOR_WEEKS)
            found.append(HalfHour(index, expected, weeks, calls / weeks if weeks else 0.0, blend))
    return tuple(found)


def actual(day: dt.date, measured: Sequence[Measured]) -> dict[int, int]:
    """Calls offered on ``day`` itself, by half hour; empty when the day was not measured."""
    cells = _by_half_hour(one for one in measured if _local(one).date() == day)
    return {index: dates[day] for index, dates in cells.items()}


def measured_handle_seconds(measured: Sequence[Measured]) -> float | None:
    """The mean handle time of answered calls, None when none was: what the assumption should become."""
    answered = sum(one.answered for one in measured)
    return sum(one.handle_seconds for one in measured) / answered if answered else None


def plan_day(plan: Assumptions, half_hours: Sequence[HalfHour], *, times: float = 1.0) -> DayPlan:
    """Need and result of every half hour; ``times`` > 0 multiplies the calls (a campaign)."""
    lines = []
    for one in half_hours:
        calls = one.calls * times
        traffic = plan.traffic(calls)
        try:
            wanted = need(traffic, plan.target, waiting=plan.waiting_places)
        except Unreachable:
            wanted = None
        planned = answering(traffic, plan.operators, channels=plan.channels, seconds=plan.service_seconds)
        lines.append(Line(one, calls, traffic.load, wanted, planned))
    return DayPlan(tuple(lines))


def month_answered(
    plan: Assumptions, hours: Mapping[dt.date, Sequence[float]], measured: Sequence[Measured] = (), *, times: float = 1.0
) -> float | None:
    """Share of a month's calls that the planned staff answers; None in a month without calls."""
    calls = answered = 0.0
    known: dict[float, float] = {}
    for day in hours:
        for one in forecast(plan, hours, day, measured):
            here = round(one.calls * times, 6)
            if here not in known:
                known[here] = answering(plan.traffic(here), plan.operators, channels=plan.channels).answered
            calls += here
            answered += here * known[here]
    return answered / calls if calls else None


def rates_by_operators(plan: Assumptions, calls: float, counts: Iterable[int]) -> list[tuple[int, Answering, Answering]]:
    """For each number of operators: with the planned channels, and with channels enough for all."""
    traffic = plan.traffic(calls)
    seconds = plan.service_seconds
    return [
        (n, answering(traffic, n, channels=plan.channels, seconds=seconds), answering(traffic, n, seconds=seconds)) for n in counts
    ]


def _weights(plan: Assumptions, day: dt.date, shares: Sequence[float]) -> list[float]:
    weekday = plan.weekdays[day.weekday()]
    return [weekday * weight * share for weight, share in zip(plan.half_hours, shares, strict=True)]


def _by_half_hour(measured: Iterable[Measured]) -> dict[int, dict[dt.date, int]]:
    cells: dict[int, dict[dt.date, int]] = defaultdict(lambda: defaultdict(int))
    for one in measured:
        local = _local(one)
        cells[(local.hour * 60 + local.minute) // MINUTES][local.date()] += one.offered
    return cells


def _local(one: Measured) -> dt.datetime:
    return one.start.astimezone(JST)
