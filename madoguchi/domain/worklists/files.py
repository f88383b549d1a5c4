"""The city's file: what it says, and everything wrong with it, line by line. Pure."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field

from madoguchi.ground.kit import dates
from madoguchi.ground.kit.csvfile import CsvError, read_csv
from madoguchi.ground.privacy.guard import find_individual_numbers

KEY = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,39}")
MOST_LINES = 50_000
DUE = "期限"


@dataclass(frozen=True)
class Fault:
    """One thing wrong: line and column from 1 (column 0: the whole line), and what to mend. The value is never repeated."""

    line: int
    column: int
    reason: str


@dataclass(frozen=True)
class Wanted:
    """One entry of the file."""

    line: int
    key: str
    due_on: dt.date | None = None


@dataclass
class Listing:
    """What a file says; with faults nothing of it may be used. ``ignored`` names the columns that were not read."""

    entries: list[Wanted] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    ignored: tuple[str, ...] = ()


def read_listing(content: bytes, *, key_label: str) -> Listing:
    """Read a CSV file with a line of headings: the column ``key_label`` (the city's number) and, if there is one, 期限 (a date).

    Other columns are not read, so that nothing about people comes in by accident. A number twice in the file is a fault.
    """
    found = Listing()
    try:
        rows = read_csv(content)
    except CsvError as wrong:
        found.faults.append(Fault(wrong.line, 0, str(wrong)))
        return found
    if not rows:
        found.faults.append(Fault(1, 0, f"空のファイルです。1行目に「{key_label}」の見出し、2行目から1件1行で入れてください。"))
        return found
    titles = [_plain(cell) for cell in rows[0][1]]
    if titles.count(key_label) != 1:
        found.faults.append(Fault(rows[0][0], 0, f"1行目に「{key_label}」の見出しを1つ入れてください。期限の日があれば「{DUE}」の列に入れます。"))
        return found
    if len(rows) - 1 > MOST_LINES:
        found.faults.append(Fault(MOST_LINES + 2, 0, f"{MOST_LINES:,}件までです。ファイルを分けてください。"))
        return found
    found.ignored = tuple(title for title in titles if title and title not in (key_label, DUE))
    at, due_at = titles.index(key_label), titles.index(DUE) if DUE in titles else None
    lines: dict[str, int] = {}
    for line, cells in rows[1:]:
        entry = _entry(line, cells, at, due_at, key_label, found.faults)
        if entry is None:
            continue
        if entry.key in lines:
            found.faults.append(Fault(line, at + 1, f"同じ{key_label}が{lines[entry.key]}行目にもあります。どちらかを消してください。"))
            continue
        lines[entry.key] = line
        found.entries.append(entry)
    if not found.entries and not found.faults:
        found.faults.append(Fault(rows[0][0], 0, "見出しの下に行がありません。"))
    return found


def _entry(line: int, cells: list[str], at: int, due_at: int | None, key_label: str, faults: list[Fault]) -> Wanted | None:
    key = _plain(cells[at]) if at < len(cells) else ""
    said = _plain(cells[due_at]) if due_at is not None and due_at < len(cells) else ""
    fine = True
    if find_individual_numbers(key):
        faults.append(Fault(line, at + 1, f"マイナンバー（12桁）とみられる数字です。市の{key_label}に替えてください。"))
        fine = False
    elif not KEY.fullmatch(key):
        faults.append(Fault(line, at + 1, f"{key_label}は、英数字と . _ / - の40文字までで入れてください。"))
        fine = False
    due_on = None
    if said:
        try:
            due_on = dates.parse(said)
        except ValueError:
            faults.append(Fault(line, (due_at or 0) + 1, f"{DUE}を日付として読めません。例：2026-12-25、令和8年12月25日"))
            fine = False
    return Wanted(line, key, due_on) if fine else None


def _plain(cell: str) -> str:
    return unicodedata.normalize("NFKC", cell).strip()


def new_and_known(entries: Collection[Wanted], keys: Collection[str]) -> tuple[list[Wanted], list[Wanted]]:
    """Entries that are not on the list yet, and those that are."""
    there = set(keys)
    return [one for one in entries if one.key not in there], [one for one in entries if one.key in there]
