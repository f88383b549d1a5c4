"""What the mail to leaders says of a photo that never reached its place. It names nobody."""

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

from .enums import State
from .models import Photo


def leaders(contract: Contract) -> list[User]:
    """Who is told: leaders and managers of the contractor."""
    return [user for role in (Role.SUPERVISOR, Role.MANAGER) for user in people_in_role(contract, role)]


def resolve_lost(
    contract: Contract, record_id: int, language: str, kind: str, *, medium: str, detail: Mapping[str, Any]
) -> Recipient | None:
    """The leader ``detail["user"]``, while still one."""
    photo = Photo.objects.select_related("site").filter(pk=record_id, state=State.LOST).first()
    user = next((user for user in leaders(contract) if user.pk == detail["user"]), None)
    if photo is None or user is None or photo.taken_at is None:
        return None
    taken = photo.taken_at.astimezone(JST)
    context = {
        "city": contract.profile.city.name,
        "ref": shown_ref(photo.ref),
        "site": photo.site.name,
        "when": f"{dates.show(taken.date())} {taken:%H:%M}",
        "reason": photo.trouble,
        "link": f"{settings.PUBLIC_URL}/staff/{contract.code}/photos/",
    }
    return Recipient(user.email, context)


def shown_ref(ref: str) -> str:
    """What a photo belongs to, in words: ``案件 5``."""
    kind, _, number = ref.partition(":")
    return f"{'案件' if kind == 'case' else '番号札'} {number}"
