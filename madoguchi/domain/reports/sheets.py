"""Reports as workbooks: placeholders of a form are filled, everything else of it stays.

A placeholder stands in a cell, alone or within a text, or is the name of a cell (in which case dots take the place of signs):

    ``{{measure:calls}}``                       ``measure.calls``                       a figure over the whole period
    ``{{measure:cases_opened|procedure=other}}``  ``measure.cases_opened.procedure.other``  a figure of one row of a table; of ``day`` the day of the month
    ``{{report:title}}`` (``city`` ``period`` ``first`` ``last`` ``version`` ``signed_by`` ``signed_at`` ``sha256``)
    ``{{text:summary}}``                        a text; ``{{text:corrections}}`` the list of corrections

A figure alone in a cell is a number in the cell's own format; a share is of 1, seconds become a time when the format is one. Only what the
report itself says can be asked for, so that a file is as frozen as the report.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.page import PageMargins
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.xlsx import sheet_title

from .contents import Content, figures_in, said_of, shown
from .errors import FormRefused
from .measures import DIMENSIONS, MEASURES
from .models import Report
from .words import labels_of, name_of, told

LARGEST_FILE = 2_000_000
LARGEST_INSIDE = 40_000_000
MOST_CELLS = 200_000
MOST_PROBLEMS = 100
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SECONDS_A_DAY = 86_400
FIRST_WIDTH, NEXT_WIDTH, LEAST_COLUMNS = 32, 13, 4
"""Of the standard form, in half-width characters."""
FONT, MOST_UPRIGHT = "游ゴシック", 9
POINTS_OF_LINE, LEAST_POINTS, MOST_POINTS = 18, 40, 409
_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_INNER = re.compile(r"\s*([a-z]+)\s*:\s*([a-z0-9_]+)\s*(?:\|\s*([a-z]+)\s*=\s*([^|=]*?)\s*)?")
_NAME = re.compile(r"(measure|report|text)\.([a-z0-9_]+)(?:\.([a-z]+)\.(.+))?")
_REFUSED_PARTS = {
    "vbaproject": "マクロ", "activex": "ActiveX", "externallinks": "ほかのファイルへのリンク", "embeddings": "埋め込まれたファイル",
    "macrosheets": "マクロ", "dialogsheets": "マクロ", "connections.xml": "外部データの接続", "querytables": "外部データの接続",
}  # fmt: skip
_LOST_PARTS = {"charts/": "グラフ", "media/": "図・写真", "drawings/": "図形・グラフ"}
_LINE = Border(*[Side("thin", "808080")] * 4)
_HEAD = PatternFill("solid", fgColor="E8F1FE")
_FORMATS = {"%": "0.0%", "秒": "[h]:mm:ss", "点": "0.00"}


class Unknown(Exception):
    """A placeholder that a report cannot fill; the message says why."""


@dataclass(frozen=True, slots=True)
class Filling:
    """What comes in the place of a placeholder: a number with its unit, or a text."""

    value: int | float | str | None
    unit: str = ""

    @property
    def words(self) -> str:
        """As a part of a longer text."""
        if isinstance(self.value, str):
            return self.value
        return told(self.unit, self.value) if self.unit else str(self.value)


class Answers:
    """What a report says, by placeholder."""

    def __init__(self, contract: Contract, report: Report, content: Content) -> None:
        self.contract, self.content = contract, content
        self.figures = {place: (column, cell) for place, column, cell in figures_in(content)}
        self.split = {(column["measure"], section["by"]) for section in content["sections"] for column in section["columns"]}
        self.texts = {one["code"]: one["text"] for one in content["passages"]} | {"corrections": "\n".join(corrections_told(content))}
        first, last = (dt.date.fromisoformat(content[one]) for one in ("first", "last"))
        signed = report.signed_at.astimezone(JST).strftime("%Y-%m-%d %H:%M") if report.signed_at else "（下書き）"
        self.facts: dict[str, str | int] = {
            "title": content["title"], "city": content["city"], "first": first.isoformat(), "last": last.isoformat(),
            "period": f"{first:%Y}年{first.month}月" if first != last else name_of("day", first.isoformat(), {}), "version": content["version"],
            "signed_by": str(report.signed_by) if report.signed_by else "（下書き）", "signed_at": signed, "sha256": report.digest,
        }  # fmt: skip

    def fill(self, kind: str, code: str, by: str = "", value: str = "") -> Filling:
        """What stands for a placeholder. Raises :class:`Unknown`."""
        if kind == "report" and not by:
            if code not in self.facts:
                raise Unknown(f"「report:{code}」はありません。使えるのは {'、'.join(self.facts)} です。")
            return Filling(self.facts[code])
        if kind == "text" and not by:
            if code not in self.texts:
                raise Unknown(f"「text:{code}」の欄は、この報告書にありません。使えるのは {'、'.join(self.texts)} です。")
            return Filling(self.texts[code])
        if kind != "measure":
            raise Unknown("measure・report・text のどれかで始めてください。例：{{measure:calls}}")
        return self._figure(code, by, value)

    def _figure(self, code: str, by: str, value: str) -> Filling:
        if not any(code == measure for measure, _ in self.split):
            raise Unknown(f"数字「{code}」は、この報告書の表にありません。契約の内容（sections）に加えるか、別の数字にしてください。")
        if by and (code, by) not in self.split:
            ways = "、".join(sorted(way for measure, way in self.split if measure == code and way)) or "分けずに使えるだけ"
            raise Unknown(f"数字「{code}」は、この報告書では「{by}」に分けていません（{ways}）。")
        key = self._key(code, by, value) if by else ""
        unit = MEASURES[code].unit if code in MEASURES else next(c["unit"] for c, _ in self.figures.values() if c["measure"] == code)
        found = self.figures.get((code, by, key))
        if found is None:
            beyond = by == "day" and key > self.content["last"]
            additive = code in MEASURES and MEASURES[code].additive
            return Filling(0 if additive and not beyond else None, unit)
        return Filling(shown(found[1]), unit)

    def _key(self, code: str, by: str, value: str) -> str:
        if by == "day":
            if not re.fullmatch(r"0?[1-9]|[12]\d|3[01]", value):
                raise Unknown("日は 1 から 31 で書いてください。例：{{measure:" + code + "|day=1}}")
            return f"{self.content['first'][:8]}{int(value):02d}"
        labels = labels_of(self.contract, by, [MEASURES[code]] if code in MEASURES else [])
        if value and value not in labels and (code, by, value) not in self.figures:
            raise Unknown(f"「{DIMENSIONS[by]}」に「{value}」はありません。使えるのは {'、'.join(labels)} です。")
        return value


def corrections_told(content: Content) -> list[str]:
    """A line for each figure that was put right: before, after, why and by whom."""
    lines = {}
    for place, column, cell in figures_in(content):
        if "corrected" in cell:
            one = cell["corrected"]
            row = next((r["label"] for s in content["sections"] if s["by"] == place[1] for r in s["rows"] if r["key"] == place[2]), "全体")
            before = told(column["unit"], cell["value"])
            lines[place] = f"{column['title']}（{row}）：{before} → {said_of(column, cell)}　{one['reason']}（{one['by']}）"
    return list(lines.values())


def opened(content: bytes) -> tuple[Workbook, list[str]]:
    """A workbook that may be a form, and what of it will be lost. Raises :class:`FormRefused` for anything else."""
    if len(content) > LARGEST_FILE:
        raise FormRefused([("", f"ファイルが大きすぎます（{LARGEST_FILE // 1_000_000}MBまで）。")])
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            lost = _looked_at(parts)
        book = load_workbook(io.BytesIO(content))
    except FormRefused:
        raise
    except Exception as wrong:  # openpyxl raises whatever its parsers do
        raise FormRefused([("", "Excelのファイル（.xlsx）として読めません。Excelで開いて、「.xlsx」で保存し直してください。")]) from wrong
    for sheet in book.worksheets:
        if sheet.max_row * sheet.max_column > MOST_CELLS:
            raise FormRefused([(sheet.title, "使っている範囲が広すぎます。使わない行と列を削除して、保存し直してください。")])
    return book, lost


def _looked_at(parts: zipfile.ZipFile) -> list[str]:
    """What of the file will be lost. Raises :class:`FormRefused` for parts that run, reach outside, or are a trap."""
    entries = parts.infolist()
    if sum(one.file_size for one in entries) > LARGEST_INSIDE or len(entries) > 500:
        raise FormRefused([("", "展開すると大きすぎるファイルです。")])
    names = [one.filename.lower() for one in entries]
    for part, words in _REFUSED_PARTS.items():
        if any(part in name for name in names):
            raise FormRefused([("", f"{words}が入っています。取り除いて、「.xlsx」で保存し直してください。")])
    for one in entries:
        if one.filename.endswith((".xml", ".rels")):
            text = parts.read(one)
            if b"<!DOCTYPE" in text or b"<!ENTITY" in text or b"\x00" in text[:4]:
                raise FormRefused([("", "Excelが作らない形のファイルです。Excelで開いて、「.xlsx」で保存し直してください。")])
            if one.filename == "[Content_Types].xml" and b"macroEnabled" in text:
                raise FormRefused([("", "マクロが入っています。取り除いて、「.xlsx」で保存し直してください。")])
    return sorted({words for part, words in _LOST_PARTS.items() if any(part in name for name in names)})


def _placeholders(book: Workbook) -> Iterator[tuple[Cell, str]]:
    """Cells with placeholders, by their text; cells that only have a name are given the placeholder that the name means."""
    named = dict(_named(book))
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                text = cell.value if isinstance(cell.value, str) else ""
                name = named.get((sheet.title, cell.coordinate))
                if "{{" in text:
                    yield cell, text
                elif name is not None:
                    yield cell, name


def _named(book: Workbook) -> Iterator[tuple[tuple[str, str], str]]:
    for names in (book.defined_names, *(sheet.defined_names for sheet in book.worksheets)):
        for name, defined in names.items():
            found = _NAME.fullmatch(name)
            if found is None:
                continue
            kind, code, by, value = found.groups()
            for title, place in defined.destinations:
                if ":" not in place:
                    yield (title, place.replace("$", "")), "{{" + f"{kind}:{code}" + (f"|{by}={value}" if by else "") + "}}"


def _fillings(text: str, answers: Answers) -> list[Filling]:
    fillings = []
    for inner in _PLACE.findall(text):
        found = _INNER.fullmatch(inner)
        if found is None:
            raise Unknown(f"「{inner.strip()[:60]}」は読み取れません。例：{{{{measure:calls}}}}、{{{{measure:calls|day=1}}}}")
        fillings.append(answers.fill(*(one or "" for one in found.groups())))
    if not fillings:
        raise Unknown("「{{」に対応する「}}」がありません。")
    return fillings


def checked(content: bytes, answers: Answers) -> tuple[int, list[str]]:
    """(placeholders, what will be lost) of a form that the report can fill. Raises :class:`FormRefused` with every cell that is wrong."""
    book, lost = opened(content)
    count, problems = 0, []
    for cell, text in _placeholders(book):
        place = f"{cell.parent.title}!{cell.coordinate}"
        try:
            if isinstance(cell.value, str) and cell.data_type == "f":
                raise Unknown("数式の中には書けません。別のセルに書いて、そのセルを数式で参照してください。")
            count += len(_fillings(text, answers))
        except Unknown as wrong:
            problems.append((place, str(wrong)))
    if not count and not problems:
        problems.append(("", "書き込む場所（{{…}} か、measure. で始まる名前のセル）が1つもありません。"))
    if problems:
        raise FormRefused(problems[:MOST_PROBLEMS])
    return count, lost


def filled(content: bytes, answers: Answers, *, at: dt.datetime) -> bytes:
    """A form with its placeholders filled: the same bytes for the same form and report. What the report no longer says becomes ``―``."""
    book, _ = opened(content)
    for cell, text in list(_placeholders(book)):
        if cell.data_type != "f":
            _fill(cell, text, answers)
    book.calculation.fullCalcOnLoad = True
    return _settled(book, at)


def _fill(cell: Cell, text: str, answers: Answers) -> None:
    try:
        fillings = _fillings(text, answers)
    except Unknown:
        _put_text(cell, "―")
        return
    if len(fillings) == 1 and _PLACE.fullmatch(text.strip()) and not isinstance(fillings[0].value, str):
        _put_number(cell, fillings[0])
        return
    rest = iter(fillings)
    _put_text(cell, _PLACE.sub(lambda _: next(rest).words, text))


def _put_number(cell: Cell, filling: Filling) -> None:
    value = filling.value
    if value is None or isinstance(value, str):
        _put_text(cell, "―" if filling.unit in _FORMATS else "")
        return
    if cell.number_format == "General" and filling.unit in _FORMATS:
        cell.number_format = _FORMATS[filling.unit]
    if filling.unit == "秒" and ":" in cell.number_format:
        value = value / SECONDS_A_DAY
    cell.value = value


def _put_text(cell: Cell, text: str) -> None:
    """Text that Excel shows and never runs, also when somebody edits the cell."""
    cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)
    if text:
        cell.data_type = "s"
    if text.lstrip().startswith(("=", "+", "-", "@")):
        cell.quotePrefix = True


def _settled(book: Workbook, at: dt.datetime) -> bytes:
    """The bytes of a workbook without the moment of saving."""
    raw = io.BytesIO()
    moment = at.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0)
    book.properties.creator = book.properties.creator if book.properties.creator != "openpyxl" else "Madoguchi"
    book.properties.created = moment
    book.save(raw)
    out = io.BytesIO()
    stamp = f"{moment.isoformat()}Z".encode()
    with zipfile.ZipFile(raw) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for name in sorted(before.namelist(), key=lambda one: (one != "[Content_Types].xml", one)):
            data = before.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, data)
            after.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def standard(content: Content, *, at: dt.datetime) -> bytes:
    """The form that is used without one of the city's own: A4, a table after the other, every value a placeholder. Made for editing, too."""
    book = Workbook()
    sheet: Worksheet = book.active
    sheet.title = sheet_title(content["title"])
    wide = max([len(one["columns"]) for one in content["sections"] if one["by"]] + [LEAST_COLUMNS]) + 1
    sheet["A1"], sheet["A1"].font = "{{report:title}}", Font(bold=True, size=16)
    sheet["A2"] = "{{report:city}}　{{report:period}}　第{{report:version}}版"
    sheet["A3"] = "確定：{{report:signed_by}}（{{report:signed_at}}）"
    row = 5
    for section in content["sections"]:
        row = _standard_table(sheet, section, row)
    corrections = {"code": "corrections", "title": "訂正した数字", "text": "\n".join(corrections_told(content))}
    for passage in [*content["passages"], corrections]:
        sheet.cell(row, 1, passage["title"]).font = Font(bold=True)
        sheet.merge_cells(start_row=row + 1, end_row=row + 1, start_column=1, end_column=wide)
        sheet.cell(row + 1, 1, f"{{{{text:{passage['code']}}}}}").alignment = Alignment(wrap_text=True, vertical="top")
        sheet.row_dimensions[row + 1].height = _height(passage["text"], FIRST_WIDTH + NEXT_WIDTH * (wide - 1))
        row += 3
    sheet.cell(row, 1, "SHA-256：{{report:sha256}}").font = Font(size=8, color="666666")
    sheet.column_dimensions["A"].width = FIRST_WIDTH
    for column in range(2, wide + 1):
        sheet.column_dimensions[get_column_letter(column)].width = NEXT_WIDTH
    sheet.print_area = f"A1:{get_column_letter(wide)}{row}"
    sheet.page_setup.paperSize, sheet.page_setup.orientation = 9, "landscape" if wide > MOST_UPRIGHT else "portrait"
    sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr = 0, PageSetupProperties(fitToPage=True)
    sheet.page_margins = PageMargins(left=0.5, right=0.5, top=0.6, bottom=0.75)
    sheet.print_options.horizontalCentered = True
    for cells in sheet.iter_rows():
        for cell in cells:
            cell.font = Font(name=FONT, bold=cell.font.bold, size=cell.font.size or 11, color=cell.font.color)
    sheet.oddFooter.center.text = "&P / &N"
    return _settled(book, at)


