"""A list as a file for the city's desks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.csvfile import write_csv
from madoguchi.ground.kit.xlsx import Sheet, write_xlsx

from ..enums import FileForm
from ..errors import ListError
from .lists import COLUMNS, Conditions, lines, people, personal_columns, summary

MOST_ROWS = 50_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA = {FileForm.CSV: "text/csv; charset=UTF-8", FileForm.CP932: "text/csv; charset=Shift_JIS", FileForm.XLSX: XLSX}


@dataclass(frozen=True)
class Lacking:
    """A character that Shift_JIS cannot hold: reservation number (empty: the header), column, character."""

    code: str
    column: str
    character: str


@dataclass(frozen=True, repr=False)
class ListFile:
    """A file of a list; ``lacking`` characters stand as ``〓`` in it."""

    content: bytes
    media: str
    name: str
    rows: int
    lacking: tuple[Lacking, ...]


def list_file(
    contract: Contract, conditions: Conditions, *, form: FileForm, personal: bool, now: dt.datetime
) -> ListFile:
    """The people that meet the conditions as a file (inside ``contract_scope``).

    Raises :class:`ListError` for more than ``MOST_ROWS`` rows.
    """
    found = people(conditions)
    total = found.count()
    if total > MOST_ROWS:
        raise ListError(
            f"{total:,}行あります。一度に出せるのは{MOST_ROWS:,}行までです。来庁日の範囲を短くしてください。"
        )
    header = COLUMNS + (personal_columns(contract) if personal else ())
    rows = list(lines(contract, found, personal=personal))
    lacking: tuple[Lacking, ...] = ()
    if form == FileForm.XLSX:
        groups = summary(contract, conditions)
        tables: list[list[str | int]] = [[g.title, label, n, count] for g in groups for label, n, count in g.rows]
        sheets = [Sheet("予約一覧", header, rows), Sheet("集計", ["区分", "項目", "人数", "予約件数"], tables)]
        content = write_xlsx(sheets, made_at=now)
    else:
        file = write_csv(header, rows, encoding="cp932" if form == FileForm.CP932 else "utf-8-sig")
        content = file.content
        lacking = tuple(
            Lacking(str(rows[m.row - 1][0]) if m.row else "", header[m.column - 1], m.character) for m in file.misfits
        )
    ending = "xlsx" if form == FileForm.XLSX else "csv"
    name = f"bookings_{conditions.first:%Y%m%d}-{conditions.last:%Y%m%d}.{ending}"
    return ListFile(content, MEDIA[form], name, len(rows), lacking)
