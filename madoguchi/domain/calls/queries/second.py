"""Reads of the second line. Inside ``contract_scope``; who shows words reports the look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q

from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.privacy.sealing import keyring

from ..enums import Line, StepKind, Topic
from ..models import Escalation, Step
from ..words import ESCALATION, STEP

MOST = 300


@dataclass(frozen=True, repr=False)
class Matter:
    """A matter of the second line as a person reads it; the words are empty once erased."""

    id: int
    topic: str
    complaint: bool
    call_back: bool
    line: Line
    owner: User | None
    opened_by: str
    opened_at: dt.datetime
    due_at: dt.datetime
    late: bool
    closed_at: dt.datetime | None
    contact_id: int | None
    summary: str
    name: str
    number: str
    erased: bool


@dataclass(frozen=True, repr=False)
class StepRow:
    """One step as a person reads it."""

    at: dt.datetime
    kind: str
    who: str
    line: str
    late: bool
    text: str


@dataclass(frozen=True)
class LineCount:
    """What stands open on a line, and how much of it should have been done by now."""

    line: Line
    count: int
    late: int


def open_matters(contract: Contract, now: dt.datetime) -> list[Matter]:
    """What is open, late ones first, then by due time; at most ``MOST``."""
    return _matters(contract, Escalation.objects.filter(closed_at=None).order_by("due_at", "id")[:MOST], now)


def closed_matters(contract: Contract, since: dt.datetime, now: dt.datetime) -> list[Matter]:
    """What was closed from ``since`` on, the latest first; at most ``MOST``."""
    return _matters(contract, Escalation.objects.filter(closed_at__gte=since).order_by("-closed_at", "-id")[:MOST], now)


def matter_of(contract: Contract, pk: int, now: dt.datetime) -> Matter | None:
    """One matter; None when there is none of this id."""
    return next(iter(_matters(contract, Escalation.objects.filter(pk=pk), now)), None)


def steps_of(contract: Contract, pk: int) -> list[StepRow]:
    """Its steps, oldest first."""
    ring = keyring(contract)
    return [
        StepRow(
            at=step.at,
            kind=str(StepKind(step.kind).label),
            who=str(step.by),
            line=str(Line(step.line).label),
            late=step.late,
            text=ring.unseal_json(STEP, step.words)["text"] if step.words else "",
        )
        for step in Step.objects.filter(escalation_id=pk).select_related("by")
    ]


def matters_of_contact(contact_id: int) -> list[int]:
    """Ids of the matters that were handed over with a contact."""
    return list(Escalation.objects.filter(contact_id=contact_id).order_by("pk").values_list("pk", flat=True))


def line_counts(now: dt.datetime) -> dict[Line, LineCount]:
    """Each line with what stands open on it."""
    late = Count("id", filter=Q(due_at__lt=now))
    rows = Escalation.objects.filter(closed_at=None).order_by().values("line").annotate(n=Count("id"), late=late)
    found = {row["line"]: (row["n"], row["late"]) for row in rows}
    return {line: LineCount(line, *found.get(line, (0, 0))) for line in Line}


def _matters(contract: Contract, found: Iterable[Escalation], now: dt.datetime) -> list[Matter]:
    ring = keyring(contract)
    matters = list(found)
    people = User.objects.in_bulk({pk for one in matters for pk in (one.owner_id, one.opened_by_id) if pk})
    rows = []
    for one in matters:
        words = ring.unseal_json(ESCALATION, one.words) if one.words else {}
        rows.append(
            Matter(
                id=one.pk,
                topic=str(Topic(one.topic).label),
                complaint=one.complaint,
                call_back=one.call_back,
                line=Line(one.line),
                owner=people.get(one.owner_id or 0),
                opened_by=str(people[one.opened_by_id]),
                opened_at=one.opened_at,
                due_at=one.due_at,
                late=(one.closed_at or now) > one.due_at,
                closed_at=one.closed_at,
                contact_id=one.contact_id,
                summary=words.get("summary", ""),
                name=words.get("name", ""),
                number=words.get("number", ""),
                erased=one.erased_at is not None,
            )
        )
    return rows
