"""The outlook of a contract: what came, what is expected, what it asks for. Inside ``contract_scope``."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from madoguchi.domain.booking.queries.planned import planned_places, procedures_of_pools
from madoguchi.domain.reports.queries import Period, figures
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Procedure, Profile, minute_of
from madoguchi.ground.contracts.queries import calendar_of

from . import rules
from .models import Cohort
from .rules import Band, Level, Proposal, Watched

BEFORE, AHEAD = 5, 11
"""Months before and after this one that an outlook shows, as far as the contract serves."""
ENOUGH = 30
"""Visits from which on their measured time is believed."""
BASIS = {"plan": "計画", "cohorts": "有効期限の件数", "history": "これまでの実績"}
COUNTED = {"visits": ("bookings_attended", "walk_ins"), "cases": ("cases_opened",)}
"""The measures that say what came."""
TIMED = {"visits": "visit_handle", "cases": "case_handle"}


@dataclass(frozen=True)
class Known:
    """What is known of a procedure before any draw: expected visits of each month at level 1, what they rest on, and what came each day."""

    procedure: Procedure
    basis: str
    expected: Mapping[dt.date, float]
    came: Mapping[dt.date, int]

    @property
    def by_month(self) -> dict[dt.date, int]:
        """What came each month."""
        found: dict[dt.date, int] = {}
        for day, count in self.came.items():
            found[rules.month_of(day)] = found.get(rules.month_of(day), 0) + count
        return found


@dataclass(frozen=True)
class Cell:
    """A procedure in a month: ``expected`` at level 1, ``came`` until yesterday (None: nothing watched yet), the band of the whole month (None for a
    month gone by), and of the watched days the forecast made when the month began.
    """

    expected: float
    came: int | None
    band: Band | None
    before: Band | None

    @property
    def error(self) -> float | None:
        """By which share the middle of the earlier forecast was too high; None where there is none."""
        return rules.error_of(self.before.middle, self.came) if self.before is not None and self.came is not None else None


@dataclass(frozen=True)
class Line:
    """A procedure over the months. ``level``: how much of what was expected comes; ``minutes`` of service, ``places`` of slots for one visit."""

    code: str
    name: str
    basis: str
    level: Level
    minutes: float
    measured: bool
    places: int
    cells: Mapping[dt.date, Cell]


@dataclass(frozen=True)
class Need:
    """What a month asks of some pools that stand in for one another: the band of places, those planned, how far they are slots already, the proposal."""

    month: dt.date
    places: Band
    there: int
    firm: bool
    proposal: Proposal


@dataclass(frozen=True)
class Group:
    """Pools that stand in for one another, with what each month ahead asks of them."""

    names: tuple[str, ...]
    procedures: tuple[str, ...]
    needs: tuple[Need, ...]


@dataclass(frozen=True)
class Staff:
    """Minutes of service of a month ahead, and the windows and people for their 90th percentile on an open day."""

    month: dt.date
    days: int
    minutes: Band
    windows: int
    people: int


@dataclass(frozen=True)
class Outlook:
    """All of it. ``since``: the first day of which anything is known; None where nothing came yet."""

    months: tuple[dt.date, ...]
    days: Mapping[dt.date, int]
    since: dt.date | None
    lines: tuple[Line, ...]
    groups: tuple[Group, ...]
    staff: tuple[Staff, ...]


def outlook(contract: Contract, today: dt.date) -> Outlook:
    """The outlook of a contract on a day; empty where its service is over."""
    profile = contract.profile
    term = profile.term
    this = rules.month_of(today)
    months = [
        month for month in rules.months_between(term.service_from, term.service_to)
        if rules.month_after(this, -BEFORE) <= month <= rules.month_after(this, AHEAD)
    ]  # fmt: skip
    if not months or today > term.service_to:
        return Outlook((), {}, None, (), (), ())
    open_days, open_minutes = _open(contract, term.service_from, term.service_to)
    days = {month: sum(1 for day in open_days if rules.month_of(day) == month) for month in rules.months_between(term.service_from, term.service_to)}
    came, since = _came(contract, term.service_from, today)
    seen_days = [day for day in open_days if since is not None and since <= day < today and rules.month_of(day) >= months[0]]
    watched = {month: sum(1 for day in seen_days if rules.month_of(day) == month) for month in months}
    shares = {month: watched[month] / days[month] if days[month] else 0.0 for month in months}
    known = _known(profile, days, came, watched)
    handled = _handled(contract, term.service_from, today)
    ahead = [month for month in months if month >= this]
    lines, drawn = [], {}
    for one in known:
        seen = _watched(one, seen_days, days)
        level = rules.level_of(seen)
        left = {month: one.expected[month] * (1 - shares[month]) for month in ahead}
        by_month = one.by_month
        so_far = {this: by_month.get(this, 0)}
        code = one.procedure.code
        drawn[code] = rules.draws(level, left, seed=f"{contract.code} {this} {code}", certain=so_far)
        cells = {}
        for month in months:
            looked = shares[month] > 0
            cells[month] = Cell(
                one.expected[month], by_month.get(month, 0) if looked else None,
                rules.band(drawn[code][month]) if month in drawn[code] else None, _before(contract.code, one, seen, month, shares),
            )  # fmt: skip
        minutes, measured = _minutes(profile, one.procedure, handled)
        lines.append(Line(code, one.procedure.title, one.basis, level, minutes, measured, _places(profile, one.procedure), cells))
    groups = _groups(contract, lines, drawn, ahead, days, open_days, open_minutes, today)
    staff = _staff(profile, lines, drawn, ahead, days, open_minutes)
    return Outlook(tuple(months), days, since, tuple(lines), groups, staff)


def _open(contract: Contract, first: dt.date, last: dt.date) -> tuple[list[dt.date], float]:
    """The days on which some counter is open, and the minutes that a counter is open on one, on average."""
    calendar = calendar_of(contract, first, last)
    channel = "counter" if contract.profile.channels.counter else "phone"
    found: set[dt.date] = set()
    minutes, counters = 0.0, 0
    for site in contract.profile.sites:
        for day in calendar.days(site.code, channel, first, last):
            if day.intervals:
                found.add(day.date)
                counters += 1
                minutes += sum(minute_of(end) - minute_of(begin) for begin, end in day.intervals)
    return sorted(found), minutes / counters if counters else 0.0


def _came(contract: Contract, first: dt.date, today: dt.date) -> tuple[dict[str, dict[dt.date, int]], dt.date | None]:
    """Visits by procedure and day until yesterday, and the first day of which anything is known."""
    if today <= first:
        return {}, None
    period, measures = Period(first, today - dt.timedelta(days=1)), COUNTED[contract.profile.forecast.actual]
    found: dict[str, dict[dt.date, int]] = {}
    for figure in figures(contract, measures, period, by=["procedure", "day"]):
        by_day, day = found.setdefault(figure.key[0], {}), dt.date.fromisoformat(figure.key[1])
        by_day[day] = by_day.get(day, 0) + figure.top
    return found, min((day for by_day in found.values() for day in by_day), default=None)


def _known(
    profile: Profile, days: Mapping[dt.date, int], came: Mapping[str, Mapping[dt.date, int]], watched: Mapping[dt.date, int]
) -> list[Known]:
    """What is expected of each procedure: the city's cohorts where they reach, else the plan, else as many a day as came."""
    volumes = {one.item: one for one in profile.kpis.volumes}
    expiring: dict[str, dict[dt.date, int]] = {}
    for kind, month, count in Cohort.objects.values_list("kind", "month", "count"):
        expiring.setdefault(kind, {})[month] = count
    found = []
    for procedure in profile.procedures:
        code = procedure.code
        volume = volumes.get(code)
        expected = rules.planned(volume.count, volume.per, days) if volume else {}
        basis = "plan" if volume else ""
        for use in (one for one in profile.forecast.cohorts if one.procedure == code):
            cohorts = rules.from_cohorts(expiring.get(use.kind, {}), use.come, list(days))
            expected = {**expected, **cohorts}
            basis = "cohorts" if cohorts else basis
        seen_days = sum(watched.values())
        seen = sum(count for day, count in came.get(code, {}).items() if rules.month_of(day) in watched)
        if seen and seen_days and set(expected) != set(days):
            rate = seen / seen_days
            expected = {month: expected.get(month, rate * n) for month, n in days.items()}
            basis = basis or "history"
        if basis and set(expected) == set(days):
            found.append(Known(procedure, basis, expected, came.get(code, {})))
    return found


