"""Reads of the bookings of a city's own site. All run inside ``contract_scope``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from madoguchi.ground.kit.clock import JST

from ..enums import VisitState
from ..external import Visit
from ..models import ExternalVisit


@dataclass(frozen=True)
class Comparison:
    """What an import would do. ``changed`` is (before, after)."""

    added: list[Visit] = field(default_factory=list)
    changed: list[tuple[Visit, Visit]] = field(default_factory=list)
    unchanged: int = 0


def visit_of(row: ExternalVisit) -> Visit:
    """A row (with its procedure and site) as the value that files tell."""
    return Visit(
        row.reference, row.starts_at.astimezone(JST), row.procedure.code, row.site.code, row.people, row.state,
        row.actor_kind, row.channel,
    )  # fmt: skip


def compare(visits: Sequence[Visit]) -> Comparison:
    """Visits beside what is known under the same numbers; nothing is said of numbers that ``visits`` lacks."""
    rows = ExternalVisit.objects.filter(reference__in=[v.reference for v in visits]).select_related("procedure", "site")
    known = {row.reference: visit_of(row) for row in rows}
    added = [v for v in visits if v.reference not in known]
    changed = [(known[v.reference], v) for v in visits if v.reference in known and known[v.reference] != v]
    return Comparison(added, changed, len(visits) - len(added) - len(changed))


def visits(
    first: dt.date, last: dt.date, *, procedure: str = "", site: str = "", state: str = ""
) -> QuerySet[ExternalVisit]:
    """Visits of these days (both inclusive) by time; ``state`` empty: all but cancelled ones, ``all``: every one."""
    begin, end = (dt.datetime.combine(day, dt.time(), JST) for day in (first, last + dt.timedelta(days=1)))
    found: QuerySet[ExternalVisit] = ExternalVisit.objects.filter(starts_at__gte=begin, starts_at__lt=end)
    if state != "all":
        found = found.filter(state=state) if state else found.exclude(state=VisitState.CANCELLED)
    exact = {"procedure__code": procedure, "site__code": site}
    found = found.filter(**{name: value for name, value in exact.items() if value})
    return found.select_related("procedure", "site").order_by("starts_at", "reference")


def as_visits(found: QuerySet[ExternalVisit]) -> Iterator[Visit]:
    """The rows as values."""
    return (visit_of(row) for row in found)


@dataclass(frozen=True)
class DayCounts:
    """Visits of a day that are not cancelled: bookings, people, people by procedure (code)."""

    day: dt.date
    bookings: int
    people: int
    by_procedure: dict[str, int]


def counts_by_day(found: QuerySet[ExternalVisit]) -> list[DayCounts]:
    """Bookings and people by day and procedure, cancelled ones left out; one statement."""
    rows = (
        found.order_by()
        .filter(~Q(state=VisitState.CANCELLED))
        .annotate(day=TruncDate("starts_at", tzinfo=JST))
        .values("day", "procedure__code")
        .annotate(bookings=Count("id"), persons=Sum("people"))
        .order_by("day")
    )
    days: dict[dt.date, DayCounts] = {}
    for row in rows:
        before = days.get(row["day"], DayCounts(row["day"], 0, 0, {}))
        days[row["day"]] = DayCounts(
            row["day"],
            before.bookings + row["bookings"],
            before.people + row["persons"],
            before.by_procedure | {row["procedure__code"]: row["persons"]},
        )
    return list(days.values())
