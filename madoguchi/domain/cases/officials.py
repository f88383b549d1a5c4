"""What the mail about a proposed flow says: that it waits for the city, or what the city answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from madoguchi.domain.notices import decisions
from madoguchi.domain.notices.recipients import Recipient
from madoguchi.ground.contracts.models import Contract

from .enums import VersionState
from .models import FlowVersion


def resolve(
    contract: Contract, record_id: int, language: str, kind: str, *, medium: str, detail: Mapping[str, Any]
) -> Recipient | None:
    """The person ``detail["user"]``."""
    version = FlowVersion.objects.filter(pk=record_id).first()
    if version is None:
        return None
    answered = "" if version.state == VersionState.PROPOSED else str(VersionState(version.state).label)
    what = f"手続きの流れ「{version.body['name']}」の変更（第{version.number}版）"
    return decisions.recipient(
        contract, kind, int(detail["user"]), what=what, who=version.proposed_by, answered=answered, page=f"cases/flows/{version.code}/"
    )
