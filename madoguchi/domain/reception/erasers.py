"""Erasure: addresses go with their day, the link from a ticket to a booking with the booking's people."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST

from .models import Ticket


def erase_addresses(contract: Contract, now: dt.datetime) -> int:
    """Addresses of tickets of days gone by; how many. Closing the day has usually done it already."""
    return Ticket.objects.filter(day__lt=now.astimezone(JST).date(), address__isnull=False).update(address=None)
