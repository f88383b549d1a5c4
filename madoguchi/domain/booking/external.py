"""Bookings of a site that the city owns, as they come and go: the columns of the file, what each cell may hold. Pure.

The columns are an agreement with the city's side: see ``docs/ja/yoyaku-csv.md``. Other columns are never read, so names and
telephone numbers in the city's file do not enter the system.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from madoguchi.ground.contracts.profile import Profile
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.actors import ACTOR_KIND_LABELS, CHANNEL_LABELS
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.csvfile import Cell, CsvError, read_csv
from madoguchi.ground.privacy.guard import REFUSAL, find_individual_numbers

from .enums import VisitState

COLUMNS = {
    "reference": "市の予約番号",
    "date": "来庁日",
    "time": "時刻",
    "procedure": "手続き",
    "site": "場所",
    "people": "人数",
    "state": "状態",
    "actor": "入力した人",
    "channel": "経路",
}
REQUIRED = ("reference", "date", "time", "procedure")
MOST_LINES = 10_000
MOST_PEOPLE = 50
_REFERENCE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_./-]{0,39}")


@dataclass(frozen=True)
class Visit:
    """One booking of the city's site; ``procedure``, ``site``, ``state``, ``actor``, ``channel`` are codes."""

    reference: str
    starts_at: dt.datetime
    procedure: str
    site: str
    people: int = 1
    state: str = VisitState.BOOKED
    actor: str = ""
    channel: str = ""


