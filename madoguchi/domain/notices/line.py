"""LINE: the push endpoint of the Messaging API, the reply to a message, and the signature of what LINE tells us.

Facts: https://developers.line.biz/en/reference/messaging-api/ and its guides "Retry failed API requests" and "Verify webhook
signature". Each city has its own official account and channel (``docs/operations/mail.md``). The demo has a stand-in.
"""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import json
import logging
import re
import uuid
from dataclasses import dataclass

from django.conf import settings
from pydantic import BaseModel

from madoguchi.ground.contracts.models import Contract

from . import short
from .short import DEMO, Short, ShortText, StandIn
from .transport import LOST, Refused, Sent

log = logging.getLogger(__name__)

ACCEPTED_BEFORE = 409
EVENT_LASTS = dt.timedelta(hours=24)
"""LINE delivers again what we did not answer; an event older than this is a replay."""
USER = re.compile(r"U[0-9a-f]{32}")
REPLY_TIMEOUT = 3.0
"""Somebody waits in the chat, and LINE waits for the end of our answer."""


@dataclass(frozen=True, slots=True, repr=False)
class Channel:
    """The keys of a city's Messaging API channel: ``secret`` signs what LINE sends us, ``token`` is for what we send."""

    secret: str
    token: str


def channel(contract: Contract) -> Channel | None:
    """The keys of a contract's channel when its profile names an official account; in the demo the secret is ``demo``."""
    if contract.profile.notices.line is None:
        return None
    return Channel(DEMO, "") if settings.LINE_STAND_IN else _channel(contract.code)


def _channel(code: str) -> Channel | None:
    keys = settings.LINE.get(code)
    return Channel(*keys) if keys else None


def offered(contract: Contract) -> bool:
    """Whether a resident can be told by LINE: the profile names an official account and the server has its keys."""
    return channel(contract) is not None


class Line(ShortText):
    """Pushes one text per message. A letter's ``to`` is a LINE user id."""

    def hand_over(self, letter: Short) -> Sent:
        """Send one. After a broken connection the rest of the batch waits; 429 is one city's account only (its month is used up)."""
        found = _channel(letter.contract)
        if found is None:
            raise Refused(LOST, "LINE is switched off on this server", permanent=True)
        body = _json({"to": letter.to, "messages": [_text(letter.text)]})
        headers = {"Authorization": f"Bearer {found.token}", "X-Line-Retry-Key": retry_key(letter.reference)}
        try:
            answer = short.post(
                f"{settings.LINE_API}/v2/bot/message/push", body, headers, at=letter.at, hide=(letter.to,)
            )
        except Refused as refused:
            if refused.code == ACCEPTED_BEFORE:
                return Sent(refused.answer)
            self.alive = refused.code != LOST
            raise
        return Sent(answer)


class DemoLine(StandIn, Line):
    """The demo's stand-in for LINE."""

    name = "LINE"

    def hand_over(self, letter: Short) -> Sent:
        self.show(letter, 1)
        return Sent("stand-in of the demo: not sent to LINE")


def open_line() -> Line:
    """LINE, or the stand-in of the demo."""
    return DemoLine() if settings.LINE_STAND_IN else Line()


def retry_key(reference: str) -> str:
    """The UUID by which LINE knows another try of the same message, for 24 hours from the first."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, reference))


def reply(contract: Contract, token: str, text: str, *, now: dt.datetime) -> None:
    """Answer in the chat by the reply token of an event. It helps but does not matter: a refusal is only logged."""
    found = channel(contract)
    if found is None or not found.token or not token:
        return
    body = _json({"replyToken": token, "messages": [_text(text)]})
    headers = {"Authorization": f"Bearer {found.token}"}
    try:
        short.post(
            f"{settings.LINE_API}/v2/bot/message/reply", body, headers, at=now, hide=(token,), timeout=REPLY_TIMEOUT
        )
    except Refused as refused:
        log.warning("%s: the answer by LINE was not taken (%s)", contract.code, refused.code)


def is_signed(found: Channel, body: bytes, signature: str) -> bool:
    """Whether ``X-Line-Signature`` is the base64 of the HMAC-SHA256 of the body by the channel secret."""
    mac = base64.b64encode(hmac.digest(found.secret.encode(), body, "sha256"))
    return hmac.compare_digest(mac, signature.encode())


@dataclass(frozen=True, slots=True, repr=False)
class Event:
    """Somebody wrote to the official account, or blocked it. ``id`` is LINE's own, the same for a second delivery."""

    id: str
    user: str
    text: str
    blocked: bool
    reply_token: str


class _Source(BaseModel):
    type: str = ""
    userId: str = ""


class _Content(BaseModel):
    type: str = ""
    text: str = ""


class _Event(BaseModel):
    type: str
    mode: str = "active"
    timestamp: int = 0
    webhookEventId: str = ""
    replyToken: str = ""
    source: _Source = _Source()
    message: _Content = _Content()


class _Body(BaseModel):
    events: list[_Event]


def read_events(body: bytes, now: dt.datetime) -> list[Event]:
    """The texts and blocks of single persons in a signed body, without what is too old. Raises ``ValueError``."""
    found = []
    for event in _Body.model_validate_json(body).events:
        said = event.type == "message" and event.message.type == "text"
        person = event.source.type == "user" and USER.fullmatch(event.source.userId)
        fresh = abs(now.timestamp() - event.timestamp / 1000) < EVENT_LASTS.total_seconds()
        if event.mode == "active" and person and fresh and (said or event.type == "unfollow"):
            text = event.message.text if said else ""
            found.append(Event(event.webhookEventId, event.source.userId, text, not said, event.replyToken))
    return found


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
