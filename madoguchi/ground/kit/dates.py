"""Dates as people in Japan write them: eras and the Gregorian calendar, weekdays, fiscal years.

Sources of the boundaries: 元号を改める政令 (1989-01-08, 2019-05-01), 大正・昭和改元の詔書 (1912-07-30, 1926-12-25;
the day of the change belongs to both eras), 明治5年太政官布告第337号 (Gregorian calendar from 1873-01-01,
明治6年1月1日; before that the days of the two calendars differ, so earlier dates are refused).
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass

from babel.dates import format_date
from django.utils.translation import gettext as _

from .clock import JST

WEEKDAYS = "月火水木金土日"
FIRST_DAY = dt.date(1873, 1, 1)
LAST_DAY = dt.date(2199, 12, 31)


class DateError(ValueError):
    """The text or the parts are no date; the message tells the reader what to type."""


@dataclass(frozen=True, slots=True)
class Era:
    """An era: ``name`` 令和, ``letter`` R, ``code`` reiwa, its first day and its last (None while it lasts)."""

    code: str
    name: str
    letter: str
    first: dt.date
    last: dt.date | None

    @property
    def first_year(self) -> int:
        """Gregorian year of the first year (元年)."""
        return self.first.year


ERAS = (
    Era("reiwa", "令和", "R", dt.date(2019, 5, 1), None),
    Era("heisei", "平成", "H", dt.date(1989, 1, 8), dt.date(2019, 4, 30)),
    Era("showa", "昭和", "S", dt.date(1926, 12, 25), dt.date(1989, 1, 7)),
    Era("taisho", "大正", "T", dt.date(1912, 7, 30), dt.date(1926, 12, 25)),
    Era("meiji", "明治", "M", dt.date(1868, 1, 25), dt.date(1912, 7, 30)),
)
_NAMES = {name: era for era in ERAS for name in (era.code, era.name, era.letter, era.name[0])} | {"㋿": ERAS[0]}
_LOCALES = {"zh-hans": "zh_Hans", "ja-easy": "ja"}

_ERA_TEXT = re.compile(
    r"(令和|平成|昭和|大正|明治|[令平昭大明RHSTM])(元|\d{1,2})(?:年|[-/.])(\d{1,2})(?:月|[-/.])(\d{1,2})日?"
)
_WEST_TEXT = re.compile(r"(?:西暦)?(\d{4})(?:年|[-/.])(\d{1,2})(?:月|[-/.])(\d{1,2})日?")
_PACKED = re.compile(r"(\d{4})(\d{2})(\d{2})")
_WEEKDAY = re.compile(r"\((?:[月火水木金土日])(?:曜日?)?\)$|(?:[月火水木金土日])曜日?$")
_TIME = re.compile(r"(\d{1,2})(?:[:時.](\d{1,2})?分?)?|(\d{2})(\d{2})")
_NOISE = re.compile(r"\s+")


def read_iso(text: str) -> dt.date | None:
    """A day from an address or a hidden field: ISO, from ``FIRST_DAY`` to ``LAST_DAY``; None for anything else.

    The bounds leave room for calendars to count months and weeks on without an overflow.
    """
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None


def read_iso_moment(text: str) -> dt.datetime | None:
    """A moment with its offset from a hidden field, within the same bounds, in Japan's time; None for anything else."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None or not FIRST_DAY < moment.date() < LAST_DAY:
        return None
    return moment.astimezone(JST)


def era_of(date: dt.date) -> tuple[Era, int]:
    """Era and year of a day; the day of a change belongs to the new era. Raises :class:`DateError` before 1873."""
    if date < FIRST_DAY:
        raise DateError(_("明治6年（1873年）より前の日付は扱えません。"))
    era = next(era for era in ERAS if era.first <= date)
    return era, date.year - era.first_year + 1


def year_text(year: int) -> str:
    """``元`` for the first year of an era, else the number."""
    return "元" if year == 1 else str(year)


def show(date: dt.date, *, weekday: bool = True) -> str:
    """``令和8年7月1日(水)``; without ``weekday`` ``令和8年7月1日``."""
    era, year = era_of(date)
    day = f"{era.name}{year_text(year)}年{date.month}月{date.day}日"
    return f"{day}({WEEKDAYS[date.weekday()]})" if weekday else day


def show_short(date: dt.date) -> str:
    """``7月1日(水)``."""
    return f"{date.month}月{date.day}日({WEEKDAYS[date.weekday()]})"


def show_western(date: dt.date) -> str:
    """``2026年7月1日(水)``."""
    return f"{date.year}年{date.month}月{date.day}日({WEEKDAYS[date.weekday()]})"


