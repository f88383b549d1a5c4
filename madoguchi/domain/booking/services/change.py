"""Deeds on a booking that exists: move, add, remove, edit, cancel. Only the difference of places is claimed, in one step."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from madoguchi.domain.notices.models import Kind, Message
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import keyring

from .. import availability, rules
from ..enums import LIVE, EventKind, State
from ..errors import Refused
from ..models import Affected, Attendee, Booking, Claim, Rest, Slot, Waiting
from ..party import CONTACT, EVENT, PERSON, Contact, Person
from ..rules import Refusal
from .history import write_line
from .reserve import TRIES, check_window, lock_booking, note_facts, takes_sms, tell


@dataclass(frozen=True)
class Member:
    """One person of the party as it shall be: an attendee that stays (``id``) or a new one (None).

    ``person`` None keeps the details of one that stays.
    """

    id: int | None
    procedure: str
    person: Person | None = None


Places = Mapping[tuple[int, int], int]
"""Net change of places by (slot, contingent)."""

FIRST_PICK = dt.timedelta(minutes=2)
"""How long places given back rest while somebody waits for an earlier time, so that the list is asked before the public."""


def take(contract: Contract, change: Places, *, now: dt.datetime, over: bool = False) -> bool:
    """Change the taken places of slots by one deed through ``booking_take``; False when a slot has no place left."""
    rows = sorted(change.items())
    with connection.cursor() as cursor:
        cursor.execute(
            "select booking_take(%s::smallint, %s, %s::int[], %s::bigint[], %s::int[], %s::int[], %s::boolean[])",
            [
                contract.pk,
                now,
                [1] * len(rows),
                [slot for (slot, _), _ in rows],
                [share for (_, share), _ in rows],
                [n for _, n in rows],
                [over],
            ],
        )
        return bool(cursor.fetchone()[0][0])


def give_back(contract: Contract, bookings: Sequence[int], *, now: dt.datetime, rest: bool = False) -> None:
    """Return every place of these locked bookings and drop their claims; with ``rest`` as the contract lets places rest."""
    attendees = list(Attendee.objects.filter(booking_id__in=bookings).order_by().values_list("pk", flat=True))
    claims = list(Claim.objects.filter(attendee_id__in=attendees).order_by().values_list("pk", "slot_id", "share"))
    if not claims:
        return
    back = {key: -n for key, n in Counter((slot, share) for _, slot, share in claims).items()}
    rests: list[Rest] = []
    if rest:
        back, rests = part_rests(contract, back, now=now)
    if back:
        take(contract, back, now=now)
    Rest.objects.bulk_create(rests)
    Claim.objects.filter(pk__in=[pk for pk, _, _ in claims]).delete()


def resting_time(contract: Contract) -> dt.timedelta:
    """How long places given back now stay out of sight: the contract's time, and a moment while somebody waits for one."""
    rule = contract.profile.booking
    rest = dt.timedelta(minutes=rule.rest_minutes)
    if rest < FIRST_PICK and rule.waiting.enabled and Waiting.objects.filter(ended_at=None).exists():
        return FIRST_PICK
    return rest


def part_rests(contract: Contract, change: Places, *, now: dt.datetime) -> tuple[dict[tuple[int, int], int], list[Rest]]:
    """``change`` without the places that shall rest, and the rests to be written once the change is made.

    Only places rest that the public would get: a closed, cut or over-booked slot has nothing to give, and a visit that is near
    is open at once.
    """
    lost = {key: -n for key, n in change.items() if n < 0}
    time = resting_time(contract) if lost else dt.timedelta()
    if not time:
        return dict(change), []
    useful = set(
        Slot.objects.filter(pk__in={slot for slot, _ in lost}, closed=False, taken__lte=F("planned"))
        .filter(starts_at__gt=now + time)
        .values_list("pk", flat=True)
    )
    rests = [
        Rest(contract=contract, slot_id=slot, share=share, places=n, until=now + time)
        for (slot, share), n in sorted(lost.items())
        if slot in useful
    ]
    return {(slot, share): n for (slot, share), n in change.items() if n > 0 or slot not in useful}, rests


