"""Doors without a person: what the worker calls on time."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.kit.clock import JST

from .enums import State
from .models import Photo
from .places import place_of
from .services import drop, try_again


def hand_over_photos(now: dt.datetime) -> int:
    """Try what waits for its place and is due; give up what nobody took a picture for since yesterday. How many were tried."""
    tried = 0
    midnight = dt.datetime.combine(now.astimezone(JST).date(), dt.time(), JST)
    for contract in Contract.objects.order_by("pk"):
        if contract.profile.photo is None:
            continue
        with contract_scope(contract):
            due = list(Photo.objects.filter(state=State.WAITING, next_try_at__lte=now).order_by("next_try_at").values_list("pk", flat=True)[:50])
            stale = list(Photo.objects.filter(state=State.OPEN, started_at__lt=midnight).values_list("pk", flat=True)[:500])
        place = place_of(contract)
        for photo in due:
            tried += try_again(contract, photo, place, by=SYSTEM, now=now) is not None
        for photo in stale:
            drop(contract, photo, by=SYSTEM, now=now)
    return tried
