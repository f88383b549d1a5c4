"""Doors without a person: what the worker calls on time."""

from __future__ import annotations

import datetime as dt

from madoguchi.domain.notices import services as notices
from madoguchi.domain.notices.models import StaffKind
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope

from .officials import leaders
from .queries.checklists import late_sheets
from .services.checklists import open_run


def tell_late_lists(now: dt.datetime) -> int:
    """Mail to the leaders of each list that is late, once for each list. How many mails."""
    return sum(_tell(contract, now) for contract in Contract.objects.filter(active=True) if contract.profile.checklists)


def _tell(contract: Contract, now: dt.datetime) -> int:
    mails = 0
    with contract_scope(contract):
        for sheet in late_sheets(contract, now):
            run = open_run(contract, sheet.terms, sheet.site, now=now)
            if run.told_at is not None or run.closed_at is not None:
                continue
            for user in leaders(contract):
                notices.queue(contract, ref=f"late_list:{run.pk}", kind=StaffKind.LIST_LATE, language="ja", now=now, detail={"user": user.pk})
                mails += 1
            run.told_at = now
            run.save(update_fields=["told_at"])
    return mails
