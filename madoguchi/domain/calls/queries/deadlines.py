"""Due times, from the business calendar with its one-day changes. Inside ``contract_scope``."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.calendar import JST, Day
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import calendar_of

from .. import rules
from ..enums import Line

_REACH = 14


def callback_due(contract: Contract, asked_at: dt.datetime) -> dt.datetime:
    """When a call-back is due: two opening hours of the telephone after it was asked for."""
    return rules.office_deadline(asked_at, rules.CALLBACK_HOURS * 60, _days(contract, asked_at, "phone"))


def second_line_due(contract: Contract, line: Line, since: dt.datetime) -> dt.datetime:
    """When a line must have acted, in the opening time of the telephone, or of the city's counter."""
    channel = "phone" if line == Line.SUPERVISOR else "counter"
    return rules.office_deadline(since, rules.second_line_minutes(contract.profile, line), _days(contract, since, channel))


def _days(contract: Contract, since: dt.datetime, channel: str) -> list[Day]:
    first = since.astimezone(JST).date()
    last = first + dt.timedelta(days=_REACH)
    site = contract.profile.sites[0].code
    return calendar_of(contract, first, last).days(site, channel, first, last)
