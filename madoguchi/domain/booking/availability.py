"""What is free: the slots of a month in memory, and the month calendar as ready bytes.

A process reads the slots of a (contract, site, month) at most every ``REFRESH`` seconds, in one statement; whoever asks first
after that reads, the others get what is there. So a commit is visible to every reader of every process within ``REFRESH`` plus
one read, without any signal between processes, and stateless web nodes or read replicas need nothing more.
"""

from __future__ import annotations

import calendar as months
import datetime as dt
import hashlib
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from django.db import connection
from pydantic_core import to_json

from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.remember import Remembered

from . import rules
from .models import Claim, Pool, PoolProcedure
from .rules import Bands, Mark, Need, Parts

REFRESH = 0.15
KEEP_GRIDS = 400
KEEP_SNAPSHOTS = 2000
PLAN_KEEPS = 20.0


class Unknown(LookupError):
    """A site or procedure that this contract does not have; the message is for people."""


@dataclass(frozen=True)
class ProcedurePlan:
    """One procedure at one site."""

    id: int
    code: str
    name: str
    minutes: int
    need: Need


@dataclass(frozen=True)
class SitePlan:
    """What can be booked at a site: procedure code → plan."""

    id: int
    code: str
    name: str
    procedures: dict[str, ProcedurePlan]

    def needs(self, codes: Sequence[str]) -> list[Need]:
        """Needs of a party in order. Raises ``Unknown`` for a procedure that this site does not offer."""
        try:
            return [self.procedures[code].need for code in codes]
        except KeyError as missing:
            raise Unknown(f"{self.name}では「{missing.args[0]}」の予約を受け付けていません。") from None


@dataclass
class _Month:
    grid: dict[int, Bands]
    version: str
    read_at: float
    refreshing: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class _Snapshot:
    etag: str
    body: bytes
    version: str
    good_until: float


_plans: Remembered[int, dict[str, SitePlan]] = Remembered(PLAN_KEEPS)
_months: OrderedDict[tuple[int, int, int, int], _Month] = OrderedDict()
_snapshots: OrderedDict[tuple[object, ...], _Snapshot] = OrderedDict()
_lock = threading.Lock()


def forget() -> None:
    """Drop everything remembered (tests; after pools were edited in this process)."""
    _plans.forget()
    with _lock:
        _months.clear()
        _snapshots.clear()


def site_plans(contract: Contract) -> dict[str, SitePlan]:
    """Sites of a contract with what can be booked there, remembered for some seconds per process."""
    return _plans.get(contract.pk, lambda: _site_plans(contract))


def _site_plans(contract: Contract) -> dict[str, SitePlan]:
    with contract_scope(contract):
        plans: dict[str, SitePlan] = {
            site.code: SitePlan(site.pk, site.code, site.name, {}) for site in Site.objects.order_by("position")
        }
        by_pk = {plan.id: plan for plan in plans.values()}
        rows = PoolProcedure.objects.select_related("pool", "procedure").order_by("procedure__position", "pool_id")
        for row in rows:
            procedure, pool = row.procedure, row.pool
            if procedure.bookable:
                need = Need(pool.pk, rules.bands_needed(procedure.minutes, pool.band_minutes))
                by_pk[pool.site_id].procedures.setdefault(
                    procedure.code,
                    ProcedurePlan(procedure.pk, procedure.code, procedure.legal_name, procedure.minutes, need),
                )
    return plans


def site_plan(contract: Contract, code: str) -> SitePlan:
    """One site. Raises ``Unknown``."""
    try:
        return site_plans(contract)[code]
    except KeyError:
        raise Unknown(f"場所「{code}」は{contract.name}にありません。") from None


def _read(contract_id: int, site_id: int, year: int, month: int) -> tuple[dict[int, Bands], str]:
    first = dt.datetime(year, month, 1, tzinfo=JST)
    last = first + dt.timedelta(days=months.monthrange(year, month)[1])
    with connection.cursor() as cursor:
        cursor.execute("select * from booking_grid(%s::smallint, %s, %s, %s)", [contract_id, site_id, first, last])
        rows = cursor.fetchall()
    grid: dict[int, Bands] = {}
    for pool, slot, starts, ends, planned, taken, closed, kept, used, opens in rows:
        bands = grid.get(pool)
        if bands is None:
            bands = grid[pool] = Bands()
        parts = Parts(tuple(kept), tuple(used), tuple(int(o.timestamp()) for o in opens)) if kept else None
        bands.add(slot, starts, ends, planned, taken, closed, parts)
    version = hashlib.blake2b(repr([(r[1], *r[3:]) for r in rows]).encode(), digest_size=12).hexdigest()
    return grid, version


