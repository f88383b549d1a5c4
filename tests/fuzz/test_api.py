"""The programming interface under thousands of made-up requests: no 5xx, and every answer as the description says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import checks

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.ground.accounts.keys import SCOPES, forget_known_keys, make_key
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.web.api import front
from tests.conftest import NOW
from tests.web.staff_site import TUESDAY_10, book, site  # noqa: F401

pytestmark = [pytest.mark.slow, pytest.mark.req("BOOK-14")]
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture
def secret(site: Contract) -> Iterator[str]:  # noqa: F811
    """A key of 廿日市市 that may do everything, without limit."""
    forget_known_keys()
    front._ready.clear()
    availability.forget()
    yield make_key(site, name="試験", scopes=list(SCOPES), per_minute=0, by=SYSTEM, now=NOW)
    forget_known_keys()
    front._ready.clear()
    availability.forget()


OPERATIONS = ["availability", "reserve", "show", "change", "cancel", "visits", "take_visits"]


def _bring_near(case: schemathesis.Case, code: str) -> None:
    """Let a made-up request name things that exist, so that it gets past the first checks."""
    if isinstance(case.body, dict):
        known = {"site": "main", "procedure": "card_pickup", "starts_at": TUESDAY_10.isoformat(), "channel": "web"}
        case.body.update({name: value for name, value in known.items() if name in case.body})
    if case.query:
        known = {"site": "main", "procedure": "card_pickup", "from": "2026-11-01", "to": "2026-11-30"}
        case.query.update({name: value for name, value in known.items() if name in case.query})
    if case.path_parameters and "code" in case.path_parameters:
        case.path_parameters["code"] = code


def drive(operation_id: str, secret: str, *, examples: int, contract: str = "", code: str = "") -> int:
    """Send made-up requests of one operation through the WSGI application, half of them about things that exist; returns how many."""
    from config.wsgi import application

    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    operation = next(
        found.ok() for found in schema.get_all_operations() if found.ok().definition.raw["operationId"] == operation_id
    )
    sent = 0

    @given(case=operation.as_strategy(), near=st.booleans())
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def one(case: schemathesis.Case, near: bool) -> None:
        nonlocal sent
        if near:
            _bring_near(case, code)
        if contract:
            case.path_parameters = {**(case.path_parameters or {}), "contract": contract}
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        case.call_and_validate(headers=headers, checks=CHECKS)
        sent += 1

    one()
    return sent


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_answer_is_as_described(operation: str, secret: str, site: Contract) -> None:  # noqa: F811
    code = book(site, now=NOW).code
    assert drive(operation, secret, examples=150, contract="hatsukaichi", code=code) >= 100


@pytest.mark.parametrize("operation", ["visits", "take_visits"])
def test_a_citys_own_site_is_answered_as_described(operation: str, contracts: dict[str, Contract]) -> None:
    set_up(contracts["izunokuni"], now=NOW)
    secret = make_key(contracts["izunokuni"], name="試験", scopes=list(SCOPES), per_minute=0, by=SYSTEM, now=NOW)
    assert drive(operation, secret, examples=150, contract="izunokuni") >= 100


@pytest.mark.parametrize("operation", OPERATIONS)
def test_any_contract_and_no_key_is_answered_as_described(operation: str, secret: str) -> None:
    assert drive(operation, "", examples=40) >= 20
