"""The log: search by period, person, action and target; who saw a record; CSV."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from madoguchi.ground.accounts.access import SEE_AUDIT, actor_of, roles
from madoguchi.ground.accounts.models import Assignment
from madoguchi.ground.accounts.queries import names_of
from madoguchi.ground.audit import queries
from madoguchi.ground.audit.actions import all_actions
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import ACTOR_KIND_LABELS, CHANNEL_LABELS
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.csvfile import write_csv
from madoguchi.web.ui.dates import DayBox

PER_PAGE = 100
EXPORT_LIMIT = 50_000


class SearchForm(forms.Form):
    """Conditions; empty ones do not restrict."""

    first = DayBox(label="期間のはじめ", required=False)
    last = DayBox(label="おわり", required=False)
    actor = forms.ChoiceField(label="だれが", required=False)
    action = forms.ChoiceField(label="操作", required=False)
    target = forms.CharField(label="対象", required=False, max_length=64, strip=True)
    reads = forms.BooleanField(label="個人情報の閲覧だけ", required=False)

    def __init__(self, *args: Any, staff: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(str(kind), label) for kind, label in ACTOR_KIND_LABELS.items()]
        self.fields["actor"].choices = [("", "すべて"), ("立場", kinds), ("担当者", staff)]
        self.fields["action"].choices = [("", "すべて"), *((a.name, a.label) for a in all_actions())]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("first") and found.get("last") and found["first"] > found["last"]:
            raise ValidationError("期間の「はじめ」は「おわり」と同じ日か、それより前にしてください。")
        return found


@roles(SEE_AUDIT)
def audit(request: HttpRequest, contract: Contract) -> HttpResponse:
    """One page of matching entries."""
    form, entries = _search(request, contract)
    page = Paginator(entries, PER_PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "rows": _rows(list(page)), "export_limit": EXPORT_LIMIT}
    return render(request, "office/audit/audit.html", context, status=200 if form.is_valid() else 422)


@roles(SEE_AUDIT)
def export(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The matching entries as CSV, at most 50,000; the export itself is recorded."""
    form, entries = _search(request, contract)
    if not form.is_valid():
        return audit(request, contract)
    rows = _rows(list(queries.stream(entries, limit=EXPORT_LIMIT)))
    header = ["日時", "経路番号", "連番", "立場", "担当者", "チャネル", "操作", "操作コード", "対象", "内容"]
    body = write_csv(
        header,
        (
            [
                r["at"],
                r["lane"],
                r["seq"],
                r["kind"],
                r["who"],
                r["channel"],
                r["label"],
                r["action"],
                r["target"],
                r["detail"],
            ]
            for r in rows
        ),
    ).content
    request.audit_reads.append(
        Read("audit.exported", f"contract:{contract.code}", by=actor_of(request), detail={"rows": len(rows)})
    )
    name = f"audit-{contract.code}-{request.now:%Y%m%d-%H%M}.csv"
    return HttpResponse(
        body, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _search(request: HttpRequest, contract: Contract) -> tuple[SearchForm, queries.Entries]:
    people = Assignment.objects.filter(contract=contract).select_related("user").order_by("user__name")
    staff = [(f"user:{a.user_id}", a.user.name) for a in people]
    today: dt.date = request.now.date()
    given = request.GET.copy()
    if not any(key in given for key in ("first", "last", "actor", "action", "target", "reads")):
        given["first"], given["last"] = (today - dt.timedelta(days=6)).isoformat(), today.isoformat()
    form = SearchForm(given, staff=staff)
    if not form.is_valid():
        return form, queries.nothing()
    data = form.cleaned_data
    return form, queries.search(
        first=_midnight(data["first"]) if data["first"] else None,
        last=_midnight(data["last"] + dt.timedelta(days=1)) if data["last"] else None,
        actor=data["actor"],
        action=data["action"],
        target=data["target"],
        only_reads=data["reads"],
    )


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=JST)


def _rows(entries: list[Any]) -> list[dict[str, Any]]:
    names = names_of({e.actor for e in entries} | {e.target for e in entries})
    kinds = {str(k): v for k, v in ACTOR_KIND_LABELS.items()}
    channels = {str(k): v for k, v in CHANNEL_LABELS.items()}
    return [
        {
            "at": e.at.astimezone(JST),
            "lane": e.lane,
            "seq": e.seq,
            "kind": kinds.get(e.actor_kind, e.actor_kind),
            "who": names.get(e.actor, e.actor),
            "channel": channels.get(e.channel, e.channel),
            "action": e.action,
            "label": queries.label_of(e.action),
            "target": e.target,
            "target_name": names.get(e.target, ""),
            "detail": json.dumps(e.detail, ensure_ascii=False) if e.detail else "",
        }
        for e in entries
    ]
