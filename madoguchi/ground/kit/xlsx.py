"""Excel files of rows: header, widths, frozen header, filter, A4 landscape. Text is never a formula or a link."""

from __future__ import annotations

import datetime as dt
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter

from .csvfile import Cell

_BAD_TITLE = re.compile(r"[\[\]:*?/\\]")
_MAX_WIDTH = 60


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. ``widths`` are in columns of half-width characters; without them they follow the header and the
    rows.
    """

    title: str
    header: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    widths: Sequence[int] | None = None


def write_xlsx(sheets: Sequence[Sheet], *, made_at: dt.datetime | None = None) -> bytes:
    """A workbook. Moments must already be in Japan's time (their zone is dropped); ``made_at`` is written as the time
    of making.

    Raises ``ValueError`` when two sheets would bear the same name.
    """
    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "remove_timezone": True,
        "default_date_format": "yyyy-mm-dd",
    }
    titles = [sheet_title(sheet.title, i) for i, sheet in enumerate(sheets, 1)]
    if len({title.casefold() for title in titles}) != len(titles):
        raise ValueError(f"two sheets bear the same name: {titles}")
    with xlsxwriter.Workbook(out, options) as book:
        if made_at is not None:
            book.set_properties({"created": made_at.replace(tzinfo=None)})
        head = book.add_format({"bold": True, "bg_color": "#E8F1FE", "bottom": 1, "text_wrap": True})
        formats = {
            dt.datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
            dt.date: book.add_format({"num_format": "yyyy-mm-dd"}),
            dt.time: book.add_format({"num_format": "hh:mm"}),
        }
        for title, sheet in zip(titles, sheets, strict=True):
            page = book.add_worksheet(title)
            page.set_landscape()
            page.set_paper(9)
            page.fit_to_pages(1, 0)
            page.repeat_rows(0)
            page.freeze_panes(1, 0)
            widths = [_width(text) for text in sheet.header]
            for column, text in enumerate(sheet.header):
                page.write_string(0, column, text, head)
            last = 0
            for last, row in enumerate(sheet.rows, 1):
                for column, value in enumerate(row):
                    _write(page, last, column, value, formats)
                    if column < len(widths):
                        widths[column] = max(widths[column], _width(value))
            for column, width in enumerate(sheet.widths or widths):
                page.set_column(column, column, width)
            if sheet.header:
                page.autofilter(0, 0, max(last, 1), len(sheet.header) - 1)
    return out.getvalue()


def sheet_title(text: str, number: int = 1) -> str:
    """A name that Excel accepts: at most 31 characters, none of ``[]:*?/\\``, no outer apostrophe."""
    return _BAD_TITLE.sub(" ", text).strip().strip("'")[:31].strip() or f"Sheet{number}"


def _write(page: Any, row: int, column: int, value: Cell, formats: dict[type, Any]) -> None:
    if value is None or value == "":
        return
    if isinstance(value, str):
        page.write_string(row, column, value)
    elif isinstance(value, dt.datetime | dt.date | dt.time):
        page.write_datetime(row, column, value, formats[type(value)])
    elif isinstance(value, bool):
        page.write_boolean(row, column, value)
    else:
        page.write_number(row, column, value)


def _width(value: Cell) -> int:
    if isinstance(value, dt.datetime):
        return 17
    if isinstance(value, dt.date):
        return 12
    lines = str("" if value is None else value).splitlines() or [""]
    wide = max(sum(2 if unicodedata.east_asian_width(c) in "FWA" else 1 for c in line) for line in lines)
    return min(wide + 3, _MAX_WIDTH)
