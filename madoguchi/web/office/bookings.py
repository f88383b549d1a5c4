"""Lists of bookings: conditions, summary, and files for the city's desks. Taking a file out is a POST and leaves an audit entry."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.queries import lists
from madoguchi.domain.booking.queries.lists import COLUMNS, PERSONAL_COLUMNS
from madoguchi.domain.booking.queries.saved_lists import lists_of
from madoguchi.domain.booking.selection import Selection
from madoguchi.domain.booking.services.exports import record_export
from madoguchi.ground.accounts.access import READ_RESIDENTS, actor_of, roles
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.csvfile import Misfit, write_csv
from madoguchi.ground.kit.xlsx import Sheet, write_xlsx

from .filters import FilterForm

PER_PAGE = 100
MOST_ROWS = 50_000
FORMS = {"csv": "CSV（UTF-8）", "cp932": "CSV（Shift_JIS）", "xlsx": "Excel"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@roles(READ_RESIDENTS)
def bookings(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The list and its summary; ``?list=`` opens a saved one."""
    kept_lists = list(lists_of(actor_of(request).ref))
    kept, asked = None, request.GET
    if "list" in request.GET:
        kept = next((one for one in kept_lists if str(one.pk) == request.GET["list"]), None)
        if kept is None:
            raise Http404("この一覧は、削除されたか、ほかの担当者のものです。")
        asked = QueryDict(urlencode(kept.selection))
    form = FilterForm(request.now.date(), asked)
    context: dict[str, Any] = {"form": form, "formats": FORMS.items(), "query": asked.urlencode()}
    context |= {"lists": kept_lists, "kept": kept, "faults": Selection.of(kept.selection).faults() if kept else []}
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
    groups = lists.summary(contract, conditions)
    context |= {
        "conditions": conditions,
        "header": COLUMNS + (PERSONAL_COLUMNS if personal else ()),
        "rows": [
            (a.booking.code, row) for a, row in zip(rows, lists.lines(contract, rows, personal=personal), strict=True)
        ],
        "page": page,
        "people": people,
        "count": count,
        "groups": [(g, [(label, n) for label, n, _ in g.rows]) for g in groups],
        "personal": personal,
        "may_keep": form.selection() is not None and kept is None,
    }
    return render(request, "office/bookings/bookings.html", context)


@require_POST
@roles(READ_RESIDENTS)
def export(request: HttpRequest, contract: Contract) -> HttpResponse:
    """A file of the list. Shift_JIS first tells which characters it cannot hold; the file follows on the second press."""
    query = request.POST.get("query", "")
    form = FilterForm(request.now.date(), QueryDict(query))
    wanted = request.POST.get("form", "")
    if not form.is_valid() or wanted not in FORMS:
        context = {"form": form, "formats": FORMS.items(), "query": query}
        return render(request, "office/bookings/bookings.html", context, status=422)
    conditions, personal = form.conditions(contract), form.cleaned_data["personal"]
    found = lists.people(conditions)
    total = found.count()
    if total > MOST_ROWS:
        text = f"{total:,}行あります。一度に出せるのは{MOST_ROWS:,}行までです。来庁日の範囲を短くしてください。"
        context = {"form": form, "formats": FORMS.items(), "query": query, "problem": text}
        return render(request, "office/bookings/bookings.html", context, status=422)
    header = COLUMNS + (PERSONAL_COLUMNS if personal else ())
    rows = list(lists.lines(contract, found, personal=personal))
    name = f"bookings_{conditions.first:%Y%m%d}-{conditions.last:%Y%m%d}"
    if wanted == "xlsx":
        groups = lists.summary(contract, conditions)
        tables: list[list[str | int]] = [[g.title, label, n, count] for g in groups for label, n, count in g.rows]
        sheets = [Sheet("予約一覧", header, rows), Sheet("集計", ["区分", "項目", "人数", "予約件数"], tables)]
        content, kind, ending = write_xlsx(sheets, made_at=request.now), XLSX, "xlsx"
    else:
        file = write_csv(header, rows, encoding="cp932" if wanted == "cp932" else "utf-8-sig")
        if file.misfits and request.POST.get("confirmed") != "1":
            return _misfits(request, rows, header, file.misfits, query, personal)
        charset = "Shift_JIS" if wanted == "cp932" else "UTF-8"
        content, kind, ending = file.content, f"text/csv; charset={charset}", "csv"
    record_export(
        contract, form=wanted, rows=total, personal=personal, conditions=conditions.as_dict(), by=actor_of(request),
        now=request.now,
    )  # fmt: skip
    response = HttpResponse(content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return response


def _misfits(
    request: HttpRequest,
    rows: list[Any],
    header: tuple[str, ...],
    misfits: tuple[Misfit, ...],
    query: str,
    personal: bool,
) -> HttpResponse:
    """Which characters Shift_JIS cannot hold, by booking and column, before anything leaves."""
    if personal:
        detail = {"kind": "misfits", "rows": len({m.row for m in misfits})}
        request.audit_reads.append(
            Read("booking.listed", f"contract:{request.contract.code}", actor_of(request), detail)
        )
    shown = [
        (rows[m.row - 1][0] if m.row else "", header[m.column - 1], m.character, f"U+{ord(m.character):04X}")
        for m in misfits[:200]
    ]
    context = {"misfits": shown, "total": len(misfits), "query": query}
    return render(request, "office/bookings/misfits.html", context)
