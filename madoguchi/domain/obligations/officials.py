"""Who is told that something falls due, and what the mail says. No personal data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from madoguchi.domain.notices.recipients import Recipient
from madoguchi.ground.accounts.models import Role, User
from madoguchi.ground.accounts.queries import people_in_role
from madoguchi.ground.contracts.models import Contract

ROLES = {"leader": (Role.SUPERVISOR, Role.MANAGER), "manager": (Role.MANAGER,), "city": (Role.CITY,)}
"""Whose matter a duty is, by the profile's ``who``."""


def people_of(contract: Contract, who: str) -> list[User]:
    """Active people whose matter it is."""
    return [user for role in ROLES[who] for user in people_in_role(contract, role)]


def resolve(
    contract: Contract, record_id: int, language: str, kind: str, *, medium: str, detail: Mapping[str, Any]
) -> Recipient | None:
    """The person ``detail["user"]``, while still in a role of the ledger; the lines were settled when the mail was ordered."""
    user = next((one for who in ROLES for one in people_of(contract, who) if one.pk == detail["user"]), None)
    if user is None:
        return None
    context = {
        "city": contract.profile.city.name,
        "count": str(len(detail["missed"]) + len(detail["coming"])),
        "missed": _list("期限を過ぎた、または基準に届かなかったもの", detail["missed"]),
        "coming": _list("期限が近いもの", detail["coming"]),
        "link": f"{settings.PUBLIC_URL}/staff/{contract.code}/obligations/",
    }
    return Recipient(user.email, context)


def _list(head: str, lines: list[str]) -> str:
    return "\n".join([f"{head}：", *(f"・{one}" for one in lines), ""]) if lines else ""