@dataclass(frozen=True)
class Problem:
    """Something wrong in a file: line from 1, the column's title (empty: the whole line), what to do."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True)
class Names:
    """Procedures and sites of a contract: code → name."""

    procedures: Mapping[str, str]
    sites: Mapping[str, str]

    @classmethod
    def of(cls, profile: Profile) -> Names:
        """Those of a profile."""
        return cls({p.code: p.title for p in profile.procedures}, {s.code: s.name for s in profile.sites})


_STATES = {str(state): str(state.label) for state in VisitState}
_ACTORS = {str(kind): label for kind, label in ACTOR_KIND_LABELS.items()}
_CHANNELS = {str(channel): label for channel, label in CHANNEL_LABELS.items()}


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def read_visit(values: Mapping[str, str], names: Names) -> tuple[Visit | None, dict[str, str]]:
    """The visit that texts by field (keys of ``COLUMNS``) tell, or the fields that are wrong with what to do."""
    wrong: dict[str, str] = {}

    def take(field: str, read: Callable[[str], object], default: object = None) -> object:
        text = unicodedata.normalize("NFKC", values.get(field, "")).strip()
        if not text and default is not None:
            return default
        if not text:
            wrong[field] = f"{COLUMNS[field]}を入れてください。"
            return None
        try:
            return read(text)
        except ValueError as error:
            wrong[field] = str(error)
            return None

    only_site = next(iter(names.sites)) if len(names.sites) == 1 else None
    reference = take("reference", _reference)
    date, time = take("date", dates.parse), take("time", dates.read_time)
    procedure = take("procedure", lambda text: _one_of(text, names.procedures, "手続き"))
    site = take("site", lambda text: _one_of(text, names.sites, "場所"), only_site)
    people = take("people", _people, 1)
    state = take("state", lambda text: _one_of(text, _STATES, "状態"), str(VisitState.BOOKED))
    actor = take("actor", lambda text: _one_of(text, _ACTORS, "入力した人"), "")
    channel = take("channel", lambda text: _one_of(text, _CHANNELS, "経路"), "")
    if wrong:
        return None, wrong
    assert isinstance(date, dt.date) and isinstance(time, dt.time) and isinstance(people, int)
    starts_at = dt.datetime.combine(date, time, JST)
    texts = [str(value) for value in (procedure, site, state, actor, channel)]
    return Visit(str(reference), starts_at, texts[0], texts[1], people, *texts[2:]), {}


def _reference(text: str) -> str:
    if find_individual_numbers(text):
        raise ValueError(str(REFUSAL))
    if not _REFERENCE.fullmatch(text):
        raise ValueError("市の予約番号は、英数字で始まる40字までの英数字と - _ . / で書いてください。")
    return text


def _people(text: str) -> int:
    digits = text.removesuffix("人").strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 3 and 1 <= int(digits) <= MOST_PEOPLE):
        raise ValueError(f"人数は1から{MOST_PEOPLE}の数で書いてください。")
    return int(digits)


def _one_of(text: str, known: Mapping[str, str], what: str) -> str:
    """The code that a code or a name means."""
    for code, name in known.items():
        if _plain(text) in (_plain(code), _plain(name)):
            return code
    raise ValueError(f"{what}「{text[:40]}」はありません。次から選んでください：{'、'.join(known.values())}")


@dataclass(frozen=True)
class Sheet:
    """A file that was read: visits with their lines, everything wrong with it, titles of columns that were not read."""

    visits: list[tuple[int, Visit]]
    problems: list[Problem]
    ignored: tuple[str, ...] = ()


def read_sheet(content: bytes, names: Names) -> Sheet:
    """Read a file of the documented columns, in any order. Nothing in it may be imported when it has problems."""
    try:
        rows = read_csv(content)
    except CsvError as wrong:
        return Sheet([], [Problem(wrong.line, "", str(wrong))])
    if not rows:
        return Sheet([], [Problem(1, "", "ファイルが空です。1行目に見出し、2行目から予約を書いてください。")])
    if len(rows) - 1 > MOST_LINES:
        reason = f"{len(rows) - 1:,}件あります。一度に取り込めるのは{MOST_LINES:,}件までです。期間で分けてください。"
        return Sheet([], [Problem(rows[0][0], "", reason)])
    titles = [_plain(title) for title in rows[0][1]]
    fields = {_plain(title): field for field, title in COLUMNS.items()}
    ignored = tuple(title.strip() for title in rows[0][1] if _plain(title) not in fields and title.strip())
    problems = [
        Problem(rows[0][0], COLUMNS[field], "見出しがありません。1行目にこの名前の列を作ってください。")
        for field in REQUIRED
        if _plain(COLUMNS[field]) not in titles
    ]
    twice = [title for title in fields if titles.count(title) > 1]
    problems += [Problem(rows[0][0], COLUMNS[fields[title]], "同じ見出しの列が2つあります。1つにしてください。") for title in twice]
    if problems:
        return Sheet([], problems, ignored)
    return Sheet(*_read_lines(rows[1:], [fields.get(title, "") for title in titles], names), ignored)


def _read_lines(
    rows: Sequence[tuple[int, list[str]]], fields: list[str], names: Names
) -> tuple[list[tuple[int, Visit]], list[Problem]]:
    visits: list[tuple[int, Visit]] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for line, cells in rows:
        if len(cells) > len(fields) and any(cell.strip() for cell in cells[len(fields) :]):
            problems.append(Problem(line, "", "見出しより列が多い行です。余分なコンマがないか確かめてください。"))
            continue
        values = {field: cell for field, cell in zip(fields, cells, strict=False) if field}
        visit, wrong = read_visit(values, names)
        problems += [Problem(line, COLUMNS[field], reason) for field, reason in wrong.items()]
        if visit is None:
            continue
        if visit.reference in seen:
            reason = f"{seen[visit.reference]}行目と同じ番号です。1つの予約は1行にまとめてください。"
            problems.append(Problem(line, COLUMNS["reference"], reason))
            continue
        seen[visit.reference] = line
        visits.append((line, visit))
    return visits, problems


def row_of(visit: Visit, names: Names) -> list[Cell]:
    """A visit as a row under the titles of ``COLUMNS``; ``read_sheet`` reads it back the same."""
    starts = visit.starts_at.astimezone(JST)
    return [
        visit.reference,
        starts.date(),
        starts.time(),
        names.procedures.get(visit.procedure, visit.procedure),
        names.sites.get(visit.site, visit.site),
        visit.people,
        _STATES[visit.state],
        _ACTORS.get(visit.actor, ""),
        _CHANNELS.get(visit.channel, ""),
    ]
