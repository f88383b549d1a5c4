"""Bookings of the city's own site: see them, take its file in, take them out in the same columns."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import zlib
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.enums import FileForm, VisitState
from madoguchi.domain.booking.errors import ImportRefused
from madoguchi.domain.booking.external import COLUMNS, REQUIRED, Names, Visit, read_sheet, row_of
from madoguchi.domain.booking.queries import external
from madoguchi.domain.booking.queries.listfile import MEDIA
from madoguchi.domain.booking.services.external import import_visits, record_visits_export
from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.accounts.access import IMPORT_VISITS, READ_RESIDENTS, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.kit.actors import ACTOR_KIND_LABELS, CHANNEL_LABELS, ActorKind, Channel
from madoguchi.ground.kit.csvfile import write_csv
from madoguchi.ground.kit.xlsx import Sheet, write_xlsx
from madoguchi.ground.privacy.sealing import SealError, keyring
from madoguchi.web.ui.dates import DayBox

from .bookings import attachment

PER_PAGE = 100
LARGEST_FILE = 2_000_000
PROBLEMS_SHOWN = 200
CHANGES_SHOWN = 50
CHECKED = "booking.visits_checked"
STATES = [("", "取消しのほか"), *VisitState.choices, ("all", "すべて")]


class VisitForm(forms.Form):
    """Conditions of the list; without any, today and the six days after."""

    first = DayBox(label="来庁日（始まり）", required=False)
    last = DayBox(label="来庁日（終わり）", required=False)
    procedure = forms.ChoiceField(label="手続き", required=False)
    site = forms.ChoiceField(label="場所", required=False)
    state = forms.ChoiceField(label="状態", required=False, choices=STATES)

    def __init__(self, today: dt.date, data: QueryDict):
        super().__init__(data)
        self.today = today
        every = [("", "すべて")]
        self.fields["procedure"].choices = [*every, *Procedure.objects.values_list("code", "legal_name")]
        self.fields["site"].choices = [*every, *Site.objects.values_list("code", "name")]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("first") and data.get("last") and data["first"] > data["last"]:
            self.add_error("last", "終わりの日は、始まりの日以後にしてください。")
        return data

    def conditions(self) -> dict[str, Any]:
        """Arguments of ``queries.external.visits``; open ends are filled."""
        data = dict(self.cleaned_data)
        first = data["first"] or (min(data["last"], self.today) if data["last"] else self.today)
        return data | {"first": first, "last": data["last"] or first + dt.timedelta(days=6)}


def _external(contract: Contract) -> None:
    if contract.profile.booking.mode != "external":
        raise Http404("この契約の予約は、このシステムで受け付けています。")


@roles(READ_RESIDENTS)
def visits(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The list, and how many people come on which day for what."""
    _external(contract)
    form = VisitForm(request.now.date(), request.GET)
    context: dict[str, Any] = {
        "form": form,
        "formats": FileForm.choices,
        "query": request.GET.urlencode(),
        "may_import": may(request, IMPORT_VISITS),
    }
    if not form.is_valid():
        return render(request, "office/visits/visits.html", context, status=422)
    conditions = form.conditions()
    found = external.visits(**conditions)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    days = external.counts_by_day(found)
    titles = {p.code: p.title for p in contract.profile.procedures}
    codes = [code for code in titles if any(code in day.by_procedure for day in days)]
    context |= {
        "conditions": conditions,
        "page": page,
        "rows": [(row, *_labels(row.actor_kind, row.channel)) for row in page.object_list],
        "procedures": [titles[code] for code in codes],
        "days": [(day, [day.by_procedure.get(code, 0) for code in codes]) for day in days],
        "people": sum(day.people for day in days),
        "count": sum(day.bookings for day in days),
    }
    return render(request, "office/visits/visits.html", context)


def _labels(actor: str, channel: str) -> tuple[str, str]:
    return ACTOR_KIND_LABELS[ActorKind(actor)] if actor else "", CHANNEL_LABELS[Channel(channel)] if channel else ""


