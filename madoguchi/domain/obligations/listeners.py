"""Incidents make obligations fall due, and meet them, inside the transaction of their deeds."""

from __future__ import annotations

import datetime as dt
from typing import Any

from madoguchi.domain.incidents.enums import Kind, Seriousness
from madoguchi.domain.incidents.models import Incident
from madoguchi.domain.incidents.queries import found_on
from madoguchi.domain.incidents.rules import duties_of
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import IncidentDuty
from madoguchi.ground.kit.actors import Actor

from .services import event_of, meet_event


def fall_due(sender: object, *, contract: Contract, incident: Incident, by: Actor, now: dt.datetime, **_: Any) -> None:
    """Write down the event of each obligation that such an incident makes fall due. What was told before still counts, where it meets it."""
    for duty in _duties(contract, incident):
        event_of(contract, duty.duty, on=found_on(incident), note=f"{Kind(incident.kind).label}（{incident.label}）", ref=_ref(incident), by=by, now=now)
        if duty.met_by == "acknowledged" and incident.acknowledged_at is not None:
            meet_event(contract, duty.duty, ref=_ref(incident), at=incident.acknowledged_at, by=by, now=now)


def acknowledged(sender: object, *, contract: Contract, incident: Incident, by: Actor, now: dt.datetime, **_: Any) -> None:
    """Somebody of the city knows: obligations to tell it are met."""
    _meet(contract, incident, "acknowledged", by, now)


def written(sender: object, *, contract: Contract, incident: Incident, by: Actor, now: dt.datetime, **_: Any) -> None:
    """The report was handed in: obligations to report in writing are met."""
    _meet(contract, incident, "written", by, now)


def _meet(contract: Contract, incident: Incident, met_by: str, by: Actor, now: dt.datetime) -> None:
    for duty in _duties(contract, incident):
        if duty.met_by == met_by:
            meet_event(contract, duty.duty, ref=_ref(incident), at=now, by=by, now=now)


def _duties(contract: Contract, incident: Incident) -> list[IncidentDuty]:
    return duties_of(contract.profile.incidents, incident.kind, grave=incident.seriousness == Seriousness.GRAVE)


def _ref(incident: Incident) -> str:
    return f"incident:{incident.pk}"
