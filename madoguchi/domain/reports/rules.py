"""Adding up: what a measure says of groups of facts. Pure.

Ratios are divided once, after everything was added up; percentiles are the edge of the span that the asked share reaches.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Literal

EDGES = (
    0, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1200, 1800, 2700, 3600, 5400, 7200, 10_800, 14_400, 21_600, 43_200,
    86_400, 172_800, 345_600, 604_800, 1_209_600, 2_592_000, 31_622_400,
)  # fmt: skip
"""Ends of the spans in seconds; what took longer than the last is in the last. Who adds one marks all days as touched in a migration."""

Key = tuple[str, ...]


class Column(StrEnum):
    """What of a fact is added up. ``WAITED`` and ``HANDLED`` count the facts that have such seconds."""

    RECORDS = "records"
    QUANTITY = "quantity"
    WAIT = "wait"
    WAITED = "waited"
    HANDLE = "handle"
    HANDLED = "handled"


@dataclass(frozen=True, slots=True)
class Facts:
    """Which facts count: kinds (``worklist.*`` for all that begin so), only these outcomes if any are named, never those of ``without``."""

    kinds: tuple[str, ...]
    outcomes: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()

    def hold(self, kind: str, outcome: str) -> bool:
        """Whether a fact of this kind and outcome counts."""
        known = any(fnmatchcase(kind, pattern) for pattern in self.kinds)
        return known and outcome not in self.without and (not self.outcomes or outcome in self.outcomes)


@dataclass(frozen=True, slots=True)
class Term:
    """A sum over facts; ``within`` seconds of waiting (an edge of :data:`EDGES`) if it is not None."""

    facts: Facts
    column: Column = Column.RECORDS
    within: int | None = None

    def __post_init__(self) -> None:
        if self.within is not None and self.within not in EDGES:
            raise ValueError(f"{self.within} seconds is no edge of the spans")


@dataclass(frozen=True, slots=True)
class Percentile:
    """The seconds that ``percent`` % of the facts did not exceed, rounded up to an edge."""

    facts: Facts
    of: Literal["wait", "handle"]
    percent: int


@dataclass(slots=True)
class Cell:
    """One group of facts added up: ``sums`` by :class:`Column`, ``spans`` by (wait or handle, edge)."""

    kind: str
    outcome: str
    key: Key
    sums: dict[str, int] = field(default_factory=dict)
    spans: dict[tuple[str, int], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figure:
    """What a measure says of one value of each dimension asked for.

    ``value`` is a number of the measure's unit, a share of 1 for rates, or None where nothing can be divided. ``top`` and ``bottom`` are
    what was divided; of a plain sum ``bottom`` is None.
    """

    measure: str
    key: Key
    value: int | float | None
    top: int
    bottom: int | None = None


def divided(term: Term, by: Term | None, cells: Collection[Cell]) -> tuple[int | float | None, int, int | None]:
    """(value, top, bottom) of a sum, or of one sum divided by another."""
    top = sum(_of(cell, term) for cell in cells if term.facts.hold(cell.kind, cell.outcome))
    if by is None:
        return top, top, None
    bottom = sum(_of(cell, by) for cell in cells if by.facts.hold(cell.kind, cell.outcome))
    return (top / bottom if bottom > 0 else None), top, bottom


def _of(cell: Cell, term: Term) -> int:
    if term.within is None:
        return cell.sums.get(term.column, 0)
    return sum(n for (of, upto), n in cell.spans.items() if of == "wait" and upto <= term.within)


def percentile(asked: Percentile, cells: Iterable[Cell]) -> tuple[int | None, int, int]:
    """(edge, facts up to it, facts). A span from which more was taken back than was in it counts as empty."""
    found: dict[int, int] = {}
    for cell in cells:
        if asked.facts.hold(cell.kind, cell.outcome):
            for (of, upto), n in cell.spans.items():
                if of == asked.of:
                    found[upto] = found.get(upto, 0) + n
    counts = {upto: max(0, n) for upto, n in found.items()}
    every = sum(counts.values())
    needed, reached = -(-asked.percent * every // 100), 0
    for upto in sorted(counts):
        reached += counts[upto]
        if every and reached >= needed:
            return upto, reached, every
    return None, 0, 0


def grouped(cells: Iterable[Cell], facts: Facts) -> Mapping[Key, list[Cell]]:
    """The cells by key, of those keys for which any of these facts exist, in the order of the keys."""
    groups: dict[Key, list[Cell]] = {}
    there = set()
    for cell in cells:
        groups.setdefault(cell.key, []).append(cell)
        if facts.hold(cell.kind, cell.outcome):
            there.add(cell.key)
    return {key: groups[key] for key in sorted(there)}
