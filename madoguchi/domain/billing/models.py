"""Tables of billing."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import Spending, State

OPEN = (State.ISSUED, State.RECEIVED, State.OVERDUE)
"""Issued, and not paid yet."""


class Invoice(TenantModel):
    """An invoice for one period. Money is yen; ``content`` is what an issued one says, to the letter, and ``sha256`` its fingerprint.

    ``evidence`` names the inspection that was passed, ``due_on`` is the last day to pay.
    """

    number = models.IntegerField(null=True)
    part = models.SmallIntegerField()
    unit = models.CharField(max_length=10)
    first = models.DateField()
    last = models.DateField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.DRAFT)
    prices = models.CharField(max_length=5)
    net = models.BigIntegerField()
    tax = models.BigIntegerField()
    total = models.BigIntegerField()
    evidence = models.CharField(max_length=200, blank=True)
    inspected_on = models.DateField(null=True)
    corrects = models.ForeignKey("self", models.PROTECT, related_name="+", null=True)
    prepared_at = models.DateTimeField()
    prepared_by = models.CharField(max_length=80)
    issued_on = models.DateField(null=True)
    content = models.JSONField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    received_on = models.DateField(null=True)
    due_on = models.DateField(null=True)
    paid_on = models.DateField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_because = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["first", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "number"], name="invoice_number_once", violation_error_message="この請求番号は、すでに使われています。"
            ),
            models.UniqueConstraint(
                fields=["contract", "part"], name="invoice_of_a_period", condition=~Q(state="withdrawn"),
                violation_error_message="この期間の請求書は、すでにあります。",
            ),
            models.CheckConstraint(condition=Q(total=F("net") + F("tax")) & (Q(number=None) | Q(number__gte=1)), name="invoice_adds_up"),
            models.CheckConstraint(
                condition=Q(number=None, issued_on=None, content=None, sha256="")
                | Q(number__isnull=False, issued_on__isnull=False, content__isnull=False) & ~Q(sha256=""),
                name="invoice_issued_whole",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", number=None)
                | Q(state="issued", number__isnull=False, received_on=None)
                | Q(state__in=("received", "overdue"), number__isnull=False, received_on__isnull=False, due_on__isnull=False, paid_on=None)
                | Q(state="paid", number__isnull=False, paid_on__isnull=False)
                | Q(state="withdrawn", withdrawn_at__isnull=False, paid_on=None) & ~Q(withdrawn_because=""),
                name="invoice_state",
                violation_error_message="請求書の状態と内容が合いません。",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["contract", "first"], name="invoice_by_period")]

    @property
    def label(self) -> str:
        """How people call it: ``請求書 第3号``."""
        return f"請求書 第{self.number}号" if self.number else "請求書（下書き）"


class InvoiceLine(TenantModel):
    """One line. ``quantity`` may have a half; ``rate`` is that of the consumption tax."""

    invoice = models.ForeignKey(Invoice, models.CASCADE, related_name="+", db_index=False)
    position = models.SmallIntegerField()
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    quantity = models.DecimalField(max_digits=7, decimal_places=1)
    unit = models.CharField(max_length=6)
    unit_price = models.BigIntegerField()
    amount = models.BigIntegerField()
    rate = models.DecimalField(max_digits=4, decimal_places=3)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["contract", "invoice", "position"], name="invoice_line_once")]


class Expenditure(TenantModel):
    """One line of the ledger: money spent, with tax.

    ``reverses`` takes another line back with the opposite sign; ``kept_until`` is the last day of its keeping.
    """

    spent_on = models.DateField()
    kind = models.CharField(max_length=10, choices=Spending.choices)
    payee = models.CharField(max_length=120)
    amount = models.BigIntegerField()
    tax = models.BigIntegerField()
    evidence = models.CharField(max_length=80)
    note = models.CharField(max_length=200, blank=True)
    reverses = models.ForeignKey("self", models.PROTECT, related_name="+", null=True, db_index=False)
    kept_until = models.DateField()
    entered_at = models.DateTimeField()
    entered_by = models.CharField(max_length=80)

    class Meta:
        ordering = ["spent_on", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "reverses"], name="expenditure_reversed_once", violation_error_message="この行は、すでに取り消されています。"
            ),
            models.CheckConstraint(
                condition=Q(reverses=None, amount__gt=0, tax__gte=0, tax__lte=F("amount"))
                | Q(reverses__isnull=False, amount__lt=0, tax__lte=0, tax__gte=F("amount")),
                name="expenditure_amounts",
                violation_error_message="金額と消費税額が合いません。",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["contract", "spent_on"], name="expenditure_by_day")]
