"""CSV files for city offices: UTF-8 with BOM or CP932, safe to open in a spreadsheet.

A cell whose text would be run as a formula gets an apostrophe in front (OWASP, CSV injection). Characters that CP932
cannot hold become ``〓`` and are listed, so that a screen can say which names to check. Files that come back are read in
both encodings, with the line on which each row begins.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Encoding = Literal["utf-8-sig", "cp932"]
Cell = str | int | float | Decimal | dt.date | dt.datetime | dt.time | None

GETA = "〓"
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_TWINS = str.maketrans({"〜": "～", "−": "－", "—": "―", "‖": "∥", "¢": "￠", "£": "￡", "¬": "￢", "¥": "￥"})


@dataclass(frozen=True, slots=True)
class Misfit:
    """A character that the encoding cannot hold: data row (1 is the first below the header, 0 the header), column
    from 1.
    """

    row: int
    column: int
    character: str


@dataclass(frozen=True, slots=True)
class CsvFile:
    """The bytes of a file and the characters that were replaced by ``〓``."""

    content: bytes
    misfits: tuple[Misfit, ...]

    @property
    def misfit_characters(self) -> str:
        """Each replaced character once, in order."""
        return "".join(dict.fromkeys(misfit.character for misfit in self.misfits))


def neutral(text: str) -> str:
    """Text that a spreadsheet shows and never runs."""
    return f"'{text}" if text.lstrip(" 　\ufeff").startswith(_DANGEROUS) or text.startswith(_DANGEROUS) else text


def cell_text(value: Cell) -> str:
    """One value as text: dates in ISO form, moments without seconds as ``2026-07-01 09:30``, numbers plain, None
    empty.
    """
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, dt.time):
        return value.strftime("%H:%M")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, str):
        return neutral(value)
    return str(value)


def write_csv(header: Sequence[str], rows: Iterable[Sequence[Cell]], *, encoding: Encoding = "utf-8-sig") -> CsvFile:
    """A file with one header line, lines ended by CRLF. Moments must already be in Japan's time.

    In CP932 the signs that Windows writes differently (〜 − — …) become their twins; what still does not fit is
    ``〓`` and listed.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    misfits: list[Misfit] = []

    def fit(row: int, cells: Iterable[str]) -> list[str]:
        if encoding != "cp932":
            return list(cells)
        return [_fit(text, row, column, misfits) for column, text in enumerate(cells, 1)]

    writer.writerow(fit(0, (neutral(title) for title in header)))
    for number, row in enumerate(rows, 1):
        writer.writerow(fit(number, (cell_text(value) for value in row)))
    return CsvFile(out.getvalue().encode(encoding), tuple(misfits))


def _fit(text: str, row: int, column: int, misfits: list[Misfit]) -> str:
    text = text.translate(_TWINS)
    try:
        text.encode("cp932")
        return text
    except UnicodeEncodeError:
        pass
    kept = []
    for c in text:
        try:
            c.encode("cp932")
            kept.append(c)
        except UnicodeEncodeError:
            misfits.append(Misfit(row, column, c))
            kept.append(GETA)
    return "".join(kept)


class CsvError(ValueError):
    """A file that cannot be read as rows; ``line`` counts from 1, the message says what to do, in Japanese."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def read_csv(content: bytes) -> list[tuple[int, list[str]]]:
    """(line, cells) of each row that is not empty: UTF-8 with or without BOM, else CP932. Raises :class:`CsvError`."""
    rows = []
    reader = csv.reader(io.StringIO(_decoded(content), newline=""), strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((begins, cells))
            begins = reader.line_num + 1
    except csv.Error:
        message = "CSVとして読めません。引用符（\"）の数が合っているか、途中で切れていないかを確かめてください。"
        raise CsvError(begins, message) from None
    return rows


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CsvError(1, "文字コードがUTF-16です。「CSV UTF-8」か「CSV（Shift_JIS）」で保存し直してください。")
    farthest = 0
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as wrong:
            farthest = max(farthest, wrong.start)
    line = content.count(b"\n", 0, farthest) + 1
    raise CsvError(line, "文字コードを読み取れません。UTF-8かShift_JISのCSVにしてください。")
