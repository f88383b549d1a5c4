"""The facts, and the days that were touched since somebody counted them."""

from __future__ import annotations

from django.db import models

from madoguchi.ground.contracts.tenancy import TenantModel


class Fact(TenantModel):
    """One fact of work. ``kind`` is a dotted name such as ``booking.created``; ``ref`` is ``kind:id`` of the record."""

    at = models.DateTimeField()
    site = models.CharField(max_length=40, blank=True)
    channel = models.CharField(max_length=8)
    procedure = models.CharField(max_length=40, blank=True)
    actor_kind = models.CharField(max_length=12)
    kind = models.CharField(max_length=40)
    quantity = models.IntegerField(default=1)
    wait_seconds = models.IntegerField(null=True, blank=True)
    handle_seconds = models.IntegerField(null=True, blank=True)
    language = models.CharField(max_length=10, blank=True)
    outcome = models.CharField(max_length=24, blank=True)
    ref = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["contract", "at"], name="fact_by_time"),
            models.Index(fields=["contract", "ref"], name="fact_by_ref"),
        ]


class TouchedDay(TenantModel):
    """A mark that facts of a day (in Japan) were written, changed or taken away. Append-only: the database adds one per statement and day.

    Who counts a day takes its marks away in the same transaction, before looking at the facts. So without a mark a count is up to date.
    """

    day = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["contract", "day"], name="touched_by_day")]