def show_for(date: dt.date, language: str) -> str:
    """A day as readers of a resident language expect it: the era in Japanese, both in やさしい日本語, CLDR's full
    form elsewhere.
    """
    if language == "ja":
        return show(date)
    if language == "ja-easy":
        return f"{show_western(date)} {show(date, weekday=False)}"
    return format_date(date, "full", locale=_LOCALES.get(language, language))


def show_month(date: dt.date) -> str:
    """``令和8年7月``."""
    era, year = era_of(date)
    return f"{era.name}{year_text(year)}年{date.month}月"


def of_era(era: str, year: int, month: int, day: int) -> dt.date:
    """The day of an era (code, name or letter) and its year, 1 being 元年.

    Raises :class:`DateError`: unknown era, no such day, or a day outside of the era (the message names the right one).
    """
    found = _NAMES.get(era)
    if found is None:
        raise DateError(_("元号は令和・平成・昭和・大正・明治から選んでください。"))
    if year < 1:
        raise DateError(_("年は1以上の数で入力してください（元年は1）。"))
    date = of_western(found.first_year + year - 1, month, day)
    if date < found.first or (found.last and date > found.last):
        words = {
            "era": found.name,
            "year": year_text(year),
            "month": month,
            "day": day,
            "right": show(date, weekday=False),
        }
        raise DateError(_("%(era)s%(year)s年%(month)s月%(day)s日はありません。%(right)sではありませんか。") % words)
    return date


def of_western(year: int, month: int, day: int) -> dt.date:
    """The day of a Gregorian date. Raises :class:`DateError` for a day that does not exist or lies before 1873 or after 2199."""
    if not 1 <= month <= 12:
        raise DateError(_("月は1から12の数で入力してください。"))
    try:
        date = dt.date(year, month, day)
    except ValueError:
        raise DateError(
            _("%(year)s年%(month)s月に%(day)s日はありません。") % {"year": year, "month": month, "day": day}
        ) from None
    if date < FIRST_DAY:
        raise DateError(_("明治6年（1873年）より前の日付は扱えません。"))
    if date > LAST_DAY:
        raise DateError(_("2199年までの日付を入力してください。"))
    return date


def parse(text: str) -> dt.date:
    """A day from text: ``令和8年7月1日(水)``, ``R8.7.1``, ``平成元年1月8日``, ``2026-07-01``, ``2026年7月1日``,
    ``20260701``; full-width signs and blanks do no harm. Raises :class:`DateError`.
    """
    plain = _NOISE.sub("", unicodedata.normalize("NFKC", text)).upper()
    plain = _WEEKDAY.sub("", plain).replace("−", "-").replace("‐", "-").replace("ー", "-")
    if match := _ERA_TEXT.fullmatch(plain):
        name, year, month, day = match.groups()
        return of_era(name, 1 if year == "元" else int(year), int(month), int(day))
    if match := _WEST_TEXT.fullmatch(plain) or _PACKED.fullmatch(plain):
        return of_western(*(int(part) for part in match.groups()))
    raise DateError(_("日付を読み取れません。令和8年7月1日 または 2026-07-01 のように入力してください。"))


def read_time(text: str, *, end: bool = False) -> dt.time:
    """A time from ``17:15``, ``1715``, ``17時15分``, ``１７：１５``; as an ``end`` also ``24:00``, which is ``time.max``.

    ``ValueError`` says what to type.
    """
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
    match = _TIME.fullmatch(plain)
    if match:
        hour, minute = (match[1], match[2] or "0") if match[1] else (match[3], match[4])
        if int(hour) <= 23 and int(minute) <= 59:
            return dt.time(int(hour), int(minute))
        if end and (int(hour), int(minute)) == (24, 0):
            return dt.time.max
    raise ValueError(f"「{text}」は時刻として読めません。例：17:15")


def fiscal_year(date: dt.date) -> int:
    """The fiscal year (1 April to 31 March) of a day, by the Gregorian year in which it begins."""
    return date.year if date.month >= 4 else date.year - 1


def fiscal_year_span(year: int) -> tuple[dt.date, dt.date]:
    """First and last day of a fiscal year."""
    return dt.date(year, 4, 1), dt.date(year + 1, 3, 31)


def show_fiscal_year(year: int) -> str:
    """``令和8年度``. A year in which the era changes is named after the era at its end of December (2019:
    ``令和元年度``).
    """
    era, number = era_of(dt.date(year, 12, 31))
    return f"{era.name}{year_text(number)}年度"
