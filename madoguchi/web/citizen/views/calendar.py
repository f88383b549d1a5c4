"""The snapshot that keeps a month calendar on the screen current."""

from __future__ import annotations

import datetime as dt

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse

from madoguchi.domain.booking import availability
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import CITIZEN_WEB

from .. import showing


def snapshot(request: HttpRequest, contract: Contract) -> HttpResponse:
    """``?site=&p=a,b&month=YYYY-MM``: the bytes of ``availability.snapshot`` for the part of the month that can be booked."""
    now = request.now  # type: ignore[attr-defined]
    codes = tuple(code for code in request.GET.get("p", "").split(",") if code)[: contract.profile.booking.max_people]
    month = showing.read_month(request.GET.get("month", ""), now.date())
    last = (month + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
    if not codes or not dt.timedelta(days=-40) < month - now.date() < dt.timedelta(days=430):
        return JsonResponse({"error": "p (procedures, comma-separated) and month (YYYY-MM) are needed"}, status=400)
    try:
        etag, body = availability.snapshot(contract, request.GET.get("site", ""), codes, month, last, by=CITIZEN_WEB)
    except availability.Unknown as unknown:
        return JsonResponse({"error": str(unknown)}, status=404)
    if request.headers.get("If-None-Match") == etag:
        answer: HttpResponse = HttpResponseNotModified()
    else:
        answer = HttpResponse(body, content_type="application/json")
    answer.headers["ETag"] = etag
    answer.headers["Cache-Control"] = "no-cache"
    return answer
