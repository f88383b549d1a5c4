"""What the pages of the counter share."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest

from madoguchi.domain.procedures.briefing import Briefing, brief
from madoguchi.domain.procedures.enums import Situation, Who
from madoguchi.domain.procedures.queries import bring_rows
from madoguchi.domain.procedures.rules.bring import Visitor
from madoguchi.domain.reception.models import Ticket
from madoguchi.domain.reception.near import ticket_path
from madoguchi.domain.reception.rules import WaitRange
from madoguchi.ground.accounts.access import actor_of
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Site
from madoguchi.ground.kit.actors import Actor, Channel
from madoguchi.web.ui.codes import qr as qr


def counter_actor(request: HttpRequest) -> Actor:
    """The member of staff, acting at the counter."""
    return actor_of(request, Channel.COUNTER)


def sites_of(contract: Contract) -> list[Site]:
    """Sites with window groups."""
    terms = contract.profile.reception
    return [site for site in contract.profile.sites if terms is not None and terms.groups_at(site.code)]


def site_of(contract: Contract, code: str) -> Site:
    """A site with window groups, by its code. Raises ``Http404``."""
    for site in sites_of(contract):
        if site.code == code:
            return site
    raise Http404("この場所では、窓口の受付を行っていません。")


def new_key() -> str:
    """A key for a form, so that its deed is done once."""
    return secrets.token_hex(16)


def languages(contract: Contract) -> list[tuple[str, str]]:
    """Languages of the contract with their own names."""
    names = dict(settings.LANGUAGES)
    return [(code, names[code]) for code in contract.profile.languages]


def ticket_url(contract: Contract, ticket: Ticket) -> str:
    """The whole address of the visitor's page, for the QR code."""
    return f"{settings.PUBLIC_URL}{ticket_path(contract, ticket)}?lang={ticket.language}"


def wait_staff(wait: WaitRange | None, windows: int) -> str:
    """A waiting time in words for staff."""
    if wait is None:
        return "不明（開いている窓口がありません）" if not windows else "不明"
    if wait.high == 0:
        return "すぐ"
    return f"約{wait.high}分" if wait.low == wait.high else f"約{wait.low}〜{wait.high}分"


def briefings(
    codes: Sequence[str], who: Who, situations: Sequence[Situation], today: dt.date, language: str
) -> list[tuple[str, Briefing]]:
    """What a visitor brings for each procedure, in a language that must be active."""
    rows = bring_rows(today, codes)
    yes = frozenset(situations)
    return [(code, brief(rows, Visitor(code, who, None, yes, frozenset()), today, language)) for code in codes]


def read_counts(data: Any, codes: Sequence[str]) -> dict[str, int]:
    """People by procedure from ``n_<code>``; what is no whole number counts as none."""
    found = {}
    for code in codes:
        text = str(data.get(f"n_{code}", "")).strip()
        if text.isdecimal() and len(text) < 4 and int(text):
            found[code] = int(text)
    return found