def _height(text: str, width: int) -> float:
    """Points for a text in a cell of so many half-width characters: as Excel does not measure merged cells, and would cut it on paper."""
    lines = sum(-(-sum(1 if one.isascii() else 2 for one in line) // width) or 1 for line in text.split("\n"))
    return min(MOST_POINTS, max(LEAST_POINTS, POINTS_OF_LINE * (lines + 1)))


def _standard_table(sheet: Worksheet, section: Mapping[str, Any], row: int) -> int:
    """One table from a row on; the row at which the next begins."""
    sheet.cell(row, 1, section["title"]).font = Font(bold=True, size=12)
    by, columns = section["by"], section["columns"]
    if not by:
        for at, column in enumerate(columns, row + 1):
            unit = "" if column["unit"] in _FORMATS else f"（{column['unit']}）"
            _boxed(sheet.cell(at, 1, column["title"] + unit))
            _boxed(sheet.cell(at, 2, f"{{{{measure:{column['measure']}}}}}"), column["unit"])
        return row + len(columns) + 2
    for place, title in enumerate([section["by_label"], *(column["title"] for column in columns)], 1):
        cell = _boxed(sheet.cell(row + 1, place, title))
        cell.fill, cell.font, cell.alignment = _HEAD, Font(bold=True), Alignment(wrap_text=True, vertical="center")
    at = row + 2
    for key, label in _standard_rows(section):
        _boxed(sheet.cell(at, 1, label))
        for place, column in enumerate(columns, 2):
            _boxed(sheet.cell(at, place, f"{{{{measure:{column['measure']}|{by}={key}}}}}"), column["unit"])
        at += 1
    _boxed(sheet.cell(at, 1, "全体")).font = Font(bold=True)
    for place, column in enumerate(columns, 2):
        _boxed(sheet.cell(at, place, f"{{{{measure:{column['measure']}}}}}"), column["unit"]).font = Font(bold=True)
    return at + 2


def _standard_rows(section: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(value in a placeholder, label) of the rows: of days the day of the month, so that the form serves every month."""
    if section["by"] == "day" and len(section["rows"]) > 1:
        return [(str(n), f"{n}日") for n in range(1, 32)]
    return [(str(int(row["key"][8:])) if section["by"] == "day" else row["key"], row["label"]) for row in section["rows"]]


def _boxed(cell: Cell, unit: str = "") -> Cell:
    cell.border = _LINE
    if unit:
        cell.number_format, cell.alignment = _FORMATS.get(unit, "#,##0"), Alignment(horizontal="right")
    return cell
