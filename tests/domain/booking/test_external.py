"""Bookings of a city's own site: what its file may hold, what an import does, and that they come out as they went in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.booking.enums import VisitState
from madoguchi.domain.booking.errors import ImportRefused
from madoguchi.domain.booking.external import COLUMNS, Names, Visit, read_sheet, row_of
from madoguchi.domain.booking.models import Claim, ExternalVisit
from madoguchi.domain.booking.queries.external import as_visits, compare, counts_by_day, visits
from madoguchi.domain.booking.services.external import import_visits
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.registry import profile
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.csvfile import CsvError, read_csv, write_csv
from madoguchi.ground.worklog.models import Fact

pytestmark = pytest.mark.req("BOOK-14")
NAMES = Names.of(profile("izunokuni"))
DAY = dt.datetime(2026, 12, 1, 9, 30, tzinfo=JST)

any_visit = st.builds(
    Visit,
    reference=st.from_regex(r"[0-9A-Za-z][0-9A-Za-z_./-]{0,10}", fullmatch=True),
    starts_at=st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2190, 1, 1)).map(
        lambda moment: moment.replace(second=0, microsecond=0, tzinfo=JST)
    ),
    procedure=st.sampled_from(sorted(NAMES.procedures)),
    site=st.sampled_from(sorted(NAMES.sites)),
    people=st.integers(1, 50),
    state=st.sampled_from(VisitState.values),
    actor=st.sampled_from(["", *map(str, ActorKind)]),
    channel=st.sampled_from(["", *map(str, Channel)]),
)
any_visits = st.lists(any_visit, max_size=8, unique_by=lambda visit: visit.reference)


def file_of(found: list[Visit], encoding: str = "utf-8-sig") -> bytes:
    return write_csv(list(COLUMNS.values()), [row_of(v, NAMES) for v in found], encoding=encoding).content  # type: ignore[arg-type]


def sheet(*lines: str, head: str = "市の予約番号,来庁日,時刻,手続き") -> bytes:
    return "\r\n".join([head, *lines]).encode()


@pytest.fixture
def city_site(contracts: dict[str, Contract], now: dt.datetime) -> Iterator[Contract]:
    """伊豆の国市, entered."""
    set_up(contracts["izunokuni"], now=now)
    with contract_scope(contracts["izunokuni"]) as entered:
        yield entered


@given(any_visits, st.sampled_from(["utf-8-sig", "cp932"]))
def test_a_file_that_was_written_is_read_the_same(found: list[Visit], encoding: str) -> None:
    content = file_of(found, encoding)
    again = read_sheet(content, NAMES)
    assert again.problems == []
    assert [visit for _, visit in again.visits] == found
    assert file_of([visit for _, visit in again.visits], encoding) == content


def test_cells_as_people_write_them() -> None:
    content = sheet(
        "Ａ-１２,R8.12.1,９時30分,card_pickup,,,,山田 太郎,",
        "",
        "A-13,令和8年12月1日(火),0930,マイナンバーカードの受取り(交付),伊豆の国市役所,2人,来庁済み,,電話",
        head="市の予約番号,来庁日,時刻,手続き,場所,人数,状態,氏名,経路",
    )
    read = read_sheet(content, NAMES)
    assert read.problems == []
    assert read.ignored == ("氏名",)
    assert read.visits == [
        (2, Visit("A-12", DAY, "card_pickup", "main")),
        (4, Visit("A-13", DAY, "card_pickup", "main", 2, "arrived", "", "phone")),
    ]
    assert "山田" not in repr(read)


@pytest.mark.parametrize(
    ("content", "line", "column", "words"),
    [
        (b"", 1, "", "空です"),
        ("市の予約番号,来庁日,手続き\n".encode(), 1, "時刻", "見出しがありません"),
        (sheet(head="市の予約番号,来庁日,時刻,手続き,来庁日"), 1, "来庁日", "同じ見出し"),
        (sheet("A,2026-12-01,9:30,card_pickup", "A,2026-12-02,9:30,card_pickup"), 3, "市の予約番号", "2行目と同じ番号"),
        (sheet("A,2026-13-01,9:30,card_pickup"), 2, "来庁日", "月は1から12"),
        (sheet("A,2026-12-01,25:00,card_pickup"), 2, "時刻", "時刻として読めません"),
        (sheet("A,2026-12-01,9:30,引越し"), 2, "手続き", "「引越し」はありません"),
        (sheet(",2026-12-01,9:30,card_pickup"), 2, "市の予約番号", "入れてください"),
        (sheet("=1+1,2026-12-01,9:30,card_pickup"), 2, "市の予約番号", "英数字で始まる"),
        (sheet("123456789018,2026-12-01,9:30,card_pickup"), 2, "市の予約番号", "マイナンバー"),
        (sheet("A,2026-12-01,9:30,card_pickup,余り"), 2, "", "余分なコンマ"),
        (sheet("A,2026-12-01,9:30,card_pickup,0", head="市の予約番号,来庁日,時刻,手続き,人数"), 2, "人数", "1から50"),
        (sheet('A,"2026-12-01,9:30,card_pickup'), 2, "", "引用符"),
        ("市の予約番号".encode("utf-16"), 1, "", "UTF-16"),
        (sheet("A") + b"\n\xff\xff", 3, "", "文字コードを読み取れません"),
    ],
)
def test_a_mistake_is_named_by_line_column_and_reason(content: bytes, line: int, column: str, words: str) -> None:
    (problem,) = read_sheet(content, NAMES).problems
    assert (problem.line, problem.column) == (line, column)
    assert words in problem.reason


def test_too_many_lines_are_refused() -> None:
    content = sheet(*(f"A{n},2026-12-01,9:30,card_pickup" for n in range(10_001)))
    (problem,) = read_sheet(content, NAMES).problems
    assert "10,000件まで" in problem.reason


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(content: bytes) -> None:
    try:
        read_csv(content)
    except CsvError as wrong:
        assert wrong.line >= 1
    assert read_sheet(content, NAMES).problems


def test_an_import_adds_updates_keeps_and_repeats_without_effect(
    city_site: Contract, official: Actor, now: dt.datetime
) -> None:
    first = [Visit("A-1", DAY, "card_pickup", "main"), Visit("A-2", DAY, "pin_reset", "main", people=2)]
    done = import_visits(city_site, first, by=official, now=now)
    assert (len(done.added), len(done.changed), done.unchanged) == (2, 0, 0)
    later = now + dt.timedelta(hours=1)
    again = import_visits(city_site, first, by=official, now=later)
    assert (len(again.added), len(again.changed), again.unchanged) == (0, 0, 2)
    assert not ExternalVisit.objects.filter(changed_at=later).exists()
    moved = Visit("A-2", DAY + dt.timedelta(days=1), "pin_reset", "main", people=3, state="cancelled")
    third = import_visits(city_site, [moved], by=official, now=later)
    assert third.changed == [(first[1], moved)]
    assert {row.reference: row.changed_at for row in ExternalVisit.objects.all()} == {"A-1": now, "A-2": later}
    found = visits(DAY.date(), DAY.date() + dt.timedelta(days=7), state="all")
    assert list(as_visits(found)) == [first[0], moved]
    (day,) = counts_by_day(found)
    assert (day.day, day.bookings, day.people, day.by_procedure) == (DAY.date(), 1, 1, {"card_pickup": 1})
    assert list(Fact.objects.filter(kind="external.imported").values_list("quantity", flat=True)) == [2, 1]
    assert not Claim.objects.exists()


def test_what_was_taken_out_and_in_again_is_the_same(city_site: Contract, official: Actor, now: dt.datetime) -> None:
    found = [
        Visit(f"N/{n:03}", DAY + dt.timedelta(hours=n), code, "main", n + 1, state, "city", "phone")
        for n, (code, state) in enumerate([("card_pickup", "booked"), ("other", "no_show"), ("mynaportal", "cancelled")])
    ]
    import_visits(city_site, found, by=official, now=now)
    out = file_of(list(as_visits(visits(DAY.date(), DAY.date(), state="all"))))
    read = [visit for _, visit in read_sheet(out, NAMES).visits]
    assert compare(read).unchanged == 3
    import_visits(city_site, read, by=official, now=now)
    assert file_of(list(as_visits(visits(DAY.date(), DAY.date(), state="all")))) == out


def test_an_import_is_whole_or_nothing(city_site: Contract, official: Actor, now: dt.datetime) -> None:
    good = Visit("A-1", DAY, "card_pickup", "main")
    for wrong, words in (
        ([good, Visit("A-2", DAY, "gone", "main")], "「gone」は今はありません"),
        ([good, good], "2回出てきます"),
    ):
        with pytest.raises(ImportRefused, match=words):
            import_visits(city_site, wrong, by=official, now=now)
    assert not ExternalVisit.objects.exists()


def test_a_contract_with_our_own_reservation_takes_none(contract: Contract, official: Actor, now: dt.datetime) -> None:
    with pytest.raises(ImportRefused, match="このシステムで受け付けて"):
        import_visits(contract, [], by=official, now=now)
