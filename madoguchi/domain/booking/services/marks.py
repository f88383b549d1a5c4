"""The day itself: who came, who did not, who came without a booking; and the log of bookings made on a city's own site."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db import transaction

from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.worklog import services as worklog

from ..enums import EventKind, State, WalkInOutcome
from ..errors import Refused
from ..models import Attendee, Booking, ExternalLog, WalkIn
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


MOST_PEOPLE = 20


def record_walk_in(
    contract: Contract,
    *,
    site: str,
    people: Mapping[str, int],
    language: str,
    outcome: WalkInOutcome,
    by: Actor,
    now: dt.datetime,
) -> WalkIn:
    """A party came without a booking: ``people`` is procedure code → how many. One fact per procedure, with the outcome.

    Raises ``ValueError`` for nobody or too many, ``DoesNotExist`` for an unknown site or procedure.
    """
    wanted = {code: n for code, n in people.items() if n}
    if not wanted or not all(0 < n <= MOST_PEOPLE for n in wanted.values()):
        raise ValueError(f"a walk-in has 1 to {MOST_PEOPLE} people per procedure")
    with contract_scope(contract):
        known = set(Procedure.objects.filter(code__in=wanted).values_list("code", flat=True))
        if unknown := sorted(wanted.keys() - known):
            raise Procedure.DoesNotExist(f"no procedure {', '.join(unknown)}")
        row = WalkIn.objects.create(
            contract=contract,
            site=Site.objects.get(code=site),
            at=now,
            people=wanted,
            language=language,
            outcome=outcome,
            created_by=by.label,
        )
        _walk_in_facts(contract, row, 1, by=by, now=now)
        audit.record(
            contract, "walk_in.recorded", f"walk_in:{row.pk}", by=by, now=now, site=site, people=wanted, outcome=str(outcome)
        )  # fmt: skip
        return row


@transaction.atomic
def withdraw_walk_in(contract: Contract, pk: int, *, by: Actor, now: dt.datetime) -> None:
    """Take a wrong entry back: its facts are balanced by negative ones. Raises ``WalkIn.DoesNotExist``."""
    with contract_scope(contract):
        row = WalkIn.objects.select_for_update(of=("self",)).select_related("site").get(pk=pk, withdrawn_at=None)
        row.withdrawn_at = now
        row.save(update_fields=["withdrawn_at"])
        _walk_in_facts(contract, row, -1, by=by, now=now)
        audit.record(contract, "walk_in.withdrawn", f"walk_in:{pk}", by=by, now=now)


def _walk_in_facts(contract: Contract, row: WalkIn, sign: int, *, by: Actor, now: dt.datetime) -> None:
    for code, n in row.people.items():
        worklog.note(
            contract, "visit.walk_in", by=by, now=now, ref=f"walk_in:{row.pk}", site=row.site.code, procedure=code,
            quantity=sign * n, language=row.language, outcome=row.outcome,
        )  # fmt: skip


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
