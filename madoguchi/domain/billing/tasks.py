"""What the worker calls."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from madoguchi.domain.notices import services as notices
from madoguchi.domain.notices.models import Message, StaffKind
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.accounts.queries import people_in_role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.kit.clock import JST

from .queries import closed_for_payment, overdue_at
from .services.invoices import mark_overdue


def follow_payments(now: dt.datetime) -> int:
    """Mark what was not paid in time in every contract, ended ones too, and mail its managers on the mornings of working days. How many mails."""
    return sum(_follow(contract, now) for contract in Contract.objects.order_by("pk"))


@transaction.atomic
def _follow(contract: Contract, now: dt.datetime) -> int:
    mark_overdue(contract, by=SYSTEM, now=now)
    today = now.astimezone(JST).date()
    ref = f"late_invoices:{today:%Y%m%d}"
    with contract_scope(contract):
        if closed_for_payment(today) or not overdue_at(today) or Message.objects.filter(ref=ref).exists():
            return 0
        people = people_in_role(contract, Role.MANAGER)
        for user in people:
            notices.queue(contract, ref=ref, kind=StaffKind.INVOICE_LATE, language="ja", now=now, detail={"user": user.pk, "on": today.isoformat()})
        return len(people)
