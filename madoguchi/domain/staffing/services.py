"""Deeds of staffing."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict

from django.db import transaction

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from .models import SavedAssumptions
from .rules import Assumptions, assumptions_of


@transaction.atomic
def save_assumptions(contract: Contract, values: Assumptions, *, by: Actor, now: dt.datetime) -> bool:
    """Let the contract's plans stand on ``values`` from now on; False when they are what counts already, and nothing is written.

    The audit entry holds each changed value before and after. Of two who save at once, the later one wins.
    """
    with contract_scope(contract):
        saved = SavedAssumptions.objects.select_for_update().first()
        before = asdict(saved.values if saved else assumptions_of(contract.profile)[0])
        after = asdict(values)
        changed = {name: [before[name], value] for name, value in after.items() if before[name] != value}
        if saved and not changed:
            return False
        SavedAssumptions.objects.update_or_create(
            contract=contract, defaults={**after, "edited_at": now, "edited_by": by.label[:80]}
        )
        audit.record(contract, "staffing.assumptions", f"contract:{contract.code}", by=by, now=now, changed=changed)
        return True
