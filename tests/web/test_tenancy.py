"""Every address, tried by people of another contract and with ids of another contract. The tables: ``ground/contracts/test_walls.py``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, models, transaction
from django.http import Http404
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from madoguchi.ground.accounts.demo import make_demo_staff
from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope, tenant_models
from tests.tenants import fill

OURS, THEIRS = "hatsukaichi", "izumi"
MARK = "zqzfgn"
Rows = dict[type[models.Model], models.Model]


@pytest.fixture
def foreign(contracts: dict[str, Contract], now: dt.datetime) -> tuple[Contract, Rows]:
    """Staff, and one row of every tenant table in the other contract only: the pages of our own must stay ordinary."""
    make_demo_staff(list(contracts.values()), now)
    theirs = contracts[THEIRS]
    return theirs, fill(theirs, mark=MARK, now=now)


def patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern, dict[str, Any]]]:
    """Every address of the site: route, pattern and the converters of all its parts."""
    resolver = resolver or get_resolver()
    for part in resolver.url_patterns:
        route = prefix + str(part.pattern)
        if isinstance(part, URLResolver):
            for found, pattern, converters in patterns(part, route):
                yield found, pattern, {**part.pattern.converters, **converters}
        else:
            yield route, part, dict(part.pattern.converters)


WITH_CONTRACT = sorted({(r, tuple(sorted(c))) for r, _, c in patterns() if "contract" in c})
STAFF = [item for item in WITH_CONTRACT if item[0].startswith("staff/")]
RESIDENT = [item for item in WITH_CONTRACT if not item[0].startswith("staff/")]


def addresses(route: str, contract: str, rows: Rows) -> list[str]:
    """The route filled with a contract and with ids, codes and names of ``rows``: one address per kind of value."""
    import re

    parts = re.findall(r"<(?:(\w+):)?(\w+)>", route)
    booking = next(row for model, row in rows.items() if model._meta.label_lower == "booking.booking")
    found = []
    for row in rows.values():
        path = route
        for kind, name in parts:
            if name == "contract":
                value = contract
            elif kind == "int":
                value = str(row.pk)
            elif "date" in name or "day" in name:
                value = "2026-11-02"
            elif name == "token":
                value = "0" * 32
            else:
                value = str(getattr(row, name, None) or getattr(row, "code", None) or booking.code)  # type: ignore[attr-defined]
            path = re.sub(rf"<(?:{kind}:)?{name}>" if kind else f"<{name}>", value, path)
        found.append("/" + path)
    return list(dict.fromkeys(found)) if len(parts) > 1 else found[:1]


def snapshot(contract: Contract) -> dict[str, Any]:
    """A fingerprint of all rows of a contract; reads by its own people may add audit entries, so those stay out."""
    found = {}
    with contract_scope(contract), connection.cursor() as cursor:
        for model in tenant_models():
            table = model._meta.db_table
            if table in ("audit_entry", "audit_head"):
                continue
            cursor.execute(
                f"select count(*), md5(string_agg(t::text, '|' order by t.id)) from {connection.ops.quote_name(table)} t"
            )
            found[table] = cursor.fetchone()
    return found


def signed_in(email: str) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get(email=email))
    return client


def shown(response: Any, address: str) -> str:
    """The body without what the address itself brought, which a form may give back."""
    body = response.content.decode(errors="replace")
    for part in address.split("/"):
        if MARK in part:
            body = body.replace(part, "")
    return str(body)


@pytest.mark.req("SEC-01")
def test_there_are_addresses_to_walk() -> None:
    assert len(STAFF) >= 1
    assert all("<slug:contract>" in route for route, _ in WITH_CONTRACT), "a contract in an address is always a slug"


@pytest.mark.req("CON-01", "SEC-01")
def test_staff_of_another_contract_find_no_staff_page(foreign: tuple[Contract, Rows]) -> None:
    """The city with every id, the other roles with one of each address."""
    theirs, their_rows = foreign
    before = snapshot(theirs)
    for role in ("city", "manager", "operator", "auditor"):
        client = signed_in(f"{role}.{OURS}@demo.example.jp")
        for route, _ in STAFF:
            for address in addresses(route, THEIRS, their_rows)[: None if role == "city" else 1]:
                for response in (client.get(address), client.post(address, {})):
                    assert response.status_code == 404, f"{role} {address}: {response.status_code}"
                    assert MARK not in shown(response, address), address
    assert snapshot(theirs) == before


@pytest.mark.req("CON-01", "SEC-01")
def test_own_pages_with_ids_of_another_contract_show_and_change_nothing(
    foreign: tuple[Contract, Rows],
) -> None:
    theirs, their_rows = foreign
    before = snapshot(theirs)
    client = signed_in(f"city.{OURS}@demo.example.jp")
    for route, _names in STAFF:
        for address in addresses(route, OURS, their_rows):
            for method in (client.get, client.post):
                with transaction.atomic():
                    response = method(address)
                assert response.status_code < 500, f"{address}: {response.status_code}"
                assert MARK not in shown(response, address), address
                if any(part.startswith("<int:") for part in route.split("/")) and method is client.get:
                    assert response.status_code in (302, 404, 405, 403), f"{address}: {response.status_code}"
    assert snapshot(theirs) == before


@pytest.mark.req("CON-01", "SEC-05")
def test_residents_find_nothing_with_a_code_of_another_contract(foreign: tuple[Contract, Rows]) -> None:
    theirs, their_rows = foreign
    before = snapshot(theirs)
    client = Client(raise_request_exception=False)
    for route, names in RESIDENT:
        for address in addresses(route, OURS, their_rows):
            for method in (client.get, client.post):
                with transaction.atomic():
                    response = method(address)
                assert response.status_code < 500, f"{address}: {response.status_code}"
                assert MARK not in shown(response, address), address
                if "code" in names and method is client.get:
                    assert response.status_code in (302, 303, 403, 404, 405, 410), f"{address}: {response.status_code}"
    assert snapshot(theirs) == before


@pytest.mark.req("SEC-01")
def test_without_sign_in_every_staff_page_leads_to_the_sign_in(foreign: tuple[Contract, Rows]) -> None:
    _, their_rows = foreign
    client = Client()
    for route, _ in STAFF:
        for address in addresses(route, OURS, their_rows):
            response = client.get(address)
            assert (response.status_code, response["Location"].partition("?")[0]) == (302, "/accounts/login/"), address


@pytest.mark.req("SEC-01")
def test_without_second_factor_every_staff_page_leads_to_its_set_up(
    foreign: tuple[Contract, Rows],
) -> None:
    from allauth.mfa.models import Authenticator

    _, their_rows = foreign
    email = f"city.{OURS}@demo.example.jp"
    Authenticator.objects.filter(user__email=email).delete()
    client = signed_in(email)
    for route, _ in STAFF:
        for address in addresses(route, OURS, their_rows):
            response = client.get(address)
            assert (response.status_code, response["Location"]) == (302, "/accounts/second-factor/"), address


@pytest.mark.req("SEC-01")
def test_an_unknown_contract_is_not_found_for_anybody(foreign: tuple[Contract, Rows]) -> None:
    client = signed_in(f"city.{OURS}@demo.example.jp")
    assert client.get("/staff/nowhere/").status_code == 404
    with pytest.raises((Http404, PermissionDenied)):
        from madoguchi.ground.accounts.access import assignment_for

        assignment_for(User.objects.get(email=f"city.{OURS}@demo.example.jp"), foreign[0])
