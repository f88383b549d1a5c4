"""Spans of days in words: what "next week" means on a day. Pure; weeks run from Monday to Sunday."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import models


class Period(models.TextChoices):
    """Days counted from today; a list kept under a name holds these and never dates."""

    TODAY = "today", "今日"
    TOMORROW = "tomorrow", "明日"
    NEXT_OPEN = "next_open", "次の開庁日"
    YESTERDAY = "yesterday", "昨日"
    NEXT_7 = "next_7", "今日から7日間"
    THIS_WEEK = "this_week", "今週"
    NEXT_WEEK = "next_week", "来週"
    LAST_WEEK = "last_week", "先週"
    THIS_MONTH = "this_month", "今月"
    NEXT_MONTH = "next_month", "来月"
    LAST_MONTH = "last_month", "先月"


def span(period: Period, today: dt.date, next_open: Callable[[dt.date], dt.date]) -> tuple[dt.date, dt.date]:
    """First and last day (inclusive) of a period on ``today``; ``next_open`` gives the first business day after a day."""
    day = dt.timedelta(days=1)
    monday = today - today.weekday() * day
    month = today.replace(day=1)
    match period:
        case Period.TODAY:
            return today, today
        case Period.TOMORROW:
            return today + day, today + day
        case Period.NEXT_OPEN:
            return next_open(today), next_open(today)
        case Period.YESTERDAY:
            return today - day, today - day
        case Period.NEXT_7:
            return today, today + 6 * day
        case Period.THIS_WEEK:
            return monday, monday + 6 * day
        case Period.NEXT_WEEK:
            return monday + 7 * day, monday + 13 * day
        case Period.LAST_WEEK:
            return monday - 7 * day, monday - day
        case Period.THIS_MONTH:
            return month, _month_end(month)
        case Period.NEXT_MONTH:
            following = _month_end(month) + day
            return following, _month_end(following)
        case Period.LAST_MONTH:
            return (month - day).replace(day=1), month - day


def _month_end(day: dt.date) -> dt.date:
    return (day.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)
