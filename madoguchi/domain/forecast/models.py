"""The one table: what the city counted."""

from __future__ import annotations

from django.db import models

from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import Kind


class Cohort(TenantModel):
    """How many cards or certificates of the city expire in a month (its first day)."""

    kind = models.CharField(max_length=11, choices=Kind.choices)
    month = models.DateField()
    count = models.IntegerField()

    class Meta:
        ordering = ["month", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "kind", "month"], name="cohort_once"),
            models.CheckConstraint(condition=models.Q(count__gte=0), name="cohort_count"),
        ]
