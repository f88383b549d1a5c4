"""Tables: the counts of days, reports with their corrections, texts and forms, and requests for a correction.

Only ``services.days.count_days`` writes counts; they can be thrown away and made again from the facts.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import OPEN, Answer, State
from .periods import Period

WHOLE_DAY = -1
"""In ``hour``: the row holds a day by all else it may be split by. Rows with an hour leave out actor and language."""


class Group(TenantModel):
    """What the facts of one row have in common."""

    day = models.DateField()
    hour = models.SmallIntegerField()
    kind = models.CharField(max_length=40)
    site = models.CharField(max_length=40)
    channel = models.CharField(max_length=8)
    procedure = models.CharField(max_length=40)
    outcome = models.CharField(max_length=24)
    actor_kind = models.CharField(max_length=12)
    language = models.CharField(max_length=10)

    class Meta:
        abstract = True


GROUP = ("kind", "day", "hour", "site", "channel", "procedure", "outcome", "actor_kind", "language")


class DayCount(Group):
    """Sums over facts; those with a negative quantity count as minus one. ``waited`` and ``handled`` say how many have seconds at all."""

    records = models.BigIntegerField()
    quantity = models.BigIntegerField()
    wait = models.BigIntegerField()
    waited = models.BigIntegerField()
    handle = models.BigIntegerField()
    handled = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", *GROUP], name="one_count_of_a_group")]
        indexes = [models.Index(fields=["contract", "day"], name="count_by_day")]


class DaySpan(Group):
    """How many facts waited (``wait``) or were handled (``handle``) more than the edge before and up to ``upto`` seconds."""

    of = models.CharField(max_length=6)
    upto = models.IntegerField()
    records = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", *GROUP, "of", "upto"], name="one_span_of_a_group")]
        indexes = [models.Index(fields=["contract", "day"], name="span_by_day")]


class Report(TenantModel):
    """One version of a report of one period. ``code`` names what was agreed in the profile; ``first`` and ``last`` are days in Japan.

    ``content`` is null while figures are live, and is frozen by the signature: figures with the definitions they were made by, texts and
    corrections, as ``contents.py`` describes. ``digest`` is its SHA-256 over canonical JSON. ``drift`` is how many of its figures the facts
    say otherwise now, as last looked at. ``reason`` says why this version was made.
    """

    code = models.CharField(max_length=40)
    first = models.DateField("期間の初日")
    last = models.DateField("期間の末日")
    version = models.SmallIntegerField("版", default=1)
    state = models.CharField("状態", max_length=9, choices=State.choices, default=State.DRAFT)
    reason = models.CharField(max_length=500, blank=True)
    made_at = models.DateTimeField()
    content = models.JSONField(null=True)
    digest = models.CharField(max_length=64, blank=True)
    signed_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    signed_at = models.DateTimeField(null=True)
    submitted_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    submitted_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    decided_at = models.DateTimeField(null=True)
    comments = models.CharField("市のコメント", max_length=2000, blank=True)
    drift = models.IntegerField(default=0)

    class Meta:
        ordering = ["first", "code", "version"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "code", "first", "version"], name="report_version"),
            models.UniqueConstraint(fields=["contract", "code", "first"], name="report_one_open", condition=Q(state__in=OPEN)),
            models.CheckConstraint(
                condition=Q(state=State.DRAFT, content=None, digest="", signed_at=None) | (~Q(state=State.DRAFT) & Q(signed_at__isnull=False) & ~Q(digest="")),
                name="report_frozen_when_signed",
            ),
        ]

    @property
    def period(self) -> Period:
        """Its days."""
        return Period(self.first, self.last)


class Correction(TenantModel):
    """A figure put right by hand before the signature; the newest of a figure counts. Numbers are in the measure's unit, a share of 1 for ``%``.

    ``by`` and ``key`` name the row (a dimension and its value), both empty for the figure over the whole period.
    """

    report = models.ForeignKey(Report, models.CASCADE, related_name="+", db_index=False)
    measure = models.CharField(max_length=40)
    by = models.CharField(max_length=12, blank=True)
    key = models.CharField(max_length=60, blank=True)
    original = models.FloatField(null=True)
    value = models.FloatField()
    reason = models.CharField(max_length=300)
    corrected_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    corrected_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["contract", "report"], name="correction_by_report")]


class Passage(TenantModel):
    """A text of a report as a person wrote it; without a row the draft stands."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="+", db_index=False)
    code = models.CharField(max_length=40)
    text = models.TextField()
    written_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    written_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "report", "code"], name="passage_of_report")]


class Form(TenantModel):
    """A workbook of the city with placeholders; the newest of a report is used. It holds no personal data."""

    code = models.CharField(max_length=40)
    name = models.CharField("ファイル名", max_length=120)
    content = models.BinaryField()
    size = models.IntegerField()
    added_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    added_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["contract", "code"], name="form_by_report")]


class CorrectionRequest(TenantModel):
    """The city asks that a record or a report be put right. ``ref`` is the reference of the record (``case:5``, ``report:3``).

    ``words`` and ``answer`` seal ``{"text"}``: what people write may name residents.
    """

    ref = models.CharField("記録", max_length=60)
    words = models.BinaryField(null=True)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    state = models.CharField("状態", max_length=9, choices=Answer.choices, default=Answer.OPEN)
    answer = models.BinaryField(null=True)
    answered_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state=Answer.OPEN, answered_at=None) | (~Q(state=Answer.OPEN) & Q(answered_at__isnull=False)), name="request_answered"
            ),
        ]
