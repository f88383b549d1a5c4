"""What mails to the second line and to leaders say: of a matter handed over, and of what is late. No personal data: they read it on its page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from madoguchi.domain.notices.recipients import Recipient
from madoguchi.ground.accounts.models import Role, User
from madoguchi.ground.accounts.queries import people_in_role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.clock import JST

from .enums import Line, Topic
from .models import Callback, Escalation

LINE_ROLES = {Line.SUPERVISOR: (Role.SUPERVISOR, Role.MANAGER), Line.CITY: (Role.CITY,)}
"""Whose matter a line's matter is."""


def people_of(contract: Contract, line: Line) -> list[User]:
    """Active people of a line."""
    return [user for role in LINE_ROLES[line] for user in people_in_role(contract, role)]


def resolve(
    contract: Contract, record_id: int, language: str, kind: str, *, medium: str, detail: Mapping[str, Any]
) -> Recipient | None:
    """The official ``detail["user"]``, while still one."""
    escalation = Escalation.objects.select_related("opened_by").filter(pk=record_id).first()
    user = next((user for user in people_in_role(contract, Role.CITY) if user.pk == detail["user"]), None)
    if escalation is None or user is None:
        return None
    context = {
        "city": contract.profile.city.name,
        "topic": str(Topic(escalation.topic).label),
        "when": _shown(escalation.opened_at),
        "until": _shown(escalation.due_at),
        "who": str(escalation.opened_by),
        "line": str(Line(escalation.line).label),
        "call": "必要" if escalation.call_back else "なし",
        "link": f"{settings.PUBLIC_URL}/staff/{contract.code}/phone/second/{escalation.pk}/",
    }
    return Recipient(user.email, context)


def resolve_late(
    contract: Contract, record_id: int, language: str, kind: str, *, medium: str, detail: Mapping[str, Any]
) -> Recipient | None:
    """The person ``detail["user"]`` of the line ``detail["line"]``, while both are still so and something is late at ``detail["at"]``."""
    line, at = Line(detail["line"]), dt.datetime.fromisoformat(detail["at"])
    user = next((user for user in people_of(contract, line) if user.pk == detail["user"]), None)
    late = list(Escalation.objects.filter(closed_at=None, line=line, due_at__lt=at).order_by("due_at"))
    if user is None or not late:
        return None
    context = {
        "city": contract.profile.city.name,
        "line": str(line.label),
        "count": str(len(late)),
        "complaints": str(sum(one.complaint for one in late)),
        "unowned": str(sum(one.owner_id is None for one in late)),
        "until": _shown(late[0].due_at),
        "link": f"{settings.PUBLIC_URL}/staff/{contract.code}/phone/second/",
    }
    return Recipient(user.email, context)


def resolve_late_callbacks(
    contract: Contract, record_id: int, language: str, kind: str, *, medium: str, detail: Mapping[str, Any]
) -> Recipient | None:
    """The leader ``detail["user"]``, while still one and a promise is late at ``detail["at"]``."""
    user = next((user for user in people_of(contract, Line.SUPERVISOR) if user.pk == detail["user"]), None)
    late = list(Callback.objects.filter(ended_at=None, due_at__lt=dt.datetime.fromisoformat(detail["at"])).order_by("due_at"))
    if user is None or not late:
        return None
    context = {
        "city": contract.profile.city.name,
        "count": str(len(late)),
        "unowned": str(sum(one.owner_id is None for one in late)),
        "until": _shown(late[0].due_at),
        "link": f"{settings.PUBLIC_URL}/staff/{contract.code}/phone/callbacks/",
    }
    return Recipient(user.email, context)


def _shown(moment: dt.datetime) -> str:
    local = moment.astimezone(JST)
    return f"{dates.show(local.date())} {local:%H:%M}"
