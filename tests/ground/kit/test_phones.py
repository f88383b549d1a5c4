"""Phone numbers of Japan from any usual spelling; a wrong one says why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.ground.kit import phones

pytestmark = pytest.mark.req("BOOK-07")


@pytest.mark.parametrize(
    ("typed", "digits", "shown"),
    [
        ("090-1234-5678", "09012345678", "090-1234-5678"),
        ("０９０－１２３４－５６７８", "09012345678", "090-1234-5678"),
        ("+81 90 1234 5678", "09012345678", "090-1234-5678"),
        ("+81(0)90-1234-5678", "09012345678", "090-1234-5678"),
        ("0081-829-30-9100", "0829309100", "0829-30-9100"),
        ("0829ー30ー9100", "0829309100", "0829-30-9100"),
        (" 03 1234 5678 ", "0312345678", "03-1234-5678"),
        ("06012345678", "06012345678", "060-1234-5678"),
        ("0120-95-0178", "0120950178", "0120-950-178"),
        ("0800-123-4567", "08001234567", "0800-123-4567"),
    ],
)
def test_read_and_shown(typed: str, digits: str, shown: str) -> None:
    assert phones.normalise(typed) == digits
    assert phones.show(digits) == shown


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "入力してください"),
        ("abc", "数字とハイフン"),
        ("12345", "0で始まる"),
        ("090-1234-567", "11桁です。いまは10桁"),
        ("0829-30-910", "10桁です。いまは9桁"),
        ("+1 202 555 0100", "日本の電話番号"),
        ("0000000000", "使われていない形"),
    ],
)
def test_refused_with_a_reason(typed: str, why: str) -> None:
    with pytest.raises(phones.PhoneError, match=why):
        phones.normalise(typed)


@given(st.text(max_size=40))
def test_any_text_is_digits_or_a_reason(text: str) -> None:
    try:
        digits = phones.normalise(text)
    except phones.PhoneError as error:
        assert str(error).endswith(("。", "9100", "5678", "3456"))
    else:
        assert digits.isdigit()
        assert digits[0] == "0"
        assert len(digits) in (10, 11)
        assert phones.normalise(phones.show(digits)) == digits
