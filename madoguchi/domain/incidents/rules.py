"""Whom to call when, when a legal step is due, and what a report in writing still lacks. Pure: the profile and times in, decisions out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from madoguchi.ground.contracts.calendar import default_holidays
from madoguchi.ground.contracts.profile import IncidentDuty, Incidents, LegalStep

DAY = dt.timedelta(days=1)
YEAR_END = ((12, 29), (1, 3))
"""First and last day around New Year on which offices are closed (行政機関の休日に関する法律 1条)."""


def call_after(terms: Incidents, number: int) -> dt.timedelta | None:
    """How long after the report a call is due, counted from 0; None when there is no such call any more."""
    named = len(terms.calls)
    if number < named:
        return dt.timedelta(minutes=terms.calls[number].after_minutes)
    again = number - named + 1
    return dt.timedelta(minutes=terms.calls[-1].after_minutes + again * terms.repeat_minutes) if again <= terms.repeat_times else None


def called(terms: Incidents, number: int) -> tuple[str, ...]:
    """The roles of a call; repetitions are those of the last."""
    return terms.calls[min(number, len(terms.calls) - 1)].to


def next_call(terms: Incidents, made: int, reported_at: dt.datetime) -> dt.datetime | None:
    """When the call after ``made`` calls is due; None when all were made."""
    after = call_after(terms, made)
    return reported_at + after if after is not None else None


def due_calls(terms: Incidents, made: int, reported_at: dt.datetime, now: dt.datetime) -> list[int]:
    """The calls to make now. Every named call that was missed while no worker ran is made up; of missed repetitions the last one only."""
    due = []
    while (at := next_call(terms, made, reported_at)) is not None and at <= now:
        due.append(made)
        made += 1
    repeated = [one for one in due if one >= len(terms.calls)]
    return [one for one in due if one < len(terms.calls)] + repeated[-1:]


def office_day(day: dt.date) -> bool:
    """Whether offices are open by law: no Saturday, Sunday, holiday, nor a day around New Year."""
    return day.weekday() < 5 and default_holidays(day) is None and not ((day.month, day.day) >= YEAR_END[0] or (day.month, day.day) <= YEAR_END[1])


def legal_due(step: LegalStep, found_on: dt.date, *, wrongful: bool) -> dt.date | None:
    """The last day of a legal step; None where only its speed is asked for."""
    days = step.wrongful_days if wrongful and step.wrongful_days is not None else step.days
    if days is None:
        return None
    day = found_on + DAY * (days - 1 if step.first_day else days)
    while step.closed != "as_is" and not office_day(day):
        day += DAY if step.closed == "after" else -DAY
    return day


def duties_of(terms: Incidents, kind: str, *, grave: bool) -> list[IncidentDuty]:
    """The obligations that fall due by an incident."""
    return [one for one in terms.duties if (not one.kinds or kind in one.kinds) and (grave or not one.grave_only)]


def lacking(*, cause: str, response: str, preventions: int) -> list[str]:
    """What a report in writing still needs, in the words of the form."""
    needed = (("原因", cause.strip()), ("対応", response.strip()), ("再発防止策", preventions))
    return [name for name, found in needed if not found]


def unsettled(legal: Iterable[LegalStep], done: Iterable[str]) -> list[str]:
    """Names of the legal steps without a record."""
    settled = set(done)
    return [one.name for one in legal if one.code not in settled]
