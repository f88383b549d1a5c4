"""Calls: the list, one call with its events, and the way onto the list of call-backs. Every look at numbers is reported."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.calls import rules
from madoguchi.domain.calls.enums import Outcome
from madoguchi.domain.calls.errors import CallsRefused
from madoguchi.domain.calls.figures import left_out, verdict
from madoguchi.domain.calls.models import Call
from madoguchi.domain.calls.queries import calls as reads
from madoguchi.domain.calls.queries.reports import VERDICTS
from madoguchi.domain.calls.sentences import choice_label, menu_labels
from madoguchi.domain.calls.services import callbacks
from madoguchi.ground.accounts.access import READ_RESIDENTS, WORK_ON_BOOKINGS, actor_of, may, roles
from madoguchi.ground.accounts.models import Assignment
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import phones
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.csvfile import write_csv
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.web.ui.dates import DayBox

from .desk import say

PER_PAGE = 50
OF_ONE_NUMBER = 100
MOST_DAYS = 92


class CallsForm(forms.Form):
    """Conditions of the list; without any, today."""

    first = DayBox(label="着信日（始まり）", required=False)
    last = DayBox(label="着信日（終わり）", required=False)
    outcome = forms.ChoiceField(label="結果", required=False, choices=[("", "すべて"), *Outcome.choices])
    choice = forms.ChoiceField(label="用件", required=False)
    language = forms.ChoiceField(label="ことば", required=False)
    operator = forms.TypedChoiceField(label="応答した人", required=False, coerce=int, empty_value=None)
    unanswered = forms.BooleanField(label="不応答だけ", required=False)

    def __init__(self, contract: Contract, today: dt.date, data: Any):
        self.today = today
        data = data.copy()
        if not data.get("first") and not data.get("last"):
            data["first"] = data["last"] = today.isoformat()
        super().__init__(data)
        every = [("", "すべて")]
        used = Call.objects.filter(contract=contract)
        labels = menu_labels(contract.profile)
        choices = used.exclude(choice="").order_by("choice").values_list("choice", flat=True).distinct()
        self.fields["choice"].choices = [*every, *((code, choice_label(code, labels)) for code in choices)]
        self.fields["language"].choices = [*every, *((code, name) for code, name in settings.LANGUAGES if code in contract.profile.languages)]
        people = Assignment.objects.filter(contract=contract).select_related("user").order_by("user__name")
        self.fields["operator"].choices = [*every, *((str(a.user_id), a.user.name) for a in people)]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("first"), data.get("last")
        data["first"], data["last"] = first or last or self.today, last or first or self.today
        if self.errors:
            return data
        if data["first"] > data["last"]:
            self.add_error("last", "終わりの日は、始まりの日以後にしてください。")
        elif (data["last"] - data["first"]).days >= MOST_DAYS:
            self.add_error("last", f"一度に見られるのは{MOST_DAYS}日間までです。期間を分けてください。")
        return data

    def conditions(self) -> reads.Conditions:
        return reads.Conditions(**self.cleaned_data)


@roles(READ_RESIDENTS)
def calls(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Calls of a day or a range. A number to look for travels in POST, never in an address."""
    if request.method == "POST":
        return _of_number(request, contract)
    form = CallsForm(contract, request.now.date(), request.GET)
    context: dict[str, Any] = {"form": form}
    if not form.is_valid():
        return render(request, "callcentre/calls/calls.html", context, status=422)
    conditions = form.conditions()
    page = Paginator(reads.listed(contract, conditions), PER_PAGE).get_page(request.GET.get("page"))
    context |= {"page": page, "rows": _rows(request, contract, list(page.object_list)), "conditions": conditions, "asked": list(request.GET.items())}
    return render(request, "callcentre/calls/calls.html", context)


def _of_number(request: HttpRequest, contract: Contract) -> HttpResponse:
    form = CallsForm(contract, request.now.date(), {})
    typed = request.POST.get("number", "").strip()
    context: dict[str, Any] = {"form": form, "number": typed, "most": OF_ONE_NUMBER}
    try:
        plain = phones.normalise(typed)
    except phones.PhoneError as wrong:
        context["problem"] = str(wrong)
        return render(request, "callcentre/calls/calls.html", context, status=422)
    found = list(reads.of_number(contract, keyring(contract), plain)[:OF_ONE_NUMBER])
    context["rows"] = _rows(request, contract, found, by_number=True)
    return render(request, "callcentre/calls/calls.html", context)


