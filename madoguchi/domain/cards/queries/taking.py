"""Reads of stock-takes."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from ..enums import Spot
from ..models import Card, Difference, Seen, Stocktake
from ..rules import Sighting, show_box


def expected_cards(cabinet: str) -> QuerySet[Card]:
    """The cards that lie in a cabinet (empty: in any) by the record."""
    found: QuerySet[Card] = Card.objects.filter(spot=Spot.SLOT)
    return found.filter(cabinet=cabinet) if cabinet else found


def unseen_cards(taking: Stocktake) -> list[Card]:
    """Cards that have lain in the counted cabinet since before the count began and were not scanned; by place.

    What was put there after the beginning was in somebody's hands then and is not looked for; what was taken out is not there any more.
    """
    seen = Seen.objects.filter(stocktake=taking).values("number")
    waiting = expected_cards(taking.cabinet).filter(placed_at__lte=taking.begun_at).exclude(number__in=seen)
    return list(waiting.order_by("cabinet", "box", "slot"))


def sightings(taking: Stocktake) -> list[Sighting]:
    """Everything that was scanned, with what the record said then, and whether the card was moved since."""
    return [
        Sighting(one.number, one.box, one.recorded if one.card else None, moved_since=one.card is not None and one.card.placed_at > one.at)
        for one in Seen.objects.filter(stocktake=taking).select_related("card").order_by("number")
    ]


@dataclass(frozen=True)
class BoxCount:
    """One box of a count: how many cards the record has there, how many of them were scanned in it."""

    label: str
    expected: int
    seen: int


def box_counts(taking: Stocktake) -> list[BoxCount]:
    """Every box of the counted cabinet that holds cards by the record, with what was scanned of them."""
    rows = expected_cards(taking.cabinet).values("cabinet", "box").annotate(n=Count("pk")).order_by("cabinet", "box")
    seen = dict(Seen.objects.filter(stocktake=taking).order_by().values_list("box").annotate(n=Count("pk")))
    labels = {show_box(row["cabinet"], row["box"] or 0): row["n"] for row in rows}
    return [BoxCount(label, labels.get(label, 0), seen.get(label, 0)) for label in sorted({*labels, *seen})]


@dataclass(frozen=True)
class Taking:
    """A count in the list: how many numbers were scanned, how many did not fit, how many of those are not settled."""

    row: Stocktake
    seen: int
    differences: int
    open: int


def takings(most: int = 50) -> list[Taking]:
    """The newest counts: three statements however many."""
    rows = list(Stocktake.objects.select_related("begun_by", "closed_by")[:most])
    seen = dict(Seen.objects.filter(stocktake__in=rows).order_by().values_list("stocktake_id").annotate(n=Count("pk")))
    differ = {
        pk: (n, left)
        for pk, n, left in Difference.objects.filter(stocktake__in=rows).order_by().values_list("stocktake_id")
        .annotate(n=Count("pk"), left=Count("pk", filter=Q(resolution="")))
    }  # fmt: skip
    return [Taking(row, seen.get(row.pk, 0), *differ.get(row.pk, (0, 0))) for row in rows]


def differences_of(taking: Stocktake) -> QuerySet[Difference]:
    """What differed, by kind and number."""
    return Difference.objects.filter(stocktake=taking).select_related("card", "resolved_by")
