"""Erasure: addresses and the pack of paper go with their day, the link from a ticket to a booking with the booking's people."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST

from .models import Pack, Ticket


def erase_addresses(contract: Contract, now: dt.datetime) -> int:
    """Addresses of tickets of days gone by; how many. Closing the day has usually done it already."""
    return Ticket.objects.filter(day__lt=now.astimezone(JST).date(), address__isnull=False).update(address=None)


def erase_packs(contract: Contract, now: dt.datetime) -> int:
    """Contents of packs whose day is over; how many. When they were made and opened stays."""
    over = Pack.objects.filter(day__lt=now.astimezone(JST).date(), content__isnull=False)
    return over.update(content=None, erased_at=now)
