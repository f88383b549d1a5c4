"""Many days at once: bands of several pools and weeks edited together, and one week copied onto others.

Both write days with bands of their own (``DayPlan``) and bring the slots in line in one transaction: all days or none.
A day that comes out as its weekly patterns have it needs no bands of its own and goes back to the patterns.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import clock_text
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from ..models import Pool, Slot
from .slots import Band, Bands, Effect, PoolDay, bands_of, counts, horizon, lock_pools, pool_days, put_plans, rebuild

Span = tuple[dt.time, dt.time]

MOST_DAYS = 1000
"""Days of pools that one deed changes: 3 pools × 26 weeks are 546."""
LONGEST = dt.timedelta(days=366)
MOST_PLACES = 500
WEEK = dt.timedelta(days=7)


class Act(StrEnum):
    """What is done to the chosen bands."""

    SET = "set"
    ADD = "add"
    CLOSE = "close"
    REOPEN = "reopen"


class PlanError(ValueError):
    """A change of many days that cannot be done; the message says what to do instead, in Japanese, for staff."""


@dataclass
class WeeksEffect(Effect):
    """An effect, and how many days of pools changed, how many had bands of their own before, and how many lie so far
    ahead that their slots are made later; ``passed`` are days of a copy that the calendar closes, with its reason.
    """

    days: int = 0
    replaced: int = 0
    later: int = 0
    passed: list[tuple[Pool, dt.date, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Chosen:
    """Bands of ``pools`` (codes) from ``first`` to ``last`` on ``weekdays`` (0 = Monday) that touch ``span`` (None: any)."""

    pools: frozenset[str]
    first: dt.date
    last: dt.date
    weekdays: frozenset[int] = frozenset(range(7))
    span: Span | None = None


def altered(bands: Bands, usual: Bands, span: Span | None, act: Act, places: int) -> Bands:
    """The bands of a day after ``act``.

    ``set`` and ``add`` change the places of bands that touch ``span``, within 0…500; ``close`` takes them away;
    ``reopen`` brings back those of ``usual`` that touch ``span`` and no band of the day.
    """

    def chosen(band: Band) -> bool:
        return span is None or touch(band, span)

    if act == Act.CLOSE:
        return [band for band in bands if not chosen(band)]
    if act == Act.REOPEN:
        return sorted(bands + [u for u in usual if chosen(u) and not any(touch(u, band) for band in bands)])

    def changed(now: int) -> int:
        return max(0, min(MOST_PLACES, places if act == Act.SET else now + places))

    return [(a, b, changed(n)) if chosen((a, b, n)) else (a, b, n) for a, b, n in bands]


def touch(one: Band, other: Span | Band) -> bool:
    """Whether two bands share any time."""
    return one[0] < other[1] and other[0] < one[1]


def edit_bands(
    contract: Contract, chosen: Chosen, act: Act, *, places: int = 0, reason: str, by: Actor, now: dt.datetime
) -> WeeksEffect:
    """Set, add to, close or reopen the chosen bands of all those days. ``places`` is the new number, or the difference.

    Bookings that lose their place are listed and told with ``reason``; none is cancelled. Raises :class:`PlanError`.
    """
    with contract_scope(contract):
        pools = _pools(chosen.pools)
        lock_pools(pools)
        dates = [day for day in _dates(chosen.first, chosen.last) if day.weekday() in chosen.weekdays]
        _check(pools, dates, now)

        def wanted(found: PoolDay) -> Bands:
            return altered(bands_of(found.wanted), bands_of(found.usual), chosen.span, act, places)

        effect = _change(contract, pools, dates, wanted, reason=reason, by=by, now=now)
        audit.record(
            contract, "slots.edited", f"contract:{contract.code}", by=by, now=now, pools=sorted(chosen.pools),
            first=chosen.first, last=chosen.last, weekdays=sorted(chosen.weekdays), act=str(act), places=places,
            span=[clock_text(t) for t in chosen.span] if chosen.span else None, reason=reason, days=effect.days, **counts(effect),
        )  # fmt: skip
        return effect


def copy_week(
    contract: Contract,
    pools: Collection[str],
    source: dt.date,
    targets: Sequence[dt.date],
    *,
    beyond_hours: bool = False,
    reason: str,
    by: Actor,
    now: dt.datetime,
) -> WeeksEffect:
    """Give the weeks of ``targets`` the bands of the week of ``source`` (any day of a week stands for it).

    A day that the calendar closes is passed over, and bands outside its hours are left out, unless ``beyond_hours``. A
    source day that is closed by the calendar alone (a holiday) says nothing, and its weekday is passed over; one closed
    by hand closes its copies. Days before today stay. Raises :class:`PlanError`.
    """
    with contract_scope(contract):
        found = _pools(pools)
        lock_pools(found)
        monday = _monday(source)
        mondays = sorted({_monday(day) for day in targets} - {monday})
        if not mondays:
            raise PlanError("コピー先の週を選んでください。コピー元と同じ週は選べません。")
        dates = [day for start in mondays for day in _dates(start, start + dt.timedelta(days=6)) if day >= now.date()]
        _check(found, dates, now)
        model = {
            (one.pool.pk, one.day.date.weekday()): bands_of(one.wanted)
            for one in pool_days(contract, found, monday, monday + dt.timedelta(days=6))
            if one.plan is not None or one.day.intervals
        }
        passed: list[tuple[Pool, dt.date, str]] = []

        def wanted(one: PoolDay) -> Bands | None:
            bands = model.get((one.pool.pk, one.day.date.weekday()))
            if bands is None:
                return None
            if beyond_hours or not bands:
                return bands
            if not one.day.intervals:
                passed.append((one.pool, one.day.date, one.day.reason))
                return None
            return [band for band in bands if one.day.covers(band[0], band[1])]

        effect = _change(contract, found, dates, wanted, reason=reason, by=by, now=now)
        effect.passed = passed
        audit.record(
            contract, "slots.copied", f"contract:{contract.code}", by=by, now=now, pools=sorted(pools), source=monday,
            targets=[day.isoformat() for day in mondays], beyond_hours=beyond_hours, reason=reason, days=effect.days, **counts(effect),
        )  # fmt: skip
        return effect


def weeks_until(first: dt.date, last: dt.date) -> list[dt.date]:
    """The Mondays of the weeks from that of ``first`` to that of ``last``. Raises :class:`PlanError` for more than a year."""
    if last - first > LONGEST:
        raise PlanError("期間は1年以内にしてください。")
    monday, mondays = _monday(first), []
    while monday <= last:
        mondays.append(monday)
        monday += WEEK
    return mondays


def _change(
    contract: Contract,
    pools: Sequence[Pool],
    dates: Sequence[dt.date],
    wanted: Callable[[PoolDay], Bands | None],
    *,
    reason: str,
    by: Actor,
    now: dt.datetime,
) -> WeeksEffect:
    """Write the days whose ``wanted`` bands differ (None: leave the day alone), then bring the slots in line."""
    effect, chosen = WeeksEffect(), set(dates)
    plans: dict[Pool, dict[dt.date, Bands | None]] = {}
    for one in pool_days(contract, pools, dates[0], dates[-1]):
        if one.day.date not in chosen:
            continue
        bands = wanted(one)
        if bands is None or bands == bands_of(one.wanted):
            continue
        usual = bands == bands_of(one.usual)
        plans.setdefault(one.pool, {})[one.day.date] = None if usual else bands
        effect.days += 1
        effect.replaced += one.plan is not None
    for pool, days in plans.items():
        put_plans(contract, pool, days, reason=reason, by=by, now=now)
    touched = {date for days in plans.values() for date in days}
    made = _made(contract, list(plans), touched, now)
    effect.later = sum(date not in made for days in plans.values() for date in days)
    if made:
        done = rebuild(contract, list(plans), min(made), max(made), by=by, now=now, reason=reason, dates=made)
        effect.opened, effect.changed, effect.closed, effect.broken = done.opened, done.changed, done.closed, done.broken
    return effect


def _made(contract: Contract, pools: Sequence[Pool], dates: Collection[dt.date], now: dt.datetime) -> set[dt.date]:
    """The days that have slots already, or should have by now: those beyond get theirs from the plan when their time comes."""
    last = horizon(contract, now)
    beyond = Slot.objects.filter(pool__in=pools, starts_at__date__in=[day for day in dates if day > last])
    return {day for day in dates if day <= last} | set(beyond.values_list("starts_at__date", flat=True))


def _pools(codes: Collection[str]) -> list[Pool]:
    found = list(Pool.objects.filter(code__in=codes).select_related("site").order_by("pk"))
    if not found:
        raise PlanError("枠の組を1つ以上選んでください。")
    return found


def _check(pools: Sequence[Pool], dates: Sequence[dt.date], now: dt.datetime) -> None:
    if not dates:
        raise PlanError("選んだ期間に、選んだ曜日の日がありません。期間か曜日を直してください。")
    if dates[0] < now.date():
        raise PlanError("過ぎた日は変更できません。今日以後の期間を選んでください。")
    size = len(pools) * len(dates)
    if size > MOST_DAYS:
        raise PlanError(
            f"一度に変えられるのは{MOST_DAYS:,}日分までです（枠の組の数×日数）。いまは{size:,}日分です。"
            "期間か枠の組を分けて、くり返してください。"
        )


def _dates(first: dt.date, last: dt.date) -> list[dt.date]:
    if last - first > LONGEST:
        raise PlanError("期間は1年以内にしてください。")
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=day.weekday())