def wake(contract: Contract, *, now: dt.datetime, slots: Sequence[int] | None = None) -> None:
    """Open the places to all that have rested long enough (inside the scope)."""
    over = Rest.objects.filter(until__lte=now)
    if slots is not None:
        over = over.filter(slot_id__in=slots)
    rows = list(over.select_for_update(skip_locked=True, of=("self",)).order_by("pk"))
    if rows:
        back: Counter[tuple[int, int]] = Counter()
        for row in rows:
            back[row.slot_id, row.share] -= row.places
        take(contract, back, now=now)
        Rest.objects.filter(pk__in=[row.pk for row in rows]).delete()


def check_deadline(contract: Contract, booking: Booking, *, by: Actor, now: dt.datetime, cancelling: bool) -> None:
    """Residents may change or cancel until the contract's cut-off; staff until the visit is over. Raises ``Refused``.

    A party whose time the city could not keep may choose another one for two weeks after it (``rules.AFFECTED_GRACE``).
    """
    if booking.state not in LIVE:
        raise Refused(Refusal.NOT_LIVE)
    window = contract.profile.booking.window
    visit = booking.starts_at.astimezone(JST)
    latest = (
        booking.ends_at if by.is_staff else (window.cancel_until if cancelling else window.change_until).latest(visit)
    )
    if now <= latest:
        return
    if now <= booking.ends_at + rules.AFFECTED_GRACE and Affected.objects.filter(booking=booking, settled_at=None).exists():
        return
    raise Refused(Refusal.TOO_LATE)


def revise(
    contract: Contract,
    code: str,
    *,
    members: Sequence[Member],
    starts_at: dt.datetime,
    by: Actor,
    now: dt.datetime,
    version: int | None = None,
    over: bool = False,
) -> Booking:
    """Bring a booking to another time, party or set of procedures: all of it, or nothing.

    ``version`` is what the caller saw; a booking changed meanwhile raises ``Refused(STALE)``. Raises ``Refused`` when the
    difference of places is not free, outside the window, or after the cut-off.
    """
    for _ in range(TRIES):
        done = _revise(contract, code, members, starts_at, by=by, now=now, version=version, over=over)
        if done is not None:
            return done
    raise Refused(Refusal.FULL)


@transaction.atomic
def _revise(
    contract: Contract,
    code: str,
    members: Sequence[Member],
    starts_at: dt.datetime,
    *,
    by: Actor,
    now: dt.datetime,
    version: int | None,
    over: bool,
) -> Booking | None:
    with contract_scope(contract):
        profile = contract.profile.booking
        booking = lock_booking(code)
        if version is not None and booking.version != version:
            raise Refused(Refusal.STALE)
        check_deadline(contract, booking, by=by, now=now, cancelling=False)
        if not members:
            raise Refused(Refusal.NO_PEOPLE)
        if len(members) > profile.max_people and not by.is_staff:
            raise Refused(Refusal.TOO_MANY_PEOPLE)
        if starts_at != booking.starts_at:
            check_window(contract, starts_at, by=by, now=now)
        before = {
            a.pk: a for a in Attendee.objects.filter(booking=booking).select_related("procedure").order_by("position")
        }
        if any(m.id is not None and m.id not in before for m in members):
            raise Refused(Refusal.STALE)
        held = claims_of(booking, before)
        site = availability.site_plan(contract, booking.site.code)
        needs = site.needs([m.procedure for m in members])
        freed: dict[int, int] = {}
        for slot in (slot for claims in held.values() for slot, _ in claims):
            freed[slot] = freed.get(slot, 0) + 1
        grid = availability.grid_for(contract, site.id, starts_at, by=by, now=now, fresh=True)
        start = int(starts_at.timestamp())
        same = _stay(before, held, members, starts_at == booking.starts_at)
        visits = same or rules.fit(grid, needs, start, spread=profile.spread, freed=freed)
        if visits is None and over:
            visits = rules.fit(grid, needs, start, spread=0, over=True)
        if visits is None:
            raise Refused(Refusal.FULL)
        shift = _shift(held, members, visits, by)
        change: Places = shift.change
        rests: list[Rest] = []
        if booking.state == State.BOOKED:
            change, rests = part_rests(contract, change, now=now)
        if change and not take(contract, change, now=now, over=over):
            return None
        Rest.objects.bulk_create(rests)
        more = any(n > 0 for n in change.values())
        return store(contract, booking, before, members, visits, held, shift.shares, by=by, now=now, over=over and more)


Held = dict[int, list[tuple[int, int]]]
"""What each attendee claims: (slot, contingent) in order of time."""