def _watched(one: Known, seen_days: Sequence[dt.date], days: Mapping[dt.date, int]) -> list[Watched]:
    """The open days watched, week by week and cut by months; what came on other days of a week counts with it."""
    exposures: dict[tuple[dt.date, dt.date], float] = {}
    for day in seen_days:
        month = rules.month_of(day)
        exposures[month, _monday(day)] = exposures.get((month, _monday(day)), 0.0) + one.expected[month] / days[month]
    came = dict.fromkeys(exposures, 0)
    for day, count in one.came.items():
        week = rules.month_of(day), _monday(day)
        if week in came:
            came[week] += count
    return [Watched(max(week), max(0, came[week]), exposure) for week, exposure in sorted(exposures.items()) if exposure > 0]


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=day.weekday())


def _before(contract: str, one: Known, seen: Sequence[Watched], month: dt.date, shares: Mapping[dt.date, float]) -> Band | None:
    """The forecast of the watched days of a month from what was known before it; None where none was possible."""
    earlier = [each for each in seen if each.first < month]
    exposure = one.expected[month] * shares[month]
    if exposure <= 0 or (one.basis == "history" and not earlier):
        return None
    return rules.band(rules.draws(rules.level_of(earlier), {month: exposure}, seed=f"{contract} {month} {one.procedure.code}")[month])


