"""Plans of slots: weekly patterns, single days, the calendar; and bringing the slots in line with them.

Every deed here can be previewed: the very same deed runs and is rolled back, so a preview never lies.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from madoguchi.domain.callflow import services as callflow
from madoguchi.domain.notices.models import Kind
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.calendar import BusinessCalendar, Day, bands
from madoguchi.ground.contracts.models import CalendarOverride, Contract, Site
from madoguchi.ground.contracts.profile import END_OF_DAY, clock_text, parse_span
from madoguchi.ground.contracts.queries import calendar_of
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST

from ..enums import EventKind, State
from ..models import Affected, Booking, Claim, DayPlan, Pool, PoolProcedure, Slot, WeekPattern
from .contingents import part
from .history import write_line
from .reserve import release_expired, tell

Plan = dict[dt.datetime, tuple[dt.datetime, int]]
Band = tuple[dt.time, dt.time, int]
Bands = list[Band]


class _Undo(Exception):
    pass


E = TypeVar("E", bound="Effect")


@dataclass
class Effect:
    """What a change of plans does to the slots and to bookings that exist."""

    opened: list[tuple[Pool, dt.datetime, int]] = field(default_factory=list)
    changed: list[tuple[Pool, dt.datetime, int, int]] = field(default_factory=list)
    closed: list[tuple[Pool, dt.datetime, int]] = field(default_factory=list)
    broken: list[Booking] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        return not (self.opened or self.changed or self.closed)

    @property
    def signature(self) -> tuple[object, ...]:
        """Equal for two effects that do the same to the same slots and bookings."""
        slots = [[(pool.pk, *rest) for pool, *rest in rows] for rows in (self.opened, self.changed, self.closed)]
        return (*map(tuple, slots), tuple(booking.pk for booking in self.broken))


@dataclass(frozen=True)
class Pattern:
    """Planned places of a weekday (0 = Monday) between two times."""

    weekday: int
    starts: dt.time
    ends: dt.time
    capacity: int


def preview(contract: Contract, deed: Callable[[], E]) -> E:
    """What ``deed`` would do; nothing stays."""
    return attempt(contract, deed, wanted=lambda effect: False)[0]


def attempt(contract: Contract, deed: Callable[[], E], *, wanted: Callable[[E], bool]) -> tuple[E, bool]:
    """Do ``deed``, and keep it only if its effect is what was ``wanted``: what it does or would do, and whether it stays."""
    effect: E | None = None
    with contract_scope(contract):
        try:
            with transaction.atomic():
                effect = deed()
                if not wanted(effect):
                    raise _Undo
        except _Undo:
            pass
        else:
            return effect, True
    assert effect is not None
    return effect, False


def planned_day(
    pool: Pool,
    day: Day,
    patterns: Sequence[WeekPattern],
    plan: DayPlan | None,
    breaks: Sequence[tuple[dt.time, dt.time]],
    procedures: Sequence[str],
) -> Plan:
    """The slots that one day of a pool shall have: the day plan if there is one, else the patterns cut by the calendar."""
    if plan is not None:
        return {
            _at(day.date, begin): (_at(day.date, end), int(n))
            for a, b, n in plan.bands
            for begin, end in [parse_span((a, b))]
        }
    wanted: Plan = {}
    here = [
        p
        for p in patterns
        if p.weekday == day.date.weekday()
        and p.valid_from <= day.date
        and (p.valid_to is None or day.date <= p.valid_to)
    ]
    for begin, end in bands(day, pool.band_minutes, breaks=breaks):
        if procedures and all(day.withheld(code, begin, end) for code in procedures):
            continue
        for pattern in here:
            if pattern.starts <= begin and end <= pattern.ends:
                wanted[_at(day.date, begin)] = (_at(day.date, end), pattern.capacity)
    return wanted


@dataclass(frozen=True)
class PoolDay:
    """One day of a pool as it is planned: ``usual`` by patterns and calendar, ``plan`` where the day has bands of its own."""

    pool: Pool
    day: Day
    usual: Plan
    plan: DayPlan | None
    wanted: Plan


def pool_days(contract: Contract, pools: Sequence[Pool], first: dt.date, last: dt.date) -> Iterator[PoolDay]:
    """The plans of these pools and days, pool by pool (inside the scope)."""
    calendar: BusinessCalendar = calendar_of(contract, first, last)
    breaks = {p.code: p.breaks for p in contract.profile.pools}
    channels = {p.code: p.channel for p in contract.profile.pools}
    sites = {site.pk: site.code for site in Site.objects.all()}
    for pool in pools:
        patterns = list(WeekPattern.objects.filter(pool=pool).order_by("pk"))
        plans = {p.date: p for p in DayPlan.objects.filter(pool=pool, date__range=(first, last), withdrawn_at=None)}
        codes = list(PoolProcedure.objects.filter(pool=pool).values_list("procedure__code", flat=True))
        for day in calendar.days(sites[pool.site_id], channels.get(pool.code, "counter"), first, last):
            plan = plans.get(day.date)
            usual = planned_day(pool, day, patterns, None, breaks.get(pool.code, ()), codes)
            wanted = planned_day(pool, day, (), plan, (), ()) if plan else usual
            yield PoolDay(pool, day, usual, plan, wanted)


def bands_of(plan: Plan) -> Bands:
    """A plan of one day as bands in order; an end at midnight is 24:00."""
    return sorted((start.time(), ends.time() if ends.time() != dt.time() else END_OF_DAY, n) for start, (ends, n) in plan.items())


def _at(day: dt.date, clock: dt.time) -> dt.datetime:
    if clock == END_OF_DAY:
        return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(0), JST)
    return dt.datetime.combine(day, clock, JST)


def rebuild(
    contract: Contract,
    pools: Sequence[Pool],
    first: dt.date,
    last: dt.date,
    *,
    by: Actor,
    now: dt.datetime,
    reason: str = "",
    dates: Collection[dt.date] | None = None,
) -> Effect:
    """Bring the slots of these pools and days (from now on) in line with patterns, day plans and calendar.

    ``reason`` is a person's word that those affected read; ``dates`` limits the work to some of the days.

    Slots are never deleted once somebody could have seen them: a slot without a plan is closed. Bookings that lose their place go
    on the work list and are told by mail; none is cancelled. Runs in the caller's transaction and scope.
    """
    effect = Effect()
    wanted: dict[tuple[int, dt.datetime], tuple[dt.datetime, int]] = {}
    by_pk = {pool.pk: pool for pool in pools}
    for found in pool_days(contract, pools, first, last):
        if dates is None or found.day.date in dates:
            wanted.update({(found.pool.pk, start): value for start, value in found.wanted.items() if start > now})
    span = (_at(first, dt.time(0)), _at(last + dt.timedelta(days=1), dt.time(0)))
    those = Slot.objects.filter(pool__in=pools, starts_at__gt=now, starts_at__gte=span[0], starts_at__lt=span[1])
    if dates is not None:
        those = those.filter(starts_at__date__in=dates)
    existing = list(those.select_for_update(of=("self",), no_key=True).order_by("pk"))
    change: list[tuple[int, int, bool, dt.datetime]] = []
    seen = set()
    for slot in existing:
        start = slot.starts_at.astimezone(JST)
        key = (slot.pool_id, start)
        seen.add(key)
        pool = by_pk[slot.pool_id]
        if key not in wanted:
            if not slot.closed or slot.planned:
                change.append((slot.pk, 0, True, slot.ends_at))
                effect.closed.append((pool, start, slot.planned))
            continue
        ends, planned = wanted[key]
        if slot.closed:
            effect.opened.append((pool, start, planned))
        elif slot.planned != planned:
            effect.changed.append((pool, start, slot.planned, planned))
        elif slot.ends_at == ends:
            continue
        change.append((slot.pk, planned, False, ends))
    new = [key for key in wanted if key not in seen]
    if new:
        _insert(contract, [(pk, start, *wanted[pk, start]) for pk, start in new])
    effect.opened += [(by_pk[pk], start, wanted[pk, start][1]) for pk, start in new]
    if change:
        with connection.cursor() as cursor:
            cursor.execute(
                "select booking_replan(%s::smallint, %s::bigint[], %s::int[], %s::boolean[], %s::timestamptz[])",
                [contract.pk, *(list(column) for column in zip(*change, strict=True))],
            )
            broken = cursor.fetchone()[0]
        if broken:
            effect.broken = flag_broken(contract, broken, reason=reason, by=by, now=now)
    part(contract, pools, first, last, now=now)
    for rows in (effect.opened, effect.changed, effect.closed):
        rows.sort(key=lambda row: (row[1], row[0].pk))  # type: ignore[attr-defined]
    return effect


def _insert(contract: Contract, slots: Sequence[tuple[int, dt.datetime, dt.datetime, int]]) -> None:
    """Add slots of pool, start, end and places. A quarter of a year of a contract is thousands: one array per column, not one value per cell."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into booking_slot (contract_id, pool_id, starts_at, ends_at, planned, capacity, taken, closed)"
            " select %s, pool, starts_at, ends_at, places, places, 0, false"
            " from unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::smallint[]) as new (pool, starts_at, ends_at, places)",
            [contract.pk, *(list(column) for column in zip(*slots, strict=True))],
        )