def claims_of(booking: Booking, attendees: Iterable[int]) -> Held:
    """What each of these attendees of the booking claims, in order of time."""
    held: Held = {pk: [] for pk in attendees}
    rows = Claim.objects.filter(attendee__booking=booking).order_by("slot__starts_at", "slot_id")
    for attendee, slot, share in rows.values_list("attendee_id", "slot_id", "share"):
        held[attendee].append((slot, share))
    return held


def _shift(held: Held, members: Sequence[Member], visits: Sequence[rules.Visit], by: Actor) -> rules.Shift:
    """Claims given up and made; those of people whose slots stay the same are not touched."""
    same = {m.id for m, v in zip(members, visits, strict=True) if m.id and _slots(held[m.id]) == v.slots}
    given = [claim for pk, claims in held.items() if pk not in same for claim in claims]
    made = [slot for m, v in zip(members, visits, strict=True) if m.id not in same for slot in v.slots]
    return rules.shift(given, made, rules.share_of(by.channel))


def _slots(claims: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    return tuple(slot for slot, _ in claims)


def _stay(
    before: Mapping[int, Attendee], held: Held, members: Sequence[Member], same_time: bool
) -> list[rules.Visit] | None:
    """Visits as they are when time and procedures of all who stay are the same; a person's place is then never shuffled.

    So a party may shrink even where its slot was closed or cut meanwhile.
    """
    if not same_time:
        return None
    visits = []
    for member in members:
        attendee = before.get(member.id or 0)
        if attendee is None or attendee.procedure.code != member.procedure:
            return None
        visits.append(
            rules.Visit(
                _slots(held[attendee.pk]), int(attendee.starts_at.timestamp()), int(attendee.ends_at.timestamp())
            )
        )
    return visits


def store(
    contract: Contract,
    booking: Booking,
    before: Mapping[int, Attendee],
    members: Sequence[Member],
    visits: Sequence[rules.Visit],
    held: Held,
    shares: Mapping[int, list[int]],
    *,
    by: Actor,
    now: dt.datetime,
    over: bool,
) -> Booking:
    """Write a party whose places were taken: people, claims, history, facts, mail, audit entry. ``shares``: see ``rules.Shift``."""
    ring = keyring(contract)
    shares = {slot: list(each) for slot, each in shares.items()}
    plans = availability.site_plan(contract, booking.site.code).procedures
    old_start, old_codes = booking.starts_at.astimezone(JST), [a.procedure.code for a in before.values()]
    staying = {m.id for m in members if m.id is not None}
    personal: dict[str, Any] = {}
    for pk, attendee in before.items():
        if pk not in staying:
            if attendee.person:
                personal[f"removed{attendee.position}"] = [ring.unseal_json(PERSON, attendee.person), None]
            attendee.delete()
    for attendee in before.values():
        if attendee.pk in staying:
            attendee.position += 1000
    Attendee.objects.bulk_update([a for a in before.values() if a.pk in staying], ["position"])
    claims = []
    for position, (member, visit) in enumerate(zip(members, visits, strict=True), start=1):
        attendee = before[member.id] if member.id is not None else Attendee(contract=contract, booking=booking)
        attendee.position = position
        attendee.procedure_id = plans[member.procedure].id
        attendee.starts_at = dt.datetime.fromtimestamp(visit.starts, JST)
        attendee.ends_at = dt.datetime.fromtimestamp(visit.ends, JST)
        if member.person is not None:
            was = ring.unseal_json(PERSON, attendee.person) if attendee.person else None
            if was != member.person.as_dict():
                personal[f"person{position}"] = [was, member.person.as_dict()]
                attendee.person = ring.seal_json(PERSON, member.person.as_dict())
                attendee.person_index = member.person.index(ring)
        attendee.save()
        if member.id is None or visit.slots != _slots(held[member.id]):
            Claim.objects.filter(attendee=attendee).delete()
            claims += [
                Claim(contract=contract, slot_id=slot, attendee=attendee, share=shares[slot].pop())
                for slot in visit.slots
            ]
    Claim.objects.bulk_create(claims)
    attendees = list(Attendee.objects.filter(booking=booking).select_related("procedure").order_by("position"))
    booking.starts_at = min(a.starts_at for a in attendees)
    booking.ends_at = max(a.ends_at for a in attendees)
    booking.people = len(attendees)
    booking.overbooked = booking.overbooked or over
    booking.erased_fields = None
    booking.version += 1
    booking.save()
    codes = [a.procedure.code for a in attendees]
    change: dict[str, Any] = {}
    if booking.starts_at != old_start:
        change["starts_at"] = [old_start.isoformat(), booking.starts_at.astimezone(JST).isoformat()]
    if codes != old_codes:
        change["procedures"] = [old_codes, codes]
    if personal:
        change["personal"] = [None, sorted(personal)]
    if "starts_at" in change:
        kind = EventKind.MOVED
        Affected.objects.filter(booking=booking, settled_at=None).update(settled_at=now, outcome="moved")
    elif len(codes) > len(old_codes):
        kind = EventKind.ADDED
    elif len(codes) < len(old_codes):
        kind = EventKind.REMOVED
    else:
        kind = EventKind.CHANGED
    write_line(
        contract,
        booking.pk,
        kind,
        by=by,
        now=now,
        change=change,
        sealed=ring.seal_json(EVENT, personal) if personal else None,
    )
    if booking.state == State.BOOKED:
        note_facts(contract, booking, "booking.changed", attendees, by=by, now=now)
        if "starts_at" in change:
            _drop_reminders(booking)
        tell(contract, booking, Kind.CHANGED, now=now)
    audit.record(
        contract,
        "booking.changed",
        f"booking:{booking.pk}",
        by=by,
        now=now,
        what=kind,
        **{k: v for k, v in change.items() if k != "personal"},
    )
    return booking


def _drop_reminders(booking: Booking) -> None:
    Message.objects.filter(ref=f"booking:{booking.pk}", kind=Kind.REMINDER, state=Message.State.QUEUED).update(
        state=Message.State.DROPPED
    )


@transaction.atomic
def edit_contact(contract: Contract, code: str, *, contact: Contact, by: Actor, now: dt.datetime) -> Booking:
    """Change phone, mail, address or needs. Raises ``Refused``."""
    with contract_scope(contract):
        booking = lock_booking(code)
        check_deadline(contract, booking, by=by, now=now, cancelling=False)
        ring = keyring(contract)
        was = ring.unseal_json(CONTACT, booking.contact) if booking.contact else {}
        new = contact.as_dict()
        if was == new:
            return booking
        booking.contact = ring.seal_json(CONTACT, new)
        booking.phone_index = contact.phone_index(ring)
        booking.mail_index = contact.mail_index(ring)
        booking.has_mail, booking.by_sms = bool(contact.email), takes_sms(contract, contact)
        booking.erased_fields = None
        booking.version += 1
        booking.save()
        changed = sorted(k for k in {*was, *new} if was.get(k) != new.get(k))
        write_line(
            contract,
            booking.pk,
            EventKind.CHANGED,
            by=by,
            now=now,
            change={"personal": [None, changed]},
            sealed=ring.seal_json(EVENT, {k: [was.get(k), new.get(k)] for k in changed}),
        )
        audit.record(
            contract, "booking.changed", f"booking:{booking.pk}", by=by, now=now, what="contact", fields=changed
        )
        return booking


@transaction.atomic
def cancel(contract: Contract, code: str, *, by: Actor, now: dt.datetime, reason: str = "") -> Booking:
    """Give all places back. A second cancel of the same booking answers the cancelled booking. Raises ``Refused``."""
    with contract_scope(contract):
        booking = lock_booking(code)
        if booking.state == State.CANCELLED:
            return booking
        check_deadline(contract, booking, by=by, now=now, cancelling=True)
        was_booked = booking.state == State.BOOKED
        attendees = list(Attendee.objects.filter(booking=booking).select_related("procedure"))
        give_back(contract, [booking.pk], now=now, rest=was_booked)
        booking.state = State.CANCELLED
        booking.hold_expires_at = None
        booking.version += 1
        booking.save()
        Affected.objects.filter(booking=booking, settled_at=None).update(settled_at=now, outcome="cancelled")
        write_line(
            contract,
            booking.pk,
            EventKind.CANCELLED,
            by=by,
            now=now,
            change={
                "state": [State.BOOKED if was_booked else State.HELD, State.CANCELLED],
                **({"reason": [None, reason]} if reason else {}),
            },
        )
        if was_booked:
            note_facts(contract, booking, "booking.cancelled", attendees, by=by, now=now)
            _drop_reminders(booking)
            tell(contract, booking, Kind.CANCELLED, now=now)
        audit.record(contract, "booking.cancelled", f"booking:{booking.pk}", by=by, now=now)
        return booking
