"""Invoices as PDF: what an issued one kept when it got its number, set for the post; drafts and withdrawn ones are marked across the page."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import typeset
from madoguchi.ground.kit.clock import JST

from .enums import State
from .models import Invoice
from .paper import paper
from .queries import written_lines
from .rules import registration_shown

TEMPLATE = "domain/billing/typst/invoice.typ"
ROUNDED = {"floor": "切り捨て", "ceil": "切り上げ", "half_up": "四捨五入し"}


def pdf_of(contract: Contract, invoice: Invoice) -> bytes:
    """The PDF of an invoice: the same bytes as long as it is not withdrawn (inside ``contract_scope``). Raises :class:`typeset.FontsMissing`."""
    content = invoice.content or paper(contract, invoice, written_lines(invoice), number=None, issued_on=None)
    made = dt.datetime.combine(invoice.issued_on, dt.time(), JST) if invoice.issued_on else invoice.prepared_at
    return typeset.pdf(TEMPLATE, _printed(content, State(invoice.state), invoice.sha256), at=made)


def _printed(content: dict[str, Any], state: State, digest: str) -> dict[str, Any]:
    """Words for every field of the template; invoices that were issued before papers named the days to pay do not say them."""
    mark = {State.DRAFT: "下書き", State.WITHDRAWN: "取り下げ済み"}.get(state, "")
    days = content.get("days_to_pay")
    return {
        "mark": mark, "digest": digest, "contract": content["contract"], "title": content["title"], "number": content["number"],
        "corrects": content["corrects"], "recipient": content["recipient"], "issued_on": _day(content["issued_on"]),
        "issuer": content["issuer"]["name"], "address": content["issuer"]["address"], "registration": registration_shown(content["issuer"]["registration"]),
        "first": _day(content["first"]), "last": _day(content["last"]), "with_tax": content["prices"] == "gross",
        "lines": [
            {
                "name": one["name"] + ("※" if one["reduced"] else ""), "quantity": f"{one['quantity']}{one['unit']}",
                "unit_price": f"{one['unit_price']:,}", "amount": f"{one['amount']:,}", "rate": _percent(one["rate"]),
            }
            for one in content["lines"]
        ],
        "reduced": any(one["reduced"] for one in content["lines"]),
        "rates": [
            {"rate": _percent(one["rate"]), "net": f"{one['net']:,}", "tax": f"{one['tax']:,}", "total": f"{one['net'] + one['tax']:,}"}
            for one in content["rates"]
        ],
        "net": f"{content['net']:,}", "tax": f"{content['tax']:,}", "total": f"{content['total']:,}",
        "rounding": ROUNDED[content["rounding"]], "bank": content["bank"], "evidence": content["evidence"],
        "inspected_on": _day(content["inspected_on"]),
        "due": f"請求書を受理された日の翌日から{days}日以内" if days else "",
    }  # fmt: skip


def _day(text: str | None) -> str:
    if not text:
        return ""
    day = dt.date.fromisoformat(text)
    return f"{day.year}年{day.month}月{day.day}日"


def _percent(rate: str) -> str:
    return f"{(Decimal(rate) * 100).normalize():f}%"
