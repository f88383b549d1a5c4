"""Erasure of residents' data when its time is over: the seals go, times, counts, history kinds and facts stay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import Keyring, keyring

from .models import Attendee, Booking, Delivery, Event, LineCode, NoticeCard
from .party import CONTACT, EVENT, PERSON, PERSON_FIELDS, Contact, Person

MOST = 5000
MOST_OPENED = 500
"""Bookings of one run whose values are opened and sealed anew, each in its turn."""


def _due(limit: dt.datetime, most: int, **but: Any) -> list[int]:
    found = Booking.objects.filter(ends_at__lt=limit, erased_at=None).exclude(**but)
    locked = found.select_for_update(no_key=True, skip_locked=True).order_by("pk")
    return list(locked.values_list("pk", flat=True)[:most])


def erase_people(contract: Contract, now: dt.datetime) -> int:
    """Empty the sealed columns of bookings whose visit is longer ago than the contract allows; how many bookings."""
    due = _due(now - dt.timedelta(days=contract.profile.retention.resident_days_after_visit), MOST)
    Attendee.objects.filter(booking_id__in=due).update(person=None, person_index=None)
    Event.objects.filter(booking_id__in=due).update(sealed=None)
    return Booking.objects.filter(pk__in=due).update(
        contact=None, phone_index=None, mail_index=None, has_mail=False, by_sms=False, line=None, line_index=None, erased_at=now
    )


def erase_fields(contract: Contract, now: dt.datetime) -> int:
    """Take out of bookings the fields whose own time (``retention_days``) is over, and leave the rest; how many bookings.

    A field goes from the booking, from its history and from the indexes it is found by. Fields of the same time go together.
    """
    by_days: dict[int, list[str]] = {}
    for rule in contract.profile.booking.fields:
        if rule.retention_days is not None:
            by_days.setdefault(rule.retention_days, []).append(rule.code)
    return sum(_take_out(contract, codes, now - dt.timedelta(days=days)) for days, codes in sorted(by_days.items()))


def erase_cards(contract: Contract, now: dt.datetime) -> int:
    """Drop notice numbers whose last day is over; how many."""
    count, _ = NoticeCard.objects.filter(expires_on__lt=now.astimezone(JST).date()).delete()
    return count


def erase_line_codes(contract: Contract, now: dt.datetime) -> int:
    """Drop LINE codes whose time is over; how many."""
    count, _ = LineCode.objects.filter(expires_at__lte=now).delete()
    return count


def _take_out(contract: Contract, codes: list[str], limit: dt.datetime) -> int:
    due = _due(limit, MOST_OPENED, erased_fields__contains=codes)
    if not due:
        return 0
    ring = keyring(contract)
    bookings = list(Booking.objects.filter(pk__in=due))
    for booking in bookings:
        booking.erased_fields = sorted({*(booking.erased_fields or ()), *codes})
        if booking.contact:
            contact = Contact(_without(ring.unseal_json(CONTACT, booking.contact), codes))
            booking.contact = ring.seal_json(CONTACT, contact.as_dict())
            booking.phone_index, booking.mail_index = contact.phone_index(ring), contact.mail_index(ring)
            booking.has_mail = bool(contact.email)
    Booking.objects.bulk_update(bookings, ["erased_fields", "contact", "phone_index", "mail_index", "has_mail"])
    if set(codes) & set(PERSON_FIELDS):
        _take_out_of_people(ring, due, codes)
    events = list(Event.objects.filter(booking_id__in=due, sealed__isnull=False))
    for event in events:
        assert event.sealed is not None
        event.sealed = _without_history(ring, event.sealed, codes)
    Event.objects.bulk_update(events, ["sealed"])
    return len(bookings)


def _take_out_of_people(ring: Keyring, bookings: Collection[int], codes: Collection[str]) -> None:
    people = list(Attendee.objects.filter(booking_id__in=bookings, person__isnull=False))
    for attendee in people:
        assert attendee.person is not None
        person = Person(_without(ring.unseal_json(PERSON, attendee.person), codes))
        attendee.person = ring.seal_json(PERSON, person.as_dict())
        attendee.person_index = person.index(ring)
    Attendee.objects.bulk_update(people, ["person", "person_index"])


def _without(values: Mapping[str, Any], codes: Collection[str]) -> dict[str, Any]:
    return {code: value for code, value in values.items() if code not in codes}


def _without_history(ring: Keyring, sealed: bytes, codes: Collection[str]) -> bytes | None:
    """A history line without the fields: ``{field: [before, after]}`` or ``{"person1": [values, values]}``."""
    kept = {}
    for key, pair in _without(ring.unseal_json(EVENT, sealed), codes).items():
        kept[key] = [_without(side, codes) if isinstance(side, dict) else side for side in pair]
    return ring.seal_json(EVENT, kept) if kept else None


def erase_deliveries(contract: Contract, now: dt.datetime) -> int:
    """Empty the files of deliveries whose time is over; how many. Who received what, and its checksum, stay."""
    due = Delivery.objects.filter(erased_at=None, erase_at__lte=now)
    return due.update(content=None, lacking=[], erased_at=now)
