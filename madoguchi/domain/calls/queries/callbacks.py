"""Reads of call-backs, with what their words say. Inside ``contract_scope``; who shows it reports the look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Max

from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.privacy.sealing import keyring

from .. import rules
from ..enums import CallbackEnd, TryOutcome
from ..models import Callback, CallbackTry
from ..words import CALLBACK

MOST = 300


@dataclass(frozen=True, repr=False)
class CallbackRow:
    """A call-back as a person reads it; ``number`` is plain, empty once erased. ``holder`` has it in hand at this moment.

    ``same`` counts the other open call-backs of the number.
    """

    id: int
    number: str
    name: str
    about: str
    language: str
    choice: str
    asked_at: dt.datetime
    due_at: dt.datetime
    late: bool
    holder: User | None
    tries: int
    tried_at: dt.datetime | None
    same: int
    ended_at: dt.datetime | None
    outcome: str
    call_id: int | None


@dataclass(frozen=True)
class Try:
    """One try: when, who, what came of it."""

    at: dt.datetime
    who: str
    outcome: str


def open_callbacks(contract: Contract, now: dt.datetime) -> list[CallbackRow]:
    """What is owed, the longest due first; at most ``MOST``."""
    return _rows(contract, Callback.objects.filter(ended_at=None).order_by("due_at", "id")[:MOST], now)


def ended_callbacks(contract: Contract, since: dt.datetime, now: dt.datetime) -> list[CallbackRow]:
    """What ended from ``since`` on, the latest first; at most ``MOST``."""
    return _rows(contract, Callback.objects.filter(ended_at__gte=since).order_by("-ended_at", "-id")[:MOST], now)


def callback_of(contract: Contract, pk: int, now: dt.datetime) -> CallbackRow | None:
    """One call-back; None when there is none of this id."""
    return next(iter(_rows(contract, Callback.objects.filter(pk=pk), now)), None)


def tries_of(pk: int) -> list[Try]:
    """Its tries, oldest first."""
    found = CallbackTry.objects.filter(callback_id=pk).select_related("operator").order_by("at", "id")
    return [Try(one.at, str(one.operator), str(TryOutcome(one.outcome).label)) for one in found]


def late_callbacks(now: dt.datetime) -> tuple[int, int]:
    """How many are owed, and how many of them should have been done by now."""
    owed = Callback.objects.filter(ended_at=None)
    return owed.count(), owed.filter(due_at__lt=now).count()


def _rows(contract: Contract, found: Iterable[Callback], now: dt.datetime) -> list[CallbackRow]:
    ring = keyring(contract)
    callbacks = list(found)
    owners = User.objects.in_bulk([one.owner_id for one in callbacks if one.owner_id])
    ids = [one.pk for one in callbacks]
    last = dict(CallbackTry.objects.filter(callback__in=ids).values_list("callback").annotate(at=Max("at")))
    owed: dict[bytes, int] = {}
    indexes = [one.number_index for one in callbacks if one.number_index]
    for index in Callback.objects.filter(ended_at=None, number_index__in=indexes).values_list("number_index", flat=True):
        owed[bytes(index)] = owed.get(bytes(index), 0) + 1
    rows = []
    for one in callbacks:
        words = ring.unseal_json(CALLBACK, one.words) if one.words else {}
        same = owed.get(bytes(one.number_index), 0) if one.number_index else 0
        rows.append(
            CallbackRow(
                id=one.pk,
                number=words.get("number", ""),
                name=words.get("name", ""),
                about=words.get("about", ""),
                language=one.language,
                choice=one.choice,
                asked_at=one.asked_at,
                due_at=one.due_at,
                late=(one.ended_at or now) > one.due_at,
                holder=owners.get(one.owner_id or 0) if one.ended_at is None and rules.still_held(one.taken_at, now) else None,
                tries=one.tries,
                tried_at=last.get(one.pk),
                same=max(same - (one.ended_at is None), 0),
                ended_at=one.ended_at,
                outcome=str(CallbackEnd(one.outcome).label) if one.outcome else "",
                call_id=one.call_id,
            )
        )
    return rows
