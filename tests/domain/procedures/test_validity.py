"""How long a card is valid and from when it is renewed: cities' own examples, and what must hold for every date."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.procedures.rules.validity import age_on, card_expires, certificate_expires, renewal_opens

D = dt.date
DAYS = st.dates(D(2016, 1, 1), D(2060, 12, 31))
BIRTHS = st.dates(D(1920, 1, 1), D(2015, 12, 31))


@pytest.mark.req("BOOK-12")
@pytest.mark.parametrize(
    ("expires", "opens"),
    [
        (D(2023, 7, 7), D(2023, 4, 8)),  # 練馬区
        (D(2023, 5, 28), D(2023, 3, 1)),  # 練馬区
        (D(2026, 8, 1), D(2026, 5, 2)),  # たつの市
        (D(2026, 4, 10), D(2026, 1, 11)),  # 宇都宮市
        (D(2026, 5, 30), D(2026, 3, 1)),
        (D(2026, 5, 31), D(2026, 3, 1)),
        (D(2024, 5, 29), D(2024, 3, 1)),
        (D(2024, 5, 28), D(2024, 2, 29)),
        (D(2026, 1, 31), D(2025, 11, 1)),
        (D(2026, 3, 31), D(2026, 1, 1)),
    ],
)
def test_renewal_opens_the_day_after_three_months_before(expires: dt.date, opens: dt.date) -> None:
    assert renewal_opens(expires) == opens


@pytest.mark.req("BOOK-12")
@given(DAYS)
def test_less_than_three_months_remain_from_that_day_on_and_not_before(expires: dt.date) -> None:
    """Three months after the first day lie beyond the expiry; three months after the day before do not."""
    opens = renewal_opens(expires)
    last = (expires.year, expires.month, expires.day)
    assert _later(opens) > last
    assert _later(opens - dt.timedelta(days=1)) <= last
    assert 88 <= (expires - opens).days <= 92


def _later(day: dt.date) -> tuple[int, int, int]:
    """Three months later, also where that day does not exist (31 February is later than 28 February)."""
    month = day.month + 3
    return (day.year, month, day.day) if month <= 12 else (day.year + 1, month - 12, day.day)


@pytest.mark.req("BOOK-12")
@pytest.mark.parametrize(
    ("issued", "born", "expires"),
    [
        (D(2026, 6, 1), D(1980, 4, 10), D(2036, 4, 10)),
        (D(2026, 4, 9), D(1980, 4, 10), D(2035, 4, 10)),
        (D(2026, 4, 10), D(1980, 4, 10), D(2036, 4, 10)),  # the birthday on the day of issue does not count
        (D(2026, 4, 10), D(2008, 4, 10), D(2036, 4, 10)),  # 18 on that day
        (D(2026, 4, 9), D(2008, 4, 10), D(2030, 4, 10)),  # 17 on that day
        (D(2022, 3, 31), D(2003, 1, 1), D(2027, 1, 1)),  # 19 under the rule of 20
        (D(2022, 4, 1), D(2003, 1, 1), D(2032, 1, 1)),
    ],
)
def test_card_lasts_to_the_tenth_or_fifth_birthday(issued: dt.date, born: dt.date, expires: dt.date) -> None:
    found = card_expires(issued, born)
    assert (found.date, found.sure) == (expires, True)


def test_certificates_end_with_the_fifth_birthday_or_the_card() -> None:
    born = D(1980, 4, 10)
    card = card_expires(D(2026, 6, 1), born).date
    assert certificate_expires(D(2026, 6, 1), born, card).date == D(2031, 4, 10)
    assert certificate_expires(D(2031, 3, 1), born, card).date == D(2035, 4, 10)
    assert certificate_expires(D(2032, 3, 1), born, card).date == card


def test_a_period_of_stay_ends_the_card() -> None:
    found = card_expires(D(2026, 6, 1), D(1990, 1, 1), stay_until=D(2027, 3, 31))
    assert (found.date, found.sure) == (D(2027, 3, 31), True)


def test_birthdays_on_29_february_are_not_sure() -> None:
    assert not card_expires(D(2026, 6, 1), D(1996, 2, 29)).sure


@given(st.dates(D(2016, 1, 1), D(2040, 1, 1)), BIRTHS)
def test_a_card_lasts_between_four_and_ten_years(issued: dt.date, born: dt.date) -> None:
    found = card_expires(issued, born).date
    grown = age_on(issued, born) >= (18 if issued >= D(2022, 4, 1) else 20)
    years = 10 if grown else 5
    assert D(issued.year + years - 1, 1, 1) <= found <= D(issued.year + years, 12, 31)
    assert (found - issued).days > (years - 1) * 365
    assert certificate_expires(issued, born, found).date <= found
