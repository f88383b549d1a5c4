"""Periods of reports: which are owed, and when. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from madoguchi.ground.contracts.profile import Due
from madoguchi.ground.kit.clock import JST


@dataclass(frozen=True, slots=True)
class Period:
    """Days in Japan, the last one included."""

    first: dt.date
    last: dt.date

    @property
    def days(self) -> list[dt.date]:
        """Every day of the period."""
        return [self.first + dt.timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @property
    def moments(self) -> tuple[dt.datetime, dt.datetime]:
        """The moment it begins and the one at which it is over."""
        begin, end = self.first, self.last + dt.timedelta(days=1)
        return dt.datetime.combine(begin, dt.time(), JST), dt.datetime.combine(end, dt.time(), JST)


def month_of(day: dt.date) -> Period:
    """The month that a day is in."""
    first = day.replace(day=1)
    return Period(first, (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1))


def owed(kind: str, open_days: Sequence[dt.date], month: Period, today: dt.date) -> list[Period]:
    """The periods of a month that are over: each open day before today for ``day``, the month itself for ``month``."""
    if kind == "month":
        return [month] if month.last < today else []
    return [Period(day, day) for day in open_days if month.first <= day <= month.last and day < today]


def due_on(due: Due, period: Period) -> dt.date | None:
    """The day by which a report of a period is to be handed in; None where no day was agreed. The exception of a month comes first."""
    exception = next((one.date for one in due.exceptions if one.period == f"{period.first:%Y-%m}"), None)
    if exception is not None:
        return exception
    if due.rule == "daily":
        return period.last + dt.timedelta(days=1)
    if due.rule == "day_of_next_month" and due.day is not None:
        following = month_of(period.last + dt.timedelta(days=1))
        return min(following.first + dt.timedelta(days=due.day - 1), following.last)
    return None
