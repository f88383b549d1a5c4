"""Decisions of calls: pure, the clock comes in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from madoguchi.ground.contracts.calendar import JST, Day
from madoguchi.ground.contracts.profile import END_OF_DAY, Profile

from .enums import Line, Result, Topic
from .figures import Definition

TRIES_BEFORE_GIVING_UP = 2
HELD_FOR = dt.timedelta(minutes=30)
"""How long a call-back is kept for who took it on."""
CALLBACK_HOURS = 2
WRAPUP_MOST = 1800


def still_held(taken_at: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether who took a call-back on still has it."""
    return taken_at is not None and now - taken_at < HELD_FOR


def definitions(profile: Profile) -> tuple[Definition, ...]:
    """The named definitions of a contract; the standard one with the agreed rate where the profile names none."""
    named = profile.telephone.definitions if profile.telephone else ()
    found = tuple(
        Definition(
            code=one.code, name=one.name, exclude_closed=one.exclude_closed, exclude_short=one.exclude_short,
            short_seconds=one.short_seconds, callbacks=one.callbacks, service_level_seconds=one.service_level_seconds,
            target=one.target if one.target is not None else profile.kpis.answer_rate,
        )
        for one in named
    )  # fmt: skip
    return found or (Definition(target=profile.kpis.answer_rate),)


def office_deadline(start: dt.datetime, minutes: int, days: Sequence[Day]) -> dt.datetime:
    """``minutes`` of opening time after ``start``; ``days`` are the days from the start's on, in order, of the channel that works on it.

    Where the days given do not suffice (no hours on that channel, or none for weeks), the minutes run on the clock.
    """
    left = dt.timedelta(minutes=minutes)
    for day in days:
        for begin, finish in day.intervals:
            opens = dt.datetime.combine(day.date, begin, JST)
            closes = _midnight_after(day.date) if finish == END_OF_DAY else dt.datetime.combine(day.date, finish, JST)
            if closes <= start:
                continue
            opens = max(opens, start)
            if closes - opens >= left:
                return opens + left
            left -= closes - opens
    return start + dt.timedelta(minutes=minutes)


def _midnight_after(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), JST)


def second_line_minutes(profile: Profile, line: Line) -> int:
    """Opening minutes within which a line must have acted, as the contract says; else 30 for the supervisor, 240 for the city."""
    if profile.telephone is None:
        return 30 if line == Line.SUPERVISOR else 240
    terms = profile.telephone.second_line
    return int(terms.supervisor_minutes if line == Line.SUPERVISOR else terms.city_minutes)


def guess(choice: str, deeds: Sequence[str]) -> tuple[Topic, Result]:
    """Topic and result of a contact before the operator says so: from what was done during the call, else from the menu."""
    by_deed = {"created": (Topic.BOOK, Result.BOOKED), "changed": (Topic.CHANGE, Result.CHANGED), "cancelled": (Topic.CANCEL, Result.CANCELLED)}
    for deed in ("created", "changed", "cancelled"):
        if deed in deeds:
            return by_deed[deed]
    by_choice = {"booking": Topic.BOOK, "book": Topic.BOOK, "change": Topic.CHANGE, "cancel": Topic.CANCEL}
    return by_choice.get(choice, Topic.OTHER), Result.SOLVED


def wrapup(ended_at: dt.datetime | None, saved_at: dt.datetime) -> int | None:
    """Seconds of after-call work: from the end of the call to its record; None while the call goes on or where there is none."""
    if ended_at is None or saved_at < ended_at:
        return None
    return min(round((saved_at - ended_at).total_seconds()), WRAPUP_MOST)
