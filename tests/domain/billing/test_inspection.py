"""An invoice waits for the reports of its period, and is drafted by itself when the city accepts the last of them."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.billing import queries
from madoguchi.domain.billing.enums import State
from madoguchi.domain.billing.errors import BillingRefused
from madoguchi.domain.billing.inspection import Inspected, Inspection, inspection_of
from madoguchi.domain.billing.models import Invoice
from madoguchi.domain.billing.services.invoices import issue, prepare
from madoguchi.domain.reports.contents import content_of
from madoguchi.domain.reports.enums import State as ReportState
from madoguchi.domain.reports.models import Report
from madoguchi.domain.reports.services import documents
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts import registry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor

pytestmark = pytest.mark.req("BILL-01", "REP-02")
OCTOBER, DAY = dt.date(2026, 10, 1), dt.date(2026, 11, 2)
PART = 4
"""October in the contract of 廿日市市, which begins in July."""


@pytest.fixture
def manager(contract: Contract) -> User:
    user = User.objects.create_user("manager@example.jp", None, name="管理 花子")
    Assignment.objects.create(user=user, contract=contract, role=Role.MANAGER)
    return user


def submitted(contract: Contract, user: User, now: dt.datetime, month: dt.date = OCTOBER) -> Report:
    report = documents.make(contract, "monthly", month, by=SYSTEM, now=now)
    for passage in content_of(contract, report)["passages"]:
        if not passage["text"]:
            documents.write(contract, report.pk, passage["code"], "特になし", user=user, by=SYSTEM, now=now)
    documents.sign(contract, report.pk, user=user, by=SYSTEM, now=now)
    return documents.submit(contract, report.pk, user=user, by=SYSTEM, now=now)


def test_it_is_drafted_when_the_city_accepts(contract: Contract, manager: User, official: Actor, now: dt.datetime) -> None:
    period = queries.period_of(contract, PART)
    assert period is not None
    assert (period.first, period.last) == (OCTOBER, dt.date(2026, 10, 31))
    report = submitted(contract, manager, now)
    assert [(one.label, one.state) for one in inspection_of(contract, period).failing] == [("月次報告（令和8年10月）", ReportState.SUBMITTED)]
    with pytest.raises(BillingRefused, match=r"月次報告（令和8年10月）：提出済み"):
        prepare(contract, PART, evidence="電話で聞いた", inspected_on=DAY, by=SYSTEM, now=now)
    documents.accept(contract, report.pk, user=manager, by=official, now=now)
    draft = Invoice.objects.get()
    assert (draft.part, draft.state, draft.inspected_on, draft.prepared_by) == (PART, State.DRAFT, DAY, SYSTEM.label)
    assert draft.evidence == "月次報告（令和8年10月）第1版 11月2日(月)合格"
    assert issue(contract, draft.pk, by=SYSTEM, now=now).total == draft.total > 0


def test_a_report_that_is_issued_again_holds_the_invoice_back(contract: Contract, manager: User, official: Actor, now: dt.datetime) -> None:
    report = submitted(contract, manager, now)
    documents.accept(contract, report.pk, user=manager, by=official, now=now)
    documents.issue_again(contract, report.pk, reason="着信が1件遅れて届いたため", by=SYSTEM, now=now)
    with pytest.raises(BillingRefused, match="下書き"):
        prepare(contract, PART, by=SYSTEM, now=now)


def test_a_report_that_was_never_made_here_is_told_by_a_person(contract: Contract, now: dt.datetime) -> None:
    with pytest.raises(BillingRefused, match="合格した日"):
        prepare(contract, PART, by=SYSTEM, now=now)
    assert prepare(contract, PART, evidence="検査合格通知 第4号", inspected_on=DAY, by=SYSTEM, now=now).evidence == "検査合格通知 第4号"


def test_what_stands_in_the_way_is_on_the_trail_and_the_acceptance_stays(
    contract: Contract, manager: User, official: Actor, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = contract.profile.payment
    unpriced = payment.model_copy(update={"charges": tuple(one.model_copy(update={"unit_price": None}) for one in payment.charges)})
    monkeypatch.setitem(registry._cache, contract.code, contract.profile.model_copy(update={"payment": unpriced}))
    report = submitted(contract, manager, now)
    assert documents.accept(contract, report.pk, user=manager, by=official, now=now).state == ReportState.ACCEPTED
    assert not Invoice.objects.exists()
    assert "金額が" in Entry.objects.get(action="billing.not_prepared").detail["reason"]


def test_a_part_payment_waits_for_every_month_of_its_period(contracts: dict[str, Contract], official: Actor, now: dt.datetime) -> None:
    contract = contracts["nagaoka"]
    with contract_scope(contract):
        for period in queries.periods_of(contract):
            asked = inspection_of(contract, period).reports
            assert asked[0].month == period.first.replace(day=1)
            assert asked[-1].month == period.last.replace(day=1)
            assert all(b.month.month == a.month.month % 12 + 1 for a, b in itertools.pairwise(asked))


@given(st.lists(st.tuples(st.sampled_from([None, *ReportState]), st.dates(dt.date(2026, 4, 1), dt.date(2027, 3, 31))), max_size=4))
def test_it_is_passed_when_all_are_accepted_and_on_the_last_day(found: list[tuple[ReportState | None, dt.date]]) -> None:
    reports = [Inspected("月次報告書", OCTOBER, 1, 1, state, day if state == ReportState.ACCEPTED else None) for state, day in found]
    inspection = Inspection(tuple(reports))
    accepted = [day for state, day in found if state == ReportState.ACCEPTED]
    assert inspection.passed_on == (max(accepted) if accepted and len(accepted) == len(found) else None)
    assert len(inspection.failing) + len(inspection.absent) + len(accepted) == len(found)
    assert len(inspection.evidence) <= 200
