"""What the worker calls."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract

from .services import call_on


def call_on_all(now: dt.datetime) -> int:
    """Make the calls that are due in every contract, ended ones too; how many."""
    return sum(call_on(contract, now=now) for contract in Contract.objects.order_by("pk"))
