"""Bookings of the city's own site through the interface."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from madoguchi.domain.booking.models import ExternalVisit
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.ground.accounts.keys import SCOPES, make_key
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM
from tests.conftest import NOW

from .conftest import Caller

pytestmark = pytest.mark.req("BOOK-14")
URL = "/api/v1/izunokuni/visits"
DAYS = "?from=2026-11-01&to=2026-11-30"


@pytest.fixture
def city(contracts: dict[str, Contract]) -> Contract:
    set_up(contracts["izunokuni"], now=NOW)
    return contracts["izunokuni"]


def caller(contract: Contract, *scopes: str) -> Caller:
    return Caller(make_key(contract, name="市", scopes=list(scopes or SCOPES), per_minute=0, by=SYSTEM, now=NOW))


def visit(reference: str = "A-1", **more: Any) -> dict[str, Any]:
    return {"reference": reference, "starts_at": "2026-11-10T10:00:00+09:00", "procedure": "card_pickup"} | more


def test_visits_go_in_once_and_come_out(city: Contract) -> None:
    call = caller(city)
    sent = {"visits": [visit(), visit("A-2", people=3, state="arrived", actor="city", channel="phone")]}
    would = call("POST", URL, sent | {"check": True})
    assert would.json == {"added": 2, "changed": 0, "unchanged": 0, "checked_only": True}
    assert call("GET", URL + DAYS).json == {"visits": []}
    assert call("POST", URL, sent).json["added"] == 2
    assert call("POST", URL, sent).json == {"added": 0, "changed": 0, "unchanged": 2, "checked_only": False}
    shown = call("GET", URL + DAYS).json["visits"]
    assert [one["reference"] for one in shown] == ["A-1", "A-2"]
    assert shown[0]["starts_at"] == "2026-11-10T10:00:00+09:00"
    assert (shown[0]["actor"], shown[1]["actor"]) == (None, "city")
    assert call("POST", URL, {"visits": shown}).json["unchanged"] == 2
    utc = visit(starts_at="2026-11-10T01:30:00Z")
    assert call("POST", URL, {"visits": [utc]}).json["changed"] == 1


def test_one_wrong_visit_takes_none(city: Contract) -> None:
    call = caller(city)
    sent = {"visits": [visit(), visit("A 2"), visit("A-3", procedure="moving"), visit(), visit("B", starts_at="9999-12-31T23:00:00-10:00")]}
    answer = call("POST", URL, sent)
    assert answer.status == 422
    fields = [error["field"] for error in answer.json["errors"]]
    assert fields == ["visits.1.reference", "visits.2.procedure", "visits.3.reference", "visits.4.starts_at"]
    assert call("POST", URL, {"visits": [visit("123456789018")]}).status == 422
    assert call("POST", URL, {"visits": [visit(name="山田")]}).status == 422
    with contract_scope(city):
        assert not ExternalVisit.objects.exists()


def test_scopes_and_contracts(city: Contract, call: Caller) -> None:
    reader, writer = caller(city, "visits:read"), caller(city, "visits:write")
    assert reader("POST", URL, {"visits": [visit()]}).status == 403
    assert writer("GET", URL + DAYS).status == 403
    assert Caller()("GET", URL + DAYS).status == 401
    assert reader("DELETE", URL).status == 405
    for days in ("", "?from=2026-11-01", "?from=9999-12-31&to=9999-12-31", "?from=2026-11-02&to=2026-11-01"):
        assert reader("GET", URL + days).status == 400
    own = "/api/v1/hatsukaichi/visits"
    assert call("GET", own + DAYS).status == 409
    assert call("POST", own, {"visits": [visit(starts_at=dt.datetime.now(dt.UTC).isoformat())]}).status == 409
