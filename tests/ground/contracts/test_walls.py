"""The two walls: every tenant table, tried as the wrong tenant, with the program's scope switched off too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, models, transaction
from django_scopes import scopes_disabled
from django_scopes.exceptions import ScopeError

from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import SETTING, contract_scope, tenant_models
from tests.conftest import NOW, standing_contracts
from tests.tenants import fill

OURS, THEIRS = "hatsukaichi", "izumi"
TABLES = [pytest.param(m, id=m._meta.label_lower) for m in tenant_models()]
Rows = dict[type[models.Model], models.Model]


@pytest.fixture(scope="module")
def standing_world(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Contract, Contract, Rows, Rows]]:
    """Somebody of the staff, and one row of every tenant table in two contracts: made once, rolled back after the last test."""
    with django_db_blocker.unblock(), transaction.atomic(), standing_contracts(NOW) as contracts:
        User.objects.create_user("somebody@example.jp", None, name="受付 花子")
        ours, theirs = contracts[OURS], contracts[THEIRS]
        yield ours, theirs, fill(ours, mark="ours", now=NOW), fill(theirs, mark="theirs", now=NOW)
        transaction.set_rollback(True)


@pytest.fixture
def world(standing_world: tuple[Contract, Contract, Rows, Rows], db: None) -> tuple[Contract, Contract, Rows, Rows]:
    """That world, in a transaction of the test's own."""
    return standing_world


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


@pytest.mark.req("CON-01")
def test_entering_the_same_contract_again_asks_nothing_and_stands_after_a_rollback(
    contracts: dict[str, Contract], django_assert_num_queries: Any
) -> None:
    ours, theirs = contracts[OURS], contracts[THEIRS]
    with contract_scope(ours):
        with django_assert_num_queries(2), contract_scope(ours):  # a savepoint and its release
            pass
        with contract_scope(theirs):
            with contract_scope(ours):
                assert _setting() == str(ours.pk)
            assert _setting() == str(theirs.pk)
        with pytest.raises(ZeroDivisionError), contract_scope(ours), contract_scope(theirs):
            raise ZeroDivisionError
        with contract_scope(ours):
            assert _setting() == str(ours.pk)
    with contract_scope(theirs):
        assert _setting() == str(theirs.pk)


def _setting() -> str:
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(current_setting(%s, true), '')", [SETTING])
        return str(cursor.fetchone()[0])
