"""Readings as people type them become one form, and rough keys find them again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.ground.kit import kana

pytestmark = pytest.mark.req("BOOK-07")
KATAKANA = st.text(alphabet=[chr(c) for c in range(0x30A1, 0x30F7)] + ["ー", "・", "　"], min_size=1)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("やまだ はなこ", "ヤマダ　ハナコ"),
        ("ﾔﾏﾀﾞ ﾊﾅｺ", "ヤマダ　ハナコ"),
        ("  ヤマダ\t ハナコ ", "ヤマダ　ハナコ"),
        ("カ゛ッコウ", "ガッコウ"),
        ("ゔぃくとりあ", "ヴィクトリア"),
        ("ユ-コ", "ユーコ"),
        ("グエン・ティ・ラン", "グエン・ティ・ラン"),
    ],
)
def test_to_katakana(typed: str, stored: str) -> None:
    assert kana.to_katakana(typed) == stored
    assert kana.is_kana(stored)


@pytest.mark.parametrize("text", ["", "　", "ー・", "山田", "Nguyen", "やまだ", "ヤマダ1"])
def test_what_is_no_kana(text: str) -> None:
    assert not kana.is_kana(text)


@pytest.mark.parametrize(
    "spellings",
    [
        ("ユーコ", "ユウコ", "ゆうこ", "ﾕｰｺ", "ユコ"),
        ("オオノ", "オーノ", "オウノ"),
        ("ヤマザキ　ケンイチ", "ヤマサキケンイチ", "やまざき・けんいち"),
        ("キヨカズ", "キョカヅ"),
        ("ヴァン", "バン"),
        ("Nguyễn", "NGUYEN"),
    ],
)
def test_spellings_of_one_reading_share_a_key(spellings: tuple[str, ...]) -> None:
    assert len({kana.search_key(text) for text in spellings}) == 1


def test_different_readings_keep_apart() -> None:
    assert len({kana.search_key(t) for t in ("サトウ", "スズキ", "タカハシ", "タナカ", "イトウ", "ワタナベ")}) == 6


@given(st.text())
def test_stored_form_and_key_are_stable(text: str) -> None:
    stored = kana.to_katakana(text)
    assert kana.to_katakana(stored) == stored
    assert kana.search_key(stored) == kana.search_key(text)


@given(KATAKANA)
def test_katakana_is_kept(text: str) -> None:
    assert kana.to_katakana(text).replace("　", "") == text.replace("　", "")
