"""What the worker calls."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import business_days
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM

from .periods import Period, month_of, owed
from .services.days import count_days
from .services.documents import make_missing, notice_changes

DAYS_BACK = 7
LOOKED_AT = 400
"""Days back: daily reports that are made up for, and periods whose figures are compared with their facts."""


def count_all(now: dt.datetime) -> int:
    """Count the touched days of every contract; how many."""
    return sum(count_days(contract) for contract in Contract.objects.order_by("pk"))


def make_reports(now: dt.datetime) -> int:
    """Make the reports of days and months that are over, and see what changed since older ones were signed; how many were made."""
    return sum(_of(contract, now) for contract in Contract.objects.filter(active=True).order_by("pk"))


def _of(contract: Contract, now: dt.datetime) -> int:
    made = make_missing(contract, due_to_make(contract, now.date()), by=SYSTEM, now=now)
    notice_changes(contract, since=now.date() - dt.timedelta(days=LOOKED_AT), by=SYSTEM, now=now)
    return len(made)


def due_to_make(contract: Contract, today: dt.date, back: int = DAYS_BACK) -> list[tuple[str, Period]]:
    """(report, period): the open days of the last ``back`` days and the month before, from the first day of service on."""
    earliest = today - dt.timedelta(days=back)
    with contract_scope(contract):
        days = business_days(contract, earliest, today)
    before = month_of(today.replace(day=1) - dt.timedelta(days=1))
    begun = contract.profile.term.service_from
    return [
        (duty.code, period)
        for duty in contract.profile.reports if duty.period
        for period in owed(duty.period, days, before if duty.period == "month" else Period(earliest, today), today)
        if period.last >= begun
    ]  # fmt: skip
