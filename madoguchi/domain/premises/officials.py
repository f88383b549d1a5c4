"""What the mail to leaders says of a checklist that is late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from madoguchi.domain.notices.recipients import Recipient
from madoguchi.ground.accounts.models import Role, User
from madoguchi.ground.accounts.queries import people_in_role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.clock import JST

from .models import Mark, Run


def leaders(contract: Contract) -> list[User]:
    """Who is told: leaders and managers of the contractor."""
    return [user for role in (Role.SUPERVISOR, Role.MANAGER) for user in people_in_role(contract, role)]


def resolve_late_list(
    contract: Contract, record_id: int, language: str, kind: str, *, medium: str, detail: Mapping[str, Any]
) -> Recipient | None:
    """The leader ``detail["user"]``, while still one and the list is not finished."""
    run = Run.objects.select_related("site").filter(pk=record_id, closed_at=None).first()
    user = next((user for user in leaders(contract) if user.pk == detail["user"]), None)
    terms = contract.profile.checklist(run.checklist) if run else None
    if run is None or user is None or terms is None or run.due_at is None:
        return None
    marked = set(Mark.objects.filter(run=run).values_list("item", flat=True))
    missing = [one["label"] for one in run.items if one["required"] and one["code"] not in marked]
    due = run.due_at.astimezone(JST)
    context = {
        "city": contract.profile.city.name,
        "site": run.site.name,
        "list": terms.name,
        "until": f"{dates.show(due.date())} {due:%H:%M}",
        "items": "\n".join(f"・{label}" for label in missing),
        "link": f"{settings.PUBLIC_URL}/staff/{contract.code}/premises/",
    }
    return Recipient(user.email, context)
