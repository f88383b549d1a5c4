"""The city's prescribed table: visitors of a month by procedure and day."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass

from madoguchi.ground.contracts.models import Contract

from .queries import Period, figures

MEASURE = "cases_opened"


@dataclass(frozen=True, slots=True)
class Visitors:
    """Procedure by day. ``rows`` is (procedure, one count per day, sum); every procedure and day has its place, also with nobody."""

    days: tuple[dt.date, ...]
    rows: tuple[tuple[str, tuple[int, ...], int], ...]
    sums: tuple[int, ...]
    all: int


def visitors_of_month(contract: Contract, month: dt.date, site: str = "") -> Visitors:
    """The table of the month of ``month`` by the measure ``cases_opened``; ``site`` leaves out the other places."""
    first = month.replace(day=1)
    period = Period(first, first.replace(day=calendar.monthrange(first.year, first.month)[1]))
    found = figures(contract, [MEASURE], period, ["procedure", "day"], {"site": site} if site else {})
    counts = {one.key: one.top for one in found}
    days = period.days
    codes = [procedure.code for procedure in contract.profile.procedures]
    rows = [tuple(counts.get((code, day.isoformat()), 0) for day in days) for code in codes]
    sums = tuple(sum(column) for column in zip(*rows, strict=True))
    return Visitors(tuple(days), tuple((code, row, sum(row)) for code, row in zip(codes, rows, strict=True)), sums, sum(sums))
