"""Who of the city is told of a planned stop, and what the mail says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from madoguchi.ground.accounts.models import Role
from madoguchi.ground.accounts.queries import people_in_role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.clock import JST

from .models import PlannedStop, StaffKind
from .recipients import Recipient


def resolve(
    contract: Contract, record_id: int, language: str, kind: str, *, medium: str, detail: Mapping[str, Any]
) -> Recipient | None:
    """The official ``detail["user"]``, while still one; None when the stop is not what the notice says any more."""
    stop = PlannedStop.objects.filter(pk=record_id).first()
    user = next((user for user in people_in_role(contract, Role.CITY) if user.pk == detail["user"]), None)
    if stop is None or user is None or (stop.withdrawn_at is not None) != (kind == StaffKind.STOP_DROPPED):
        return None
    begins, ends, announced = (t.astimezone(JST) for t in (stop.starts_at, stop.ends_at, stop.announce_at))
    context = {
        "city": contract.profile.city.name,
        "begins": f"{dates.show(begins.date())} {begins:%H:%M}",
        "ends": f"{dates.show(ends.date())} {ends:%H:%M}",
        "announced": f"{dates.show(announced.date())} {announced:%H:%M}",
        "reason": stop.reason,
        "who": stop.created_by,
        "link": f"{settings.PUBLIC_URL}/staff/{contract.code}/stops/",
    }
    return Recipient(user.email, context)
