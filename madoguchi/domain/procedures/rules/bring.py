"""What to bring: a table of rows read for one person. No row is an if-statement here: cities edit the table.

A row applies when its procedure, the one who comes, the age and the situations fit. A situation or an age that is not known does
not hide a row: it is shown with its condition beside it ("those under 15: …"); what excludes a row counts as absent until it is
known. The answer is never empty: where no row says what to bring or whom to ask, it is ``silent`` and the page says to call.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..enums import Kind, Situation, Who

OLDEST = 150


@dataclass(frozen=True)
class Row:
    """One row of the table, valid from ``valid_from`` to ``valid_to`` (both included; None: open).

    Empty ``procedure`` or ``who`` means all. ``ages`` are whole years, both included. ``texts`` is wording by language.
    """

    code: str
    kind: Kind
    procedure: str = ""
    who: frozenset[Who] = frozenset()
    ages: tuple[int, int] = (0, OLDEST)
    when: frozenset[Situation] = frozenset()
    unless: frozenset[Situation] = frozenset()
    becomes: Who | None = None
    position: int = 0
    texts: tuple[tuple[str, str], ...] = ()
    source: str = ""
    confirmed: bool = False
    valid_from: dt.date = dt.date.min
    valid_to: dt.date | None = None

    def valid_on(self, day: dt.date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def text(self, language: str) -> tuple[str, str]:
        """(wording, its language): the reader's, else English for foreign readers, else Japanese."""
        order = [language, "ja"] if language in ("ja", "ja-easy") else [language, "en", "ja"]
        texts = dict(self.texts)
        return next(((texts[one], one) for one in order if texts.get(one)), (self.code, "ja"))


@dataclass(frozen=True)
class Visitor:
    """What is known about one person's visit. ``age`` None: not known; ``yes`` and ``no``: situations that are known."""

    procedure: str
    who: Who = Who.SELF
    age: int | None = None
    yes: frozenset[Situation] = frozenset()
    no: frozenset[Situation] = frozenset()


@dataclass(frozen=True)
class Condition:
    """What must hold for a line that is shown although it is not known: a situation or an age band."""

    situation: Situation | None = None
    ages: tuple[int, int] = (0, OLDEST)


@dataclass(frozen=True)
class Line:
    """One line of an answer: the row, and under which conditions (all of them) it counts; none: it counts."""

    row: Row
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What one person brings, does, minds; ``asks``: what the city must be asked. ``silent``: the table said nothing."""

    documents: tuple[Line, ...] = ()
    steps: tuple[Line, ...] = ()
    warnings: tuple[Line, ...] = ()
    asks: tuple[Line, ...] = ()
    references: tuple[Line, ...] = ()

    @property
    def silent(self) -> bool:
        """True when no row gives a document or says to ask: the page then says to call the city."""
        return not any(not line.conditions for line in (*self.documents, *self.asks))

    @property
    def confirmed(self) -> bool:
        """True when the city has approved every line."""
        return not self.silent and all(line.row.confirmed for line in self.lines)

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines in the order in which they are read."""
        return (*self.steps, *self.documents, *self.warnings, *self.asks, *self.references)


def answer(rows: Iterable[Row], visitor: Visitor, on: dt.date) -> Answer:
    """The answer of the table for one person on the day of the visit ``on``."""
    valid = sorted((row for row in rows if row.valid_on(on)), key=lambda row: (row.position, row.code))
    person, came_as = visitor, []
    for row in valid:
        if row.becomes and row.becomes != person.who and _conditions(row, person) == ():
            came_as.append(Line(row))
            person = replace(person, who=row.becomes)
    lines = {kind: [] for kind in Kind}  # type: dict[Kind, list[Line]]
    for line in came_as:
        lines[line.row.kind].append(line)
    for row in valid:
        if any(row is line.row for line in came_as):
            continue
        conditions = _conditions(row, person)
        if conditions is not None:
            lines[row.kind].append(Line(row, conditions))
    return Answer(
        documents=tuple(lines[Kind.DOCUMENT]),
        steps=tuple(lines[Kind.STEP]),
        warnings=tuple(lines[Kind.WARNING]),
        asks=tuple(lines[Kind.ASK]),
        references=tuple(lines[Kind.REFERENCE]) if lines[Kind.DOCUMENT] else (),
    )


def situations_asked(rows: Iterable[Row], procedure: str, who: Who | None, on: dt.date) -> list[Situation]:
    """Situations that change the answer for a procedure, in the order of ``Situation``: the questions worth asking."""
    found: set[Situation] = set()
    for row in rows:
        if not row.valid_on(on) or row.procedure not in ("", procedure):
            continue
        if who is not None and row.who and who not in row.who and not row.becomes:
            continue
        found |= row.when | row.unless
    return [one for one in Situation if one in found]


def _conditions(row: Row, person: Visitor) -> tuple[Condition, ...] | None:
    """None: the row does not apply; otherwise what must hold besides what is known."""
    if row.procedure and row.procedure != person.procedure:
        return None
    if row.who and person.who not in row.who:
        return None
    if row.when & person.no or row.unless & person.yes:
        return None
    open_conditions: list[Condition] = []
    low, high = row.ages
    if (low, high) != (0, OLDEST):
        if person.age is None:
            open_conditions.append(Condition(ages=(low, high)))
        elif not low <= person.age <= high:
            return None
    open_conditions += [Condition(one) for one in Situation if one in row.when - person.yes]
    return tuple(open_conditions)


def overlaps(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Pairs of versions of one row that are valid on the same day: there must be none."""
    found = []
    ordered = sorted(rows, key=lambda row: (row.code, row.valid_from))
    for one, following in pairwise(ordered):
        if one.code == following.code and (one.valid_to is None or one.valid_to >= following.valid_from):
            found.append((one, following))
    return found


def age_bands(rows: Iterable[Row], procedure: str, on: dt.date) -> list[tuple[int, int]]:
    """Ages between which nothing changes for a procedure, (from, to) both included, youngest first; one band when age is all the same."""
    starts = {0}
    for row in rows:
        if row.valid_on(on) and row.procedure in ("", procedure):
            starts |= {row.ages[0], row.ages[1] + 1}
    edges = sorted(age for age in starts if age <= OLDEST)
    return [(low, (edges[n + 1] - 1) if n + 1 < len(edges) else OLDEST) for n, low in enumerate(edges)]