def _rows(request: HttpRequest, contract: Contract, found: list[Call], **how: bool) -> list[dict[str, Any]]:
    """What the list shows of each call; the look is reported."""
    ring, labels = keyring(contract), menu_labels(contract.profile)
    backs = reads.callbacks_of(contract, found)
    detail = {"calls": [call.pk for call in found], **how}
    request.audit_reads.append(Read("call.listed", f"contract:{contract.code}", actor_of(request), detail))
    return [
        {
            "call": call,
            "number": phones.show(reads.number_of(ring, call)),
            "choice": choice_label(call.choice, labels),
            "callback": backs.get(call.pk),
        }
        for call in found
    ]


@require_POST
@roles(READ_RESIDENTS)
def export(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The list as CSV, numbers included; the look at them is reported."""
    form = CallsForm(contract, request.now.date(), request.POST)
    if not form.is_valid():
        return render(request, "callcentre/calls/calls.html", {"form": form}, status=422)
    rows = _rows(request, contract, list(reads.listed(contract, form.conditions())), export=True)
    header = ["着信", "結果", "電話番号", "用件", "ことば", "待ち（秒）", "通話（秒）", "応答した人", "折り返し"]
    lines = [
        [
            row["call"].opened_at.astimezone(JST), row["call"].get_outcome_display(), row["number"], row["choice"], row["call"].language,
            row["call"].wait_seconds, row["call"].talk_seconds, str(row["call"].operator or ""), _callback_words(row["callback"]),
        ]
        for row in rows
    ]  # fmt: skip
    name = f"calls-{contract.code}-{request.now:%Y%m%d-%H%M}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(write_csv(header, lines).content, content_type="text/csv; charset=utf-8", headers=headers)


def _callback_words(callback: Any) -> str:
    if callback is None:
        return ""
    return "折り返し待ち" if callback.ended_at is None else callback.get_outcome_display()


@roles(READ_RESIDENTS)
def call(request: HttpRequest, contract: Contract, pk: int) -> HttpResponse:
    """One call: what happened, the record of the conversation, the call-back, and the same number's other calls."""
    found = reads.detail(contract, pk)
    if found is None:
        raise Http404("この着信は見つかりません。")
    request.audit_reads.append(Read("call.viewed", f"call:{found.call.pk}", actor_of(request)))
    number = reads.number_of(keyring(contract), found.call)
    definitions = rules.definitions(contract.profile)
    context = {
        "found": found,
        "call": found.call,
        "number": phones.show(number),
        "choice": choice_label(found.call.choice, menu_labels(contract.profile)),
        "language": dict(settings.LANGUAGES).get(found.call.language, found.call.language),
        "callback_words": _callback_words(found.callback),
        "verdicts": [(one, VERDICTS[verdict(found.counted, one)], left_out(found.counted, one)) for one in definitions],
        "may_promise": bool(number) and found.call.unanswered and found.callback is None and may(request, WORK_ON_BOOKINGS),
    }
    return render(request, "callcentre/calls/call.html", context)


@require_POST
@roles(WORK_ON_BOOKINGS)
def promise(request: HttpRequest, contract: Contract, pk: int) -> HttpResponse:
    """Put an unanswered call on the list of call-backs."""
    found = Call.objects.filter(contract=contract, pk=pk).first()
    if found is None:
        raise Http404("この着信は見つかりません。")
    try:
        number = reads.number_of(keyring(contract), found)
        callbacks.promise(contract, number=number, language=found.language or "ja", call=found, by=actor_of(request), now=request.now)
        say(request, "折り返しの一覧に加えました。")
    except CallsRefused as refused:
        messages.error(request, refused.message if found.number else "番号がないため、折り返せません。")
    return redirect("phone:board", contract.code) if request.POST.get("back") == "board" else redirect("phone:call", contract.code, pk)
