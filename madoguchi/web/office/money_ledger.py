"""The ledger of money spent under a contract: see, enter, take back, take out as a file."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.billing import queries
from madoguchi.domain.billing.enums import Spending
from madoguchi.domain.billing.errors import BillingRefused
from madoguchi.domain.billing.models import Expenditure
from madoguchi.domain.billing.services.ledger import Spent, enter, note_export, reverse
from madoguchi.ground.accounts.access import KEEP_MONEY, READ_MONEY, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.csvfile import Cell, write_csv
from madoguchi.ground.kit.xlsx import Sheet, write_xlsx
from madoguchi.ground.privacy.guard import GuardedForm
from madoguchi.web.ui.dates import DayBox

from .money import ReasonForm

HEADER = (
    "番号", "支出の日", "費目", "支払先", "金額（税込・円）", "うち消費税（円）", "証拠書類の番号", "摘要", "取り消した行の番号", "記入した人", "記入した日時",
    "保存する最後の日",
)  # fmt: skip
MOST = 1_000_000_000
WHOLE = "0から10億までの数字で、円の単位まで入力してください。"


class SpentForm(GuardedForm):
    """One line of the ledger."""

    use_required_attribute = False
    on = DayBox(label="支出の日", error_messages={"required": "日を入力してください。"})
    kind = forms.ChoiceField(label="費目", choices=[("", "選んでください"), *Spending.choices], error_messages={"required": "費目を選んでください。"})
    payee = forms.CharField(
        label="支払先", max_length=120, help_text="給与は、人の名前でなく「従事者給与」のように書きます。",
        error_messages={"required": "支払先を入力してください。"}
    )
    amount = forms.IntegerField(
        label="金額（税込）", min_value=1, max_value=MOST, localize=False, widget=forms.TextInput({"inputmode": "numeric", "data-digits": ""}),
        error_messages={"required": "金額を入力してください。", "invalid": WHOLE, "min_value": "金額は1円以上です。", "max_value": WHOLE},
    )
    tax = forms.IntegerField(
        label="うち消費税", min_value=0, max_value=MOST, widget=forms.TextInput({"inputmode": "numeric", "data-digits": ""}), help_text="非課税なら0。",
        error_messages={"required": "消費税額を入力してください。非課税なら0です。", "invalid": WHOLE, "min_value": WHOLE, "max_value": WHOLE},
    )
    evidence = forms.CharField(
        label="証拠書類の番号", max_length=80, help_text="領収書・請求書をつづった番号。例：R8-11-003",
        error_messages={"required": "証拠書類の番号を入力してください。"}
    )
    note = forms.CharField(label="摘要", max_length=200, required=False)

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        if data is not None:
            data = data.copy()
            for name in ("amount", "tax"):
                data[name] = data.get(name, "").replace(",", "").replace("，", "").removesuffix("円")
        super().__init__(data, **kwargs)

    def clean(self) -> dict[str, Any]:
        """The tax is part of the amount."""
        data = super().clean() or self.cleaned_data
        if data.get("tax") is not None and data.get("amount") is not None and data["tax"] > data["amount"]:
            self.add_error("tax", "消費税額が金額を超えています。金額は税込で入力してください。")
        return data

    def spent(self) -> Spent:
        """What was typed, as the deed takes it."""
        data = self.cleaned_data
        return Spent(data["on"], Spending(data["kind"]), data["payee"], data["amount"], data["tax"], data["evidence"], data["note"])


def _asked(request: HttpRequest, contract: Contract, sent: Any) -> tuple[int, str]:
    """Fiscal year and kind of spending that were asked for; the present year without a word."""
    year, kind = sent.get("year", ""), sent.get("kind", "")
    found = int(year) if year.isdecimal() and 2000 <= int(year) <= 2100 else dates.fiscal_year(min(request.now.date(), contract.profile.term.contract_to))
    return found, kind if kind in Spending.values else ""


def _years(contract: Contract) -> list[int]:
    first, last = contract.profile.term.service_from, contract.profile.term.contract_to
    return list(range(dates.fiscal_year(first - dt.timedelta(days=90)), dates.fiscal_year(last) + 1))


@roles(READ_MONEY)
def ledger(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Lines of a fiscal year with their sums; POST adds one."""
    form = SpentForm(request.POST if request.method == "POST" else None)
    problem, status = "", 200
    if request.method == "POST":
        if not may(request, KEEP_MONEY):
            raise PermissionDenied("経費の帳簿は、業務責任者だけが記入できます。")
        status = 422
        if form.is_valid():
            try:
                made = enter(contract, form.spent(), by=actor_of(request), now=request.now)
            except BillingRefused as wrong:
                problem, status = str(wrong), 409
            else:
                messages.success(request, f"帳簿に記入しました（番号 {made.pk}）。")
                return redirect(f"{request.path}?year={dates.fiscal_year(made.spent_on)}")
    year, kind = _asked(request, contract, request.GET)
    rows = queries.ledger(year, kind)
    back = {one.reverses_id for one in rows}
    by_kind = {value: sum(one.amount for one in rows if one.kind == value) for value in Spending.values}
    context = {
        "form": form,
        "problem": problem,
        "rows": [(one, f"{one.amount:,}", f"{one.tax:,}", one.pk in back) for one in rows],
        "sum": f"{sum(one.amount for one in rows):,}",
        "tax": f"{sum(one.tax for one in rows):,}",
        "kinds": [(Spending(value).label, f"{amount:,}", amount) for value, amount in by_kind.items() if amount],
        "most": max(by_kind.values(), default=0) or 1,
        "year": year,
        "year_label": dates.show_fiscal_year(year),
        "kind": kind,
        "choices": Spending.choices,
        "years": [(one, dates.show_fiscal_year(one)) for one in _years(contract)],
        "until": queries.books_until(contract),
        "may_keep": may(request, KEEP_MONEY),
    }
    return render(request, "office/billing/ledger.html", context, status=status)


