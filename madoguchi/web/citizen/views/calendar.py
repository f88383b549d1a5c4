"""The snapshot that keeps a month calendar on the screen current."""

from __future__ import annotations

import datetime as dt

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse

from madoguchi.domain.booking import availability
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.actors import CITIZEN_WEB

LONGEST = dt.timedelta(days=62)


def snapshot(request: HttpRequest, contract: Contract) -> HttpResponse:
    """``?procedure=a,b&site=&from=&to=``: ``availability.snapshot`` with a strong ETag.

    A web process answers the same address before Django (``madoguchi.web.api.front``); this is the answer where it does not.
    """
    codes = tuple(code for code in request.GET.get("procedure", "").split(",") if code)
    first, last = (dates.read_iso(request.GET.get(name, "")) for name in ("from", "to"))
    if first is None or last is None or not codes or len(codes) > contract.profile.booking.max_people or not first <= last <= first + LONGEST:
        return JsonResponse({"detail": "procedure, site, from, to (YYYY-MM-DD)"}, status=400)
    site = request.GET.get("site", "")
    try:
        etag, body = availability.snapshot(contract, site, tuple(sorted(codes)), first, last, by=CITIZEN_WEB)
    except availability.Unknown as unknown:
        return JsonResponse({"detail": str(unknown)}, status=404)
    if request.headers.get("If-None-Match") == etag:
        answer: HttpResponse = HttpResponseNotModified()
    else:
        answer = HttpResponse(body, content_type="application/json")
    answer.headers["ETag"] = etag
    answer.headers["Cache-Control"] = "no-cache"
    return answer
