"""Daily and monthly reports: the list of a month, one report with its figures and texts, and the steps to the city's acceptance."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from madoguchi.domain.reports import sheets
from madoguchi.domain.reports.contents import (
    Place,
    content_of,
    differences,
    digest_of,
    duty_of,
    figures_in,
    shown,
    unbalanced,
)
from madoguchi.domain.reports.enums import State
from madoguchi.domain.reports.errors import ReportRefused
from madoguchi.domain.reports.models import Report
from madoguchi.domain.reports.periods import Period, due_on, month_of, owed
from madoguchi.domain.reports.printed import corrections, inspection_of, pdf_of
from madoguchi.domain.reports.services import documents as deeds
from madoguchi.domain.reports.services import forms
from madoguchi.domain.reports.words import name_of, told
from madoguchi.ground.accounts.access import INSPECT_REPORTS, READ_REPORTS, WRITE_REPORTS, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import business_days
from madoguchi.ground.kit import typeset
from madoguchi.ground.kit.csvfile import write_csv
from madoguchi.ground.privacy.guard import cut_individual_numbers
from madoguchi.web.ui.middleware import handles_individual_number

from .bookings import attachment
from .versions import Steps, doer

TONES = {
    State.DRAFT: "plain", State.SIGNED: "info", State.SUBMITTED: "warn", State.ACCEPTED: "ok", State.RETURNED: "bad", State.REPLACED: "done",
}  # fmt: skip
NEVER = "この報告書は見つかりません。"
EARLIEST, LATEST = 2020, 2100


@dataclass(frozen=True)
class Line:
    """A report of the list, made or not: ``late`` when a month should be with the city by now, or a day should be signed."""

    code: str
    name: str
    period: Period
    label: str
    due: dt.date | None
    report: Report | None
    late: bool
    missing: bool

    @property
    def tone(self) -> str:
        return TONES[State(self.report.state)] if self.report else "bad"


def _month(request: HttpRequest) -> Period:
    asked = request.GET.get("month", "")
    if not asked:
        return month_of(request.now.date())
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", asked) or not EARLIEST <= int(asked[:4]) <= LATEST:
        raise Http404("この月は見られません。")
    return month_of(dt.date.fromisoformat(f"{asked}-01"))


def label_of(period: Period) -> str:
    """``2026年10月`` or ``10月5日（月）``."""
    return name_of("month", f"{period.first:%Y-%m}", {}) if period.first != period.last else name_of("day", period.first.isoformat(), {})


@roles(READ_REPORTS)
def documents(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The reports of a month with their states, those that are missing among them."""
    month, today = _month(request), request.now.date()
    lines = _lines(contract, month, today)
    context = {
        "month": month, "label": label_of(month), "before": month.first - dt.timedelta(days=1), "after": month.last + dt.timedelta(days=1),
        "monthly": [one for one in lines if one.period.first != one.period.last], "daily": [one for one in lines if one.period.first == one.period.last],
        "missing": sum(one.missing for one in lines), "late": sum(one.late for one in lines),
        "drifted": sum(bool(one.report and one.report.drift) for one in lines),
        "waiting": sum(bool(one.report and one.report.state == State.SUBMITTED) for one in lines),
        "duties": [one for one in contract.profile.reports if one.period], "may_write": may(request, WRITE_REPORTS),
    }  # fmt: skip
    return render(request, "office/documents/documents.html", context)


def _lines(contract: Contract, month: Period, today: dt.date) -> list[Line]:
    found = Report.objects.filter(first__gte=month.first, first__lte=month.last).defer("content").order_by("code", "first", "-version")
    newest = {(one.code, one.first): one for one in found.distinct("code", "first")}
    open_days = business_days(contract, month.first, month.last)
    lines = []
    for duty in contract.profile.reports:
        if duty.period is None:
            continue
        periods = {one.first: one for one in owed(duty.period, open_days, month, today) if one.last >= contract.profile.term.service_from}
        over = set(periods)
        periods |= {first: report.period for (code, first), report in newest.items() if code == duty.code}
        if duty.period == "month" and month.first <= today:
            periods.setdefault(month.first, month)
        for first in sorted(periods):
            report, due = newest.get((duty.code, first)), due_on(duty.due, periods[first])
            enough = (State.SUBMITTED, State.ACCEPTED) if duty.period == "month" else (State.SIGNED, State.SUBMITTED, State.ACCEPTED)
            late = due is not None and due < today and (report is None or report.state not in enough) and first in over
            lines.append(Line(duty.code, duty.name, periods[first], label_of(periods[first]), due, report, late, report is None and first in over))
    return lines


