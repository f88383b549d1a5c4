"""What the mail about a paper says: that it waits for the city, or what the city answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from madoguchi.domain.notices import decisions
from madoguchi.domain.notices.recipients import Recipient
from madoguchi.ground.contracts.models import Contract

from .enums import State
from .models import Paper


def resolve(
    contract: Contract, record_id: int, language: str, kind: str, *, medium: str, detail: Mapping[str, Any]
) -> Recipient | None:
    """The person ``detail["user"]``; nobody while it is a draft."""
    paper = Paper.objects.select_related("submitted_by").filter(pk=record_id).first()
    if paper is None or paper.content is None:
        return None
    answered = "" if paper.state == State.SUBMITTED else str(State(paper.state).label)
    what = f"{paper.content['title']}（第{paper.version}版）"
    return decisions.recipient(
        contract, kind, int(detail["user"]), what=what, who=str(paper.submitted_by), answered=answered, page=f"papers/{paper.pk}/"
    )
