"""Inputs of the office screens as people type them: dates in both calendars, times in every usual spelling."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import QueryDict

from madoguchi.ground.contracts.profile import clock_text
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.dates import read_time

NOT_KEPT = {"csrfmiddlewaretoken", "step", "seen"}


class TimeBox(forms.CharField):
    """A time; empty is None. As the ``end`` of a span it may be 24:00."""

    def __init__(self, *, end: bool = False, **kwargs: Any) -> None:
        self.end = end
        kwargs.setdefault("max_length", 12)
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}))
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return read_time(text, end=self.end)
        except ValueError as wrong:
            raise forms.ValidationError(str(wrong)) from None


def fingerprint(data: QueryDict) -> str:
    """Identifies what was typed, so that only what was previewed can be confirmed."""
    return fingerprint_of(sorted((key, data.getlist(key)) for key in data if key not in NOT_KEPT))


def fingerprint_of(value: object) -> str:
    """Identifies a value by its representation."""
    return hashlib.sha256(repr(value).encode()).hexdigest()[:24]


def month_of(text: str, default: dt.date) -> dt.date:
    """The first day of ``2026-11``; of the default's month when the text is none."""
    return dates.read_iso(f"{text}-01") or default.replace(day=1)


def day_of(text: str, default: dt.date) -> dt.date:
    """A day from an address; the default when the text is none."""
    return dates.read_iso(text) or default


def spans_text(spans: Iterable[tuple[dt.time, dt.time]]) -> str:
    """``8:30〜17:15・17:15〜19:00``; adjoining spans are joined."""
    joined: list[list[dt.time]] = []
    for begin, end in spans:
        if joined and joined[-1][1] == begin:
            joined[-1][1] = end
        else:
            joined.append([begin, end])
    return "・".join(f"{a:%H:%M}〜{clock_text(b)}" for a, b in joined)
