"""Work lists: the city's file comes in whole or not at all, each entry is done once, and what became of it goes back."""

from __future__ import annotations

import datetime as dt
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.worklists import queries
from madoguchi.domain.worklists.enums import State
from madoguchi.domain.worklists.errors import WorklistRefused
from madoguchi.domain.worklists.files import KEY, Wanted, read_listing
from madoguchi.domain.worklists.models import Batch, Entry, EntryStep
from madoguchi.domain.worklists.services import claim_next, defer, end, import_entries, release, reopen
from madoguchi.ground.accounts.models import Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.csvfile import write_csv
from madoguchi.ground.worklog.models import Fact
from tests.domain.calls.people import member

pytestmark = pytest.mark.req("DESK-05")
LIST = "expiry_address"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def izumi(contracts: dict[str, Contract]):
    with contract_scope(contracts["izumi"]) as entered:
        yield entered


@pytest.fixture
def staff(izumi: Contract) -> tuple[User, Actor]:
    return member(izumi, Role.COUNTER)


def take_in(contract: Contract, keys: list[str], *, by: Actor, now: dt.datetime, due: dt.date | None = None) -> Batch:
    return import_entries(contract, LIST, [Wanted(n, key, due) for n, key in enumerate(keys, 2)], name="11月分.csv", by=by, now=now)


def test_a_file_is_read_in_both_encodings_and_other_columns_are_not_read() -> None:
    text = "氏名,整理番号,期限\n山田 太郎,A-0001,2026-12-25\n,Ｂ-0002,令和8年12月26日\n,C-0003,\n"
    for encoding in ("utf-8-sig", "cp932"):
        found = read_listing(text.encode(encoding), key_label="整理番号")
        assert (found.faults, found.ignored) == ([], ("氏名",))
        assert [(one.line, one.key, one.due_on) for one in found.entries] == [
            (2, "A-0001", dt.date(2026, 12, 25)), (3, "B-0002", dt.date(2026, 12, 26)), (4, "C-0003", None),
        ]  # fmt: skip


@pytest.mark.req("SEC-04")
def test_every_fault_of_a_file_is_told_by_line_and_never_repeats_the_value() -> None:
    text = "整理番号,期限\nA-1,2026-13-01\n123456789018,\nA-1,\n\nA 2,\n,\n"
    found = read_listing(text.encode(), key_label="整理番号")
    assert [(one.line, one.column) for one in found.faults] == [(2, 2), (3, 1), (6, 1)]
    assert not any("123456789018" in one.reason for one in found.faults)
    for wrong, line in (("", 1), ("番号\nA-1\n", 1), ("整理番号\n", 1), ('整理番号\n"A', 2), ("整理番号,整理番号\nA,B\n", 1)):
        assert [one.line for one in read_listing(wrong.encode(), key_label="整理番号").faults] == [line]


@given(st.lists(st.text(string.ascii_letters + string.digits + "-._/", min_size=1, max_size=12).filter(KEY.fullmatch), min_size=1, unique=True))
def test_what_is_written_out_reads_in_again(keys: list[str]) -> None:
    file = write_csv(["整理番号", "状態"], [[key, "未着手"] for key in keys])
    found = read_listing(file.content, key_label="整理番号")
    numbers = [one for one in found.faults if "マイナンバー" in one.reason]
    assert len(found.entries) + len(numbers) == len(keys) and len(numbers) == len(found.faults)


def test_the_same_file_again_adds_nothing(izumi: Contract, staff: tuple[User, Actor], now: dt.datetime) -> None:
    _, by = staff
    assert (take_in(izumi, ["A", "B"], by=by, now=now).added, take_in(izumi, ["B", "C"], by=by, now=now).added) == (2, 1)
    assert Entry.objects.count() == 3
    with pytest.raises(WorklistRefused, match="取り込む行がありません"):
        take_in(izumi, [], by=by, now=now)
    with pytest.raises(WorklistRefused, match="ありません"):
        import_entries(izumi, "other", [Wanted(2, "A")], name="x", by=by, now=now)


def test_the_most_urgent_first_and_one_in_hand(izumi: Contract, staff: tuple[User, Actor], now: dt.datetime) -> None:
    user, by = staff
    take_in(izumi, ["whenever"], by=by, now=now)
    take_in(izumi, ["later"], by=by, now=now, due=now.date() + dt.timedelta(days=9))
    take_in(izumi, ["soon"], by=by, now=now, due=now.date() + dt.timedelta(days=2))
    keys = []
    while (entry := claim_next(izumi, LIST, user=user, by=by, now=now)) is not None:
        assert claim_next(izumi, LIST, user=user, by=by, now=now) == entry, "a page loaded anew has the same one"
        keys.append(entry.key)
        end(izumi, entry.pk, result="updated", user=user, by=by, now=now + MINUTE)
    assert keys == ["soon", "later", "whenever"]
    assert [(f.kind, f.outcome, f.handle_seconds) for f in Fact.objects.order_by("pk")] == [("worklist.expiry_address", "updated", 60)] * 3


