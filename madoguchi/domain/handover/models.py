"""Packages of a handover and the erasure of a contract's personal data."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import Stage, Variant


class Package(TenantModel):
    """One handover package. ``made`` of ``items`` things are there; it is offered from ``ready_at`` on and goes at ``erase_at``.

    ``digest`` is the SHA-256 of its file of checksums, so that one value names the whole package. ``problem`` says why the last try failed.
    """

    variant = models.CharField("内容", max_length=8, choices=Variant.choices)
    ordered_at = models.DateTimeField()
    ordered_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    items = models.SmallIntegerField()
    made = models.SmallIntegerField(default=0)
    ready_at = models.DateTimeField(null=True)
    digest = models.CharField("SHA-256", max_length=64, blank=True)
    erase_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)
    fetched_at = models.DateTimeField(null=True)
    fetches = models.IntegerField(default=0)
    attempts = models.SmallIntegerField(default=0)
    problem = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-ordered_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "variant"], name="package_one_in_the_making", condition=Q(ready_at=None, erased_at=None)),
            models.CheckConstraint(condition=Q(ready_at=None) | Q(made=models.F("items")) & ~Q(digest=""), name="package_whole_when_ready"),
        ]


class PackageFile(TenantModel):
    """One file of a package: its path, what it is, its size and SHA-256; ``rows`` and ``columns`` of a table."""

    package = models.ForeignKey(Package, models.CASCADE, related_name="+", db_index=False)
    item = models.CharField(max_length=40)
    path = models.CharField(max_length=120)
    title = models.CharField(max_length=120)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    rows = models.IntegerField(null=True)
    about = models.JSONField(default=dict)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["contract", "package", "path"], name="package_file_once")]


class PackagePart(TenantModel):
    """A piece of a file, compressed and sealed; pieces of one file follow each other by ``n``."""

    file = models.ForeignKey(PackageFile, models.CASCADE, related_name="+", db_index=False)
    n = models.IntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "file", "n"], name="package_part_once")]


class Erasure(TenantModel):
    """The erasure of the contract's personal data at its end: who asked, who confirmed, from when it runs, what the certificate says.

    ``ends_on`` is the contract's last day; ``returned`` says that the city has received the data or needs no return; ``copies_until`` is the day on
    which the last backup with the data is destroyed. ``certificate`` is frozen when all is done, ``digest`` its SHA-256 over canonical JSON.
    """

    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.ASKED)
    ends_on = models.DateField("契約の最終日")
    reason = models.CharField("根拠", max_length=200)
    copies_until = models.DateField("バックアップの廃棄日")
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    returned = models.BooleanField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    begins_at = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(null=True)
    keys = models.SmallIntegerField(default=0)
    problem = models.CharField(max_length=200, blank=True)
    done_at = models.DateTimeField(null=True)
    certificate = models.JSONField(null=True)
    digest = models.CharField("SHA-256", max_length=64, blank=True)

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["contract"], name="erasure_one_open", condition=~Q(stage=Stage.CALLED_OFF)),
            models.CheckConstraint(condition=Q(confirmed_by=None) | ~Q(confirmed_by=models.F("asked_by")), name="erasure_by_two"),
            models.CheckConstraint(
                condition=~Q(stage__in=[Stage.WAITING, Stage.TABLES, Stage.DONE]) | Q(confirmed_by__isnull=False, begins_at__isnull=False),
                name="erasure_confirmed",
            ),
            models.CheckConstraint(condition=~Q(stage=Stage.DONE) | Q(done_at__isnull=False) & ~Q(digest=""), name="erasure_certified"),
        ]


class ErasedCount(TenantModel):
    """How many records of one kind an erasure has blanked or deleted; ``columns`` are the names of what went."""

    erasure = models.ForeignKey(Erasure, models.CASCADE, related_name="+", db_index=False)
    code = models.CharField(max_length=60)
    title = models.CharField(max_length=80)
    columns = ArrayField(models.CharField(max_length=40), default=list)
    way = models.CharField(max_length=20)
    records = models.IntegerField(default=0)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["contract", "erasure", "code"], name="erased_count_once")]
