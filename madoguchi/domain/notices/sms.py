"""Short messages: what they say, and the gateway that takes them over HTTP.

The gateway's interface is ours and plain, so that any provider can be put behind it with a few lines: one POST of JSON per
message with an idempotency key and a signature (``docs/operations/mail.md``). The demo has a stand-in for it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import http.client
import json
from dataclasses import dataclass
from email.message import EmailMessage
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from madoguchi.ground.contracts.models import Contract

from . import recipients, rules, wording
from .models import Kind, Message
from .transport import LOST, Refused, Sent, Smtp

DEMO = "demo"
TIMEOUT = 10.0
HEADS = {
    Kind.CREATED: _("予約を受け付けました"),
    Kind.CHANGED: _("予約が変わりました"),
    Kind.CANCELLED: _("予約を取り消しました"),
    Kind.REMINDER: _("予約の日が近づきました"),
    Kind.OFFER: _("早い日時が空きました"),
    Kind.AFFECTED: _("予約の時間に受けられなくなりました。変えてください"),
}


def offered(contract: Contract) -> bool:
    """Whether a contract sends short messages: the profile allows it and the server has a gateway."""
    return bool(settings.SMS_GATEWAY) and contract.profile.notices.sms


@dataclass(frozen=True, slots=True, repr=False)
class Short:
    """A composed short message. ``number`` is a mobile number as digits."""

    number: str
    text: str
    reference: str
    at: dt.datetime


class Sms:
    """The gateway of ``MADOGUCHI_SMS`` (see :class:`~.transport.Transport`)."""

    def __init__(self) -> None:
        self.alive = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def compose(self, contract: Contract, message: Message, now: dt.datetime) -> Short | None:
        """Two lines and the link, in the language of the resident; None when short messages were switched off meanwhile."""
        if not offered(contract):
            return None
        recipient = recipients.find(contract, message, message.language)
        if recipient is None:
            return None
        values = recipient.context
        with translation.override(message.language):
            head = str(HEADS[Kind(message.kind)])
        city = contract.profile.city
        name = city.name if message.language.startswith("ja") else city.name_en
        text = f"{name} {head}\n{values['code']} {values.get('offer') or values['when']}\n{values['link']}"
        reference = f"m{message.pk}.{contract.code}.{rules.stamp(message.created_at)}"
        return Short(recipient.address, text, reference, now)

    def hand_over(self, letter: Short) -> Sent:
        """Send one. After a broken connection or "too many" the rest of the batch waits."""
        parts = rules.segments(letter.text)
        try:
            answer = _post(settings.SMS_GATEWAY, letter)
        except Refused as refused:
            self.alive = refused.code not in (LOST, 429)
            raise
        return Sent(f"{answer} ({parts} segments)", parts)


class DemoSms(Sms):
    """The demo's stand-in: no telephone gets anything; the text lies in the demo's mailbox and says so."""

    def __enter__(self) -> Self:
        self._smtp = Smtp().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._smtp.__exit__(kind, error, trace)

    def hand_over(self, letter: Short) -> Sent:
        parts = rules.segments(letter.text)
        mail = EmailMessage()
        mail["Message-ID"] = f"<{letter.reference}@sms.invalid>"
        mail["Date"] = letter.at
        mail["From"] = "SMS <sms@sms.invalid>"
        mail["To"] = f"{letter.number}@sms.invalid"
        mail["Subject"] = letter.text.partition("\n")[0]
        mail["X-Madoguchi-Stand-In"] = f"SMS {parts}"
        mail.set_content(letter.text, charset="utf-8", cte="base64")
        self._smtp.deliver(wording.bounce_address(), str(mail["To"]), mail)
        return Sent(f"stand-in of the demo: not sent to a telephone ({parts} segments)", parts)


def open_sms() -> Sms:
    """The gateway of the server, or the stand-in of the demo."""
    return DemoSms() if settings.SMS_GATEWAY == DEMO else Sms()


def _post(gateway: str, letter: Short) -> str:
    """``https://KEY:SECRET@host/path``: the answer's status and first words. Redirects are refused. Raises :class:`Refused`."""
    parts = urlsplit(gateway)
    secure = parts.scheme == "https"
    body = json.dumps(
        {"to": f"+81{letter.number[1:]}", "text": letter.text, "reference": letter.reference}, ensure_ascii=False
    ).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Authorization": f"Bearer {unquote(parts.username or '')}",
        "Idempotency-Key": letter.reference,
        "X-Madoguchi-Signature": signature(unquote(parts.password or ""), body, int(letter.at.timestamp())),
    }
    connection = (http.client.HTTPSConnection if secure else http.client.HTTPConnection)(
        parts.hostname or "", parts.port, timeout=TIMEOUT
    )
    try:
        connection.request("POST", parts.path or "/", body, headers)
        answer = connection.getresponse()
        said = answer.read(2000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise Refused(LOST, f"connection lost: {error}", permanent=False) from error
    finally:
        connection.close()
    said = f"{answer.status} {said.replace(letter.number, '…').replace(letter.number[1:], '…')}"
    if 200 <= answer.status < 300:
        return said
    wait = rules.retry_after(answer.headers.get("Retry-After", ""), letter.at)
    raise Refused(answer.status, said, permanent=rules.http_is_permanent(answer.status), wait=wait)


def signature(secret: str, body: bytes, at: int) -> str:
    """``t=<seconds since 1970>,v1=<HMAC-SHA256 in hex of "<t>." and the body>``: the receiver refuses what is old or altered."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"