@require_POST
@roles(WRITE_REPORTS)
def make(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Begin a report by hand: of a period that was missed, or of one that is not over."""
    try:
        first = dt.date.fromisoformat(request.POST.get("first", ""))
        made = deeds.make(contract, request.POST.get("code", ""), first, by=actor_of(request), now=request.now)
    except ValueError:
        raise Http404("この日は選べません。") from None
    except ReportRefused as refused:
        messages.error(request, str(refused))
        return redirect("documents:documents", contract.code)
    return redirect("documents:report", contract.code, made.pk)


def report_of(contract: Contract, pk: int) -> Report:
    """A report with the names of those who handled it. Raises ``Http404``, also for one that is agreed no longer and was never signed."""
    found: Report | None = Report.objects.select_related("signed_by", "submitted_by", "decided_by").filter(pk=pk).first()
    if found is None or (found.content is None and duty_of(contract.profile, found.code) is None):
        raise Http404(NEVER)
    return found


@roles(READ_REPORTS)
def report(request: HttpRequest, contract: Contract, report: int) -> HttpResponse:
    """One version of a report: figures that lead to their records, texts, corrections, what changed, and the next step."""
    return _page(request, contract, report_of(contract, report))


@dataclass(frozen=True)
class Shown:
    """A figure on the page: ``before`` is the computed value of a corrected one."""

    text: str
    before: str
    url: str


def _page(request: HttpRequest, contract: Contract, found: Report, problem: str = "", typed: dict[str, str] | None = None, status: int = 200) -> HttpResponse:
    content = content_of(contract, found)
    may_write, state = may(request, WRITE_REPORTS), State(found.state)
    editing = may_write and state == State.DRAFT
    over = found.last < request.now.date() or found.first == found.last
    correcting = editing and "correct" in request.GET
    versions = list(Report.objects.filter(code=found.code, first=found.first).defer("content").order_by("-version"))
    newest = versions[0].pk == found.pk
    drift = []
    if found.content is not None and newest and duty_of(contract.profile, found.code):
        live, _ = deeds.changed_since(contract, found)
        drift = differences(content, live, corrected=False)
    before = Report.objects.filter(code=found.code, first=found.first, version=found.version - 1).first()
    changed = differences(before.content, content, corrected=True) if before is not None and before.content is not None else []
    typed = {name: cut_individual_numbers(text) for name, text in (typed or {}).items()}
    context = {
        "report": found, "content": content, "label": label_of(found.period), "state": state, "tone": TONES[state], "problem": problem, "typed": typed,
        "sections": [_section(contract, found, section, correcting) for section in content["sections"]],
        "passages": [one | {"text": typed.get(one["code"], one["text"])} for one in content["passages"]],
        "corrections": corrections(content), "unbalanced": unbalanced(content) if editing else [],
        "drift": drift, "changed": changed, "before": before, "versions": versions, "newest": newest,
        "sound": found.content is None or digest_of(found.content) == found.digest,
        "editing": editing, "correcting": correcting, "may_write": may_write,
        "may_sign": editing and over and deeds.may_sign(contract, found.code, request.user), "may_submit": may_write and state == State.SIGNED,
        "may_decide": may(request, INSPECT_REPORTS) and state == State.SUBMITTED,
        "may_again": may_write and newest and state in (State.SIGNED, State.SUBMITTED, State.ACCEPTED),
        "may_ask": may(request, INSPECT_REPORTS), "due": _due(contract, found),
    }  # fmt: skip
    return render(request, "office/documents/report.html", context, status=status)


def _due(contract: Contract, found: Report) -> dt.date | None:
    duty = duty_of(contract.profile, found.code)
    return due_on(duty.due, found.period) if duty else None


def _section(contract: Contract, found: Report, section: dict[str, Any], correcting: bool) -> dict[str, Any]:
    def cells(key: str, by: str, row: Sequence[dict[str, Any]]) -> list[Shown]:
        return [
            _shown(contract, found, (column["measure"], by, key), column, cell, correcting)
            for column, cell in zip(section["columns"], row, strict=True)
        ]

    return {
        "title": section["title"], "by": section["by"], "by_label": section["by_label"], "columns": section["columns"],
        "rows": [(row["label"], cells(row["key"], section["by"], row["cells"])) for row in section["rows"]],
        "totals": list(zip(section["columns"], cells("", "", section["totals"]), strict=True)),
    }  # fmt: skip


def _shown(contract: Contract, found: Report, place: Place, column: dict[str, Any], cell: dict[str, Any], correcting: bool) -> Shown:
    measure, by, key = place
    before = told(column["unit"], cell["value"]) if "corrected" in cell else ""
    if correcting:
        url = f"{reverse('documents:figure', args=[contract.code, found.pk])}?{urlencode({'measure': measure, 'by': by, 'key': key})}"
    elif cell["value"] or cell["top"] or cell["bottom"]:
        asked = {"measure": measure, "first": found.first.isoformat(), "last": found.last.isoformat()} | ({by: key} if by else {})
        url = f"{reverse('reports:records', args=[contract.code])}?{urlencode(asked)}"
    else:
        url = ""
    return Shown(told(column["unit"], shown(cell)), before, url)


STEPS = Steps(
    "documents:report",
    lambda request, contract, pk, problem, typed: _page(request, contract, report_of(contract, pk), problem, typed, status=409),
)


@handles_individual_number
@roles(WRITE_REPORTS)
def figure(request: HttpRequest, contract: Contract, report: int) -> HttpResponse:
    """Put one figure right: its value as computed, the one that is to stand, and why."""
    found = report_of(contract, report)
    place: Place = (request.GET.get("measure", ""), request.GET.get("by", ""), request.GET.get("key", ""))
    content = content_of(contract, found)
    column, cell = next(((column, cell) for at, column, cell in figures_in(content) if at == place), (None, None))
    if column is None or cell is None:
        raise Http404("この数字は、この報告書にありません。")
    percent = column["unit"] == "%"
    now_shown = shown(cell)
    usual = "" if now_shown is None else f"{now_shown * 100:.1f}" if percent else str(now_shown)
    problem, value, reason = "", request.POST.get("value", usual), request.POST.get("reason", cell.get("corrected", {}).get("reason", ""))
    if request.method == "POST":
        try:
            deeds.correct(contract, found.pk, place, _number(value, percent), reason=reason, **doer(request))
        except ReportRefused as refused:
            problem = str(refused)
        else:
            messages.success(request, f"「{column['title']}」を訂正しました。訂正前の数と理由は、報告書に載ります。")
            return redirect(f"{reverse('documents:report', args=[contract.code, found.pk])}?correct=1")
    labels = {(section["by"], row["key"]): row["label"] for section in content["sections"] for row in section["rows"]}
    context = {
        "report": found, "label": label_of(found.period), "title": content["title"], "column": column, "row": labels.get(place[1:], "全体"),
        "computed": told(column["unit"], cell["value"]), "value": value, "reason": reason, "problem": problem,
        "unit": column["unit"], "open": found.state == State.DRAFT,
    }  # fmt: skip
    return render(request, "office/documents/figure.html", context, status=409 if problem else 200)


def _number(text: str, percent: bool) -> float:
    """A typed number, full-width digits and commas allowed. Raises :class:`ReportRefused`."""
    try:
        value = float(text.strip().replace(",", "").replace("，", "").rstrip("%％"))
    except ValueError:
        raise ReportRefused("数字を入力してください。例：12") from None
    return round(value / 100, 6) if percent else value


@handles_individual_number
@require_POST
@roles(WRITE_REPORTS)
def write(request: HttpRequest, contract: Contract, report: int, passage: str) -> HttpResponse:
    """Write a text of a draft."""
    return STEPS.write(request, contract, report, passage, deeds.write)


@require_POST
@roles(WRITE_REPORTS)
def sign(request: HttpRequest, contract: Contract, report: int) -> HttpResponse:
    """Freeze a draft."""
    return STEPS.take(request, contract, report, lambda: deeds.sign(contract, report, **doer(request)), "確定しました。数字と文章は、もう変わりません。")


@require_POST
@roles(WRITE_REPORTS)
def submit(request: HttpRequest, contract: Contract, report: int) -> HttpResponse:
    """Hand a report in."""
    return STEPS.take(request, contract, report, lambda: deeds.submit(contract, report, **doer(request)), "市へ提出しました。")


@handles_individual_number
@require_POST
@roles(INSPECT_REPORTS)
def accept(request: HttpRequest, contract: Contract, report: int) -> HttpResponse:
    """The city accepts."""
    return STEPS.decide(request, contract, report, deeds.accept, "合格としました。")


@handles_individual_number
@require_POST
@roles(INSPECT_REPORTS)
def send_back(request: HttpRequest, contract: Contract, report: int) -> HttpResponse:
    """The city returns a report with comments."""
    return STEPS.decide(request, contract, report, deeds.send_back, "差し戻しました。次の版の下書きができました。")


@handles_individual_number
@require_POST
@roles(WRITE_REPORTS)
def again(request: HttpRequest, contract: Contract, report: int) -> HttpResponse:
    """Begin the next version of what was signed."""
    return STEPS.again(request, contract, report, deeds.issue_again, "前の版")


def _name(contract: Contract, found: Report, ending: str) -> str:
    return f"{found.code}-{contract.code}-{found.first}-v{found.version}.{ending}"


@roles(READ_REPORTS)
def as_workbook(request: HttpRequest, contract: Contract, report: int) -> HttpResponse:
    """A report in the city's form, or in the standard one."""
    found = report_of(contract, report)
    return attachment(forms.workbook(contract, found), sheets.MEDIA_TYPE, _name(contract, found, "xlsx"))


@roles(READ_REPORTS)
def as_pdf(request: HttpRequest, contract: Contract, report: int) -> HttpResponse:
    """A report set for paper. Without fonts its page says what is missing."""
    found = report_of(contract, report)
    try:
        return attachment(pdf_of(contract, found), typeset.MEDIA_TYPE, _name(contract, found, "pdf"))
    except typeset.FontsMissing as missing:
        return _page(request, contract, found, str(missing), status=503)


@roles(READ_REPORTS)
def inspection(request: HttpRequest, contract: Contract, report: int) -> HttpResponse:
    """The record of the city's inspection, once there was one."""
    found = report_of(contract, report)
    if found.decided_at is None:
        raise Http404("この報告書は、まだ市の検査を受けていません。")
    try:
        return attachment(inspection_of(contract, found), typeset.MEDIA_TYPE, f"inspection-{_name(contract, found, 'pdf')}")
    except typeset.FontsMissing as missing:
        return _page(request, contract, found, str(missing), status=503)


@roles(READ_REPORTS)
def as_csv(request: HttpRequest, contract: Contract, report: int) -> HttpResponse:
    """Every figure of a report in a line; seconds and per cent as numbers."""
    found = report_of(contract, report)
    head = ["表", "分け方", "項目", "数字", "値", "単位", "訂正前", "訂正の理由", "数字の定義"]
    lines: list[list[str | int | float | None]] = []
    for section in content_of(contract, found)["sections"]:
        whole = {"label": "全体", "cells": section["totals"]}
        for row in [*section["rows"], whole]:
            for column, cell in zip(section["columns"], row["cells"], strict=True):
                corrected = "corrected" in cell
                lines.append([
                    section["title"], section["by_label"], row["label"], column["title"], _plain(column["unit"], shown(cell)), column["unit"],
                    _plain(column["unit"], cell["value"]) if corrected else "", cell["corrected"]["reason"] if corrected else "", column["definition"],
                ])  # fmt: skip
    return attachment(write_csv(head, lines).content, "text/csv; charset=utf-8", _name(contract, found, "csv"))


def _plain(unit: str, value: int | float | None) -> int | float | None:
    return None if value is None else round(value * 100, 1) if unit == "%" else round(value, 2) if unit == "点" else round(value)
