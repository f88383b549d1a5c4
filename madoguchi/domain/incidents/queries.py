"""Reads of incidents, inside ``contract_scope``."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Q, QuerySet, Value, When

from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import LegalStep
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import keyring

from . import rules, words
from .enums import OPEN, Effect, Kind, LegalResult, LineKind, Seriousness, State
from .models import Incident, LegalRecord, Line, Prevention

Words = dict[str, str]


def words_of(contract: Contract, incident: Incident) -> Words:
    """``what``, ``first``, ``cause``, ``response``; empty texts once erased."""
    return {"what": "", "first": "", "cause": "", "response": "", **_opened(contract, words.INCIDENT, incident.words)}


def _opened(contract: Contract, purpose: str, sealed: bytes | memoryview | None) -> Words:
    return keyring(contract).unseal_json(purpose, sealed) if sealed is not None else {}


def site_name(contract: Contract, code: str) -> str:
    """What a site is called; all of the contract without one."""
    found = next((one for one in contract.profile.sites if one.code == code), None)
    return (found.short_name or found.name) if found else code or "全体"


@dataclass(frozen=True)
class Told:
    """A line of the timeline as pages show it; ``who`` is ``システム`` without a person."""

    at: dt.datetime
    kind: str
    label: str
    who: str
    detail: str
    text: str


def timeline(contract: Contract, incident: Incident) -> list[Told]:
    """The timeline from its beginning."""
    found = []
    for one in Line.objects.filter(incident=incident).select_related("by"):
        text = _opened(contract, words.LINE, one.words).get("text", "")
        found.append(Told(one.at, one.kind, str(LineKind(one.kind).label), str(one.by) if one.by else "システム", one.detail, text))
    return found


@dataclass(frozen=True)
class Planned:
    """A prevention with its words; ``late`` when it, or the look at its effect, is past its day."""

    row: Prevention
    what: str
    effect_note: str
    late: bool

    @property
    def effect(self) -> str:
        """The effect in words; empty until looked at."""
        return Effect(self.row.effect).label if self.row.effect else ""


def preventions_of(contract: Contract, incident: Incident, today: dt.date) -> list[Planned]:
    """Preventions by their day."""
    found = []
    for one in Prevention.objects.filter(incident=incident).select_related("owner", "done_by", "checked_by"):
        told = _opened(contract, words.PREVENTION, one.words)
        awaited = one.due_on if one.done_at is None else one.check_on if one.checked_at is None else None
        found.append(Planned(one, told.get("what", ""), told.get("effect", ""), awaited is not None and awaited < today))
    return found


@dataclass(frozen=True)
class LegalLine:
    """A legal step of an incident: its last day (None: as soon as can be), and what became of it."""

    step: LegalStep
    due: dt.date | None
    record: LegalRecord | None
    evidence: str
    late: bool

    @property
    def result(self) -> str:
        """What became of it in words; empty while open."""
        return LegalResult(self.record.result).label if self.record else ""


def legal_of(contract: Contract, incident: Incident, today: dt.date) -> list[LegalLine]:
    """The legal steps of an incident with personal data, in the order of the profile; none for others."""
    if incident.kind != Kind.PERSONAL_DATA:
        return []
    records = {one.code: one for one in LegalRecord.objects.filter(incident=incident).select_related("recorded_by")}
    found = []
    for step in contract.profile.incidents.legal:
        record = records.get(step.code)
        due = rules.legal_due(step, found_on(incident), wrongful=incident.wrongful)
        evidence = _opened(contract, words.LEGAL, record.words).get("evidence", "") if record else ""
        found.append(LegalLine(step, due, record, evidence, record is None and due is not None and due < today))
    return found


def found_on(incident: Incident) -> dt.date:
    """The day in Japan on which it was found."""
    return incident.found_at.astimezone(JST).date()


def content_of(contract: Contract, incident: Incident) -> dict[str, Any]:
    """What the report in writing says, as plain data in one order."""
    found = {**words_of(contract, incident)}
    return {
        "incident": incident.pk, "kind": incident.kind, "seriousness": incident.seriousness, "site": incident.site, "people": incident.people,
        "wrongful": incident.wrongful, **{name: getattr(incident, name).astimezone(dt.UTC).isoformat() for name in ("happened_at", "found_at", "reported_at")},
        **found,
        "preventions": [
            {"what": one.what, "owner": one.row.owner_id, "due": one.row.due_on.isoformat()} for one in preventions_of(contract, incident, dt.date.min)
        ],
    }  # fmt: skip


def digest_of(content: dict[str, Any]) -> str:
    """SHA-256 of a content as JSON with sorted keys, in hexadecimal."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def whole(contract: Contract, incident: Incident) -> bool | None:
    """Whether a report in writing still says what it said; None while there is none, or once its words are erased."""
    if incident.state not in (State.WRITTEN, State.CLOSED) or incident.erased_at is not None:
        return None
    return digest_of(content_of(contract, incident)) == incident.digest


