"""The city's list of notice numbers: read with a report, kept as keyed indexes only, asked without saying which half was wrong."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.booking.cards import Fault, card_index, read_list, refusals
from madoguchi.domain.booking.erasers import erase_cards
from madoguchi.domain.booking.models import NoticeCard
from madoguchi.domain.booking.party import Person, clean_person
from madoguchi.domain.booking.services.cards import add_cards, drop_cards
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.privacy.sealing import keyring
from tests.fields import ask, asking

pytestmark = pytest.mark.req("BOOK-07")
BORN = dt.date(1980, 1, 2)
CARD = ("A1B-123456", BORN)
LAST = dt.date(2027, 3, 31)


@pytest.fixture
def listed(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> Contract:
    ask(monkeypatch, contract, {"code": "notice_number"}, {"code": "birth_date"}, notice_check="list")
    return contract


def person(number: str = "A1B-123456", born: str = "1980-01-02") -> Person:
    return Person({k: v for k, v in (("notice_number", number), ("birth_date", born)) if v})


@pytest.mark.parametrize(
    "text",
    [
        "A1B-123456,1980-01-02\r\nC2D-000001,昭和60年3月4日\r\n",
        "番号,生年月日\nA1B123456,1980/1/2\nc2d-000001,S60.3.4\n\n",
        "交付通知書の生年月日,備考,はがきの番号\n昭和55年1月2日,山田,ａ１ｂ－１２３４５６\n昭和60年3月4日,,C2D-000001\nS60.3.4,,C2D-000001\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_files_as_cities_write_them(text: str, encoding: str) -> None:
    found = read_list(text.encode(encoding))
    assert found.faults == []
    assert found.cards == [CARD, ("C2D-000001", dt.date(1985, 3, 4))]


def test_every_fault_names_line_and_column_and_repeats_no_value() -> None:
    file = "番号,生年月日\nA1B-123456,1980-01-02\nA1B,1980-01-02\nA1B-123457,1980-13-01\n,1980-01-02\nA1B-123458\n123456789018,秘密\n"
    found = read_list(file.encode())
    assert [(f.line, f.column) for f in found.faults] == [(3, 1), (4, 2), (5, 1), (6, 2), (7, 1), (7, 2)]
    assert found.faults[0] == Fault(3, 1, "番号は、英数字3桁と数字6桁です。例：A1B-123456")
    said = "".join(fault.reason for fault in found.faults)
    for value in ("123456789018", "秘密", "1980-13-01"):
        assert value not in said


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("番号".encode("utf-16"), "文字コード"),
        (b"\x81\x20", "文字コード"),
        (b"", "番号の行がありません"),
        ("番号,生年月日\n".encode(), "番号の行がありません"),
        (b'"A1B', "番号"),
    ],
)
def test_files_that_are_no_list(content: bytes, word: str) -> None:
    found = read_list(content)
    assert found.cards == [] and word in found.faults[0].reason


@given(st.binary(max_size=200))
def test_any_bytes_give_a_list_or_a_report(content: bytes) -> None:
    found = read_list(content)
    assert found.cards or found.faults
    assert all(fault.line >= 1 and fault.reason for fault in found.faults)


def test_only_keyed_indexes_are_kept_and_a_second_file_moves_the_last_day(
    listed: Contract, official: Actor, now: dt.datetime
) -> None:
    cards = [CARD, ("C2D-000001", BORN)]
    assert add_cards(listed, cards, expires_on=LAST, by=official, now=now) == 2
    assert add_cards(listed, [CARD, CARD], expires_on=LAST.replace(year=2028), by=official, now=now) == 1
    assert sorted(NoticeCard.objects.values_list("expires_on", flat=True)) == [LAST, LAST.replace(year=2028)]
    with connection.cursor() as cursor:
        cursor.execute("select to_json(booking_noticecard)::text from booking_noticecard")
        stored = "".join(row[0] for row in cursor.fetchall())
    assert "123456" not in stored and "1980" not in stored
    assert Entry.objects.order_by("id").last().detail == {"cards": 1, "until": "2028-03-31"}  # type: ignore[union-attr]
    assert drop_cards(listed, by=official, now=now) == 2
    assert NoticeCard.objects.count() == 0


def test_indexes_of_two_contracts_differ(contracts: dict[str, Contract]) -> None:
    assert len({card_index(keyring(contract), *CARD) for contract in contracts.values()}) == 5


def test_the_list_of_one_city_is_not_the_list_of_another(
    listed: Contract, contracts: dict[str, Contract], official: Actor, now: dt.datetime
) -> None:
    add_cards(contracts["izumi"], [CARD], expires_on=LAST, by=official, now=now)
    assert refusals(listed, [(person(), None)], today=now.date())
    with contract_scope(contracts["izumi"]):
        assert not refusals(contracts["izumi"], [(person(), None)], today=now.date())


def test_what_the_list_does_not_confirm_is_refused_alike(listed: Contract, official: Actor, now: dt.datetime) -> None:
    add_cards(listed, [CARD], expires_on=LAST, by=official, now=now)
    today = now.date()

    def said(one: Person, before: Person | None = None, on: dt.date = today) -> dict[str, str]:
        return refusals(listed, [(person(), None), (one, before)], today=on).get(1, {})

    assert said(person()) == said(person("", "1980-01-02")) == said(person("", "")) == {}
    wrong_number, wrong_birth = said(person("A1B-123457")), said(person(born="1980-01-03"))
    assert wrong_number == wrong_birth and list(wrong_number) == ["notice_number"]
    assert "お電話ください" in wrong_number["notice_number"]
    assert list(said(person(born=""))) == ["birth_date"]
    assert said(person("Z9Z-000001"), person("Z9Z-000001")) == {}
    assert said(person("Z9Z-000001"), person("Z9Z-000002")) == wrong_number
    assert refusals(listed, [(person(), None)], today=LAST) == {}
    assert refusals(listed, [(person(), None)], today=LAST + dt.timedelta(days=1)) == {0: wrong_number}


def test_numbers_go_after_their_last_day(listed: Contract, official: Actor, now: dt.datetime) -> None:
    add_cards(listed, [CARD], expires_on=now.date(), by=official, now=now)
    assert erase_cards(listed, now.replace(hour=23)) == 0
    assert erase_cards(listed, now + dt.timedelta(days=1)) == 1
    assert NoticeCard.objects.count() == 0


def test_a_city_may_check_the_form_only_or_nothing(contract: Contract) -> None:
    typed = {"name": "山田", "kana": "ヤマダ", "notice_number": "受付12"}
    free = asking(contract.profile, {"code": "notice_number"}, notice_check="none")
    form = asking(contract.profile, {"code": "notice_number"}, notice_check="format")
    today = dt.date(2026, 11, 2)
    assert clean_person(free, "card_pickup", typed, today=today).values["notice_number"] == "受付12"
    assert "英数字3桁" in clean_person(form, "card_pickup", typed, today=today).errors["notice_number"]
