"""Deeds on the city's list of notice numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.privacy.sealing import keyring

from ..cards import card_index
from ..models import NoticeCard


@transaction.atomic
def add_cards(
    contract: Contract, cards: Sequence[tuple[str, dt.date]], *, expires_on: dt.date, by: Actor, now: dt.datetime
) -> int:
    """Add (number, birth date) pairs to the list, all of them or none; how many. A pair that is there already gets the new last day."""
    with contract_scope(contract):
        ring = keyring(contract)
        rows = [
            NoticeCard(contract=contract, index=index, expires_on=expires_on)
            for index in dict.fromkeys(card_index(ring, number, born) for number, born in cards)
        ]
        NoticeCard.objects.bulk_create(
            rows, batch_size=5000, update_conflicts=True, unique_fields=["contract", "index"], update_fields=["expires_on"]
        )
        audit.record(
            contract, "cards.added", f"contract:{contract.code}", by=by, now=now, cards=len(rows), until=expires_on.isoformat()
        )
        return len(rows)


@transaction.atomic
def drop_cards(contract: Contract, *, by: Actor, now: dt.datetime) -> int:
    """Take the whole list away, so that a newer one can replace it; how many."""
    with contract_scope(contract):
        count, _ = NoticeCard.objects.all().delete()
        audit.record(contract, "cards.dropped", f"contract:{contract.code}", by=by, now=now, cards=count)
        return count
