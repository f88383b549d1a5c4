"""What the worker calls."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import SYSTEM

from .services.day import close_forgotten
from .services.packs import make_due


def close_days(now: dt.datetime) -> None:
    """Close what is still open of days gone by, so that every visit has its outcome."""
    for contract in Contract.objects.order_by("pk"):
        if contract.profile.reception is not None:
            close_forgotten(contract, by=SYSTEM, now=now)


def make_packs(now: dt.datetime) -> None:
    """Make what the next open day needs on paper."""
    for contract in Contract.objects.filter(active=True).order_by("pk"):
        if contract.profile.reception is not None:
            make_due(contract, now=now)