def test_an_entry_ends_once_and_only_by_who_has_it(izumi: Contract, staff: tuple[User, Actor], now: dt.datetime) -> None:
    (user, by), (other, by_other) = staff, member(izumi, Role.COUNTER)
    take_in(izumi, ["A"], by=by, now=now)
    entry = claim_next(izumi, LIST, user=user, by=by, now=now)
    assert entry is not None and claim_next(izumi, LIST, user=other, by=by_other, now=now) is None
    with pytest.raises(WorklistRefused, match="作業しています"):
        end(izumi, entry.pk, result="updated", user=other, by=by_other, now=now)
    with pytest.raises(WorklistRefused, match="結果を選んで"):
        end(izumi, entry.pk, result="", user=user, by=by, now=now)
    late = now + 31 * MINUTE
    assert claim_next(izumi, LIST, user=other, by=by_other, now=late) == entry, "untouched for half an hour"
    with pytest.raises(WorklistRefused, match=f"{other}さんが作業"):
        end(izumi, entry.pk, result="updated", user=user, by=by, now=late)
    for _ in range(2):
        end(izumi, entry.pk, result="same", user=other, by=by_other, now=late + MINUTE)
    with pytest.raises(WorklistRefused, match="もう終わって"):
        end(izumi, entry.pk, result="updated", user=other, by=by_other, now=late + MINUTE)
    assert Fact.objects.count() == 1
    assert list(EntryStep.objects.values_list("kind", flat=True)) == ["claimed", "claimed", "done"]


def test_a_deferred_entry_is_back_on_its_day(izumi: Contract, staff: tuple[User, Actor], now: dt.datetime) -> None:
    user, by = staff
    take_in(izumi, ["A"], by=by, now=now)
    entry = claim_next(izumi, LIST, user=user, by=by, now=now)
    assert entry is not None
    tomorrow = now.date() + dt.timedelta(days=1)
    for reason, day, said in (("", tomorrow, "理由を選んで"), ("system", now.date(), "明日から"), ("system", now.date() + dt.timedelta(days=400), "1年以内")):
        with pytest.raises(WorklistRefused, match=said):
            defer(izumi, entry.pk, reason=reason, again_on=day, user=user, by=by, now=now)
    defer(izumi, entry.pk, reason="system", again_on=tomorrow, user=user, by=by, now=now)
    assert claim_next(izumi, LIST, user=user, by=by, now=now) is None
    again = claim_next(izumi, LIST, user=user, by=by, now=now + dt.timedelta(days=1))
    assert again is not None and (again.reason, again.again_on) == ("", None)
    release(izumi, again.pk, user=user, by=by, now=now + dt.timedelta(days=1))
    with pytest.raises(WorklistRefused, match="手元にありません"):
        release(izumi, again.pk, user=user, by=by, now=now)


def test_what_was_a_slip_is_done_again_and_counted_once(izumi: Contract, staff: tuple[User, Actor], now: dt.datetime) -> None:
    user, by = staff
    take_in(izumi, ["A"], by=by, now=now)
    for result in ("moved_out", "updated"):
        entry = claim_next(izumi, LIST, user=user, by=by, now=now)
        assert entry is not None
        end(izumi, entry.pk, result=result, user=user, by=by, now=now)
        if result == "moved_out":
            reopen(izumi, entry.pk, by=by, now=now)
    assert [(f.outcome, f.quantity) for f in Fact.objects.all()] == [("updated", 1)]
    with pytest.raises(WorklistRefused, match="まだ終わって"):
        reopen(izumi, take_in(izumi, ["B"], by=by, now=now) and Entry.objects.get(key="B").pk, by=by, now=now)


def test_progress_and_export_say_the_same(izumi: Contract, staff: tuple[User, Actor], now: dt.datetime) -> None:
    user, by = staff
    terms = izumi.profile.work_list(LIST)
    assert terms is not None
    take_in(izumi, [f"K{n}" for n in range(10)], by=by, now=now, due=now.date() - dt.timedelta(days=1))
    for n in range(5):
        entry = claim_next(izumi, LIST, user=user, by=by, now=now)
        assert entry is not None
        if n < 3:
            end(izumi, entry.pk, result="updated" if n else "unclear", user=user, by=by, now=now)
        elif n == 3:
            defer(izumi, entry.pk, reason="pending", again_on=now.date() + dt.timedelta(days=3), user=user, by=by, now=now)
    found = queries.progress(LIST, now)
    assert (found.total, found.done, found.ready, found.in_hand, found.deferred, found.late, found.today, found.open) == (10, 3, 5, 1, 1, 7, 3, 7)
    assert queries.by_day(LIST, now)[-1] == (now.date(), 3) and len(queries.by_day(LIST, now)) == queries.DAYS_SHOWN
    assert dict(queries.by_result(terms)) == {"更新した": 2, "変更なし": 0, "転出・除票": 0, "判断できない（市へ）": 1}
    assert queries.by_person(LIST, now) == [(str(user), 3)]
    rows = list(queries.export_rows(terms, queries.entries(terms)))
    assert [row[0] for row in rows] == [f"K{n}" for n in range(10)] and len(rows[0]) == len(queries.HEADER) + 1
    assert [row[0] for row in queries.export_rows(terms, queries.entries(terms, to_city=True))] == ["K0"]
    assert queries.entries(terms, state=State.DEFERRED).get().key == "K3"