def incidents(*, state: str = "", kind: str = "", reporter: User | None = None) -> QuerySet[Incident]:
    """Incidents, those nobody acknowledged first, then the open ones, then the closed; newest first. ``state``: a state, ``open``, or all."""
    order = Case(When(state=State.CLOSED, then=Value(2)), When(acknowledged_at=None, then=Value(0)), default=Value(1))
    found = Incident.objects.select_related("reported_by", "acknowledged_by").order_by(order, "-reported_at", "-pk")
    if state:
        found = found.filter(state__in=OPEN) if state == "open" else found.filter(state=state)
    if kind:
        found = found.filter(kind=kind)
    return found.filter(reported_by=reporter) if reporter is not None else found


@dataclass(frozen=True)
class Owed:
    """What is late or waits: how many incidents nobody acknowledged, and by incident what is past its day."""

    unacknowledged: int
    late: dict[int, list[str]]

    @property
    def any(self) -> bool:
        """Whether anything is."""
        return bool(self.unacknowledged or self.late)


def owed(contract: Contract, today: dt.date) -> Owed:
    """What a page says at its head: legal steps, preventions and looks at effects past their day. Three statements."""
    late: dict[int, list[str]] = {}
    leaks = Incident.objects.filter(kind=Kind.PERSONAL_DATA, state__in=OPEN)
    done = set(LegalRecord.objects.filter(incident__in=leaks).values_list("incident_id", "code"))
    for one in leaks:
        for step in contract.profile.incidents.legal:
            due = rules.legal_due(step, found_on(one), wrongful=one.wrongful)
            if due is not None and due < today and (one.pk, step.code) not in done:
                late.setdefault(one.pk, []).append(f"{step.name}（期限 {dates.show_short(due)}）")
    behind = Q(done_at=None, due_on__lt=today) | Q(done_at__isnull=False, checked_at=None, check_on__lt=today)
    for plan in Prevention.objects.filter(behind):
        day, what = (plan.due_on, "再発防止策") if plan.done_at is None else (plan.check_on, "効果の確認")
        assert day is not None
        late.setdefault(plan.incident_id, []).append(f"{what}（期限 {dates.show_short(day)}）")
    return Owed(Incident.objects.filter(acknowledged_at=None, state__in=OPEN).count(), late)


def people_of(contract: Contract, roles: Sequence[str]) -> list[tuple[Role, User]]:
    """Active people with one of these roles, by role and id."""
    found = Assignment.objects.filter(contract=contract, role__in=roles, user__is_active=True).select_related("user").order_by("role", "user_id")
    return [(Role(one.role), one.user) for one in found]


def summary(contract: Contract, first: dt.date, last: dt.date) -> str:
    """A line per incident that was reported on these days, without anybody's words; for reports."""
    begin, end = (dt.datetime.combine(day, dt.time(), JST) for day in (first, last + dt.timedelta(days=1)))
    lines = []
    for one in Incident.objects.filter(reported_at__gte=begin, reported_at__lt=end).order_by("reported_at", "pk"):
        at = one.happened_at.astimezone(JST)
        known = f"、確認 {one.acknowledged_at.astimezone(JST):%m/%d %H:%M}" if one.acknowledged_at else ""
        lines.append(
            f"{dates.show_short(at.date())} {at:%H:%M}　{Kind(one.kind).label}　{Seriousness(one.seriousness).label.partition('（')[0]}"
            f"　{site_name(contract, one.site)}　{one.label}（{State(one.state).label}{known}）"
        )
    return "\n".join(lines) or "ありません。"
