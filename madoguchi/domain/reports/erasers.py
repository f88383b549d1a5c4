"""Erasure: the words of answered requests for a correction."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract

from .models import CorrectionRequest

MOST = 5000


def erase_words(contract: Contract, now: dt.datetime) -> int:
    """What was asked and answered, after the time for residents' data; how many requests. That one was made and answered stays."""
    limit = now - dt.timedelta(days=contract.profile.retention.resident_days_after_visit)
    due = list(CorrectionRequest.objects.filter(words__isnull=False, answered_at__lt=limit).values_list("pk", flat=True)[:MOST])
    return CorrectionRequest.objects.filter(pk__in=due).update(words=None, answer=None)
