"""Invoices to the city: the year, one period's draft, one invoice with what happened to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from madoguchi.domain.billing import queries
from madoguchi.domain.billing.enums import State
from madoguchi.domain.billing.errors import BillingRefused
from madoguchi.domain.billing.inspection import inspection_of
from madoguchi.domain.billing.models import Invoice
from madoguchi.domain.billing.paper import paper
from madoguchi.domain.billing.printed import pdf_of
from madoguchi.domain.billing.queries import Billed
from madoguchi.domain.billing.rules import Line, Period, Unpriced, registration_shown, sha256
from madoguchi.domain.billing.services.invoices import issue, pay, prepare, receive, withdraw
from madoguchi.ground.accounts.access import KEEP_MONEY, READ_MONEY, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates, typeset
from madoguchi.ground.privacy.guard import GuardedForm
from madoguchi.web.ui.dates import DayBox

from .bookings import attachment

TONES = {
    State.DRAFT: "plain", State.ISSUED: "info", State.RECEIVED: "info", State.OVERDUE: "bad", State.PAID: "ok", State.WITHDRAWN: "plain",
}  # fmt: skip
ONLY_MANAGERS = "請求書は、業務責任者だけが作り、記録できます。"
NO_DAY = {"required": "日を入力してください。"}


class PrepareForm(GuardedForm):
    """The inspection that was passed."""

    use_required_attribute = False
    inspected_on = DayBox(label="検査に合格した日", required=False)
    evidence = forms.CharField(
        label="合格を示すもの", max_length=200, required=False, help_text="市の検査合格通知の番号と日付など。例：検査合格通知 第12号"
    )


class DayForm(forms.Form):
    """The day on which something happened to an invoice."""

    use_required_attribute = False
    day = DayBox(label="日", error_messages=NO_DAY)


class ReasonForm(GuardedForm):
    """Why something is taken back."""

    use_required_attribute = False
    reason = forms.CharField(label="理由", max_length=200, error_messages={"required": "理由を入力してください。"})


@dataclass(frozen=True)
class Row:
    """A period in the table of a year. ``share`` is the length of its bar in per cent of the largest sum."""

    billed: Billed
    label: str
    tone: str
    total: str
    share: float
    may_prepare: bool


def period_label(period: Period) -> str:
    """``令和8年11月分``, ``4月〜6月分``, ``第3回（令和8年4月分）`` or ``完了払い``."""
    month = dates.show_month(period.last)
    if period.unit == "instalment":
        return f"第{period.number}回（{month}分）"
    if period.unit == "final":
        return f"完了払い（{month}分）"
    return f"{period.first.month}月〜{month}分" if period.unit == "quarter" else f"{month}分"


def _rows(found: Sequence[Billed], today: dt.date) -> list[Row]:
    most = max((one.invoice.total for one in found if one.invoice), default=0) or 1
    return [
        Row(
            one,
            period_label(one.period),
            TONES[State(one.invoice.state)] if one.invoice else "",
            f"{one.invoice.total:,}" if one.invoice else "",
            round(100 * one.invoice.total / most, 1) if one.invoice else 0,
            one.period.last <= today and (one.invoice is None or one.invoice.state == State.DRAFT),
        )
        for one in found
    ]


def _bar(found: Sequence[Billed]) -> list[dict[str, Any]]:
    """Sums of a year by what became of them, as parts of one bar; without drafts."""
    groups = (
        ("入金済み", "paid", {State.PAID}),
        ("支払い待ち", "open", {State.ISSUED, State.RECEIVED}),
        ("支払期限超過", "late", {State.OVERDUE}),
    )
    sums = [sum(one.invoice.total for one in found if one.invoice and one.invoice.state in states) for *_, states in groups]
    whole, begun, parts = sum(sums) or 1, 0.0, []
    for (label, name, states), value in zip(groups, sums, strict=True):
        count = sum(1 for one in found if one.invoice and one.invoice.state in states)
        width = round(100 * value / whole, 2)
        parts.append({"label": label, "name": name, "sum": f"{value:,}", "count": count, "x": begun, "width": width})
        begun += width
    return parts


@roles(READ_MONEY)
def invoices(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The periods of a fiscal year, each with its invoice, and what was paid, is open, is overdue."""
    years = queries.years_of(contract)
    asked, today = request.GET.get("year", ""), request.now.date()
    current = min(max(dates.fiscal_year(today), years[0]), years[-1])
    year = int(asked) if asked.isdecimal() and int(asked) in years else current
    found = queries.billed_in(contract, year)
    context = {
        "tabs": [{"label": dates.show_fiscal_year(one), "url": f"?year={one}", "active": one == year, "count": None} for one in years],
        "year_label": dates.show_fiscal_year(year),
        "rows": _rows(found, today),
        "parts": _bar(found),
        "withdrawn": [(one, f"{one.total:,}") for one in queries.withdrawn_in(contract, year)],
        "overdue": queries.overdue_at(today),
        "may_keep": may(request, KEEP_MONEY),
        "payment": contract.profile.payment,
    }
    return render(request, "office/billing/invoices.html", context)


