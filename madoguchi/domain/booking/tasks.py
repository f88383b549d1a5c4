"""Doors without a person: what the worker calls on time. Each goes through all contracts; one that fails does not stop the others."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable

from django.db import DatabaseError
from django.db.models import Q

from madoguchi.domain.notices.models import Kind, Message
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.kit.clock import JST

from . import capacity
from .enums import State
from .models import Booking
from .services import deliveries, reserve, setup, slots, waiting

log = logging.getLogger(__name__)


def _each(what: Callable[[Contract], int]) -> int:
    total, failed = 0, []
    for contract in Contract.objects.filter(active=True):
        try:
            total += what(contract)
        except DatabaseError as error:
            log.exception("task failed for %s", contract.code)
            failed.append(error)
    if failed:
        raise failed[0]
    return total


def expire_holds(now: dt.datetime) -> int:
    """End holds whose time is over, and list bookings confirmed on a slot that was closed at that moment. How many ended."""

    def sweep(contract: Contract) -> int:
        ended = reserve.release_expired(contract, now=now)
        slots.flag_late(contract, by=SYSTEM, now=now)
        return ended

    return _each(sweep)


def make_offers(now: dt.datetime) -> int:
    """Offer what became free to those who wait for an earlier time. How many offers were made."""
    return _each(lambda contract: waiting.make_offers(contract, now=now))


def make_reminders(now: dt.datetime) -> int:
    """Queue the reminder of every visit whose time of reminding has come and that has none yet. How many were queued."""

    def remind(contract: Contract) -> int:
        rule = contract.profile.booking.reminder
        if not rule.enabled:
            return 0
        day = now.date() + dt.timedelta(days=rule.days_before)
        if now < dt.datetime.combine(now.date(), rule.at, JST):
            return 0
        begin = dt.datetime.combine(day, dt.time(0), JST)
        with contract_scope(contract):
            due = {
                (f"booking:{booking.pk}", booking.starts_at): booking
                for booking in Booking.objects.filter(
                    Q(has_mail=True) | Q(by_sms=True) | Q(line_index__isnull=False),
                    state=State.BOOKED,
                    starts_at__gte=begin,
                    starts_at__lt=begin + dt.timedelta(days=1),
                    created_at__lt=dt.datetime.combine(now.date(), rule.at, JST),
                )
            }
            known = {
                (message.ref, message.about_at): message
                for message in Message.objects.filter(kind=Kind.REMINDER, ref__in=[ref for ref, _ in due])
            }
            # A visit that was moved away and back again: its reminder was dropped meanwhile.
            again = [known[key].pk for key in due if key in known and known[key].state == Message.State.DROPPED]
            Message.objects.filter(pk__in=again).update(state=Message.State.QUEUED)
            made = Message.objects.bulk_create(
                [
                    Message(
                        contract=contract,
                        ref=ref,
                        kind=Kind.REMINDER,
                        medium=booking.medium,
                        language=booking.language,
                        state=Message.State.QUEUED,
                        due_at=visit - dt.timedelta(days=rule.days_before),
                        about_at=visit,
                        created_at=now,
                        detail=booking.notice_detail,
                    )
                    for (ref, visit), booking in due.items()
                    if (ref, visit) not in known
                ],
                ignore_conflicts=True,
            )
        return len(made) + len(again)

    return _each(remind)


def extend_horizon(now: dt.datetime) -> int:
    """Keep slots ready up to the horizon. How many were opened."""
    opened = _each(lambda contract: len(slots.extend(contract, by=SYSTEM, now=now).opened))
    if opened:
        setup.count_anew()
    return opened


def prove_capacity(now: dt.datetime) -> int:
    """The nightly proof. How many faults were found; each is logged as an error too."""

    def prove(contract: Contract) -> int:
        faults = capacity.prove(contract, now=now).faults
        for fault in faults:
            log.error("capacity of %s: %s", contract.code, fault)
        return len(faults)

    return _each(prove)


def make_deliveries(now: dt.datetime) -> int:
    """Make the files that standing orders want now. How many."""
    return _each(lambda contract: deliveries.deliver_due(contract, now=now))
