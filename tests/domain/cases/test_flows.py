"""Versions of flows: from the shipped one to the city's own, with the running case on the version it began with."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.cases.enums import VersionState
from madoguchi.domain.cases.errors import CaseRefused
from madoguchi.domain.cases.models import FlowVersion
from madoguchi.domain.cases.queries.flows import body_of, flow_of, offered_flows, version_on, worked
from madoguchi.domain.cases.services import flows, work
from madoguchi.domain.cases.shipped import shipped_flows
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope

from .counter import hand, key, opened

DAY = dt.timedelta(days=1)


@pytest.mark.req("DESK-02", "CON-02")
def test_a_contract_works_by_the_flows_of_its_procedures(contracts: dict[str, Contract], now: dt.datetime) -> None:
    everywhere = {"application_support", "application_without_id", "issuance_at_application", "continued_use", "card_face_update"}
    expected = {
        "hatsukaichi": everywhere | {"issuance_at_delivery", "certificate", "pin_reset"},
        "urasoe": everywhere | {"outreach_application", "health_insurance", "mynaportal"},
    }
    for code, wanted in expected.items():
        with contract_scope(contracts[code]):
            assert {one.flow.code for one in offered_flows(contracts[code], now.date())} == wanted
    with contract_scope(contracts["izumi"]):
        offered = offered_flows(contracts["izumi"], now.date())
        assert "outreach_application" in {one.flow.code for one in offered}
        assert offered[0].flow.code == "issuance_at_delivery", "in the order of the contract's procedures"
        assert not any(one.confirmed or one.number for one in offered)


@pytest.mark.req("DESK-02")
def test_proposed_by_a_manager_approved_by_the_city_from_a_day_on(contract: Contract, now: dt.datetime) -> None:
    clerk, manager, city = hand(contract), hand(contract, Role.MANAGER), hand(contract, Role.CITY)
    before = opened(contract, clerk, now)
    assert (before.flow.number, before.flow.shipped) == (1, True)
    change = {"documents": {"title": "カードと書類（確認）"}}
    made = flows.propose(contract, "pin_reset", change, valid_from=now.date() + DAY, note="名称", by=manager.by, now=now)
    assert (made.number, made.state) == (2, VersionState.PROPOSED)
    with pytest.raises(CaseRefused, match="承認を待っている"):
        flows.propose(contract, "pin_reset", change, valid_from=now.date() + DAY, note="名称", by=manager.by, now=now)
    assert next(one for one in offered_flows(contract, now.date()) if one.flow.code == "pin_reset").waiting
    approved = flows.approve(contract, made.pk, by=city.by, now=now)
    assert all(step.confirmed for step in body_of(approved).steps)
    with pytest.raises(CaseRefused, match="すでに承認"):
        flows.turn_down(contract, made.pk, by=city.by, now=now)
    assert version_on("pin_reset", now.date()) == before.flow
    assert version_on("pin_reset", now.date() + DAY) == approved
    after = opened(contract, clerk, now + DAY)
    assert after.flow == approved
    assert worked(contract, after.flow).step("documents").title == "カードと書類（確認）"
    with contract_scope(contract):
        before.refresh_from_db()
        assert worked(contract, before.flow).step("documents").title == "カードと本人確認書類を見る"
        went_on = work.finish_step(
            contract, before.pk, "next", ticked=["purpose", "which", "face"], version=1, key=key(), hand=clerk, now=now + DAY
        )  # fmt: skip
    assert went_on.step == "documents"
    assert flow_of(contract, "pin_reset", now.date() + DAY) == body_of(approved)


@pytest.mark.req("DESK-02")
def test_what_cannot_be_proposed_says_why(contract: Contract, now: dt.datetime) -> None:
    by = hand(contract, Role.MANAGER).by

    def refused(why: str, code: str = "pin_reset", values: object = None, day: dt.date | None = None, note: str = "理由") -> None:
        with pytest.raises(CaseRefused, match=why):
            flows.propose(contract, code, values or {}, valid_from=day or now.date(), note=note, by=by, now=now)  # type: ignore[arg-type]

    refused("過ぎた日", day=now.date() - DAY)
    refused("変更の理由", note=" ")
    refused("流れはありません", code="dance")
    refused("空のもの", values={"documents": {"title": ""}})
    refused('step "documents": checks documents', values={"documents": {"items": []}})
    refused("is off and not optional", values={"examine": {"on": False}})
    assert not FlowVersion.objects.exists()


@pytest.mark.req("DESK-02")
def test_an_upgrade_reaches_contracts_without_a_version_of_their_own(contract: Contract, now: dt.datetime) -> None:
    clerk, city = hand(contract), hand(contract, Role.CITY)
    case = opened(contract, clerk, now)
    FlowVersion.objects.filter(pk=case.flow_id).update(body={**case.flow.body, "name": "前の版"})
    assert flow_of(contract, "pin_reset", now.date()) == shipped_flows()["pin_reset"]
    newer = opened(contract, clerk, now)
    assert (newer.flow.number, newer.flow.body["name"]) == (2, "暗証番号の再設定")
    assert opened(contract, clerk, now).flow == newer.flow
    own = flows.propose(contract, "pin_reset", {}, valid_from=now.date(), note="このまま確認", by=city.by, now=now)
    late = flows.approve(contract, own.pk, by=city.by, now=now + DAY)
    assert late.valid_from == now.date() + DAY, "the first day has gone by"
    FlowVersion.objects.filter(pk=newer.flow_id).update(body={**newer.flow.body, "name": "前の版"})
    assert opened(contract, clerk, now + DAY).flow == late
    assert flows.propose(contract, "pin_reset", {}, valid_from=now.date() + DAY, note="x", by=city.by, now=now + DAY).number == 4
