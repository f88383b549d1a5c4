"""Several members of staff reach for the same call-back, matter or call at one moment: one wins, the others are told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from madoguchi.domain.calls.enums import Result, Topic, TryOutcome
from madoguchi.domain.calls.errors import CallsRefused
from madoguchi.domain.calls.models import Call, Callback, Contact, Escalation, Step
from madoguchi.domain.calls.services import callbacks, contacts, escalations
from madoguchi.domain.calls.services.record import record_events
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.worklog.models import Fact

from ..domain.calls.people import member
from ..domain.calls.told import NINE, abandoned, answered
from .crowd import run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
CROWD = 4


def race(deed: Callable[[int], object]) -> list[str]:
    """``CROWD`` people do the deed at once; what the refused were told."""
    told: list[str] = []

    def act(number: int) -> None:
        try:
            deed(number)
        except CallsRefused as refused:
            told.append(refused.message)

    outcome = run([lambda _, n=n: act(n) for n in range(CROWD)])  # type: ignore[misc]
    assert outcome.failures == []
    return told


@pytest.fixture
def contract(contracts: dict[str, Contract]) -> Contract:
    return contracts["hatsukaichi"]


@pytest.mark.req("CALL-03")
def test_a_call_back_is_taken_by_one_and_promised_once(contract: Contract) -> None:
    staff = [member(contract, Role.OPERATOR) for _ in range(CROWD)]
    record_events(contract, abandoned(), by=SYSTEM, now=NINE)
    with contract_scope(contract):
        call = Call.objects.get()
    told = race(lambda n: callbacks.promise(contract, number="09012345678", call=call, by=staff[n][1], now=NINE))
    assert told == ["この着信の折り返しは、すでに一覧にあります。"] * (CROWD - 1)
    with contract_scope(contract):
        owed = Callback.objects.get()
    told = race(lambda n: callbacks.take(contract, owed.pk, user=staff[n][0], by=staff[n][1], now=NINE))
    with contract_scope(contract):
        owner = Callback.objects.select_related("owner").get().owner
    assert told == [f"{owner}さんがこの折り返しを担当しています。"] * (CROWD - 1)
    told = race(lambda n: callbacks.tried(contract, owed.pk, outcome=TryOutcome.REACHED, user=staff[n][0], by=staff[n][1], now=NINE))
    assert len(told) == CROWD - 1
    with contract_scope(contract):
        assert Callback.objects.get().tries == 1
        assert Fact.objects.filter(kind="callback.closed").count() == 1


@pytest.mark.req("CALL-04")
def test_a_matter_is_taken_and_closed_once(contract: Contract) -> None:
    staff = [member(contract, Role.SUPERVISOR) for _ in range(CROWD)]
    matter = escalations.hand_over(contract, topic=Topic.OTHER, summary="確認", user=staff[0][0], by=staff[0][1], now=NINE)
    told = race(lambda n: escalations.take(contract, matter.pk, user=staff[n][0], by=staff[n][1], now=NINE))
    with contract_scope(contract):
        owner = Escalation.objects.select_related("owner").get().owner
    assert told == [f"{owner}さんが担当しています。"] * (CROWD - 1)
    told = race(lambda n: escalations.close(contract, matter.pk, text=f"{n}", user=staff[n][0], by=staff[n][1], now=NINE))
    assert told == ["この引き継ぎは、すでに完了しています。"] * (CROWD - 1)
    with contract_scope(contract):
        assert Step.objects.filter(kind="closed").count() == 1
        assert Fact.objects.filter(kind="escalation.closed").count() == 1
        assert Escalation.objects.get().closed_at == NINE


@pytest.mark.req("CALL-03")
def test_a_conversation_has_one_record_however_often_it_is_saved(contract: Contract) -> None:
    user, by = member(contract, Role.OPERATOR)
    record_events(contract, answered(), by=SYSTEM, now=NINE)
    with contract_scope(contract):
        call = Call.objects.get()
    later = NINE + dt.timedelta(minutes=5)
    said = [contacts.Said(Topic.BOOK, Result.SOLVED, words=contacts.Words(question=f"{n}")) for n in range(CROWD)]
    told = race(lambda n: contacts.record(contract, said[n], call=call, user=user, by=by, now=later))
    assert told == []
    with contract_scope(contract):
        assert Contact.objects.count() == 1
        assert Fact.objects.filter(kind="contact.recorded").count() == 1
