"""Saving the assumptions: one row, audited, within its limits."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from madoguchi.domain.staffing.models import SavedAssumptions
from madoguchi.domain.staffing.queries import saved_assumptions, telephone_hours
from madoguchi.domain.staffing.rules import assumptions_of
from madoguchi.domain.staffing.services import save_assumptions
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import CalendarOverride, Contract
from madoguchi.ground.kit.actors import Actor

pytestmark = pytest.mark.req("CALL-07")


def entries() -> list[Entry]:
    return list(Entry.objects.filter(action="staffing.assumptions").order_by("pk"))


def test_what_is_saved_is_what_counts(contract: Contract, official: Actor, now: dt.datetime) -> None:
    assert saved_assumptions() is None
    first = assumptions_of(contract.profile)[0]
    wanted = replace(first, patience_seconds=60, weekdays=(100,) * 7)
    assert save_assumptions(contract, wanted, by=official, now=now)
    saved = saved_assumptions()
    assert saved is not None
    assert saved.values == wanted
    assert (saved.edited_by, saved.edited_at) == ("市 太郎", now)
    assert [entry.detail for entry in entries()] == [
        {"changed": {"patience_seconds": [90, 60], "weekdays": [list(first.weekdays), [100] * 7]}}
    ]


def test_a_second_saving_changes_the_row_and_tells_both_values(contract: Contract, official: Actor, now: dt.datetime) -> None:
    first = assumptions_of(contract.profile)[0]
    save_assumptions(contract, first, by=official, now=now)
    save_assumptions(contract, replace(first, channels=5), by=official, now=now)
    assert SavedAssumptions.objects.count() == 1
    assert entries()[-1].detail == {"changed": {"channels": [2, 5]}}


def test_saving_the_same_again_writes_nothing(contract: Contract, official: Actor, now: dt.datetime) -> None:
    first = assumptions_of(contract.profile)[0]
    assert save_assumptions(contract, first, by=official, now=now)
    assert not save_assumptions(contract, first, by=official, now=now + dt.timedelta(hours=1))
    assert len(entries()) == 1


@pytest.mark.parametrize("wrong", [{"operators": 0}, {"patience_seconds": 1}, {"weekdays": [1] * 6}])
def test_the_database_refuses_what_cannot_be(contract: Contract, official: Actor, now: dt.datetime, wrong: dict[str, object]) -> None:
    save_assumptions(contract, assumptions_of(contract.profile)[0], by=official, now=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedAssumptions.objects.update(**wrong)


def test_hours_know_the_changes_of_staff(contract: Contract, now: dt.datetime) -> None:
    day = dt.date(2026, 11, 30)
    assert sum(telephone_hours(contract, day)[day]) == 17
    CalendarOverride.objects.create(contract=contract, date=day, kind="closed", channel="phone", reason="台風", created_at=now)
    assert sum(telephone_hours(contract, day)[day]) == 0
