"""The two walls: every tenant table and every address, tried as the wrong tenant, with the program's scope switched off too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, models, transaction
from django.http import Http404
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django_scopes import scopes_disabled
from django_scopes.exceptions import ScopeError

from madoguchi.ground.accounts.demo import make_demo_staff
from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import SETTING, contract_scope, tenant_models
from tests.tenants import fill

OURS, THEIRS = "hatsukaichi", "izumi"
MARK = "zqzfgn"
TABLES = [pytest.param(m, id=m._meta.label_lower) for m in tenant_models()]
Rows = dict[type[models.Model], models.Model]


@pytest.fixture
def world(contracts: dict[str, Contract], now: dt.datetime) -> Iterator[tuple[Contract, Contract, Rows, Rows]]:
    """Staff, and one row of every tenant table in two contracts."""
    make_demo_staff(list(contracts.values()), now)
    ours, theirs = contracts[OURS], contracts[THEIRS]
    yield ours, theirs, fill(ours, mark="ours", now=now), fill(theirs, mark=MARK, now=now)


@pytest.fixture
def foreign(contracts: dict[str, Contract], now: dt.datetime) -> tuple[Contract, Rows]:
    """Staff, and one row of every tenant table in the other contract only: the pages of our own must stay ordinary."""
    make_demo_staff(list(contracts.values()), now)
    theirs = contracts[THEIRS]
    return theirs, fill(theirs, mark=MARK, now=now)


@pytest.mark.req("CON-01", "SEC-01")
def test_the_factory_fills_every_tenant_table(world: tuple[Contract, Contract, Rows, Rows]) -> None:
    _ours, _theirs, our_rows, their_rows = world
    assert set(our_rows) == set(their_rows) == set(tenant_models())
    assert len(tenant_models()) >= 24


@pytest.mark.req("CON-01", "SEC-01")
@pytest.mark.parametrize("model", TABLES)
def test_without_a_contract_there_is_no_query_and_no_row(
    world: tuple[Contract, Contract, Rows, Rows], model: type[models.Model]
) -> None:
    with pytest.raises(ScopeError):
        list(model.objects.all())  # type: ignore[attr-defined]
    with scopes_disabled():
        assert model.objects.count() == 0  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute(f"select count(*) from {connection.ops.quote_name(model._meta.db_table)}")
        assert cursor.fetchone() == (0,)


@pytest.mark.req("CON-01", "SEC-01")
@pytest.mark.parametrize("disabled", [False, True], ids=["both-walls", "row-level-security-alone"])
@pytest.mark.parametrize("model", TABLES)
def test_rows_of_another_contract_cannot_be_read_changed_or_made(
    world: tuple[Contract, Contract, Rows, Rows], model: type[models.Model], disabled: bool, now: dt.datetime
) -> None:
    ours, theirs, our_rows, their_rows = world
    mine, foreign = our_rows[model], their_rows[model]
    table = connection.ops.quote_name(model._meta.db_table)
    with contract_scope(ours):
        if disabled:
            with scopes_disabled():
                _read_walls(model, mine, foreign, theirs)
        else:
            _read_walls(model, mine, foreign, theirs)
        with connection.cursor() as cursor:
            cursor.execute(f"select count(*) from {table} where contract_id = %s", [theirs.pk])
            assert cursor.fetchone() == (0,)
            cursor.execute(f"update {table} set contract_id = contract_id where id = %s", [foreign.pk])
            assert cursor.rowcount == 0
            cursor.execute(f"delete from {table} where id = %s", [foreign.pk])
            assert cursor.rowcount == 0
        copy = model._base_manager.model(
            **{f.attname: getattr(foreign, f.attname) for f in model._meta.concrete_fields if not f.primary_key}
        )
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            model._base_manager.bulk_create([copy])
        moved = f"update {table} set contract_id = %s where id = %s"
        refused = pytest.raises(DatabaseError, match=r"row-level security|append-only")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(moved, [theirs.pk, mine.pk])
    with contract_scope(theirs):
        assert model.objects.filter(pk=foreign.pk).exists()  # type: ignore[attr-defined]


def _read_walls(model: Any, mine: models.Model, foreign: models.Model, theirs: Contract) -> None:
    seen = set(model.objects.values_list("contract_id", flat=True))
    assert seen == {mine.contract_id}  # type: ignore[attr-defined]
    assert model.objects.filter(pk=mine.pk).exists()
    assert not model.objects.filter(pk=foreign.pk).exists()
    assert not model.objects.filter(contract=theirs).exists()
    assert not model._base_manager.filter(pk=foreign.pk).exists()


@pytest.mark.req("CON-01")
@pytest.mark.parametrize("model", TABLES)
def test_every_tenant_table_has_a_forced_policy(db: None, model: type[models.Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select relrowsecurity, relforcerowsecurity, (select count(*) from pg_policy where polrelid = c.oid)"
            " from pg_class c where c.oid = %s::regclass",
            [model._meta.db_table],
        )
        assert cursor.fetchone() == (True, True, 1)


@pytest.mark.req("CON-01")
def test_the_program_is_no_superuser_and_cannot_pass_the_walls(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
        assert cursor.fetchone() == (False,)


@pytest.mark.req("CON-01")
def test_the_wall_closes_again_after_a_scope_inside_a_transaction(contracts: dict[str, Contract]) -> None:
    ours, theirs = contracts[OURS], contracts[THEIRS]
    with transaction.atomic():
        assert _setting() == ""
        with contract_scope(ours):
            assert _setting() == str(ours.pk)
            with contract_scope(theirs):
                assert _setting() == str(theirs.pk)
            assert _setting() == str(ours.pk)
            with pytest.raises(ZeroDivisionError), contract_scope(theirs):
                raise ZeroDivisionError
            assert _setting() == str(ours.pk)
        assert _setting() == ""


def _setting() -> str:
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(current_setting(%s, true), '')", [SETTING])
        return str(cursor.fetchone()[0])


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
    theirs, their_rows = foreign
    before = snapshot(theirs)
    for role in ("city", "manager", "operator", "auditor"):
        client = signed_in(f"{role}.{OURS}@demo.example.jp")
        for route, _ in STAFF:
            for address in addresses(route, THEIRS, their_rows):
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
