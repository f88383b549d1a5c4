"""The conditions of a list of bookings as people choose them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from django import forms
from django.http import QueryDict

from madoguchi.domain.booking.periods import Period
from madoguchi.domain.booking.queries.lists import Conditions
from madoguchi.domain.booking.selection import SEARCH_DAYS, STATES, Selection
from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.kit.actors import ACTOR_KIND_LABELS, CHANNEL_LABELS
from madoguchi.web.ui.dates import DayBox

PAIRS = (("visit", "first", "last"), ("created", "created_first", "created_last"), ("changed", "changed_first", "changed_last"))


class FilterForm(forms.Form):
    """Conditions of a list; without any, today and the six days after."""

    visit = forms.ChoiceField(label="来庁日", required=False, choices=[("", "日付で指定"), *Period.choices])
    first = DayBox(label="来庁日（始まり）", required=False)
    last = DayBox(label="来庁日（終わり）", required=False)
    hour = forms.TypedChoiceField(label="時間帯", required=False, coerce=int, empty_value=None)
    procedure = forms.ChoiceField(label="手続き", required=False)
    site = forms.ChoiceField(label="場所", required=False)
    actor = forms.ChoiceField(label="入力した人", required=False)
    channel = forms.ChoiceField(label="経路", required=False)
    state = forms.ChoiceField(label="状態", required=False, choices=list(STATES.items()))
    created = forms.ChoiceField(label="予約した日", required=False, choices=[("", "日付で指定"), *Period.choices])
    created_first = DayBox(label="予約した日（始まり）", required=False)
    created_last = DayBox(label="予約した日（終わり）", required=False)
    changed = forms.ChoiceField(label="変更した日", required=False, choices=[("", "日付で指定"), *Period.choices])
    changed_first = DayBox(label="変更した日（始まり）", required=False)
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
        for period, first, last in PAIRS:
            if data.get(period) and (data.get(first) or data.get(last)):
                self.add_error(period, "期間と日付のどちらか一方にしてください。日付で絞るときは「日付で指定」を選びます。")
            if data.get(first) and data.get(last) and data[first] > data[last]:
                self.add_error(last, "終わりの日は、始まりの日以後にしてください。")
        return data

    def selection(self) -> Selection | None:
        """The conditions in words; None when a day is given, which would not outlast it."""
        data = dict(self.cleaned_data)
        days = [data.pop(name) for _, first, last in PAIRS for name in (first, last)]
        return None if any(days) else Selection(**data)

    def conditions(self, contract: Contract) -> Conditions:
        """The conditions on this day; days that are given win over the words, and open ends are filled."""
        data = dict(self.cleaned_data)
        given = {name: data.pop(name) for _, first, last in PAIRS for name in (first, last)}
        found = Selection(**data).on(contract, self.today)
        for name in ("created_first", "created_last", "changed_first", "changed_last"):
            if given[name]:
                found = replace(found, **{name: given[name]})
        first, last = given["first"], given["last"]
        if first or last:
            first = first or min(last, self.today)
            return replace(found, first=first, last=last or first + dt.timedelta(days=6))
        if not data["visit"] and any(given.values()):
            wide = dt.timedelta(days=SEARCH_DAYS)
            return replace(found, first=self.today - wide, last=self.today + wide)
        return found
