"""Addresses of postal codes: Japan Post's tables, and how they meet what people have typed already."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.ground.kit.postal import Area, Found, areas_of, fill

pytestmark = pytest.mark.req("BOOK-07")


@pytest.mark.parametrize("written", ["7380023", "738-0023", "〒738-0023", "７３８－００２３", " 738 0023 "])
def test_a_code_is_found_however_written(written: str) -> None:
    assert areas_of(written) == [Area("広島県", "廿日市市", "下平良")]


def test_areas_offices_and_codes_of_a_whole_city() -> None:
    assert [area.text for area in areas_of("901-2133")] == ["沖縄県浦添市城間"]
    assert [area.label for area in areas_of("738-8501")] == ["広島県廿日市市下平良1丁目11-1（廿日市市役所）"]
    assert [area.text for area in areas_of("668-0000")] == ["兵庫県豊岡市"]
    assert next(iter(areas_of("441-1324"))).text.startswith("愛知県新城市")
    many = [area.text for area in areas_of("452-0961")]
    assert len(many) == len(set(many)) > 20 and "愛知県清須市春日稲荷" in many


@pytest.mark.parametrize("code", ["", "738", "000-0000", "abcdefg", "73800231", "⑦⑧"])
def test_no_such_code(code: str) -> None:
    assert areas_of(code) == []
    assert fill(code, "下平良1-1").found is Found.UNKNOWN


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("", "広島県廿日市市下平良"),
        ("1丁目2-3 つばきハイツ105", "広島県廿日市市下平良1丁目2-3 つばきハイツ105"),
        ("下平良1-2", "広島県廿日市市下平良1-2"),
        ("廿日市市下平良1-2", "広島県廿日市市下平良1-2"),
        ("広島県廿日市市下平良1-2", "広島県廿日市市下平良1-2"),
    ],
)
def test_what_was_typed_stays_behind_the_area(typed: str, address: str) -> None:
    filling = fill("738-0023", typed)
    assert (filling.found, filling.address) == (Found.FILLED, address)
    assert fill("738-0023", address).address == address


@pytest.mark.parametrize("typed", ["東京都千代田区千代田1-1", "廿日市市桜尾1-2", "大竹市小方1", "京都府京都市1"])
def test_an_address_of_another_place_is_left_alone(typed: str) -> None:
    filling = fill("738-0023", typed)
    assert (filling.found, filling.address) == (Found.ADDRESS_THERE, typed)


def test_several_areas_are_offered_and_one_is_taken() -> None:
    offered = fill("452-0961", "12-3")
    assert (offered.found, offered.address, len(offered.areas)) == (Found.SEVERAL, "12-3", len(areas_of("452-0961")))
    taken = fill("452-0961", "12-3", "愛知県清須市春日稲荷")
    assert (taken.found, taken.address) == (Found.FILLED, "愛知県清須市春日稲荷12-3")
    assert fill("452-0961", "12-3", "東京都").found is Found.SEVERAL


@given(code=st.text(max_size=12), typed=st.text(max_size=60), chosen=st.text(max_size=20))
def test_nothing_typed_is_lost(code: str, typed: str, chosen: str) -> None:
    assert typed.strip() in fill(code, typed, chosen).address


def test_threads_ask_at_once() -> None:
    found: list[bool] = []
    threads = [threading.Thread(target=lambda: found.append(bool(areas_of("7380023")))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8
