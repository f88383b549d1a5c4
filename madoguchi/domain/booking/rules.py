"""Decisions of booking: pure functions over plain values. The clock comes in as an argument; times are aware."""

from __future__ import annotations

import datetime as dt
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Letters and digits that cannot be mistaken for one another on paper or by phone (no I, O, 0, 1)."""

CODE_LENGTH = 8


class Mark(StrEnum):
    """Availability as residents see it; a text always stands beside the sign."""

    MANY = "o"
    FEW = "t"
    FULL = "x"
    NONE = "-"


SIGNS = {Mark.MANY: "○", Mark.FEW: "△", Mark.FULL: "×", Mark.NONE: "−"}


def new_code() -> str:
    """A random reservation code of 8 signs (40 bits): not guessable within the limits on look-ups."""
    bits = secrets.randbits(5 * CODE_LENGTH)
    return "".join(ALPHABET[(bits >> (5 * i)) & 31] for i in range(CODE_LENGTH))


def read_code(text: str) -> str:
    """What a resident typed or spelled, as a code: case, spaces, hyphens and full-width forms do not matter."""
    wide = {0xFF01 + i: 0x21 + i for i in range(94)}
    return "".join(c for c in text.translate(wide).upper() if c.isascii() and c.isalnum())


def show_code(code: str) -> str:
    """``K7M2-9QXT``: two groups of four; what took the place of an erased code stays as it is."""
    return code if code.startswith("#") else f"{code[:4]}-{code[4:]}"


SHARES = ("web", "phone", "counter", "online")
"""Channels that can have a contingent, in the order in which a slot keeps them."""


def share_of(channel: str) -> int:
    """The number of a channel's contingent in a slot, 1…4; 0 for a channel that cannot have one."""
    return SHARES.index(channel) + 1 if channel in SHARES else 0


def trim(kept: Sequence[int], planned: int) -> list[int]:
    """Contingents that fit into ``planned`` places: while they are too many, the largest gives up one (the later of equals)."""
    fitting = list(kept)
    while sum(fitting) > max(planned, 0):
        largest = max(fitting)
        at = max(i for i, n in enumerate(fitting) if n == largest)
        fitting[at] -= 1
    return fitting


@dataclass(frozen=True, slots=True)
class Parts:
    """The contingents of one slot (see ``SHARES``); ``opens`` are POSIX seconds."""

    kept: tuple[int, ...]
    used: tuple[int, ...]
    opens: tuple[int, ...]

    def away(self, share: int, now: float) -> int:
        """Places that are free but kept for others than ``share`` at ``now``."""
        return sum(
            max(0, kept - used)
            for i, (kept, used, opens) in enumerate(zip(self.kept, self.used, self.opens, strict=True), start=1)
            if i != share and now < opens
        )


@dataclass(slots=True)
class Bands:
    """The slots of one pool in order of time, as parallel lists (times as POSIX seconds)."""

    ids: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    planned: list[int] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    index: dict[int, int] = field(default_factory=dict)
    parts: dict[int, Parts] = field(default_factory=dict)

    def add(
        self, slot: int, starts: int, ends: int, planned: int, taken: int, closed: bool, parts: Parts | None = None
    ) -> None:
        """Append one slot; a closed one is left out: nobody can come then, not even beyond the plan."""
        if closed:
            return
        if parts is not None:
            self.parts[len(self.ids)] = parts
        self.index[starts] = len(self.ids)
        self.ids.append(slot)
        self.starts.append(starts)
        self.ends.append(ends)
        self.planned.append(planned)
        self.free.append(planned - taken)

    def seen_by(self, share: int, now: float) -> Bands:
        """The same slots with what is free for one contingent at ``now``; itself where nothing is kept for others.

        What is kept never takes away a place that a party has: it makes nothing of what is free, but not less than nothing.
        """
        if not self.parts:
            return self
        free = list(self.free)
        for at, parts in self.parts.items():
            free[at] = min(free[at], max(0, free[at] - parts.away(share, now)))
        return replace(self, free=free)


    def giving_back(self, freed: Mapping[int, int]) -> Bands:
        """The same slots with the places that a party would give back (slot → places)."""
        back = {at: freed[slot] for at, slot in enumerate(self.ids) if slot in freed}
        if not back:
            return self
        return replace(self, free=[free + back.get(at, 0) for at, free in enumerate(self.free)])


@dataclass(frozen=True, slots=True)
class Need:
    """What one person takes: a number of consecutive bands of one pool."""

    pool: int
    bands: int


@dataclass(frozen=True, slots=True)
class Visit:
    """Where one person was placed: slots in order, and the time they span (POSIX seconds)."""

    slots: tuple[int, ...]
    starts: int
    ends: int


