"""Reads of contracts and calendars used by several apps."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.kit.remember import Remembered

from .calendar import BusinessCalendar, Override
from .models import CalendarOverride, Contract, Site
from .profile import parse_span

_contracts: Remembered[str, Contract] = Remembered(30.0)


def contract_by_code(code: str) -> Contract:
    """The active contract of a code, remembered for 30 s per process. Raises ``Contract.DoesNotExist``."""
    return _contracts.get(code, lambda: Contract.objects.get(code=code, active=True))


def forget_contracts() -> None:
    """Drop remembered contracts (tests make new ones with old codes)."""
    _contracts.forget()


def calendar_of(contract: Contract, first: dt.date, last: dt.date) -> BusinessCalendar:
    """The calendar of a contract with the one-day changes of ``first``…``last`` (inside ``contract_scope``)."""
    rows = (
        CalendarOverride.objects.filter(date__range=(first, last), withdrawn_at=None)
        .select_related("site")
        .order_by("id")
    )
    overrides = [
        Override(
            site=row.site.code if row.site else None,
            channel=row.channel or None,
            date=row.date,
            kind=row.kind,
            intervals=tuple(parse_span(pair) for pair in row.intervals),
            last_reception=row.last_reception,
            reason=row.reason,
        )
        for row in rows
    ]
    return BusinessCalendar(contract.profile, overrides=overrides)


def business_days(contract: Contract, first: dt.date, last: dt.date) -> list[dt.date]:
    """Days from ``first`` to ``last`` on which some site serves at its counter, or on the telephone where the contract has no
    counter (inside ``contract_scope``). A day without hours, a holiday and a closure by staff are none.
    """
    calendar = calendar_of(contract, first, last)
    channel = "counter" if contract.profile.channels.counter else "phone"
    sites = [site.code for site in contract.profile.sites]
    open_days = (
        day.date for site in sites for day in calendar.days(site, channel, first, last) if day.intervals
    )
    return sorted(set(open_days))


def next_business_day(contract: Contract, after: dt.date) -> dt.date:
    """The first business day after a day; the day after it when the coming month has none (inside ``contract_scope``)."""
    tomorrow = after + dt.timedelta(days=1)
    return next(iter(business_days(contract, tomorrow, after + dt.timedelta(days=31))), tomorrow)


def site_by_code(code: str) -> Site:
    """A site of the contract in scope. Raises ``Site.DoesNotExist``."""
    return Site.objects.get(code=code)
