"""Waiting for an earlier time on a caller's behalf: join, answer, leave."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.rules import DayPart
from madoguchi.domain.booking.services import waiting as deeds
from madoguchi.ground.accounts.access import WORK_ON_BOOKINGS, actor_of, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates

from .booking import booking_page, panel_of
from .desk import say

NO_DAY = "何日から来られるかを、日付で入力してください。"


@require_POST
@roles(WORK_ON_BOOKINGS)
def wait(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """Join the line, or change the wishes."""
    panel = panel_of(request, contract, code)
    day = dates.read_iso(request.POST.get("from_date", ""))
    parts = [part for part in DayPart if part.value in request.POST.getlist("parts")]
    if day is None:
        return booking_page(request, contract, panel, {"wait_problem": NO_DAY}, status=422)
    try:
        deeds.wait(contract, panel.code, from_date=day, parts=parts, by=actor_of(request), now=request.now)
    except Refused as refused:
        return booking_page(request, contract, panel, {"wait_problem": refused.message}, status=409)
    say(request, "空き待ちを受け付けました。")
    return redirect("callcentre:booking", contract.code, panel.code)


@require_POST
@roles(WORK_ON_BOOKINGS)
def answer(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """What the caller says to the offer: take it, let it pass, or wait no longer."""
    panel = panel_of(request, contract, code)
    by, now = actor_of(request), request.now
    try:
        match request.POST.get("answer"):
            case "accept":
                deeds.accept(contract, panel.code, by=by, now=now)
                return redirect(reverse("callcentre:booking", args=[contract.code, panel.code]) + "?done=changed")
            case "decline":
                deeds.decline(contract, panel.code, by=by, now=now)
                say(request, "今回の案内を見送りました。次の空きをお待ちいただけます。")
            case _:
                deeds.stop(contract, panel.code, by=by, now=now)
                say(request, "空き待ちをやめました。")
    except Refused as refused:
        return booking_page(request, contract, panel, {"refused": refused.message}, status=409)
    return redirect("callcentre:booking", contract.code, panel.code)
