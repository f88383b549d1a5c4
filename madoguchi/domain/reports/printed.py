"""Reports as PDF: the same document as on the page and in the workbook, with charts, for those who read it on paper.

All is made of the report's own content, of the version before it and of the signature, so that a signed version is the same bytes each time.
What happens to it later (handed in, accepted) is on the page, not on the paper.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import typeset
from madoguchi.ground.kit.clock import JST

from .contents import Content, content_of, differences, figures_in, said_of, shown
from .models import Report
from .words import name_of, told

TEMPLATE, INSPECTION = "domain/reports/typst/report.typ", "domain/reports/typst/inspection.typ"
MOST_BARS = 16
"""Rows of a table that still make a readable chart; days are always drawn."""


def pdf_of(contract: Contract, report: Report) -> bytes:
    """The PDF of a report, a draft's marked as one (inside ``contract_scope``). Raises :class:`typeset.FontsMissing`."""
    content = content_of(contract, report)
    before = Report.objects.filter(code=report.code, first=report.first, version=report.version - 1).first() if report.version > 1 else None
    changes = differences(before.content, content, corrected=True) if before is not None and before.content is not None else []
    data = {
        "code": contract.code, "city": content["city"], "title": content["title"], "period": period_told(content), "version": content["version"],
        "draft": report.content is None, "digest": report.digest, "reason": report.reason,
        "signed": f"{report.signed_by}　{moment_told(report.signed_at)}" if report.signed_at else "",
        "sections": [section_printed(one) for one in content["sections"]],
        "passages": [{"title": one["title"], "text": one["text"] or "（未記入）"} for one in content["passages"]],
        "corrections": corrections(content),
        "changes": [{"title": one.title, "row": one.row, "before": one.told[0], "after": one.told[1]} for one in changes],
    }  # fmt: skip
    return typeset.pdf(TEMPLATE, data, at=report.signed_at or report.made_at)


def inspection_of(contract: Contract, report: Report) -> bytes:
    """The record of the city's inspection of a report as PDF: what was inspected, by whom, when, with what result, and the versions before it.

    Of a report that the city has decided (inside ``contract_scope``); the same bytes each time while the profile names the same contractor.
    Raises ``ValueError`` before that, :class:`typeset.FontsMissing`.
    """
    if report.content is None or report.decided_at is None:
        raise ValueError("not inspected yet")
    versions = Report.objects.filter(code=report.code, first=report.first, version__lte=report.version, submitted_at__isnull=False)
    data = {
        "contract": contract.code, "city": report.content["city"], "project": contract.profile.title, "contractor": contract.profile.contractor.name,
        "title": report.content["title"], "period": period_told(report.content), "version": report.version, "digest": report.digest,
        "signed": _done(report.signed_by, report.signed_at), "submitted": _done(report.submitted_by, report.submitted_at),
        "inspector": str(report.decided_by), "decided": moment_told(report.decided_at), "result": str(report.get_state_display()), "comments": report.comments,
        "versions": [
            {
                "version": f"第{one.version}版", "submitted": _done(one.submitted_by, one.submitted_at), "decided": _done(one.decided_by, one.decided_at),
                "result": str(one.get_state_display()),
            }
            for one in versions.select_related("submitted_by", "decided_by").defer("content").order_by("version")
        ],
    }  # fmt: skip
    return typeset.pdf(INSPECTION, data, at=report.decided_at)


def _done(user: object, at: dt.datetime | None) -> str:
    return f"{user}　{moment_told(at)}" if at else "―"


def period_told(content: Content) -> str:
    """``2026年10月``, or of a day ``2026年10月5日（月）``."""
    first = dt.date.fromisoformat(content["first"])
    return f"{first.year}年{first.month}月" if content["first"] != content["last"] else f"{first.year}年{name_of('day', content['first'], {})}"


def moment_told(at: dt.datetime) -> str:
    """``2026年11月2日 09:30``."""
    here = at.astimezone(JST)
    return f"{here.year}年{here.month}月{here.day}日 {here:%H:%M}"


def corrections(content: Content) -> list[dict[str, str]]:
    """Each figure that was put right, once: what, before, after, why, by whom, when."""
    labels = {(section["by"], row["key"]): row["label"] for section in content["sections"] for row in section["rows"]}
    found = {
        place: {
            "title": column["title"], "row": labels.get(place[1:], "全体"), "before": told(column["unit"], cell["value"]), "after": said_of(column, cell),
            "reason": cell["corrected"]["reason"], "by": cell["corrected"]["by"],
            "at": moment_told(dt.datetime.fromisoformat(cell["corrected"]["at"])),
        }
        for place, column, cell in figures_in(content) if "corrected" in cell
    }  # fmt: skip
    return list(found.values())


def section_printed(section: Mapping[str, Any]) -> dict[str, Any]:
    """A table as it is set: words in every cell, and the figure that is drawn."""

    def cells(row: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{"text": told(column["unit"], shown(cell)), "corrected": "corrected" in cell} for column, cell in zip(section["columns"], row, strict=True)]

    return {
        "title": section["title"], "by": section["by_label"],
        "columns": [{"title": one["title"], "unit": "" if one["unit"] in ("%", "秒") else one["unit"]} for one in section["columns"]],
        "rows": [{"label": row["label"], "cells": cells(row["cells"])} for row in section["rows"]],
        "totals": cells(section["totals"]), "chart": _chart(section),
    }  # fmt: skip


def _chart(section: Mapping[str, Any]) -> dict[str, Any] | None:
    """The first plain sum of a table by its rows: upright bars for days and hours, else lying ones. None where it would say nothing."""
    place = next((n for n, cell in enumerate(section["totals"]) if cell["bottom"] is None), None)
    rows, upright = section["rows"], section["by"] in ("day", "hour")
    if place is None or not len(rows) >= 2 or (len(rows) > MOST_BARS and not upright):
        return None
    values = [shown(row["cells"][place]) or 0 for row in rows]
    if max(values) <= 0 or min(values) < 0 or sum(value > 0 for value in values) < 2:
        return None
    column, step = section["columns"][place], scale_step(max(values))
    labels = [str(int(row["key"][8:])) if section["by"] == "day" else row["label"] for row in rows]
    ticks = [{"value": step * n, "said": told(column["unit"], step * n)} for n in range(-(-round(max(values)) // step) + 1)]
    return {
        "title": column["title"], "unit": column["unit"], "upright": upright, "ticks": ticks,
        "bars": [{"label": label, "value": value, "said": told(column["unit"], value)} for label, value in zip(labels, values, strict=True)],
    }  # fmt: skip


def scale_step(most: float) -> int:
    """The distance of a scale's lines: 1, 2 or 5 with noughts, so that the largest value is at most five of them."""
    size = 1
    while True:
        for step in (size, 2 * size, 5 * size):
            if step * 5 >= most:
                return step
        size *= 10
