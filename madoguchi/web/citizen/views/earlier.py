"""Waiting for an earlier time: wishes, the answer to an offer, leaving the line."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.queries.resident import ResidentBooking
from madoguchi.domain.booking.queries.waiting import wait_of
from madoguchi.domain.booking.recipients import manage_path
from madoguchi.domain.booking.rules import DayPart
from madoguchi.domain.booking.services import waiting
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.actors import CITIZEN_WEB

from .. import showing
from .manage import by_link


@by_link
def earlier(request: HttpRequest, contract: Contract, booking: ResidentBooking) -> HttpResponse:
    """From which day on and at what time of the day the party could come; sending it joins the line."""
    now = request.now  # type: ignore[attr-defined]
    view = showing.booking_view(contract, booking, now)
    if not view["may_wait"]:
        return redirect(manage_path(contract, booking.code))
    wait = wait_of(booking.id)
    days = showing.earlier_days(booking, now)
    chosen = {part.value for part in wait.parts} if wait else set()
    day, problem = (wait.from_date if wait else days[0]), ""
    if request.method == "POST":
        chosen = set(request.POST.getlist("parts"))
        wanted = dates.read_iso(request.POST.get("from_date", ""))
        if wanted not in days or not chosen <= {part.value for part in DayPart}:
            problem = _("来られる日を、一覧から選んでください。")
        else:
            day = wanted
            parts = [DayPart(part) for part in chosen]
            try:
                waiting.wait(contract, booking.code, from_date=day, parts=parts, by=CITIZEN_WEB, now=now)
            except Refused as refused:
                problem = refused.message
            else:
                messages.success(request, _("早い日時が空いたら、お知らせします。いまの予約はそのままです。"))
                return redirect(manage_path(contract, booking.code))
    context: dict[str, Any] = {
        **showing.frame(request, contract),
        **view,
        "wait": showing.wait_view(wait),
        "reached": booking.reached,
        "days": [(one.isoformat(), showing.day_text(one), one == day) for one in days],
        "parts": [(part.value, text, part.value in chosen) for part, text in showing.PARTS.items()],
        "problem": problem,
    }
    return render(request, "citizen/earlier.html", context, status=422 if problem else 200)


@require_POST
@by_link
def stop(request: HttpRequest, contract: Contract, booking: ResidentBooking) -> HttpResponse:
    """Leave the line."""
    waiting.stop(contract, booking.code, by=CITIZEN_WEB, now=request.now)  # type: ignore[attr-defined]
    messages.success(request, _("空き待ちをやめました。いまの予約はそのままです。"))
    return redirect(manage_path(contract, booking.code))


@require_POST
@by_link
def answer(request: HttpRequest, contract: Contract, booking: ResidentBooking) -> HttpResponse:
    """Take the offered time, or let it pass and keep waiting."""
    now = request.now  # type: ignore[attr-defined]
    try:
        if request.POST.get("answer") == "accept":
            waiting.accept(contract, booking.code, by=CITIZEN_WEB, now=now)
            messages.success(request, _("早い日時に変更しました。"))
        else:
            waiting.decline(contract, booking.code, by=CITIZEN_WEB, now=now)
            messages.success(request, _("今回は見送りました。次に空きが出たら、またお知らせします。"))
    except Refused as refused:
        messages.warning(request, refused.message)
    return redirect(manage_path(contract, booking.code))
