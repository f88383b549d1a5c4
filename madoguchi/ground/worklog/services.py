"""Writing facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import Actor

from .models import Fact


def fact(
    contract: Contract,
    kind: str,
    *,
    by: Actor,
    now: dt.datetime,
    ref: str,
    site: str = "",
    procedure: str = "",
    quantity: int = 1,
    language: str = "",
    outcome: str = "",
    wait_seconds: int | None = None,
    handle_seconds: int | None = None,
) -> Fact:
    """One fact that is not written yet, for :func:`note_all`."""
    return Fact(
        contract=contract,
        at=now,
        site=site,
        channel=str(by.channel),
        procedure=procedure,
        actor_kind=str(by.kind),
        kind=kind,
        quantity=quantity,
        wait_seconds=wait_seconds,
        handle_seconds=handle_seconds,
        language=language,
        outcome=outcome,
        ref=ref,
    )


def note(contract: Contract, kind: str, *, by: Actor, now: dt.datetime, ref: str, **values: Any) -> Fact:
    """Write one fact inside the running transaction of the deed it tells of; takes what :func:`fact` takes."""
    written = fact(contract, kind, by=by, now=now, ref=ref, **values)
    written.save(force_insert=True)
    return written


def note_all(facts: Sequence[Fact]) -> None:
    """Write many facts in one statement."""
    Fact.objects.bulk_create(facts)


def take_back(kind: str, *, ref: str, at: dt.datetime, now: dt.datetime) -> None:
    """Balance the facts that a deed wrote of a record at a moment: the same with a negative quantity, dated now (inside ``contract_scope``).

    For work that is undone after it may have been reported. It was that work's channel, language and seconds, so they stay.
    """
    facts = list(Fact.objects.filter(kind=kind, ref=ref, at=at, quantity__gt=0))
    for one in facts:
        one.pk, one.at, one.quantity = None, now, -one.quantity
        one._state.adding = True
    note_all(facts)


def amend(kind: str, *, ref: str, language: str, outcome: str) -> None:
    """Put right what the fact of a record says of it; who did the work, when and how long stay (inside ``contract_scope``)."""
    Fact.objects.filter(kind=kind, ref=ref).update(language=language, outcome=outcome)


def correct(contract: Contract, kind: str, *, by: Actor, now: dt.datetime, ref: str, **values: Any) -> Fact:
    """Put right the fact of a record that turned out otherwise, e.g. when what it rests on arrived late; takes what :func:`note` takes."""
    Fact.objects.filter(ref=ref, kind=kind).delete()
    return note(contract, kind, by=by, now=now, ref=ref, **values)


def withdraw(kind: str, *, ref: str) -> None:
    """Take back the fact of work that turned out not to be done (inside ``contract_scope``)."""
    Fact.objects.filter(ref=ref, kind=kind).delete()
