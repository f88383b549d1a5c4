"""The one deed: take in what the city counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db import transaction

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from .models import Cohort


@transaction.atomic
def replace_cohorts(contract: Contract, counts: Mapping[tuple[str, dt.date], int], *, by: Actor, now: dt.datetime) -> int:
    """Put the counts of a file ((kind, month) → count) in the place of all before; none takes them away. How many months and kinds."""
    with contract_scope(contract):
        Contract.objects.select_for_update(of=("self",)).get(pk=contract.pk)
        before = Cohort.objects.all().delete()[0]
        Cohort.objects.bulk_create([Cohort(contract=contract, kind=kind, month=month, count=count) for (kind, month), count in counts.items()])
        audit.record(
            contract, "forecast.cohorts_replaced", f"contract:{contract.code}", by=by, now=now, before=before, after=len(counts), total=sum(counts.values())
        )
        return len(counts)
