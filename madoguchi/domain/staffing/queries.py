"""Reads of staffing."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import calendar_of

from .models import SavedAssumptions
from .rules import month_hours


def saved_assumptions() -> SavedAssumptions | None:
    """What staff have set for the contract in scope; None: the profile still counts."""
    return SavedAssumptions.objects.first()


def telephone_hours(contract: Contract, day: dt.date) -> dict[dt.date, tuple[float, ...]]:
    """Open shares of the half hours of the month of ``day``, changes by staff included (inside ``contract_scope``)."""
    first = day.replace(day=1)
    return month_hours(
        calendar_of(contract, first, first + dt.timedelta(days=30)), [site.code for site in contract.profile.sites], day
    )
