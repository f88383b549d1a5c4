"""New reservations: direct ones, holds, and their confirmation."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from pydantic_core import to_json

from madoguchi.domain.notices import sms
from madoguchi.domain.notices.models import Kind, Message
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import phones
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import Keyring, keyring
from madoguchi.ground.worklog import services as worklog

from .. import availability, rules
from ..batch import batcher, write
from ..enums import EventKind, State
from ..errors import Refused
from ..models import Attendee, Booking, Event
from ..party import CONTACT, PERSON, Contact, Person
from ..rules import Refusal
from .history import write_line

TRIES = 3


@dataclass(frozen=True)
class Reservation:
    """What is asked for: a party of people, each with a procedure, at one time and site.

    ``people`` holds (procedure code, person or None for a hold). ``key`` makes the request idempotent: the same key never
    books twice. ``over`` needs the right to over-book, which the caller has checked.
    """

    site: str
    starts_at: dt.datetime
    people: Sequence[tuple[str, Person | None]]
    contact: Contact | None
    language: str
    key: str
    over: bool = False


@dataclass(frozen=True)
class Reserved:
    """A stored reservation. ``replayed`` is true when the same key had already made it."""

    code: str
    id: int
    starts_at: dt.datetime
    replayed: bool
    hold_expires_at: dt.datetime | None = None


@dataclass
class Prepared:
    doc: dict[str, Any]
    starts_at: dt.datetime
    hold: dt.datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def reserve(contract: Contract, wanted: Reservation, *, by: Actor, now: dt.datetime, hold: bool = False) -> Reserved:
    """Claim the places and write everything that belongs to the deed, or nothing.

    With ``hold`` the reservation expires after the contract's time for typing unless it is confirmed.
    Raises ``Refused`` (full, outside the window, too many people, the key used for something else), ``Unknown`` for a site or
    procedure that does not exist, ``Busy`` or ``Unsure`` from the group commit.
    """
    for attempt in range(TRIES):
        try:
            prepared = prepare(contract, wanted, by=by, now=now, hold=hold, fresh=attempt > 0)
        except Refused as refused:
            if refused.reason is Refusal.FULL and attempt == 0:
                continue  # the grid may be a moment old
            made = _made_before(contract, wanted)
            if made is None:
                raise
            return made
        try:
            if settings.GROUP_COMMIT and not connection.in_atomic_block:
                outcome = batcher.submit(contract.pk, (now, prepared.doc))
            else:
                with contract_scope(contract):
                    outcome = write(contract.pk, now, [prepared.doc], lane=audit.LANE_DEEDS)[0]
        except IntegrityError:
            if attempt == TRIES - 1:
                raise
            continue  # the same key was committed elsewhere at this moment: ask again, and it answers
        if outcome.outcome == "full":
            if attempt == 0:
                release_expired(contract, now=now, slots=_slots_of(prepared.doc))
            continue
        if outcome.outcome == "replayed" and outcome.fingerprint != prepared.doc["print"]:
            raise Refused(Refusal.KEY_REUSED)
        assert outcome.id is not None
        return Reserved(outcome.code, outcome.id, prepared.starts_at, outcome.outcome == "replayed", prepared.hold)
    raise Refused(Refusal.FULL)


def _made_before(contract: Contract, wanted: Reservation) -> Reserved | None:
    """What this key made earlier, when the same request would be refused by now (the day closed, the window passed)."""
    with contract_scope(contract):
        row = Booking.objects.filter(idempotency_key=wanted.key).first()
    if row is None:
        return None
    if bytes(row.fingerprint) != _fingerprint(keyring(contract), wanted):
        raise Refused(Refusal.KEY_REUSED)
    return Reserved(row.code, row.pk, row.starts_at.astimezone(JST), True, row.hold_expires_at)


def _slots_of(doc: dict[str, Any]) -> list[int]:
    return sorted({slot for person in doc["people"] for slot in person["slots"]})


def _fingerprint(ring: Keyring, wanted: Reservation) -> bytes:
    said = [
        wanted.site,
        wanted.starts_at.timestamp(),
        [[code, person.as_dict() if person else None] for code, person in wanted.people],
        wanted.contact.as_dict() if wanted.contact else None,
    ]
    return ring.blind("request", hashlib.sha256(to_json(said)).hexdigest())


def check_window(contract: Contract, moment: dt.datetime, *, by: Actor, now: dt.datetime) -> None:
    """Raises ``Refused`` when a visit at ``moment`` may not be booked by this party now."""
    window = contract.profile.booking.window
    local = moment.astimezone(JST)
    lead = window.staff_lead if by.is_staff else window.web_lead
    rule = rules.WindowRule(window.open_days_ahead, window.opens_at)
    refusal = rules.may_book(local, now=now, window=rule, latest=lead.latest(local), staff=by.is_staff)
    if refusal:
        raise Refused(refusal)


def prepare(
    contract: Contract, wanted: Reservation, *, by: Actor, now: dt.datetime, hold: bool, fresh: bool
) -> Prepared:
    booking = contract.profile.booking
    if not wanted.people:
        raise Refused(Refusal.NO_PEOPLE)
    if len(wanted.people) > booking.max_people and not by.is_staff:
        raise Refused(Refusal.TOO_MANY_PEOPLE)
    check_window(contract, wanted.starts_at, by=by, now=now)
    site = availability.site_plan(contract, wanted.site)
    codes = [code for code, _ in wanted.people]
    needs = site.needs(codes)
    grid = availability.grid_for(contract, site.id, wanted.starts_at, by=by, now=now, fresh=fresh)
    start = int(wanted.starts_at.timestamp())
    visits = rules.fit(grid, needs, start, spread=booking.spread)
    if visits is None and (wanted.over or not fresh):
        # The grid may be a moment old; claim optimistically side by side, the database decides.
        visits = rules.fit(grid, needs, start, spread=0, over=True)
    if visits is None:
        raise Refused(Refusal.FULL)
    deadline = rules.hold_deadline(now, booking.hold_minutes) if hold else None
    doc = document(contract, wanted, site, visits, deadline=deadline, by=by)
    return Prepared(doc, dt.datetime.fromisoformat(doc["starts"]).astimezone(JST), deadline)


def document(
    contract: Contract,
    wanted: Reservation,
    site: availability.SitePlan,
    visits: Sequence[rules.Visit],
    *,
    deadline: dt.datetime | None,
    by: Actor,
) -> dict[str, Any]:
    """What ``booking_reserve_many`` writes for a party placed at ``visits``; with ``deadline`` a hold until then."""
    ring = keyring(contract)
    contact = wanted.contact
    codes = [code for code, _ in wanted.people]
    starts = dt.datetime.fromtimestamp(min(v.starts for v in visits), JST)
    ends = dt.datetime.fromtimestamp(max(v.ends for v in visits), JST)
    people = []
    for (code, person), visit in zip(wanted.people, visits, strict=True):
        people.append(
            {
                "procedure": site.procedures[code].id,
                "code": code,
                "starts": dt.datetime.fromtimestamp(visit.starts, JST).isoformat(),
                "ends": dt.datetime.fromtimestamp(visit.ends, JST).isoformat(),
                "person": ring.seal_json(PERSON, person.as_dict()).hex() if person else None,
                "index": _hex(person.index(ring)) if person else None,
                "slots": list(visit.slots),
            }
        )
    return {
        "code": rules.new_code(),
        "state": State.HELD if deadline else State.BOOKED,
        "site": site.id,
        "site_code": site.code,
        "starts": starts.isoformat(),
        "ends": ends.isoformat(),
        "n": len(people),
        "channel": by.channel,
        "kind": by.kind,
        "ref": by.ref,
        "label": by.label,
        "lang": wanted.language,
        "contact": ring.seal_json(CONTACT, contact.as_dict()).hex() if contact else None,
        "phone": _hex(contact.phone_index(ring)) if contact else None,
        "mail": _hex(contact.mail_index(ring)) if contact else None,
        "has_mail": bool(contact and contact.email),
        "by_sms": bool(contact and takes_sms(contract, contact)),
        "key": wanted.key,
        "print": _fingerprint(ring, wanted).hex(),
        "hold": deadline.isoformat() if deadline else None,
        "over": wanted.over,
        "share": rules.share_of(by.channel),
        "change": {"starts_at": [None, starts.isoformat()], "procedures": [None, codes]},
        "people": people,
    }


def _hex(value: bytes | None) -> str | None:
    return value.hex() if value is not None else None


def lock_booking(code: str) -> Booking:
    """The booking of a code, locked before its slots (inside the scope). Raises ``Booking.DoesNotExist``."""
    return Booking.objects.select_for_update(of=("self",), no_key=True).select_related("site").get(code=code)


def release_expired(
    contract: Contract, *, now: dt.datetime, slots: Sequence[int] | None = None, limit: int = 200
) -> int:
    """End holds whose time is over and give their places back, and those that rested long enough; with ``slots`` only there.

    Holds being confirmed at this moment are skipped. Returns how many holds ended.
    """
    from .change import give_back, wake

    with contract_scope(contract):
        wake(contract, now=now, slots=slots)
        held = Booking.objects.filter(state=State.HELD, hold_expires_at__lte=now)
        if slots is not None:
            held = held.filter(pk__in=_bookings_on(slots))
        rows = list(
            held.select_for_update(of=("self",), no_key=True, skip_locked=True)
            .order_by("pk")
            .values_list("pk", flat=True)[:limit]
        )
        if not rows:
            return 0
        give_back(contract, rows, now=now)
        Booking.objects.filter(pk__in=rows).update(state=State.EXPIRED)
        Event.objects.bulk_create(
            [
                Event(
                    contract=contract, booking_id=pk, at=now, kind=EventKind.EXPIRED, actor_kind="system", channel="web"
                )
                for pk in rows
            ]
        )
        return len(rows)


def _bookings_on(slots: Sequence[int]) -> list[int]:
    from ..models import Claim

    found = Claim.objects.filter(slot_id__in=slots, attendee__booking__state=State.HELD)
    return list(found.values_list("attendee__booking_id", flat=True).distinct())


@transaction.atomic
def confirm_hold(
    contract: Contract,
    code: str,
    *,
    people: Sequence[Person],
    contact: Contact,
    language: str,
    by: Actor,
    now: dt.datetime,
    twin_seen: bool = False,
) -> Booking:
    """Make a hold a booking with the details typed meanwhile. Asking twice answers the same booking.

    A hold past its time is still confirmed as long as nobody has taken the places back. Residents are held to the contract's limits:
    so many coming bookings of one phone number, and a second one of the same person only when they know of the first
    (``twin_seen``), or never (``booking.duplicates``). Raises ``Refused``.
    """
    with contract_scope(contract):
        booking = lock_booking(code)
        if booking.state == State.BOOKED:
            return booking
        if booking.state != State.HELD:
            raise Refused(Refusal.HOLD_EXPIRED)
        ring = keyring(contract)
        attendees = list(Attendee.objects.filter(booking=booking).select_related("procedure").order_by("position"))
        if len(attendees) != len(people):
            raise Refused(Refusal.STALE)
        if not by.is_staff:
            check_limits(contract, people, contact, now=now, twin_seen=twin_seen)
        for attendee, person in zip(attendees, people, strict=True):
            attendee.person = ring.seal_json(PERSON, person.as_dict())
            attendee.person_index = person.index(ring)
        Attendee.objects.bulk_update(attendees, ["person", "person_index"])
        booking.state = State.BOOKED
        booking.hold_expires_at = None
        booking.contact = ring.seal_json(CONTACT, contact.as_dict())
        booking.phone_index = contact.phone_index(ring)
        booking.mail_index = contact.mail_index(ring)
        booking.has_mail, booking.by_sms = bool(contact.email), takes_sms(contract, contact)
        booking.language = language
        booking.version += 1
        booking.save()
        write_line(
            contract,
            booking.pk,
            EventKind.CREATED,
            by=by,
            now=now,
            change={
                "starts_at": [None, booking.starts_at.astimezone(JST).isoformat()],
                "procedures": [None, [a.procedure.code for a in attendees]],
            },
        )
        note_facts(contract, booking, "booking.created", attendees, by=by, now=now)
        tell(contract, booking, Kind.CREATED, now=now)
        audit.record(contract, "booking.created", f"booking:{booking.pk}", by=by, now=now, people=len(people))
    return booking


def check_limits(
    contract: Contract, people: Sequence[Person], contact: Contact, *, now: dt.datetime, twin_seen: bool
) -> None:
    """Raises ``Refused`` when this phone number has too many coming bookings, or one of these persons has one already.

    Bookings of one phone number are confirmed one after another (a lock of the transaction), so that the limit holds in a race.
    """
    rule = contract.profile.booking
    ring = keyring(contract)
    phone = contact.phone_index(ring)
    if phone is None:
        return
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, %s))", [phone.hex(), contract.pk])
    coming = Booking.objects.filter(state=State.BOOKED, phone_index=phone, starts_at__gt=now)
    if coming.count() >= rule.max_active_per_phone:
        raise Refused(Refusal.TOO_MANY_BOOKINGS, most=rule.max_active_per_phone)
    if rule.duplicates == "allow" or (rule.duplicates == "warn" and twin_seen):
        return
    indexes = [index for index in (person.index(ring) for person in people) if index]
    if Attendee.objects.filter(booking__in=coming, person_index__in=indexes).exists():
        raise Refused(Refusal.TWIN)


def note_facts(
    contract: Contract, booking: Booking, kind: str, attendees: Sequence[Attendee], *, by: Actor, now: dt.datetime
) -> None:
    """One fact per procedure of the party."""
    counts: dict[str, int] = {}
    for attendee in attendees:
        counts[attendee.procedure.code] = counts.get(attendee.procedure.code, 0) + 1
    for procedure, quantity in counts.items():
        worklog.note(
            contract,
            kind,
            by=by,
            now=now,
            ref=f"booking:{booking.pk}",
            site=booking.site.code,
            procedure=procedure,
            quantity=quantity,
            language=booking.language,
        )


def takes_sms(contract: Contract, contact: Contact) -> bool:
    """Whether the party is told by short message: no mail address, a mobile number, and the contract offers it."""
    return not contact.email and phones.is_mobile(contact.phone) and sms.offered(contract)


def tell(
    contract: Contract, booking: Booking, kind: Kind, *, now: dt.datetime, due: dt.datetime | None = None
) -> Model | None:
    """Queue a notice about a booking in the running transaction; None when only the telephone reaches the resident."""
    if booking.medium is None:
        return None
    return Message.objects.create(
        contract=contract,
        ref=f"booking:{booking.pk}",
        kind=kind,
        medium=booking.medium,
        language=booking.language,
        state=Message.State.QUEUED,
        due_at=due or now,
        created_at=now,
        detail=booking.notice_detail,
    )
