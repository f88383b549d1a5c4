"""The two walls between contracts: a scope in the program, row-level security in the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import connection, connections, models, transaction
from django_scopes import ScopedManager, scope

if TYPE_CHECKING:
    from .models import Contract

SETTING = "madoguchi.contract"
POLICY = "tenant_wall"
ENTERED = "madoguchi_entered"
"""Attribute of a connection: the contract whose walls its running transaction has entered, so that entering it again asks nothing."""


class TenantModel(models.Model):
    """A row that belongs to one contract. Its default manager refuses to work outside ``contract_scope``."""

    # No constraint in the database: row-level security already admits only the entered contract, contracts are never
    # deleted, and seven look-ups per booking were a third of its cost.
    contract = models.ForeignKey(
        "contracts.Contract", models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )

    objects: Any = ScopedManager(contract="contract")

    class Meta:
        abstract = True


def scoped(queryset_class: type[models.QuerySet[Any]]) -> Any:
    """The scoped manager for a tenant model with query methods of its own."""
    return ScopedManager(contract="contract", _manager_class=models.Manager.from_queryset(queryset_class))


@contextmanager
def contract_scope(contract: Contract, *, read_only: bool = False) -> Iterator[Contract]:
    """Enter a contract: one transaction in which only its rows are visible.

    ``read_only`` makes PostgreSQL refuse every write until the end of the transaction (it cannot be nested inside a
    transaction that has already written). Nested use for the same contract joins the outer transaction; entering another
    contract inside restores the outer one at the end; inside a transaction without contract the wall closes again.
    """
    nested = connection.in_atomic_block
    here: Any = connections[connection.alias]
    inside = getattr(here, ENTERED, None) if nested else None
    with scope(contract=contract), transaction.atomic():
        if inside == contract.pk and not read_only:
            yield contract
            return
        outer = _enter(contract.pk, read_only=read_only)
        setattr(here, ENTERED, contract.pk)
        try:
            yield contract
        finally:
            setattr(here, ENTERED, inside)
        if nested and outer != str(contract.pk):
            _set(outer)


def _enter(contract_id: int, *, read_only: bool) -> str:
    sql = f"select current_setting('{SETTING}', true), set_config('{SETTING}', %s, true)"
    if read_only:
        sql += ", set_config('transaction_read_only', 'on', true)"
    with connection.cursor() as cursor:
        cursor.execute(sql, [str(contract_id)])
        return cursor.fetchone()[0] or ""


def _set(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select set_config(%s, %s, true)", [SETTING, value])


def tenant_models() -> list[type[models.Model]]:
    """Every concrete tenant table's model."""
    return [m for m in apps.get_models() if issubclass(m, TenantModel)]


def install_walls() -> None:
    """Switch row-level security on for every tenant table; called after each migration, so that none is forgotten.

    ``FORCE`` binds the owner of the tables too: only a superuser could see past it, and the program never is one.
    """
    existing = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for model in tenant_models():
            table = model._meta.db_table
            if table not in existing:
                continue
            cursor.execute(
                "select relrowsecurity and relforcerowsecurity and exists"
                " (select 1 from pg_policy where polrelid = c.oid and polname = %s)"
                " from pg_class c where c.oid = %s::regclass",
                [POLICY, table],
            )
            if cursor.fetchone()[0]:
                continue
            q = connection.ops.quote_name(table)
            cursor.execute(f"alter table {q} enable row level security")
            cursor.execute(f"alter table {q} force row level security")
            cursor.execute(f"drop policy if exists {POLICY} on {q}")
            cursor.execute(
                f"create policy {POLICY} on {q} using"
                f" (contract_id = nullif(current_setting('{SETTING}', true), '')::smallint)"
            )
