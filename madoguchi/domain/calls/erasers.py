"""Erasure of callers' data: numbers and words go, times, counts and outcomes stay."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract

from .models import Call, Callback, CallEvent, Contact, Escalation, Step

MOST = 5000


def _limit(contract: Contract, now: dt.datetime) -> dt.datetime:
    return now - dt.timedelta(days=contract.profile.retention.resident_days_after_visit)


def erase_calls(contract: Contract, now: dt.datetime) -> int:
    """Numbers of calls longer ago than the contract allows; how many calls. A number that is still owed a call-back stays on the call-back."""
    due = list(
        Call.objects.filter(opened_at__lt=_limit(contract, now), erased_at=None)
        .select_for_update(no_key=True, skip_locked=True).order_by("pk").values_list("pk", flat=True)[:MOST]
    )  # fmt: skip
    CallEvent.objects.filter(call_id__in=due).update(sealed=None)
    return Call.objects.filter(pk__in=due).update(number=None, number_index=None, erased_at=now)


def erase_contacts(contract: Contract, now: dt.datetime) -> int:
    """Words of contacts past their time whose escalation, if any, is closed; how many."""
    busy = Escalation.objects.filter(closed_at=None, contact__isnull=False).values("contact_id")
    due = Contact.objects.filter(at__lt=_limit(contract, now), erased_at=None).exclude(pk__in=busy)
    return due.update(words=None, number_index=None, erased_at=now)


def erase_callbacks(contract: Contract, now: dt.datetime) -> int:
    """Words of call-backs that ended longer ago than the contract allows; how many. An open one is still owed and stays."""
    due = Callback.objects.filter(ended_at__lt=_limit(contract, now), erased_at=None)
    return due.update(words=None, number_index=None, erased_at=now)


def erase_escalations(contract: Contract, now: dt.datetime) -> int:
    """Words of escalations closed longer ago than the contract allows, with their steps; how many."""
    due = list(Escalation.objects.filter(closed_at__lt=_limit(contract, now), erased_at=None).values_list("pk", flat=True)[:MOST])
    Step.objects.filter(escalation_id__in=due).update(words=None)
    return Escalation.objects.filter(pk__in=due).update(words=None, erased_at=now)
