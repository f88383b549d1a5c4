"""The list of cards that the maker has delivered, as a file: its columns, what each cell may hold, and all that is wrong with it. Pure."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from madoguchi.ground.contracts.profile import Cards
from madoguchi.ground.kit import dates, kana
from madoguchi.ground.kit.csvfile import CsvError, read_csv
from madoguchi.ground.privacy.guard import REFUSAL, find_individual_numbers

from .words import read_number

NUMBER, ARRIVED = "管理番号", "到着日"
READING, BORN = "フリガナ", "生年月日"
MOST_LINES = 5_000


@dataclass(frozen=True)
class Arrival:
    """One card that came. ``arrived_on`` None means today; reading and birth date only where the contract keeps them."""

    number: str
    arrived_on: dt.date | None = None
    reading: str = ""
    born: dt.date | None = None


@dataclass(frozen=True)
class Problem:
    """Something wrong in a file: line from 1, the column's title (empty: the whole line), what to do. A value is never repeated."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True)
class ArrivalList:
    """A file that was read: cards with their lines, everything wrong, titles of columns that were not read."""

    arrivals: list[tuple[int, Arrival]]
    problems: list[Problem]
    ignored: tuple[str, ...] = ()


def columns(terms: Cards) -> tuple[str, ...]:
    """The titles that are read; the first is needed."""
    return (NUMBER, ARRIVED, READING, BORN) if terms.person == "kana_birth" else (NUMBER, ARRIVED)


def read_arrivals(content: bytes, terms: Cards, *, today: dt.date, known: Collection[str] = ()) -> ArrivalList:
    """Read a delivery list. ``known`` are numbers in stock already. Nothing of a list with problems may be registered."""
    try:
        rows = read_csv(content)
    except CsvError as wrong:
        return ArrivalList([], [Problem(wrong.line, "", str(wrong))])
    if len(rows) < 2:
        return ArrivalList([], [Problem(1, "", f"カードの行がありません。1行目に見出し（{NUMBER}）、2行目から1枚ずつ書いてください。")])
    if len(rows) - 1 > MOST_LINES:
        return ArrivalList([], [Problem(rows[0][0], "", f"一度に登録できるのは{MOST_LINES:,}枚までです。ファイルを分けてください。")])
    titles = [unicodedata.normalize("NFKC", title).strip() for title in rows[0][1]]
    wanted = columns(terms)
    problems = [Problem(rows[0][0], title, "同じ見出しの列が2つあります。1つにしてください。") for title in wanted if titles.count(title) > 1]
    if NUMBER not in titles:
        problems.append(Problem(rows[0][0], NUMBER, "見出しがありません。1行目にこの名前の列を作ってください。"))
    for line, cells in rows:
        for title, cell in zip([*titles, *[""] * len(cells)], cells, strict=False):
            if find_individual_numbers(cell):
                problems.append(Problem(line, title if line != rows[0][0] else "", str(REFUSAL)))
    ignored = tuple(title for title in titles if title not in wanted and title and not find_individual_numbers(title))
    if problems:
        return ArrivalList([], problems, ignored)
    arrivals, problems = _read_lines(rows[1:], titles, terms, today, frozenset(known))
    return ArrivalList(arrivals, problems, ignored)


def _read_lines(
    rows: Sequence[tuple[int, list[str]]], titles: list[str], terms: Cards, today: dt.date, known: Collection[str]
) -> tuple[list[tuple[int, Arrival]], list[Problem]]:
    arrivals: list[tuple[int, Arrival]] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for line, cells in rows:
        if len(cells) > len(titles) and any(cell.strip() for cell in cells[len(titles) :]):
            problems.append(Problem(line, "", "見出しより列が多い行です。余分なコンマがないか確かめてください。"))
            continue
        values = {title: cell.strip() for title, cell in zip(titles, cells, strict=False) if title in columns(terms)}
        arrival, wrong = _arrival(values, terms, today)
        problems += [Problem(line, title, reason) for title, reason in wrong]
        if arrival is None:
            continue
        if arrival.number in seen:
            problems.append(Problem(line, NUMBER, f"{seen[arrival.number]}行目と同じ番号です。"))
        elif arrival.number in known:
            problems.append(Problem(line, NUMBER, "すでに登録されている番号です。この行を消してください。"))
        else:
            seen[arrival.number] = line
            arrivals.append((line, arrival))
    return arrivals, problems


def _arrival(values: dict[str, str], terms: Cards, today: dt.date) -> tuple[Arrival | None, list[tuple[str, str]]]:
    wrong: list[tuple[str, str]] = []
    number, days = "", {ARRIVED: None, BORN: None}
    try:
        number = read_number(values.get(NUMBER, ""), terms)
    except ValueError as error:
        wrong.append((NUMBER, str(error)))
    for title in (ARRIVED, BORN):
        if not values.get(title):
            continue
        try:
            day = dates.parse(values[title])
        except ValueError as error:
            wrong.append((title, str(error)))
            continue
        if day > today:
            wrong.append((title, f"{title}が今日より後です。"))
        days[title] = day  # type: ignore[assignment]
    reading = kana.to_katakana(values.get(READING, ""))
    if reading and not (kana.is_kana(reading) or kana.is_latin(reading)):
        wrong.append((READING, "カタカナで書いてください。例：ヤマダ　タロウ"))
    if bool(reading) != bool(values.get(BORN)):
        wrong.append((READING if not reading else BORN, "フリガナと生年月日は、両方を書くか、両方を空にしてください。"))
    return (None, wrong) if wrong else (Arrival(number, days[ARRIVED], reading, days[BORN]), [])
