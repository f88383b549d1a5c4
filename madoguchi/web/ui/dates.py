"""A date in three boxes (年・月・日), for birth dates with an era to choose, and a day or a time in one box; nothing typed is lost when it is wrong.

The boxes follow the date picker of the Digital Agency's design system: plain text inputs with a numeric keyboard, never
a picker alone. What a date is, and when an era begins and ends, is known to ``madoguchi.ground.kit.dates``.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy, pgettext
from django.utils.translation import gettext as _

from madoguchi.ground.kit import dates

ERA_LABELS = {
    "reiwa": gettext_lazy("令和"),
    "heisei": gettext_lazy("平成"),
    "showa": gettext_lazy("昭和"),
    "taisho": gettext_lazy("大正"),
    "meiji": gettext_lazy("明治"),
}


class DateParts(NamedTuple):
    """What was typed, untouched: ``era`` is ``""`` (西暦) or the code of an era (``showa``)."""

    era: str
    year: str
    month: str
    day: str

    @property
    def empty(self) -> bool:
        return not (self.year.strip() or self.month.strip() or self.day.strip())


def _number(text: str) -> int | None:
    plain = unicodedata.normalize("NFKC", text).strip()
    if plain == "元":
        return 1
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= 4 else None


def parse_parts(parts: DateParts) -> dt.date:
    """The date of three boxes; full-width digits and 元 are understood. Raises ``dates.DateError``."""
    names = {"year": pgettext("date box", "年"), "month": pgettext("date box", "月"), "day": pgettext("date box", "日")}
    missing = [name for part, name in names.items() if not getattr(parts, part).strip()]
    if missing:
        raise dates.DateError(_("「%(part)s」を入力してください。") % {"part": "・".join(missing)})
    numbers: list[int] = []
    for part, name in names.items():
        number = _number(getattr(parts, part))
        if number is None:
            raise dates.DateError(_("「%(part)s」は数字で入力してください。") % {"part": name})
        numbers.append(number)
    if parts.era:
        return dates.of_era(parts.era, *numbers)
    if numbers[0] < 1000:
        raise dates.DateError(_("西暦の「年」は4けたで入力してください。和暦のときは元号を選んでください。"))
    return dates.of_western(*numbers)


class DatePartsWidget(forms.Widget):
    """Three boxes; with ``eras`` also 西暦 and the eras to choose; with ``birth`` browsers may fill in a birth date."""

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
            value = dates.read_iso(value)
        if isinstance(value, dt.date):
            return DateParts("", str(value.year), str(value.month), str(value.day))
        return DateParts("", "", "", "")

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        parts = self.format_value(value)
        attrs = {**self.attrs, **(attrs or {})}
        eras = [("", _("西暦")), *((era.code, ERA_LABELS[era.code]) for era in dates.ERAS)] if self.eras else []
        return render_to_string(
            "ui/forms/date_parts.html",
            {
                "name": name,
                "id": attrs.get("id", f"id_{name}"),
                "parts": parts,
                "eras": eras,
                "era_starts": [(era.code, era.first_year) for era in dates.ERAS],
                "birth": self.birth,
                "invalid": attrs.get("aria-invalid") == "true",
                "described": attrs.get("aria-describedby", ""),
            },
        )


class DatePartsField(forms.Field):
    """A date typed in three boxes → ``datetime.date`` or ``None``.

    ``earliest`` and ``latest`` are dates, or functions without arguments that give one (so that the demo's clock is
    followed); both inclusive. What is no date, or lies outside of the range, gives a message that says what to mend.
    """

    widget = DatePartsWidget
    default_error_messages = {"required": gettext_lazy("日付を入力してください。")}

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
        except dates.DateError as problem:
            raise forms.ValidationError(str(problem), code="invalid") from None
        earliest, latest = (limit() if callable(limit) else limit for limit in (self.earliest, self.latest))
        if earliest and date < earliest:
            raise forms.ValidationError(
                _("%(date)s以後の日付を入力してください。"), params={"date": self._show(earliest)}, code="early"
            )
        if latest and date > latest:
            raise forms.ValidationError(
                _("%(date)s以前の日付を入力してください。"), params={"date": self._show(latest)}, code="late"
            )
        self.run_validators(date)
        return date

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.widget.format_value(initial) != self.widget.format_value(data)

    def _show(self, date: dt.date) -> str:
        return dates.show_for(date, get_language() or "ja")


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
            return dates.read_time(text, end=self.end)
        except ValueError as wrong:
            raise forms.ValidationError(str(wrong)) from None


class DayBox(forms.CharField):
    """A day in either calendar; the browser's picker gives ISO. Empty is None."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 30)
        kwargs.setdefault("widget", forms.TextInput(attrs={"type": "date"}))
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return dates.parse(text)
        except ValueError as wrong:
            raise forms.ValidationError(str(wrong)) from None
