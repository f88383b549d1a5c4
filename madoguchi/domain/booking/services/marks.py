"""The day itself: who came, who did not; and the log of bookings made on a city's own site."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.worklog import services as worklog

from ..enums import EventKind, State
from ..errors import Refused
from ..models import Attendee, Booking, ExternalLog
from ..rules import Refusal
from .history import write_line
from .reserve import lock_booking, note_facts


@transaction.atomic
def mark_arrived(contract: Contract, code: str, *, by: Actor, now: dt.datetime) -> Booking:
    """The party is here. Marking twice changes nothing. Raises ``Refused`` when the booking is not live."""
    return _mark(contract, code, arrived=True, by=by, now=now)


@transaction.atomic
def mark_no_show(contract: Contract, code: str, *, by: Actor, now: dt.datetime) -> Booking:
    """Nobody came. May be set from the beginning of the visit on. Raises ``Refused``."""
    return _mark(contract, code, arrived=False, by=by, now=now)


def _mark(contract: Contract, code: str, *, arrived: bool, by: Actor, now: dt.datetime) -> Booking:
    with contract_scope(contract):
        booking = lock_booking(code)
        if booking.state != State.BOOKED:
            raise Refused(Refusal.NOT_LIVE)
        if not arrived and now < booking.starts_at:
            raise Refused(Refusal.NOT_BEGUN)
        if (booking.arrived_at is not None) if arrived else booking.no_show:
            return booking
        booking.arrived_at = now if arrived else None
        booking.no_show = not arrived
        booking.version += 1
        booking.save(update_fields=["arrived_at", "no_show", "version"])
        write_line(
            contract,
            booking.pk,
            EventKind.ATTENDED if arrived else EventKind.NO_SHOW,
            by=by,
            now=now,
        )
        attendees = list(Attendee.objects.filter(booking=booking).select_related("procedure"))
        note_facts(contract, booking, "booking.attended" if arrived else "booking.no_show", attendees, by=by, now=now)
        action = "booking.arrived" if arrived else "booking.no_show"
        audit.record(contract, action, f"booking:{booking.pk}", by=by, now=now)
        return booking


@transaction.atomic
def log_external(
    contract: Contract,
    *,
    kind: str,
    procedure: str,
    visit_date: dt.date | None,
    reference: str,
    people: int,
    note: str,
    by: Actor,
    now: dt.datetime,
) -> ExternalLog:
    """Record that a booking was made, changed or cancelled on the city's own site on a resident's behalf. No personal data."""
    with contract_scope(contract):
        row = ExternalLog.objects.create(
            contract=contract,
            at=now,
            kind=kind,
            procedure=Procedure.objects.get(code=procedure),
            visit_date=visit_date,
            reference=reference,
            people=people,
            actor=by.ref,
            note=note,
        )
        worklog.note(
            contract,
            f"booking.external_{kind}",
            by=by,
            now=now,
            ref=f"external:{row.pk}",
            procedure=procedure,
            quantity=people,
        )
        audit.record(contract, "external.logged", f"external:{row.pk}", by=by, now=now, kind=kind, procedure=procedure)
        return row
