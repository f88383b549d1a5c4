"""A contract with a stock, and staff of every role at a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import clock
from tests.domain.cards.people import NINE, Stock
from tests.web.staff_site import sign_in, site  # noqa: F401


@pytest.fixture
def stock(contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stock]:
    """和泉市, which keeps reading and birth date, with its slots; the screens live at nine o'clock."""
    monkeypatch.setattr(clock, "now", lambda: NINE)
    availability.forget()
    set_up(contracts["izumi"], now=NINE)
    yield Stock(contracts["izumi"])
    availability.forget()
