"""Erasure of free notes: the words go, who did what when stays."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract

from .models import Move


def erase_notes(contract: Contract, now: dt.datetime) -> int:
    """Notes written longer ago than the contract keeps residents' data, whether their case has ended or not; how many."""
    limit = now - dt.timedelta(days=contract.profile.retention.resident_days_after_visit)
    return Move.objects.filter(at__lt=limit, words__isnull=False).update(words=None)
