"""Remarks of staff on a booking: a note of what was said, why places were given beyond the plan, why a notice number was not checked."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from django.db import transaction

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.privacy.sealing import keyring

from ..enums import EventKind
from ..models import Event
from ..party import EVENT
from .history import write_line
from .reserve import lock_booking


@transaction.atomic
def remark(
    contract: Contract,
    code: str,
    *,
    text: str,
    by: Actor,
    now: dt.datetime,
    kind: Literal["note", "over_reason", "notice_reason"] = "note",
) -> Event:
    """Add a line to the history; the text is sealed and erased with the booking's personal data.

    Raises ``Booking.DoesNotExist``.
    """
    with contract_scope(contract):
        booking = lock_booking(code)
        event = write_line(
            contract,
            booking.pk,
            EventKind.CHANGED,
            by=by,
            now=now,
            change={"personal": [None, [kind]]},
            sealed=keyring(contract).seal_json(EVENT, {kind: [None, text]}),
        )
        audit.record(contract, "booking.changed", f"booking:{booking.pk}", by=by, now=now, what=kind)
        return event
