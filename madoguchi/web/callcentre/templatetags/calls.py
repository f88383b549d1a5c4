"""How calls are shown: ``{% load calls %}``."""

from __future__ import annotations

import datetime as dt

from django import template
from django.conf import settings

from madoguchi.domain.calls.sentences import choice_label, menu_labels
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import phones

register = template.Library()
_LANGUAGES = dict(settings.LANGUAGES)


@register.filter
def phone_shown(digits: str) -> str:
    """A number with hyphens."""
    return phones.show(digits)


@register.filter
def language_name(code: str) -> str:
    """A language in Japanese; its code when it is none of ours."""
    return str(_LANGUAGES.get(code, code))


@register.filter
def choice_name(choice: str, contract: Contract) -> str:
    """What a caller chose in the menu, as the contract's menu says it."""
    return choice_label(choice, menu_labels(contract.profile))


@register.filter
def since(begin: dt.datetime, end: dt.datetime) -> str:
    """``25分``, ``3時間5分``, ``2日4時間``: from one moment to a later one, in the two largest units."""
    minutes = max(round((end - begin).total_seconds()) // 60, 0)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days}日{hours}時間" if hours else f"{days}日"
    if hours:
        return f"{hours}時間{rest}分" if rest else f"{hours}時間"
    return f"{rest}分"


@register.filter
def seconds(value: int | None) -> str:
    """``1分05秒``; nothing for None."""
    return "" if value is None else f"{value // 60}分{value % 60:02d}秒" if value >= 60 else f"{value}秒"
