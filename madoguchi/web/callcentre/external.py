"""Where the city owns the reservation site: the way there, and the log of what operators did on it for residents."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from madoguchi.domain.booking.models import ExternalLog
from madoguchi.domain.booking.services.marks import log_external
from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.accounts.access import WORK_ON_BOOKINGS, actor_of, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.privacy.guard import REFUSAL, find_individual_numbers

KINDS = [("created", "予約を入れた"), ("changed", "予約を変更した"), ("cancelled", "予約を取り消した")]
SHOWN = 100


class ExternalForm(forms.Form):
    """One line of the log. No personal data: the city's site holds it."""

    kind = forms.ChoiceField(label="したこと", choices=KINDS, widget=forms.RadioSelect, initial="created")
    procedure = forms.ChoiceField(label="手続き")
    visit_date = forms.CharField(label="来庁日", required=False, max_length=30, help_text="例：R8.12.1、2026-12-01")
    people = forms.IntegerField(
        label="人数", min_value=1, max_value=50, initial=1,
        error_messages={"invalid": "人数は数で入力してください。", "min_value": "人数は1以上です。", "max_value": "人数は50までです。",
                        "required": "人数を入力してください。"},
    )  # fmt: skip
    reference = forms.CharField(label="市サイトの予約番号", required=False, max_length=40)
    note = forms.CharField(
        label="備考", required=False, max_length=200, help_text="氏名・電話番号は書かないでください。"
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["procedure"].choices = list(Procedure.objects.values_list("code", "legal_name"))

    def clean_visit_date(self) -> dt.date | None:
        text = self.cleaned_data["visit_date"]
        if not text:
            return None
        try:
            return dates.parse(text)
        except ValueError as wrong:
            raise forms.ValidationError(str(wrong)) from None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in ("reference", "note"):
            if find_individual_numbers(data.get(name) or ""):
                self.add_error(name, str(REFUSAL))
        return data


@roles(WORK_ON_BOOKINGS)
def external(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The link, the form, the latest lines."""
    site = contract.profile.booking.external
    if contract.profile.booking.mode != "external" or site is None:
        raise Http404("この契約の予約は、このシステムで受け付けています。")
    form = ExternalForm(request.POST or None)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            log_external(contract, **form.cleaned_data, by=actor_of(request), now=request.now)
            messages.success(request, "代行を記録しました。")
            return redirect("callcentre:external", contract.code)
        status = 422
    rows = list(ExternalLog.objects.select_related("procedure").order_by("-at", "-pk")[:SHOWN])
    context = {"form": form, "site": site, "rows": [(row, dict(KINDS).get(row.kind, row.kind)) for row in rows]}
    return render(request, "callcentre/external.html", context, status=status)
