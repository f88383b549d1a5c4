"""Bring a contract to life: procedures with their shipped texts, pools and first weekly patterns from the profile."""

from __future__ import annotations

import datetime as dt

from django.db import connection

from madoguchi.domain.procedures.models import Procedure
from madoguchi.domain.procedures.services import ensure_procedures, ensure_rules
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.contracts.queries import calendar_of
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM

from ..models import Contingent, Pool, PoolProcedure, WeekPattern
from .slots import extend

LOOK_AHEAD = dt.timedelta(days=84)


def set_up(contract: Contract, *, now: dt.datetime, first: dt.datetime | None = None) -> None:
    """Make what the profile names and is not there yet, then the slots up to the horizon. What staff changed stays.

    With ``first`` a contract without pools gets its slots from that moment on.
    """
    with contract_scope(contract):
        ensure_procedures(contract, now=now)
        ensure_rules(contract, now=now)
        procedures = {p.code: p for p in Procedure.objects.all()}
        sites = {s.code: s for s in Site.objects.all()}
        begin = first if first and not Pool.objects.exists() else now
        for plan in contract.profile.pools:
            pool, made = Pool.objects.get_or_create(
                contract=contract,
                code=plan.code,
                defaults={"site": sites[plan.site], "name": plan.name or plan.code, "band_minutes": plan.band_minutes},
            )
            PoolProcedure.objects.bulk_create(
                [PoolProcedure(contract=contract, pool=pool, procedure=procedures[code]) for code in plan.procedures],
                ignore_conflicts=True,
            )
            if made:
                Contingent.objects.bulk_create(
                    [
                        Contingent(
                            contract=contract,
                            pool=pool,
                            channel=channel,
                            places=kept.places,
                            days_before=kept.days_before,
                            at=kept.at,
                        )
                        for channel, kept in plan.contingents.parts().items()
                    ]
                )
                _first_patterns(contract, pool, plan.channel, plan.capacity, begin.date())
        if begin < now:
            extend(contract, by=SYSTEM, now=begin)
        extend(contract, by=SYSTEM, now=now)


def count_anew() -> None:
    """Tell the database's planner how large the tables of bookings are; after slots were made in bulk.

    Until the server's own upkeep has done so (about a minute), a slot would be found by reading all slots of its contract.
    """
    with connection.cursor() as cursor:
        cursor.execute("analyze booking_slot, booking_booking, booking_attendee, booking_claim, booking_event")


def _first_patterns(contract: Contract, pool: Pool, channel: str, capacity: int, today: dt.date) -> None:
    """One pattern per weekday from its earliest opening to its latest closing; the calendar cuts each day."""
    last = today + LOOK_AHEAD
    site = Site.objects.get(pk=pool.site_id)
    spans: dict[int, tuple[dt.time, dt.time]] = {}
    for day in calendar_of(contract, today, last).days(site.code, channel, today, last):
        for begin, end in day.intervals:
            old = spans.get(day.date.weekday(), (begin, end))
            spans[day.date.weekday()] = (min(old[0], begin), max(old[1], end))
    WeekPattern.objects.bulk_create(
        [
            WeekPattern(
                contract=contract,
                pool=pool,
                weekday=weekday,
                starts=starts,
                ends=ends,
                capacity=capacity,
                valid_from=today,
            )
            for weekday, (starts, ends) in sorted(spans.items())
        ]
    )
