"""Tables of the rooms of the counter."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Site
from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import Holder, Kind, OutingStage, Result, Stage, Unit, Why


class Run(TenantModel):
    """A checklist of a site and a day. ``items`` are the profile's items (code, label, required, by, unit, minimum) as they were when
    it began; ``due_at`` the moment it was due by the calendar then. ``told_at``: the leaders have been told that it is late.
    """

    checklist = models.CharField(max_length=30)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    day = models.DateField()
    items = models.JSONField()
    due_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "site", "checklist", "day"], name="run_once")]
        indexes = [models.Index(fields=["contract", "day"], name="run_by_day")]


class Mark(TenantModel):
    """One item of a run, done or not possible. ``reading`` is the number that was read off; ``note`` names nobody."""

    run = models.ForeignKey(Run, models.PROTECT, related_name="+", db_index=False)
    item = models.CharField(max_length=40)
    result = models.CharField(max_length=10, choices=Result.choices)
    reading = models.IntegerField(null=True)
    why = models.CharField(max_length=8, choices=Why.choices, blank=True)
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "run", "item"], name="mark_once", violation_error_message="この項目には、もう印が付いています。"
            ),
            models.CheckConstraint(
                condition=Q(result="done", why="") | Q(result="impossible") & ~Q(why=""), name="mark_whole",
                violation_error_message="できない理由を選んでください。",
            ),
        ]  # fmt: skip


class Collection(TenantModel):
    """A day on which papers are destroyed. ``told`` is the volume that was announced to the city, as text."""

    on = models.DateField()
    stage = models.CharField(max_length=9, choices=Stage.choices, default=Stage.PLANNED)
    planned_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    told_at = models.DateTimeField(null=True)
    told = models.CharField(max_length=200, blank=True)
    collected_at = models.DateTimeField(null=True)
    collected_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    certificate = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "on"], name="collection_day", condition=~Q(stage="cancelled"),
                violation_error_message="この日は、もう廃棄の日になっています。",
            ),
            models.CheckConstraint(
                condition=(
                    Q(stage__in=["planned", "cancelled"], collected_at=None, collected_by=None, confirmed_at=None, confirmed_by=None)
                    | Q(stage="collected", collected_at__isnull=False, collected_by__isnull=False, confirmed_at=None, confirmed_by=None)
                    | Q(stage="destroyed", collected_at__isnull=False, collected_by__isnull=False, confirmed_at__isnull=False)
                    & Q(confirmed_by__isnull=False) & ~Q(confirmed_by=F("collected_by")) & ~Q(certificate="")
                ),
                name="collection_whole",
                violation_error_message="回収した方とは別の方が確認してください。",
            ),
        ]  # fmt: skip


class Bundle(TenantModel):
    """Papers kept until they are destroyed."""

    kind = models.CharField(max_length=40)
    holder = models.CharField(max_length=3, choices=Holder.choices)
    volume = models.IntegerField()
    unit = models.CharField(max_length=6, choices=Unit.choices)
    place = models.CharField(max_length=200)
    kept_on = models.DateField()
    kept_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    withdrawn_at = models.DateTimeField(null=True)
    collection = models.ForeignKey(Collection, models.PROTECT, related_name="+", null=True)

    class Meta:
        ordering = ["kept_on", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(volume__gt=0), name="bundle_volume", violation_error_message="量は1以上で入力してください。"),
            models.CheckConstraint(condition=Q(withdrawn_at=None) | Q(collection=None), name="bundle_one_end"),
        ]  # fmt: skip


class Outing(TenantModel):
    """A day at another place. ``site`` is set where reservations for the place are taken at a site of the contract; ``equipment`` is a
    list of ``{"label", "out", "back"}``, the times of the ticks as ISO text or empty; ``results`` maps procedures to people.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+", null=True, db_index=False)
    place = models.CharField("場所", max_length=80)
    address = models.CharField("所在地", max_length=200)
    on = models.DateField()
    starts = models.TimeField()
    ends = models.TimeField()
    staff = models.SmallIntegerField()
    target = models.SmallIntegerField()
    note = models.CharField(max_length=200, blank=True)
    equipment = models.JSONField(default=list)
    stage = models.CharField(max_length=11, choices=OutingStage.choices, default=OutingStage.PLANNED)
    reason = models.CharField(max_length=120, blank=True)
    results = models.JSONField(default=dict)
    papers = models.SmallIntegerField(null=True)
    receipt = models.CharField(max_length=80, blank=True)
    reported_at = models.DateTimeField(null=True)
    handed_over_at = models.DateTimeField(null=True)
    handed_over_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)

    class Meta:
        ordering = ["on", "starts", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "on", "place"], name="outing_once", condition=~Q(stage="cancelled"),
                violation_error_message="同じ日、同じ場所の出張が、もうあります。",
            ),
            models.CheckConstraint(
                condition=Q(starts__lt=F("ends")), name="outing_hours",
                violation_error_message="終わりの時刻は、始まりより後にしてください。",
            ),
            models.CheckConstraint(
                condition=(
                    ~Q(stage="handed_over")
                    | Q(papers__isnull=False, handed_over_at__isnull=False, handed_over_by__isnull=False) & ~Q(receipt="")
                ),
                name="outing_receipt", violation_error_message="引き渡した枚数と受領番号を入力してください。",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["contract", "on"], name="outing_by_day")]