@roles(KEEP_MONEY)
def prepare_invoice(request: HttpRequest, contract: Contract, part: int) -> HttpResponse:
    """What an invoice of a period would say now; POST writes the draft."""
    period = queries.period_of(contract, part)
    if period is None:
        raise Http404("この期間はありません。")
    draft = Invoice.objects.filter(part=part, state=State.DRAFT).first()
    initial = {"evidence": draft.evidence, "inspected_on": draft.inspected_on.isoformat() if draft.inspected_on else ""} if draft else {}
    form = PrepareForm(request.POST if request.method == "POST" else None, initial=initial)
    problem, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = prepare(contract, part, **form.cleaned_data, by=actor_of(request), now=request.now)
            except BillingRefused as wrong:
                problem, status = str(wrong), 409
            else:
                messages.success(request, "請求書の下書きを作りました。内容を確かめて、発行してください。")
                return redirect("billing:invoice", contract.code, made.pk)
    try:
        lines, unpriced = queries.lines_of(contract, period), ""
    except Unpriced as charge:
        lines, unpriced = [], str(charge)
    payment = contract.profile.payment
    context = {
        "form": form,
        "problem": problem,
        "period": period,
        "label": period_label(period),
        "lines": [_line(one) for one in lines],
        "unpriced": unpriced,
        "days": [(charge, queries.worked_days(contract, charge, period)) for charge in payment.charges if charge.unit == "day"],
        "payment": payment,
        "inspection": inspection_of(contract, period),
        "running": period.last > request.now.date(),
        "draft": draft,
    }
    return render(request, "office/billing/prepare.html", context, status=status)


def _invoice(pk: int) -> Invoice:
    found: Invoice | None = Invoice.objects.select_related("corrects").filter(pk=pk).first()
    if found is None:
        raise Http404("この請求書はありません。")
    return found


@roles(READ_MONEY)
def invoice_pdf(request: HttpRequest, contract: Contract, invoice: int) -> HttpResponse:
    """An invoice set for the post. Without fonts its page says what is missing."""
    found = _invoice(invoice)
    try:
        name = f"invoice-{contract.code}-{found.number or 'draft'}.pdf"
        return attachment(pdf_of(contract, found), typeset.MEDIA_TYPE, name)
    except typeset.FontsMissing as missing:
        context = _shown(request, contract, found) | _forms(request, {}) | {"problem": str(missing)}
        return render(request, "office/billing/invoice.html", context, status=503)


@roles(READ_MONEY)
def invoice(request: HttpRequest, contract: Contract, invoice: int) -> HttpResponse:
    """One invoice as it is printed, and what can be done with it; POST with ``step`` does it."""
    found = _invoice(invoice)
    problem, status, bound = "", 200, {}
    if request.method == "POST":
        if not may(request, KEEP_MONEY):
            raise PermissionDenied(ONLY_MANAGERS)
        step = request.POST.get("step", "")
        try:
            done, form = _do(request, contract, found, step)
        except BillingRefused as wrong:
            problem, status, bound = str(wrong), 409, {step: _form(step, request)}
            found.refresh_from_db()
        else:
            if done:
                messages.success(request, done)
                return redirect("billing:invoice", contract.code, found.pk)
            status, bound = 422, {step: form}
    return render(request, "office/billing/invoice.html", _shown(request, contract, found) | _forms(request, bound) | {"problem": problem}, status=status)


def _form(step: str, request: HttpRequest) -> forms.Form | None:
    kinds: dict[str, type[forms.Form]] = {"receive": DayForm, "pay": DayForm, "withdraw": ReasonForm}
    return kinds[step](request.POST, prefix=step) if step in kinds else None


