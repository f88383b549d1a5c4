"""The individual number is found however it is written, and nothing else is taken for it."""

import itertools
import json
import random
import sys
import uuid

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.ground.privacy import guard
from madoguchi.ground.privacy.guard import WEIGHTS, Span, find_individual_numbers

pytestmark = pytest.mark.req("SEC-04")


def with_check_digit(eleven: str) -> str:
    rest = sum(w * int(d) for w, d in zip((6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2), eleven, strict=True)) % 11
    return eleven + str(0 if rest <= 1 else 11 - rest)


NUMBERS = st.text("0123456789", min_size=11, max_size=11).map(with_check_digit)
SEPARATORS = st.sampled_from(
    [
        "",
        " ",
        "　",
        "-",
        "－",
        "‐",
        "–",
        "—",
        "ー",
        "ｰ",
        "−",
        "・",
        "･",
        ".",
        "．",
        "，",
        ",",
        "、",
        "_",
        "\n",
        "\u200b",
        "\u00ad",
        "\u2060",
    ]
)
SCRIPTS = [
    str.maketrans("0123456789", "0123456789"),
    str.maketrans("0123456789", "０１２３４５６７８９"),
    str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"),
    str.maketrans("0123456789", "〇一二三四五六七八九"),
    str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨"),
]


@pytest.mark.parametrize(
    ("digits", "valid"),
    [
        ("983205673214", True),
        ("123456789018", True),
        ("123456789012", False),
        ("98320567321", False),
        ("９８３２０５６７３２１４", False),
    ],
)
def test_check_digit(digits: str, valid: bool) -> None:
    assert guard.has_valid_check_digit(digits) is valid


@given(
    NUMBERS,
    st.lists(SEPARATORS, min_size=11, max_size=11),
    st.sampled_from(SCRIPTS),
    st.sampled_from(["", "番号は", "No:"]),
    st.sampled_from(["", "です", "/"]),
)
def test_found_in_every_writing(
    number: str, between: list[str], script: dict[int, str], before: str, after: str
) -> None:
    written = "".join(d + s for d, s in zip(number.translate(script), [*between, ""], strict=True))
    text = before + written + after
    assert find_individual_numbers(text) == [Span(len(before), len(before) + len(written))]
    assert guard.cut_individual_numbers(text) == before + after
    with pytest.raises(ValidationError) as caught:
        guard.refuse_individual_number(text)
    assert number not in str(caught.value)


