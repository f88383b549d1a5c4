"""Tables of the ledger of obligations. ``obligation`` is the code of a duty in the profile, ``key`` that of one occasion (``rules.py``)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import Source


class Ledger(TenantModel):
    """The day from which occasions count; one row per contract."""

    opened_on = models.DateField("台帳を始める日")
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract"], name="ledger_once", violation_error_message="台帳は契約に1つです。")]


class Event(TenantModel):
    """Something that makes an obligation without calendar fall due: ``on`` is the day of the change, the incident, or the date asked for.

    ``ref`` names the record that it comes from (``incident:12``), of which it is the only one; empty when a person wrote it down.
    """

    obligation = models.CharField(max_length=40)
    on = models.DateField("日")
    note = models.CharField("内容", max_length=200)
    ref = models.CharField(max_length=40, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=80)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.CharField(max_length=80, blank=True)
    withdrawn_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["on", "id"]
        constraints = [models.UniqueConstraint(fields=["contract", "obligation", "ref"], name="event_of_a_record", condition=~Q(ref=""))]
        indexes = [models.Index(fields=["contract", "obligation"], name="event_by_obligation")]


class Evidence(TenantModel):
    """What shows that an occasion was met on ``met_on``. Only the withdrawal and the city's confirmation are added later.

    ``reference`` names a record or a document. Of a figure ``value`` is what was measured, ``reached`` whether it was enough (None: there
    was nothing to count); of everything else ``reached`` is true.
    """

    obligation = models.CharField(max_length=40)
    key = models.CharField(max_length=20)
    source = models.CharField(max_length=8, choices=Source.choices)
    met_on = models.DateField("行った日")
    reference = models.CharField("証拠", max_length=200)
    note = models.CharField("補足", max_length=400, blank=True)
    file_hash = models.CharField("SHA-256", max_length=64, blank=True)
    value = models.FloatField(null=True)
    reached = models.BooleanField(null=True, default=True)
    entered_at = models.DateTimeField()
    entered_by = models.CharField(max_length=80)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.CharField(max_length=80, blank=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.CharField(max_length=80, blank=True)
    withdrawn_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "obligation", "key"], name="evidence_one_standing", condition=Q(withdrawn_at=None),
                violation_error_message="この回の証拠は、すでに記録されています。",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None, withdrawn_reason="") | Q(withdrawn_at__isnull=False) & ~Q(withdrawn_reason=""),
                name="evidence_withdrawn_with_reason", violation_error_message="取り下げの理由を入力してください。",
            ),
        ]  # fmt: skip


class Breach(TenantModel):
    """An occasion that was not met by its due date, or a figure that was not reached; recorded once, open until ``closed_at``."""

    obligation = models.CharField(max_length=40)
    key = models.CharField(max_length=20)
    due_on = models.DateField()
    recorded_at = models.DateTimeField()
    explanation = models.CharField("理由と対応", max_length=400, blank=True)
    explained_at = models.DateTimeField(null=True)
    explained_by = models.CharField(max_length=80, blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["due_on", "id"]
        constraints = [models.UniqueConstraint(fields=["contract", "obligation", "key"], name="breach_once")]


class Reminder(TenantModel):
    """A reminder that went out ``days`` before an occasion was due."""

    obligation = models.CharField(max_length=40)
    key = models.CharField(max_length=20)
    days = models.SmallIntegerField()
    sent_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "obligation", "key", "days"], name="due_reminder_once")]
