"""Papers: data stays text, the same data makes the same bytes, and fonts that are not there are named."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pypdfium2
import pytest

from madoguchi.ground.kit import typeset

AT = dt.datetime(2026, 11, 1, 9, tzinfo=dt.timezone(dt.timedelta(hours=9)))
HERE = Path(__file__).parent / "typst" / "plain.typ"
SENTENCE = "問合せは、電話が最も多く、件数は前の月より少し増えました。"


@pytest.fixture(autouse=True)
def _templates_of_tests(monkeypatch, tmp_path):
    """Templates are files below the package; here a folder that has a link to what they import."""
    (tmp_path / "ground" / "kit").mkdir(parents=True)
    (tmp_path / "ground" / "kit" / "typst").symlink_to(typeset.ROOT / "ground" / "kit" / "typst")
    (tmp_path / "plain.typ").write_text(HERE.read_text())
    monkeypatch.setattr(typeset, "ROOT", tmp_path)


def read(content: bytes) -> str:
    return "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(content))


@pytest.mark.req("REP-03")
def test_same_data_same_bytes_with_the_date_of_the_data():
    one = typeset.pdf("plain.typ", {"title": "月報", "below": "", "body": SENTENCE}, at=AT)
    again = typeset.pdf("plain.typ", {"body": SENTENCE, "below": "", "title": "月報"}, at=AT)
    assert one == again
    paper = pypdfium2.PdfDocument(one)
    assert paper.get_metadata_dict()["Title"] == "月報"
    assert paper.get_metadata_dict()["CreationDate"].startswith("D:20261101000000")
    assert b"pdfaid" in one, "for keeping: PDF/A"
    assert [round(side) for side in paper[0].get_size()] == [595, 842]
    assert SENTENCE in read(one)


@pytest.mark.req("REP-03")
@pytest.mark.parametrize(
    "text",
    ["#panic(1)", '#read("/ground/kit/typeset.py")', "$x^2$ [a] {b} *c* _d_ `e` <f> @g \\h // i /* j", '"引用" \'符\' \\" ]) }', "= 見出し"],
)
def test_what_people_write_is_never_run(text):
    assert text in read(typeset.pdf("plain.typ", {"title": text, "below": text, "body": text}))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("𠮷野家の髙﨑さん", "𠮷野家の髙﨑さん"),
        ("外字\ue000と絵😀", "外字〓と絵〓"),
        ("鈴\x00木\x07\t次郎", "鈴木 次郎"),
        ("Tiếng Việt・ไทย", "Tiếng Việt・〓〓〓"),
    ],
)
def test_characters_without_a_font_are_seen_to_be_missing(text, shown):
    assert shown in read(typeset.pdf("plain.typ", {"title": "氏名", "below": "", "body": text}))


def test_without_fonts_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(typeset, "FOLDERS", (tmp_path,))
    with pytest.raises(typeset.FontsMissing, match="fonts-noto-cjk"):
        typeset.pdf("plain.typ", {"title": "", "below": "", "body": ""})
