"""What a site needs on paper for a day: read once, sealed as it is, shown and printed from there."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import translation

from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.queries.lists import day_sheet
from madoguchi.domain.procedures.briefing import brief
from madoguchi.domain.procedures.enums import Who
from madoguchi.domain.procedures.queries import bring_rows
from madoguchi.domain.procedures.rules.bring import Visitor
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import calendar_of, next_business_day

from .models import NumberBlock, Pack
from .services.deeds import day_of

CONTENT = "reception.pack"


def contents(contract: Contract, site: str, day: dt.date, blocks: list[NumberBlock], now: dt.datetime) -> dict[str, Any]:
    """The pack as plain values. Of a booking only what the counter needs: time, number, names, procedures, needs; no telephone, no mail."""
    profile = contract.profile
    where = profile.site(site)
    terms = profile.reception
    groups = {group.letter: group.name for group in terms.groups_at(site)} if terms else {}
    rows = day_sheet(contract, day, site=site, now=now)
    return {
        "day": day.isoformat(),
        "site": where.name,
        "made_at": now.isoformat(),
        "ids": [row.id for row in rows],
        "bookings": [
            {
                "time": f"{row.starts_at:%H:%M}",
                "code": row.shown_code,
                "people": [{"name": person.name, "kana": person.kana, "procedure": person.procedure} for person in row.people],
                "needs": row.needs,
            }
            for row in rows
        ],
        "numbers": [
            {"letter": block.letter, "group": groups.get(block.letter, ""), "first": block.first, "last": block.last} for block in blocks
        ],
        "procedures": _procedures(contract, site, day),
        "calls": _calls(contract),
    }


def _procedures(contract: Contract, site: str, day: dt.date) -> list[dict[str, Any]]:
    offered = contract.profile.procedures_at(site)
    with translation.override("ja"):
        rows = bring_rows(day, [one.code for one in offered])
        found = []
        for one in offered:
            told = brief(rows, Visitor(one.code, Who.SELF, None, frozenset(), frozenset()), day, "ja")
            perhaps = [f"{item.only_for}：{item.text}" for item in told.perhaps]
            found.append({"title": one.title, "documents": [item.text for item in told.documents], "perhaps": perhaps})
        return found


def _calls(contract: Contract) -> list[list[str]]:
    profile = contract.profile
    found = [[f"{profile.city.name} {profile.city.office.name}", profile.city.office.phone or "（記入）"]]
    if profile.channels.phone and profile.channels.phone.number:
        found.append([profile.channels.phone.label, profile.channels.phone.number])
    found += [[one.name, one.phone] for one in profile.reception.failure_contacts] if profile.reception else []
    found += [[site.name, "（内線を記入）"] for site in profile.sites]
    return found


def next_day(contract: Contract, site: str, now: dt.datetime) -> dt.date:
    """The next day on which a site's counter is open, or has bookings: what the evening's pack is for (inside the scope)."""
    today = day_of(now)
    last = today + dt.timedelta(days=31)
    calendar = calendar_of(contract, today + dt.timedelta(days=1), last)
    if contract.profile.hours_for(site, "counter") is None:
        return next_business_day(contract, today)
    days = calendar.days(site, "counter", today + dt.timedelta(days=1), last)
    return next((day.date for day in days if day.intervals), today + dt.timedelta(days=1))


def pack_due(contract: Contract, now: dt.datetime) -> bool:
    """Whether the evening's hour has come."""
    terms = contract.profile.reception
    return terms is not None and now.time() >= terms.pack_at


def pack_of(site: str, day: dt.date) -> Pack | None:
    """The pack of a site and day (inside the scope)."""
    return Pack.objects.select_related("site").filter(site__code=site, day=day).first()


def booked_ahead(site: str, day: dt.date) -> int:
    """Bookings of a day at a site, to see whether a pack that was made earlier is still whole."""
    return Booking.objects.filter(site__code=site, state=State.BOOKED, starts_at__date=day).count()
