"""The cases hear of visits: opened when a party sits down, looked at when a procedure is to count as done, settled when the visit is over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver

from madoguchi.domain.reception import events
from madoguchi.domain.reception.enums import Outcome
from madoguchi.domain.reception.errors import ReceptionRefused
from madoguchi.domain.reception.models import Ticket
from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import Actor

from .errors import CaseRefused
from .hands import hand_at
from .services import visits


@receiver(events.party_begun)
def on_party_begun(*, contract: Contract, ticket: Ticket, user: User | None, by: Actor, now: dt.datetime, **_: Any) -> None:
    """Open what the party came for."""
    visits.open_for(contract, ticket, hand=hand_at(contract, user, by), now=now)


@receiver(events.procedures_finishing)
def on_procedures_finishing(
    *, contract: Contract, ticket: Ticket, procedures: Sequence[str], told_later: bool, user: User | None, by: Actor, now: dt.datetime, **_: Any
) -> bool:
    """A procedure is done when its cases are; whether the visit was of any use."""
    if told_later:
        visits.record_done(contract, ticket, procedures, hand=hand_at(contract, user, by), now=now)
    try:
        visits.require_done(contract, ticket, procedures)
    except CaseRefused as refused:
        raise ReceptionRefused(refused.message) from None
    return visits.of_use(ticket, procedures)


@receiver(events.ticket_closed)
def on_ticket_closed(*, contract: Contract, ticket: Ticket, outcome: str, by: Actor, now: dt.datetime, **_: Any) -> None:
    """No case stays open at a counter where nobody sits."""
    visits.settle(contract, ticket, Outcome(outcome), by=by, now=now)
