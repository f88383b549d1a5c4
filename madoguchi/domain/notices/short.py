"""What the ways of short text have in common: the text itself, one POST over HTTP, and the stand-in of the demo."""

from __future__ import annotations

import datetime as dt
import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from django.utils import translation
from django.utils.translation import gettext_lazy as _

from madoguchi.ground.contracts.models import Contract

from . import recipients, rules, wording
from .models import Kind, Message
from .transport import LOST, Refused, Smtp

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


@dataclass(frozen=True, slots=True, repr=False)
class Short:
    """A composed short text. ``to`` is an opened address, ``reference`` the same for every try of one message."""

    contract: str
    to: str
    text: str
    reference: str
    at: dt.datetime


class ShortText:
    """What every way of short text does alike (see :class:`~.transport.Transport`)."""

    def __init__(self) -> None:
        self.alive = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def compose(self, contract: Contract, message: Message, now: dt.datetime) -> Short | None:
        """Two lines and the link, in the language of the resident."""
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
        return Short(contract.code, recipient.address, text, reference, now)


class StandIn(ShortText):
    """The demo's stand-in: nothing reaches anybody; the text lies in the demo's mailbox and says so. ``name`` is the way shown."""

    name: str

    def __enter__(self) -> Self:
        self._smtp = Smtp().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._smtp.__exit__(kind, error, trace)

    def show(self, letter: Short, parts: int) -> None:
        """Put a letter into the mailbox. Raises :class:`Refused`."""
        host = f"{self.name.lower()}.invalid"
        mail = EmailMessage()
        mail["Message-ID"] = f"<{letter.reference}@{host}>"
        mail["Date"] = letter.at
        mail["From"] = f"{self.name} <{self.name.lower()}@{host}>"
        mail["To"] = f"{letter.to}@{host}"
        mail["Subject"] = letter.text.partition("\n")[0]
        mail["X-Madoguchi-Stand-In"] = f"{self.name} {parts}"
        mail.set_content(letter.text, charset="utf-8", cte="base64")
        self._smtp.deliver(wording.bounce_address(), str(mail["To"]), mail)


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, at: dt.datetime, hide: tuple[str, ...], timeout: float | None = None
) -> str:
    """POST JSON; the answer's status and first words without the texts of ``hide``. Redirects are refused. Raises :class:`Refused`."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    connection = (http.client.HTTPSConnection if secure else http.client.HTTPConnection)(
        parts.hostname or "", parts.port, timeout=timeout or TIMEOUT
    )
    try:
        connection.request(
            "POST", parts.path or "/", body, {"Content-Type": "application/json; charset=utf-8", **headers}
        )
        answer = connection.getresponse()
        said = answer.read(2000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise Refused(LOST, f"connection lost: {error}", permanent=False) from error
    finally:
        connection.close()
    for text in hide:
        said = said.replace(text, "…")
    said = f"{answer.status} {said}"
    if 200 <= answer.status < 300:
        return said
    wait = rules.retry_after(answer.headers.get("Retry-After", ""), at)
    raise Refused(answer.status, said, permanent=rules.http_is_permanent(answer.status), wait=wait)
