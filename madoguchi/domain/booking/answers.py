"""Answers to a city's own questions (fields ``x_…``), and the forms a city demands of what is typed: checked and shown."""

from __future__ import annotations

import datetime as dt
import re

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from madoguchi.ground.contracts.profile.fields import FieldRule, matcher
from madoguchi.ground.kit import dates

YES, NO = "yes", "no"
_WHOLE = re.compile(r"-?\d{1,9}")
_WIDE = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: 0x20, 0x2212: 0x2D, 0x30FC: 0x2D, 0x2010: 0x2D}


def narrow(text: str) -> str:
    """Full-width letters, digits and signs as half-width ones."""
    return text.translate(_WIDE)


def choices(rule: FieldRule, language: str) -> list[tuple[str, str, str]]:
    """(code, text, the language it is in) of what can be chosen; empty for a field that is typed."""
    if rule.kind == "choice":
        return [(option.code, *option.said(language)) for option in rule.options]
    if rule.kind == "yes_no":
        return [(YES, _("はい"), language), (NO, _("いいえ"), language)]
    return []


def check_answer(rule: FieldRule, text: str, today: dt.date) -> str:
    """The answer to keep. Raises ``ValueError`` with what to do, in the city's words where it has some.

    Dates are kept in ISO form, numbers in plain digits, choices as codes, all other text as typed.
    """
    if rule.kind in ("choice", "yes_no"):
        if text not in [code for code, _text, _language in choices(rule, "ja")]:
            raise ValueError(_("もう一度選んでください。"))
        return text
    if rule.kind == "number":
        digits = narrow(text).replace(",", "").replace(" ", "")
        if not _WHOLE.fullmatch(digits):
            raise ValueError(_said(rule) or _("数字で入力してください。"))
        number = int(digits)
        if rule.minimum is not None and number < rule.minimum:
            raise ValueError(_said(rule) or _("%(least)s以上の数を入力してください。") % {"least": rule.minimum})
        if rule.maximum is not None and number > rule.maximum:
            raise ValueError(_said(rule) or _("%(most)s以下の数を入力してください。") % {"most": rule.maximum})
        return str(number)
    if rule.kind == "date":
        day, language = dates.parse(text), get_language() or "ja"
        first, last = (bound if bound is None else today + dt.timedelta(days=bound) for bound in (rule.minimum, rule.maximum))
        if first is not None and day < first:
            shown = dates.show_for(first, language)
            raise ValueError(_said(rule) or _("%(first)s以降の日付を入力してください。") % {"first": shown})
        if last is not None and day > last:
            shown = dates.show_for(last, language)
            raise ValueError(_said(rule) or _("%(last)sまでの日付を入力してください。") % {"last": shown})
        return day.isoformat()
    return check_form(rule, text)


def check_form(rule: FieldRule, text: str) -> str:
    """``text`` as it matches the rule's pattern: as typed, or in half-width signs. Raises ``ValueError``."""
    if rule.pattern is None:
        return text
    matches = matcher(rule.pattern)
    for form in (text, narrow(text)):
        if matches(form):
            return form
    raise ValueError(_said(rule) or _("入力の形が違います。説明を見て、入力しなおしてください。"))


def show_answer(rule: FieldRule, value: str, language: str) -> str:
    """A kept answer as people read it; what fits the rule no longer stays as it is."""
    if rule.kind == "date" and (day := dates.read_iso(value)):
        return dates.show_for(day, language)
    return next((text for code, text, _language in choices(rule, language) if code == value), value)


def _said(rule: FieldRule) -> str:
    return rule.said_message(get_language() or "ja")

