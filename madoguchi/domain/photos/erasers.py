"""The net under the minutes that a picture may be kept: the nightly erasure, should no worker have run."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract

from .enums import State
from .models import Photo


def erase_pictures(contract: Contract, now: dt.datetime) -> int:
    """Sealed pictures beyond their time; how many."""
    return Photo.objects.filter(state=State.WAITING, keep_until__lt=now).update(state=State.LOST, sealed=None, server_deleted_at=now)
