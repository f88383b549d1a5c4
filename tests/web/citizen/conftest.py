"""A contract with slots at a fixed moment, and a resident at a browser without JavaScript."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from tests.web.citizen.resident import Resident
from tests.web.staff_site import site  # noqa: F401


@pytest.fixture
def resident(site) -> Resident:  # noqa: F811
    """A resident of 廿日市市, Japanese."""
    cache.clear()
    return Resident(site, Client(headers={"accept-language": "ja"}))
