"""Linking a booking to a LINE account: a one-time code from the booking's page, sent to the city's official account."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from madoguchi.domain.notices import line
from madoguchi.domain.notices import services as notices
from madoguchi.domain.notices.models import Medium
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.privacy.sealing import keyring

from .. import rules
from ..enums import State
from ..errors import Refused
from ..models import Booking, LineCode
from ..party import LINE
from ..rules import Refusal
from .reserve import lock_booking

CODE_LASTS = dt.timedelta(minutes=30)
CODE, USER = "line-code", "line-user"


@transaction.atomic
def ask(contract: Contract, code: str, *, by: Actor, now: dt.datetime) -> str:
    """A new code for the booking ``code``; one given before counts no more. Raises ``Refused`` when the booking is not live."""
    with contract_scope(contract):
        booking = lock_booking(code)
        if booking.state != State.BOOKED or not line.offered(contract):
            raise Refused(Refusal.NOT_LIVE)
        said = rules.new_code()
        values = {"index": keyring(contract).blind(CODE, said), "expires_at": now + CODE_LASTS}
        LineCode.objects.update_or_create(contract=contract, booking=booking, defaults=values)
        audit.record(contract, "line.asked", f"booking:{booking.pk}", by=by, now=now)
        return said


@transaction.atomic
def link(contract: Contract, said: str, user: str, *, by: Actor, now: dt.datetime) -> Booking | None:
    """Link the booking whose code was ``said`` to a LINE user; None for a code that is wrong, used or too old."""
    with contract_scope(contract):
        ring = keyring(contract)
        index = ring.blind(CODE, rules.read_code(said))
        code = LineCode.objects.filter(index=index, expires_at__gt=now).values_list("booking__code", flat=True).first()
        if code is None:
            return None
        booking = lock_booking(code)
        used, _ = LineCode.objects.filter(booking=booking, index=index).delete()
        if not used or booking.state != State.BOOKED:
            return None
        booking.line = ring.seal(LINE, user.encode())
        booking.line_index = ring.blind(USER, user)
        booking.save(update_fields=["line", "line_index"])
        audit.record(contract, "line.linked", f"booking:{booking.pk}", by=by, now=now)
        return booking


@transaction.atomic
def unlink(contract: Contract, code: str, *, by: Actor, now: dt.datetime) -> None:
    """The booking is told by its other way again. Doing it twice changes nothing."""
    with contract_scope(contract):
        _unlink(contract, lock_booking(code), by=by, now=now)


@transaction.atomic
def unlink_user(contract: Contract, user: str, *, by: Actor, now: dt.datetime) -> list[Booking]:
    """Unlink every booking of a LINE user, who blocked the account or asked for it; which ones."""
    with contract_scope(contract):
        mine = Booking.objects.filter(line_index=keyring(contract).blind(USER, user)).order_by("pk")
        bookings = list(mine.select_for_update(of=("self",), no_key=True))
        for booking in bookings:
            _unlink(contract, booking, by=by, now=now)
        return bookings


def _unlink(contract: Contract, booking: Booking, *, by: Actor, now: dt.datetime) -> None:
    if booking.line_index is None:
        return
    booking.line = booking.line_index = None
    booking.save(update_fields=["line", "line_index"])
    notices.reroute(contract, ref=f"booking:{booking.pk}", medium=Medium.LINE, to=booking.second_medium)
    audit.record(contract, "line.unlinked", f"booking:{booking.pk}", by=by, now=now)
