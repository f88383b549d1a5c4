"""Lists of bookings: conditions, summary, and files for the city's desks. Taking a file out is a POST and leaves an audit entry."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.enums import FileForm
from madoguchi.domain.booking.errors import ListError
from madoguchi.domain.booking.queries import lists
from madoguchi.domain.booking.queries.listfile import ListFile, list_file
from madoguchi.domain.booking.queries.lists import COLUMNS, personal_columns
from madoguchi.domain.booking.queries.saved_lists import lists_of, may_change
from madoguchi.domain.booking.selection import Selection
from madoguchi.domain.booking.services.exports import record_export
from madoguchi.ground.accounts.access import MANAGE_STAFF, READ_RESIDENTS, actor_of, may, roles
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract

from .filters import FilterForm

PER_PAGE = 100


@roles(READ_RESIDENTS)
def bookings(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The list and its summary; ``?list=`` opens a saved one, ``from`` is the saved one whose conditions are being changed."""
    me = actor_of(request).ref
    kept_lists = list(lists_of(me))
    kept, asked = None, request.GET
    if "list" in request.GET:
        kept = next((one for one in kept_lists if str(one.pk) == request.GET["list"]), None)
        if kept is None:
            raise Http404("この一覧は、削除されたか、ほかの担当者のものです。")
        asked = QueryDict(urlencode(kept.selection))
    form = FilterForm(request.now.date(), asked)
    context: dict[str, Any] = {"form": form, "formats": FileForm.choices, "query": asked.urlencode()}
    origin = kept or next((one for one in kept_lists if str(one.pk) == request.GET.get("from")), None)
    if origin and not may_change(origin, me, manages=may(request, MANAGE_STAFF)):
        origin = None
    context |= {"lists": kept_lists, "kept": kept, "origin": origin, "faults": Selection.of(kept.selection).faults() if kept else []}
    if not form.is_valid():
        return render(request, "office/bookings/bookings.html", context, status=422)
    conditions, personal = form.conditions(contract), form.cleaned_data["personal"]
    people, count = lists.totals(conditions)
    page = Paginator(lists.people(conditions), PER_PAGE).get_page(request.GET.get("page"))
    rows = list(page.object_list)
    if personal and rows:
        ids = list(dict.fromkeys(a.booking_id for a in rows))
        detail = {"conditions": conditions.as_dict(), "bookings": ids}
        request.audit_reads.append(Read("booking.listed", f"contract:{contract.code}", actor_of(request), detail))
    groups, wanted = lists.summary(contract, conditions), form.selection()
    context |= {
        "conditions": conditions,
        "header": COLUMNS + (personal_columns(contract) if personal else ()),
        "rows": [
            (a.booking.code, row) for a, row in zip(rows, lists.lines(contract, rows, personal=personal), strict=True)
        ],
        "page": page,
        "people": people,
        "count": count,
        "groups": [(g, [(label, n) for label, n, _ in g.rows]) for g in groups],
        "personal": personal,
        "may_keep": wanted is not None and kept is None,
        "may_replace": origin is not None and wanted is not None and wanted != Selection.of(origin.selection),
    }
    return render(request, "office/bookings/bookings.html", context)


@require_POST
@roles(READ_RESIDENTS)
def export(request: HttpRequest, contract: Contract) -> HttpResponse:
    """A file of the list. Shift_JIS first tells which characters it cannot hold; the file follows on the second press."""
    query = request.POST.get("query", "")
    form = FilterForm(request.now.date(), QueryDict(query))
    wanted = request.POST.get("form", "")
    if not form.is_valid() or wanted not in FileForm.values:
        context = {"form": form, "formats": FileForm.choices, "query": query}
        return render(request, "office/bookings/bookings.html", context, status=422)
    conditions, personal = form.conditions(contract), form.cleaned_data["personal"]
    try:
        file = list_file(contract, conditions, form=FileForm(wanted), personal=personal, now=request.now)
    except ListError as wrong:
        context = {"form": form, "formats": FileForm.choices, "query": query, "problem": str(wrong)}
        return render(request, "office/bookings/bookings.html", context, status=422)
    if file.lacking and request.POST.get("confirmed") != "1":
        return _misfits(request, file, query, personal)
    record_export(
        contract, form=wanted, rows=file.rows, personal=personal, conditions=conditions.as_dict(), by=actor_of(request),
        now=request.now,
    )  # fmt: skip
    return attachment(file.content, file.media, file.name)


def attachment(content: bytes, media: str, name: str) -> HttpResponse:
    """A file to be saved."""
    response = HttpResponse(content, content_type=media)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _misfits(request: HttpRequest, file: ListFile, query: str, personal: bool) -> HttpResponse:
    """Which characters Shift_JIS cannot hold, by booking and column, before anything leaves."""
    if personal:
        detail = {"kind": "misfits", "rows": len({one.code for one in file.lacking})}
        request.audit_reads.append(
            Read("booking.listed", f"contract:{request.contract.code}", actor_of(request), detail)
        )
    shown = [(one.code, one.column, one.character, f"U+{ord(one.character):04X}") for one in file.lacking[:200]]
    context = {"misfits": shown, "total": len(file.lacking), "query": query}
    return render(request, "office/bookings/misfits.html", context)
