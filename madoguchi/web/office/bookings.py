"""Lists of bookings: conditions, summary, and files for the city's desks. Taking a file out is a POST and leaves an audit entry."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.queries import lists
from madoguchi.domain.booking.queries.lists import COLUMNS, Conditions, personal_columns
from madoguchi.domain.booking.services.exports import record_export
from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.accounts.access import READ_RESIDENTS, actor_of, roles
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.kit.actors import ACTOR_KIND_LABELS, CHANNEL_LABELS
from madoguchi.ground.kit.csvfile import Misfit, write_csv
from madoguchi.ground.kit.xlsx import Sheet, write_xlsx

from .forms import DayBox

PER_PAGE = 100
MOST_ROWS = 50_000
STATES = [("", "予約済み（来庁・不来庁を含む）"), ("arrived", "来庁済み"), ("no_show", "不来庁"), ("cancelled", "取消済み"),
          ("held", "仮押さえ"), ("all", "すべて")]  # fmt: skip
FORMS = {"csv": "CSV（UTF-8）", "cp932": "CSV（Shift_JIS）", "xlsx": "Excel"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class FilterForm(forms.Form):
    """Conditions of a list; without any, today and the six days after."""

    first = DayBox(label="来庁日", required=False)
    last = DayBox(label="来庁日（終わり）", required=False)
    hour = forms.TypedChoiceField(label="時間帯", required=False, coerce=int, empty_value=None)
    procedure = forms.ChoiceField(label="手続き", required=False)
    site = forms.ChoiceField(label="場所", required=False)
    actor = forms.ChoiceField(label="入力した人", required=False)
    channel = forms.ChoiceField(label="経路", required=False)
    state = forms.ChoiceField(label="状態", required=False, choices=STATES)
    created_first = DayBox(label="予約した日", required=False)
    created_last = DayBox(label="予約した日（終わり）", required=False)
    changed_first = DayBox(label="変更した日", required=False)
    changed_last = DayBox(label="変更した日（終わり）", required=False)
    personal = forms.BooleanField(label="氏名・連絡先も出す", required=False)

    def __init__(self, today: dt.date, data: QueryDict):
        super().__init__(data)
        self.today = today
        every = [("", "すべて")]
        self.fields["hour"].choices = [*every, *((str(h), f"{h}時台") for h in range(7, 22))]
        self.fields["procedure"].choices = [*every, *Procedure.objects.values_list("code", "legal_name")]
        self.fields["site"].choices = [*every, *Site.objects.values_list("code", "name")]
        self.fields["actor"].choices = [*every, *((str(k), v) for k, v in ACTOR_KIND_LABELS.items())]
        self.fields["channel"].choices = [*every, *((str(k), v) for k, v in CHANNEL_LABELS.items())]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for first, last in (("first", "last"), ("created_first", "created_last"), ("changed_first", "changed_last")):
            if data.get(first) and data.get(last) and data[first] > data[last]:
                self.add_error(last, "終わりの日は、始まりの日以後にしてください。")
        return data

    def conditions(self) -> Conditions:
        """The conditions; dates left open are filled: a search by day of making or change looks over all visits."""
        data = {key: value for key, value in self.cleaned_data.items() if key != "personal"}
        first, last = data.pop("first"), data.pop("last")
        if not (first or last) and any(data[f"{k}_{e}"] for k in ("created", "changed") for e in ("first", "last")):
            first, last = self.today - dt.timedelta(days=400), self.today + dt.timedelta(days=400)
        first = first or (min(last, self.today) if last else self.today)
        last = last or max(first, first + dt.timedelta(days=6))
        return Conditions(first=first, last=last, **data)


@roles(READ_RESIDENTS)
def bookings(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The list and its summary."""
    form = FilterForm(request.now.date(), request.GET)
    context: dict[str, Any] = {"form": form, "formats": FORMS.items(), "query": request.GET.urlencode()}
    if not form.is_valid():
        return render(request, "office/bookings/bookings.html", context, status=422)
    conditions, personal = form.conditions(), form.cleaned_data["personal"]
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
        "header": COLUMNS + (personal_columns(contract) if personal else ()),
        "rows": [
            (a.booking.code, row) for a, row in zip(rows, lists.lines(contract, rows, personal=personal), strict=True)
        ],
        "page": page,
        "people": people,
        "count": count,
        "groups": [(g, [(label, n) for label, n, _ in g.rows]) for g in groups],
        "personal": personal,
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
    conditions, personal = form.conditions(), form.cleaned_data["personal"]
    found = lists.people(conditions)
    total = found.count()
    if total > MOST_ROWS:
        text = f"{total:,}行あります。一度に出せるのは{MOST_ROWS:,}行までです。来庁日の範囲を短くしてください。"
        context = {"form": form, "formats": FORMS.items(), "query": query, "problem": text}
        return render(request, "office/bookings/bookings.html", context, status=422)
    header = COLUMNS + (personal_columns(contract) if personal else ())
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