def _forms(request: HttpRequest, bound: dict[str, Any]) -> dict[str, Any]:
    today = {"day": request.now.date().isoformat()}
    return {
        "receive_form": bound.get("receive") or DayForm(prefix="receive", initial=today),
        "pay_form": bound.get("pay") or DayForm(prefix="pay", initial=today),
        "withdraw_form": bound.get("withdraw") or ReasonForm(prefix="withdraw"),
    }


def _do(request: HttpRequest, contract: Contract, found: Invoice, step: str) -> tuple[str, forms.Form | None]:
    """What was done, in words; empty with the form that has errors."""
    form, who = _form(step, request), {"by": actor_of(request), "now": request.now}
    if step == "issue":
        made = issue(contract, found.pk, **who)
        return f"請求書 第{made.number}号を発行しました。印刷して市に出してください。", None
    if form is None:
        raise Http404("この操作はありません。")
    if not form.is_valid():
        return "", form
    if step == "receive":
        made = receive(contract, found.pk, received_on=form.cleaned_data["day"], **who)
        assert made.due_on is not None
        return f"受理を記録しました。支払期限は{dates.show(made.due_on)}です。", None
    if step == "pay":
        pay(contract, found.pk, paid_on=form.cleaned_data["day"], **who)
        return "入金を記録しました。", None
    withdraw(contract, found.pk, reason=form.cleaned_data["reason"], **who)
    return "請求書を取り下げました。直した請求書は、一覧から作れます。", None


def _line(line: Line) -> dict[str, Any]:
    """A line as it is read: without the trailing zero of whole days, with commas and per cent."""
    return {
        "name": line.name, "quantity": f"{line.quantity.normalize():f}", "unit": line.unit, "unit_price": f"{line.unit_price:,}",
        "amount": f"{line.amount:,}", "rate": percent(line.rate),
    }  # fmt: skip


def _read(one: dict[str, Any]) -> Line:
    """A line as an issued invoice keeps it."""
    return Line(one["code"], one["name"], Decimal(one["quantity"]), one["unit"], one["unit_price"], one["amount"], Decimal(one["rate"]))


def percent(rate: Decimal) -> str:
    """``10%``."""
    return f"{(rate * 100).normalize():f}%"


def _shown(request: HttpRequest, contract: Contract, found: Invoice) -> dict[str, Any]:
    period, written = queries.period_of(contract, found.part), queries.written_lines(found)
    content = found.content or paper(contract, found, written, number=None, issued_on=None)
    lines = [_line(_read(one)) | {"reduced": one["reduced"]} for one in content["lines"]]
    rates = [
        {"rate": percent(Decimal(one["rate"])), "net": f"{one['net']:,}", "tax": f"{one['tax']:,}", "total": f"{one['net'] + one['tax']:,}"}
        for one in content["rates"]
    ]
    return {
        "invoice": found,
        "label": period_label(period) if period else "",
        "tone": TONES[State(found.state)],
        "paper": content,
        "days": {name: dt.date.fromisoformat(content[name]) if content[name] else None for name in ("first", "last", "issued_on", "inspected_on")},
        "registration": registration_shown(content["issuer"]["registration"]),
        "lines": lines,
        "any_reduced": any(one["reduced"] for one in lines),
        "rates": rates,
        "sums": {name: f"{content[name]:,}" for name in ("net", "tax", "total")},
        "whole": not found.content or sha256(found.content) == found.sha256,
        "changed": _changed(contract, period, written) if found.state not in (State.WITHDRAWN, State.PAID) else [],
        "corrected_by": Invoice.objects.filter(corrects=found).exclude(state=State.WITHDRAWN).first(),
        "may_keep": may(request, KEEP_MONEY),
    }


def _changed(contract: Contract, period: Period | None, written: Sequence[Line]) -> list[str]:
    """What the calendar and the profile would say now, line by line, where it differs from what was written."""
    if period is None:
        return ["この期間は、いまの契約の設定にありません。"]
    try:
        live = queries.lines_of(contract, period)
    except Unpriced as charge:
        return [f"「{charge}」の金額が、いまの契約の設定にありません。"]
    if live == written:
        return []
    now = [_line(one) for one in live]
    return [f"{one['name']}：{one['quantity']}{one['unit']} × {one['unit_price']}円 ＝ {one['amount']}円（{one['rate']}）" for one in now]
