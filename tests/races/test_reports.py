"""Many press the same button of a report at once: one deed is done, the others are told why theirs is not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from madoguchi.domain.reports.contents import content_of
from madoguchi.domain.reports.enums import State
from madoguchi.domain.reports.errors import ReportRefused
from madoguchi.domain.reports.models import Report
from madoguchi.domain.reports.services import documents as deeds
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from .crowd import Outcome, run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races"), pytest.mark.req("REP-03")]
CROWD = 4


def race(deed: Callable[[int], object]) -> list[str]:
    """The words of those who were refused."""

    def work(n: int) -> Callable[[Outcome], None]:
        def act(outcome: Outcome) -> None:
            try:
                deed(n)
            except ReportRefused as refused:
                with outcome.lock:
                    outcome.refusals.append(str(refused))

        return act

    outcome = run([work(n) for n in range(CROWD)])
    assert outcome.failures == []
    return outcome.refusals


def test_one_makes_one_signs_one_decides(contracts: dict[str, Contract], official: Actor, now: dt.datetime) -> None:
    contract = contracts["hatsukaichi"]
    users = []
    for n in range(CROWD):
        user = User.objects.create_user(f"race{n}@example.jp", None, name=f"責任者 {n}")
        Assignment.objects.create(user=user, contract=contract, role=Role.MANAGER)
        users.append(user)
    doers: list[dict[str, Any]] = [{"user": user, "by": official, "now": now} for user in users]
    told = race(lambda n: deeds.make(contract, "monthly", dt.date(2026, 10, 1), by=official, now=now))
    assert [one[:20] for one in told] == ["この期間の報告書は、もうあります。一覧か"[:20]] * (CROWD - 1)
    with contract_scope(contract):
        pk = Report.objects.get().pk
        empty = [one["code"] for one in content_of(contract, Report.objects.get())["passages"] if not one["text"]]
    for code in empty:
        deeds.write(contract, pk, code, "特になし", **doers[0])
    assert len(race(lambda n: deeds.sign(contract, pk, **doers[n]))) == CROWD - 1
    assert len(race(lambda n: deeds.submit(contract, pk, **doers[n]))) == CROWD - 1
    decide = (deeds.accept, deeds.send_back)
    assert len(race(lambda n: decide[n % 2](contract, pk, comments="見ました", **doers[n]))) == CROWD - 1
    with contract_scope(contract):
        kept = Report.objects.get(pk=pk)
        assert Report.objects.count() == (2 if kept.state == State.RETURNED else 1)
        if kept.state == State.ACCEPTED:
            assert len(race(lambda n: deeds.issue_again(contract, pk, reason="遅れた記録", by=official, now=now))) == CROWD - 1
        assert Report.objects.count() == 2
