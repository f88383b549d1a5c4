"""Invoices and the ledger through their deeds."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from madoguchi.domain.billing import queries
from madoguchi.domain.billing.enums import Spending, State
from madoguchi.domain.billing.erasers import erase_books
from madoguchi.domain.billing.errors import BillingRefused
from madoguchi.domain.billing.models import Expenditure, Invoice, InvoiceLine
from madoguchi.domain.billing.rules import sha256
from madoguchi.domain.billing.services.invoices import issue, mark_overdue, pay, prepare, receive, withdraw
from madoguchi.domain.billing.services.ledger import Spent, enter, reverse
from madoguchi.domain.billing.tasks import follow_payments
from madoguchi.domain.notices import recipients
from madoguchi.domain.notices.models import Message
from madoguchi.domain.notices.texts import shipped
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import CalendarOverride, Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor
from madoguchi.ground.kit.clock import JST

from ..calls.people import member

pytestmark = pytest.mark.req("BILL-01")
DAY = dt.date.fromisoformat


def at(day: str, hour: int = 10) -> dt.datetime:
    return dt.datetime.combine(DAY(day), dt.time(hour), JST)


def drafted(contract: Contract, part: int, passed: str, by: Actor = SYSTEM) -> Invoice:
    return prepare(contract, part, evidence="検査合格通知 第1号", inspected_on=DAY(passed), by=by, now=at(passed))


def issued(contract: Contract, part: int, passed: str) -> Invoice:
    return issue(contract, drafted(contract, part, passed).pk, by=SYSTEM, now=at(passed, 11))


def closed(contract: Contract, day: str, *hours: str) -> None:
    CalendarOverride.objects.create(
        contract=contract, date=DAY(day), kind="closed", intervals=[list(hours)] if hours else [], reason="台風による暴風警報",
        created_at=at(day), created_by="市 太郎",
    )  # fmt: skip


def test_urasoe_august_with_a_typhoon_by_hand(contracts: dict[str, Contract]) -> None:
    """August 2025: 21 weekdays less 11 August (山の日), the second Sunday (10th) and the third Saturday (16th); the 20th is closed throughout,
    the 21st from noon and the 22nd until 13:00. 22 days − 1 = 21 days worked: 268,000 + 21 × 27,300 = 841,300; tax 84,130.
    """
    contract = contracts["urasoe"]
    with contract_scope(contract):
        before = queries.lines_of(contract, queries.periods_of(contract)[1])
        assert [one.quantity for one in before] == [1, 22]
        closed(contract, "2025-08-20")
        closed(contract, "2025-08-21", "12:00", "20:00")
        closed(contract, "2025-08-22", "08:30", "13:00")
        invoice = issued(contract, 2, "2025-09-05")
        rows = InvoiceLine.objects.filter(invoice=invoice)
        assert [(one.code, one.quantity, one.amount) for one in rows] == [("online_fee", 1, 268_000), ("supporter_fee", 21, 573_300)]
        assert (invoice.net, invoice.tax, invoice.total) == (841_300, 84_130, 925_430)
        days = {str(one.day): one.halves for one in queries.worked_days(contract, contract.profile.payment.charges[1], queries.periods_of(contract)[1])}
        assert [days[f"2025-08-{n}"] for n in (20, 21, 22)] == [0, 2, 2]
        assert "2025-08-11" not in days


def test_a_month_runs_from_draft_to_payment(contracts: dict[str, Contract]) -> None:
    contract = contracts["hatsukaichi"]
    with contract_scope(contract):
        invoice = issued(contract, 3, "2026-10-05")
        assert (invoice.number, invoice.first, invoice.last) == (1, DAY("2026-09-01"), DAY("2026-09-30"))
        assert invoice.content["issuer"]["registration"] == contract.profile.contractor.invoice_registration
        assert invoice.content["rates"] == [{"rate": "0.1", "net": 2_480_000, "tax": 248_000}]
        assert invoice.sha256 == sha256(invoice.content)
        received = receive(contract, invoice.pk, received_on=DAY("2026-10-06"), by=SYSTEM, now=at("2026-10-07"))
        assert received.due_on == DAY("2026-11-05")
        assert mark_overdue(contract, by=SYSTEM, now=at("2026-11-05")) == 0
        assert mark_overdue(contract, by=SYSTEM, now=at("2026-11-06")) == 1
        assert mark_overdue(contract, by=SYSTEM, now=at("2026-11-06")) == 0
        assert pay(contract, invoice.pk, paid_on=DAY("2026-11-09"), by=SYSTEM, now=at("2026-11-10")).state == State.PAID
        actions = list(Entry.objects.filter(action__startswith="billing.").order_by("pk").values_list("action", flat=True))
        assert actions == [f"billing.{one}" for one in ("prepared", "issued", "received", "overdue", "paid")]
        with pytest.raises(BillingRefused, match="入金済み"):
            withdraw(contract, invoice.pk, reason="誤り", by=SYSTEM, now=at("2026-11-10"))


def test_what_is_refused(contracts: dict[str, Contract]) -> None:
    contract = contracts["hatsukaichi"]
    with contract_scope(contract):
        for passed, told, words in (
            ("2026-09-30", "", "検査に合格"), (None, "通知", "検査に合格"), ("2026-09-29", "通知", "9月30日|9/30"), ("2026-10-06", "通知", "今日まで"),
        ):  # fmt: skip
            with pytest.raises(BillingRefused, match=words):
                prepare(contract, 3, evidence=told, inspected_on=DAY(passed) if passed else None, by=SYSTEM, now=at("2026-10-05"))
        with pytest.raises(BillingRefused, match="終わってから"):
            prepare(contract, 4, evidence="通知", inspected_on=DAY("2026-10-05"), by=SYSTEM, now=at("2026-10-05"))
        with pytest.raises(BillingRefused, match="その期間はありません"):
            drafted(contract, 99, "2026-10-05")
        invoice = issued(contract, 3, "2026-10-05")
        with pytest.raises(BillingRefused, match="すでに発行"):
            drafted(contract, 3, "2026-10-05")
        with pytest.raises(BillingRefused, match="「発行済み」なので"):
            pay(contract, invoice.pk, paid_on=DAY("2026-10-05"), by=SYSTEM, now=at("2026-10-05"))
        with pytest.raises(BillingRefused, match="受理した日"):
            receive(contract, invoice.pk, received_on=DAY("2026-10-06"), by=SYSTEM, now=at("2026-10-05"))
        assert issue(contract, invoice.pk, by=SYSTEM, now=at("2026-10-08")).issued_on == DAY("2026-10-05")


def test_a_draft_that_the_calendar_has_left_behind_gets_no_number(contracts: dict[str, Contract]) -> None:
    contract = contracts["urasoe"]
    with contract_scope(contract):
        draft = drafted(contract, 2, "2025-09-05")
        closed(contract, "2025-08-20")
        with pytest.raises(BillingRefused, match="下書きを作り直して"):
            issue(contract, draft.pk, by=SYSTEM, now=at("2025-09-05", 12))
        again = drafted(contract, 2, "2025-09-05")
        assert again.pk == draft.pk
        assert issue(contract, draft.pk, by=SYSTEM, now=at("2025-09-05", 13)).total == (268_000 + 21 * 27_300) * 11 // 10


def test_an_issued_invoice_never_changes_and_a_correction_names_it(contracts: dict[str, Contract]) -> None:
    contract = contracts["hatsukaichi"]
    with contract_scope(contract):
        first = issued(contract, 3, "2026-10-05")
        for change in ({"total": 1, "net": 1, "tax": 0}, {"number": 7}, {"sha256": "0" * 64}, {"content": {}}):
            with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
                Invoice.objects.filter(pk=first.pk).update(**change)
        with pytest.raises(BillingRefused, match="理由"):
            withdraw(contract, first.pk, reason=" ", by=SYSTEM, now=at("2026-10-06"))
        withdraw(contract, first.pk, reason="宛名の誤り", by=SYSTEM, now=at("2026-10-06"))
        second = issued(contract, 3, "2026-10-06")
        assert (second.number, second.corrects_id, second.content["corrects"]) == (2, first.pk, 1)
        with pytest.raises(IntegrityError, match="invoice_of_a_period"), transaction.atomic():
            Invoice.objects.create(
                contract=contract, part=3, unit="month", first=first.first, last=first.last, prices="net", net=0, tax=0, total=0, prepared_at=at("2026-10-06")
            )


def test_nagaoka_eleven_parts_and_the_final_one_are_the_sum(contracts: dict[str, Contract]) -> None:
    contract = contracts["nagaoka"]
    with contract_scope(contract):
        whole = contract.profile.payment.contract_sum
        for period in queries.periods_of(contract):
            passed = str(period.last + dt.timedelta(days=5))
            if period.unit == "final":
                with pytest.raises(BillingRefused, match="発行済み 10回"):
                    drafted(contract, period.number, passed)
                issued(contract, 7, passed)
            if period.number != 7:
                issued(contract, period.number, passed)
        found = list(Invoice.objects.order_by("number"))
        assert sum(one.total for one in found) == whole == 43_780_000
        assert [one.total for one in found] == [3_648_333] * 11 + [3_648_337]
        assert [one.number for one in found] == list(range(1, 13))
        with pytest.raises(BillingRefused, match="先に完了払い"):
            withdraw(contract, found[0].pk, reason="誤り", by=SYSTEM, now=at("2027-02-06"))


def test_managers_are_told_once_a_working_morning(contracts: dict[str, Contract]) -> None:
    contract = contracts["hatsukaichi"]
    manager, _ = member(contract, Role.MANAGER)
    member(contract, Role.SUPERVISOR)
    with contract_scope(contract):
        invoice = issued(contract, 3, "2026-10-05")
        receive(contract, invoice.pk, received_on=DAY("2026-10-06"), by=SYSTEM, now=at("2026-10-06"))
    assert follow_payments(at("2026-11-05")) == 0
    assert follow_payments(at("2026-11-07")) == 0  # a Saturday
    assert follow_payments(at("2026-11-09")) == 1
    assert follow_payments(at("2026-11-09", 12)) == 0
    with contract_scope(contract):
        message = Message.objects.get(kind="invoice_late")
        found = recipients.find(contract, message, "ja")
        assert found is not None
        assert found.address == manager.email
        wording = shipped("invoice_late", "ja")
        assert "2,728,000円" in wording.body.format(**found.context)
        assert "1件" in wording.subject.format(**found.context)
        pay(contract, invoice.pk, paid_on=DAY("2026-11-09"), by=SYSTEM, now=at("2026-11-09"))
        assert recipients.find(contract, message, "ja") is None


SPENT = Spent(DAY("2026-10-01"), Spending.SUPPLIES, "文具店", 1_100, 100, "R8-10-1")


@pytest.mark.req("BILL-02")
def test_a_line_of_the_ledger_is_taken_back_by_another_and_never_changed(contract: Contract, now: dt.datetime) -> None:
    line = enter(contract, SPENT, by=SYSTEM, now=now)
    assert line.kept_until == DAY("2034-03-31")
    back = reverse(contract, line.pk, reason="金額の誤り", by=SYSTEM, now=now)
    assert (back.amount, back.tax, back.reverses_id) == (-1_100, -100, line.pk)
    assert sum(one.amount for one in queries.ledger(2026)) == 0
    for again in (line, back):
        with pytest.raises(BillingRefused):
            reverse(contract, again.pk, reason="もう一度", by=SYSTEM, now=now)
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        Expenditure.objects.filter(pk=line.pk).update(amount=5)


@pytest.mark.req("BILL-02")
@pytest.mark.parametrize("wrong", [{"on": DAY("2026-11-03")}, {"amount": 0}, {"tax": 1_101}, {"payee": " "}, {"evidence": ""}])
def test_a_line_that_makes_no_sense_is_refused(contract: Contract, now: dt.datetime, wrong: dict[str, object]) -> None:
    values = {name: getattr(SPENT, name) for name in ("on", "kind", "payee", "amount", "tax", "evidence")} | wrong
    with pytest.raises(BillingRefused):
        enter(contract, Spent(**values), by=SYSTEM, now=now)  # type: ignore[arg-type]


@pytest.mark.req("BILL-02")
def test_books_stay_to_the_last_day_and_go_whole(contracts: dict[str, Contract]) -> None:
    contract = contracts["nagaoka"]
    with contract_scope(contract):
        line = enter(contract, SPENT, by=SYSTEM, now=at("2026-11-02"))
        reverse(contract, line.pk, reason="誤り", by=SYSTEM, now=at("2026-11-02"))
        first = issued(contract, 1, "2026-03-05")
        withdraw(contract, first.pk, reason="誤り", by=SYSTEM, now=at("2026-03-06"))
        issued(contract, 1, "2026-03-06")
        assert erase_books(contract, at("2032-03-31", 23)) == 0
        assert erase_books(contract, at("2032-04-01", 0)) == 4
        assert not Invoice.objects.exists()
        assert not Expenditure.objects.exists()
        assert not InvoiceLine.objects.exists()
