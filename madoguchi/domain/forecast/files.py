"""The city's file of what expires when: what it says, and everything wrong with it, line by line. Pure."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass, field

from madoguchi.ground.kit.csvfile import CsvError, read_csv

HEADINGS = ("月", "種類", "件数")
KINDS = {"カード": "card", "マイナンバーカード": "card", "電子証明書": "certificate", "証明書": "certificate"}
MOST_LINES, MOST = 500, 1_000_000
_MONTH = re.compile(r"(?:(20\d\d)[-/年.](\d{1,2})|令和(\d{1,2}|元)年(\d{1,2}))月?")


@dataclass(frozen=True)
class Fault:
    """One thing wrong: line and column from 1 (column 0: the whole line), and what to mend."""

    line: int
    column: int
    reason: str


@dataclass
class Cohorts:
    """What a file says: (kind, month) → count. With faults nothing of it may be used."""

    counts: dict[tuple[str, dt.date], int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def read_cohorts(content: bytes) -> Cohorts:
    """Read a CSV file with the headings 月, 種類, 件数 in any order; other columns are not read."""
    found = Cohorts()
    try:
        rows = read_csv(content)
    except CsvError as wrong:
        found.faults.append(Fault(wrong.line, 0, str(wrong)))
        return found
    titles = [_plain(cell) for cell in rows[0][1]] if rows else []
    if any(titles.count(one) != 1 for one in HEADINGS):
        found.faults.append(Fault(1, 0, "1行目に「月」「種類」「件数」の見出しを1つずつ入れてください。"))
        return found
    if len(rows) - 1 > MOST_LINES:
        found.faults.append(Fault(MOST_LINES + 2, 0, f"{MOST_LINES}行までです。月と種類ごとに合計してください。"))
        return found
    places = [titles.index(one) for one in HEADINGS]
    lines: dict[tuple[str, dt.date], int] = {}
    for line, cells in rows[1:]:
        month_text, kind_text, count_text = (_plain(cells[at]) if at < len(cells) else "" for at in places)
        month, kind, count = _month(month_text), KINDS.get(kind_text), _count(count_text)
        for value, at, reason in (
            (month, places[0], "月を「2026-11」か「令和8年11月」の形で入れてください。"),
            (kind, places[1], "種類は「カード」か「電子証明書」です。"),
            (count, places[2], f"件数は、0から{MOST:,}までの整数です。"),
        ):
            if value is None:
                found.faults.append(Fault(line, at + 1, reason))
        if month is None or kind is None or count is None:
            continue
        if (kind, month) in lines:
            found.faults.append(Fault(line, 0, f"同じ月と種類が{lines[kind, month]}行目にもあります。1行にまとめてください。"))
            continue
        lines[kind, month] = line
        found.counts[kind, month] = count
    if not found.counts and not found.faults:
        found.faults.append(Fault(1, 0, "見出しの下に行がありません。"))
    return found


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def _month(text: str) -> dt.date | None:
    match = _MONTH.fullmatch(text)
    if match is None:
        return None
    year = int(match[1]) if match[1] else 2018 + (1 if match[3] == "元" else int(match[3]))
    month = int(match[2] or match[4])
    return dt.date(year, month, 1) if 1 <= month <= 12 and 2019 <= year <= 2099 else None


def _count(text: str) -> int | None:
    digits = text.replace(",", "").removesuffix("件")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 7 and int(digits) <= MOST else None
