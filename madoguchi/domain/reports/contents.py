"""What a report says: its figures by the tables that were agreed, with corrections and texts laid over them.

A content is plain data, so that it can be frozen::

    {"title", "city", "first", "last", "version", "report",
     "sections": [{"title", "by", "by_label", "columns": [{"measure", "title", "unit", "words", "definition"}],
                   "rows": [{"key", "label", "cells": [cell]}], "totals": [cell]}],
     "passages": [{"code", "title", "text", "drafted"}]}

A cell is ``{"value", "top", "bottom"}`` as computed, and ``"corrected": {"value", "reason", "by", "at"}`` where a person put it right. Values
are in the unit of the column, a share of 1 for ``%``, null where nothing can be divided. ``definition`` changes exactly when the measure is
defined otherwise.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from madoguchi.domain.incidents.queries import summary
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Profile, ReportDuty, ReportSection
from madoguchi.ground.contracts.queries import calendar_of
from madoguchi.ground.kit.clock import JST

from .measures import DIMENSIONS, MEASURES, Measure
from .models import Correction, Passage, Report
from .periods import Period
from .queries import Table, table
from .rules import Figure
from .words import labels_of, name_of, rows_of, told

Content = dict[str, Any]
Place = tuple[str, str, str]
"""Which figure: measure, dimension, value; the last two empty for the figure over the whole period."""
WHOLE_ROWS = frozenset({"procedure", "site"})
"""Dimensions whose every value is a row, also with nobody."""


def duty_of(profile: Profile, code: str) -> ReportDuty | None:
    """What was agreed about a report that is made of figures; None for any other code."""
    return next((one for one in profile.reports if one.code == code and one.period), None)


def mistakes(profile: Profile) -> list[str]:
    """Tables of a profile that cannot be made: measures that do not exist, or that have not the dimension."""
    found = []
    for duty in profile.reports:
        for section in duty.sections:
            for code in section.measures:
                if code not in MEASURES:
                    found.append(f"{duty.code}: {section.title}: there is no measure {code}")
                elif section.by and section.by not in MEASURES[code].dimensions:
                    found.append(f"{duty.code}: {section.title}: {code} is not split by {section.by}")
    return found


def definition_of(measure: Measure) -> str:
    """A short mark of how a measure is defined."""
    plain = json.dumps(_plain(measure), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()[:12]


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, frozenset):
        return sorted(str(one) for one in value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, int | float) else str(value)


def canonical(content: Content) -> bytes:
    """The one form in which a content is hashed: keys in order, no blanks, UTF-8."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def digest_of(content: Content) -> str:
    """SHA-256 of a content, in hexadecimal."""
    return hashlib.sha256(canonical(content)).hexdigest()


def computed(contract: Contract, duty: ReportDuty, period: Period, version: int = 1) -> Content:
    """The content as the facts have it now, texts as drafted (inside ``contract_scope``)."""
    sections = [_section(contract, section, period) for section in duty.sections]
    drafts = {
        "figures": lambda: _summary(sections), "opening": lambda: _opening(contract, period),
        "incidents": lambda: summary(contract, period.first, period.last), "by_hand": lambda: "",
    }  # fmt: skip
    return {
        "title": duty.name, "city": contract.name, "report": duty.code, "version": version,
        "first": period.first.isoformat(), "last": period.last.isoformat(), "sections": sections,
        "passages": [{"code": one.code, "title": one.title, "text": drafts[one.draft](), "drafted": True} for one in duty.passages],
    }  # fmt: skip


def _section(contract: Contract, section: ReportSection, period: Period) -> dict[str, Any]:
    by = section.by or ""
    measures = [MEASURES[code] for code in section.measures]
    found = table(contract, section.measures, period, [by] if by else [])
    labels = labels_of(contract, by, measures)
    return {
        "title": section.title, "by": by, "by_label": DIMENSIONS[by] if by else "",
        "columns": [
            {"measure": one.code, "title": one.title, "unit": one.unit, "words": one.words, "definition": definition_of(one)} for one in measures
        ],
        "rows": _rows(found, by, measures, period, labels) if by else [],
        "totals": [_cell(found.totals[one.code], one) for one in measures],
    }  # fmt: skip


def _rows(found: Table, by: str, measures: Sequence[Measure], period: Period, labels: dict[str, str]) -> list[dict[str, Any]]:
    there = {(one.measure, one.key[0]): one for one in found.rows}
    seen = {key for _, key in there} | (set(labels) if by in WHOLE_ROWS else set()) | ({period.first.isoformat()} if by == "day" else set())
    return [
        {"key": key, "label": name_of(by, key, labels), "cells": [_cell(there.get((one.code, key)), one) for one in measures]}
        for key in rows_of(by, period, seen, labels)
    ]


def _cell(figure: Figure | None, measure: Measure) -> dict[str, Any]:
    if figure is None:
        return {"value": 0 if measure.additive else None, "top": 0, "bottom": None if measure.additive else 0}
    return {"value": figure.value, "top": figure.top, "bottom": figure.bottom}


