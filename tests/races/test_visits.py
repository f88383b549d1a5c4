"""The same file of the city's bookings imported by several at once."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.booking.external import Visit
from madoguchi.domain.booking.models import ExternalVisit
from madoguchi.domain.booking.services.external import import_visits
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from ..domain.booking.desk import at
from .crowd import run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]


@pytest.mark.req("BOOK-14")
def test_each_booking_is_added_once(contracts: dict[str, Contract], official: Actor, now: dt.datetime) -> None:
    contract = contracts["izunokuni"]
    set_up(contract, now=now)
    visits = [Visit(f"A-{n}", at(9, n % 60), "card_pickup", "main") for n in range(200)]
    added: list[int] = []

    def take(order: int) -> None:
        added.append(len(import_visits(contract, visits[::order], by=official, now=now).added))

    outcome = run([lambda _, order=order: take(order) for order in (1, -1, 1, -1)])  # type: ignore[misc]
    assert outcome.failures == []
    assert sorted(added) == [0, 0, 0, 200]
    with contract_scope(contract):
        assert ExternalVisit.objects.count() == 200
