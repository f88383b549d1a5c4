"""Tables of incidents. Everything that people write is sealed; what is counted is plain."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import Effect, Kind, LegalResult, LineKind, Seriousness, State


class Incident(TenantModel):
    """One incident. ``words`` seals ``{"what", "first", "cause", "response"}``; ``origin`` is the record it came from (``escalation:5``).

    ``calls`` have been made so far, the next is due at ``call_at`` (none: acknowledged, or nobody is left to call). ``people`` is how many
    residents are concerned, ``wrongful`` that somebody may have meant harm. ``digest`` is the SHA-256 of what was reported in writing.
    """

    kind = models.CharField("種類", max_length=13, choices=Kind.choices)
    seriousness = models.CharField("重大さ", max_length=7, choices=Seriousness.choices)
    happened_at = models.DateTimeField("起きた日時")
    found_at = models.DateTimeField("気づいた日時")
    site = models.CharField("場所", max_length=40, blank=True)
    people = models.IntegerField("影響を受けた人数", null=True)
    wrongful = models.BooleanField("不正の目的によるおそれ", default=False)
    origin = models.CharField(max_length=40, blank=True)
    words = models.BinaryField(null=True)
    state = models.CharField("状態", max_length=13, choices=State.choices, default=State.REPORTED)
    reported_at = models.DateTimeField()
    reported_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    calls = models.SmallIntegerField(default=0)
    call_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    written_at = models.DateTimeField(null=True)
    written_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    digest = models.CharField(max_length=64, blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "origin"], name="incident_of_a_record", condition=~Q(origin=""),
                violation_error_message="この記録は、すでに報告されています。",
            ),
            models.CheckConstraint(condition=Q(call_at=None) | Q(acknowledged_at=None), name="incident_called_until_acknowledged"),
            models.CheckConstraint(
                condition=Q(state=State.CLOSED, closed_at__isnull=False) | ~Q(state=State.CLOSED) & Q(closed_at=None), name="incident_closed",
            ),
            models.CheckConstraint(condition=~Q(state__in=(State.WRITTEN, State.CLOSED)) | Q(written_at__isnull=False), name="incident_written"),
        ]
        indexes = [
            models.Index(fields=["contract", "call_at"], name="incident_to_call", condition=Q(call_at__isnull=False)),
            models.Index(fields=["contract", "reported_at"], name="incident_by_time"),
        ]  # fmt: skip

    @property
    def label(self) -> str:
        """How people call it: ``事故等 第12号``."""
        return f"事故等 第{self.pk}号"


class Line(TenantModel):
    """One entry of the timeline; ``by`` is empty for the system. ``words`` seals ``{"text"}``, ``detail`` names what was done without a person's words."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    kind = models.CharField(max_length=15, choices=LineKind.choices)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    detail = models.CharField(max_length=200, blank=True)
    words = models.BinaryField(null=True)

    class Meta:
        ordering = ["at", "id"]


class Prevention(TenantModel):
    """One thing against its happening again. ``words`` seals ``{"what", "effect"}``."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="+")
    owner = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    due_on = models.DateField("行う期限")
    words = models.BinaryField(null=True)
    added_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    check_on = models.DateField("効果を確かめる日", null=True)
    effect = models.CharField("効果", max_length=5, choices=Effect.choices, blank=True)
    checked_at = models.DateTimeField(null=True)
    checked_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)

    class Meta:
        ordering = ["due_on", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(done_at=None, check_on=None) | Q(done_at__isnull=False, check_on__isnull=False), name="prevention_done"),
            models.CheckConstraint(
                condition=Q(checked_at=None, effect="") | Q(checked_at__isnull=False, done_at__isnull=False) & ~Q(effect=""), name="prevention_checked",
            ),
        ]  # fmt: skip


class LegalRecord(TenantModel):
    """What became of a legal step of the profile, once per incident. ``words`` seals ``{"evidence"}``."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="+")
    code = models.CharField(max_length=40)
    result = models.CharField(max_length=10, choices=LegalResult.choices)
    on = models.DateField("行った日")
    words = models.BinaryField(null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "incident", "code"], name="legal_step_once", violation_error_message="この手続きは、すでに記録されています。",
            )
        ]  # fmt: skip
