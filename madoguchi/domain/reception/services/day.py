"""The end of the day: every ticket gets an outcome, every booking a mark, every address is erased."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.services.marks import mark_no_show
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST

from ..enums import Outcome, Stay
from ..errors import ReceptionRefused
from ..models import Ticket, Window
from .deeds import day_of, done_before, site_of
from .windows import close_ticket


@dataclass(frozen=True)
class Closed:
    """What closing the day did."""

    tickets: int = 0
    no_shows: int = 0


@transaction.atomic
def close_day(contract: Contract, *, site: str, no_shows: bool, key: str, by: Actor, now: dt.datetime) -> Closed:
    """Close today at a site: who still waits, was called or is on hold has gone; bookings of who never came get their mark.

    Raises :class:`ReceptionRefused` while somebody is being served: that visit must be finished by who serves it.
    """
    with contract_scope(contract), audit.held_back():
        where = site_of(site)
        day = day_of(now)
        served = Ticket.objects.filter(site=where, day=day, state=Stay.SERVE)
        if served.exists():
            numbers = "、".join(ticket.shown for ticket in served)
            raise ReceptionRefused(f"応対中の番号があります（{numbers}）。終えてから、一日を締めてください。")
        if done_before(contract, key, "close_day", now) is not None:
            return Closed()
        absent = list(never_came(site, day, now).select_for_update(of=("self",), no_key=True)) if no_shows else []
        Window.objects.filter(site=where).update(staff=None, opened_at=None)
        left = list(
            Ticket.objects.select_for_update(of=("self",)).select_related("site").filter(site=where, day=day, closed_at=None).order_by("id")
        )
        for ticket in left:
            close_ticket(contract, ticket, Outcome.MISSED if ticket.state == Stay.WALK else Outcome.LEFT, by=by, now=now)
        for booking in absent:
            mark_no_show(contract, booking.code, by=by, now=now)
        counts = {"tickets": len(left), "no_shows": len(absent)}
        audit.record(contract, "reception.day_closed", f"site:{where.pk}", by=by, now=now, day=day, **counts)
        return Closed(**counts)


def close_forgotten(contract: Contract, *, by: Actor, now: dt.datetime) -> int:
    """Close tickets of days gone by that nobody closed; how many. What was served by then counts as served."""
    with contract_scope(contract), audit.held_back():
        left = list(
            Ticket.objects.select_for_update(of=("self",)).select_related("site").filter(day__lt=day_of(now), closed_at=None).order_by("id")
        )
        for ticket in left:
            close_ticket(contract, ticket, Outcome.SERVED if ticket.done else Outcome.LEFT, by=by, now=now)
        if left:
            Window.objects.filter(opened_at__lt=midnight(day_of(now))).update(staff=None, opened_at=None)
            audit.record(contract, "reception.day_closed", f"contract:{contract.code}", by=by, now=now, tickets=len(left))
        return len(left)


def never_came(site: str, day: dt.date, now: dt.datetime) -> QuerySet[Booking]:
    """Bookings of a day at a site whose time is over and that nobody has marked (inside the scope)."""
    return Booking.objects.filter(
        site__code=site, state=State.BOOKED, starts_at__gte=midnight(day), starts_at__lt=midnight(day + dt.timedelta(days=1)),
        ends_at__lte=now, arrived_at=None, no_show=False,
    ).order_by("starts_at", "pk")  # fmt: skip


def midnight(day: dt.date) -> dt.datetime:
    """The beginning of a day in Japan."""
    return dt.datetime.combine(day, dt.time(), JST)
