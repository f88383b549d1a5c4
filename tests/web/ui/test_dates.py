"""Dates in three boxes."""

from __future__ import annotations

import datetime as dt

import pytest
from django import forms
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.ground.kit import dates
from madoguchi.web.ui.dates import DateParts, DatePartsField, parse_parts


class BirthForm(forms.Form):
    birth = DatePartsField(label="生年月日", eras=True, birth=True, latest=lambda: dt.date(2026, 10, 1))


def posted(era: str, year: str, month: str, day: str) -> BirthForm:
    return BirthForm({"birth_era": era, "birth_year": year, "birth_month": month, "birth_day": day})


@pytest.mark.req("BOOK-07")
@pytest.mark.parametrize(
    ("boxes", "day"),
    [
        (("", "1985", "3", "4"), dt.date(1985, 3, 4)),
        (("", "１９８５", "０３", " 4 "), dt.date(1985, 3, 4)),
        (("showa", "60", "3", "4"), dt.date(1985, 3, 4)),
        (("reiwa", "元", "5", "1"), dt.date(2019, 5, 1)),
        (("showa", "64", "1", "7"), dt.date(1989, 1, 7)),
        (("taisho", "15", "12", "25"), dt.date(1926, 12, 25)),
    ],
)
def test_reads_what_people_type(boxes: tuple[str, str, str, str], day: dt.date) -> None:
    form = posted(*boxes)
    assert form.is_valid()
    assert form.cleaned_data["birth"] == day


@pytest.mark.req("BOOK-07")
@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (("", "", "", ""), "日付を入力してください。"),
        (("", "1985", "", ""), "「月・日」を入力してください。"),
        (("", "1985", "三", "4"), "「月」は数字で入力してください。"),
        (("", "60", "3", "4"), "西暦の「年」は4けたで入力してください。和暦のときは元号を選んでください。"),
        (("", "2025", "2", "29"), "2025年2月に29日はありません。"),
        (("", "2025", "13", "1"), "月は1から12の数で入力してください。"),
        (("showa", "70", "3", "4"), "昭和70年3月4日はありません。平成7年3月4日ではありませんか。"),
        (("", "2026", "10", "2"), "令和8年10月1日(木)以前の日付を入力してください。"),
    ],
)
def test_says_what_to_mend_and_keeps_what_was_typed(boxes: tuple[str, str, str, str], message: str) -> None:
    form = posted(*boxes)
    assert form.errors["birth"] == [message]
    html = str(form["birth"])
    for part, text in zip(("year", "month", "day"), boxes[1:], strict=True):
        assert f'name="birth_{part}" type="text" inputmode="numeric"' in html
        assert f'value="{text}"' in html


@given(st.dates(min_value=dt.date(1873, 1, 1), max_value=dt.date(2100, 1, 1)))
def test_every_day_is_read_back_in_both_calendars(day: dt.date) -> None:
    era, year = dates.era_of(day)
    assert parse_parts(DateParts(era.code, str(year), str(day.month), str(day.day))) == day
    assert parse_parts(DateParts("", str(day.year), str(day.month), str(day.day))) == day


def test_stored_date_is_shown_in_the_boxes() -> None:
    html = str(BirthForm(initial={"birth": dt.date(1985, 3, 4)})["birth"])
    assert 'value="1985"' in html
    assert 'value="3"' in html
    assert 'value="4"' in html
