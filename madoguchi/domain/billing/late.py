"""The mail about invoices that were not paid in time."""

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

from .queries import overdue_at


def resolve(
    contract: Contract, record_id: int, language: str, kind: str, *, medium: str, detail: Mapping[str, Any]
) -> Recipient | None:
    """The manager ``detail["user"]``, while still one and something is overdue on ``detail["on"]``."""
    user = next((user for user in people_in_role(contract, Role.MANAGER) if user.pk == detail["user"]), None)
    late = overdue_at(dt.date.fromisoformat(detail["on"]))
    if user is None or not late:
        return None
    assert late[0].due_on is not None
    context = {
        "city": contract.profile.city.name,
        "count": str(len(late)),
        "total": f"{sum(one.total for one in late):,}",
        "until": dates.show(late[0].due_on),
        "link": f"{settings.PUBLIC_URL}/staff/{contract.code}/billing/",
    }
    return Recipient(user.email, context)
