"""The deeds of the ledger: evidence, breaches, events, reminders, figures and facts."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from madoguchi.domain.notices.models import Message, StaffKind
from madoguchi.domain.notices.recipients import find
from madoguchi.domain.obligations.enums import Source
from madoguchi.domain.obligations.errors import ObligationRefused
from madoguchi.domain.obligations.models import Breach, Event, Evidence, Ledger, Reminder
from madoguchi.domain.obligations.queries import Line, book_of
from madoguchi.domain.obligations.rules import Status
from madoguchi.domain.obligations.services import (
    close_breach,
    confirm,
    explain,
    meet,
    open_ledger,
    record_event,
    watch,
    withdraw,
    withdraw_event,
)
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog.services import note

pytestmark = pytest.mark.req("CON-03")
D = dt.date
TODAY = D(2026, 11, 2)


@pytest.fixture
def izumi(contracts: dict[str, Contract]) -> Contract:
    """Its ledger counts from the start of the service, 1 July 2026; now is Monday 2 November."""
    return contracts["izumi"]


def at(*day: int) -> dt.datetime:
    return dt.datetime(*day, 9, 0, tzinfo=JST)  # type: ignore[arg-type]


def line(contract: Contract, code: str, key: str, today: dt.date = TODAY) -> Line:
    with contract_scope(contract):
        return next(one for one in book_of(contract, today).of(code) if one.occasion.key == key)


def test_what_was_due_before_the_ledger_begins_is_held_against_nobody(izumi: Contract, now: dt.datetime) -> None:
    found = watch(izumi, now=now)
    assert found["breached"] == 0
    with contract_scope(izumi):
        assert Ledger.objects.get().opened_on == now.date()
    assert line(izumi, "monthly", "2026-07").status is Status.NOTHING


def test_a_report_handed_in_is_met_and_one_forgotten_is_a_breach(izumi: Contract, operator: Actor, official: Actor, now: dt.datetime) -> None:
    open_ledger(izumi, D(2026, 8, 1), by=official, now=now)
    meet(izumi, "monthly", "2026-07", met_on=D(2026, 8, 7), reference="7月分 受付印", by=operator, now=at(2026, 8, 7))
    watch(izumi, now=at(2026, 10, 9))
    with contract_scope(izumi):
        assert set(Breach.objects.filter(obligation="monthly").values_list("key", "due_on")) == {("2026-08", D(2026, 9, 10))}
    assert line(izumi, "monthly", "2026-07").status is Status.MET
    assert line(izumi, "monthly", "2026-08").open_breach
    watch(izumi, now=at(2026, 10, 10))
    with contract_scope(izumi):
        assert Breach.objects.filter(obligation="monthly").count() == 2, "due on Friday the 9th, missed on the 10th"


def test_a_breach_is_explained_by_the_contractor_and_closed_by_the_city(izumi: Contract, operator: Actor, official: Actor, now: dt.datetime) -> None:
    open_ledger(izumi, D(2026, 9, 1), by=official, now=now)
    watch(izumi, now=now)
    with contract_scope(izumi):
        breach = Breach.objects.get(obligation="monthly", key="2026-08")
    with pytest.raises(ObligationRefused, match="理由と対応が書かれてから"):
        close_breach(izumi, breach.pk, by=official, now=now)
    with pytest.raises(ObligationRefused, match="入力してください"):
        explain(izumi, breach.pk, text=" ", by=operator, now=now)
    explain(izumi, breach.pk, text="引き継ぎ漏れ", by=operator, now=now)
    close_breach(izumi, breach.pk, by=official, now=now)
    found = line(izumi, "monthly", "2026-08")
    assert (found.status, found.open_breach) == (Status.BREACHED, False)
    with pytest.raises(ObligationRefused, match="すでに済み"):
        explain(izumi, breach.pk, text="また", by=operator, now=now)
    with contract_scope(izumi):
        told = set(Entry.objects.filter(target="obligation:monthly/2026-08").values_list("action", flat=True))
    assert told == {"obligation.breached", "obligation.explained", "obligation.closed"}


def test_done_in_time_but_entered_late_ends_the_breach_and_done_late_does_not(izumi: Contract, operator: Actor, official: Actor, now: dt.datetime) -> None:
    open_ledger(izumi, D(2026, 9, 1), by=official, now=now)
    watch(izumi, now=now)
    meet(izumi, "monthly", "2026-08", met_on=D(2026, 9, 9), reference="8月分", by=operator, now=now)
    meet(izumi, "monthly", "2026-09", met_on=D(2026, 10, 13), reference="9月分", by=operator, now=now)
    assert not line(izumi, "monthly", "2026-08").open_breach
    late = line(izumi, "monthly", "2026-09")
    assert (late.status, late.late, late.open_breach) == (Status.MET, True, True)


def test_what_is_handed_in_late_before_the_worker_comes_is_a_breach_all_the_same(izumi: Contract, operator: Actor, official: Actor, now: dt.datetime) -> None:
    open_ledger(izumi, D(2026, 9, 11), by=official, now=now)
    for key, on in (("2026-08", D(2026, 9, 14)), ("2026-09", D(2026, 10, 13))):
        meet(izumi, "monthly", key, met_on=on, reference=key, by=operator, now=now)
    watch(izumi, now=now)
    with contract_scope(izumi):
        assert list(Breach.objects.filter(obligation="monthly").values_list("key", flat=True)) == ["2026-09"], "August was due before the ledger began"


def test_evidence_is_withdrawn_with_a_reason_and_the_breach_is_open_again(izumi: Contract, operator: Actor, official: Actor, now: dt.datetime) -> None:
    open_ledger(izumi, D(2026, 9, 1), by=official, now=now)
    watch(izumi, now=now)
    held = meet(izumi, "monthly", "2026-08", met_on=D(2026, 9, 9), reference="8月分", by=operator, now=now)
    with pytest.raises(ObligationRefused, match="理由"):
        withdraw(izumi, held.pk, reason="", by=operator, now=now)
    withdraw(izumi, held.pk, reason="別の月の控えだった", by=operator, now=now)
    assert line(izumi, "monthly", "2026-08").open_breach
    again = meet(izumi, "monthly", "2026-08", met_on=D(2026, 9, 10), reference="8月分 再", by=operator, now=now)
    confirm(izumi, again.pk, by=official, now=now)
    with pytest.raises(ObligationRefused, match="市が確認した"):
        withdraw(izumi, again.pk, reason="x", by=operator, now=now)
    with contract_scope(izumi):
        assert Evidence.objects.count() == 2, "nothing is thrown away"


@pytest.mark.parametrize(
    ("code", "key", "on", "says"),
    [
        ("monthly", "2026-09", D(2026, 11, 3), "今日まで"),
        ("monthly", "2026-09", D(2026, 9, 1), "この回は"),
        ("monthly", "1999-01", D(2026, 9, 1), "見つかりません"),
        ("nothing", "x", D(2026, 9, 1), "見つかりません"),
    ],
)
def test_what_cannot_be_is_refused(izumi: Contract, operator: Actor, now: dt.datetime, code: str, key: str, on: dt.date, says: str) -> None:
    with pytest.raises(ObligationRefused, match=says):
        meet(izumi, code, key, met_on=on, reference="x", by=operator, now=now)


@pytest.mark.req("CON-04")
def test_what_needs_approval_is_done_when_the_city_has_confirmed_it(izumi: Contract, operator: Actor, official: Actor, now: dt.datetime) -> None:
    open_ledger(izumi, D(2026, 5, 1), by=official, now=now)
    held = meet(izumi, "manual_before_start", "start", met_on=D(2026, 6, 20), reference="業務マニュアル 第1版", by=operator, now=now)
    found = line(izumi, "manual_before_start", "start")
    assert (found.status, found.unconfirmed, found.done) == (Status.MET, True, False)
    confirm(izumi, held.pk, by=official, now=now)
    assert line(izumi, "manual_before_start", "start").done
    with pytest.raises(ObligationRefused, match="すでに確認"):
        confirm(izumi, held.pk, by=official, now=now)


def test_a_change_of_the_roster_told_too_late_is_a_breach(izumi: Contract, operator: Actor, official: Actor, now: dt.datetime) -> None:
    open_ledger(izumi, D(2026, 7, 1), by=official, now=now)
    soon = record_event(izumi, "roster_change", on=D(2026, 11, 10), note="1名の交代", by=operator, now=now)
    later = record_event(izumi, "roster_change", on=D(2026, 12, 1), note="1名の増員", by=operator, now=now)
    assert line(izumi, "roster_change", f"event-{soon.pk}").status is Status.BREACHED
    assert line(izumi, "roster_change", f"event-{later.pk}").status is Status.NOT_YET
    assert line(izumi, "roster_change", f"event-{later.pk}", D(2026, 11, 3)).status is Status.DUE
    watch(izumi, now=now)
    withdraw_event(izumi, soon.pk, reason="日付の誤り", by=operator, now=now)
    with contract_scope(izumi):
        assert Breach.objects.get(key=f"event-{soon.pk}").closed_at == now
        assert Event.objects.filter(withdrawn_at=None).count() == 1
    with pytest.raises(ObligationRefused, match="できごとによって"):
        record_event(izumi, "monthly", on=now.date(), note="x", by=operator, now=now)


def test_facts_prove_by_themselves(izumi: Contract, official: Actor, now: dt.datetime) -> None:
    open_ledger(izumi, D(2026, 7, 1), by=official, now=now)
    with contract_scope(izumi):
        note(izumi, "premises.destroyed", by=SYSTEM, now=at(2026, 8, 20), ref="shredding:1")
        note(izumi, "premises.destroyed", by=SYSTEM, now=at(2026, 9, 20), ref="shredding:2")
    assert watch(izumi, now=now)["proved"] == 1, "one each quarter"
    assert watch(izumi, now=now)["proved"] == 0
    found = line(izumi, "shredding", "2026-2")
    assert found.evidence is not None
    assert (found.evidence.source, found.evidence.reference, found.evidence.met_on) == (Source.FACT, "shredding:1", D(2026, 8, 20))


def test_a_figure_is_measured_when_its_month_is_over_and_again_when_it_changed(
    contracts: dict[str, Contract], official: Actor, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from madoguchi.domain.obligations import services
    from madoguchi.domain.obligations.measured import Measured

    contract = contracts["hatsukaichi"]
    open_ledger(contract, D(2026, 10, 1), by=official, now=now)
    for value, reached in ((0.75, False), (0.85, True)):
        monkeypatch.setattr(services, "measure", lambda *_, value=value, reached=reached: Measured(value, f"応答率：{value}", reached))
        watch(contract, now=now)
        found = line(contract, "answer_rate", "2026-10")
        assert found.evidence is not None
        assert (found.evidence.value, found.status) == (value, Status.MET if reached else Status.BREACHED)
        assert found.open_breach is not reached
        assert watch(contract, now=now)["measured"] == 0
    assert line(contract, "answer_rate", "2026-11").status is Status.NOT_YET
    with contract_scope(contract):
        assert Evidence.objects.filter(obligation="answer_rate").count() == 2
        assert Breach.objects.get(obligation="answer_rate").closed_at == now


def test_each_is_reminded_of_what_is_theirs_once(izumi: Contract, official: Actor, now: dt.datetime) -> None:
    people = {}
    for role in (Role.MANAGER, Role.SUPERVISOR, Role.CITY, Role.OPERATOR):
        people[role] = User.objects.create_user(f"{role}@example.jp", None, name=str(role.label))
        Assignment.objects.create(user=people[role], contract=izumi, role=role)
    open_ledger(izumi, D(2026, 11, 1), by=official, now=now)
    third = at(2026, 11, 3)
    assert [watch(izumi, now=one)["reminded"] for one in (now, third, third, at(2026, 11, 9), at(2026, 11, 10))] == [0, 3, 0, 3, 0]
    watch(izumi, now=at(2026, 11, 11))
    with contract_scope(izumi):
        assert set(Reminder.objects.values_list("obligation", "days")) == {(code, n) for code in ("monthly", "staff_minimum", "outreach") for n in (7, 1)}
        sent = Message.objects.filter(kind=StaffKind.DUTY_DUE).order_by("pk")
        to = [(one.ref, one.detail["user"]) for one in sent]
        manager, leader, city = (people[role].pk for role in (Role.MANAGER, Role.SUPERVISOR, Role.CITY))
        assert to[:2] == [("due:20261103", manager), ("due:20261109", manager)]
        assert {user for ref, user in to if ref == "due:20261111"} == {manager, leader, city}
        found = find(izumi, sent[0], "ja")
        assert found is not None
        assert found.address == people[Role.MANAGER].email
        assert "・月次完了報告書（令和8年10月分）　期限 令和8年11月10日(火)" in found.context["coming"]
        assert found.context["missed"] == ""


def test_the_database_refuses_two_standing_evidences_and_a_withdrawal_without_reason(contract: Contract, now: dt.datetime) -> None:
    values = {
        "contract": contract, "obligation": "monthly", "key": "2026-07", "source": Source.HAND, "met_on": now.date(), "reference": "x", "entered_at": now,
    }  # fmt: skip
    Evidence.objects.create(**values)
    for wrong in ({}, {"key": "2026-08", "withdrawn_at": now}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Evidence.objects.create(**values | wrong)
