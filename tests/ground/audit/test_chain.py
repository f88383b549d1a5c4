"""The chain: every change of a stored entry is found and named, the tail cannot be cut, nobody can UPDATE or DELETE."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from madoguchi.ground.audit import queries
from madoguchi.ground.audit.models import Entry, Head
from madoguchi.ground.audit.queries import BrokenLink, verify
from madoguchi.ground.audit.services import Line, record_all
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

N = 6
FIELDS: dict[str, tuple[str, st.SearchStrategy[Any]]] = {
    "at": ("timestamptz", st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC))),
    "actor_kind": ("text", st.sampled_from(["citizen", "call_centre", "api", "system", ""])),
    "channel": ("text", st.sampled_from(["web", "online", ""])),
    "actor": ("text", st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)),
    "action": ("text", st.sampled_from(["account.signed_in", "account.signed_out", "x"])),
    "target": ("text", st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=64)),
    "detail": ("jsonb", st.dictionaries(st.sampled_from("abc"), st.integers() | st.booleans(), max_size=3)),
    "hash": ("bytea", st.binary(min_size=32, max_size=32)),
    "seq": ("bigint", st.integers(N + 1, 10**6)),
    "lane": ("smallint", st.integers(2, 9)),
}


def write(contract: Contract, by: Actor, now: dt.datetime, n: int = N, lane: int = 0) -> None:
    lines = [Line("account.role_changed", f"user:{i}", {"before": "operator", "after": i}) for i in range(1, n + 1)]
    record_all(contract, lines, by=by, now=now, lane=lane)


def tamper(sql: str, params: list[Any]) -> int:
    """What a person with the owner's rights could do: switch the trigger off and change rows."""
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")
        cursor.execute("alter table audit_entry disable trigger audit_append_only")
        cursor.execute(sql, params)
        count = cursor.rowcount
        cursor.execute("alter table audit_entry enable trigger audit_append_only")
    return count


class Undo(Exception):
    pass


def undone(action: Any) -> Any:
    """Run ``action`` and roll back what it did."""
    found: list[Any] = []
    with pytest.raises(Undo), transaction.atomic():
        found.append(action())
        raise Undo
    return found[0]


@pytest.mark.req("SEC-02")
def test_an_untouched_chain_verifies(contract: Contract, official: Actor, now: dt.datetime) -> None:
    assert verify(contract) == []
    write(contract, official, now)
    write(contract, official, now, lane=1)
    assert verify(contract) == []
    assert queries.count(contract) == 2 * N
    assert sorted(Head.objects.values_list("lane", "seq")) == [(0, N), (1, N)]


@pytest.mark.req("SEC-02")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_field_of_any_entry_is_named(
    contract: Contract, official: Actor, now: dt.datetime, data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from(sorted(FIELDS)))
    kind, values = FIELDS[field]
    seq = data.draw(st.integers(1, N))
    value = data.draw(values)

    def attempt() -> tuple[int, list[BrokenLink]]:
        write(contract, official, now)
        write(contract, official, now, lane=1)
        sent = value
        if kind == "jsonb":
            import json

            sent = json.dumps(value)
        count = tamper(
            f"update audit_entry set {field} = %s::{kind}"
            f" where contract_id = %s and lane = 0 and seq = %s and {field} is distinct from %s::{kind}",
            [sent, contract.pk, seq, sent],
        )
        return count, verify(contract)

    count, broken = undone(attempt)
    if count == 0:
        assert broken == []
    else:
        first = broken[0]
        assert (first.contract, first.lane, first.seq) == ("hatsukaichi", 0, seq)
        assert all(link.lane != 1 for link in broken)


@pytest.mark.req("SEC-02")
@pytest.mark.parametrize("seq", range(1, N + 1))
def test_a_removed_entry_is_named(contract: Contract, official: Actor, now: dt.datetime, seq: int) -> None:
    write(contract, official, now)
    assert tamper("delete from audit_entry where contract_id = %s and seq = %s", [contract.pk, seq]) == 1
    what = (
        "entries are missing at the end: the head counts further"
        if seq == N
        else "the entry is missing: the numbers have a gap"
    )
    assert verify(contract) == [BrokenLink("hatsukaichi", 0, seq, what)]
    assert str(verify(contract)[0]) == f"hatsukaichi lane 0 seq {seq}: {what}"


