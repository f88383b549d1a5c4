"""Writing facts."""

from __future__ import annotations

import datetime as dt
from typing import Any

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import Actor

from .models import Fact


def note(
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
    """Write one fact inside the running transaction of the deed it tells of."""
    return Fact.objects.create(
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


def amend(kind: str, *, ref: str, language: str, outcome: str) -> None:
    """Put right what the fact of a record says of it; who did the work, when and how long stay (inside ``contract_scope``)."""
    Fact.objects.filter(kind=kind, ref=ref).update(language=language, outcome=outcome)


def correct(contract: Contract, kind: str, *, by: Actor, now: dt.datetime, ref: str, **values: Any) -> Fact:
    """Put right the fact of a record that turned out otherwise, e.g. when what it rests on arrived late; takes what :func:`note` takes."""
    Fact.objects.filter(ref=ref, kind=kind).delete()
    return note(contract, kind, by=by, now=now, ref=ref, **values)
