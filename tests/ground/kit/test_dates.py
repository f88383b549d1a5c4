"""Eras and the Gregorian calendar."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.ground.kit import dates

pytestmark = pytest.mark.req("BOOK-07")
DAYS = st.dates(dates.FIRST_DAY, dt.date(2100, 12, 31))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("令和8年7月1日(水)", dt.date(2026, 7, 1)),
        ("令和８年７月１日", dt.date(2026, 7, 1)),
        ("R8.7.1", dt.date(2026, 7, 1)),
        ("r8/7/1", dt.date(2026, 7, 1)),
        ("令和元年5月1日", dt.date(2019, 5, 1)),
        ("㋿元年5月1日", dt.date(2019, 5, 1)),
        ("平成31年4月30日", dt.date(2019, 4, 30)),
        ("平成元年1月8日", dt.date(1989, 1, 8)),
        ("昭和64年1月7日", dt.date(1989, 1, 7)),
        ("S1.12.25", dt.date(1926, 12, 25)),
        ("大正15年12月25日", dt.date(1926, 12, 25)),
        ("大正元年7月30日", dt.date(1912, 7, 30)),
        ("明治45年7月30日", dt.date(1912, 7, 30)),
        ("明治6年1月1日", dt.date(1873, 1, 1)),
        ("2026-07-01", dt.date(2026, 7, 1)),
        ("西暦2026年7月1日 水曜日", dt.date(2026, 7, 1)),
        ("20260701", dt.date(2026, 7, 1)),
        ("2024.2.29", dt.date(2024, 2, 29)),
    ],
)
def test_parse(text: str, day: dt.date) -> None:
    assert dates.parse(text) == day


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("昭和64年1月8日", "平成元年1月8日ではありませんか"),
        ("平成31年5月1日", "令和元年5月1日ではありませんか"),
        ("大正元年7月29日", "明治45年7月29日ではありませんか"),
        ("令和0年1月1日", "1以上"),
        ("2026/2/29", "2026年2月に29日はありません"),
        ("2026/13/1", "1から12"),
        ("明治5年1月1日", "1873年"),
        ("きのう", "読み取れません"),
    ],
)
def test_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(dates.DateError, match=why):
        dates.parse(text)


@given(DAYS)
def test_every_day_is_shown_and_read_again(day: dt.date) -> None:
    for text in (dates.show(day), dates.show(day, weekday=False), dates.show_western(day), day.isoformat()):
        assert dates.parse(text) == day
    era, year = dates.era_of(day)
    for name in (era.code, era.name, era.letter):
        assert dates.of_era(name, year, day.month, day.day) == day
    first, last = dates.fiscal_year_span(dates.fiscal_year(day))
    assert first <= day <= last


def test_shown() -> None:
    day = dt.date(2026, 7, 1)
    assert dates.show(day) == "令和8年7月1日(水)"
    assert dates.show(dt.date(2019, 5, 1)) == "令和元年5月1日(水)"
    assert dates.show_for(day, "en") == "Wednesday, July 1, 2026"
    assert dates.show_for(day, "ja-easy") == "2026年7月1日(水) 令和8年7月1日"
    assert dates.show_for(day, "zh-hans") == "2026年7月1日星期三"
    assert (dates.show_fiscal_year(2026), dates.show_fiscal_year(2019), dates.show_fiscal_year(2018)) == (
        "令和8年度",
        "令和元年度",
        "平成30年度",
    )
    assert dates.fiscal_year(dt.date(2027, 3, 31)) == 2026
