"""Coming slots in which more people are booked than planned, with the bookings made beyond the plan. Inside ``contract_scope``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import F, Q

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import keyring

from ..enums import LIVE
from ..models import Booking, Claim, Event, Slot
from ..party import EVENT
from ..rules import show_code


@dataclass(frozen=True)
class Beyond:
    """One booking made by the right to over-book: who used it, and why."""

    code: str
    people: int
    reason: str
    by: str

    @property
    def shown_code(self) -> str:
        """The code in two groups."""
        return show_code(self.code)


@dataclass(frozen=True)
class Excess:
    """One band with more people than planned; ``beyond`` is empty where the plan was cut after they had booked."""

    starts_at: dt.datetime
    pool: str
    site: str
    planned: int
    taken: int
    closed: bool
    beyond: tuple[Beyond, ...]

    @property
    def over(self) -> int:
        """People beyond the plan."""
        return self.taken - self.planned


def excess(contract: Contract, *, now: dt.datetime, days: int) -> list[Excess]:
    """The bands of the coming ``days`` with people beyond the plan, by time."""
    slots = list(
        Slot.objects.filter(starts_at__gt=now, starts_at__lt=now + dt.timedelta(days=days))
        .filter(Q(taken__gt=F("planned")) | Q(closed=True, taken__gt=0))
        .select_related("pool", "pool__site")
        .order_by("starts_at", "pk")
    )
    claims = Claim.objects.filter(slot__in=slots, attendee__booking__overbooked=True, attendee__booking__state__in=LIVE)
    by_slot: dict[int, list[int]] = {}
    for slot, booking in claims.values_list("slot_id", "attendee__booking_id").order_by("attendee__booking_id").distinct():
        by_slot.setdefault(slot, []).append(booking)
    bookings = Booking.objects.in_bulk({pk for pks in by_slot.values() for pk in pks})
    reasons = _reasons(contract, list(bookings))
    return [
        Excess(
            starts_at=slot.starts_at.astimezone(JST),
            pool=slot.pool.name,
            site=slot.pool.site.name,
            planned=0 if slot.closed else slot.planned,
            taken=slot.taken,
            closed=slot.closed,
            beyond=tuple(
                Beyond(bookings[pk].code, bookings[pk].people, *reasons.get(pk, ("", ""))) for pk in by_slot.get(slot.pk, [])
            ),
        )
        for slot in slots
    ]


def _reasons(contract: Contract, bookings: list[int]) -> dict[int, tuple[str, str]]:
    """Booking → (reason, who), from the sealed remark of the last over-booking; erased ones have none."""
    ring = keyring(contract)
    found: dict[int, tuple[str, str]] = {}
    for event in Event.objects.filter(booking__in=bookings, sealed__isnull=False).order_by("id"):
        remark = ring.unseal_json(EVENT, bytes(event.sealed or b"")).get("over_reason")
        if remark:
            found[event.booking_id] = (str(remark[1]), event.actor_label)
    return found
