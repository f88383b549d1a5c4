"""Decisions of the reception: whose turn it is, which group serves a visit, how long the wait will be. Pure."""

from __future__ import annotations

import datetime as dt
import heapq
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from madoguchi.ground.contracts.profile import Reception, WindowGroup

ROUND_MINUTES = 5
SPREAD = (0.75, 1.5)
"""Shortest and longest plausible service as shares of the agreed minutes, until enough services were measured."""
ENOUGH = 8
"""Measured services of a procedure from which on they count instead of the agreed minutes."""
UNKNOWN_MINUTES = 15
ALONE_MINUTES = 240
"""How long a tablet has to be able to go on without a connection."""
SHARE_OF_NEXT_PERSON = 0.5
"""Each further person for the same procedure takes this share of the first one's time (assumption)."""


def rank(terms: Reception, group: WindowGroup, *, came_at: dt.datetime, booked_at: dt.datetime | None) -> dt.datetime:
    """The moment as of which a party queues: who has the earliest is called first.

    Without a booking it is when the party came. A booked party queues from shortly before its time (``near_minutes``) as if it had come
    ``booked_ahead_minutes`` earlier, so it goes before everybody without a booking who has waited less than that, and after those who
    have waited longer: nobody starves. Too late for the booking, or too early, it is never worse off than without one.
    """
    if booked_at is None or came_at > booked_at + dt.timedelta(minutes=terms.late_minutes):
        return came_at
    from_then = max(came_at, booked_at - dt.timedelta(minutes=terms.near_minutes))
    return min(came_at, from_then - dt.timedelta(minutes=group.booked_ahead_minutes))


def rank_after_missing(terms: Reception, *, rank: dt.datetime, now: dt.datetime) -> dt.datetime:
    """Who did not answer a call queues again behind those who came before ``missed_back_minutes`` from now."""
    return max(rank, now + dt.timedelta(minutes=terms.missed_back_minutes))


def group_for(groups: Sequence[WindowGroup], procedures: Collection[str], language: str) -> WindowGroup | None:
    """The group a visit begins with: one that takes all its procedures, first one for its language, then one for everybody.

    Where none takes them all, the group of the first procedure; the others are served by handing on. None: nobody takes the first.
    """
    wanted = list(procedures)
    for needed in (set(wanted), set(wanted[:1])):
        able = [group for group in groups if needed <= set(group.procedures)]
        for group in able:
            if language in group.languages:
                return group
        for group in able:
            if not group.languages:
                return group
        if able:
            return able[0]
    return None


@dataclass(frozen=True)
class Service:
    """Seconds that serving one party takes, from plausibly short to plausibly long."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise ValueError(f"a service takes from {self.low} to {self.high} seconds")

    def __add__(self, other: Service) -> Service:
        return Service(self.low + other.low, self.high + other.high)

    def less(self, seconds: float) -> Service:
        """What is left of it after some time."""
        return Service(max(0.0, self.low - seconds), max(0.0, self.high - seconds))


@dataclass(frozen=True)
class Measured:
    """Services of one procedure at one site: how many, and the lower and upper quartile of their seconds."""

    count: int
    low: float
    high: float


def service_of(
    group: WindowGroup, parts: Iterable[tuple[str, int]], usual: Mapping[str, int], measured: Mapping[str, Measured]
) -> Service:
    """How long a party of ``parts`` (procedure, people) is served: as measured where enough is, else as agreed.

    ``usual``: minutes by procedure of the profile, for what the group does not name.
    """
    total = Service(0, 0)
    for code, people in parts:
        known = measured.get(code)
        if known is not None and known.count >= ENOUGH:
            one = Service(known.low, known.high)
        else:
            minutes = group.minutes.get(code, usual.get(code, UNKNOWN_MINUTES))
            one = Service(minutes * 60 * SPREAD[0], minutes * 60 * SPREAD[1])
        more = 1 + SHARE_OF_NEXT_PERSON * (max(people, 1) - 1)
        total += Service(one.low * more, one.high * more)
    return total


def numbers_alone(group: WindowGroup, usual: Mapping[str, int]) -> int:
    """Numbers of a group that a tablet needs to go on alone: its windows serve no more parties in that time, were each of them a short one.

    ``usual``: minutes by procedure of the profile, for what the group does not name.
    """
    shortest = min(group.minutes.get(code, usual.get(code, UNKNOWN_MINUTES)) for code in group.procedures)
    return math.ceil(ALONE_MINUTES / shortest) * len(group.windows)


@dataclass(frozen=True)
class WaitRange:
    """An honest waiting time in whole minutes, from … to; both 0: at once."""

    low: int
    high: int


def waiting_range(
    *, ahead: Sequence[Service], busy: Sequence[Service], windows: int, may_come: Sequence[Service] = ()
) -> WaitRange | None:
    """How long a new party waits; None where nobody can know, because no window is open.

    ``ahead``: who is called before it, in order; ``busy``: what is left of the services going on (at most ``windows``); ``may_come``:
    booked parties who may still come and would go before it. The windows take parties one after the other; the short end has every
    service short and nobody else come, the long end every service long and all of them come.
    """
    if windows < 1:
        return None
    low = _start([one.low for one in busy], [one.low for one in ahead], windows)
    high = _start([one.high for one in busy], [one.high for one in (*may_come, *ahead)], windows)
    return WaitRange(
        math.floor(low / 60 / ROUND_MINUTES) * ROUND_MINUTES,
        math.ceil(high / 60 / ROUND_MINUTES) * ROUND_MINUTES,
    )


def _start(busy: Sequence[float], ahead: Sequence[float], windows: int) -> float:
    """Seconds until a window is free for who comes after ``ahead``."""
    free = [*sorted(busy)[:windows], *[0.0] * (windows - len(busy))]
    heapq.heapify(free)
    for seconds in ahead:
        heapq.heapreplace(free, free[0] + seconds)
    return free[0]


def show_number(letter: str, number: int) -> str:
    """A ticket's number as it is printed: ``A012``."""
    return f"{letter}{number:03d}"
