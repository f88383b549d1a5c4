"""Short messages: the gateway that takes them over HTTP.

The gateway's interface is ours and plain, so that any provider can be put behind it with a few lines: one POST of JSON per
message with an idempotency key and a signature (``docs/operations/mail.md``). The demo has a stand-in for it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from urllib.parse import unquote, urlsplit

from django.conf import settings

from madoguchi.ground.contracts.models import Contract

from . import rules, short
from .models import Message
from .short import DEMO, Short, ShortText, StandIn
from .transport import LOST, Refused, Sent


def offered(contract: Contract) -> bool:
    """Whether a contract sends short messages: the profile allows it and the server has a gateway."""
    return bool(settings.SMS_GATEWAY) and contract.profile.notices.sms


class Sms(ShortText):
    """The gateway of ``MADOGUCHI_SMS``. A letter's ``to`` is a mobile number as digits."""

    def compose(self, contract: Contract, message: Message, now: dt.datetime) -> Short | None:
        """The text; None when short messages were switched off meanwhile."""
        return super().compose(contract, message, now) if offered(contract) else None

    def hand_over(self, letter: Short) -> Sent:
        """Send one. After a broken connection or "too many" the rest of the batch waits."""
        parts = rules.segments(letter.text)
        try:
            answer = _post(settings.SMS_GATEWAY, letter)
        except Refused as refused:
            self.alive = refused.code not in (LOST, 429)
            raise
        return Sent(f"{answer} ({parts} segments)", parts)


class DemoSms(StandIn, Sms):
    """The demo's stand-in for the gateway."""

    name = "SMS"

    def hand_over(self, letter: Short) -> Sent:
        parts = rules.segments(letter.text)
        self.show(letter, parts)
        return Sent(f"stand-in of the demo: not sent to a telephone ({parts} segments)", parts)


def open_sms() -> Sms:
    """The gateway of the server, or the stand-in of the demo."""
    return DemoSms() if settings.SMS_GATEWAY == DEMO else Sms()


def _post(gateway: str, letter: Short) -> str:
    """``https://KEY:SECRET@host/path``: the answer's status and first words. Raises :class:`Refused`."""
    parts = urlsplit(gateway)
    to = f"+81{letter.to[1:]}"
    body = json.dumps({"to": to, "text": letter.text, "reference": letter.reference}, ensure_ascii=False).encode()
    headers = {
        "Authorization": f"Bearer {unquote(parts.username or '')}",
        "Idempotency-Key": letter.reference,
        "X-Madoguchi-Signature": signature(unquote(parts.password or ""), body, int(letter.at.timestamp())),
    }
    return short.post(gateway, body, headers, at=letter.at, hide=(letter.to, letter.to[1:]))


def signature(secret: str, body: bytes, at: int) -> str:
    """``t=<seconds since 1970>,v1=<HMAC-SHA256 in hex of "<t>." and the body>``: the receiver refuses what is old or altered."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"
