"""Doors for telephone systems: signed events of our own form, Zammad CTI, Amazon Connect through EventBridge.

Each answers 200 only once the events are committed (the view runs inside the transaction of ``ContractScope``), so a sender that gets
anything else sends again; what is on record already changes nothing. Faults are problem documents (RFC 9457) whose ``detail`` names key and reason.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.datastructures import MultiValueDict
from django.views.decorators.csrf import csrf_exempt

from madoguchi.domain.calls.services.record import record_events
from madoguchi.ground.accounts.keys import Key, find_key, seconds_to_wait, signing_keys
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel
from madoguchi.ground.privacy.guard import REFUSAL, scan_json
from madoguchi.voice.adapters import Read, connect, webhook
from madoguchi.voice.events import EventError
from madoguchi.web.ui.middleware import handles_individual_number
from madoguchi.web.ui.throttle import client_address

from .views import Failure, problem_body

log = logging.getLogger(__name__)

MOST_BYTES: Final = 256 * 1024
REMEMBER: Final = int(2 * webhook.TOLERANCE.total_seconds())
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
Door = Callable[..., HttpResponse]


def _door(view: Door) -> Door:
    """A POST that is not too large; every fault becomes a problem document."""

    @handles_individual_number
    @csrf_exempt
    @wraps(view)
    def opened(request: HttpRequest, contract: Contract, **named: Any) -> HttpResponse:
        try:
            if request.method != "POST":
                raise Failure(405, "使えるのは POST です。", allow="POST")
            length = request.META.get("CONTENT_LENGTH") or "0"
            if not length.isdigit() or int(length) > MOST_BYTES:
                raise Failure(413, f"本文は{MOST_BYTES // 1024}KBまでです。")
            return view(request, contract, **named)
        except EventError as error:
            return _problem(Failure(400, str(error)))
        except Failure as failure:
            return _problem(failure)

    return opened


def _body(request: HttpRequest) -> bytes:
    """The bytes that came, as JSON is read from them; a form in parts has been taken apart before."""
    if request.content_type == "multipart/form-data":
        raise Failure(415, "本文は application/json で送ってください。")
    return request.body


@_door
def signed(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Our own JSON, signed. A signature seen before is answered as the first time and nothing is done."""
    now: dt.datetime = request.now  # type: ignore[attr-defined]
    keys = signing_keys(contract)
    try:
        place, digest = webhook.verify(request.headers, _body(request), [secret for _, secret in keys], now)
    except webhook.SignatureError as error:
        raise Failure(401, str(error)) from None
    key = keys[place][0]
    _admit(request, key, "calls:sign")
    replay = f"calls:{contract.pk}:{digest}"
    if cache.get(replay):
        return JsonResponse({"new": 0, "known": 0, "replayed": True})
    answer = _record(contract, webhook.read(_body(request), now=now), key, now)
    cache.set(replay, True, timeout=REMEMBER)
    return JsonResponse(answer)


@_door
def cti(request: HttpRequest, contract: Contract, token: str) -> HttpResponse:
    """Zammad's generic CTI; the key stands in the address and holds from its networks only. Answers ``{}``: do nothing to the call."""
    now: dt.datetime = request.now  # type: ignore[attr-defined]
    key = find_key(contract, token)
    if key is None:
        raise Failure(401, "アドレスのキーが正しくありません。")
    if not key.sources:
        raise Failure(403, "このキーには送信元のアドレスの指定がありません。")
    _admit(request, key, "calls:cti")
    if request.content_type in FORMS:
        form: MultiValueDict[str, Any] = request.POST
        sent: Any = dict(form.lists())
    elif request.content_type == "application/json":
        sent = webhook.load(_body(request))
    else:
        raise Failure(415, "JSON かフォームで送ってください。")
    _record(contract, webhook.read_cti(sent, now=now), key, now)
    return JsonResponse({})


@_door
def amazon(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Contact events of Amazon Connect, brought by an EventBridge API destination with the key in ``X-Api-Key``."""
    now: dt.datetime = request.now  # type: ignore[attr-defined]
    secret = request.headers.get("X-Api-Key", "")
    key = find_key(contract, secret) if secret else None
    if key is None:
        raise Failure(401, "X-Api-Key を付けてください。")
    _admit(request, key, "calls:connect")
    return JsonResponse(_record(contract, connect.read(webhook.load(_body(request)), now=now), key, now))


def _admit(request: HttpRequest, key: Key, scope: str) -> None:
    if scope not in key.scopes:
        raise Failure(403, f"このキーには {scope} の権限がありません。")
    if key.sources and not webhook.is_from(client_address(request), key.sources):
        raise Failure(403, "このキーは、このアドレスからは使えません。")
    if wait := seconds_to_wait(key):
        raise Failure(429, f"1分あたり{key.per_minute}回までです。", retry=int(wait) + 1)


def _record(contract: Contract, read: Read, key: Key, now: dt.datetime) -> dict[str, Any]:
    for name in read.ignored:
        log.info("%s: %s of %s is not ours and was passed over", contract.code, name, key.name)
    for event in read.events:
        if event.contract not in ("", contract.code):
            raise EventError(f"contract: this address is for {contract.code}")
        if scan_json({name: value for name, value in event.data.items() if name != "number"}):
            raise Failure(422, str(REFUSAL))
    by = Actor(ActorKind.API, Channel.PHONE, ref=f"key:{key.id}", label=key.name)
    done = record_events(contract, read.events, by=by, now=now)
    return {"new": done.new, "known": done.known, "ignored": list(read.ignored)}


def _problem(failure: Failure) -> HttpResponse:
    response = JsonResponse(problem_body(failure.status, failure.detail), status=failure.status, content_type="application/problem+json")
    if failure.retry:
        response.headers["Retry-After"] = str(failure.retry)
    if failure.allow:
        response.headers["Allow"] = failure.allow
    return response
