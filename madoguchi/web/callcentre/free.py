"""What is free, in the shape the desk draws: five weeks of signs, the times of one day, the nearest alternatives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.availability import DayMark, SlotMark
from madoguchi.domain.booking.rules import Mark
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.actors import Actor

WEEKS = 5
TONE = {Mark.MANY: "open", Mark.FEW: "few", Mark.FULL: "full", Mark.NONE: "closed"}


@dataclass
class Free:
    """Signs of five weeks from a Sunday, times of the chosen day; ``problem`` when the party cannot be booked here."""

    title: str
    weeks: list[list[dict[str, Any]]]
    earlier: str
    later: str
    day: dt.date | None
    day_title: str
    slots: list[dict[str, Any]]
    problem: str = ""


def free(
    contract: Contract,
    site: str,
    procedures: Sequence[str],
    *,
    first: str,
    day: str,
    at: str,
    by: Actor,
    now: dt.datetime,
    over: bool = False,
    freed: Mapping[int, int] | None = None,
) -> Free:
    """Availability around a day. Without a day the first one with a free place is chosen."""  # fmt: skip
    today = now.date()
    chosen = dates.read_iso(day)
    begin = dates.read_iso(first) or chosen or today
    begin = max(begin, today - dt.timedelta(days=31))
    begin -= dt.timedelta(days=(begin.weekday() + 1) % 7)
    last = begin + dt.timedelta(days=WEEKS * 7 - 1)
    try:
        plan = availability.site_plan(contract, site)
    except availability.Unknown as unknown:
        return Free("", [], "", "", None, "", [], str(unknown))
    missing = [p.title for p in contract.profile.procedures if p.code in procedures and p.code not in plan.procedures]
    if missing:
        problem = f"{plan.name}では「{missing[0]}」の予約を受け付けていません。場所か手続きを選び直してください。"
        return Free("", [], "", "", None, "", [], problem)
    marks = availability.day_marks(contract, plan, procedures, begin, last, by=by, now=now, freed=freed)
    if chosen is None:
        chosen = next((m.date for m in marks if m.mark in (Mark.MANY, Mark.FEW)), None)
    calendar = contract_holidays(contract, begin, last)
    weeks = [[_day(m, chosen, today, calendar) for m in marks[i : i + 7]] for i in range(0, len(marks), 7)]
    slots: list[SlotMark] = []
    if chosen is not None:
        here = next((m for m in marks if m.date == chosen), None)
        if here is None:
            here = availability.day_marks(contract, plan, procedures, chosen, chosen, by=by, now=now, freed=freed)[0]
        slots = list(here.slots)
    return Free(
        title=f"{dates.show(begin, weekday=False)}〜{last.month}月{last.day}日",
        weeks=weeks,
        earlier=(begin - dt.timedelta(days=WEEKS * 7)).isoformat() if begin > today else "",
        later=(last + dt.timedelta(days=1)).isoformat(),
        day=chosen,
        day_title=dates.show(chosen) if chosen else "",
        slots=[slot_row(s, at, over=over) for s in slots],
    )


def contract_holidays(contract: Contract, first: dt.date, last: dt.date) -> dict[dt.date, str]:
    """Days on which no counter of the contract opens, with the reason."""
    from madoguchi.ground.contracts.queries import calendar_of

    calendar = calendar_of(contract, first, last)
    site = contract.profile.sites[0].code
    return {day.date: day.reason for day in calendar.days(site, "counter", first, last) if not day.intervals}


def _day(mark: DayMark, chosen: dt.date | None, today: dt.date, closed: dict[dt.date, str]) -> dict[str, Any]:
    return {
        "iso": mark.date.isoformat(),
        "number": f"{mark.date.month}/{mark.date.day}"
        if mark.date.day == 1 or mark.date.weekday() == 6
        else str(mark.date.day),
        "label": dates.show_short(mark.date),
        "mark": TONE[mark.mark],
        "left": mark.left,
        "selected": mark.date == chosen,
        "today": mark.date == today,
        "past": mark.date < today,
        "kind": {5: "sat", 6: "sun"}.get(mark.date.weekday(), ""),
        "reason": closed.get(mark.date, ""),
    }


def slot_row(slot: SlotMark, at: str, *, over: bool = False) -> dict[str, Any]:
    """One starting time for the list."""
    iso = slot.starts_at.isoformat()
    return {
        "iso": iso,
        "time": f"{slot.starts_at:%H:%M}",
        "mark": TONE[slot.mark],
        "left": slot.left,
        "checked": iso == at,
        "choosable": slot.mark is not Mark.FULL or over,
    }


def alternatives(
    contract: Contract,
    site: str,
    procedures: Sequence[str],
    wanted: dt.datetime,
    *,
    by: Actor,
    now: dt.datetime,
    count: int = 6,
    freed: Mapping[int, int] | None = None,
) -> list[tuple[str, str]]:
    """(ISO time, text) of the free times nearest to ``wanted`` for the same party, nearest first, within two weeks."""
    times = availability.alternatives(contract, site, procedures, wanted, by=by, now=now, count=count, freed=freed)
    return [(moment.isoformat(), f"{dates.show_short(moment.date())} {moment:%H:%M}") for moment in times]
