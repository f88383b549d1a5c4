"""What the mail to the city's officials says of a matter handed over. No personal data: they read it on its page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from madoguchi.domain.notices.recipients import Recipient
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.accounts.queries import people_in_role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.clock import JST

from .enums import Line, Topic
from .models import Escalation


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


def _shown(moment: dt.datetime) -> str:
    local = moment.astimezone(JST)
    return f"{dates.show(local.date())} {local:%H:%M}"
