"""What a resident sees of the own booking: opened once, in a constant number of queries."""

from __future__ import annotations

import datetime as dt
import hmac
from dataclasses import dataclass
from typing import Any

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import keyring

from ..enums import LIVE, EventKind, State
from ..models import Affected, Attendee, Booking, Event
from ..party import CONTACT, PERSON, Contact, Person


@dataclass(frozen=True)
class Companion:
    """One person of the party: procedure code and legal name, time of the visit, opened details (None once erased)."""

    id: int
    position: int
    procedure: str
    legal_name: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    person: Person | None


@dataclass(frozen=True)
class HistoryLine:
    """One line of the history without personal data: ``change`` is ``{"field": [before, after]}``."""

    at: dt.datetime
    kind: str
    actor_kind: str
    change: dict[str, Any]


@dataclass(frozen=True)
class ResidentBooking:
    """A booking as its owner sees it. Times are local (Japan). ``contact`` is None for a hold and after erasure.

    ``affected``: a change of slots broke it, and nobody has settled that yet; ``affected_reason`` is what staff gave as the
    reason, in Japanese, or empty; ``reached``: notices reach the party by mail, short message or LINE; ``by_line``: by LINE.
    """

    id: int
    code: str
    state: str
    version: int
    site: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    language: str
    hold_expires_at: dt.datetime | None
    arrived: bool
    no_show: bool
    erased: bool
    people: tuple[Companion, ...]
    contact: Contact | None
    history: tuple[HistoryLine, ...]
    affected: bool
    affected_reason: str
    reached: bool
    by_line: bool

    @property
    def is_live(self) -> bool:
        """Held or booked: its places are taken."""
        return self.state in LIVE

    @property
    def procedures(self) -> list[str]:
        """Procedure codes in the order of the party."""
        return [companion.procedure for companion in self.people]


SHOWN_EVENTS = (
    EventKind.CREATED,
    EventKind.CHANGED,
    EventKind.MOVED,
    EventKind.ADDED,
    EventKind.REMOVED,
    EventKind.CANCELLED,
    EventKind.ATTENDED,
    EventKind.NO_SHOW,
    EventKind.AFFECTED,
)


def resident_booking(contract: Contract, code: str) -> ResidentBooking | None:
    """The booking of a code with people, contact and history (inside the scope; four queries), or None."""
    try:
        booking = Booking.objects.select_related("site").get(code=code)
    except Booking.DoesNotExist:
        return None
    ring = keyring(contract)
    people = tuple(
        Companion(
            id=row.pk,
            position=row.position,
            procedure=row.procedure.code,
            legal_name=row.procedure.legal_name,
            starts_at=row.starts_at.astimezone(JST),
            ends_at=row.ends_at.astimezone(JST),
            person=Person(ring.unseal_json(PERSON, row.person)) if row.person else None,
        )
        for row in Attendee.objects.filter(booking=booking).select_related("procedure").order_by("position")
    )
    history = tuple(
        HistoryLine(row.at.astimezone(JST), row.kind, row.actor_kind, row.change)
        for row in Event.objects.filter(booking=booking, kind__in=SHOWN_EVENTS).order_by("id")
    )
    reason = Affected.objects.filter(booking=booking, settled_at=None).values_list("reason", flat=True).first()
    return ResidentBooking(
        id=booking.pk,
        code=booking.code,
        state=booking.state,
        version=booking.version,
        site=booking.site.code,
        starts_at=booking.starts_at.astimezone(JST),
        ends_at=booking.ends_at.astimezone(JST),
        language=booking.language,
        hold_expires_at=booking.hold_expires_at.astimezone(JST) if booking.hold_expires_at else None,
        arrived=booking.arrived_at is not None,
        no_show=booking.no_show,
        erased=booking.erased_at is not None,
        people=people,
        contact=Contact(ring.unseal_json(CONTACT, booking.contact)) if booking.contact else None,
        history=history,
        affected=reason is not None,
        affected_reason=reason or "",
        reached=booking.medium is not None,
        by_line=booking.line_index is not None,
    )


@dataclass(frozen=True)
class HoldState:
    """State of a hold by its code: what it became, when it ends, and when each of its people comes."""

    id: int
    state: str
    expires_at: dt.datetime | None
    times: tuple[tuple[dt.datetime, dt.datetime], ...]


def hold_state(code: str) -> HoldState | None:
    """How a hold stands now (inside the scope); None for a code that does not exist."""
    row = Booking.objects.filter(code=code).values_list("pk", "state", "hold_expires_at").first()
    if row is None:
        return None
    times = Attendee.objects.filter(booking_id=row[0]).order_by("position").values_list("starts_at", "ends_at")
    return HoldState(
        row[0],
        row[1],
        row[2].astimezone(JST) if row[2] else None,
        tuple((starts.astimezone(JST), ends.astimezone(JST)) for starts, ends in times),
    )


def code_for_phone(contract: Contract, code: str, phone: str) -> str | None:
    """The code itself when a confirmed booking has it and was made with this phone number (digits); else None.

    A code that does not exist costs the same work as a wrong phone number.
    """
    row = (
        Booking.objects.filter(code=code)
        .exclude(state__in=(State.HELD, State.EXPIRED))
        .values_list("phone_index", flat=True)
        .first()
    )
    wanted = keyring(contract).blind("phone", phone)
    return code if hmac.compare_digest(bytes(row or b"\0" * len(wanted)), wanted) else None
