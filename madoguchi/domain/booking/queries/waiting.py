"""Reads of those who wait for an earlier time. All run inside ``contract_scope``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count

from madoguchi.ground.kit.actors import CHANNEL_LABELS, Channel
from madoguchi.ground.kit.clock import JST

from ..enums import Answer
from ..models import Attendee, Offer, Waiting
from ..rules import DayPart, show_code

PART_LABELS = {DayPart.MORNING: "午前", DayPart.AFTERNOON: "午後", DayPart.EVENING: "夕方（17時以降）"}


@dataclass(frozen=True)
class Offered:
    """An earlier time that is kept for a party until ``expires_at``."""

    starts_at: dt.datetime
    expires_at: dt.datetime


@dataclass(frozen=True)
class Wait:
    """How a booking waits: the wishes, the place in the line (1 is next), and the open offer."""

    from_date: dt.date
    parts: tuple[DayPart, ...]
    since: dt.datetime
    place: int
    offered: Offered | None


def wait_of(booking: int) -> Wait | None:
    """How the booking of this id waits; None when it does not."""
    row = Waiting.objects.filter(booking_id=booking, ended_at=None).first()
    if row is None:
        return None
    before = Waiting.objects.filter(ended_at=None, created_at__lte=row.created_at).exclude(
        created_at=row.created_at, pk__gte=row.pk
    )
    return Wait(
        from_date=row.from_date,
        parts=tuple(DayPart(part) for part in row.parts),
        since=row.created_at.astimezone(JST),
        place=before.count() + 1,
        offered=_open(Offer.objects.filter(waiting=row, answered_at=None).first()),
    )


def _open(offer: Offer | None) -> Offered | None:
    return Offered(offer.starts_at.astimezone(JST), offer.expires_at.astimezone(JST)) if offer else None


@dataclass(frozen=True)
class Row:
    """One party in the line, for staff. ``call`` says that only the telephone can tell it of its offer."""

    place: int
    code: str
    visit: dt.datetime
    site: str
    people: int
    procedures: str
    from_date: dt.date
    parts: str
    since: dt.datetime
    channel: str
    missed: int
    offered: Offered | None
    call: bool

    @property
    def shown_code(self) -> str:
        """The code in two groups."""
        return show_code(self.code)


def line() -> list[Row]:
    """Everybody who waits, in the order in which they are asked."""
    found = list(Waiting.objects.filter(ended_at=None).select_related("booking", "booking__site"))
    offers = {offer.waiting_id: offer for offer in Offer.objects.filter(waiting__in=found, answered_at=None)}
    names: dict[int, list[str]] = {}
    for booking, name in (
        Attendee.objects.filter(booking__in=[row.booking_id for row in found])
        .order_by("position")
        .values_list("booking_id", "procedure__legal_name")
    ):
        names.setdefault(booking, []).append(name)
    return [
        Row(
            place=place,
            code=row.booking.code,
            visit=row.booking.starts_at.astimezone(JST),
            site=row.booking.site.name,
            people=row.booking.people,
            procedures="、".join(dict.fromkeys(names.get(row.booking_id, []))),
            from_date=row.from_date,
            parts="・".join(PART_LABELS[DayPart(part)] for part in row.parts) or "いつでも",
            since=row.created_at.astimezone(JST),
            channel=CHANNEL_LABELS[Channel(row.created_channel)],
            missed=row.missed,
            offered=_open(offers.get(row.pk)),
            call=row.pk in offers and row.booking.medium is None,
        )
        for place, row in enumerate(found, start=1)
    ]


@dataclass(frozen=True)
class Ended:
    """How offers ended, counted."""

    answer: str
    count: int


def answers(first: dt.datetime) -> list[Ended]:
    """Offers made since ``first`` by how they ended, open ones included."""
    rows = dict(Offer.objects.filter(made_at__gte=first).values_list("answer").annotate(n=Count("pk")).order_by())
    return [Ended("返事待ち", rows.get("", 0)), *(Ended(str(a.label), rows.get(a.value, 0)) for a in Answer)]
