"""The history of a booking: one line per deed, with the kind of actor, the channel, and what was before and after."""

from __future__ import annotations

import datetime as dt
from typing import Any

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import Actor

from ..enums import EventKind
from ..models import Event


def write_line(
    contract: Contract,
    booking_id: int,
    kind: EventKind,
    *,
    by: Actor,
    now: dt.datetime,
    change: dict[str, Any] | None = None,
    sealed: bytes | None = None,
) -> Event:
    """Add one line inside the running transaction. ``change`` maps a field to ``[before, after]`` and holds no personal data."""
    return Event.objects.create(
        contract=contract,
        booking_id=booking_id,
        at=now,
        kind=kind,
        actor_kind=by.kind,
        channel=by.channel,
        actor=by.ref,
        actor_label=by.label,
        change=change or {},
        sealed=sealed,
    )
