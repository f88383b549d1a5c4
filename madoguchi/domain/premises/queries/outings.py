"""Days at other places."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from django.db.models import QuerySet

from ..enums import OutingStage
from ..models import Outing


def coming(today: dt.date) -> QuerySet[Outing]:
    """Days from today on, and days gone by that have not been handed over; the nearest first."""
    open_ = Outing.objects.exclude(stage__in=(OutingStage.CANCELLED, OutingStage.HANDED_OVER))
    return (open_ | Outing.objects.filter(on__gte=today, stage=OutingStage.CANCELLED)).select_related("site").order_by("on", "starts", "id")


def finished() -> QuerySet[Outing]:
    """Days that were handed over, the latest first."""
    return Outing.objects.filter(stage=OutingStage.HANDED_OVER).select_related("site").order_by("-on", "-id")


def per_month(first: dt.date, months: int = 3) -> Sequence[tuple[dt.date, int]]:
    """How many days there are in the month of ``first`` and the months after it, those called off left out."""
    begins = [_first(first, n) for n in range(months + 1)]
    days = Outing.objects.exclude(stage=OutingStage.CANCELLED).filter(on__gte=begins[0], on__lt=begins[-1]).values_list("on", flat=True)
    counted = Counter(day.replace(day=1) for day in days)
    return [(month, counted[month]) for month in begins[:-1]]


def _first(day: dt.date, months: int) -> dt.date:
    years, month = divmod(day.month - 1 + months, 12)
    return dt.date(day.year + years, month + 1, 1)
