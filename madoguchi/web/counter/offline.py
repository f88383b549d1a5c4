"""The tablet that goes on without a connection: its page, the worker that keeps the page, and the one address it talks to when it can."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_POST
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from madoguchi.domain.reception.enums import LateVerb, Need
from madoguchi.domain.reception.models import Tablet
from madoguchi.domain.reception.services import late
from madoguchi.domain.reception.services.tablets import meet
from madoguchi.domain.reception.snapshot import ENDS, snapshot
from madoguchi.ground.accounts.access import WORK_AT_COUNTER, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST

from . import shared

FILES = (
    "vendor/design-tokens.css", "ui/base.css", "ui/forms.css", "ui/components.css", "ui/staff.css", "ui/print.css", "ui/mark.svg",
    "counter/counter.css", "counter/offline.css", "ui/chevron.svg", "app/counter/offline.js", "app/counter/queue.js", "app/counter/rank.js",
    "app/counter/store.js",
)  # fmt: skip
"""What the page needs besides itself."""
WORKER = "app/counter/offline-worker.js"

Key = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Window = Annotated[int, Field(ge=1, le=99)]
Count = Annotated[int, Field(ge=1, le=20)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Body(Part):
    """What a verb needs. There is no free text in it."""

    group: Code = "none"
    number: int = Field(0, ge=0, le=99_999)
    parts: dict[Code, Count] = {}
    people: int = Field(0, ge=0, le=20)
    language: str = Field("ja", pattern=r"^[a-z]{2,3}(-[a-z]{2,6})?$")
    needs: list[Literal[tuple(Need.values)]] = []  # type: ignore[valid-type]
    booking: str = Field("", pattern=r"^[0-9A-Z]{0,12}$")
    booked: int | None = None
    window: Window = 1
    procedures: list[Code] = []
    outcome: Literal["", "referred", "left"] = ""


class DeedIn(Part):
    """A deed: ``at`` is the tablet's clock in milliseconds since 1970, ``offset`` what the server's was ahead of it when last heard."""

    key: Key
    verb: Literal[tuple(LateVerb.values)]  # type: ignore[valid-type]
    about: str = Field(pattern=r"^(#\d{1,17}|[0-9a-f]{32})$")
    at: int = Field(ge=0, le=10**14)
    offset: int = Field(ge=-(10**13), le=10**13)
    body: Body


class Message(Part):
    """What a tablet says when it has a connection; ``browser`` is a number that it gave itself."""

    browser: str = Field("", pattern=r"^([0-9a-f]{32})?$")
    unused: dict[Annotated[str, Field(pattern=r"^[A-Z]$")], int]
    kept: int = Field(ge=0)
    deeds: list[DeedIn] = Field(max_length=late.MOST)


def _tablet(site: str, pk: int) -> Tablet:
    found = Tablet.objects.select_related("site").filter(pk=pk, site__code=site).first()
    if found is None:
        raise Http404("この端末は登録されていません。「障害への備え」で登録してください。")
    return found


@roles(WORK_AT_COUNTER)
def page(request: HttpRequest, contract: Contract, site: str, tablet: int) -> HttpResponse:
    """The page; it holds nobody's data, as the browser keeps it."""
    where = shared.site_of(contract, site)
    found = _tablet(site, tablet)
    return render(request, "counter/offline/page.html", {"site": where, "tablet": found, "ends": ENDS, "revoked": found.revoked_at})


@cache
def _version() -> str:
    found = hashlib.blake2b(digest_size=12)
    for name in (*FILES, WORKER):
        place = finders.find(name)
        found.update(name.encode() + (Path(place).read_bytes() if place else b""))
    return found.hexdigest()


@roles(WORK_AT_COUNTER)
def worker(request: HttpRequest, contract: Contract, site: str, tablet: int) -> HttpResponse:
    """The service worker of this page, under the page's own address so that it can reach no other."""
    shared.site_of(contract, site)
    _tablet(site, tablet)
    place = finders.find(WORKER)
    if place is None:
        raise Http404("この端末のプログラムがありません。")
    keep = {
        "page": reverse("counter:offline", args=[contract.code, site, tablet]),
        "files": [static(name) for name in FILES if finders.find(name)],
        "version": _version(),
    }
    script = f"const KEEP = {json.dumps(keep)};\n{Path(place).read_text(encoding='utf-8')}"
    return HttpResponse(script, content_type="text/javascript; charset=utf-8")


@require_POST
@roles(WORK_AT_COUNTER)
def sync(request: HttpRequest, contract: Contract, site: str, tablet: int) -> HttpResponse:
    """Take in deeds, top numbers up, tell the state of today. What is answered by key has been kept here."""
    shared.site_of(contract, site)
    found = _tablet(site, tablet)
    try:
        message = Message.model_validate_json(request.body)
    except ValidationError as wrong:
        return JsonResponse({"wrong": wrong.errors(include_url=False, include_input=False, include_context=False)[:5]}, status=422)
    by = shared.counter_actor(request)
    sent = [
        late.Sent(one.key, LateVerb(one.verb), one.about, _moment(one.at + one.offset), one.body.model_dump(exclude_defaults=True))
        for one in message.deeds
    ]
    rows = late.take_in(contract, found.pk, sent, user=request.user, by=by, now=request.now) if sent else []
    kept = max(0, message.kept - len(rows))
    blocks = meet(contract, found, browser=message.browser, unused=message.unused, kept=kept, by=by, now=request.now)
    answer = {
        "results": {row.key: {"state": row.state, "message": row.message} for row in rows},
        "snapshot": snapshot(contract, found, blocks, request.now),
        "elsewhere": found.browser != message.browser,
    }
    return JsonResponse(answer)


def _moment(millis: int) -> dt.datetime:
    """Never before 2000: what a broken clock says is asked about, not refused."""
    return dt.datetime.fromtimestamp(min(max(millis, 946_684_800_000), 10**14) / 1000, JST)
