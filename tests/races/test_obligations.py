"""Workers and people at one ledger: each breach, reminder, mail and evidence exists once."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.notices.models import Message, StaffKind
from madoguchi.domain.obligations.errors import ObligationRefused
from madoguchi.domain.obligations.models import Breach, Evidence, Ledger, Reminder
from madoguchi.domain.obligations.services import meet, open_ledger, watch
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor

from .crowd import Outcome, run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races"), pytest.mark.req("CON-03")]
WORKERS = 4


def test_workers_record_each_breach_and_send_each_reminder_once(contracts: dict[str, Contract], now: dt.datetime) -> None:
    contract = contracts["izumi"]
    user = User.objects.create_user("manager@example.jp", None, name="業務 責任")
    Assignment.objects.create(user=user, contract=contract, role=Role.MANAGER)
    open_ledger(contract, dt.date(2026, 8, 1), by=SYSTEM, now=now)
    later = now + dt.timedelta(days=1)
    outcome = run([lambda _: watch(contract, now=later)] * WORKERS)
    assert outcome.failures == []
    with contract_scope(contract):
        assert Ledger.objects.count() == 1
        breaches = list(Breach.objects.values_list("obligation", "key"))
        assert len(breaches) == len(set(breaches)) > 3
        reminders = list(Reminder.objects.values_list("obligation", "key", "days"))
        assert len(reminders) == len(set(reminders)) == 3
        assert Message.objects.filter(kind=StaffKind.DUTY_DUE).count() == 1


def test_one_of_two_who_enter_evidence_at_once_is_told(contracts: dict[str, Contract], operator: Actor, now: dt.datetime) -> None:
    contract = contracts["izumi"]
    refused: list[str] = []

    def act(_: Outcome) -> None:
        try:
            meet(contract, "monthly", "2026-09", met_on=now.date(), reference="9月分", by=operator, now=now)
        except ObligationRefused as wrong:
            refused.append(str(wrong))

    outcome = run([act] * WORKERS)
    assert outcome.failures == []
    assert len(refused) == WORKERS - 1
    with contract_scope(contract):
        assert Evidence.objects.count() == 1
