"""The page of an invoice that is not written yet says which reports it waits for."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.billing.models import Invoice
from madoguchi.domain.reports.enums import State
from madoguchi.domain.reports.models import Report
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from tests.web.staff_site import SignIn

URL = "/staff/hatsukaichi/billing/prepare/4/"


@pytest.mark.req("BILL-01", "REP-02")
def test_it_waits_for_the_report_and_then_asks_for_nothing(
    contracts: dict[str, Contract], sign_in: SignIn, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: now)
    city = contracts["hatsukaichi"]
    client = sign_in(city, Role.MANAGER)
    page = client.get(URL).content.decode()
    assert "このシステムで作っていません" in page
    assert 'name="evidence"' in page
    with contract_scope(city):
        report = Report.objects.create(
            contract=city, code="monthly", first="2026-10-01", last="2026-10-31", state=State.SUBMITTED, made_at=now, signed_at=now, digest="0" * 64,
            content={},
        )  # fmt: skip
    page = client.get(URL).content.decode()
    assert f'href="/staff/hatsukaichi/documents/{report.pk}/"' in page
    assert "提出済み" in page
    assert "下書きを作る</button>" not in page
    refused = client.post(URL)
    assert refused.status_code == 409
    assert "市の検査に合格していない報告書があります" in refused.content.decode()
    with contract_scope(city):
        Report.objects.update(state=State.ACCEPTED, decided_at=now)
    page = client.get(URL).content.decode()
    assert "合格" in page
    assert 'name="evidence"' not in page
    assert client.post(URL).status_code == 302
    with contract_scope(city):
        assert Invoice.objects.get().evidence == "月次報告（令和8年10月）第1版 11月2日(月)合格"