@require_POST
@roles(READ_RESIDENTS)
def export(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The list in the columns that the import reads."""
    _external(contract)
    query = request.POST.get("query", "")
    form = VisitForm(request.now.date(), QueryDict(query))
    wanted = request.POST.get("form", "")
    if not form.is_valid() or wanted not in FileForm.values:
        context = {"form": form, "formats": FileForm.choices, "query": query}
        return render(request, "office/visits/visits.html", context, status=422)
    conditions = form.conditions()
    names = Names.of(contract.profile)
    rows = [row_of(visit, names) for visit in external.as_visits(external.visits(**conditions))]
    header = list(COLUMNS.values())
    if wanted == FileForm.XLSX:
        content = write_xlsx([Sheet("市の予約", header, rows)], made_at=request.now)
    else:
        content = write_csv(header, rows, encoding="cp932" if wanted == FileForm.CP932 else "utf-8-sig").content
    first, last = conditions["first"], conditions["last"]
    record_visits_export(
        contract, form=wanted, rows=len(rows), first=first, last=last, by=actor_of(request), now=request.now
    )
    ending = "xlsx" if wanted == FileForm.XLSX else "csv"
    return attachment(content, MEDIA[FileForm(wanted)], f"city_bookings_{first:%Y%m%d}-{last:%Y%m%d}.{ending}")


@roles(IMPORT_VISITS)
def take_in(request: HttpRequest, contract: Contract) -> HttpResponse:
    """First the file is checked and what it would do is shown; on the second press it is imported, all or nothing."""
    _external(contract)
    if request.method == "POST" and "checked" in request.POST:
        return _import(request, contract)
    needed = (*REQUIRED, "site") if len(contract.profile.sites) > 1 else REQUIRED
    holds = _holds(contract)
    context: dict[str, Any] = {"columns": [(title, field in needed, holds[field]) for field, title in COLUMNS.items()]}
    status = 200
    if request.method == "POST":
        context |= _check(request, contract)
        status = 422 if context.get("problem") or context.get("problems") else 200
    return render(request, "office/visits/import.html", context, status=status)


def _holds(contract: Contract) -> dict[str, str]:
    """What each column may hold, for people."""
    profile = contract.profile
    return {
        "reference": "英数字と - _ . / で40字まで。この番号で同じ予約とみなします。",
        "date": "2026-12-01、R8.12.1、令和8年12月1日 など",
        "time": "9:30、0930、9時30分 など",
        "procedure": "、".join(p.title for p in profile.procedures),
        "site": "、".join(s.name for s in profile.sites),
        "people": "1から50。空なら1",
        "state": f"{'、'.join(VisitState.labels)}。空なら予約済み",
        "actor": "、".join(ACTOR_KIND_LABELS.values()),
        "channel": "、".join(CHANNEL_LABELS.values()),
    }


def _check(request: HttpRequest, contract: Contract) -> dict[str, Any]:
    """The report on an uploaded file."""
    file = request.FILES.get("file")
    if file is None:
        return {"problem": "CSVファイルを選んでください。"}
    if file.size is None or file.size > LARGEST_FILE:
        return {"problem": "ファイルが大きすぎます（2MBまで）。期間で分けてください。"}
    sheet = read_sheet(file.read(), Names.of(contract.profile))
    if sheet.problems:
        shown = sheet.problems[:PROBLEMS_SHOWN]
        return {"problems": shown, "total": len(sheet.problems), "ignored": sheet.ignored, "good": len(sheet.visits)}
    found = [visit for _, visit in sheet.visits]
    return _effect(contract, found) | {"ignored": sheet.ignored}


def _effect(contract: Contract, found: Sequence[Visit]) -> dict[str, Any]:
    comparison = external.compare(found)
    names = Names.of(contract.profile)
    changes = []
    for before, after in comparison.changed[:CHANGES_SHOWN]:
        cells = zip(COLUMNS.values(), row_of(before, names), row_of(after, names), strict=True)
        changes.append((after.reference, [(title, a, b) for title, a, b in cells if a != b]))
    return {"effect": comparison, "lines": len(found), "changes": changes, "checked": _pack(contract, found)}


def _pack(contract: Contract, found: Sequence[Visit]) -> str:
    """Checked visits for the way over the page and back, sealed: what was checked is what is imported."""
    rows = [[v.reference, v.starts_at.isoformat(), v.procedure, v.site, v.people, v.state, v.actor, v.channel] for v in found]
    return base64.b64encode(keyring(contract).seal(CHECKED, zlib.compress(json.dumps(rows).encode()))).decode()


def _unpack(contract: Contract, text: str) -> list[Visit] | None:
    try:
        rows = json.loads(zlib.decompress(keyring(contract).unseal(CHECKED, base64.b64decode(text, validate=True))))
    except (SealError, binascii.Error, ValueError):
        return None
    return [Visit(row[0], dt.datetime.fromisoformat(row[1]), *row[2:]) for row in rows]


def _import(request: HttpRequest, contract: Contract) -> HttpResponse:
    found = _unpack(contract, request.POST["checked"])
    try:
        if found is None:
            raise ImportRefused("確かめた内容を読み取れません。もう一度ファイルを選んでください。")
        done = import_visits(contract, found, by=actor_of(request), now=request.now)
    except ImportRefused as refused:
        messages.error(request, str(refused))
        return redirect("office:visits_import", contract.code)
    messages.success(request, f"取り込みました。新しい予約{len(done.added)}件、変更{len(done.changed)}件、変わらない{done.unchanged}件。")
    return redirect("office:visits", contract.code)
