"""Contingents: places of a pool kept for one channel until their release."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST

from .. import rules
from ..models import Contingent, Pool, Slot


@dataclass(frozen=True)
class Kept:
    """``places`` of every slot kept until ``days_before`` the visit at ``at``."""

    places: int
    days_before: int
    at: dt.time


def set_contingents(
    contract: Contract, pool: Pool, wanted: Mapping[str, Kept], *, by: Actor, now: dt.datetime
) -> None:
    """Replace the contingents of a pool (channel → what is kept); every coming slot follows at once.

    Bookings stay as they are: a contingent only says who may take what is still free. Raises ``ValidationError``.
    """
    from .slots import horizon, lock_pools

    with contract_scope(contract):
        lock_pools([pool])
        before = {row.channel: row for row in Contingent.objects.filter(pool=pool)}
        Contingent.objects.filter(pool=pool).delete()
        for channel, kept in wanted.items():
            row = Contingent(
                contract=contract, pool=pool, channel=channel, places=kept.places, days_before=kept.days_before, at=kept.at
            )
            row.full_clean(exclude=["contract", "pool"])
            row.save()
        part(contract, [pool], now.date(), horizon(contract, now), now=now)
        audit.record(
            contract, "slots.contingents", f"pool:{pool.code}", by=by, now=now,
            before={channel: row.places for channel, row in before.items()},
            after={channel: [kept.places, kept.days_before, f"{kept.at:%H:%M}"] for channel, kept in wanted.items()},
        )  # fmt: skip


def part(contract: Contract, pools: Sequence[Pool], first: dt.date, last: dt.date, *, now: dt.datetime) -> None:
    """Bring the coming slots of these days in line with the contingents of their pools (inside the scope)."""
    kept: dict[int, dict[str, Contingent]] = {}
    for row in Contingent.objects.filter(pool__in=pools):
        kept.setdefault(row.pool_id, {})[row.channel] = row
    begin = dt.datetime.combine(first, dt.time(), JST)
    end = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), JST)
    slots = Slot.objects.filter(pool__in=pools, starts_at__gt=now, starts_at__gte=begin, starts_at__lt=end)
    if not kept:
        slots = slots.filter(kept__isnull=False)
    ids: list[int] = []
    places: list[int] = []
    opens: list[dt.datetime] = []
    for slot in slots.order_by("pk"):
        rows = kept.get(slot.pool_id, {})
        asked = [rows[channel].places if channel in rows else 0 for channel in rules.SHARES]
        fitting = rules.trim(asked, 0 if slot.closed else slot.planned)
        visit = slot.starts_at.astimezone(JST)
        released = [
            min(visit, dt.datetime.combine(visit.date() - dt.timedelta(days=row.days_before), row.at, JST)) if row else visit
            for row in (rows.get(channel) for channel in rules.SHARES)
        ]
        if (slot.kept or [0] * len(fitting)) == fitting and (not any(fitting) or slot.opens == released):
            continue
        ids.append(slot.pk)
        places += fitting
        opens += released
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(
                "select booking_part(%s::smallint, %s::bigint[], %s::int[], %s::timestamptz[])",
                [contract.pk, ids, places, opens],
            )
