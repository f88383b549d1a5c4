"""Papers as PDF. What was handed in is the same bytes each time; what the city decided is on the page, not on the paper."""

from __future__ import annotations

import datetime as dt
from typing import Any

from madoguchi.domain.reports.printed import moment_told
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates, typeset

from .contents import content_of
from .drafts import LEVELS
from .models import Paper

TEMPLATE = "domain/papers/typst/paper.typ"


def pdf_of(contract: Contract, paper: Paper, today: dt.date) -> bytes:
    """The PDF of a paper, a draft's marked as one (inside ``contract_scope``). Raises :class:`typeset.FontsMissing`."""
    content = content_of(contract, paper, today)
    data = content | {
        "contract": contract.code, "digest": paper.digest, "reason": paper.reason, "due": dates.show(dt.date.fromisoformat(content["due"])),
        "submitted": f"{paper.submitted_by}　{moment_told(paper.submitted_at)}" if paper.submitted_at else "",
        "parts": [one | {"levels": _levels(one)} for one in content["parts"]],
    }  # fmt: skip
    return typeset.pdf(TEMPLATE, data, at=paper.submitted_at or paper.made_at)


def _levels(part: dict[str, Any]) -> list[list[list[str]]]:
    """The rows of a structure by the levels of its chart; none for any other part."""
    if part["draft"] != "structure":
        return []
    levels = [[row for row in part["table"]["rows"] if row[0] in {role.label for role in level}] for level in LEVELS]
    return [level for level in levels if level]
