"""Doors without a person: what the worker calls on time."""

from __future__ import annotations

import datetime as dt

from madoguchi.domain.notices import services as notices
from madoguchi.domain.notices.models import Message, StaffKind
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import business_days
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.clock import JST

from .enums import Line
from .models import Callback, Escalation
from .officials import people_of


def remind_second_line(now: dt.datetime) -> int:
    """Mail to the people of each line that has something late, once a business day and contract. How many mails."""
    return sum(_remind(contract, now) for contract in Contract.objects.filter(active=True))


def remind_callbacks(now: dt.datetime) -> int:
    """Mail to the leaders of each contract that owes a call-back beyond its time, once a business day. How many mails."""
    mails = 0
    for contract in Contract.objects.filter(active=True):
        today = now.astimezone(JST).date()
        ref = f"late_backs:{today:%Y%m%d}"
        with contract_scope(contract):
            late = Callback.objects.filter(ended_at=None, due_at__lt=now).exists()
            if not late or not business_days(contract, today, today) or Message.objects.filter(ref=ref).exists():
                continue
            for user in people_of(contract, Line.SUPERVISOR):
                detail = {"user": user.pk, "at": now.isoformat()}
                notices.queue(contract, ref=ref, kind=StaffKind.BACK_LATE, language="ja", now=now, detail=detail)
                mails += 1
    return mails


def _remind(contract: Contract, now: dt.datetime) -> int:
    today = now.astimezone(JST).date()
    ref = f"late_line:{today:%Y%m%d}"
    mails = 0
    with contract_scope(contract):
        if not business_days(contract, today, today) or Message.objects.filter(ref=ref).exists():
            return 0
        for line in Line:
            if not Escalation.objects.filter(closed_at=None, line=line, due_at__lt=now).exists():
                continue
            for user in people_of(contract, line):
                detail = {"user": user.pk, "line": str(line), "at": now.isoformat()}
                notices.queue(contract, ref=ref, kind=StaffKind.SECOND_LATE, language="ja", now=now, detail=detail)
                mails += 1
    return mails