@pytest.mark.req("SEC-02")
@pytest.mark.parametrize("kept", range(N))
def test_cutting_off_the_tail_is_named(contract: Contract, official: Actor, now: dt.datetime, kept: int) -> None:
    write(contract, official, now)
    tamper("delete from audit_entry where contract_id = %s and seq > %s", [contract.pk, kept])
    assert verify(contract) == [
        BrokenLink("hatsukaichi", 0, kept + 1, "entries are missing at the end: the head counts further")
    ]


@pytest.mark.req("SEC-02")
@pytest.mark.parametrize(
    ("change", "seq", "what"),
    [
        ("seq = seq - 1", N, "the head counts less than there are entries"),
        ("seq = seq + 1", N + 1, "entries are missing at the end: the head counts further"),
        ("hash = sha256('x')", N, "the head's hash is not the hash of the last entry"),
        ("lane = 5", 1, "entries are missing at the end: the head counts further"),
    ],
)
def test_a_changed_head_is_named(
    contract: Contract, official: Actor, now: dt.datetime, change: str, seq: int, what: str
) -> None:
    write(contract, official, now)
    with connection.cursor() as cursor:
        cursor.execute(f"update audit_head set {change} where contract_id = %s", [contract.pk])
    lane = 5 if change.startswith("lane") else 0
    assert BrokenLink("hatsukaichi", lane, seq, what) in verify(contract)


@pytest.mark.req("SEC-02")
def test_a_rewritten_entry_with_a_hash_that_fits_breaks_the_next_one(
    contract: Contract, official: Actor, now: dt.datetime
) -> None:
    write(contract, official, now)
    tamper(
        "update audit_entry e set actor = 'user:9', hash = sha256((select hash from audit_entry p where p.contract_id = e.contract_id"
        " and p.lane = 0 and p.seq = 2) || audit_content(contract_id, lane, seq, at, actor_kind, channel, 'user:9', action,"
        " target, detail)) where contract_id = %s and seq = 3",
        [contract.pk],
    )
    assert [(link.lane, link.seq) for link in verify(contract)] == [(0, 4)]


@pytest.mark.req("SEC-02")
@pytest.mark.parametrize(
    "sql",
    ["update audit_entry set actor = 'user:9'", "delete from audit_entry", "update audit_entry set seq = seq + 100"],
)
def test_update_and_delete_are_refused(contract: Contract, official: Actor, now: dt.datetime, sql: str) -> None:
    write(contract, official, now)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Entry.objects.all().delete()
    assert verify(contract) == []
    assert Entry.objects.count() == N


@pytest.mark.req("SEC-02")
@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_lanes_grow_side_by_side_and_one_lane_in_turn(
    contracts: dict[str, Contract], official: Actor, now: dt.datetime
) -> None:
    contract = contracts["hatsukaichi"]
    failures: list[BaseException] = []
    start = threading.Barrier(4)

    def work(lane: int) -> None:
        try:
            start.wait(10)
            for _ in range(15):
                with contract_scope(contract):
                    write(contract, official, now, n=3, lane=lane)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(lane,)) for lane in (0, 0, 1, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert verify(contract) == []
    with contract_scope(contract):
        assert sorted(Head.objects.values_list("lane", "seq")) == [(0, 90), (1, 90)]


@pytest.mark.req("SEC-02")
def test_search_by_period_actor_action_target_and_reads(contract: Contract, official: Actor, now: dt.datetime) -> None:
    record_all(
        contract, [Line("account.role_changed", "user:1"), Line("account.signed_in", "user:1")], by=official, now=now
    )
    record_all(contract, [Line("account.signed_in", "user:12")], by=official, now=now + dt.timedelta(days=1))
    tomorrow = now + dt.timedelta(days=1)

    def targets(**kwargs: Any) -> list[tuple[str, str]]:
        return [(e.action, e.target) for e in queries.search(**kwargs)]

    assert targets(target="user:1") == [("account.signed_in", "user:1"), ("account.role_changed", "user:1")]
    assert targets(last=tomorrow) == [("account.signed_in", "user:1"), ("account.role_changed", "user:1")]
    assert targets(first=tomorrow) == [("account.signed_in", "user:12")]
    assert targets(action="account.role_changed") == [("account.role_changed", "user:1")]
    assert len(targets(target="user")) == 3
    assert targets(actor="user:2", only_reads=True) == []
    assert targets(actor="city", action="account.role_changed") == [("account.role_changed", "user:1")]


@pytest.mark.req("SEC-02")
def test_an_unregistered_action_is_a_programming_error(contract: Contract, official: Actor, now: dt.datetime) -> None:
    with pytest.raises(KeyError, match=r"audit_actions\.py"):
        record_all(contract, [Line("nobody.knows", "user:1")], by=official, now=now)
