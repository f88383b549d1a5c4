"""Notices by LINE: the code to send, the end of it, and what LINE tells us."""

from __future__ import annotations

import datetime as dt
import re
from functools import partial
from urllib.parse import quote

from django.contrib import messages
from django.core.cache import cache
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from madoguchi.domain.booking import rules
from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.queries.resident import ResidentBooking
from madoguchi.domain.booking.recipients import manage_path
from madoguchi.domain.booking.services import line as deeds
from madoguchi.domain.notices import line
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import CITIZEN_WEB
from madoguchi.web.ui.throttle import allow, spend

from .. import showing
from .manage import by_link

STOP = {"解除", "STOP"}
CODE = re.compile(rf"[A-Z0-9]{{{rules.CODE_LENGTH}}}")


@require_POST
@by_link
def ask(request: HttpRequest, contract: Contract, booking: ResidentBooking) -> HttpResponse:
    """A new code, and how to send it. The code stands on this page only, so that this is the answer to the form itself."""
    try:
        code = deeds.ask(contract, booking.code, by=CITIZEN_WEB, now=request.now)  # type: ignore[attr-defined]
    except Refused as refused:
        messages.warning(request, refused.message)
        return redirect(manage_path(contract, booking.code))
    account = contract.profile.notices.line or ""
    send = f"https://line.me/R/oaMessage/{quote(account, safe='')}/?{code}"
    context = {
        **showing.frame(request, contract),
        "link": manage_path(contract, booking.code),
        "account": account,
        "line_code": rules.show_code(code),
        "minutes": deeds.CODE_LASTS // dt.timedelta(minutes=1),
        "add_url": f"https://line.me/R/ti/p/{quote(account, safe='')}",
        "send_url": send,
        "qr": showing.qr_svg(send),
    }
    return render(request, "citizen/line.html", context)


@require_POST
@by_link
def stop(request: HttpRequest, contract: Contract, booking: ResidentBooking) -> HttpResponse:
    """No more notices of this booking by LINE."""
    deeds.unlink(contract, booking.code, by=CITIZEN_WEB, now=request.now)  # type: ignore[attr-defined]
    messages.success(request, _("LINEでのお知らせを止めました。"))
    return redirect(manage_path(contract, booking.code))


@csrf_exempt
@require_POST
def hook(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What LINE tells: a code links, 解除 and a block unlink, all else is none of ours. Answers in the chat go out after the commit.

    An event counts once: its id is remembered for as long as its time lets it pass.
    """
    now: dt.datetime = request.now  # type: ignore[attr-defined]
    channel = line.channel(contract)
    if channel is None:
        raise Http404
    if wait := allow(request, contract, "line"):
        return HttpResponse(status=429, headers={"Retry-After": str(wait)})
    if request.content_type != "application/json":
        return HttpResponse(status=415)
    if not line.is_signed(channel, request.body, request.headers.get("X-Line-Signature", "")):
        return HttpResponse(status=403)
    try:
        heard = line.read_events(request.body, now)
    except ValueError:
        return HttpResponse(status=400)
    for event in heard:
        if cache.add(f"line:{contract.pk}:{event.id}", True, timeout=int(2 * line.EVENT_LASTS.total_seconds())):
            answer = _answer(contract, event, now)
            if answer:
                transaction.on_commit(partial(line.reply, contract, event.reply_token, answer, now=now))
    return HttpResponse(status=200)


def _answer(contract: Contract, event: line.Event, now: dt.datetime) -> str:
    """Do what an event asks for; what to say in the chat, or nothing."""
    if event.blocked or event.text.strip().upper() in STOP:
        ended = deeds.unlink_user(contract, event.user, by=CITIZEN_WEB, now=now)
        if not ended:
            return ""
        with translation.override(ended[0].language):
            return _("LINEでのお知らせを止めました。")
    code = rules.read_code(event.text)
    if not CODE.fullmatch(code):
        return ""
    tried_too_often = spend(contract, "line_code", event.user, now=now)
    booking = None if tried_too_often else deeds.link(contract, code, event.user, by=CITIZEN_WEB, now=now)
    if booking is None:
        return "\n".join(_wrong_code(language) for language in ("ja", "en"))
    number = rules.show_code(booking.code)
    with translation.override(booking.language):
        return _(
            "予約 %(number)s のお知らせを、これからLINEでお送りします。止めるときは「解除」または「STOP」と送ってください。"
        ) % {"number": number}


def _wrong_code(language: str) -> str:
    with translation.override(language):
        return _("このコードは使えません。予約のページで新しいコードを出して、もう一度送ってください。")
