"""Facts of cases read for their figures. Inside ``contract_scope``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog.models import Fact

from ..figures import Work, settled


def works(kinds: Sequence[str], first: dt.date, last: dt.date) -> list[Work]:
    """Facts of these kinds that still stand, from the first day to the last one included."""
    start, end = (dt.datetime.combine(day, dt.time(), JST) for day in (first, last + dt.timedelta(days=1)))
    rows = Fact.objects.filter(kind__in=kinds, at__gte=start, at__lt=end).order_by("at", "id")
    return settled(
        Work(
            row.at.astimezone(JST), row.kind, row.ref, row.site, row.procedure, row.channel, row.language, row.outcome, row.quantity,
            row.wait_seconds, row.handle_seconds,
        ) for row in rows
    )  # fmt: skip
