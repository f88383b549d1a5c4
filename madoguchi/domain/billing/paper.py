"""What an invoice says: everything a 適格請求書 must name, as plain values that are kept and fingerprinted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from madoguchi.ground.contracts.models import Contract

from .models import Invoice
from .rules import Line, totals


def _plain(number: Decimal) -> str:
    """The same text for the same number, however many zeros follow."""
    return f"{number.normalize():f}"


def paper(contract: Contract, invoice: Invoice, lines: Sequence[Line], *, number: int | None, issued_on: dt.date | None) -> dict[str, Any]:
    """Issuer with registration number, recipient, days of the work, lines, and per rate the sum and its tax; amounts in yen, rates as text."""
    profile = contract.profile
    reduced = {charge.code for charge in profile.payment.charges if charge.tax_rate is not None and 0 < charge.tax_rate < profile.payment.tax_rate}
    sums = totals(lines, prices=invoice.prices, rounding=profile.payment.tax_rounding)
    return {
        "contract": contract.code,
        "title": profile.title,
        "number": number,
        "corrects": invoice.corrects.number if invoice.corrects else None,
        "issued_on": issued_on.isoformat() if issued_on else None,
        "first": invoice.first.isoformat(),
        "last": invoice.last.isoformat(),
        "issuer": {"name": profile.contractor.name, "address": profile.contractor.address, "registration": profile.contractor.invoice_registration or ""},
        "recipient": profile.city.name,
        "prices": invoice.prices,
        "rounding": profile.payment.tax_rounding,
        "lines": [
            {
                "code": one.code, "name": one.name, "quantity": _plain(one.quantity), "unit": one.unit, "unit_price": one.unit_price,
                "amount": one.amount, "rate": _plain(one.rate), "reduced": one.code in reduced,
            }
            for one in lines
        ],
        "rates": [{"rate": _plain(one.rate), "net": one.net, "tax": one.tax} for one in sums.rates],
        "net": sums.net,
        "tax": sums.tax,
        "total": sums.total,
        "bank": profile.payment.bank,
        "days_to_pay": profile.payment.days_to_pay,
        "evidence": invoice.evidence,
        "inspected_on": invoice.inspected_on.isoformat() if invoice.inspected_on else None,
    }  # fmt: skip