def month_grid(contract: Contract, site_id: int, year: int, month: int, *, fresh: bool = False) -> _Month:
    """Slots of a site in a month; at most ``REFRESH`` seconds old, or read just now with ``fresh``."""
    key = (contract.pk, site_id, year, month)
    found = _months.get(key)
    if found is not None and not fresh:
        if time.monotonic() - found.read_at < REFRESH:
            return found
        if not found.refreshing.acquire(blocking=time.monotonic() - found.read_at > 4 * REFRESH):
            return found
        try:
            if time.monotonic() - found.read_at >= REFRESH:
                asked = time.monotonic()
                found.grid, found.version = _read(*key)
                found.read_at = asked
        finally:
            found.refreshing.release()
        return found
    asked = time.monotonic()
    grid, version = _read(*key)
    made = _Month(grid, version, asked)
    with _lock:
        _months[key] = made
        while len(_months) > KEEP_GRIDS:
            _months.popitem(last=False)
    return made


def grid_for(
    contract: Contract, site_id: int, moment: dt.datetime, *, by: Actor, now: dt.datetime, fresh: bool = False
) -> dict[int, Bands]:
    """The grid of the month in which ``moment`` lies, as ``by`` may use it (visits never cross midnight of the last day)."""
    local = moment.astimezone(JST)
    return seen_by(month_grid(contract, site_id, local.year, local.month, fresh=fresh).grid, by=by, now=now)


def seen_by(grid: dict[int, Bands], *, by: Actor, now: dt.datetime) -> dict[int, Bands]:
    """The grid without the places that are kept for other channels at ``now``."""
    share, moment = rules.share_of(by.channel), now.timestamp()
    return {pool: bands.seen_by(share, moment) for pool, bands in grid.items()}


@dataclass(frozen=True)
class SlotMark:
    """One starting time of a day for a party: sign, and how many places the scarcest pool has left."""

    starts_at: dt.datetime
    mark: Mark
    left: int


@dataclass(frozen=True)
class DayMark:
    """One day: sign for the whole day, places left, its starting times."""

    date: dt.date
    mark: Mark
    left: int
    slots: tuple[SlotMark, ...]


