"""Contracts, their sites and the one-day changes of their calendar."""

from __future__ import annotations

from django.db import models

from . import registry
from .profile import Profile
from .tenancy import TenantModel


class Contract(models.Model):
    """One contract. Rows are made from the profiles by ``services.sync_profiles``; the code never changes.

    From ``closed_at`` on, when the erasure of residents' data began, its work is over: only what proves it is still written.
    """

    id = models.SmallAutoField(primary_key=True)
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField("市区町村", max_length=80)
    active = models.BooleanField(default=True)
    closed_at = models.DateTimeField("業務の記録を閉じた時刻", null=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name

    @property
    def profile(self) -> Profile:
        """What was agreed with the city; ``KeyError`` when the profile file is gone."""
        return registry.profile(self.code)


class Site(TenantModel):
    """A place where residents are served. Code and name come from the profile."""

    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=80)
    address = models.CharField(max_length=200, blank=True)
    position = models.SmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["contract", "code"], name="site_code")]

    def __str__(self) -> str:
        return self.name


class CalendarOverride(TenantModel):
    """A one-day change of the calendar by staff: an extra opening, other hours, a closure.

    ``site`` / ``channel`` empty means all. ``intervals`` is ``[["17:15","19:00"], …]`` in local time; for ``open`` they are added to
    the day, for ``hours`` they replace it, for ``closed`` they are empty (whole day) or cut out of the day.
    """

    class Kind(models.TextChoices):
        OPEN = "open", "臨時開庁"
        HOURS = "hours", "時間変更"
        CLOSED = "closed", "臨時閉庁"

    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="+")
    channel = models.CharField(max_length=10, blank=True)
    date = models.DateField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    intervals = models.JSONField(default=list)
    last_reception = models.TimeField(null=True, blank=True)
    reason = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["contract", "date"], name="override_by_date")]
