"""What the worker calls."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract

from .services.erasure import advance
from .services.packages import make_due


def go_on(now: dt.datetime) -> None:
    """Go on with the packages and erasures of every contract, ended ones too."""
    for contract in Contract.objects.order_by("pk"):
        make_due(contract, now=now)
        advance(contract, now=now)