@lru_cache(maxsize=20_000)
def _local(start: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(start, JST)


@lru_cache(maxsize=20_000)
def _shown(start: dt.datetime) -> str:
    return start.isoformat()


def day_marks(
    contract: Contract,
    site: SitePlan,
    procedures: Sequence[str],
    first: dt.date,
    last: dt.date,
    *,
    by: Actor,
    now: dt.datetime,
    freed: Mapping[int, int] | None = None,
) -> list[DayMark]:
    """Signs for every day ``first``…``last`` for a party with these procedures, as ``by`` may book them at ``now``.

    ``freed`` counts the places per slot that the party would give back by moving (``own_places``). Raises ``Unknown`` for a
    procedure that the site does not offer.
    """
    needs = site.needs(procedures)
    booking = contract.profile.booking
    window = rules.WindowRule(booking.window.open_days_ahead, booking.window.opens_at)
    lead = booking.window.staff_lead if by.is_staff else booking.window.web_lead
    few = rules.FewRule(booking.few_left.count, booking.few_left.share)
    simple = len(needs) == 1 and needs[0].bands == 1
    days: dict[dt.date, list[SlotMark]] = {}
    month = first.replace(day=1)
    while month <= last:
        grid = seen_by(month_grid(contract, site.id, month.year, month.month).grid, by=by, now=now)
        if freed:
            grid = {pool: bands.giving_back(freed) for pool, bands in grid.items()}
        for start in rules.starts_of(grid, needs):
            moment = _local(start)
            day = moment.date()
            if not first <= day <= last:
                continue
            if rules.may_book(moment, now=now, window=window, latest=lead.latest(moment), staff=by.is_staff):
                days.setdefault(day, [])
                continue
            free, planned = rules.places_at(grid, needs, start)
            # One person in one band fits exactly where a place is free.
            if free <= 0 if simple else rules.fit(grid, needs, start, spread=booking.spread) is None:
                mark, free = Mark.FULL, 0
            else:
                mark = few.mark(max(free, 1), planned)
            days.setdefault(day, []).append(SlotMark(moment, mark, max(free, 0)))
        month = (month + dt.timedelta(days=32)).replace(day=1)
    found = []
    for offset in range((last - first).days + 1):
        day = first + dt.timedelta(days=offset)
        slots = tuple(days.get(day, ()))
        found.append(DayMark(day, _of_day(slots, few), sum(s.left for s in slots), slots))
    return found


def alternatives(
    contract: Contract,
    site: str,
    procedures: Sequence[str],
    wanted: dt.datetime,
    *,
    by: Actor,
    now: dt.datetime,
    count: int = 6,
    per_day: int | None = None,
    days: int = 14,
    freed: Mapping[int, int] | None = None,
) -> list[dt.datetime]:
    """Free times for the same party nearest to ``wanted`` (see ``rules.nearest``), at most ``days`` before or after.

    Empty when nothing is free, or the site does not offer one of the procedures.
    """
    first = max(now.date(), wanted.date() - dt.timedelta(days=days))
    last = max(wanted.date(), now.date()) + dt.timedelta(days=days)
    try:
        marks = day_marks(contract, site_plan(contract, site), procedures, first, last, by=by, now=now, freed=freed)
    except Unknown:
        return []
    free = (slot.starts_at for day in marks for slot in day.slots if slot.mark is not Mark.FULL)
    return rules.nearest(free, wanted, count=count, per_day=per_day)


def own_places(booking: int) -> dict[int, int]:
    """Places per slot that the booking of this id has, and would give back by moving (inside the scope)."""
    return dict(Counter(Claim.objects.filter(attendee__booking_id=booking).values_list("slot_id", flat=True)))


def _of_day(slots: Sequence[SlotMark], few: rules.FewRule) -> Mark:
    if not slots:
        return Mark.NONE
    good = [s for s in slots if s.mark is not Mark.FULL]
    if not good:
        return Mark.FULL
    if len(good) <= max(1, few.share * len(slots)) or all(s.mark is Mark.FEW for s in good):
        return Mark.FEW
    return Mark.MANY


def snapshot(
    contract: Contract, site_code: str, procedures: tuple[str, ...], first: dt.date, last: dt.date, *, by: Actor
) -> tuple[str, bytes]:
    """(strong ETag, JSON bytes) of the availability; rebuilt only when the slots or the minute changed.

    Raises ``Unknown``. The JSON is ``{"site", "procedures", "people", "days": [{"date", "mark", "left", "slots": [{"starts_at",
    "mark", "left"}]}]}`` with marks ``o`` (many), ``t`` (few), ``x`` (full), ``-`` (nothing on that day).
    """
    key = (contract.pk, site_code, procedures, first, last, by.is_staff, by.channel)
    moment = time.monotonic()
    kept = _snapshots.get(key)
    if kept is not None and moment < kept.good_until:
        return kept.etag, kept.body
    site = site_plan(contract, site_code)
    now = clock.now()
    versions = []
    month = first.replace(day=1)
    while month <= last:
        versions.append(month_grid(contract, site.id, month.year, month.month).version)
        month = (month + dt.timedelta(days=32)).replace(day=1)
    version = f"{'.'.join(versions)}@{now:%Y%m%d%H%M}"
    if kept is not None and kept.version == version:
        kept.good_until = moment + REFRESH
        return kept.etag, kept.body
    marks = day_marks(contract, site, procedures, first, last, by=by, now=now)
    body = to_json(
        {
            "site": site_code,
            "procedures": procedures,
            "people": len(procedures),
            "days": [
                {
                    "date": day.date.isoformat(),
                    "mark": day.mark,
                    "left": day.left,
                    "slots": [
                        {"starts_at": _shown(s.starts_at), "mark": s.mark, "left": s.left} for s in day.slots
                    ],
                }
                for day in marks
            ],
        }
    )
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    with _lock:
        _snapshots[key] = _Snapshot(etag, body, version, moment + REFRESH)
        while len(_snapshots) > KEEP_SNAPSHOTS:
            _snapshots.popitem(last=False)
    return etag, body


def pools_of_site(site: Site) -> list[Pool]:
    """Pools of a site (inside the scope)."""
    return list(Pool.objects.filter(site=site))


def bookable_procedures() -> list[Procedure]:
    """Procedures of the contract in scope that residents can book, in order."""
    return list(Procedure.objects.filter(bookable=True))
