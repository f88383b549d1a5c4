"""What the worker calls."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract

from .services import watch


def watch_all(now: dt.datetime) -> None:
    """Look after the ledger of every active contract."""
    for contract in Contract.objects.filter(active=True):
        watch(contract, now=now)
