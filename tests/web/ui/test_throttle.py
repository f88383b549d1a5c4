"""Limits per address: tokens come back with time, and what a visitor writes into a header does not buy new ones."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.cache import cache
from django.test import RequestFactory

from madoguchi.ground.contracts.models import Contract
from madoguchi.web.ui.throttle import client_address, spend


@pytest.mark.req("BOOK-16")
def test_tokens_come_back_one_by_one(contract: Contract, now: dt.datetime, settings) -> None:
    cache.clear()
    settings.RATE_LIMITS = {"lookup": (3, 60)}
    assert [spend(contract, "lookup", "192.0.2.1", now=now) for _ in range(4)] == [0, 0, 0, 21]
    assert spend(contract, "lookup", "192.0.2.2", now=now) == 0
    assert spend(contract, "lookup", "192.0.2.1", now=now + dt.timedelta(seconds=19)) == 2
    assert spend(contract, "lookup", "192.0.2.1", now=now + dt.timedelta(seconds=20)) == 0
    later = now + dt.timedelta(hours=1)
    assert [spend(contract, "lookup", "192.0.2.1", now=later) for _ in range(4)] == [0, 0, 0, 21]


@pytest.mark.req("BOOK-16")
@pytest.mark.parametrize(
    ("proxies", "header", "address"),
    [
        (0, "198.51.100.9", "192.0.2.7"),
        (1, "", "192.0.2.7"),
        (1, "198.51.100.9", "198.51.100.9"),
        (1, "203.0.113.66, 198.51.100.9", "198.51.100.9"),
        (2, "203.0.113.66, 198.51.100.9, 10.0.0.2", "198.51.100.9"),
    ],
)
def test_only_our_own_proxies_are_believed(settings, proxies: int, header: str, address: str) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7", headers={"x-forwarded-for": header} if header else {})
    assert client_address(request) == address
