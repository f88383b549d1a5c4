"""The figures once more, by plain Python over all facts: shares nothing with the program but what a measure says of itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from zoneinfo import ZoneInfo

from madoguchi.domain.reports.measures import Measure
from madoguchi.domain.reports.rules import EDGES, Facts, Percentile, Term
from madoguchi.ground.worklog.models import Fact

JAPAN = ZoneInfo("Asia/Tokyo")


def value_of(fact: Fact, dimension: str) -> str:
    at = fact.at.astimezone(JAPAN)
    return {
        "day": at.strftime("%Y-%m-%d"), "month": at.strftime("%Y-%m"), "weekday": str(at.weekday() + 1), "hour": at.strftime("%H"),
        "site": fact.site, "channel": fact.channel, "procedure": fact.procedure, "language": fact.language, "outcome": fact.outcome,
        "booked": fact.outcome, "actor": fact.actor_kind, "kind": fact.kind,
    }[dimension]  # fmt: skip


def holds(facts: Facts, fact: Fact) -> bool:
    if not [one for one in facts.kinds if fnmatch(fact.kind, one)]:
        return False
    if facts.outcomes and fact.outcome not in facts.outcomes:
        return False
    return fact.outcome not in facts.without


def weight(fact: Fact) -> int:
    return 1 if fact.quantity > 0 else -1 if fact.quantity < 0 else 0


def added(term: Term, facts: Iterable[Fact]) -> int:
    total = 0
    for fact in facts:
        if not holds(term.facts, fact):
            continue
        wait, handle = fact.wait_seconds, fact.handle_seconds
        if term.within is not None:
            total += weight(fact) if wait is not None and wait <= term.within else 0
        elif term.column == "quantity":
            total += fact.quantity
        else:
            seconds = wait if term.column in ("wait", "waited") else handle
            total += {
                "records": weight(fact), "waited": weight(fact) * (wait is not None), "handled": weight(fact) * (handle is not None),
                "wait": weight(fact) * (seconds or 0), "handle": weight(fact) * (seconds or 0),
            }[term.column]  # fmt: skip
    return total


def edge(seconds: int) -> int:
    for one in EDGES:
        if seconds <= one:
            return one
    return EDGES[-1]


def said(measure: Measure, facts: Sequence[Fact]) -> tuple[int | float | None, int, int | None]:
    """(value, top, bottom) of a measure over facts."""
    if isinstance(measure.top, Percentile):
        counts: dict[int, int] = {}
        for fact in facts:
            seconds = getattr(fact, f"{measure.top.of}_seconds")
            if holds(measure.top.facts, fact) and seconds is not None:
                counts[edge(seconds)] = counts.get(edge(seconds), 0) + weight(fact)
        line = [one for one, n in sorted(counts.items()) for _ in range(max(n, 0))]
        if not line:
            return None, 0, 0
        place = next(n for n in range(1, len(line) + 1) if n * 100 >= measure.top.percent * len(line))
        value = line[place - 1]
        return value, sum(one <= value for one in line), len(line)
    top = added(measure.top, facts)
    if measure.bottom is None:
        return top, top, None
    bottom = added(measure.bottom, facts)
    return (top / bottom if bottom > 0 else None), top, bottom


def by(measure: Measure, facts: Sequence[Fact], dimensions: Sequence[str]) -> dict[tuple[str, ...], tuple[int | float | None, int, int | None]]:
    groups: dict[tuple[str, ...], list[Fact]] = {}
    for fact in facts:
        groups.setdefault(tuple(value_of(fact, one) for one in dimensions), []).append(fact)
    terms = [term.facts for term in (measure.top, measure.bottom) if term]
    return {key: said(measure, group) for key, group in groups.items() if any(holds(one, fact) for one in terms for fact in group)}


def within(facts: Iterable[Fact], first: dt.date, last: dt.date) -> list[Fact]:
    return [one for one in facts if first <= one.at.astimezone(JAPAN).date() <= last]
