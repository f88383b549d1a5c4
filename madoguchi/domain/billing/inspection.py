"""The inspection behind an invoice: which reports of its period the city has accepted. Reads are inside ``contract_scope``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from madoguchi.domain.reports.enums import State
from madoguchi.domain.reports.models import Report
from madoguchi.domain.reports.periods import month_of
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.dates import show_month, show_short

from .rules import Period


@dataclass(frozen=True, slots=True)
class Inspected:
    """One report that an invoice asks for; without a row (``state`` is None) it was never made here."""

    name: str
    month: dt.date
    report: int | None = None
    version: int = 0
    state: State | None = None
    accepted_on: dt.date | None = None

    @property
    def label(self) -> str:
        """``月次報告（令和8年10月）``."""
        return f"{self.name}（{show_month(self.month)}）"


@dataclass(frozen=True, slots=True)
class Inspection:
    """All reports that the invoice of a period asks for."""

    reports: tuple[Inspected, ...]

    @property
    def failing(self) -> tuple[Inspected, ...]:
        """Reports made here that the city has not accepted: the invoice has to wait for them."""
        return tuple(one for one in self.reports if one.state is not None and one.state != State.ACCEPTED)

    @property
    def absent(self) -> tuple[Inspected, ...]:
        """Reports that were never made here, so that only a person can say how their inspection ended."""
        return tuple(one for one in self.reports if one.state is None)

    @property
    def passed_on(self) -> dt.date | None:
        """The day on which the last of them was accepted; None while one is missing or fails, or none is asked for."""
        days = [one.accepted_on for one in self.reports if one.state == State.ACCEPTED and one.accepted_on]
        return max(days) if days and len(days) == len(self.reports) else None

    @property
    def evidence(self) -> str:
        """What shows that it was passed, in words of at most 200 characters."""
        told = "、".join(f"{one.label}第{one.version}版 {show_short(one.accepted_on)}合格" for one in self.reports if one.accepted_on)
        return told if len(told) <= 200 else f"{told[:199]}…"


def inspection_of(contract: Contract, period: Period) -> Inspection:
    """The reports named in ``[payment] inspected_reports`` for every month of a period, each in its newest version."""
    payment = contract.profile.payment
    names = {report.code: report.name for report in contract.profile.reports}
    rows = Report.objects.filter(code__in=payment.inspected_reports, first__gte=period.first.replace(day=1), last__lte=month_of(period.last).last)
    newest = {(row.code, row.first): row for row in rows.order_by("version")}
    found = []
    for code in payment.inspected_reports:
        month = month_of(period.first)
        while month.first <= period.last:
            row = newest.get((code, month.first))
            if row is None:
                found.append(Inspected(names[code], month.first))
            else:
                decided = row.decided_at.astimezone(JST).date() if row.decided_at and row.state == State.ACCEPTED else None
                found.append(Inspected(names[code], month.first, row.pk, row.version, State(row.state), decided))
            month = month_of(month.last + dt.timedelta(days=1))
    return Inspection(tuple(found))
