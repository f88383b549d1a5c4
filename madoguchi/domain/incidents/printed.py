"""The report as paper: the same rows on the page for the printer and in the PDF."""

from __future__ import annotations

import datetime as dt
from typing import Any

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates, typeset
from madoguchi.ground.kit.clock import JST

from .enums import Kind, LineKind, Seriousness, State
from .models import Incident
from .queries import legal_of, preventions_of, site_name, timeline, words_of

TEMPLATE = "domain/incidents/typst/incident.typ"


def pdf_of(contract: Contract, incident: Incident, today: dt.date) -> bytes:
    """The PDF of a report, marked while it was not reported in writing (inside ``contract_scope``). Raises :class:`typeset.FontsMissing`."""
    return typeset.pdf(TEMPLATE, sheet(contract, incident, today), at=incident.written_at or incident.reported_at)


def sheet(contract: Contract, incident: Incident, today: dt.date) -> dict[str, Any]:
    """What the paper says: who writes to whom, and ``rows`` of ``label`` and ``items``. What was done since it was written is on it too."""
    written = incident.state in (State.WRITTEN, State.CLOSED)
    profile = contract.profile
    return {
        "contract": contract.code, "city": profile.city.name, "project": profile.title, "title": "事故等報告書", "number": f"第{incident.pk}号",
        "contractor": profile.contractor.name or "受託者", "draft": not written, "digest": incident.digest,
        "written": dates.show(incident.written_at.astimezone(JST).date(), weekday=False) if written and incident.written_at else "",
        "writer": str(incident.written_by) if written else "",
        "rows": [{"label": label, "items": items} for label, items in _rows(contract, incident, today) if items],
    }  # fmt: skip


def _rows(contract: Contract, incident: Incident, today: dt.date) -> list[tuple[str, list[str]]]:
    told = words_of(contract, incident)
    erased = f"保存期間を過ぎたため、消去しました（{_moment(incident.erased_at)}）。" if incident.erased_at else ""
    known = f"確認　{_moment(incident.acknowledged_at)}　{incident.acknowledged_by}" if incident.acknowledged_at else "確認　まだ"
    concerned = [f"{incident.people}人"] if incident.people is not None else []
    return [
        ("種類・重大さ", [f"{Kind(incident.kind).label}　／　{Seriousness(incident.seriousness).label}"]),
        ("起きた日時", [_moment(incident.happened_at)]),
        ("気づいた日時", [_moment(incident.found_at)]),
        ("場所", [site_name(contract, incident.site)]),
        ("影響を受けた人数", concerned),
        ("不正の目的", ["おそれがある"] if incident.wrongful else []),
        ("報告・確認", [f"報告　{_moment(incident.reported_at)}　{incident.reported_by}\n{known}"]),
        ("事故等の内容", [erased or told["what"]]),
        ("最初の対応", [erased or told["first"] or "（記入なし）"]),
        ("原因", [erased or told["cause"] or "（調査中）"]),
        ("対応", [erased or told["response"] or "（対応中）"]),
        ("再発防止策", _preventions(contract, incident, today) or ["（検討中）"]),
        ("法令上の手続き", _legal(contract, incident, today)),
        ("経過", [_line(one.at, one.label, one.kind, one.who, one.detail, one.text) for one in timeline(contract, incident)]),
    ]


def _preventions(contract: Contract, incident: Incident, today: dt.date) -> list[str]:
    found = []
    for one in preventions_of(contract, incident, today):
        row = one.row
        done = f"　実施 {_day(row.done_at)}" if row.done_at else ""
        effect = f"　{one.effect}（{_day(row.checked_at)}）" if row.checked_at else ""
        found.append(f"{one.what or '（消去済み）'}\n{row.owner}　期限 {dates.show(row.due_on, weekday=False)}{done}{effect}")
    return found


def _legal(contract: Contract, incident: Incident, today: dt.date) -> list[str]:
    found = []
    for one in legal_of(contract, incident, today):
        if one.record:
            said = f"{one.result}　{dates.show(one.record.on, weekday=False)}　{one.evidence}".rstrip("　")
        else:
            said = f"期限 {dates.show(one.due, weekday=False)}" if one.due else "速やかに"
        found.append(f"{one.step.name}：{said}")
    return found


def _line(at: dt.datetime, label: str, kind: str, who: str, detail: str, text: str) -> str:
    by = f"（{detail}）" if kind == LineKind.CALLED else f"　{who}"
    return f"{_moment(at)}　{label}{by}" + (f"\n{text}" if text else "")


def _day(moment: dt.datetime | None) -> str:
    return dates.show(moment.astimezone(JST).date(), weekday=False) if moment else ""


def _moment(moment: dt.datetime | None) -> str:
    return f"{_day(moment)} {moment.astimezone(JST):%H:%M}" if moment else ""
