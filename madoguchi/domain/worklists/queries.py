"""Reads of work lists. Inside ``contract_scope``; nothing here is personal data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate

from madoguchi.ground.contracts.profile import WorkList
from madoguchi.ground.kit.clock import JST

from .enums import State
from .models import Batch, Entry, EntryStep

DAYS_SHOWN = 14


@dataclass(frozen=True)
class Progress:
    """How far a list is. ``ready`` can be worked on today, ``late`` of the open ones are beyond their date, ``today`` ended today."""

    total: int
    done: int
    ready: int
    in_hand: int
    deferred: int
    late: int
    today: int

    @property
    def open(self) -> int:
        """Entries that have not ended."""
        return self.total - self.done


def progress(code: str, now: dt.datetime) -> Progress:
    """Counts of a list at a moment."""
    today = now.astimezone(JST).date()
    begin = dt.datetime.combine(today, dt.time(), JST)
    in_hand = Q(state=State.CLAIMED, claim_ends_at__gt=now)
    deferred = Q(state=State.DEFERRED, again_on__gt=today)
    found = Entry.objects.filter(worklist=code).aggregate(
        total=Count("id"),
        done=Count("id", filter=Q(state=State.DONE)),
        in_hand=Count("id", filter=in_hand),
        deferred=Count("id", filter=deferred),
        late=Count("id", filter=~Q(state=State.DONE) & Q(due_on__lt=today)),
        today=Count("id", filter=Q(state=State.DONE, ended_at__gte=begin)),
    )
    return Progress(ready=found["total"] - found["done"] - found["in_hand"] - found["deferred"], **found)


def by_day(code: str, now: dt.datetime) -> list[tuple[dt.date, int]]:
    """Ended entries of each of the last :data:`DAYS_SHOWN` days, zeros included."""
    last = now.astimezone(JST).date()
    first = last - dt.timedelta(days=DAYS_SHOWN - 1)
    begin = dt.datetime.combine(first, dt.time(), JST)
    counted = dict(
        Entry.objects.filter(worklist=code, state=State.DONE, ended_at__gte=begin)
        .annotate(day=TruncDate("ended_at", tzinfo=JST)).values_list("day").annotate(n=Count("id")).order_by("day")
    )  # fmt: skip
    return [(day, counted.get(day, 0)) for day in (first + dt.timedelta(days=n) for n in range(DAYS_SHOWN))]


def by_result(terms: WorkList) -> list[tuple[str, int]]:
    """Label and count of each result of the list, those of results no longer agreed by their code."""
    counted = dict(Entry.objects.filter(worklist=terms.code, state=State.DONE).values_list("result").annotate(n=Count("id")).order_by("result"))
    rows = [(one.label, counted.pop(one.code, 0)) for one in terms.results]
    return rows + sorted(counted.items())


def by_person(code: str, now: dt.datetime) -> list[tuple[str, int]]:
    """Who ended how many today, the most first."""
    begin = dt.datetime.combine(now.astimezone(JST).date(), dt.time(), JST)
    done = Entry.objects.filter(worklist=code, state=State.DONE, ended_at__gte=begin)
    return [(name, n) for name, n in done.values_list("owner__name").annotate(n=Count("id")).order_by("-n", "owner__name")]


def entries(terms: WorkList, *, state: str = "", result: str = "", key: str = "", to_city: bool = False) -> QuerySet[Entry]:
    """Entries in the order of the city's files; empty conditions ask for nothing."""
    rows = Entry.objects.filter(worklist=terms.code)
    if state:
        rows = rows.filter(state=state)
    if result:
        rows = rows.filter(result=result)
    if to_city:
        rows = rows.filter(result__in=[one.code for one in terms.results if one.to_city])
    if key:
        rows = rows.filter(key__icontains=key)
    return rows.select_related("owner", "batch").order_by("batch__imported_at", "batch_id", "line")


def batches(code: str) -> QuerySet[Batch]:
    """The files taken in, the latest first."""
    return Batch.objects.filter(worklist=code)


def steps(entry: Entry) -> QuerySet[EntryStep]:
    """What happened to an entry, the latest first."""
    return EntryStep.objects.filter(entry=entry).order_by("-at", "-id")


HEADER = ("期限", "状態", "結果", "後日の理由", "次に作業する日", "終わった日時", "担当", "取り込んだファイル", "行")


def export_rows(terms: WorkList, rows: QuerySet[Entry]) -> Iterator[list[str | int | dt.date | dt.datetime | None]]:
    """A line of the city's file back with what became of it: the number, then :data:`HEADER`."""
    results = {one.code: one.label for one in terms.results}
    reasons = {one.code: one.label for one in terms.reasons}
    for row in rows.iterator(chunk_size=2000):
        ended = row.ended_at.astimezone(JST) if row.ended_at else None
        yield [
            row.key, row.due_on, row.get_state_display(), results.get(row.result, row.result), reasons.get(row.reason, row.reason), row.again_on,
            ended, str(row.owner) if row.owner and row.state == State.DONE else "", row.batch.name, row.line,
        ]  # fmt: skip
