"""CSV and Excel files open safely and say which characters did not fit."""

import csv
import datetime as dt
import io

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.ground.kit import csvfile, xlsx
from madoguchi.ground.kit.csvfile import Misfit

pytestmark = pytest.mark.req("BOOK-06", "SEC-02")
NASTY = ["=1+1", "+81", "-2", "@SUM(A1)", "\t=1", "＝1+1", " =1", '=HYPERLINK("x")']


def read(content: bytes, encoding: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(encoding), newline="")))


def test_utf8_has_a_mark_and_keeps_every_character() -> None:
    file = csvfile.write_csv(
        ["氏名", "時刻", "人数"], [["髙橋𠮷男", dt.datetime(2026, 7, 1, 9, 30), 2], [None, None, -1]]
    )
    assert file.content.startswith(b"\xef\xbb\xbf")
    assert read(file.content, "utf-8-sig") == [
        ["氏名", "時刻", "人数"],
        ["髙橋𠮷男", "2026-07-01 09:30", "2"],
        ["", "", "-1"],
    ]
    assert file.misfits == ()


def test_cp932_names_what_does_not_fit() -> None:
    file = csvfile.write_csv(["氏名", "住所"], [["髙﨑", "一〜二"], ["𠮷野", "Nguyễn"]], encoding="cp932")
    assert read(file.content, "cp932")[1:] == [["髙﨑", "一～二"], ["〓野", "Nguy〓n"]]
    assert file.misfits == (Misfit(2, 1, "𠮷"), Misfit(2, 2, "ễ"))
    assert file.misfit_characters == "𠮷ễ"


@pytest.mark.parametrize("text", NASTY)
def test_formulas_are_neutral(text: str) -> None:
    cell = read(csvfile.write_csv(["x"], [[text]]).content, "utf-8-sig")[1][0]
    assert cell == f"'{text}"
    book = openpyxl.load_workbook(io.BytesIO(xlsx.write_xlsx([xlsx.Sheet("s", ["x"], [[text]])])))
    assert book["s"]["A2"].data_type == "s"
    assert book["s"]["A2"].hyperlink is None


TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_what_is_written_is_read(rows: list[tuple[str, str]]) -> None:
    found = read(csvfile.write_csv(["a", "b"], rows).content, "utf-8-sig")[1:]
    assert found == [[csvfile.neutral(cell) for cell in row] for row in rows]
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in found for cell in row)
    csvfile.write_csv(["a", "b"], rows, encoding="cp932").content.decode("cp932")


def test_a_workbook_has_header_pane_widths_and_types() -> None:
    rows = [["ヤマダ　ハナコ", dt.date(2026, 7, 1), 3], ["＝x", None, None]]
    content = xlsx.write_xlsx(
        [xlsx.Sheet("日次/一覧", ["フリガナ", "来庁日", "人数"], rows)], made_at=dt.datetime(2026, 7, 1)
    )
    sheet = openpyxl.load_workbook(io.BytesIO(content))["日次 一覧"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["フリガナ", "来庁日", "人数"],
        ["ヤマダ　ハナコ", dt.datetime(2026, 7, 1), 3],
        ["＝x", None, None],
    ]
    assert sheet.freeze_panes == "A2"
    assert sheet.column_dimensions["A"].width > sheet.column_dimensions["C"].width
    assert content == xlsx.write_xlsx(
        [xlsx.Sheet("日次/一覧", ["フリガナ", "来庁日", "人数"], rows)], made_at=dt.datetime(2026, 7, 1)
    )


def test_two_sheets_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        xlsx.write_xlsx([xlsx.Sheet("a", [], []), xlsx.Sheet("A", [], [])])
