"""Papers that are kept, and how often they were destroyed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db.models import Count, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from madoguchi.ground.contracts.models import Contract

from ..enums import Stage, Unit
from ..models import Bundle, Collection
from ..rules import JST, Ledger, fiscal_year, ledger, parts_of_year


def kept() -> QuerySet[Bundle]:
    """What lies there now, the oldest first."""
    return Bundle.objects.filter(withdrawn_at=None, collection=None).select_related("kept_by")


def volume_text(bundles: Iterable[Bundle]) -> str:
    """``3箱・袋　1,200枚・15kg``: how many, and the volume by unit."""
    rows = list(bundles)
    sums = {unit: sum(one.volume for one in rows if one.unit == unit) for unit in Unit.values}
    volumes = "・".join(f"{total:,}{Unit(unit).label}" for unit, total in sums.items() if total)
    return f"{len(rows)}箱・袋　{volumes}" if rows else "なし"


def collections() -> QuerySet[Collection]:
    """Every day that was not cancelled with how many bundles it took, the latest first."""
    rows = Collection.objects.exclude(stage=Stage.CANCELLED).select_related("collected_by", "confirmed_by")
    counted = Bundle.objects.filter(collection=OuterRef("pk")).order_by().values("collection").annotate(n=Count("id")).values("n")
    return rows.annotate(bundles=Coalesce(Subquery(counted), Value(0))).order_by("-on", "-id")


def bundles_of(collection: Collection) -> QuerySet[Bundle]:
    """What a day took."""
    return Bundle.objects.filter(collection=collection).select_related("kept_by")


def this_year(contract: Contract, now: dt.datetime) -> Ledger | None:
    """How often papers were destroyed this fiscal year against what was agreed; None where nothing was agreed."""
    profile = contract.profile
    duty = profile.duty(profile.shredding.duty) if profile.shredding else None
    if duty is None or duty.due.times is None:
        return None
    today = now.astimezone(JST).date()
    month = profile.fiscal.year_starts_month
    first, last = fiscal_year(today, month)
    done = Collection.objects.filter(stage=Stage.DESTROYED, on__range=(first, last)).count()
    return ledger(parts_of_year(today, month, duty.due.times, (profile.term.service_from, profile.term.service_to)), done, today)
