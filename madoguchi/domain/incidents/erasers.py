"""Erasure: what people wrote of incidents that ended long ago."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract

from .models import Incident, LegalRecord, Line, Prevention

MOST = 1000


def erase_words(contract: Contract, now: dt.datetime) -> int:
    """Words of incidents closed longer ago than residents' data may be kept; how many incidents. One whose effect is still to be looked at stays."""
    limit = now - dt.timedelta(days=contract.profile.retention.resident_days_after_visit)
    awaited = Prevention.objects.filter(checked_at=None).values("incident_id")
    found = Incident.objects.filter(closed_at__lt=limit, erased_at=None).exclude(pk__in=awaited)
    due = list(found.values_list("pk", flat=True)[:MOST])
    for model in (Line, Prevention, LegalRecord):
        model.objects.filter(incident_id__in=due, words__isnull=False).update(words=None)
    return Incident.objects.filter(pk__in=due).update(words=None, erased_at=now)
