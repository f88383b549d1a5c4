"""What is owed for a period, with its tax, and until when: pure arithmetic in whole yen.

Sources: 消費税法 article 57-4 and 消費税法施行令 article 70-10 (tax of a 適格請求書: once per invoice and rate, from the sum without tax
times the rate, or from the sum with tax times rate ÷ (1 + rate)); 政府契約の支払遅延防止等に関する法律 articles 6 and 14 (30 days from the receipt of a
proper invoice); 民法 articles 140 and 142 (the first day is not counted, and a last day on which nobody trades moves on).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from madoguchi.ground.contracts.calendar import subtract
from madoguchi.ground.contracts.profile import Charge, Payment, Term
from madoguchi.ground.kit.dates import fiscal_year, fiscal_year_span

from .enums import State

Span = tuple[dt.time, dt.time]
UNITS = {"month": "月", "quarter": "四半期", "day": "日", "instalment": "回", "final": "式"}
"""What the quantity of a line is counted in."""
NEXT: dict[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.ISSUED, State.WITHDRAWN}),
    State.ISSUED: frozenset({State.RECEIVED, State.WITHDRAWN}),
    State.RECEIVED: frozenset({State.PAID, State.OVERDUE, State.WITHDRAWN}),
    State.OVERDUE: frozenset({State.PAID, State.WITHDRAWN}),
    State.PAID: frozenset(),
    State.WITHDRAWN: frozenset(),
}
"""Where an invoice may go from a state."""
LONGEST_CLOSURE = 14


class Unpriced(ValueError):
    """The profile does not say an amount; the message is the name of the charge."""


@dataclass(frozen=True, slots=True)
class Period:
    """What one invoice is for; ``number`` counts from 1 over the term. ``unit``: month, quarter, instalment or final."""

    number: int
    first: dt.date
    last: dt.date
    unit: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line. ``unit_price`` and ``amount`` are yen, with or without tax as the invoice says; ``quantity`` may have a half."""

    code: str
    name: str
    quantity: Decimal
    unit: str
    unit_price: int
    amount: int
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Taxed:
    """The lines of one rate together: yen without tax, tax, and both."""

    rate: Decimal
    net: int
    tax: int

    @property
    def total(self) -> int:
        """With tax."""
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of an invoice; ``rates`` by rate, highest first."""

    rates: tuple[Taxed, ...]

    @property
    def net(self) -> int:
        """Without tax."""
        return sum(one.net for one in self.rates)

    @property
    def tax(self) -> int:
        """Tax of all rates."""
        return sum(one.tax for one in self.rates)

    @property
    def total(self) -> int:
        """What is to be paid."""
        return self.net + self.tax


def periods(payment: Payment, term: Term) -> tuple[Period, ...]:
    """What is invoiced over the service of a contract, in order, without gaps: calendar months, cut by the term; or quarters of
    the fiscal year; or months for the part payments and the rest of the term for the final one.
    """
    months = _months(term.service_from, term.service_to)
    if payment.kind == "quarterly_fixed":
        quarters: dict[tuple[int, int], list[tuple[dt.date, dt.date]]] = {}
        for first, last in months:
            quarters.setdefault((first.year, (first.month - 1) // 3), []).append((first, last))
        return tuple(Period(n, spans[0][0], spans[-1][1], "quarter") for n, spans in enumerate(quarters.values(), 1))
    if payment.instalments is None:
        return tuple(Period(n, first, last, "month") for n, (first, last) in enumerate(months, 1))
    parts = [Period(n, first, last, "instalment") for n, (first, last) in enumerate(months[: payment.instalments], 1)]
    rest = months[payment.instalments :]
    return (*parts, Period(len(parts) + 1, rest[0][0], rest[-1][1], "final"))


def _months(first: dt.date, last: dt.date) -> list[tuple[dt.date, dt.date]]:
    spans = []
    while first <= last:
        following = (first.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        spans.append((first, min(last, following - dt.timedelta(days=1))))
        first = following
    return spans


def halves(usual: Sequence[Span], actual: Sequence[Span], partial_day: str) -> int:
    """How many half days a day counts for: 2 when the place was open as usual or longer, 0 when it stayed closed, and by
    ``partial_day`` when part of its usual hours fell out.
    """
    if not actual:
        return 0
    if not subtract(usual, actual):
        return 2
    return {"full": 2, "half": 1, "none": 0}[partial_day]


def rate_on(payment: Payment, charge: Charge, day: dt.date) -> Decimal:
    """The rate of tax of what is done on a day."""
    if charge.tax_rate is not None:
        return charge.tax_rate
    return next((change.rate for change in reversed(payment.tax_changes) if change.first <= day), payment.tax_rate)


def lines(payment: Payment, period: Period, *, worked: Mapping[str, Mapping[dt.date, int]], billed: int = 0) -> list[Line]:
    """The lines of an invoice. ``worked`` are half days by day for each charge by the day; ``billed`` is the sum of the part payments that
    were invoiced. Days under two rates make two lines; everything else takes the rate of the period's last day, on which it is complete.

    Raises :class:`Unpriced`.
    """
    found: list[Line] = []
    for charge in payment.charges:
        if charge.unit == "day":
            found += _by_day(payment, charge, worked[charge.code], period)
        elif charge.unit == period.unit:
            price = _price(payment, charge, billed)
            found.append(Line(charge.code, charge.name, Decimal(1), UNITS[charge.unit], price, price, rate_on(payment, charge, period.last)))
    return found


def _by_day(payment: Payment, charge: Charge, worked: Mapping[dt.date, int], period: Period) -> list[Line]:
    if charge.unit_price is None:
        raise Unpriced(charge.name)
    by_rate: dict[Decimal, int] = {rate_on(payment, charge, period.last): 0} if not worked else {}
    for day, count in sorted(worked.items()):
        rate = rate_on(payment, charge, day)
        by_rate[rate] = by_rate.get(rate, 0) + count
    return [
        Line(charge.code, charge.name, Decimal(count) / 2, UNITS["day"], charge.unit_price, charge.unit_price * count // 2, rate)
        for rate, count in by_rate.items()
    ]


def _price(payment: Payment, charge: Charge, billed: int) -> int:
    if charge.unit == "final":
        if payment.contract_sum is None:
            raise Unpriced(charge.name)
        return payment.contract_sum - billed
    if charge.unit_price is not None:
        return charge.unit_price
    if charge.unit == "instalment" and payment.contract_sum is not None and payment.instalments is not None:
        return payment.contract_sum // (payment.instalments + 1)
    raise Unpriced(charge.name)


def tax_of(amount: int, rate: Decimal, prices: str, rounding: str) -> int:
    """The tax of a sum without tax (``net``), or within a sum with tax (``gross``), rounded to whole yen; exact before the rounding."""
    share = Fraction(rate) if prices == "net" else Fraction(rate) / (1 + Fraction(rate))
    exact = amount * share
    down = exact.numerator // exact.denominator
    if exact == down or rounding == "floor":
        return down
    return down + 1 if rounding == "ceil" or exact - down >= Fraction(1, 2) else down


def totals(found: Sequence[Line], *, prices: str, rounding: str) -> Totals:
    """Sums by rate, with tax rounded once per rate."""
    by_rate: dict[Decimal, int] = {}
    for line in found:
        by_rate[line.rate] = by_rate.get(line.rate, 0) + line.amount
    rates = []
    for rate, amount in sorted(by_rate.items(), reverse=True):
        tax = tax_of(amount, rate, prices, rounding)
        rates.append(Taxed(rate, amount if prices == "net" else amount - tax, tax))
    return Totals(tuple(rates))


def due_on(received: dt.date, days: int, on_closed: str, closed: Callable[[dt.date], bool]) -> dt.date:
    """The last day to pay: ``days`` after the receipt, whose own day is not counted; moved off a closed day as ``on_closed`` says."""
    due = received + dt.timedelta(days=days)
    step = {"as_is": 0, "before": -1, "after": 1}[on_closed]
    for _ in range(LONGEST_CLOSURE if step else 0):
        if not closed(due):
            break
        due += dt.timedelta(days=step)
    return due


def kept_until(ended: dt.date, years: int) -> dt.date:
    """The last day on which books are kept: the end of the fiscal year in which the work ended, and ``years`` fiscal years more."""
    return fiscal_year_span(fiscal_year(ended) + years)[1]


def sha256(content: Mapping[str, Any]) -> str:
    """Fingerprint of what an invoice says: SHA-256 of its JSON with sorted keys and no spaces, in UTF-8."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def registration_shown(number: str | None) -> str:
    """A registration number as people read it, ``T9 0000 0000 0000``; empty without one."""
    return f"{number[:2]} {number[2:6]} {number[6:10]} {number[10:]}" if number else ""
