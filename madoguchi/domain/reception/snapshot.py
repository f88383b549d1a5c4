"""What a tablet keeps of today, so that it can go on alone: terms, numbers, who waits, and of bookings code, time and procedures only."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings

from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Attendee, Booking
from madoguchi.domain.booking.rules import show_code
from madoguchi.ground.contracts.models import Contract

from .enums import LateState, Need, Outcome, Stay
from .models import LateDeed, NumberBlock, Period, Tablet, Ticket
from .services.day import midnight
from .services.deeds import day_of, terms_of


def snapshot(contract: Contract, tablet: Tablet, blocks: list[NumberBlock], now: dt.datetime) -> dict[str, Any]:
    """The document (inside the scope). Times are milliseconds since 1970, so that the tablet reckons without a calendar."""
    terms = terms_of(contract)
    site = tablet.site.code
    names = dict(settings.LANGUAGES)
    return {
        "now": millis(now),
        "day": day_of(now).isoformat(),
        "terms": {
            "near": terms.near_minutes,
            "late": terms.late_minutes,
            "back": terms.missed_back_minutes,
            "most": terms.missed_most,
        },
        "groups": [
            {
                "code": group.code,
                "letter": group.letter,
                "name": group.name,
                "procedures": list(group.procedures),
                "languages": list(group.languages),
                "windows": list(group.windows),
                "ahead": group.booked_ahead_minutes,
            }
            for group in terms.groups_at(site)
        ],
        "procedures": [{"code": one.code, "title": one.title} for one in contract.profile.procedures_at(site)],
        "languages": [[code, names[code]] for code in contract.profile.languages],
        "needs": [[value, label] for value, label in Need.choices],
        "blocks": [{"letter": one.letter, "first": one.first, "last": one.last, "used": one.used} for one in blocks],
        "bookings": _bookings(site, now) if tablet.revoked_at is None else [],
        "tickets": _tickets(site, now),
        "clashes": LateDeed.objects.filter(tablet__site__code=site, state=LateState.CLASH).count(),
    }


def _bookings(site: str, now: dt.datetime) -> list[dict[str, Any]]:
    today = Booking.objects.filter(
        site__code=site, state=State.BOOKED, arrived_at=None,
        starts_at__gte=midnight(day_of(now)), starts_at__lt=midnight(day_of(now) + dt.timedelta(days=1)),
    ).order_by("starts_at", "pk")  # fmt: skip
    rows = {row.pk: row for row in today}
    parts: dict[int, dict[str, int]] = {}
    for booking, code in Attendee.objects.filter(booking__in=list(rows)).order_by("position").values_list("booking_id", "procedure__code"):
        found = parts.setdefault(booking, {})
        found[code] = found.get(code, 0) + 1
    return [
        {
            "code": row.code,
            "shown": show_code(row.code),
            "at": millis(row.starts_at),
            "parts": parts.get(pk, {}),
            "people": row.people,
            "language": row.language,
        }
        for pk, row in rows.items()
    ]


def _tickets(site: str, now: dt.datetime) -> list[dict[str, Any]]:
    """Open tickets of today, with the key of the late deed that gave one out, by which the tablet knows its own."""
    tickets = list(Ticket.objects.filter(site__code=site, day=day_of(now), closed_at=None).order_by("rank_at", "id"))
    keys = dict(LateDeed.objects.filter(ticket__in=tickets, verb="issue", state=LateState.DONE).values_list("ticket_id", "key"))
    at = dict(
        Period.objects.filter(ticket__in=tickets, ended_at=None, kind__in=(Stay.WALK, Stay.SERVE)).values_list("ticket_id", "window__number")
    )
    return [
        {
            "about": keys.get(one.pk, f"#{one.pk}"),
            "shown": one.shown,
            "group": one.group,
            "state": one.state,
            "window": at.get(one.pk, 0),
            "rank": millis(one.rank_at),
            "order": one.pk,
            "came": millis(one.issued_at),
            "parts": dict(one.left),
            "people": one.people,
            "language": one.language,
            "needs": one.needs,
            "missed": one.missed,
        }
        for one in tickets
    ]


def millis(moment: dt.datetime) -> int:
    """Milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


ENDS = ((Outcome.REFERRED.value, Outcome.REFERRED.label), (Outcome.LEFT.value, Outcome.LEFT.label))
"""How a tablet may end a visit without its procedures."""
