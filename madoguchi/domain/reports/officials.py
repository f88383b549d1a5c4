"""What the mail about a monthly report says: that it waits for the city, or what the city answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from madoguchi.domain.notices import decisions
from madoguchi.domain.notices.recipients import Recipient
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates

from .enums import State
from .models import Report


def resolve(
    contract: Contract, record_id: int, language: str, kind: str, *, medium: str, detail: Mapping[str, Any]
) -> Recipient | None:
    """The person ``detail["user"]``; nobody when the report was replaced meanwhile."""
    report = Report.objects.select_related("submitted_by").filter(pk=record_id).first()
    if report is None or report.content is None or report.state not in (State.SUBMITTED, State.ACCEPTED, State.RETURNED):
        return None
    answered = "" if report.state == State.SUBMITTED else str(State(report.state).label)
    version = f"（第{report.version}版）" if report.version > 1 else ""
    what = f"{report.content['title']} {dates.show(report.first)}から{dates.show(report.last)}まで{version}"
    return decisions.recipient(
        contract, kind, int(detail["user"]), what=what, who=str(report.submitted_by), answered=answered, page=f"documents/{report.pk}/"
    )
