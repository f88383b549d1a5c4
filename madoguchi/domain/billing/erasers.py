"""Books past their keeping."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST

from .models import Expenditure, Invoice, InvoiceLine
from .queries import books_until


def erase_books(contract: Contract, now: dt.datetime) -> int:
    """The ledger and the invoices, from the day after the last day of their keeping; how many lines and invoices. Never a part of them."""
    if now.astimezone(JST).date() <= books_until(contract):
        return 0
    found = Expenditure.objects.count() + Invoice.objects.count()
    Expenditure.objects.filter(reverses__isnull=False).delete()
    Expenditure.objects.all().delete()
    InvoiceLine.objects.all().delete()
    Invoice.objects.update(corrects=None)
    Invoice.objects.all().delete()
    return found
