"""What all deeds share: the terms of the contract, a deed done once, the periods of a ticket."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import connection

from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.contracts.profile import Reception
from madoguchi.ground.kit.clock import JST

from ..enums import Stay
from ..errors import ReceptionRefused
from ..models import Deed, Period, Ticket, Window

KEY_LENGTH = 64
KEY_USED = "画面を開き直してから、もう一度操作してください。"


def terms_of(contract: Contract) -> Reception:
    """What was agreed about the reception. Raises :class:`ReceptionRefused` where nothing was."""
    if contract.profile.reception is None:
        raise ReceptionRefused("この契約では、窓口の受付を行っていません。")
    return contract.profile.reception


def site_of(code: str) -> Site:
    """The site (inside the scope). Raises :class:`ReceptionRefused`."""
    found = Site.objects.filter(code=code).first()
    if found is None:
        raise ReceptionRefused("この場所はありません。")
    return found


def check_key(key: str) -> None:
    """Raises :class:`ReceptionRefused` for a key that no form of ours makes."""
    if not 0 < len(key) <= KEY_LENGTH:
        raise ReceptionRefused(KEY_USED)


def done_before(contract: Contract, key: str, verb: str, now: dt.datetime) -> Deed | None:
    """The deed that was done under this key; None, and the key is taken, when there was none.

    A second sender of the same key waits here until the first has committed. Raises :class:`ReceptionRefused` for a key used for
    something else.
    """
    check_key(key)
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into reception_deed (contract_id, key, verb, at) values (%s, %s, %s, %s) on conflict do nothing returning id",
            [contract.pk, key, verb, now],
        )
        if cursor.fetchone():
            return None
    found = Deed.objects.select_related("ticket").get(key=key)
    if found.verb != verb:
        raise ReceptionRefused(KEY_USED)
    return found


def remember(key: str, ticket: Ticket | None) -> None:
    """Keep which ticket a deed was about, for who sends it again."""
    Deed.objects.filter(key=key).update(ticket=ticket)


def stay(
    contract: Contract, ticket: Ticket, kind: Stay, *, now: dt.datetime, window: Window | None = None, staff: User | None = None
) -> None:
    """End the ticket's open period and begin another (the ticket is locked by the caller)."""
    end_stay(ticket, now)
    Period.objects.create(
        contract=contract, ticket=ticket, kind=kind, group=ticket.group, window=window, staff=staff, started_at=now
    )
    ticket.state = kind


def end_stay(ticket: Ticket, now: dt.datetime) -> None:
    """End the ticket's open period, if there is one."""
    Period.objects.filter(ticket=ticket, ended_at=None).update(ended_at=now)


def seconds(periods: Sequence[Period], kind: Stay) -> int:
    """Whole seconds of the ended periods of a kind."""
    return round(sum((p.ended_at - p.started_at).total_seconds() for p in periods if p.kind == kind and p.ended_at is not None))


def day_of(now: dt.datetime) -> dt.date:
    """The day in Japan."""
    return now.astimezone(JST).date()
