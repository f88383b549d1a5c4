"""Taking lists out of the system is a deed: it leaves an entry in the audit log."""

from __future__ import annotations

import datetime as dt
from typing import Any

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor


def record_export(
    contract: Contract, *, form: str, rows: int, personal: bool, conditions: dict[str, Any], by: Actor, now: dt.datetime
) -> None:
    """Write that a list was taken out: its form, size, conditions (no personal data), and whether it names residents."""
    with contract_scope(contract):
        audit.record(
            contract, "booking.exported", f"contract:{contract.code}", by=by, now=now, form=form, rows=rows, personal=personal,
            conditions=conditions,
        )  # fmt: skip
