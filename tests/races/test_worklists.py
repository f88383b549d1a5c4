"""Many hands on one work list: no entry twice, none forgotten, each counted once."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.worklists.files import Wanted
from madoguchi.domain.worklists.models import Entry, EntryStep
from madoguchi.domain.worklists.services import claim_next, end, import_entries
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.worklog.models import Fact

from ..domain.calls.people import member
from .crowd import Outcome, run

pytestmark = [
    pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races"), pytest.mark.req("DESK-05"),
]  # fmt: skip
LIST = "expiry_address"
HANDS, ENTRIES = 8, 60


def test_no_entry_is_done_twice_and_none_is_left(contracts: dict[str, Contract], now: dt.datetime) -> None:
    contract = contracts["izumi"]
    staff = [member(contract, Role.COUNTER) for _ in range(HANDS)]
    files = [[Wanted(n, f"K{n:03}") for n in range(first, first + ENTRIES)] for first in (0, 30)]
    done: list[str] = []

    def import_(entries: list[Wanted]):
        return lambda _: import_entries(contract, LIST, entries, name="f.csv", by=staff[0][1], now=now)

    assert run([import_(one) for one in files for _ in range(2)]).failures == []  # type: ignore[misc]

    def hand(number: int):
        user, by = staff[number]

        def act(_: Outcome) -> None:
            while (entry := claim_next(contract, LIST, user=user, by=by, now=now)) is not None:
                for _ in range(2):
                    end(contract, entry.pk, result="updated", user=user, by=by, now=now)
                done.append(entry.key)

        return act

    outcome = run([hand(n) for n in range(HANDS)])
    assert outcome.failures == []
    assert sorted(done) == [f"K{n:03}" for n in range(30 + ENTRIES)]
    with contract_scope(contract):
        assert Entry.objects.exclude(state="done").count() == 0
        assert Fact.objects.filter(kind=f"worklist.{LIST}").count() == len(done)
        assert EntryStep.objects.filter(kind="done").count() == len(done)
