"""How many will come, and what that asks for: bands by month and procedure, places, windows and people, forecast against what came."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from madoguchi.domain.forecast.enums import Kind
from madoguchi.domain.forecast.files import Fault, read_cohorts
from madoguchi.domain.forecast.models import Cohort
from madoguchi.domain.forecast.queries import BASIS, Cell, Line, Outlook
from madoguchi.domain.forecast.queries import outlook as read
from madoguchi.domain.forecast.services import replace_cohorts
from madoguchi.ground.accounts.access import PLAN_FORECAST, READ_FORECAST, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.csvfile import write_csv

MOST_BYTES, MOST_FAULTS = 200_000, 50


def month_text(month: dt.date) -> str:
    """``2026年11月``."""
    return f"{month.year}年{month.month}月"


def error_text(cell: Cell) -> str:
    """By how much an earlier forecast was off: ``+4.2%``; empty where none was made."""
    return "" if cell.error is None else f"{cell.error * 100:+.1f}%"


def _chart_rows(found: Outlook, line: Line) -> list[tuple[Any, ...]]:
    """Month, came, low, middle, high of the whole month, expected; None for what there is not."""
    rows = []
    for month in found.months:
        cell = line.cells[month]
        band = cell.band
        numbers = (band.low, band.middle, band.high) if band is not None else (None, None, None)
        rows.append((f"{month.month}月", cell.came, *numbers, round(cell.expected)))
    return rows


@roles(READ_FORECAST)
def outlook(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The months ahead: one procedure as a chart with its table, then places, windows and people of all."""
    today: dt.date = request.now.date()  # type: ignore[attr-defined]
    found = read(contract, today)
    asked = request.GET.get("procedure", "")
    shown = next((line for line in found.lines if line.code == asked), found.lines[0] if found.lines else None)
    this = today.replace(day=1)
    context: dict[str, Any] = {
        "found": found,
        "today": today,
        "months": [(month_text(month), month == this) for month in found.months],
        "tabs": [
            {"label": line.name, "url": f"?{urlencode({'procedure': line.code})}", "active": line is shown, "count": None} for line in found.lines
        ],
        "shown": shown,
        "basis": BASIS[shown.basis] if shown else "",
        "level": f"{shown.level.mean * 100:.0f}%" if shown else "",
        "chart": _chart_rows(found, shown) if shown else [],
        "rows": [(month_text(month), month == this, shown.cells[month], error_text(shown.cells[month])) for month in found.months] if shown else [],
        "overview": [(line, BASIS[line.basis], [line.cells[month].band for month in found.months if month >= this]) for line in found.lines],
        "ahead": [month_text(month) for month in found.months if month >= this],
        "groups": [(group, [(month_text(need.month), need) for need in group.needs]) for group in found.groups],
        "staff": [(month_text(one.month), one, round(one.minutes.middle / 60), round(one.minutes.high / 60)) for one in found.staff],
        "terms": contract.profile.forecast,
        "use": f"{contract.profile.forecast.use * 100:.0f}%",
        "may_plan": may(request, PLAN_FORECAST),
    }
    return render(request, "office/forecast/outlook.html", context)


@roles(READ_FORECAST)
def outlook_csv(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Every procedure and month, then what the pools and the windows need."""
    found = read(contract, request.now.date())  # type: ignore[attr-defined]
    head = [
        "区分", "名称", "月", "もと", "計画", "実績（昨日まで）", "P10", "P50", "P90", "前の予測（P50）", "誤差（%）",
        "いまある枠", "要る枠", "足りない枠", "窓口", "人",
    ]  # fmt: skip
    response = HttpResponse(write_csv(head, list(_lines(found))).content, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="forecast-{contract.code}-{request.now:%Y%m%d}.csv"'  # type: ignore[attr-defined]
    return response


def _lines(found: Outlook) -> Iterator[list[Any]]:
    for line in found.lines:
        for month, cell in line.cells.items():
            numbers = [cell.band.low, cell.band.middle, cell.band.high] if cell.band is not None else [None] * 3
            before = cell.before.middle if cell.before is not None else None
            error = round(cell.error * 100, 1) if cell.error is not None else None
            yield ["来庁", line.name, f"{month:%Y-%m}", BASIS[line.basis], round(cell.expected), cell.came, *numbers, before, error, *[None] * 5]
    for group in found.groups:
        for need in group.needs:
            numbers = [need.places.low, need.places.middle, need.places.high]
            asked = [need.there, need.proposal.places, need.proposal.missing]
            yield ["枠", "・".join(group.names), f"{need.month:%Y-%m}", "", None, None, *numbers, None, None, *asked, None, None]
    for one in found.staff:
        minutes = [one.minutes.low, one.minutes.middle, one.minutes.high]
        yield ["応対の分数", "", f"{one.month:%Y-%m}", "", None, None, *minutes, None, None, None, None, None, one.windows, one.people]


class CohortsForm(forms.Form):
    """The city's file."""

    use_required_attribute = False
    file = forms.FileField(
        label="CSVファイル",
        help_text="1行目は「月,種類,件数」。種類は「カード」か「電子証明書」。例：2026-12,電子証明書,1840。UTF-8 か Shift_JIS。",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
        error_messages={"required": "ファイルを選んでください。", "empty": "ファイルが空です。件数の入ったファイルを選んでください。"},
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(f"{MOST_BYTES // 1000}KBまでです。月と種類ごとの件数だけにしてください。")
        return file


@roles(READ_FORECAST)
def cohorts(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What expires when, as the city counted it; a file with a fault is reported line by line and changes nothing."""
    form = CohortsForm(request.POST or None, request.FILES or None)
    faults: list[Fault] = []
    status = 200
    if request.method == "POST":
        if not may(request, PLAN_FORECAST):
            raise PermissionDenied("有効期限の件数は、業務責任者と市職員が入れ替えます。")
        status = 422
        if form.is_valid():
            found = read_cohorts(form.cleaned_data["file"].read())
            faults = found.faults
            if not faults:
                count = replace_cohorts(contract, found.counts, by=actor_of(request), now=request.now)  # type: ignore[attr-defined]
                messages.success(request, f"{count}行を取り込みました。前の件数と入れ替わりました。")
                return redirect(reverse("forecast:cohorts", args=[contract.code]))
    by_month: dict[dt.date, dict[str, int]] = {}
    for kind, month, number in Cohort.objects.values_list("kind", "month", "count"):
        by_month.setdefault(month, {})[kind] = number
    context = {
        "form": form,
        "faults": faults[:MOST_FAULTS],
        "fault_count": len(faults),
        "rows": [(month_text(month), [found.get(kind) for kind in Kind.values]) for month, found in sorted(by_month.items())],
        "kinds": Kind.labels,
        "uses": [(Kind(one.kind).label, contract.profile.procedure(one.procedure).title, [f"{share * 100:.0f}%" for share in one.come])
                 for one in contract.profile.forecast.cohorts],
        "may_plan": may(request, PLAN_FORECAST),
    }  # fmt: skip
    return render(request, "office/forecast/cohorts.html", context, status=status)
