"""Requests for a correction: the city asks that a record be put right, the contractor answers."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.models import Booking
from madoguchi.domain.reports.enums import Answer
from madoguchi.domain.reports.errors import ReportRefused
from madoguchi.domain.reports.models import CorrectionRequest
from madoguchi.domain.reports.services import requests as deeds
from madoguchi.ground.accounts.access import INSPECT_REPORTS, READ_REPORTS, WRITE_REPORTS, actor_of, may, roles
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.privacy.guard import cut_individual_numbers
from madoguchi.ground.worklog.models import Fact
from madoguchi.web.ui.middleware import handles_individual_number

from .record_pages import PAGES, pages_of
from .versions import doer

PER_PAGE = 30


@handles_individual_number
@roles(READ_REPORTS)
def requests(request: HttpRequest, contract: Contract) -> HttpResponse:
    """All requests, those without an answer first; POST of the city makes one."""
    typed = {"ref": request.GET.get("ref", ""), "words": ""}
    if request.method == "POST":
        if not may(request, INSPECT_REPORTS):
            raise PermissionDenied("訂正の依頼は、市の担当者が出します。")
        typed = {name: request.POST.get(name, "").strip() for name in ("ref", "kind", "number", "words")}
        ref = typed["ref"] or _ref(typed["kind"], typed["number"])
        try:
            deeds.ask(contract, ref, typed["words"], **doer(request))
        except ReportRefused as refused:
            return _page(request, contract, str(refused), typed, 422)
        messages.success(request, "訂正を依頼しました。")
        return redirect("documents:requests", contract.code)
    return _page(request, contract, "", typed, 200)


@handles_individual_number
@require_POST
@roles(WRITE_REPORTS)
def answer(request: HttpRequest, contract: Contract, asked: int) -> HttpResponse:
    """Answer one."""
    words = request.POST.get("answer", "")
    try:
        deeds.answer(contract, asked, request.POST.get("state", ""), words, **doer(request))
    except ReportRefused as refused:
        return _page(request, contract, str(refused), {"answer": words, "asked": asked, "ref": "", "words": ""}, 409)
    messages.success(request, "回答しました。")
    return redirect("documents:requests", contract.code)


def _ref(kind: str, number: str) -> str:
    """The reference of a record as people name it; reservations go by their code."""
    if kind == "booking":
        number = str(Booking.objects.filter(code=number.upper()).values_list("pk", flat=True).first() or "")
    return f"{kind}:{number}"


def _page(request: HttpRequest, contract: Contract, problem: str, typed: dict[str, object], status: int) -> HttpResponse:
    typed = {name: cut_individual_numbers(value) if isinstance(value, str) else value for name, value in typed.items()}
    order = CorrectionRequest.objects.select_related("asked_by", "answered_by").order_by("answered_at", "pk")
    found = [*order.filter(state=Answer.OPEN), *order.exclude(state=Answer.OPEN).order_by("-answered_at", "-pk")]
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    if shown:
        target = f"contract:{contract.code}"
        request.audit_reads.append(Read("request.viewed", target, actor_of(request), {"requests": [one.pk for one in shown]}))  # type: ignore[attr-defined]
    pages = _records(request, contract, [one.ref for one in shown])
    context = {
        "page": page, "rows": [(one, *deeds.words_of(contract, one), *place) for one, place in zip(shown, pages, strict=True)],
        "problem": problem, "typed": typed, "named": _records(request, contract, [str(typed["ref"])])[0][0] if typed.get("ref") else "",
        "kinds": [(code, kind.label) for code, kind in PAGES.items()], "may_ask": may(request, INSPECT_REPORTS), "may_answer": may(request, WRITE_REPORTS),
        "answers": [one for one in Answer.choices if one[0] != Answer.OPEN],
    }  # fmt: skip
    return render(request, "office/documents/requests.html", context, status=status)


def _records(request: HttpRequest, contract: Contract, refs: list[str]) -> list[tuple[str, str]]:
    """(label, address) of records by reference, reports among them; the address is empty where there is no such page."""
    return [_report(contract, ref) if ref.startswith("report:") else _record(request, contract, ref) for ref in refs]


def _record(request: HttpRequest, contract: Contract, ref: str) -> tuple[str, str]:
    try:
        return pages_of(request, contract, [Fact(ref=ref)])[0]
    except (NoReverseMatch, ValueError):
        kind, _, number = ref.partition(":")
        return f"{PAGES[kind].label} {number}", ""


def _report(contract: Contract, ref: str) -> tuple[str, str]:
    number = ref.removeprefix("report:")
    return f"報告書 {number}", reverse("documents:report", args=[contract.code, int(number)]) if number.isdecimal() else ""
