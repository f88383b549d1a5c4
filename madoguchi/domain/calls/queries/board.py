"""The wallboard: today and the month to date under every definition, by half hour and by day, and who waits now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST

from .. import rules
from ..figures import Counted, Definition, Figures, figures
from .calls import HALF_HOUR, Unanswered, Waiting, counted, half_hour_of, unanswered, waiting_now

Key = TypeVar("Key", dt.datetime, dt.date)


@dataclass(frozen=True, slots=True)
class Both:
    """Figures of today and of the month to date under one definition."""

    definition: Definition
    today: Figures
    month: Figures


@dataclass(frozen=True)
class Board:
    """The telephone at ``now``. ``both`` has one entry per definition, the contract's own first; the rows by half hour and by day are
    counted under the first. ``longest_wait`` is that of who waits now, in seconds; None when nobody waits."""

    now: dt.datetime
    both: tuple[Both, ...]
    halves: tuple[tuple[dt.datetime, Figures], ...]
    days: tuple[tuple[dt.date, Figures], ...]
    waiting: tuple[Waiting, ...]
    unanswered: tuple[Unanswered, ...]

    @property
    def longest_wait(self) -> int | None:
        return max(round((self.now - self.waiting[0].since).total_seconds()), 0) if self.waiting else None

    @property
    def owed(self) -> list[Unanswered]:
        """Unanswered callers of today who are still to be called back."""
        return [one for one in self.unanswered if one.owed]


def board(contract: Contract, now: dt.datetime) -> Board:
    """The board at a moment; four statements for any number of calls. Inside ``contract_scope``."""
    today = now.astimezone(JST).date()
    month = counted(contract, today.replace(day=1), today)
    of_today = [call for call in month if call.opened_at.date() == today]
    definitions = rules.definitions(contract.profile)
    return Board(
        now=now,
        both=tuple(Both(one, figures(of_today, one), figures(month, one)) for one in definitions),
        halves=by_half_hour(of_today, definitions[0]),
        days=by_day(month, definitions[0]),
        waiting=tuple(waiting_now(contract)),
        unanswered=tuple(unanswered(contract, today, today)),
    )


def by_half_hour(calls: Sequence[Counted], definition: Definition) -> tuple[tuple[dt.datetime, Figures], ...]:
    """Figures of one day's calls by half hour, from the first with a call that counts to the last, none left out between."""
    groups = _grouped(calls, definition, lambda call: half_hour_of(call.opened_at))
    if not groups:
        return ()
    at, last, found = min(groups), max(groups), []
    while at <= last:
        found.append((at, groups.get(at) or figures([], definition)))
        at += HALF_HOUR
    return tuple(found)


def by_day(calls: Sequence[Counted], definition: Definition) -> tuple[tuple[dt.date, Figures], ...]:
    """Figures by day, of the days on which a call counts."""
    return tuple(sorted(_grouped(calls, definition, lambda call: call.opened_at.date()).items()))


def _grouped(calls: Iterable[Counted], definition: Definition, key: Callable[[Counted], Key]) -> dict[Key, Figures]:
    groups: dict[Key, list[Counted]] = {}
    for call in calls:
        groups.setdefault(key(call), []).append(call)
    found = {at: figures(group, definition) for at, group in groups.items()}
    return {at: one for at, one in found.items() if one.offered or one.ongoing}
