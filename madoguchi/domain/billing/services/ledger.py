"""Deeds of the ledger of money spent."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST

from ..enums import Spending
from ..errors import BillingRefused
from ..models import Expenditure
from ..queries import books_until

EARLIEST = dt.timedelta(days=366)
"""How long before the service money may have been spent on it: the preparation is part of the contract."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent: yen with tax, the tax in it, and the number under which the evidence is filed."""

    on: dt.date
    kind: Spending
    payee: str
    amount: int
    tax: int
    evidence: str
    note: str = ""


@transaction.atomic
def enter(contract: Contract, spent: Spent, *, by: Actor, now: dt.datetime) -> Expenditure:
    """Add a line. Raises :class:`BillingRefused`."""
    if not contract.profile.term.service_from - EARLIEST <= spent.on <= now.astimezone(JST).date():
        raise BillingRefused("支出の日は、業務期間の1年前から今日までの日を入れてください。")
    if not 0 <= spent.tax <= spent.amount or spent.amount == 0:
        raise BillingRefused("金額は1円以上、消費税額は金額までの数を入れてください。")
    if not spent.payee.strip() or not spent.evidence.strip():
        raise BillingRefused("支払先と証拠書類の番号を入れてください。")
    with contract_scope(contract):
        line = Expenditure.objects.create(
            contract=contract, spent_on=spent.on, kind=spent.kind, payee=spent.payee, amount=spent.amount, tax=spent.tax, evidence=spent.evidence,
            note=spent.note, kept_until=books_until(contract), entered_at=now, entered_by=by.label[:80],
        )  # fmt: skip
        audit.record(contract, "ledger.entered", f"expenditure:{line.pk}", by=by, now=now, kind=line.kind, amount=line.amount)
        return line


@transaction.atomic
def reverse(contract: Contract, line_id: int, *, reason: str, by: Actor, now: dt.datetime) -> Expenditure:
    """Take a line back by another one with the opposite sign, dated as the line itself. Raises :class:`BillingRefused`."""
    if not reason.strip():
        raise BillingRefused("取り消す理由を入れてください。")
    with contract_scope(contract):
        line = Expenditure.objects.select_for_update().filter(pk=line_id).first()
        if line is None:
            raise BillingRefused("この行はありません。")
        if line.reverses_id is not None:
            raise BillingRefused("取り消しの行は、取り消せません。正しい内容で新しく記入してください。")
        if Expenditure.objects.filter(reverses=line).exists():
            raise BillingRefused("この行は、すでに取り消されています。")
        back = Expenditure.objects.create(
            contract=contract, spent_on=line.spent_on, kind=line.kind, payee=line.payee, amount=-line.amount, tax=-line.tax, evidence=line.evidence,
            note=reason, reverses=line, kept_until=line.kept_until, entered_at=now, entered_by=by.label[:80],
        )  # fmt: skip
        audit.record(contract, "ledger.reversed", f"expenditure:{line.pk}", by=by, now=now, reason=reason)
        return back


def note_export(contract: Contract, *, year: int | None, form: str, lines: int, by: Actor, now: dt.datetime) -> None:
    """Write down that the ledger left the system as a file."""
    with contract_scope(contract):
        audit.record(contract, "ledger.exported", f"ledger:{year or 'all'}", by=by, now=now, form=form, lines=lines)
