"""Figures of cases from facts of work: counts and times. Pure.

A case counts where its last fact says it ended; an end that was taken back is a fact with a negative quantity and cancels the one before it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Work:
    """One fact of a case: what :class:`worklog.models.Fact` keeps of it. ``at`` is in Japan's time."""

    at: dt.datetime
    kind: str
    ref: str
    site: str
    procedure: str
    channel: str
    language: str
    outcome: str = ""
    quantity: int = 1
    wait: int | None = None
    handle: int | None = None


def settled(facts: Iterable[Work]) -> list[Work]:
    """The facts that still stand: a negative one cancels the latest before it of the same record and kind. In the order of time."""
    standing: list[Work] = []
    for fact in sorted(facts, key=lambda one: one.at):
        if fact.quantity > 0:
            standing.append(fact)
            continue
        for at in range(len(standing) - 1, -1, -1):
            if (standing[at].ref, standing[at].kind) == (fact.ref, fact.kind):
                del standing[at]
                break
    return standing


@dataclass(frozen=True, slots=True)
class Row:
    """Counts and mean seconds of one group; times are None where nothing was measured."""

    key: str
    count: int
    done: int
    handle: float | None
    wait: float | None
    longest: int | None


def grouped(facts: Sequence[Work], key: Callable[[Work], str]) -> list[Row]:
    """Facts of one kind by a key, in the order of the keys. ``wait`` is the mean over those that waited at all."""
    groups: dict[str, list[Work]] = {}
    for fact in facts:
        groups.setdefault(key(fact), []).append(fact)
    return [_row(name, groups[name]) for name in sorted(groups)]


def total(facts: Sequence[Work]) -> Row:
    """All facts as one row."""
    return _row("", facts)


def _row(key: str, facts: Sequence[Work]) -> Row:
    handles = [fact.handle for fact in facts if fact.handle is not None]
    waits = [fact.wait for fact in facts if fact.wait]
    return Row(
        key, len(facts), sum(fact.outcome == "done" for fact in facts), sum(handles) / len(handles) if handles else None,
        sum(waits) / len(waits) if waits else None, max(waits) if waits else None,
    )  # fmt: skip
