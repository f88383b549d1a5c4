"""A desk whose rows are committed, for crowds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.db import connection

from madoguchi.domain.booking import availability
from madoguchi.ground.contracts.models import Contract

from ..domain.booking.desk import THURSDAY, WEDNESDAY, Desk


@pytest.fixture
def desk(contracts: dict[str, Contract], now: dt.datetime) -> Iterator[Desk]:
    """廿日市市 with the slots of 4 and 5 November 2026, committed."""
    made = Desk(contracts["hatsukaichi"], now)
    made.set_up(WEDNESDAY, THURSDAY)
    with connection.cursor() as cursor:
        cursor.execute("select set_config('madoguchi.contract', %s, false)", [str(made.contract.pk)])
    yield made
    with connection.cursor() as cursor:
        cursor.execute("select set_config('madoguchi.contract', '', false)")
    availability.forget()


@pytest.fixture(params=["alone", "group"])
def committing(request: pytest.FixtureRequest, settings: LazySettings) -> str:
    """Both ways into the database: each reservation alone, and waiting ones committed as a group."""
    settings.GROUP_COMMIT = request.param == "group"
    return str(request.param)
