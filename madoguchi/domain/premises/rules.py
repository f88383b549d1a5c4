"""Decisions of the rooms of the counter: when a list is due, how it stands, when papers are next destroyed. Pure; times are Japan's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

from madoguchi.ground.contracts.profile import END_OF_DAY

from .enums import Kind, Standing

JST = ZoneInfo("Asia/Tokyo")
Spans = Sequence[tuple[dt.time, dt.time]]


def run_day(kind: str, day: dt.date) -> dt.date:
    """The day under which a run is kept: the day itself, of a weekly list the Monday of its week."""
    return day - dt.timedelta(days=day.weekday()) if kind == Kind.WEEKLY else day


def span_of(kind: str, day: dt.date) -> tuple[dt.date, dt.date]:
    """First and last day on which the run of ``day`` can be worked on."""
    first = run_day(kind, day)
    return first, first + dt.timedelta(days=6 if kind == Kind.WEEKLY else 0)


def due_at(kind: str, minutes: int, hours: Sequence[tuple[dt.date, Spans]]) -> dt.datetime | None:
    """When a list must be finished; None where the site is closed.

    ``hours`` are the openings of the run's days in order. A list of the opening is due ``minutes`` before the first opening, the
    others ``minutes`` after the last closing.
    """
    open_days = [(day, spans) for day, spans in hours if spans]
    if not open_days:
        return None
    if kind == Kind.OPENING:
        day, spans = open_days[0]
        return dt.datetime.combine(day, spans[0][0], JST) - dt.timedelta(minutes=minutes)
    day, spans = open_days[-1]
    return _end(day, spans[-1][1]) + dt.timedelta(minutes=minutes)


def _end(day: dt.date, clock: dt.time) -> dt.datetime:
    if clock == END_OF_DAY:
        return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), JST)
    return dt.datetime.combine(day, clock, JST)


def standing(due: dt.datetime | None, *, begun: bool, closed_at: dt.datetime | None, now: dt.datetime) -> Standing:
    """How a list stands at ``now``. Finished at the due moment itself is in time; open at it is not late yet."""
    if closed_at is not None:
        return Standing.DONE_LATE if due is not None and closed_at > due else Standing.DONE
    if due is not None and now > due:
        return Standing.LATE
    if begun:
        return Standing.BEGUN
    return Standing.NONE if due is None else Standing.COMING


@dataclass(frozen=True)
class Part:
    """One of the parts of a fiscal year in which papers are destroyed once; both days inclusive."""

    begins: dt.date
    ends: dt.date


def fiscal_year(day: dt.date, month: int) -> tuple[dt.date, dt.date]:
    """First and last day of the fiscal year of ``day`` that begins with a month."""
    begins = dt.date(day.year - (day.month < month), month, 1)
    return begins, dt.date(begins.year + 1, month, 1) - dt.timedelta(days=1)


def parts_of_year(day: dt.date, month: int, times: int, term: tuple[dt.date, dt.date]) -> list[Part]:
    """The fiscal year of ``day`` in ``times`` parts of equal months, without those that end before or begin after the term of service.

    Twelve months divide evenly by 1, 2, 3, 4, 6 and 12; other numbers give parts of unequal whole months; more than twelve give twelve.
    """
    begins, _ = fiscal_year(day, month)
    times = min(times, 12)
    edges = [_months_after(begins, n * 12 // times) for n in range(times + 1)]
    parts = [Part(first, after - dt.timedelta(days=1)) for first, after in pairwise(edges)]
    return [part for part in parts if part.ends >= term[0] and part.begins <= term[1]]


def _months_after(day: dt.date, months: int) -> dt.date:
    years, month = divmod(day.month - 1 + months, 12)
    return dt.date(day.year + years, month + 1, day.day)


@dataclass(frozen=True)
class Ledger:
    """How often papers were destroyed in a fiscal year: ``done`` of ``wanted``, the last day for the next (None: all done)."""

    done: int
    wanted: int
    due_on: dt.date | None
    late: bool


def ledger(parts: Sequence[Part], done: int, today: dt.date) -> Ledger:
    """The n-th time is due by the end of the n-th part."""
    due_on = parts[done].ends if done < len(parts) else None
    return Ledger(done, len(parts), due_on, due_on is not None and today > due_on)