@given(NUMBERS, st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_mostly_seen(number: str, place: int, shift: int) -> None:
    changed = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    assert bool(find_individual_numbers(changed)) is (with_check_digit(changed[:11]) == changed)


@given(st.text("0123456789", min_size=1).filter(lambda t: len(t) != 12))
def test_runs_of_other_lengths_pass(digits: str) -> None:
    assert find_individual_numbers(digits) == []


@pytest.mark.parametrize(
    "text",
    [
        "090-1234-5678",
        "0829-30-9100",
        "1234 5678 9012 3456 7890 123",
        "12345678901812345678901",
        "2026-11-02 09:00〜17:15",
        "〒738-8501 廿日市市下平良1-11-1",
        "ABC-123456",
        "11月2日と3日、2人",
        "12345678901",
    ],
)
def test_phones_application_ids_and_dates_pass(text: str) -> None:
    assert find_individual_numbers(text) == []


@pytest.mark.parametrize(
    "text", ["1. 1234 5678 9018", "3 123456789018", "2人 123456 789018、5", "1234-5678-9018, 090-1234-5678"]
)
def test_found_beside_other_figures(text: str) -> None:
    (span,) = find_individual_numbers(text)
    assert guard.has_valid_check_digit("".join(c for c in text[span.start : span.end] if c.isdigit()))


@given(st.text())
def test_any_text_is_cut_clean(text: str) -> None:
    for span in find_individual_numbers(text):
        assert 0 <= span.start < span.end <= len(text)


def test_a_post_names_the_fields_and_never_the_value() -> None:
    data = QueryDict(mutable=True)
    data.update(
        {"name": "山田", "memo": "1234-5678-9018", "password": "123456789018", "csrfmiddlewaretoken": "123456789018"}
    )
    data.setlist("phone", ["0829-30-9100", "１２３４５６７８９０１８"])
    data["key"] = str(uuid.UUID("123456789018423481234567890189ab"))
    data["token"] = "a" + "123456789018" * 3
    assert guard.scan_post(data) == ["memo", "phone"]
    assert guard.scan_post(data, exempt=["memo"]) == ["phone"]
    assert guard.scan_post({"123456789018": "x"}) == ["123456789018"]


def test_json_is_walked() -> None:
    value = {"party": [{"name": "x"}, {"name": "1234 5678 9018"}], "n": 123456789018, "ok": 5, "123456789018": 1}
    assert guard.scan_json(value) == ["$.party[1].name", "$.n", "$.*"]


def test_every_sign_that_counts_as_a_digit_is_seen_by_the_first_look() -> None:
    every = [c for c in map(chr, range(sys.maxunicode + 1)) if guard._digit(c) is not None]
    assert [hex(ord(c)) for c in every if not guard._ANY_DIGIT.fullmatch(c)] == []


@given(st.data(), SEPARATORS, st.sampled_from(SCRIPTS), st.booleans())
def test_the_first_look_at_a_document_misses_nothing(
    data: st.DataObject, separator: str, script: dict[int, int], escaped: bool
) -> None:
    number = separator.join(data.draw(NUMBERS)).translate(script)
    value = {"people": [{"name": data.draw(st.text()) + " x " + number}], "n": 1}
    assert guard.scan_json(value)
    assert guard.may_hold_number(json.dumps(value, ensure_ascii=escaped))


def test_the_first_look_lets_a_plain_reservation_pass() -> None:
    value = {
        "starts_at": "2026-12-01T10:00:00+09:00",
        "phone": "090-1234-5678",
        "born": "1980-01-02",
        "n": [1234, 5678],
    }
    assert not guard.may_hold_number(json.dumps(value, ensure_ascii=False))


class Memo(guard.GuardedForm):
    name = forms.CharField()
    memo = forms.CharField(widget=forms.Textarea)


def test_a_form_refuses_and_keeps_the_rest() -> None:
    form = Memo(
        QueryDict("name=%E5%B1%B1%E7%94%B0&memo=%E9%9B%BB%E8%A9%B1%E3%81%AF090-1234-5678%E3%80%81No%3A1234-5678-9018")
    )
    assert not form.is_valid()
    assert list(form.errors) == ["memo"]
    assert "12桁" in form.errors["memo"][0]
    assert "9018" not in str(form)
    assert "090-1234-5678" in str(form)
    assert form["name"].value() == "山田"
    assert Memo({"name": "a", "memo": "b"}).is_valid()


def test_lists_of_times_and_dates_pass() -> None:
    """Every quarter of an hour beside every other two: one list in ten has a right check digit by chance."""
    clock = [f"{hour}:{minute:02}" for hour in range(10, 17) for minute in (0, 15, 30, 45)]
    for first, second in itertools.pairwise(clock):
        for third in clock:
            assert not find_individual_numbers(f"希望は {first}、{second}、{third} です")
            assert not find_individual_numbers(f"11/{first[:2]}、11/{second[:2]}、12/{third[:2]}")


@pytest.mark.slow
@pytest.mark.req("SEC-04")
def test_of_a_hundred_thousand_writings_none_passes() -> None:
    """Valid numbers, each digit half- or full-width, with separators of any kind between, in the middle of a sentence."""
    dice = random.Random(20261121)
    separators = ["", "", "", "-", "‐", "－", "ー", " ", "　", "\t", "\u200b", "・", ".", "．", "/", "／", ":", ")(", "_", "~", "－ "]
    passed = []
    for _ in range(100_000):
        digits = f"{dice.randrange(10**11):011d}"
        rest = sum(int(d) * w for d, w in zip(digits, WEIGHTS, strict=True)) % 11
        number = digits + str(0 if rest <= 1 else 11 - rest)
        style = dice.randrange(3)
        separator, every = dice.choice(separators), dice.choice([1, 2, 3, 4, 6])
        written = ""
        for place, digit in enumerate(number):
            wide = style == 1 or (style == 2 and dice.random() < 0.5)
            written += (separator if place and place % every == 0 else "") + (chr(ord(digit) + 0xFEE0) if wide else digit)
        text = f"{dice.choice(['', '番号は ', 'No:', '（'])}{written}{dice.choice(['', ' です', '）', '。'])}"
        if not find_individual_numbers(text):
            passed.append(text)
    assert passed == []
