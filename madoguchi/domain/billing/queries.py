"""Reads of billing; all inside ``contract_scope``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from madoguchi.ground.contracts.calendar import BusinessCalendar, default_holidays
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Charge
from madoguchi.ground.contracts.queries import calendar_of
from madoguchi.ground.kit.dates import fiscal_year

from .enums import State
from .models import OPEN, Expenditure, Invoice, InvoiceLine
from .rules import Line, Period, halves, kept_until, lines, periods

YEAR_END = ((12, 29), (1, 3))
"""The days around New Year on which cities are closed, as their ordinances on holidays say alike."""


@dataclass(frozen=True, slots=True)
class Billed:
    """A period of the contract, and the invoice that counts for it."""

    period: Period
    invoice: Invoice | None


@dataclass(frozen=True, slots=True)
class WorkedDay:
    """A day of a period for a charge by the day: how many half days it counts for, and why where it is not a whole one as planned."""

    day: dt.date
    halves: int
    reason: str


def closed_for_payment(day: dt.date) -> bool:
    """A day on which no city pays: Saturday, Sunday, a holiday, the days around New Year."""
    return day.weekday() >= 5 or default_holidays(day) is not None or (day.month, day.day) >= YEAR_END[0] or (day.month, day.day) <= YEAR_END[1]


def books_until(contract: Contract) -> dt.date:
    """The last day on which the books of a contract are kept."""
    return kept_until(contract.profile.term.contract_to, contract.profile.retention.books_years)


def periods_of(contract: Contract) -> tuple[Period, ...]:
    """All periods of a contract."""
    return periods(contract.profile.payment, contract.profile.term)


def period_of(contract: Contract, number: int) -> Period | None:
    """The period of a number."""
    return next((one for one in periods_of(contract) if one.number == number), None)


def worked_days(contract: Contract, charge: Charge, period: Period) -> list[WorkedDay]:
    """The days of a period on which the place of a charge's role was to be open, or was opened, by the business calendar."""
    rule = next((one for one in contract.profile.staffing if one.role == charge.role), None)
    channel = (rule.channel if rule else None) or ("counter" if contract.profile.channels.counter else "phone")
    sites = [rule.site] if rule and rule.site else [site.code for site in contract.profile.sites]
    actual, usual = calendar_of(contract, period.first, period.last), BusinessCalendar(contract.profile)
    found: dict[dt.date, WorkedDay] = {}
    for site in sites:
        for day in actual.days(site, channel, period.first, period.last, respect_term=True):
            planned = usual.day(site, channel, day.date, respect_term=True)
            count = halves(planned.intervals, day.intervals, contract.profile.payment.partial_day)
            told = day.reason if planned.intervals != day.intervals else ""
            before = found.get(day.date)
            if (planned.intervals or count) and (before is None or before.halves < count):
                found[day.date] = WorkedDay(day.date, count, told)
    return [found[day] for day in sorted(found)]


def lines_of(contract: Contract, period: Period) -> list[Line]:
    """The lines of a period as calendar, profile and part payments stand now. Raises :class:`.rules.Unpriced`."""
    payment = contract.profile.payment
    worked = {
        charge.code: {one.day: one.halves for one in worked_days(contract, charge, period) if one.halves}
        for charge in payment.charges
        if charge.unit == "day"
    }
    parts = Invoice.objects.filter(unit="instalment", number__isnull=False).exclude(state=State.WITHDRAWN)
    billed = sum(one.total if payment.prices == "gross" else one.net for one in parts)
    return lines(payment, period, worked=worked, billed=billed)


def written_lines(invoice: Invoice) -> list[Line]:
    """The lines of an invoice as they were written."""
    rows = InvoiceLine.objects.filter(invoice=invoice)
    return [Line(one.code, one.name, one.quantity, one.unit, one.unit_price, one.amount, one.rate) for one in rows]


def billed_in(contract: Contract, year: int) -> list[Billed]:
    """Periods that end in a fiscal year, each with the invoice that counts."""
    counted = {one.part: one for one in Invoice.objects.exclude(state=State.WITHDRAWN)}
    return [Billed(one, counted.get(one.number)) for one in periods_of(contract) if fiscal_year(one.last) == year]


def billed_with(contract: Contract, first: dt.date, last: dt.date) -> list[Billed]:
    """Periods that some of these days are in, each with the invoice that counts."""
    counted = {one.part: one for one in Invoice.objects.exclude(state=State.WITHDRAWN)}
    return [Billed(one, counted.get(one.number)) for one in periods_of(contract) if one.first <= last and one.last >= first]


def withdrawn_in(contract: Contract, year: int) -> list[Invoice]:
    """Withdrawn invoices of a fiscal year's periods."""
    parts = [one.number for one in periods_of(contract) if fiscal_year(one.last) == year]
    return list(Invoice.objects.filter(state=State.WITHDRAWN, part__in=parts))


def years_of(contract: Contract) -> list[int]:
    """Fiscal years of a contract's periods."""
    return sorted({fiscal_year(one.last) for one in periods_of(contract)})


def overdue_at(today: dt.date) -> list[Invoice]:
    """Received invoices whose last day to pay has gone by, the oldest first."""
    return list(Invoice.objects.filter(state__in=(State.RECEIVED, State.OVERDUE), due_on__lt=today).order_by("due_on"))


def open_sum() -> int:
    """Yen that were invoiced and not paid yet."""
    return sum(Invoice.objects.filter(state__in=OPEN).values_list("total", flat=True))


def ledger(year: int | None = None, kind: str = "") -> list[Expenditure]:
    """Lines of the ledger, of a fiscal year and of a kind of spending, by day."""
    rows = Expenditure.objects.select_related("reverses")
    if year is not None:
        rows = rows.filter(spent_on__range=(dt.date(year, 4, 1), dt.date(year + 1, 3, 31)))
    return list(rows.filter(kind=kind) if kind else rows)
