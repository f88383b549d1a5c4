"""The record of photos."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Site
from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import State


class Photo(TenantModel):
    """One photo. ``name`` is its path at the place, ``sha256`` and ``size`` are those of what was handed over; ``sealed`` holds the
    picture only while the place does not answer; ``trouble`` says why it did not.
    """

    ref = models.CharField(max_length=40)
    site = models.ForeignKey(Site, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    started_at = models.DateTimeField()
    started_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    taken_at = models.DateTimeField(null=True)
    size = models.IntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    delivered_at = models.DateTimeField(null=True)
    server_deleted_at = models.DateTimeField(null=True)
    device_deleted_at = models.DateTimeField(null=True)
    sealed = models.BinaryField(null=True)
    keep_until = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(null=True)
    tries = models.SmallIntegerField(default=0)
    trouble = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "name"], name="photo_name"),
            models.CheckConstraint(
                condition=(
                    Q(state__in=["open", "dropped"], sealed=None, taken_at=None, delivered_at=None)
                    | Q(state="waiting", sealed__isnull=False, keep_until__isnull=False, next_try_at__isnull=False, delivered_at=None)
                    | Q(state="delivered", sealed=None, taken_at__isnull=False, delivered_at__isnull=False, server_deleted_at__isnull=False)
                    | Q(state="lost", sealed=None, delivered_at=None, server_deleted_at__isnull=False)
                ),
                name="photo_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["contract", "started_at"], name="photo_by_day"),
            models.Index(fields=["contract", "next_try_at"], name="photo_waiting", condition=Q(state="waiting")),
            models.Index(fields=["contract", "ref"], name="photo_by_ref"),
        ]
