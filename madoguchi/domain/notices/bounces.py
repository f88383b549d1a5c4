"""Returned mails: delivery status notifications (RFC 3464) matched to our messages by the ``Message-ID`` they carry."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from typing import Any, Literal

from . import rules

Action = Literal["failed", "delayed", "delivered", "relayed", "expanded"]
_ID_HEADERS = ("Message-ID", "References", "In-Reply-To", "X-Failed-Message-ID", "Original-Message-ID")


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report about one of our messages. ``status`` is a code of RFC 3463, ``diagnostic`` holds no address."""

    pk: int
    contract_code: str
    stamp: str
    action: Action
    status: str
    diagnostic: str


def parse(raw: bytes) -> Bounce | None:
    """The report in a returned mail, or None when it is no report or not about a message of ours.

    Servers that ignore RFC 3464 are read by what they quote: a mail from the empty sender or ``MAILER-DAEMON`` that
    names one of our message ids counts as failed.
    """
    mail = message_from_bytes(raw, policy=default)
    found = _our_id(mail)
    if found is None:
        return None
    pk, code, stamp = found
    fields = _status_fields(mail)
    if not fields:
        sender = f"{mail.get('Return-Path', '')} {mail.get('From', '')}".lower()
        if "mailer-daemon" not in sender and "<>" not in sender and "postmaster" not in sender:
            return None
        subject = str(mail.get("Subject", ""))
        return Bounce(pk, code, stamp, "failed", "5.0.0", rules.without_addresses(subject))
    action = str(fields.get("Action", "failed")).strip().lower()
    status = str(fields.get("Status", "5.0.0")).split()[0]
    diagnostic = rules.without_addresses(str(fields.get("Diagnostic-Code", "")).partition(";")[2].strip())
    if action not in ("failed", "delayed", "delivered", "relayed", "expanded"):
        action = "failed" if status.startswith("5") else "delayed"
    return Bounce(pk, code, stamp, action, status, diagnostic)  # type: ignore[arg-type]


def _parts(mail: Message[Any, Any]) -> list[Message[Any, Any]]:
    return list(mail.walk())


def _status_fields(mail: Message[Any, Any]) -> Message[Any, Any] | None:
    for part in _parts(mail):
        if part.get_content_type() == "message/delivery-status":
            blocks = part.get_payload()
            if isinstance(blocks, list):
                fields = [block for block in blocks if isinstance(block, Message)]
                return next((block for block in fields if block.get("Action") or block.get("Status")), None)
    return None


def _our_id(mail: Message[Any, Any]) -> tuple[int, str, str] | None:
    """Our id in the returned headers; the report's own Message-ID is looked at last."""
    inner = [part for part in _parts(mail) if part is not mail]
    for part in inner:
        if part.get_content_type() in ("text/rfc822-headers", "text/plain", "text/html"):
            payload = part.get_payload(decode=True)
            text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
            if found := rules.parse_message_id(text):
                return found
        for header in _ID_HEADERS:
            if (value := part.get(header)) and (found := rules.parse_message_id(str(value))):
                return found
    for header in _ID_HEADERS[1:]:
        if (value := mail.get(header)) and (found := rules.parse_message_id(str(value))):
            return found
    if not mail.is_multipart():
        payload = mail.get_payload(decode=True)
        return rules.parse_message_id(payload.decode("utf-8", "replace")) if isinstance(payload, bytes) else None
    return None


def make_report(
    mail: EmailMessage | Message[Any, Any], *, recipient: str, reporter: str, status: str, why: str
) -> bytes:
    """A report as a mail server sends it (RFC 3464): used by the demo's mailbox and the tests.

    ``mail`` is the message that could not be delivered, ``recipient`` its address, ``reporter`` the server's name.
    """
    id_line = mail["Message-ID"]
    boundary = "=_report"
    text = (
        f"From: MAILER-DAEMON@{reporter}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        f"Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"\r\n\r\n'
        f"--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
        f"Your message could not be delivered.\r\n\r\n"
        f"--{boundary}\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; {reporter}\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {status} {why}\r\n\r\n"
        f"--{boundary}\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: {id_line}\r\n\r\n--{boundary}--\r\n"
    )
    return text.encode("ascii", "replace")