def _summary(sections: Sequence[Mapping[str, Any]]) -> str:
    """A sentence per table about its figures over the whole period."""
    lines, said = [], set()
    for section in sections:
        new = [(column, cell) for column, cell in zip(section["columns"], section["totals"], strict=True) if column["measure"] not in said]
        said |= {column["measure"] for column, _ in new}
        if new:
            told_of = "、".join(f"{column['title']} {said_of(column, cell)}" for column, cell in new)
            lines.append(f"{section['title']}：{told_of}。")
    return "\n".join(lines)


def _opening(contract: Contract, period: Period) -> str:
    """On how many days each site was open, and why it was not on weekdays."""
    calendar = calendar_of(contract, period.first, period.last)
    channel = "counter" if contract.profile.channels.counter else "phone"
    lines = []
    for site in contract.profile.sites:
        days = calendar.days(site.code, channel, period.first, period.last)
        closed = [f"{day.date.month}月{day.date.day}日（{day.reason}）" for day in days if not day.intervals and day.reason and day.date.weekday() < 5]
        lines.append(f"{site.name}：開設 {sum(bool(day.intervals) for day in days)}日" + (f"、閉所 {'、'.join(closed)}" if closed else "") + "。")
    return "\n".join(lines)


def content_of(contract: Contract, report: Report) -> Content:
    """What a report says: as frozen, or of a draft as it would be signed now (inside ``contract_scope``).

    Raises ``KeyError`` for a draft of a report that is agreed no longer.
    """
    if report.content is not None:
        return dict(report.content)
    duty = duty_of(contract.profile, report.code)
    if duty is None:
        raise KeyError(report.code)
    content = computed(contract, duty, report.period, report.version)
    corrections = {(one.measure, one.by, one.key): one for one in Correction.objects.filter(report=report).select_related("corrected_by")}
    for place, _, cell in figures_in(content):
        one = corrections.get(place)
        if one is not None:
            cell["corrected"] = {
                "value": number(one.value), "reason": one.reason, "by": str(one.corrected_by),
                "at": one.corrected_at.astimezone(JST).isoformat(timespec="seconds"),
            }  # fmt: skip
    written = {one.code: one.text for one in Passage.objects.filter(report=report)}
    for passage in content["passages"]:
        if passage["code"] in written:
            passage |= {"text": written[passage["code"]], "drafted": False}
    return content


def number(value: float) -> int | float:
    """A stored number as a whole one where it is whole."""
    return int(value) if value == int(value) else value


def figures_in(content: Content) -> Iterator[tuple[Place, dict[str, Any], dict[str, Any]]]:
    """(place, column, cell) of every figure, in the order of the paper. A figure may stand in several tables."""
    for section in content["sections"]:
        for row in section["rows"]:
            for column, cell in zip(section["columns"], row["cells"], strict=True):
                yield (column["measure"], section["by"], row["key"]), column, cell
        for column, cell in zip(section["columns"], section["totals"], strict=True):
            yield (column["measure"], "", ""), column, cell


def shown(cell: Mapping[str, Any]) -> int | float | None:
    """The value that the city reads: the corrected one where there is one."""
    value: int | float | None = cell["corrected"]["value"] if "corrected" in cell else cell["value"]
    return value


def said_of(column: Mapping[str, Any], cell: Mapping[str, Any]) -> str:
    """A value with its unit: ``1,234件``, ``84.3%``, ``4分05秒``."""
    words = told(column["unit"], shown(cell))
    return words if column["unit"] in ("%", "秒") or words == "―" else words + column["unit"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that is not the same in two contents; values are None where there is none."""

    place: Place
    title: str
    row: str
    unit: str
    before: int | float | None
    after: int | float | None

    @property
    def told(self) -> tuple[str, str]:
        """Both values as papers say them."""
        return told(self.unit, self.before), told(self.unit, self.after)


def differences(before: Content, after: Content, *, corrected: bool) -> list[Difference]:
    """The figures in which two contents differ, each once, in the order of the later one; ``corrected``: as the city reads them, else as computed.

    A figure that only one of them has counts when it is not nothing (0 or None) there.
    """
    first, second = _by_place(before, corrected), _by_place(after, corrected)
    found = []
    for place in [*second, *(one for one in first if one not in second)]:
        title, unit, row = (second.get(place) or first[place])[:3]
        old, new = (side[place][3] if place in side else None for side in (first, second))
        if old != new and (old or new or (place in first and place in second)):
            found.append(Difference(place, title, row, unit, old, new))
    return found


def _by_place(content: Content, corrected: bool) -> dict[Place, tuple[str, str, str, int | float | None]]:
    labels = {(section["by"], row["key"]): row["label"] for section in content["sections"] for row in section["rows"]}
    return {
        place: (column["title"], column["unit"], labels.get(place[1:], "全体"), shown(cell) if corrected else cell["value"])
        for place, column, cell in figures_in(content)
    }


def unbalanced(content: Content) -> list[tuple[str, str, int | float, int | float]]:
    """(table, figure, sum of the rows, total) where corrected rows of a plain sum no longer add up to their total."""
    found = []
    for section in content["sections"]:
        for place, column in enumerate(section["columns"]):
            cells = [row["cells"][place] for row in section["rows"]]
            total = section["totals"][place]
            if cells and total["bottom"] is None and any("corrected" in one for one in (*cells, total)):
                rows = sum(shown(one) or 0 for one in cells)
                if rows != (shown(total) or 0):
                    found.append((section["title"], column["title"], rows, shown(total) or 0))
    return found
