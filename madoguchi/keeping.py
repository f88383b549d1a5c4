"""Keeping personal data in order, with its audit entries: keys, re-sealing, retention.

The privacy app lies below the audit log, so its deeds are audited here, where both are in reach. Command line and
worker call these functions.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from madoguchi.ground.audit import services as audit
from madoguchi.ground.audit.actions import Action, register
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import SYSTEM, Actor
from madoguchi.ground.privacy import retention, services

register(
    Action("privacy.master_rotated", "親鍵を替えて契約の鍵を包み直した"),
    Action("privacy.key_rotated", "契約の鍵を新しくした"),
    Action("privacy.resealed", "個人情報を新しい鍵で封じ直した"),
    Action("privacy.keys_dropped", "使い終えた鍵を捨てた"),
    Action("privacy.keys_erased", "契約の鍵を消去した（個人情報の消去）"),
    Action("privacy.retention_run", "保存期間を過ぎた個人情報を消去した"),
)


def _target(contract: Contract) -> str:
    return f"contract:{contract.code}"


def rotate_master(*, by: Actor, now: dt.datetime) -> dict[str, int]:
    """Wrap every contract's keys under the newest master key, audited per contract (see ``privacy.services``)."""

    def record(contract: Contract, detail: dict[str, Any]) -> None:
        audit.record(contract, "privacy.master_rotated", _target(contract), by=by, now=now, **detail)

    return services.rotate_master(record)


def rotate_contract_key(contract: Contract, *, by: Actor, now: dt.datetime) -> int:
    """Give a contract a new data key, audited; the new version. The worker re-seals old values afterwards."""
    return services.rotate_contract_key(
        contract,
        now,
        record=lambda detail: audit.record(
            contract, "privacy.key_rotated", _target(contract), by=by, now=now, **detail
        ),
    )


def ensure_keys(contract: Contract, *, now: dt.datetime) -> None:
    """Make the first keys of a new contract; never again for one whose keys were erased."""
    from madoguchi.ground.audit.queries import search
    from madoguchi.ground.contracts.tenancy import contract_scope
    from madoguchi.ground.privacy import sealing

    with contract_scope(contract):
        if any(search(action=action).exists() for action in ("privacy.keys_erased", "erasure.begun")):
            return
    sealing.ensure_keys(contract, now=now)


def reseal_all(contract: Contract, *, now: dt.datetime, by: Actor = SYSTEM) -> int:
    """Re-seal everything an older key sealed, batch by batch; how many values. Resumable; audited once when done."""
    from madoguchi.ground.contracts.tenancy import contract_scope

    total = 0
    while count := services.reseal(contract):
        total += count
    if total:
        with contract_scope(contract):
            audit.record(contract, "privacy.resealed", _target(contract), by=by, now=now, values=total)
    return total


def drop_retired_keys(contract: Contract, *, by: Actor, now: dt.datetime) -> int:
    """Delete keys that seal nothing any more, audited; how many."""
    return services.drop_retired_keys(
        contract,
        record=lambda detail: audit.record(
            contract, "privacy.keys_dropped", _target(contract), by=by, now=now, **detail
        ),
    )


def erase_contract_keys(contract: Contract, *, typed_code: str, reason: str, by: Actor, now: dt.datetime) -> int:
    """Erase a contract's personal data by dropping its keys, audited; how many keys. Raises ``KeyDeedError``."""
    return services.erase_contract_keys(
        contract,
        typed_code=typed_code,
        reason=reason,
        now=now,
        record=lambda detail: audit.record(
            contract, "privacy.keys_erased", _target(contract), by=by, now=now, **detail
        ),
    )


def run_retention(contract: Contract, now: dt.datetime, *, by: Actor = SYSTEM) -> dict[str, int]:
    """Erase what is past its time in a contract, audited with the counts by eraser."""
    return retention.run_retention(
        contract,
        now,
        record=lambda counts: audit.record(
            contract, "privacy.retention_run", _target(contract), by=by, now=now, erased=counts
        ),
    )
