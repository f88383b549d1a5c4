"""Workers and people at one incident: each call is made once, and after the acknowledgement none."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.incidents.enums import Kind, LineKind, Seriousness
from madoguchi.domain.incidents.models import Incident, Line
from madoguchi.domain.incidents.services import acknowledge, call_on, report
from madoguchi.domain.notices.models import Message, StaffKind
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from .crowd import run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races"), pytest.mark.req("REP-05")]
WORKERS = 4


@pytest.fixture
def official_user(contracts: dict[str, Contract]) -> User:
    user = User.objects.create_user("official@example.jp", None, name="市 太郎")
    Assignment.objects.create(user=user, contract=contracts["izumi"], role=Role.CITY)
    return user


def told(contract: Contract, user: User, by: Actor, now: dt.datetime, origin: str = "") -> Incident:
    return report(
        contract, kind=Kind.FAULT, seriousness=Seriousness.GRAVE, happened_at=now, found_at=now, what="受付機が止まった", origin=origin,
        user=user, by=by, now=now,
    )  # fmt: skip


def test_workers_call_once(contracts: dict[str, Contract], official_user: User, operator: Actor, now: dt.datetime) -> None:
    contract = contracts["izumi"]
    told(contract, official_user, operator, now)
    later = now + dt.timedelta(minutes=20)
    outcome = run([lambda _: call_on(contract, now=later)] * WORKERS)
    assert outcome.failures == []
    with contract_scope(contract):
        assert Line.objects.filter(kind=LineKind.CALLED).count() == 2
        assert Message.objects.filter(kind=StaffKind.INCIDENT, detail__call=1).count() == 1


def test_who_acknowledges_while_a_worker_calls_is_called_at_most_once_more(
    contracts: dict[str, Contract], official_user: User, operator: Actor, official: Actor, now: dt.datetime
) -> None:
    contract = contracts["izumi"]
    incident = told(contract, official_user, operator, now)
    later = now + dt.timedelta(minutes=20)
    click = lambda _: acknowledge(contract, incident.pk, role=Role.CITY, user=official_user, by=official, now=later)  # noqa: E731
    outcome = run([click, click, *[lambda _: call_on(contract, now=later)] * 2])
    assert outcome.failures == []
    with contract_scope(contract):
        found = Incident.objects.get()
        assert (found.acknowledged_at, found.call_at) == (later, None)
        assert Line.objects.filter(kind=LineKind.ACKNOWLEDGED).count() == 1
        assert Line.objects.filter(kind=LineKind.CALLED).count() == found.calls <= 2
