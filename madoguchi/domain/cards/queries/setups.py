"""Reads of batches."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from ..enums import SetupStatus
from ..models import Batch, Setup


@dataclass(frozen=True)
class Progress:
    """How far a batch is. ``done`` counts cards whose check was good."""

    batch: Batch
    planned: int
    waiting: int
    done: int
    failed: int

    @property
    def left(self) -> int:
        """Cards still missing to the target."""
        return max(0, self.batch.target - self.done)


def progress_of(batch_id: int) -> Progress | None:
    """One batch with its counts; None when there is none of that id."""
    return next(iter(_progress(Batch.objects.filter(pk=batch_id))), None)


def batches(most: int = 30) -> list[Progress]:
    """The newest batches with their counts."""
    return _progress(Batch.objects.all())[:most]


def _progress(rows: QuerySet[Batch]) -> list[Progress]:
    found = list(rows.select_related("opened_by").order_by("-day")[:60])
    counts: dict[int, dict[str, int]] = {}
    for batch, status, n in Setup.objects.filter(batch__in=found).order_by().values_list("batch_id", "status").annotate(n=Count("pk")):
        counts.setdefault(batch, {})[status] = n
    return [
        Progress(
            batch, *(counts.get(batch.pk, {}).get(status, 0) for status in (
                SetupStatus.PLANNED, SetupStatus.WORKED, SetupStatus.PASSED, SetupStatus.FAILED,
            ))
        )
        for batch in found
    ]  # fmt: skip


def setups_of(batch: Batch) -> QuerySet[Setup]:
    """The cards of a batch: what waits for a check first, then what is to do, then what is done."""
    return Setup.objects.filter(batch=batch).select_related("card", "worked_by", "checked_by").order_by("card__number", "pk")


def waiting_checks() -> QuerySet[Setup]:
    """Setups that wait for a second person, oldest first."""
    return Setup.objects.filter(status=SetupStatus.WORKED).select_related("card", "worked_by").order_by("worked_at", "pk")


def open_batch(today: dt.date) -> Batch | None:
    """The batch to work on: today's, else the newest that is open."""
    rows = Batch.objects.filter(closed_at=None).filter(Q(day__lte=today)).order_by("-day")
    return rows.first()
