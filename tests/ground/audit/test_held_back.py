"""Entries of joined deeds are written at the end, and only of what was done."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection, transaction

from madoguchi.ground.audit import services as audit
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM


def note(contract: Contract, n: int, now: dt.datetime) -> None:
    audit.record(contract, "case.opened", f"case:{n}", by=SYSTEM, now=now)


def targets() -> list[str]:
    return list(Entry.objects.filter(target__startswith="case:").order_by("seq").values_list("target", flat=True))


@pytest.mark.req("SEC-02")
def test_the_lane_is_locked_last(contract: Contract, now: dt.datetime) -> None:
    locked = "select count(*) from pg_locks l join pg_class c on c.oid = l.relation where c.relname = 'audit_head' and l.pid = pg_backend_pid()"
    with contract_scope(contract), connection.cursor() as cursor:
        cursor.execute(locked)
        before = cursor.fetchone()
        with audit.held_back():
            note(contract, 1, now)
            with audit.held_back():
                note(contract, 2, now)
            cursor.execute(locked)
            assert cursor.fetchone() == before
            assert targets() == []
        assert targets() == ["case:1", "case:2"]


@pytest.mark.req("SEC-02")
def test_what_was_undone_leaves_no_entry(contract: Contract, now: dt.datetime) -> None:
    with contract_scope(contract):
        with audit.held_back():
            note(contract, 1, now)
            with pytest.raises(ValueError, match="no"), transaction.atomic(), audit.held_back():
                note(contract, 2, now)
                raise ValueError("no")
            note(contract, 3, now)
        with pytest.raises(ValueError, match="no"), transaction.atomic(), audit.held_back():
            note(contract, 4, now)
            raise ValueError("no")
        assert targets() == ["case:1", "case:3"]
        note(contract, 5, now)
        assert targets()[-1] == "case:5"
