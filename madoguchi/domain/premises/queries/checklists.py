"""How the checklists stand, of a day and of the past."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from madoguchi.ground.contracts.calendar import BusinessCalendar
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Checklist
from madoguchi.ground.contracts.queries import calendar_of
from madoguchi.ground.kit.clock import JST

from ..enums import Kind, Result, Standing, Why
from ..models import Mark, Run
from ..rules import due_at, run_day, span_of, standing


@dataclass(frozen=True)
class Line:
    """An item with its mark, if any. ``short``: the number read off is below the agreed minimum."""

    item: dict[str, Any]
    mark: Mark | None

    @property
    def short(self) -> bool:
        """There is less left than agreed."""
        reading = self.mark.reading if self.mark else None
        return reading is not None and self.item["minimum"] is not None and reading < self.item["minimum"]

    @property
    def why(self) -> str:
        """Why it was not possible, in words."""
        return str(Why(self.mark.why).label) if self.mark and self.mark.why else ""


@dataclass(frozen=True)
class Sheet:
    """A checklist of a site and a day with how it stands."""

    terms: Checklist
    site: str
    site_name: str
    day: dt.date
    due_at: dt.datetime | None
    closed_at: dt.datetime | None
    standing: Standing
    lines: list[Line]

    @property
    def kind(self) -> str:
        """Opening, closing or weekly, in words."""
        return str(Kind(self.terms.kind).label)

    @property
    def done(self) -> int:
        """Required items with a mark."""
        return sum(line.mark is not None for line in self.lines if line.item["required"])

    @property
    def total(self) -> int:
        """Required items."""
        return sum(line.item["required"] for line in self.lines)

    @property
    def missing(self) -> list[str]:
        """Labels of required items without a mark."""
        return [line.item["label"] for line in self.lines if line.item["required"] and line.mark is None]

    @property
    def troubles(self) -> list[Line]:
        """Items that were not possible, or of which too little is left."""
        return [line for line in self.lines if line.short or (line.mark and line.mark.result == Result.IMPOSSIBLE)]


def serves(contract: Contract, terms: Checklist, site: str) -> bool:
    """Whether a list is gone through at a site."""
    return any(one.code == site for one in contract.profile.sites) and (not terms.sites or site in terms.sites)


def due_of(contract: Contract, terms: Checklist, site: str, day: dt.date) -> dt.datetime | None:
    """When the run of a day is due by the calendar as it is now; None where the site is closed."""
    first, last = span_of(terms.kind, day)
    return _due(calendar_of(contract, first, last), terms, site, day)


def _due(calendar: BusinessCalendar, terms: Checklist, site: str, day: dt.date) -> dt.datetime | None:
    first, last = span_of(terms.kind, day)
    channel = "counter" if calendar.profile.channels.counter else "phone"
    return due_at(terms.kind, terms.due_minutes, [(one.date, one.intervals) for one in calendar.days(site, channel, first, last)])


def sheets(contract: Contract, days: Iterable[dt.date], now: dt.datetime, *, site: str = "", code: str = "") -> list[Sheet]:
    """Every list of every site of the days, by day, site and the order of the profile; a weekly list once a week.

    A list that has not been begun is due by the calendar; one that has, when it was due as it began.
    """
    wanted = sorted(set(days))
    if not wanted or not contract.profile.checklists:
        return []
    lists = [one for one in contract.profile.checklists if code in ("", one.code)]
    first, last = run_day(Kind.WEEKLY, wanted[0]), wanted[-1] + dt.timedelta(days=6)
    calendar = calendar_of(contract, first, last)
    runs = {(run.checklist, run.site.code, run.day): run for run in Run.objects.filter(day__range=(first, last)).select_related("site")}
    marks: dict[int, dict[str, Mark]] = {}
    for mark in Mark.objects.filter(run__in=runs.values()).select_related("user"):
        marks.setdefault(mark.run_id, {})[mark.item] = mark
    found: dict[tuple[str, str, dt.date], Sheet] = {}
    for day in wanted:
        for place in contract.profile.sites:
            for terms in lists:
                key = (terms.code, place.code, run_day(terms.kind, day))
                if site not in ("", place.code) or key in found or not serves(contract, terms, place.code):
                    continue
                run = runs.get(key)
                due = run.due_at if run else _due(calendar, terms, place.code, day)
                items = run.items if run else items_of(terms, day)
                own = marks.get(run.pk, {}) if run else {}
                closed = run.closed_at if run else None
                found[key] = Sheet(
                    terms, place.code, place.short_name or place.name, key[2], due, closed,
                    standing(due, begun=bool(own), closed_at=closed, now=now), [Line(item, own.get(item["code"])) for item in items],
                )  # fmt: skip
    return list(found.values())


def items_of(terms: Checklist, day: dt.date) -> list[dict[str, Any]]:
    """The items of a day as a run keeps them: code, label, required, by, unit (empty without a number), minimum."""
    return [
        {
            "code": one.code, "label": one.label, "required": one.required, "by": one.by,
            "unit": one.reading.unit if one.reading else "", "minimum": one.reading.minimum if one.reading else None,
        }
        for one in terms.items_on(day)
    ]  # fmt: skip


def late_sheets(contract: Contract, now: dt.datetime) -> list[Sheet]:
    """What is late today: not finished at its time. What was never finished on days gone by stands in the history."""
    today = now.astimezone(JST).date()
    return [sheet for sheet in sheets(contract, [today], now) if sheet.standing == Standing.LATE]


def troubles_today(contract: Contract, now: dt.datetime) -> list[tuple[Sheet, Line]]:
    """Items of today's lists that were not possible or of which too little is left."""
    today = now.astimezone(JST).date()
    return [(sheet, line) for sheet in sheets(contract, [today], now) for line in sheet.troubles]
