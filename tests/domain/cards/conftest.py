"""The stock of these tests."""

from __future__ import annotations

import pytest

from madoguchi.ground.contracts.models import Contract

from .people import Stock


@pytest.fixture
def stock(contracts: dict[str, Contract]) -> Stock:
    """長岡市, which keeps no personal data of cards."""
    return Stock(contracts["nagaoka"])


@pytest.fixture
def known_people(contracts: dict[str, Contract]) -> Stock:
    """和泉市, which keeps reading and birth date."""
    return Stock(contracts["izumi"])