def bands_needed(minutes: int, band_minutes: int) -> int:
    """How many bands a procedure of ``minutes`` takes: always whole bands, at least one."""
    return max(1, -(-minutes // band_minutes))


def fit(
    grid: dict[int, Bands],
    needs: Sequence[Need],
    start: int,
    *,
    spread: int,
    freed: dict[int, int] | None = None,
    over: bool = False,
) -> list[Visit] | None:
    """Place a party at ``start``: side by side where places allow, else in one of the next ``spread`` bands of the pool.

    ``freed`` counts places per slot that the party itself gives back (a move); ``over`` ignores what is taken, but never
    places anybody where there is no slot. Every person's bands follow each other without a gap, and at least one person
    starts at ``start``. Returns one visit per need in the order given, or None when the party does not fit.
    """
    placed: list[Visit | None] = [None] * len(needs)
    for pool in dict.fromkeys(need.pool for need in needs):
        bands = grid.get(pool)
        first = bands.index.get(start) if bands else None
        if bands is None or first is None:
            return None
        lengths = sorted((need.bands for need in needs if need.pool == pool), reverse=True)
        best: list[Visit] | None = None
        for order in islice(_orders(lengths), _ORDERS):
            visits = _earliest(bands, first, order, spread, freed or {}, over)
            if visits is not None and (best is None or visits[0].starts == start):
                best = visits
            if visits is not None and visits[0].starts == start:
                break
        if best is None:
            return None
        for i, need in enumerate(needs):
            if need.pool == pool:
                placed[i] = best.pop(next(n for n, visit in enumerate(best) if len(visit.slots) == need.bands))
    found = [visit for visit in placed if visit is not None]
    return found if found and min(visit.starts for visit in found) == start else None


_ORDERS = 500


def _orders(lengths: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every different order of these lengths, the given one first."""
    if not lengths:
        yield ()
    for length in dict.fromkeys(lengths):
        rest = list(lengths)
        rest.remove(length)
        for tail in _orders(rest):
            yield (length, *tail)


def _earliest(
    bands: Bands, first: int, lengths: Sequence[int], spread: int, back: dict[int, int], over: bool
) -> list[Visit] | None:
    """Each length in turn at its earliest place from band ``first`` on, in order of time; None when one has no place.

    Where a placement exists, the order of its starting times finds one: whoever is moved earlier frees what lies later.
    """
    used: dict[int, int] = {}
    visits = []
    for length in lengths:
        for at in range(first, min(first + spread, len(bands.ids) - 1) + 1):
            if at > first and bands.starts[at] != bands.ends[at - 1]:
                return None
            run = range(at, at + length)
            if run.stop > len(bands.ids) or any(bands.starts[b] != bands.ends[b - 1] for b in run[1:]):
                continue
            if over or all(bands.free[b] + back.get(bands.ids[b], 0) - used.get(b, 0) > 0 for b in run):
                for b in run:
                    used[b] = used.get(b, 0) + 1
                visits.append(Visit(tuple(bands.ids[b] for b in run), bands.starts[run[0]], bands.ends[run[-1]]))
                break
        else:
            return None
    return sorted(visits, key=lambda visit: visit.starts)


@dataclass(frozen=True, slots=True)
class Shift:
    """What a party changes: places per (slot, contingent), and the contingent that each new claim of a slot counts for."""

    change: dict[tuple[int, int], int]
    shares: dict[int, list[int]]


def shift(before: Sequence[tuple[int, int]], after: Sequence[int], share: int) -> Shift:
    """From the (slot, contingent) of claims given up to the slots of claims made by ``share``: only the difference counts.

    A claim made on a slot that the party gives up elsewhere keeps the contingent of the old one.
    """
    given: dict[int, list[int]] = {}
    for slot, old in before:
        given.setdefault(slot, []).append(old)
    change: Counter[tuple[int, int]] = Counter()
    shares: dict[int, list[int]] = {}
    for slot in after:
        if given.get(slot):
            shares.setdefault(slot, []).append(given[slot].pop(0))
        else:
            shares.setdefault(slot, []).append(share)
            change[slot, share] += 1
    for slot, rest in given.items():
        for old in rest:
            change[slot, old] -= 1
    return Shift({key: n for key, n in change.items() if n}, shares)


def starts_of(grid: dict[int, Bands], needs: Sequence[Need]) -> list[int]:
    """Times at which every pool of the party has a slot, in order."""
    common: set[int] | None = None
    for pool in {need.pool for need in needs}:
        bands = grid.get(pool)
        here = set(bands.index) if bands else set()
        common = here if common is None else common & here
    return sorted(common or ())


def places_at(grid: dict[int, Bands], needs: Sequence[Need], start: int) -> tuple[int, int]:
    """(free, planned) of the scarcest pool of the party in the band that begins at ``start``."""
    pairs = []
    for pool in {need.pool for need in needs}:
        bands = grid[pool]
        at = bands.index[start]
        pairs.append((bands.free[at], bands.planned[at]))
    return min(pairs)


@dataclass(frozen=True, slots=True)
class FewRule:
    """△ when the places left are at most ``count``, or at most ``share`` of the plan; from the contract."""

    count: int
    share: float

    def mark(self, left: int, planned: int) -> Mark:
        """The sign for ``left`` of ``planned`` places."""
        if left <= 0:
            return Mark.FULL
        few = (left <= self.count and left < planned) or left <= planned * self.share
        return Mark.FEW if few else Mark.MANY


def hold_deadline(now: dt.datetime, minutes: int) -> dt.datetime:
    """When a hold made now ends."""
    return now + dt.timedelta(minutes=minutes)


class Refusal(StrEnum):
    """Why a deed on a booking is not possible; the screens have a sentence for each."""

    NOT_LIVE = "not_live"
    TOO_LATE = "too_late"
    HOLD_EXPIRED = "hold_expired"
    TOO_MANY_PEOPLE = "too_many_people"
    NO_PEOPLE = "no_people"
    NOT_OPEN_YET = "not_open_yet"
    PAST = "past"
    NOT_BEGUN = "not_begun"
    FULL = "full"
    UNKNOWN_PROCEDURE = "unknown_procedure"
    KEY_REUSED = "key_reused"
    STALE = "stale"
    TWIN = "twin"
    TOO_MANY_BOOKINGS = "too_many_bookings"
    NOT_EARLIER = "not_earlier"
    NO_WAITING = "no_waiting"
    OFFER_GONE = "offer_gone"


@dataclass(frozen=True, slots=True)
class WindowRule:
    """The booking window in plain values: days ahead, hour of opening."""

    open_days_ahead: int
    opens_at: dt.time

    def last_day(self, now: dt.datetime) -> dt.date:
        """The last day that is open for booking at ``now`` (local time)."""
        ahead = self.open_days_ahead if now.timetz().replace(tzinfo=None) >= self.opens_at else self.open_days_ahead - 1
        return now.date() + dt.timedelta(days=ahead)


def may_book(visit: dt.datetime, *, now: dt.datetime, window: WindowRule, latest: dt.datetime, staff: bool) -> Refusal | None:
    """Whether a visit may be booked now. ``latest`` is the cut-off for this visit; staff are not bound to the far end."""
    if visit <= now:
        return Refusal.PAST
    if now > latest:
        return Refusal.TOO_LATE
    if not staff and visit.date() > window.last_day(now):
        return Refusal.NOT_OPEN_YET
    return None


class DayPart(StrEnum):
    """Parts of the day that a party can say it has time."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


def part_of(moment: dt.datetime) -> DayPart:
    """The part of the day of a local time: until noon, until 17:00, after."""
    return DayPart.MORNING if moment.hour < 12 else DayPart.AFTERNOON if moment.hour < 17 else DayPart.EVENING


DAYTIME = (dt.time(8), dt.time(20))
"""Hours in which somebody may be expected to answer; an offer of the night does not run out while people sleep."""
SHORTEST_OFFER = 30
"""Minutes of daytime below which an offer is not made: nobody could answer in time."""


def offer_deadline(now: dt.datetime, minutes: int, latest: dt.datetime) -> dt.datetime | None:
    """When an offer made ``now`` runs out: after ``minutes`` of daytime, never after ``latest``; None when that is too soon."""
    begin, end = (dt.datetime.combine(now.date(), clock, now.tzinfo) for clock in DAYTIME)
    none, day = dt.timedelta(), dt.timedelta(days=1)
    at, left, awake = max(now, begin), dt.timedelta(minutes=minutes), none
    while at + left > end and end < latest:
        spent = max(end - at, none)
        left, awake = left - spent, awake + spent
        begin, end = begin + day, end + day
        at = begin
    deadline = min(at + left, latest)
    awake += max(min(deadline, end) - at, none)
    return deadline if awake >= dt.timedelta(minutes=min(minutes, SHORTEST_OFFER)) else None


AFFECTED_GRACE = dt.timedelta(days=14)
"""How long after a visit that the city could not keep its party may still choose another time by itself."""


def nearest(
    moments: Iterable[dt.datetime], wanted: dt.datetime, *, count: int, per_day: int | None = None
) -> list[dt.datetime]:
    """The ``count`` times nearest to ``wanted``, which itself is left out: nearest day first, then nearest time of day.

    With ``per_day`` no day gives more than so many, so that a party sees several days.
    """

    def distance(moment: dt.datetime) -> tuple[int, int, dt.datetime]:
        clock = abs((moment.hour * 60 + moment.minute) - (wanted.hour * 60 + wanted.minute))
        return abs((moment.date() - wanted.date()).days), clock, moment

    found: list[dt.datetime] = []
    taken: Counter[dt.date] = Counter()
    for moment in sorted((one for one in moments if one != wanted), key=distance):
        if per_day is not None and taken[moment.date()] >= per_day:
            continue
        taken[moment.date()] += 1
        found.append(moment)
        if len(found) == count:
            break
    return found
