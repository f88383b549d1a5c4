"""Standing orders: on which days they fall due, and how a delivery stands. Pure."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Collection, Sequence

from .enums import Rhythm

LEAD = dt.timedelta(minutes=30)
"""A file is made so long before it is due: late enough to be fresh, early enough to try six times."""

CATCH_UP = dt.timedelta(days=31)
"""Deliveries missed for longer than this (no worker ran) are not made up."""

NO_WORKER = "期限の前にファイルを作れませんでした（処理が止まっていました）。"


def due_on(rhythm: str, day: dt.date, *, weekdays: Sequence[int], month_day: int | None, business: Collection[dt.date]) -> bool:
    """Whether an order falls due on ``day``. Weekdays count from 0, Monday; in a month without its day an order of a day
    of the month falls due on the last one.
    """
    match Rhythm(rhythm):
        case Rhythm.BUSINESS_DAYS:
            return day in business
        case Rhythm.WEEKDAYS:
            return day.weekday() in weekdays
        case Rhythm.MONTH_DAY:
            return day.day == min(month_day or 1, calendar.monthrange(day.year, day.month)[1])


def state_label(*, due_at: dt.datetime, made_at: dt.datetime | None, erased: bool, now: dt.datetime) -> str:
    """How a delivery stands, for people."""
    if made_at is None:
        return "遅れ" if now > due_at else "準備中"
    if erased:
        return "消去済み"
    return "遅れて作成" if made_at > due_at else "受け取れます"