def _handled(contract: Contract, first: dt.date, today: dt.date) -> dict[str, float]:
    """Measured minutes of service by procedure, where enough were measured."""
    if today <= first:
        return {}
    measure = TIMED[contract.profile.forecast.actual]
    found = figures(contract, [measure], Period(first, today - dt.timedelta(days=1)), by=["procedure"])
    return {one.key[0]: one.value / 60 for one in found if one.value and (one.bottom or 0) >= ENOUGH}


def _minutes(profile: Profile, procedure: Procedure, handled: Mapping[str, float]) -> tuple[float, bool]:
    """Minutes of service, and whether they were measured: else those of the windows, else those of the reservation."""
    if procedure.code in handled:
        return handled[procedure.code], True
    groups = profile.reception.groups if profile.reception is not None else ()
    agreed = [group.minutes[procedure.code] for group in groups if procedure.code in group.minutes]
    return float(max(agreed) if agreed else procedure.minutes), False


def _places(profile: Profile, procedure: Procedure) -> int:
    """Places that one visit takes: bands that it lasts."""
    bands = [pool.band_minutes for pool in profile.pools if procedure.code in pool.procedures]
    return math.ceil(procedure.minutes / min(bands)) if bands else 0


def _groups(
    contract: Contract, lines: Sequence[Line], drawn: Mapping[str, Mapping[dt.date, Sequence[int]]], ahead: Sequence[dt.date],
    days: Mapping[dt.date, int], open_days: Sequence[dt.date], open_minutes: float, today: dt.date,
) -> tuple[Group, ...]:  # fmt: skip
    """What the months ahead ask of the pools. Days beyond the slots that exist count as many places as those that exist have on an open day."""
    profile = contract.profile
    there = planned_places(ahead[0], profile.term.service_to)
    last = max((day for _, day in there), default=today - dt.timedelta(days=1))
    covered = [day for day in open_days if today <= day <= last]
    titles = {pool.code: pool.name or pool.code for pool in profile.pools}
    found = []
    for pools, procedures in rules.joined(procedures_of_pools()):
        serving = [line for line in lines if line.code in procedures and line.places]
        usual = sum(n for (pool, day), n in there.items() if pool in pools and day >= today) / len(covered) if covered else 0.0
        needs = []
        for month in ahead if serving else ():
            by = {line.code: drawn[line.code][month] for line in serving}
            places = rules.band(rules.weighted(by, {line.code: line.places for line in serving}))
            beyond = sum(1 for day in open_days if day > last and rules.month_of(day) == month)
            planned = sum(n for (pool, day), n in there.items() if pool in pools and rules.month_of(day) == month) + round(usual * beyond)
            proposal = rules.propose(
                places.high, planned, 0, days=days[month], open_minutes=open_minutes, use=profile.forecast.use, person_minutes=profile.forecast.person_minutes
            )  # fmt: skip
            needs.append(Need(month, places, planned, not beyond, proposal))
        if needs:
            found.append(Group(tuple(titles.get(code, code) for code in pools), tuple(line.name for line in serving), tuple(needs)))
    return tuple(found)


def _staff(
    profile: Profile, lines: Sequence[Line], drawn: Mapping[str, Mapping[dt.date, Sequence[int]]], ahead: Sequence[dt.date],
    days: Mapping[dt.date, int], open_minutes: float,
) -> tuple[Staff, ...]:  # fmt: skip
    found = []
    for month in ahead if lines else ():
        by = {line.code: drawn[line.code][month] for line in lines}
        minutes = rules.band(rules.weighted(by, {line.code: line.minutes for line in lines}))
        asked = rules.propose(
            0, 0, minutes.high, days=days[month], open_minutes=open_minutes, use=profile.forecast.use, person_minutes=profile.forecast.person_minutes
        )  # fmt: skip
        found.append(Staff(month, days[month], minutes, asked.windows, asked.people))
    return tuple(found)
