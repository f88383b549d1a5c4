"""What billing does when the city accepts a report, in the same transaction."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from madoguchi.domain.reports import events
from madoguchi.domain.reports.models import Report
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import SYSTEM

from . import queries
from .enums import State
from .errors import BillingRefused
from .inspection import inspection_of
from .services.invoices import prepare


@receiver(events.accepted, dispatch_uid="billing.accepted")
def on_accepted(sender: object, *, contract: Contract, report: Report, now: dt.datetime, **_: Any) -> None:
    """Draft the invoice that waited for this report. What stands in the way is written to the trail; the acceptance stays."""
    payment = contract.profile.payment
    if "billing" not in contract.profile.modules or report.code not in payment.inspected_reports:
        return
    for billed in queries.billed_with(contract, report.first, report.last):
        drafted = billed.invoice is None or billed.invoice.state == State.DRAFT
        if drafted and inspection_of(contract, billed.period).passed_on is not None:
            try:
                with transaction.atomic():
                    prepare(contract, billed.period.number, by=SYSTEM, now=now)
            except BillingRefused as why:
                audit.record(contract, "billing.not_prepared", f"report:{report.pk}", by=SYSTEM, now=now, reason=str(why)[:200])
