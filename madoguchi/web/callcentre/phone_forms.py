"""Forms of contacts, call-backs and the second line; each refuses an individual number beside its field."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict

from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.rules import CODE_LENGTH, read_code, show_code
from madoguchi.domain.calls.enums import Line, Result, Source, Topic
from madoguchi.domain.calls.queries import contacts as reads
from madoguchi.domain.calls.services import callbacks, contacts, escalations
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import phones
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.guard import GuardedForm
from madoguchi.web.ui.dates import DayBox, TimeBox

USUAL_DAYS = 7
_EVERY = ("", "すべて")


def languages(contract: Contract) -> list[tuple[str, str]]:
    """The languages of a contract to choose from, Japanese first."""
    return [(code, name) for code, name in settings.LANGUAGES if code in contract.profile.languages or code == "ja"]


def _area(rows: int, most: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "maxlength": most})


class PhoneBox(forms.CharField):
    """A telephone number as people type it; plain digits come out, empty stays empty."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 30)
        widget = forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off", "data-digits": ""})
        super().__init__(widget=widget, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return ""
        try:
            return phones.normalise(text)
        except phones.PhoneError as wrong:
            raise forms.ValidationError(str(wrong)) from None


class MomentForm(GuardedForm):
    """A form with a day and a time that belong together."""

    use_required_attribute = False

    def moment(self, data: dict[str, Any], now: dt.datetime) -> dt.datetime | None:
        """``day`` and ``time`` together, in Japan's time; None when both are empty, today when only the time is given."""
        day, time = data.get("day"), data.get("time")
        if day and not time and "time" not in self.errors:
            self.add_error("time", "時刻も入力してください。例：15:30")
        return dt.datetime.combine(day or now.date(), time, JST) if time else None


class CallbackForm(MomentForm):
    """A new call-back."""

    number = PhoneBox(label="電話番号", error_messages={"required": "折り返す電話番号を入力してください。例：090-1234-5678"})
    name = forms.CharField(label="お名前", max_length=80, required=False)
    about = forms.CharField(label="用件", required=False, max_length=callbacks.LONGEST, widget=_area(3, callbacks.LONGEST))
    language = forms.ChoiceField(label="ことば")
    day = DayBox(label="折り返す日", required=False)
    time = TimeBox(label="時刻まで", required=False, help_text="どちらも空なら、営業時間で2時間後です。時刻だけなら今日です。")

    def __init__(self, contract: Contract, now: dt.datetime, data: QueryDict | None = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.now = now
        self.fields["language"].choices = languages(contract)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["due_at"] = self.moment(data, self.now)
        if data["due_at"] and data["due_at"] <= self.now:
            self.add_error("time", "折り返す期限は、いまより後にしてください。")
        return data


class ContactForm(MomentForm):
    """The record of a conversation; ``timed``: it has no call, so that way and time are asked for."""

    source = forms.ChoiceField(label="受けた方法", choices=Source.choices)
    topic = forms.ChoiceField(label="種類", choices=[("", "選んでください"), *Topic.choices])
    result = forms.ChoiceField(label="結果", choices=[("", "選んでください"), *Result.choices])
    language = forms.ChoiceField(label="ことば")
    question = forms.CharField(label="質問・用件", required=False, max_length=contacts.LONGEST, widget=_area(4, contacts.LONGEST))
    answer = forms.CharField(label="回答・対応", required=False, max_length=contacts.LONGEST, widget=_area(4, contacts.LONGEST))
    name = forms.CharField(label="お名前", max_length=80, required=False)
    number = PhoneBox(label="電話番号", required=False)
    bookings = forms.CharField(
        label="予約番号", max_length=100, required=False, help_text="関係する予約があれば。2件以上は空白で区切ります。",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    faq = forms.CharField(label="使ったFAQの番号", max_length=40, required=False)
    day = DayBox(label="受けた日", required=False)
    time = TimeBox(label="受けた時刻", required=False, help_text="空なら、いま。")

    def __init__(
        self, contract: Contract, now: dt.datetime, data: QueryDict | None = None, *, timed: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        self.now = now
        self.fields["language"].choices = languages(contract)  # type: ignore[attr-defined]
        if not timed:
            del self.fields["day"], self.fields["time"]

    def clean_bookings(self) -> list[str]:
        """Codes of bookings of this contract, without separators."""
        codes = [read_code(word) for word in self.cleaned_data["bookings"].replace("、", " ").replace(",", " ").split()]
        known = set(Booking.objects.filter(code__in=codes).values_list("code", flat=True))
        missing = [show_code(code) if len(code) == CODE_LENGTH else code for code in codes if code not in known]
        if missing:
            raise forms.ValidationError(f"見つからない予約番号があります：{'、'.join(missing)[:80]}。番号を確かめてください。")
        return codes

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["at"] = self.moment(data, self.now)
        if data["at"] and data["at"] > self.now:
            self.add_error("time", "受けた日時は、いまより前にしてください。")
        return data

    def said(self) -> contacts.Said:
        """What was typed, as the deed takes it."""
        data = self.cleaned_data
        return contacts.Said(
            topic=Topic(data["topic"]),
            result=Result(data["result"]),
            language=data["language"],
            source=Source(data["source"]),
            faq=data["faq"],
            bookings=data["bookings"],
            words=contacts.Words(data["question"], data["answer"], data["name"], data["number"]),
        )


class ContactFilter(forms.Form):
    """Which contacts; without any, the last seven days."""

    first = DayBox(label="始まりの日", required=False)
    last = DayBox(label="終わりの日", required=False)
    topic = forms.ChoiceField(label="種類", required=False, choices=[_EVERY, *Topic.choices])
    result = forms.ChoiceField(label="結果", required=False, choices=[_EVERY, *Result.choices])
    source = forms.ChoiceField(label="受けた方法", required=False, choices=[_EVERY, *Source.choices])
    language = forms.ChoiceField(label="ことば", required=False, choices=[_EVERY, *settings.LANGUAGES])
    operator = forms.TypedChoiceField(label="担当", required=False, coerce=int, empty_value=None)

    def __init__(self, today: dt.date, data: QueryDict) -> None:
        super().__init__(data, auto_id="f-%s")
        self.today = today
        self.fields["operator"].choices = [_EVERY, *((str(user.pk), str(user)) for user in reads.operators())]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("first") and data.get("last") and data["first"] > data["last"]:
            self.add_error("last", "終わりの日は、始まりの日以後にしてください。")
        return data

    def conditions(self) -> reads.Conditions:
        """The conditions, with open ends filled."""
        data = dict(self.cleaned_data)
        last = data.pop("last") or max(self.today, data["first"] or self.today)
        first = data.pop("first") or last - dt.timedelta(days=USUAL_DAYS - 1)
        return reads.Conditions(first=first, last=last, **data)


class HandOverForm(GuardedForm):
    """What is handed over to the second line."""

    use_required_attribute = False
    topic = forms.ChoiceField(label="種類", choices=[("", "選んでください"), *Topic.choices])
    summary = forms.CharField(
        label="引き継ぐ内容", max_length=escalations.LONGEST, widget=_area(6, escalations.LONGEST),
        help_text="いつ、何があり、何を求めているか。答えたことと、まだ分からないこと。",
        error_messages={"required": "引き継ぐ内容を入力してください。"},
    )  # fmt: skip
    complaint = forms.BooleanField(label="苦情・トラブル（市へすぐに報告します）", required=False)
    call_back = forms.BooleanField(label="本人への連絡が必要", required=False)
    name = forms.CharField(label="お名前", max_length=80, required=False)
    number = PhoneBox(label="電話番号", required=False, help_text="本人への連絡が必要なときは、必ず入力してください。")
    line = forms.ChoiceField(label="引き継ぐ先", choices=Line.choices, initial=Line.SUPERVISOR, widget=forms.RadioSelect)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("call_back") and not data.get("number") and "number" not in self.errors:
            self.add_error("number", "本人へ連絡する電話番号を、市外局番から入力してください。")
        return data
