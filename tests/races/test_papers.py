"""Many press the same button of a paper at once, and somebody enters its evidence by hand meanwhile: one of each is done."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from madoguchi.domain.obligations import services as ledger
from madoguchi.domain.obligations.errors import ObligationRefused
from madoguchi.domain.obligations.models import Evidence
from madoguchi.domain.papers import services as deeds
from madoguchi.domain.papers.models import Paper
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from .test_reports import CROWD, race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races"), pytest.mark.req("REP-04")]


def test_one_makes_one_hands_in_one_decides(contracts: dict[str, Contract], official: Actor, now: dt.datetime) -> None:
    contract = contracts["izunokuni"]
    user = User.objects.create_user("race@example.jp", None, name="責任者")
    Assignment.objects.create(user=user, contract=contract, role=Role.MANAGER)
    doer: dict[str, Any] = {"user": user, "by": official, "now": now}
    assert len(race(lambda n: deeds.make(contract, "business_plan", "start", by=official, now=now))) == CROWD - 1
    with contract_scope(contract):
        pk = Paper.objects.get().pk
    deeds.write(contract, pk, "contact", "電話", **doer)
    by_hand: list[str] = []

    def hand_in(n: int) -> None:
        if n:
            deeds.submit(contract, pk, **doer)
            return
        try:
            ledger.meet(contract, "business_plan", "start", met_on=now.date(), reference="紙の計画書", by=official, now=now)
        except ObligationRefused as refused:
            by_hand.append(str(refused))

    told = race(hand_in)
    with contract_scope(contract):
        (evidence,) = Evidence.objects.filter(obligation="business_plan", withdrawn_at=None)
        submitted = Paper.objects.get().state == "submitted"
    assert len(told) == CROWD - 1 - submitted
    assert bool(by_hand) == (evidence.reference == "業務計画書 第1版")
    if not submitted:
        deeds.submit(contract, pk, **doer)
    decide = (deeds.approve, deeds.send_back)
    assert len(race(lambda n: decide[n % 2](contract, pk, comments="見ました", **doer))) == CROWD - 1