@roles(KEEP_MONEY)
def reverse_line(request: HttpRequest, contract: Contract, line: int) -> HttpResponse:
    """Why a line is taken back; POST does it."""
    found = Expenditure.objects.filter(pk=line).first()
    if found is None:
        raise Http404("この行はありません。")
    form = ReasonForm(request.POST or None)
    problem, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                reverse(contract, line, reason=form.cleaned_data["reason"], by=actor_of(request), now=request.now)
            except BillingRefused as wrong:
                problem, status = str(wrong), 409
            else:
                messages.success(request, "行を取り消しました。正しい内容があれば、新しく記入してください。")
                return redirect("billing:ledger", contract.code)
    context = {"form": form, "problem": problem, "line": found, "amount": f"{found.amount:,}", "tax": f"{found.tax:,}"}
    return render(request, "office/billing/reverse.html", context, status=status)


@require_POST
@roles(READ_MONEY)
def export(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The lines of a year as CSV or Excel, noted in the audit log."""
    year, kind = _asked(request, contract, request.POST)
    form = "xlsx" if request.POST.get("form") == "xlsx" else "csv"
    rows: list[list[Cell]] = [
        [
            one.pk, one.spent_on, Spending(one.kind).label, one.payee, one.amount, one.tax, one.evidence, one.note, one.reverses_id or "",
            one.entered_by, one.entered_at.astimezone(JST), one.kept_until,
        ]
        for one in queries.ledger(year, kind)
    ]  # fmt: skip
    note_export(contract, year=year, form=form, lines=len(rows), by=actor_of(request), now=request.now)
    if form == "xlsx":
        content = write_xlsx([Sheet(f"経費の帳簿 {dates.show_fiscal_year(year)}", HEADER, rows)], made_at=request.now)
        media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    else:
        content, media = write_csv(HEADER, rows).content, "text/csv; charset=utf-8"
    return HttpResponse(content, content_type=media, headers={"Content-Disposition": f'attachment; filename="ledger-{contract.code}-{year}.{form}"'})
