"""Erasure of residents' data when its time is over: the seals go, times, counts, history kinds and facts stay."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract

from .models import Attendee, Booking, Delivery, Event


def erase_people(contract: Contract, now: dt.datetime) -> int:
    """Empty the sealed columns of bookings whose visit is longer ago than the contract allows; how many bookings."""
    limit = now - dt.timedelta(days=contract.profile.retention.resident_days_after_visit)
    due = list(
        Booking.objects.filter(ends_at__lt=limit, erased_at=None)
        .select_for_update(no_key=True, skip_locked=True)
        .order_by("pk")
        .values_list("pk", flat=True)[:5000]
    )
    Attendee.objects.filter(booking_id__in=due).update(person=None, person_index=None)
    Event.objects.filter(booking_id__in=due).update(sealed=None)
    return Booking.objects.filter(pk__in=due).update(
        contact=None, phone_index=None, mail_index=None, has_mail=False, erased_at=now
    )


def erase_deliveries(contract: Contract, now: dt.datetime) -> int:
    """Empty the files of deliveries whose time is over; how many. Who received what, and its checksum, stay."""
    due = Delivery.objects.filter(erased_at=None, erase_at__lte=now)
    return due.update(content=None, lacking=[], erased_at=now)
