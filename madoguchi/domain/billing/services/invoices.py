"""Deeds of invoices."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Max

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.dates import show_short

from .. import queries
from ..enums import State
from ..errors import BillingRefused
from ..inspection import Inspection, inspection_of
from ..models import Invoice, InvoiceLine
from ..paper import paper
from ..rules import NEXT, Period, Unpriced, due_on, sha256, totals


@transaction.atomic
def prepare(
    contract: Contract, part: int, *, evidence: str = "", inspected_on: dt.date | None = None, by: Actor, now: dt.datetime
) -> Invoice:
    """Draft the invoice of a period, or write its draft anew from the calendar and the profile as they are now.

    Evidence and day of the inspection are those of the reports that the city accepted here, unless told otherwise; they have to be told
    where a report was never made here. After a withdrawal it is the correction of the withdrawn one. Raises :class:`BillingRefused`.
    """
    with contract_scope(contract):
        _locked_contract(contract)
        period, today = queries.period_of(contract, part), _day(now)
        if period is None:
            raise BillingRefused("この契約に、その期間はありません。")
        inspection = inspection_of(contract, period)
        if inspection.passed_on is not None:
            evidence, inspected_on = evidence or inspection.evidence, inspected_on or inspection.passed_on
        _may_be_billed(contract, period, inspection, evidence, inspected_on, today)
        found = Invoice.objects.filter(part=part).exclude(state=State.WITHDRAWN).first()
        if found is not None and found.state != State.DRAFT:
            raise BillingRefused(f"この期間の{found.label}は、すでに発行しています。直すときは、取り下げてから作ります。")
        try:
            lines = queries.lines_of(contract, period)
        except Unpriced as charge:
            raise BillingRefused(f"「{charge}」の金額が、契約の設定に入っていません。設定に単価か契約金額を書いてください。") from None
        payment = contract.profile.payment
        sums = totals(lines, prices=payment.prices, rounding=payment.tax_rounding)
        withdrawn = Invoice.objects.filter(part=part, state=State.WITHDRAWN, number__isnull=False).order_by("-number").first()
        values: dict[str, Any] = {
            "part": part, "unit": period.unit, "first": period.first, "last": period.last, "prices": payment.prices, "net": sums.net, "tax": sums.tax,
            "total": sums.total, "evidence": evidence, "inspected_on": inspected_on, "corrects": withdrawn, "prepared_at": now, "prepared_by": by.label[:80],
        }  # fmt: skip
        invoice = found or Invoice(contract=contract)
        for name, value in values.items():
            setattr(invoice, name, value)
        invoice.save()
        InvoiceLine.objects.filter(invoice=invoice).delete()
        InvoiceLine.objects.bulk_create(
            InvoiceLine(
                contract=contract, invoice=invoice, position=n, code=one.code, name=one.name, quantity=one.quantity, unit=one.unit,
                unit_price=one.unit_price, amount=one.amount, rate=one.rate,
            )
            for n, one in enumerate(lines, 1)
        )  # fmt: skip
        audit.record(contract, "billing.prepared", f"invoice:{invoice.pk}", by=by, now=now, part=part, total=invoice.total)
        return invoice


def _may_be_billed(
    contract: Contract, period: Period, inspection: Inspection, evidence: str, inspected_on: dt.date | None, today: dt.date
) -> None:
    payment = contract.profile.payment
    if today < period.last:
        raise BillingRefused(f"この期間は、{show_short(period.last)}まで続いています。終わってから作ってください。")
    if payment.inspection_required and inspection.failing:
        told = "、".join(f"{one.label}：{one.state.label}" for one in inspection.failing if one.state)
        raise BillingRefused(f"市の検査に合格していない報告書があります（{told}）。合格してから作ってください。")
    if payment.inspection_required and not (evidence.strip() and inspected_on):
        raise BillingRefused("報告書の検査に合格した日と、合格を示すもの（通知の番号など）を入れてください。")
    if inspected_on is not None and not period.last <= inspected_on <= today:
        raise BillingRefused(f"検査に合格した日は、{show_short(period.last)}から今日までの日を入れてください。")
    if period.unit == "final":
        issued = Invoice.objects.filter(unit="instalment", number__isnull=False).exclude(state=State.WITHDRAWN).count()
        if issued != payment.instalments:
            raise BillingRefused(f"完了払いは、部分払い{payment.instalments}回を発行してから作ります（発行済み {issued}回）。")


@transaction.atomic
def issue(contract: Contract, invoice_id: int, *, by: Actor, now: dt.datetime) -> Invoice:
    """Give a draft the next number, and freeze what it says. Said again it changes nothing. Raises :class:`BillingRefused`.

    The draft must still be what the calendar says: a day changed since is refused, so that nothing false gets a number.
    """
    with contract_scope(contract):
        _locked_contract(contract)
        invoice = _locked(invoice_id)
        if invoice.state == State.ISSUED:
            return invoice
        _go(invoice, State.ISSUED)
        lines, period = queries.written_lines(invoice), queries.period_of(contract, invoice.part)
        if period is None or lines != queries.lines_of(contract, period):
            raise BillingRefused("下書きを作ったあとに、開庁カレンダーか契約の設定が変わりました。下書きを作り直してください。")
        last = Invoice.objects.aggregate(last=Max("number"))["last"] or 0
        invoice.number, invoice.issued_on = last + 1, _day(now)
        invoice.content = paper(contract, invoice, lines, number=invoice.number, issued_on=invoice.issued_on)
        invoice.sha256 = sha256(invoice.content)
        invoice.save()
        audit.record(contract, "billing.issued", f"invoice:{invoice.pk}", by=by, now=now, number=invoice.number, total=invoice.total, sha256=invoice.sha256)
        return invoice


@transaction.atomic
def receive(contract: Contract, invoice_id: int, *, received_on: dt.date, by: Actor, now: dt.datetime) -> Invoice:
    """Write on which day the city took the invoice in; from it follows the last day to pay. Raises :class:`BillingRefused`."""
    with contract_scope(contract):
        invoice = _locked(invoice_id)
        _go(invoice, State.RECEIVED)
        assert invoice.issued_on is not None
        if not invoice.issued_on <= received_on <= _day(now):
            raise BillingRefused(f"受理した日は、発行した{show_short(invoice.issued_on)}から今日までの日を入れてください。")
        payment = contract.profile.payment
        invoice.received_on = received_on
        invoice.due_on = due_on(received_on, payment.days_to_pay, payment.due_on_closed, queries.closed_for_payment)
        invoice.save()
        audit.record(contract, "billing.received", f"invoice:{invoice.pk}", by=by, now=now, received_on=received_on, due_on=invoice.due_on)
        return invoice


@transaction.atomic
def pay(contract: Contract, invoice_id: int, *, paid_on: dt.date, by: Actor, now: dt.datetime) -> Invoice:
    """Write on which day the money came. Raises :class:`BillingRefused`."""
    with contract_scope(contract):
        invoice = _locked(invoice_id)
        _go(invoice, State.PAID)
        assert invoice.received_on is not None
        if not invoice.received_on <= paid_on <= _day(now):
            raise BillingRefused(f"入金の日は、受理した{show_short(invoice.received_on)}から今日までの日を入れてください。")
        invoice.paid_on = paid_on
        invoice.save()
        audit.record(contract, "billing.paid", f"invoice:{invoice.pk}", by=by, now=now, paid_on=paid_on, total=invoice.total)
        return invoice


@transaction.atomic
def withdraw(contract: Contract, invoice_id: int, *, reason: str, by: Actor, now: dt.datetime) -> Invoice:
    """Take an unpaid invoice back; its number stays used, and the period can be invoiced anew. Raises :class:`BillingRefused`."""
    with contract_scope(contract):
        _locked_contract(contract)
        invoice = _locked(invoice_id)
        if not reason.strip():
            raise BillingRefused("取り下げる理由を入れてください。")
        if invoice.unit == "instalment" and Invoice.objects.filter(unit="final", number__isnull=False).exclude(state=State.WITHDRAWN).exists():
            raise BillingRefused("完了払いの請求書が、この部分払いを差し引いています。先に完了払いを取り下げてください。")
        _go(invoice, State.WITHDRAWN)
        invoice.withdrawn_at, invoice.withdrawn_because = now, reason
        invoice.save()
        audit.record(contract, "billing.withdrawn", f"invoice:{invoice.pk}", by=by, now=now, number=invoice.number, reason=reason)
        return invoice


@transaction.atomic
def mark_overdue(contract: Contract, *, by: Actor, now: dt.datetime) -> int:
    """Mark received invoices whose last day to pay has gone by; how many are newly so."""
    with contract_scope(contract):
        late = list(Invoice.objects.select_for_update().filter(state=State.RECEIVED, due_on__lt=_day(now)).order_by("pk"))
        for invoice in late:
            invoice.state = State.OVERDUE
            invoice.save(update_fields=["state"])
            audit.record(contract, "billing.overdue", f"invoice:{invoice.pk}", by=by, now=now, due_on=invoice.due_on)
        return len(late)


def _locked_contract(contract: Contract) -> None:
    Contract.objects.select_for_update(no_key=True).get(pk=contract.pk)


def _locked(invoice_id: int) -> Invoice:
    invoice = Invoice.objects.select_for_update().filter(pk=invoice_id).first()
    if invoice is None:
        raise BillingRefused("この請求書はありません。")
    return invoice


def _go(invoice: Invoice, state: State) -> None:
    if state not in NEXT[State(invoice.state)]:
        raise BillingRefused(f"この請求書は「{State(invoice.state).label}」なので、「{state.label}」にできません。画面を開き直して確かめてください。")
    invoice.state = state


def _day(now: dt.datetime) -> dt.date:
    return now.astimezone(JST).date()
