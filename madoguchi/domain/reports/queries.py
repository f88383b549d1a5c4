"""Figures of a contract, and the facts behind them.

A figure is read by one statement: days that are not touched from their counts, the others from their facts. So it is the truth of one moment,
however late the worker is and whoever writes meanwhile.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog.models import Fact

from . import counting
from .measures import DIMENSIONS, MEASURES, NOT_BY_HOUR, Measure
from .periods import Period as Period
from .rules import Cell, Column, Facts, Figure, Percentile, divided, grouped, percentile

_VALUES = {
    "day": "day::text",
    "month": "to_char(day, 'YYYY-MM')",
    "weekday": "extract(isodow from day)::text",
    "hour": "lpad(hour::text, 2, '0')",
    "site": "site",
    "channel": "channel",
    "procedure": "procedure",
    "language": "language",
    "outcome": "outcome",
    "booked": "outcome",
    "actor": "actor_kind",
    "kind": "kind",
}
assert set(_VALUES) == set(DIMENSIONS)
_SUMS = ", ".join(f"sum({column})" for column in Column)
_NO_SUMS = ", ".join("0" for _ in list(Column)[1:])


@dataclass(frozen=True, slots=True)
class Table:
    """Figures by some dimensions and over all of them, of one moment. ``totals`` is by measure."""

    rows: tuple[Figure, ...]
    totals: Mapping[str, Figure]


def figures(
    contract: Contract, measures: Sequence[str], period: Period, by: Sequence[str] = (), where: Mapping[str, str] | None = None
) -> list[Figure]:
    """What some measures (codes of :data:`.measures.MEASURES`) say of a period, split ``by`` dimensions.

    Each figure carries its measure and its ``key``, one value per dimension: ``2026-11-02`` for a day, ``2026-11`` for a month, ``1`` (Monday)
    to ``7`` for a weekday, ``09`` for an hour, codes for all else. Values for which no fact exists are left out; without ``by`` there is one
    figure per measure, also if there is no fact. ``where`` keeps only the facts with these values of dimensions. Order: measures as asked, then keys.

    Raises ``KeyError`` for an unknown measure or dimension, ``ValueError`` for a dimension that a measure has not, or the hour together with
    language or actor.
    """
    found = table(contract, measures, period, by, where)
    return list(found.rows) if by else [found.totals[code] for code in measures]


def table(
    contract: Contract, measures: Sequence[str], period: Period, by: Sequence[str] = (), where: Mapping[str, str] | None = None
) -> Table:
    """:func:`figures` with the figures over everything beside them."""
    asked = [MEASURES[code] for code in measures]
    conditions = dict(where or {})
    _check(asked, [*by, *conditions])
    with contract_scope(contract):
        cells = _cells(contract, asked, period, by, conditions)
    whole = [Cell(cell.kind, cell.outcome, (), cell.sums, cell.spans) for cell in cells]
    rows = tuple(_figure(measure, key, group) for measure in asked for key, group in grouped(cells, measure.facts).items())
    return Table(rows, {measure.code: _figure(measure, (), whole) for measure in asked})


def _check(measures: Iterable[Measure], dimensions: Collection[str]) -> None:
    for one in dimensions:
        if one not in DIMENSIONS:
            raise KeyError(one)
    for measure in measures:
        strange = set(dimensions) - set(measure.dimensions)
        if strange:
            raise ValueError(f"{measure.code} is not split by {', '.join(sorted(strange))}")
    if "hour" in dimensions and NOT_BY_HOUR & set(dimensions):
        raise ValueError("the hour goes with neither language nor actor")


def _figure(measure: Measure, key: tuple[str, ...], cells: Collection[Cell]) -> Figure:
    if isinstance(measure.top, Percentile):
        return Figure(measure.code, key, *percentile(measure.top, cells))
    return Figure(measure.code, key, *divided(measure.top, measure.bottom, cells))


def _cells(
    contract: Contract, measures: Sequence[Measure], period: Period, by: Sequence[str], where: Mapping[str, str]
) -> list[Cell]:
    """All that the measures need, grouped by kind, outcome and the dimensions: one statement."""
    terms = [term for one in measures for term in (one.top, one.bottom) if term is not None]
    patterns = sorted({kind for term in terms for kind in term.facts.kinds})
    spans = sorted({term.of if isinstance(term, Percentile) else "wait" for term in terms if isinstance(term, Percentile) or term.within is not None})
    grain = counting.HOURS if "hour" in (*by, *where) else counting.DAYS
    keys = ", ".join(["kind", "outcome", *(_VALUES[one] for one in by)])
    only = "".join(f" and {_VALUES[one]} = %(where_{one})s" for one in where)
    loose = any("*" in one for one in patterns)
    kinds = "kind like any(%(kinds)s)" if loose else "kind = any(%(kinds)s)"
    counted = f"contract_id = %(contract)s and day between %(first)s and %(last)s and {grain.condition} and {kinds} and day not in (table touched)"
    statement = f"""
        with touched as materialized (
          select distinct day from worklog_touchedday where contract_id = %(contract)s and day between %(first)s and %(last)s
        ), live as materialized ({counting.facts("touched", kinds)}
        ), counts as (
          select {counting.COLUMNS}, {counting.SUMS} from reports_daycount where {counted} union all {grain.counts("live")}
        )"""
    if spans:
        statement += f""", spans as (
          select {counting.COLUMNS}, of, upto, records from reports_dayspan where {counted} union all {grain.spans("live")}
        )"""
    statement += f" select {keys}, null as of, null::int as upto, {_SUMS} from counts where true{only} group by {keys}"
    if spans:
        statement += f" union all select {keys}, of, upto, sum(records), {_NO_SUMS} from spans where of = any(%(spans)s){only} group by {keys}, of, upto"
    values: dict[str, Any] = {
        "contract": contract.pk, "first": period.first, "last": period.last,
        "spans": spans,
        "kinds": [one.replace("_", r"\_").replace("*", "%") for one in patterns] if loose else patterns,
        **{f"where_{one}": value for one, value in where.items()},
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return _read(cursor.fetchall(), len(by))


def _read(rows: Iterable[Sequence[Any]], dimensions: int) -> list[Cell]:
    """Rows of kind, outcome, the dimensions, then wait or handle with an edge (None: sums) and six numbers."""
    cells: dict[Sequence[str], Cell] = {}
    for row in rows:
        group, (of, upto), numbers = row[: dimensions + 2], row[dimensions + 2 : dimensions + 4], row[dimensions + 4 :]
        cell = cells.setdefault(group, Cell(row[0], row[1], tuple(group[2:])))
        if of is None:
            cell.sums = {column: int(number) for column, number in zip(Column, numbers, strict=True)}
        else:
            cell.spans[of, upto] = int(numbers[0])
    return list(cells.values())


def behind(measure: Measure, period: Period, where: Mapping[str, str] | None = None) -> QuerySet[Fact]:
    """The facts behind a figure of a period, newest first; ``where`` as for :func:`figures`. Inside ``contract_scope``.

    Of a ratio they are the facts it is divided by, of a time those that have one. Raises ``KeyError`` for an unknown dimension,
    ``ValueError`` for one that the measure has not, or a value that cannot be one of it.
    """
    conditions = dict(where or {})
    _check([measure], conditions)
    begin, end = period.moments
    found: QuerySet[Fact] = Fact.objects.filter(_of_kinds(measure.facts), at__gte=begin, at__lt=end)
    if seconds := _seconds(measure):
        found = found.exclude(**{f"{seconds}_seconds": None})
    for dimension, value in conditions.items():
        found = _narrowed(found, dimension, value)
    return found.order_by("-at", "-pk")


def _of_kinds(facts: Facts) -> Q:
    kinds = Q(kind__in=[one for one in facts.kinds if "*" not in one])
    for one in facts.kinds:
        if "*" in one:
            kinds |= Q(kind__startswith=one.rstrip("*"))
    if facts.outcomes:
        kinds &= Q(outcome__in=facts.outcomes)
    return kinds & ~Q(outcome__in=facts.without) if facts.without else kinds


def _seconds(measure: Measure) -> str:
    """Whether only facts with seconds of waiting or handling count: ``wait``, ``handle`` or nothing."""
    if isinstance(measure.top, Percentile):
        return measure.top.of
    column = measure.bottom.column if measure.bottom is not None else measure.top.column
    return {Column.WAIT: "wait", Column.WAITED: "wait", Column.HANDLE: "handle", Column.HANDLED: "handle"}.get(column, "")


def _narrowed(found: QuerySet[Fact], dimension: str, value: str) -> QuerySet[Fact]:
    if dimension in ("day", "month"):
        first = dt.date.fromisoformat(value if dimension == "day" else f"{value}-01")
        last = first if dimension == "day" else (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
        begin, end = Period(first, last).moments
        return found.filter(at__gte=begin, at__lt=end)
    if dimension == "hour":
        return found.annotate(hour=ExtractHour("at", tzinfo=JST)).filter(hour=int(value))
    if dimension == "weekday":
        return found.annotate(weekday=ExtractIsoWeekDay("at", tzinfo=JST)).filter(weekday=int(value))
    return found.filter(**{_VALUES[dimension]: value})
