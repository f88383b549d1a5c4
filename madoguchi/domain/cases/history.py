"""What the moves of a case say: the step that can be taken back, and where the time went. Pure; ``moves`` in the order of their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, TypeVar

from .enums import MoveKind, Spent

STEPS = frozenset({MoveKind.OPENED, MoveKind.DONE, MoveKind.HANDED, MoveKind.ANSWERED, MoveKind.ENDED, MoveKind.RECORDED})
"""Moves that take a case from one step to another and can be taken back."""


class Timed(Protocol):
    """What is read of a move."""

    n: int
    kind: str
    spent: str
    seconds: int
    undoes: int | None


M = TypeVar("M", bound=Timed)


def last_step(moves: Sequence[M]) -> M | None:
    """The move that taking back would undo; None where nothing is left of it, or an interruption lies between."""
    stack: list[M] = []
    for move in moves:
        if move.kind == MoveKind.INTERRUPTED:
            stack.clear()
        elif move.kind == MoveKind.UNDONE:
            stack = [one for one in stack if one.n != move.undoes]
        elif move.kind in STEPS:
            stack.append(move)
    return stack[-1] if stack else None


def spent(moves: Sequence[Timed]) -> Counter[str]:
    """Seconds by what they were spent on."""
    found: Counter[str] = Counter()
    for move in moves:
        found[move.spent] += move.seconds
    return found


def examination(moves: Sequence[Timed]) -> tuple[int, int]:
    """Seconds the last examination waited for an official, and seconds the official had it."""
    begun = max((at for at, move in enumerate(moves) if move.kind == MoveKind.HANDED), default=-1)
    found = spent(moves[begun + 1 :])
    return found[Spent.CITY_WAIT], found[Spent.CITY_WORK]
