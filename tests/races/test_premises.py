"""Many hands on one checklist: each item once, the list closed once, whoever taps at the same moment."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.premises.models import Mark, Run
from madoguchi.domain.premises.services.checklists import Hand, Word, mark
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.worklog.models import Fact

from ..domain.calls.people import member
from .crowd import Outcome, run

pytestmark = [
    pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races"), pytest.mark.req("DESK-08"),
]  # fmt: skip
HANDS = 8
ITEMS = ["forms", "devices", "camera", "systems", "room", "notices", "staffing"]


def test_each_item_is_marked_once_and_the_list_closed_once(contracts: dict[str, Contract], now: dt.datetime) -> None:
    contract = contracts["izumi"]
    staff = [member(contract, Role.SUPERVISOR) for _ in range(HANDS)]
    made: list[str] = []

    def hand(number: int):
        user, by = staff[number]

        def act(_: Outcome) -> None:
            for item in ITEMS if number % 2 else reversed(ITEMS):
                _, new = mark(contract, "opening", "plaza", item, Word(reading=60 if item == "forms" else None), hand=Hand(user, True, by), now=now)
                if new:
                    made.append(item)

        return act

    outcome = run([hand(n) for n in range(HANDS)])
    assert outcome.failures == []
    assert sorted(made) == sorted(ITEMS)
    with contract_scope(contract):
        assert Run.objects.get().closed_at == now
        assert sorted(Mark.objects.values_list("item", flat=True)) == sorted(ITEMS)
        assert Fact.objects.filter(kind="premises.opening").count() == 1
