"""A date in three boxes (年・月・日), for birth dates with an era to choose; nothing typed is lost when it is wrong.

The boxes follow the date picker of the Digital Agency's design system: plain text inputs with a numeric keyboard, never a picker alone.
Eras begin as the law of eras and its predecessors say: 明治 1868-10-23 (solar calendar in force from 1873), 大正 1912-07-30,
昭和 1926-12-25, 平成 1989-01-08, 令和 2019-05-01; the day on which one era ends and the next begins may be written in both for 大正
and 昭和.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django import forms
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

#: code → (Japanese name, first day, last day). The western calendar has no name in the table.
ERAS: dict[str, tuple[str | Promise, dt.date, dt.date]] = {
    "R": (_("令和"), dt.date(2019, 5, 1), dt.date.max),
    "H": (_("平成"), dt.date(1989, 1, 8), dt.date(2019, 4, 30)),
    "S": (_("昭和"), dt.date(1926, 12, 25), dt.date(1989, 1, 7)),
    "T": (_("大正"), dt.date(1912, 7, 30), dt.date(1926, 12, 25)),
    "M": (_("明治"), dt.date(1868, 10, 23), dt.date(1912, 7, 30)),
}


class DateParts(NamedTuple):
    """What was typed, untouched: ``era`` is ``""`` (西暦) or a code of `ERAS`."""

    era: str
    year: str
    month: str
    day: str

    @property
    def empty(self) -> bool:
        return not (self.year.strip() or self.month.strip() or self.day.strip())


class DateProblem(ValueError):
    """A date that cannot be; ``message`` is for the person who typed it, ``part`` the box to go to (year, month, day)."""

    def __init__(self, message: str | Promise, part: str) -> None:
        super().__init__(message)
        self.message, self.part = message, part


def _number(text: str) -> int | None:
    plain = unicodedata.normalize("NFKC", text).strip()
    if plain == "元":
        return 1
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= 4 else None


def parse_parts(parts: DateParts) -> dt.date:
    """The date of three boxes. Full-width digits and 元 are understood. Raises `DateProblem`."""
    names = {"year": _("年"), "month": _("月"), "day": _("日")}
    numbers: dict[str, int] = {}
    for part, name in names.items():
        text = getattr(parts, part)
        if not text.strip():
            raise DateProblem(_("「%(part)s」を入力してください。") % {"part": name}, part)
        number = _number(text)
        if number is None:
            raise DateProblem(_("「%(part)s」は数字で入力してください。") % {"part": name}, part)
        numbers[part] = number
    year, month, day = numbers["year"], numbers["month"], numbers["day"]
    if not 1 <= month <= 12:
        raise DateProblem(_("「月」は1から12までの数字で入力してください。"), "month")
    era = ERAS.get(parts.era)
    if era is None and year < 1000:
        raise DateProblem(_("西暦の「年」は4けたの数字で入力してください。和暦のときは年号を選んでください。"), "year")
    western = year if era is None else era[1].year + year - 1
    if year < 1 or western > 9999:
        raise DateProblem(_("「年」を確かめてください。"), "year")
    try:
        date = dt.date(western, month, day)
    except ValueError:
        raise DateProblem(_("%(month)s月%(day)s日という日付はありません。") % {"month": month, "day": day}, "day") from None
    if era is not None and not era[1] <= date <= era[2]:
        raise DateProblem(
            _("%(era)s%(year)s年%(month)s月%(day)s日という日付はありません。年号を確かめてください。")
            % {"era": era[0], "year": year, "month": month, "day": day},
            "year",
        )
    return date


class DatePartsWidget(forms.Widget):
    """Three boxes; with ``eras=True`` also 西暦 and the eras to choose. ``birth=True`` lets browsers fill in a birth date."""

    is_parts = True
    use_fieldset = True

    def __init__(self, attrs: dict[str, Any] | None = None, *, eras: bool = False, birth: bool = False) -> None:
        super().__init__(attrs)
        self.eras, self.birth = eras, birth

    def id_for_label(self, id_: str) -> str:
        return f"{id_}_{'era' if self.eras else 'year'}" if id_ else id_

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> DateParts:
        return DateParts(*(str(data.get(f"{name}_{part}") or "") for part in ("era", "year", "month", "day")))

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return not any(f"{name}_{part}" in data for part in ("year", "month", "day"))

    def format_value(self, value: Any) -> DateParts:
        if isinstance(value, DateParts):
            return value
        if isinstance(value, str) and value:
            value = dt.date.fromisoformat(value)
        if isinstance(value, dt.date):
            return DateParts("", str(value.year), str(value.month), str(value.day))
        return DateParts("", "", "", "")

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        parts = self.format_value(value)
        attrs = {**self.attrs, **(attrs or {})}
        eras = [("", _("西暦")), *((code, era[0]) for code, era in ERAS.items())] if self.eras else []
        return render_to_string(
            "ui/forms/date_parts.html",
            {
                "name": name,
                "id": attrs.get("id", f"id_{name}"),
                "parts": parts,
                "eras": eras,
                "era_starts": {code: era[1].year for code, era in ERAS.items()},
                "birth": self.birth,
                "invalid": attrs.get("aria-invalid") == "true",
                "described": attrs.get("aria-describedby", ""),
            },
        )


class DatePartsField(forms.Field):
    """A date typed in three boxes → ``datetime.date`` or ``None``.

    ``earliest`` and ``latest`` are dates or functions without arguments that give one (so that the demo's clock is followed); both
    inclusive. Text that is no date, and dates outside the range, give a message that says which box to mend.
    """

    widget = DatePartsWidget
    default_error_messages = {"required": _("日付を入力してください。")}

    def __init__(
        self,
        *,
        eras: bool = False,
        birth: bool = False,
        earliest: dt.date | Callable[[], dt.date] | None = None,
        latest: dt.date | Callable[[], dt.date] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("widget", DatePartsWidget(eras=eras, birth=birth))
        super().__init__(**kwargs)
        self.earliest, self.latest = earliest, latest

    def clean(self, value: Any) -> dt.date | None:
        parts = self.widget.format_value(value)
        if parts.empty:
            if self.required:
                raise forms.ValidationError(self.error_messages["required"], code="required")
            return None
        try:
            date = parse_parts(parts)
        except DateProblem as problem:
            raise forms.ValidationError(problem.message, code=problem.part) from None
        for bound, sign, text in ((self.earliest, 1, _("%(date)s以後の日付を入力してください。")), (self.latest, -1, _("%(date)s以前の日付を入力してください。"))):
            limit = bound() if callable(bound) else bound
            if limit is not None and ((limit - date).days * sign) > 0:
                shown = _("%(y)s年%(m)s月%(d)s日") % {"y": limit.year, "m": limit.month, "d": limit.day}
                raise forms.ValidationError(text % {"date": shown}, code="range")
        self.run_validators(date)
        return date

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.widget.format_value(initial) != self.widget.format_value(data)
