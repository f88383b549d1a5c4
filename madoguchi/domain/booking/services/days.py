"""One day that differs: the calendar and the places of that day, changed and taken back together.

``slots.change_calendar`` moves opening hours; weekly patterns know only the usual hours, so an evening or a Sunday has
no places until the day gets its own bands, and a day with bands of its own does not follow a closure. These deeds do
both in one transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from django.db import transaction

from madoguchi.ground.contracts.models import CalendarOverride, Contract
from madoguchi.ground.contracts.profile import clock_of, minute_of
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST

from ..models import DayPlan, Pool, Slot
from .slots import (
    Bands,
    CalendarChange,
    Effect,
    bands_of,
    change_calendar,
    set_day,
    withdraw_calendar_change,
    withdraw_day,
)

Spans = Sequence[tuple[dt.time, dt.time]]


def added(existing: Bands, spans: Spans, *, minutes: int, last_reception: dt.time | None, places: int) -> Bands:
    """Bands of ``minutes`` in ``spans`` that touch no existing one and do not begin after the last reception."""
    found: Bands = []
    for begin, end in spans:
        at = minute_of(begin)
        while at + minutes <= minute_of(end):
            first, last = clock_of(at), clock_of(at + minutes)
            late = last_reception is not None and first > last_reception
            if not late and not any(a < last and first < b for a, b, _ in existing):
                found.append((first, last, places))
            at += minutes
    return found


def cut(existing: Bands, spans: Spans) -> Bands:
    """Bands that ``spans`` (none: the whole day) do not touch."""
    if not spans:
        return []
    return [band for band in existing if not any(a < band[1] and band[0] < b for a, b in spans)]


def within(existing: Bands, spans: Spans) -> Bands:
    """Bands that lie within one of ``spans``."""
    return [band for band in existing if any(a <= band[0] and band[1] <= b for a, b in spans)]


@transaction.atomic
def change_day(
    contract: Contract, change: CalendarChange, *, places: Mapping[str, int], by: Actor, now: dt.datetime
) -> Effect:
    """Change a day of the calendar with its places.

    ``places`` (pool code → places per band) fills the opened spans of kind ``open`` where the weekly pattern has
    nothing. Days with bands of their own follow a closure or other hours.
    """
    with contract_scope(contract):
        effect = change_calendar(contract, change, by=by, now=now)
        for pool in pools_of_change(contract, change.site, change.channel):
            planned = DayPlan.objects.filter(pool=pool, date=change.date, withdrawn_at=None).exists()
            existing = bands_on(pool, change.date)
            wanted = existing
            if change.kind == CalendarOverride.Kind.OPEN and places.get(pool.code):
                wanted = sorted(
                    existing
                    + added(
                        existing,
                        change.intervals,
                        minutes=pool.band_minutes,
                        last_reception=change.last_reception,
                        places=places[pool.code],
                    )
                )
            elif change.kind == CalendarOverride.Kind.CLOSED and planned:
                wanted = cut(existing, change.intervals)
            elif change.kind == CalendarOverride.Kind.HOURS and planned:
                wanted = within(existing, change.intervals)
            if wanted != existing:
                _merge(effect, set_day(contract, pool, change.date, wanted, reason=change.reason, by=by, now=now))
        return effect


@transaction.atomic
def withdraw_change(contract: Contract, override: int, *, by: Actor, now: dt.datetime) -> Effect:
    """Take a change back with the bands that were made for it (same day, same reason).

    Raises ``CalendarOverride.DoesNotExist`` when it was taken back already.
    """
    with contract_scope(contract):
        row = CalendarOverride.objects.select_related("site").get(pk=override, withdrawn_at=None)
        effect = withdraw_calendar_change(contract, override, by=by, now=now)
        for pool in pools_of_change(contract, row.site.code if row.site else "", row.channel):
            plans = DayPlan.objects.filter(pool=pool, date=row.date, reason=row.reason, withdrawn_at=None)
            if plans.exists():
                _merge(effect, withdraw_day(contract, pool, row.date, by=by, now=now))
        return effect


def pools_of_change(contract: Contract, site: str, channel: str) -> list[Pool]:
    """Pools that a change of a site (empty: all) and channel (empty: all but web) concerns, in the scope."""
    channels = {p.code: str(p.channel) for p in contract.profile.pools}
    pools = Pool.objects.select_related("site").order_by("pk")
    if site:
        pools = pools.filter(site__code=site)
    wanted = [channels.get(pool.code, "counter") for pool in pools]
    return [pool for pool, own in zip(pools, wanted, strict=True) if own == channel or (not channel and own != "web")]


def bands_on(pool: Pool, date: dt.date) -> Bands:
    """The open bands that a day of a pool has, with their planned places (inside the scope)."""
    midnight = dt.datetime.combine(date, dt.time(), JST)
    slots = Slot.objects.filter(
        pool=pool, starts_at__gte=midnight, starts_at__lt=midnight + dt.timedelta(days=1), closed=False
    )
    return bands_of({s.starts_at.astimezone(JST): (s.ends_at.astimezone(JST), s.planned) for s in slots})


def _merge(effect: Effect, more: Effect) -> None:
    effect.opened += more.opened
    effect.changed += more.changed
    effect.closed += more.closed
    seen = {booking.pk for booking in effect.broken}
    effect.broken += [booking for booking in more.broken if booking.pk not in seen]
