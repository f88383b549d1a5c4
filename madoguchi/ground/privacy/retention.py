"""Retention: personal data past the time agreed with the city is erased; facts without personal data stay.

Apps that hold personal data register an eraser; the nightly job runs them all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Protocol

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope


class Eraser(Protocol):
    """Erases what is past its time at ``now`` in the contract in scope and returns how many records it touched.

    It reads the limit from ``contract.profile.retention``, may be run at any time again, and never counts a record
    twice.
    """

    def __call__(self, contract: Contract, now: dt.datetime) -> int: ...


_erasers: dict[str, Eraser] = {}


def register(name: str, eraser: Eraser) -> None:
    """Make an eraser known under ``<app>.<what>``. Raises ``ValueError`` for a name already taken by another."""
    if _erasers.setdefault(name, eraser) is not eraser:
        raise ValueError(f"eraser {name} is registered twice")


def erasers() -> dict[str, Eraser]:
    """All erasers by name."""
    return dict(sorted(_erasers.items()))


def run_retention(
    contract: Contract, now: dt.datetime, *, record: Callable[[dict[str, int]], None] | None = None
) -> dict[str, int]:
    """Run every eraser for one contract in one transaction; counts by eraser.

    ``record`` is called with the counts inside the transaction when anything was erased: the caller writes the audit
    entry.
    """
    with contract_scope(contract):
        counts = {name: eraser(contract, now) for name, eraser in erasers().items()}
        if record is not None and any(counts.values()):
            record(counts)
        return counts
