"""Places that are planned, for whoever plans ahead."""

from __future__ import annotations

import datetime as dt

from django.db.models import Sum
from django.db.models.functions import TruncDate

from madoguchi.ground.kit.clock import JST

from ..models import PoolProcedure, Slot


def planned_places(first: dt.date, last: dt.date) -> dict[tuple[str, dt.date], int]:
    """Planned places of the open slots by pool and day, of the days on which there are any (inside ``contract_scope``)."""
    begin, end = (dt.datetime.combine(day, dt.time(), JST) for day in (first, last + dt.timedelta(days=1)))
    rows = (
        Slot.objects.filter(starts_at__gte=begin, starts_at__lt=end, closed=False)
        .annotate(day=TruncDate("starts_at", tzinfo=JST))
        .values_list("pool__code", "day")
        .annotate(places=Sum("planned"))
    )
    return {(pool, day): int(places) for pool, day, places in rows}


def procedures_of_pools() -> dict[str, tuple[str, ...]]:
    """The procedures that each pool serves, in the order of the pools (inside ``contract_scope``)."""
    found: dict[str, tuple[str, ...]] = {}
    for pool, procedure in PoolProcedure.objects.order_by("pool_id", "procedure_id").values_list("pool__code", "procedure__code"):
        found[pool] = (*found.get(pool, ()), procedure)
    return found
