"""The desk of these tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from madoguchi.domain.booking import availability
from madoguchi.ground.contracts.models import Contract

from .desk import Desk


@pytest.fixture
def desk(contract: Contract, now: dt.datetime) -> Iterator[Desk]:
    """廿日市市 with slots from 2 to 15 November 2026; everything is rolled back after the test."""
    made = Desk(contract, now)
    made.set_up(dt.date(2026, 11, 2), dt.date(2026, 11, 15))
    yield made
    availability.forget()
