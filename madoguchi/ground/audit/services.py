"""The one way to write an audit entry from Python."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.db import connection

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import Actor

LANE_DEEDS = 0
_Held = tuple[Contract, "Line", Actor, dt.datetime]
_held: ContextVar[list[_Held] | None] = ContextVar("held", default=None)


@dataclass(frozen=True)
class Line:
    """What to record: a registered action (``actions.py``), its target ``kind:id``, details without personal data."""

    action: str
    target: str
    detail: dict[str, Any] = field(default_factory=dict)


def record(contract: Contract, action: str, target: str, *, by: Actor, now: dt.datetime, **detail: Any) -> None:
    """Append one entry inside the running transaction. Call it last in a deed: the lane is locked until the commit."""
    record_all(contract, [Line(action, target, detail)], by=by, now=now)


def record_all(
    contract: Contract, lines: Sequence[Line], *, by: Actor, now: dt.datetime, lane: int = LANE_DEEDS
) -> None:
    """Append several entries of one actor in order."""
    from .actions import require_registered

    for line in lines:
        require_registered(line.action)
    held = _held.get()
    if held is not None and lane == LANE_DEEDS:
        held += [(contract, line, by, now) for line in lines]
        return
    _append(contract, lines, by=by, now=now, lane=lane)


@contextmanager
def held_back() -> Iterator[None]:
    """Join several deeds into one: their entries are written when the block ends well, so that the lane is the last lock of all.

    Use it inside the transaction of the joined deed. Without it the first deed would lock the lane and the second wait for a row,
    while somebody who has that row waits for the lane. A block inside a block belongs to the outer one; what is undone in it leaves no entry.
    """
    outer = _held.get()
    if outer is not None:
        before = len(outer)
        try:
            yield
        except BaseException:
            del outer[before:]
            raise
        return
    held: list[_Held] = []
    mark = _held.set(held)
    try:
        yield
    finally:
        _held.reset(mark)
    for (contract, by, now), lines in groupby(held, key=lambda one: (one[0], one[2], one[3])):
        _append(contract, [line for _, line, _, _ in lines], by=by, now=now, lane=LANE_DEEDS)


def _append(contract: Contract, lines: Sequence[Line], *, by: Actor, now: dt.datetime, lane: int) -> None:
    n = len(lines)
    with connection.cursor() as cursor:
        cursor.execute(
            "select audit_append(%s::smallint, %s::smallint, %s, %s::text[], %s::text[], %s::text[], %s::text[],"
            " %s::text[], %s::jsonb[])",
            [
                contract.pk,
                lane,
                now,
                [str(by.kind)] * n,
                [str(by.channel)] * n,
                [by.ref] * n,
                [line.action for line in lines],
                [line.target for line in lines],
                [json.dumps(line.detail, ensure_ascii=False, default=str) for line in lines],
            ],
        )


@dataclass(frozen=True)
class Read:
    """A look at a resident's record that a view reports: action, target, who."""

    action: str
    target: str
    by: Actor
    detail: dict[str, Any] = field(default_factory=dict)


def flush_reads(contract: Contract, reads: Sequence[Read], *, now: dt.datetime) -> None:
    """Write reported reads; without this the answer with personal data does not leave."""
    for read in reads:
        record_all(contract, [Line(read.action, read.target, read.detail)], by=read.by, now=now)
