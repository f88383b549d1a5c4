"""Reads of the reception: places in the queue, windows, the day, what the display shows. All run inside ``contract_scope``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Attendee, Booking
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.contracts.profile import WindowGroup
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.remember import Remembered

from . import rules
from .enums import Outcome, Stay
from .models import Period, Summons, Ticket, Window
from .rules import Measured, Service, WaitRange
from .services.day import midnight
from .services.deeds import day_of

MEASURED_DAYS = 28
SHORTEST_SECONDS = 30
"""A shorter service was a slip of the finger and measures nothing."""
COMING_MINUTES = 30
SPOKEN_SECONDS = 15
"""A summons older than this is shown and not spoken: a screen that was away catches up in silence."""
SUMMONS_SHOWN = 6
_measured: Remembered[tuple[int, str, dt.date], dict[str, Measured]] = Remembered(60.0)


def measured(contract: Contract, site: str, now: dt.datetime) -> dict[str, Measured]:
    """Quartiles of the seconds served by procedure over the last weeks at a site, remembered for a minute."""

    def read() -> dict[str, Measured]:
        with connection.cursor() as cursor:
            cursor.execute(
                "select procedure, count(*), percentile_cont(0.25) within group (order by each), percentile_cont(0.75) within group"
                " (order by each) from (select procedure, handle_seconds::float / greatest(1, 1 + %s * (quantity - 1)) as each"
                " from worklog_fact where contract_id = %s and at >= %s and at <= %s and kind = 'reception.served' and site = %s"
                " and handle_seconds >= %s) x group by procedure",
                [rules.SHARE_OF_NEXT_PERSON, contract.pk, now - dt.timedelta(days=MEASURED_DAYS), now, site, SHORTEST_SECONDS],
            )
            return {code: Measured(count, low, high) for code, count, low, high in cursor.fetchall()}

    return _measured.get((contract.pk, site, day_of(now)), read)


def forget() -> None:
    """Drop what is remembered (tests measure at will)."""
    _measured.forget()


@dataclass(frozen=True)
class Place:
    """Where a waiting ticket stands: how many go before it, how long that takes (None: nobody can know), windows open for its group."""

    before: int
    wait: WaitRange | None
    windows: int


class Queue:
    """The queue of a site at a moment, read once and asked about several tickets and groups."""

    def __init__(self, contract: Contract, site: str, now: dt.datetime) -> None:
        terms = contract.profile.reception
        self.contract, self.site, self.now, self.terms = contract, site, now, terms
        self.groups: dict[str, WindowGroup] = {group.code: group for group in terms.groups_at(site)} if terms else {}
        today = Ticket.objects.filter(site__code=site, day=day_of(now), closed_at=None)
        self.tickets = list(today.order_by("rank_at", "id"))
        self.waiting = [ticket for ticket in self.tickets if ticket.state == Stay.WAIT]
        self.windows = list(Window.objects.filter(site__code=site).select_related("staff").order_by("number"))
        self.parties = {
            period.window_id: period
            for period in Period.objects.filter(ended_at=None, kind__in=(Stay.WALK, Stay.SERVE), window__in=self.windows).select_related("ticket")
        }
        self.usual = {one.code: one.minutes for one in contract.profile.procedures}
        self.measured = measured(contract, site, now)
        self._coming: list[tuple[dt.datetime, str, list[tuple[str, int]]]] | None = None

    def open_windows(self, group: str) -> list[Window]:
        """Windows that are open and serve a group."""
        return [window for window in self.windows if window.is_open and group in window.groups]

    def before(self, ticket: Ticket) -> list[Ticket]:
        """Waiting tickets of the same group that are called earlier."""
        return [one for one in self.waiting if one.group == ticket.group and (one.rank_at, one.pk) < (ticket.rank_at, ticket.pk)]

    def place(self, ticket: Ticket) -> Place:
        """Where a waiting ticket stands."""
        return self._place(ticket.group, ticket.rank_at, ticket.pk)

    def place_of_next(self, group: str) -> Place:
        """Where somebody without a booking would stand who came now."""
        return self._place(group, self.now, 2**62)

    def _place(self, group: str, rank_at: dt.datetime, pk: int) -> Place:
        windows = self.open_windows(group)
        earlier = [one for one in self.waiting if (one.rank_at, one.pk) < (rank_at, pk)]
        ahead = [one for one in earlier if one.group == group]
        shared = {code for window in windows for code in window.groups} - {group}
        others = [self._service(one.group, one.left) for one in earlier if one.group in shared]
        coming = [self._service(group, parts) for at, code, parts in self.coming() if code == group and at < rank_at]
        busy = []
        for window in windows:
            party = self.parties.get(window.pk)
            if party is not None:
                begun = (self.now - party.started_at).total_seconds() if party.kind == Stay.SERVE else 0
                busy.append(self._service(party.ticket.group, party.ticket.left).less(begun))
        wait = rules.waiting_range(
            ahead=[self._service(one.group, one.left) for one in ahead], busy=busy, windows=len(windows), may_come=[*others, *coming]
        )
        return Place(len(ahead), wait, len(windows))

    def coming(self) -> list[tuple[dt.datetime, str, list[tuple[str, int]]]]:
        """Booked parties that may come soon: (rank if they came now, group, what for)."""
        if self._coming is None:
            self._coming = list(self._expected())
        return self._coming

    def _expected(self) -> Any:
        if self.terms is None:
            return
        soon = Booking.objects.filter(
            site__code=self.site, state=State.BOOKED, arrived_at=None, no_show=False,
            starts_at__gte=self.now - dt.timedelta(minutes=self.terms.late_minutes),
            starts_at__lte=self.now + dt.timedelta(minutes=COMING_MINUTES),
        )  # fmt: skip
        parties: dict[int, tuple[dt.datetime, dict[str, int]]] = {}
        rows = Attendee.objects.filter(booking__in=soon).values_list("booking_id", "booking__starts_at", "procedure__code")
        for booking, starts_at, code in rows:
            counts = parties.setdefault(booking, (starts_at, {}))[1]
            counts[code] = counts.get(code, 0) + 1
        for starts_at, counts in parties.values():
            group = rules.group_for(list(self.groups.values()), list(counts), "ja")
            if group is not None:
                yield rules.rank(self.terms, group, came_at=self.now, booked_at=starts_at), group.code, list(counts.items())

    def _service(self, group: str, parts: Sequence[tuple[str, int]]) -> Service:
        known = self.groups.get(group)
        return rules.service_of(known, parts, self.usual, self.measured) if known else Service(0, 0)


@dataclass(frozen=True)
class GroupRow:
    """One group in the overview."""

    group: WindowGroup
    waiting: int
    booked: int
    longest_seconds: int | None
    windows: int
    serving: int
    held: int
    served: int
    place: Place


def group_rows(queue: Queue, now: dt.datetime) -> list[GroupRow]:
    """Every group of a site: who waits, how long, how many windows are open."""
    served = dict[str, int]()
    done = Ticket.objects.filter(site__code=queue.site, day=day_of(now), outcome=Outcome.SERVED).values_list("group", flat=True)
    for code in done:
        served[code] = served.get(code, 0) + 1
    rows = []
    for code, group in queue.groups.items():
        waiting = [ticket for ticket in queue.waiting if ticket.group == code]
        here = [ticket for ticket in queue.tickets if ticket.group == code]
        rows.append(
            GroupRow(
                group=group,
                waiting=len(waiting),
                booked=sum(ticket.booked_at is not None for ticket in waiting),
                longest_seconds=round(max((now - ticket.issued_at).total_seconds() for ticket in waiting)) if waiting else None,
                windows=len(queue.open_windows(code)),
                serving=sum(ticket.state in (Stay.WALK, Stay.SERVE) for ticket in here),
                held=sum(ticket.state == Stay.HOLD for ticket in here),
                served=served.get(code, 0),
                place=queue.place_of_next(code),
            )
        )
    return rows


def tickets_of(site: str, day: dt.date) -> QuerySet[Ticket]:
    """Tickets of a day at a site in the order in which they were given out."""
    return Ticket.objects.filter(site__code=site, day=day).select_related("booking").order_by("issued_at", "id")


def party_at(window: Window) -> Period | None:
    """Who is called to or served at a window, with the ticket and its booking."""
    open_ones = Period.objects.filter(window=window, ended_at=None, kind__in=(Stay.WALK, Stay.SERVE))
    return open_ones.select_related("ticket__booking", "ticket__site").first()


def summons_count(ticket: Ticket) -> int:
    """How often a ticket was called since it last waited."""
    last = Period.objects.filter(ticket=ticket, kind=Stay.WALK).order_by("-id").first()
    return Summons.objects.filter(ticket=ticket, at__gte=last.started_at).count() if last else 0


def todays_booking(site: str, code: str, now: dt.datetime) -> Booking | None:
    """The live booking of a code for today at a site; None otherwise."""
    return Booking.objects.filter(
        code=code, site__code=site, state=State.BOOKED, starts_at__gte=midnight(day_of(now)),
        starts_at__lt=midnight(day_of(now) + dt.timedelta(days=1)),
    ).first()  # fmt: skip


def display_state(contract: Contract, site: Site, now: dt.datetime) -> dict[str, Any]:
    """What a display shows: calls of today, newest first, each ticket once; how many wait by group. No personal data.

    ``spoken`` is True for calls that are fresh enough to be spoken.
    """
    terms = contract.profile.reception
    groups = terms.groups_at(site.code) if terms else ()
    calls: list[dict[str, Any]] = []
    seen: set[int] = set()
    rows = Summons.objects.filter(site=site, at__gte=midnight(day_of(now))).select_related("ticket", "window").order_by("-at", "-id")[: SUMMONS_SHOWN * 4]
    for row in rows:
        if row.ticket_id in seen or len(calls) >= SUMMONS_SHOWN:
            continue
        seen.add(row.ticket_id)
        calls.append(
            {
                "id": row.pk,
                "number": row.ticket.shown,
                "window": row.window.number,
                "at": row.at.astimezone(JST).strftime("%H:%M"),
                "spoken": (now - row.at).total_seconds() <= SPOKEN_SECONDS,
                "waiting": row.ticket.state == Stay.WALK,
            }
        )
    waiting = dict[str, int]()
    for code in Ticket.objects.filter(site=site, day=day_of(now), state=Stay.WAIT).values_list("group", flat=True):
        waiting[code] = waiting.get(code, 0) + 1
    return {"calls": calls, "groups": [{"letter": g.letter, "waiting": waiting.get(g.code, 0)} for g in groups]}
