"""Reads of messages for the log page and for lists of people who could not be reached."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from django.db.models import Count, QuerySet

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.remember import Remembered

from .models import Attempt, Message, PlannedStop
from .rules import LATE_AFTER

State = Message.State
_coming: Remembered[int, tuple[PlannedStop, ...]] = Remembered(5.0)


def messages(
    *,
    state: str = "",
    kind: str = "",
    language: str = "",
    ref: str = "",
    first: dt.datetime | None = None,
    last: dt.datetime | None = None,
) -> QuerySet[Message]:
    """Messages of the contract in scope, newest first; ``last`` is exclusive, both count by the time of writing."""
    exact = {"state": state, "kind": kind, "language": language, "ref": ref}
    found = Message.objects.filter(**{name: value for name, value in exact.items() if value})
    if first:
        found = found.filter(created_at__gte=first)
    if last:
        found = found.filter(created_at__lt=last)
    return found.order_by("-created_at", "-pk")


def attempts_of(pks: list[int]) -> dict[int, list[Attempt]]:
    """The tries of these messages in order, one query."""
    found: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.filter(message_id__in=pks).order_by("pk"):
        found[attempt.message_id].append(attempt)
    return found


def counts(since: dt.datetime) -> dict[str, int]:
    """Messages written since a moment by state; states without one are 0."""
    rows = Message.objects.filter(created_at__gte=since).values_list("state").annotate(n=Count("pk"))
    return dict.fromkeys(State.values, 0) | dict(rows)


def late(now: dt.datetime) -> int:
    """Messages that wait longer than they should: the worker or the mail server stands still."""
    return Message.objects.filter(state__in=[State.QUEUED, State.SENDING], due_at__lt=now - LATE_AFTER).count()


def unreachable(first: dt.datetime) -> QuerySet[Message]:
    """Messages since ``first`` that did not reach anybody (failed or returned): their records belong on the call
    list.
    """
    return Message.objects.filter(created_at__gte=first, state__in=[State.FAILED, State.BOUNCED]).order_by("-pk")


def coming_stops(contract: Contract, now: dt.datetime) -> Sequence[PlannedStop]:
    """Stops that are not over, remembered for 5 s per process; enters the contract itself when it has to read."""

    def read() -> tuple[PlannedStop, ...]:
        with contract_scope(contract):
            return tuple(PlannedStop.objects.filter(withdrawn_at=None, ends_at__gt=now))

    return [stop for stop in _coming.get(contract.pk, read) if stop.ends_at > now]


def stop_now(contract: Contract, now: dt.datetime) -> PlannedStop | None:
    """The stop that is on at ``now``."""
    return next((stop for stop in coming_stops(contract, now) if stop.starts_at <= now), None)


def announced(contract: Contract, now: dt.datetime) -> list[PlannedStop]:
    """Stops that residents are told of and that have not begun."""
    return [stop for stop in coming_stops(contract, now) if stop.announce_at <= now < stop.starts_at]


def forget_stops() -> None:
    """Drop what is remembered."""
    _coming.forget()
