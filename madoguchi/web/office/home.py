"""The entrance of the staff side and the first page of a contract."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Count, Max, Sum
from django.db.models.functions import ExtractHour, TruncDate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Affected, Attendee, Booking, Offer, Proof
from madoguchi.domain.booking.queries.deliveries import unmade
from madoguchi.domain.booking.queries.external import counts_by_day, visits
from madoguchi.domain.booking.queries.waiting import line
from madoguchi.domain.calls.enums import Line
from madoguchi.domain.calls.officials import LINE_ROLES
from madoguchi.domain.calls.queries.callbacks import late_callbacks
from madoguchi.domain.calls.queries.second import LineCount, line_counts
from madoguchi.domain.incidents.queries import owed
from madoguchi.domain.notices.models import Message
from madoguchi.domain.notices.queries import coming_stops
from madoguchi.domain.photos.queries import in_trouble
from madoguchi.domain.premises.queries.checklists import late_sheets
from madoguchi.ground.accounts.access import (
    EVERYONE,
    LEAD_AT_COUNTER,
    READ_INCIDENTS,
    READ_RESIDENTS,
    WORK_ON_CALLS,
    assignments_of,
    may,
    roles,
)
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import CalendarOverride, Contract
from madoguchi.ground.kit.clock import JST

from .desk import desk_of

DAYS_AHEAD = 31
DAYS_SHOWN = 14
WEEKDAYS = "月火水木金土日"


def contracts(request: HttpRequest) -> HttpResponse:
    """Lists the contracts a person is assigned to; goes on at once when there is only one."""
    assignments = assignments_of(request.user)
    if len(assignments) == 1:
        return redirect("office:home", assignments[0].contract.code)
    return render(request, "office/home/contracts.html", {"assignments": assignments})


@roles(EVERYONE)
def home(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Today at a glance: visitors by hour, what waits for somebody, the next two weeks, the next exceptions of the calendar.

    On a day without visits the hours of the next day with visits are shown.
    """
    today: dt.date = request.now.date()
    context: dict[str, Any] = {"today": today, "external": contract.profile.booking.mode == "external"}
    context.update(_bookings(today), **_waiting(request.now))
    context["ahead"] = _ahead(today)
    shown = today if context["bookings_today"] else _next_day(today)
    context["by_hour"], context["shown"] = (_by_hour(shown) if shown else []), shown
    context["closures"] = list(
        CalendarOverride.objects.filter(
            date__range=(today, today + dt.timedelta(days=DAYS_AHEAD)), withdrawn_at=None
        ).select_related("site").order_by("date", "id")[:8]
    )  # fmt: skip
    if context["external"]:
        context["visits_today"] = sum(day.people for day in counts_by_day(visits(today, today)))
    context["undelivered"] = [due for due in unmade(contract, request.now) if due.late or due.problem]
    context["stops"] = coming_stops(contract, request.now)
    context["may_read"] = may(request, READ_RESIDENTS)
    context["second_line"] = _second_line(request)
    context["desk"] = desk_of(request, contract)
    if may(request, READ_INCIDENTS):
        context["incidents"] = owed(contract, today)
    if may(request, LEAD_AT_COUNTER):
        context["late_lists"] = late_sheets(contract, request.now)
        context["photos_waiting"], context["photos_lost"] = in_trouble(request.now) if contract.profile.photo else (0, 0)
    if may(request, WORK_ON_CALLS):
        context["callbacks_owed"], context["callbacks_late"] = late_callbacks(request.now)
    return render(request, "office/home/home.html", context)


def _second_line(request: HttpRequest) -> LineCount | None:
    """What waits for the line of the signed-in role; None when nothing does, or the role has no line."""
    role = Role(request.assignment.role)  # type: ignore[attr-defined]
    line = next((line for line in Line if role in LINE_ROLES[line]), None)
    found = line_counts(request.now)[line] if line else None
    return found if found and found.count else None


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=JST)


def _bookings(today: dt.date) -> dict[str, Any]:
    begin, end = _midnight(today), _midnight(today + dt.timedelta(days=1))
    booked = Booking.objects.filter(starts_at__gte=begin, starts_at__lt=end, state=State.BOOKED)
    totals = booked.aggregate(bookings=Count("id"), people=Sum("people"))
    return {
        "bookings_today": totals["bookings"],
        "people_today": totals["people"] or 0,
        "arrived_today": booked.exclude(arrived_at=None).count(),
    }


def _next_day(today: dt.date) -> dt.date | None:
    coming = Booking.objects.filter(starts_at__gte=_midnight(today + dt.timedelta(days=1)), state=State.BOOKED)
    first = coming.order_by("starts_at").values_list("starts_at", flat=True).first()
    return first.astimezone(JST).date() if first else None


def _ahead(today: dt.date) -> list[tuple[str, int]]:
    """People expected on each of the coming days that has visits, from today on; empty when there are none."""
    begin, end = _midnight(today), _midnight(today + dt.timedelta(days=DAYS_SHOWN))
    counted = (
        Attendee.objects.filter(starts_at__gte=begin, starts_at__lt=end, booking__state=State.BOOKED)
        .annotate(day=TruncDate("starts_at", tzinfo=JST))
        .values_list("day")
        .annotate(n=Count("id"))
        .order_by("day")
    )
    return [(f"{day.month}/{day.day}（{WEEKDAYS[day.weekday()]}）", n) for day, n in counted]


def _by_hour(day: dt.date) -> list[tuple[str, int]]:
    begin, end = _midnight(day), _midnight(day + dt.timedelta(days=1))
    by_hour = dict(
        Attendee.objects.filter(starts_at__gte=begin, starts_at__lt=end, booking__state=State.BOOKED)
        .annotate(hour=ExtractHour("starts_at", tzinfo=JST))
        .values_list("hour")
        .annotate(n=Count("id"))
        .order_by("hour")
    )
    hours = range(min(by_hour), max(by_hour) + 1) if by_hour else range(0)
    return [(f"{hour}時", by_hour.get(hour, 0)) for hour in hours]


def _waiting(now: dt.datetime) -> dict[str, Any]:
    offers = Offer.objects.filter(answered_at=None)
    counts = dict(
        Message.objects.filter(
            state__in=(Message.State.FAILED, Message.State.BOUNCED), created_at__gte=now - dt.timedelta(days=30)
        )
        .values_list("state")
        .annotate(n=Count("id"))
    )
    late = Message.objects.filter(state=Message.State.QUEUED, due_at__lt=now - dt.timedelta(minutes=15)).count()
    proof = Proof.objects.order_by("-at").first()
    return {
        "affected_open": Affected.objects.filter(settled_at=None).count(),
        "holds": Booking.objects.filter(state=State.HELD, hold_expires_at__gt=now).exclude(pk__in=offers.values("hold_id")).count(),
        "offers_to_call": sum(row.call for row in line()) if offers else 0,
        "mail_failed": counts.get(Message.State.FAILED, 0),
        "mail_bounced": counts.get(Message.State.BOUNCED, 0),
        "mail_late": late,
        "proof": proof,
        "last_booking_at": Booking.objects.aggregate(at=Max("created_at"))["at"],
    }
