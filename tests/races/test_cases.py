"""Many hands on one case at one moment: a step is taken once, a case opened once, and no number of the history is missing."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.cases.errors import CaseRefused
from madoguchi.domain.cases.hands import hand_of
from madoguchi.domain.cases.models import Case, FlowVersion, Move
from madoguchi.domain.cases.services import work
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.worklog.models import Fact

from ..domain.booking.desk import Desk, at
from ..domain.cases.counter import hand, key
from .crowd import run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
CROWD = 8


@pytest.mark.req("DESK-02")
def test_two_people_cannot_do_the_same_step(desk: Desk, now: dt.datetime) -> None:
    contract = desk.contract
    leaders = [hand(contract, Role.SUPERVISOR) for _ in range(CROWD)]
    booked = desk.reserve(at(10), ["pin_reset"])
    visit = work.Visit(contract.profile.sites[0].code, booking=booked.code)
    told: list[str] = []

    def opening(n: int) -> None:
        try:
            work.open_case(contract, "pin_reset", "pin_reset", visit, key=f"open-{n // 2}", hand=leaders[n], now=now)
        except CaseRefused as refused:
            told.append(refused.message)

    assert run([lambda _, n=n: opening(n) for n in range(CROWD)]).failures == []  # type: ignore[misc]
    with contract_scope(contract):
        case = Case.objects.get()
        assert (Move.objects.count(), FlowVersion.objects.count(), Fact.objects.filter(kind="case.opened").count()) == (1, 1, 1)
    assert len(told) in (CROWD - 1, CROWD - 2), "who sent it twice is told the same case"
    owner = next(one for one in leaders if one.user.pk == case.owner_id)
    told.clear()

    def stepping(n: int) -> None:
        mine = hand_of(owner.user, Role.SUPERVISOR)
        try:
            work.finish_step(contract, case.pk, "next", ticked=["purpose", "which", "face"], version=1, key=key(), hand=mine, now=now)
        except CaseRefused as refused:
            told.append(refused.message)

    assert run([lambda _, n=n: stepping(n) for n in range(CROWD)]).failures == []  # type: ignore[misc]
    assert told == [work.GONE] * (CROWD - 1)
    with contract_scope(contract):
        case.refresh_from_db()
        assert (case.step, case.moves) == ("documents", 2)
        assert list(Move.objects.order_by("n").values_list("n", flat=True)) == [1, 2]