def lock_pools(pools: Sequence[Pool]) -> None:
    """Let one editor after the other change the plans of these pools: taken first of all locks, in order of id."""
    wanted = Pool.objects.filter(pk__in=[pool.pk for pool in pools])
    list(wanted.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def flag_broken(contract: Contract, slots: Sequence[int], *, reason: str, by: Actor, now: dt.datetime) -> list[Booking]:
    """Put the bookings that these slots no longer carry on the work list, and tell those with a mail address.

    Of a slot that was only cut, the bookings made last are concerned. Holds that nobody is confirming right now end.
    """
    found: dict[int, list[int]] = {}
    for slot in Slot.objects.filter(pk__in=slots).order_by("pk"):
        claims = Claim.objects.filter(slot=slot, attendee__booking__state=State.BOOKED).order_by(
            "-attendee__booking__created_at"
        )
        ids = list(claims.values_list("attendee__booking_id", flat=True))
        for booking in dict.fromkeys(ids if slot.closed else ids[: max(0, slot.taken - slot.planned)]):
            found.setdefault(booking, []).append(slot.pk)
    listed = set(Affected.objects.filter(booking_id__in=found, settled_at=None).values_list("booking_id", flat=True))
    fresh = Booking.objects.filter(pk__in=set(found) - listed).select_related("site").order_by("starts_at", "pk")
    told = list(fresh)
    for booking in told:
        message = tell(contract, booking, Kind.AFFECTED, now=now)
        Affected.objects.create(
            contract=contract,
            booking=booking,
            reason=reason,
            slots=found[booking.pk],
            created_at=now,
            created_by=by.label or str(by.kind),
            notified_at=now if message else None,
        )
        write_line(
            contract,
            booking.pk,
            EventKind.AFFECTED,
            by=by,
            now=now,
            change={"reason": [None, reason]},
        )
    release_expired(contract, now=now, slots=slots)
    return told


def flag_late(contract: Contract, *, by: Actor, now: dt.datetime) -> None:
    """List and tell who confirmed a hold at the very moment in which its slot closed, with the reason the closing was given."""
    with contract_scope(contract):
        booked = Claim.objects.filter(slot=OuterRef("pk"), attendee__booking__state=State.BOOKED)
        unlisted = booked.exclude(Exists(Affected.objects.filter(booking_id=OuterRef("attendee__booking_id"))))
        lost = Slot.objects.filter(Exists(unlisted), closed=True, starts_at__gt=now).select_related("pool__site").order_by("pk")
        if not lost.exists():
            return
        lock_pools(list(Pool.objects.all()))
        by_reason: dict[str, list[int]] = {}
        for slot in lost.all():
            by_reason.setdefault(_why_closed(contract, slot), []).append(slot.pk)
        for reason, slots in by_reason.items():
            flag_broken(contract, slots, reason=reason, by=by, now=now)


def _why_closed(contract: Contract, slot: Slot) -> str:
    """The word of who closed a slot; empty where the weekly patterns did."""
    starts, ends = slot.starts_at.astimezone(JST), slot.ends_at.astimezone(JST)
    day, pool = starts.date(), slot.pool
    plan = DayPlan.objects.filter(pool=pool, date=day, withdrawn_at=None).first()
    if plan:
        return plan.reason
    channel = next((p.channel for p in contract.profile.pools if p.code == pool.code), "counter")
    end = ends.time() if ends.date() == day else END_OF_DAY
    return calendar_of(contract, day, day).closed_by(pool.site.code, channel, day, starts.time(), end)


def put_plans(
    contract: Contract,
    pool: Pool,
    days: Mapping[dt.date, Sequence[Band] | None],
    *,
    reason: str,
    by: Actor,
    now: dt.datetime,
) -> None:
    """Give days of a pool bands of their own (None: back to the patterns); what stood there stays as history."""
    DayPlan.objects.filter(pool=pool, date__in=days, withdrawn_at=None).update(withdrawn_at=now)
    DayPlan.objects.bulk_create(
        DayPlan(
            contract=contract,
            pool=pool,
            date=date,
            bands=[[clock_text(a), clock_text(b), n] for a, b, n in day_bands],
            reason=reason,
            created_at=now,
            created_by=by.label,
        )
        for date, day_bands in days.items()
        if day_bands is not None
    )


def horizon(contract: Contract, now: dt.datetime) -> dt.date:
    """The last day for which slots are kept ready: the booking window and a margin for staff."""
    return now.date() + dt.timedelta(days=contract.profile.booking.window.open_days_ahead + 35)


def set_patterns(
    contract: Contract, pool: Pool, patterns: Sequence[Pattern], *, valid_from: dt.date, by: Actor, now: dt.datetime
) -> Effect:
    """Replace the weekly patterns of a pool from a day on; earlier days keep the old ones."""
    with contract_scope(contract):
        lock_pools([pool])
        WeekPattern.objects.filter(pool=pool, valid_from__gte=valid_from).delete()
        WeekPattern.objects.filter(pool=pool, valid_to=None).update(valid_to=valid_from - dt.timedelta(days=1))
        WeekPattern.objects.filter(pool=pool, valid_to__gte=valid_from).update(
            valid_to=valid_from - dt.timedelta(days=1)
        )
        rows = [
            WeekPattern(
                contract=contract,
                pool=pool,
                weekday=p.weekday,
                starts=p.starts,
                ends=p.ends,
                capacity=p.capacity,
                valid_from=valid_from,
            )
            for p in patterns
        ]
        for row in rows:
            row.full_clean(exclude=["contract", "pool"])
        WeekPattern.objects.bulk_create(rows)
        effect = rebuild(contract, [pool], max(valid_from, now.date()), horizon(contract, now), by=by, now=now)
        audit.record(
            contract, "slots.pattern", f"pool:{pool.code}", by=by, now=now, valid_from=valid_from, **counts(effect)
        )
        return effect


def set_day(
    contract: Contract,
    pool: Pool,
    date: dt.date,
    day_bands: Sequence[Band],
    *,
    reason: str,
    by: Actor,
    now: dt.datetime,
) -> Effect:
    """Give one day of a pool its own bands (an empty list closes it for reservations)."""
    with contract_scope(contract):
        lock_pools([pool])
        put_plans(contract, pool, {date: day_bands}, reason=reason, by=by, now=now)
        effect = rebuild(contract, [pool], date, date, by=by, now=now, reason=reason)
        audit.record(
            contract, "slots.day", f"pool:{pool.code}", by=by, now=now, date=date, reason=reason, **counts(effect)
        )
        return effect


def withdraw_day(contract: Contract, pool: Pool, date: dt.date, *, by: Actor, now: dt.datetime) -> Effect:
    """Return a day to its weekly patterns."""
    with contract_scope(contract):
        lock_pools([pool])
        put_plans(contract, pool, {date: None}, reason="", by=by, now=now)
        effect = rebuild(contract, [pool], date, date, by=by, now=now)
        audit.record(
            contract, "slots.day", f"pool:{pool.code}", by=by, now=now, date=date, reason="元に戻す", **counts(effect)
        )
        return effect


@dataclass(frozen=True)
class CalendarChange:
    """A one-day change of the calendar; ``site`` and ``channel`` empty means all (see ``CalendarOverride``)."""

    date: dt.date
    kind: str
    site: str
    channel: str
    intervals: tuple[tuple[dt.time, dt.time], ...]
    last_reception: dt.time | None
    reason: str


def change_calendar(contract: Contract, change: CalendarChange, *, by: Actor, now: dt.datetime) -> Effect:
    """Open, close or move the hours of one day; slots follow at once, bookings that break are listed and told."""
    with contract_scope(contract):
        site = Site.objects.get(code=change.site) if change.site else None
        pools = list(Pool.objects.filter(site=site) if site else Pool.objects.all())
        lock_pools(pools)
        row = CalendarOverride.objects.create(
            contract=contract,
            site=site,
            channel=change.channel,
            date=change.date,
            kind=change.kind,
            intervals=[[clock_text(a), clock_text(b)] for a, b in change.intervals],
            last_reception=change.last_reception,
            reason=change.reason,
            created_at=now,
            created_by=by.label,
        )
        effect = rebuild(contract, pools, change.date, change.date, by=by, now=now, reason=change.reason)
        callflow.deliver_soon(contract, now=now)
        audit.record(
            contract, "calendar.changed", f"override:{row.pk}", by=by, now=now, date=change.date, kind=change.kind, site=change.site, channel=change.channel,
            intervals=row.intervals, reason=change.reason, **counts(effect),
        )  # fmt: skip
        return effect


def withdraw_calendar_change(contract: Contract, override: int, *, by: Actor, now: dt.datetime) -> Effect:
    """Take a one-day change back. Raises ``CalendarOverride.DoesNotExist``."""
    with contract_scope(contract):
        row = CalendarOverride.objects.select_for_update(no_key=True).get(pk=override, withdrawn_at=None)
        row.withdrawn_at = now
        row.save(update_fields=["withdrawn_at"])
        pools = list(Pool.objects.filter(site=row.site_id) if row.site_id else Pool.objects.all())
        lock_pools(pools)
        effect = rebuild(contract, pools, row.date, row.date, by=by, now=now)
        callflow.deliver_soon(contract, now=now)
        audit.record(
            contract, "calendar.withdrawn", f"override:{row.pk}", by=by, now=now, date=row.date, **counts(effect)
        )
        return effect


def extend(contract: Contract, *, by: Actor, now: dt.datetime) -> Effect:
    """Make the slots up to the horizon; runs every night and when a contract is set up."""
    with contract_scope(contract):
        pools = list(Pool.objects.all())
        lock_pools(pools)
        effect = rebuild(contract, pools, now.date(), horizon(contract, now), by=by, now=now)
        if not effect.nothing:
            audit.record(contract, "slots.rebuilt", f"contract:{contract.code}", by=by, now=now, **counts(effect))
        return effect


def settle(contract: Contract, affected: int, *, outcome: str, by: Actor, now: dt.datetime) -> None:
    """Take a booking off the work list: reached by phone, stays as it is, or will come another day. Raises ``DoesNotExist``."""
    with contract_scope(contract):
        row = Affected.objects.select_for_update(no_key=True, of=("self",)).get(pk=affected, settled_at=None)
        row.settled_at, row.outcome = now, outcome[:40]
        row.save(update_fields=["settled_at", "outcome"])
        write_line(contract, row.booking_id, EventKind.SETTLED, by=by, now=now, change={"outcome": [None, outcome]},
        )  # fmt: skip
        audit.record(contract, "affected.settled", f"booking:{row.booking_id}", by=by, now=now, outcome=outcome)


def counts(effect: Effect) -> dict[str, int]:
    """How much a change did, for the audit log."""
    return {
        "opened": len(effect.opened),
        "changed": len(effect.changed),
        "closed": len(effect.closed),
        "broken": len(effect.broken),
    }
