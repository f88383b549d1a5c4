"""Many who issue at once: numbers without gaps, one invoice for a period."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.billing.errors import BillingRefused
from madoguchi.domain.billing.models import Invoice, InvoiceLine
from madoguchi.domain.billing.queries import periods_of
from madoguchi.domain.billing.services.invoices import issue, prepare
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.kit.clock import JST

from .crowd import Outcome, run

pytestmark = [
    pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races"), pytest.mark.req("BILL-01"),
]  # fmt: skip
ISSUERS = 8


def test_issuers_leave_no_gap_and_no_period_twice(contracts: dict[str, Contract]) -> None:
    contract = contracts["nagaoka"]
    late = dt.datetime(2027, 3, 1, 10, tzinfo=JST)
    with contract_scope(contract):
        parts = [one for one in periods_of(contract) if one.unit == "instalment"]

    def issuer(turn: int):
        def act(outcome: Outcome) -> None:
            for period in parts[turn:] + parts[:turn]:
                try:
                    draft = prepare(contract, period.number, evidence="通知", inspected_on=period.last, by=SYSTEM, now=late)
                    issue(contract, draft.pk, by=SYSTEM, now=late)
                except BillingRefused:
                    outcome.refusals.append(str(period.number))

        return act

    outcome = run([issuer(turn) for turn in range(ISSUERS)])
    assert outcome.failures == []
    with contract_scope(contract):
        found = list(Invoice.objects.order_by("number"))
        assert [one.number for one in found] == list(range(1, 12))
        assert sorted(one.part for one in found) == list(range(1, 12))
        assert InvoiceLine.objects.count() == len(found)
