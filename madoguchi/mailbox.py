"""A real SMTP server on loopback that keeps what it receives: the mailbox of the demo and of the tests.

Nothing leaves the machine. It behaves as a mailbox should:

* a mail with a ``Message-ID`` it already holds for the same address is accepted and kept once;
* an address under ``bounce.invalid`` is accepted and comes back as a delivery report, one under ``refused.invalid`` is
  refused with 550, one under ``later.invalid`` with 451: so that all ends of a mail can be seen;
* mail to ``bounce@…`` (and the reports it makes itself) goes to ``take_bounce``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

log = logging.getLogger(__name__)

BOUNCES = "bounce.invalid"
REFUSES = "refused.invalid"
LATER = "later.invalid"
MAX_BYTES = 5_000_000
Takes = Callable[[bytes], None]


class Mailbox:
    """The aiosmtpd handler. ``folder`` receives one ``.eml`` file per mail; ``on_bounce`` is given returned mails."""

    def __init__(self, folder: Path, on_bounce: Takes | None = None) -> None:
        self.folder = folder
        self.on_bounce = on_bounce
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse the addresses that stand for refusal."""
        domain = address.rpartition("@")[2].lower()
        if domain == REFUSES:
            return f"550 5.1.1 <{address}>: no such mailbox"
        if domain == LATER:
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the mail for each address; the answer comes when it is on disk."""
        raw = envelope.original_content or b""
        reports = []
        names = []
        for address in envelope.rcpt_tos:
            local, _, domain = address.lower().rpartition("@")
            if local == "bounce":
                reports.append(raw)
                continue
            names.append(self.keep(raw, address))
            if domain == BOUNCES and envelope.mail_from:
                reports.append(_report(raw, address))
        if self.on_bounce is not None:
            for report in reports:
                threading.Thread(target=self._take, args=[report], daemon=True).start()
        return f"250 2.0.0 kept as {','.join(names) or 'report'}"

    def keep(self, raw: bytes, address: str) -> str:
        """Write a mail unless one with its ``Message-ID`` is there for this address; its short name."""
        mail = message_from_bytes(raw, policy=default)
        identity = str(mail["Message-ID"] or hashlib.sha256(raw).hexdigest())
        name = hashlib.sha256(f"{identity}\0{address.lower()}".encode()).hexdigest()[:16]
        path = self.folder / f"{name}.eml"
        part = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.part")
        part.write_bytes(b"X-Envelope-To: " + address.encode("utf-8", "replace") + b"\r\n" + raw)
        try:
            path.hardlink_to(part)
        except FileExistsError:
            log.info("mailbox: %s came again and is kept once", identity)
        part.unlink()
        return name

    def _take(self, report: bytes) -> None:
        try:
            assert self.on_bounce is not None
            self.on_bounce(report)
        except Exception:
            log.exception("mailbox: a returned mail could not be taken in")


def _report(raw: bytes, address: str) -> bytes:
    from madoguchi.domain.notices.bounces import make_report

    mail = message_from_bytes(raw, policy=default)
    return make_report(mail, recipient=address, reporter="mailbox.invalid", status="5.1.1", why="no such user")


@dataclass(frozen=True)
class RunningMailbox:
    """A mailbox server in a thread. ``stop()`` ends it; the mails stay in ``folder``."""

    host: str
    port: int
    folder: Path
    _controller: Any

    def stop(self) -> None:
        """Stop receiving; a second call does nothing."""
        if not self._controller.loop.is_closed():
            self._controller.stop(no_assert=True)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return SMTP(self.handler, hostname="mailbox.invalid", data_size_limit=MAX_BYTES, enable_SMTPUTF8=True)


def run_mailbox(
    host: str = "127.0.0.1", port: int = 2525, folder: Path = Path("mailbox"), on_bounce: Takes | None = None
) -> RunningMailbox:
    """Start the mailbox in a thread of this process. ``port`` 0 takes a free one.

    Raises ``OSError`` when the port is taken, ``ValueError`` for an address other than loopback: this server accepts
    anything from anybody.
    """
    if host not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError("the mailbox of the demo listens on loopback only")
    if port == 0:
        import socket

        with socket.socket() as probe:
            probe.bind((host, 0))
            port = probe.getsockname()[1]
    controller = _Controller(Mailbox(folder, on_bounce), hostname=host, port=port, ready_timeout=10)
    controller.start()
    return RunningMailbox(host, port, folder, controller)


def serve_bounces(raw: bytes) -> None:
    """``on_bounce`` for a process with Django set up: take the report in with a database connection of its own."""
    from django.db import close_old_connections

    from madoguchi.domain.notices.services import take_bounce
    from madoguchi.ground.kit import clock

    close_old_connections()
    try:
        take_bounce(raw, now=clock.now())
    finally:
        close_old_connections()


@dataclass(frozen=True)
class StoredMail:
    """A mail of the mailbox, read for showing. ``at`` is its own date, else the time of its arrival (aware).

    ``stand_in`` is set for what is no mail but shown in place of another way: ``SMS`` or ``LINE`` (``way``) and the number of its parts.
    """

    name: str
    at: dt.datetime
    to: str
    sender: str
    subject: str
    message_id: str
    body: str
    stand_in: str
    headers: tuple[tuple[str, str], ...]

    @property
    def way(self) -> str:
        """The way it stands in for, or nothing."""
        return self.stand_in.partition(" ")[0]

    @property
    def receiver(self) -> str:
        """Whom it is for: an address, or the telephone number or LINE user of the way it stands in for."""
        return self.to.partition("@")[0] if self.stand_in else self.to


def stored(folder: Path, name: str) -> StoredMail | None:
    """One mail by its short name, or None."""
    path = folder / f"{name}.eml"
    if not name.isalnum() or not path.exists():
        return None
    mail = message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(mail, EmailMessage)
    part = mail.get_body(preferencelist=("plain", "html"))
    body = part.get_content() if part is not None else ""
    return StoredMail(
        name=name,
        at=getattr(mail["Date"], "datetime", None) or dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC),
        to=str(mail.get("X-Envelope-To", mail.get("To", ""))),
        sender=str(mail.get("From", "")),
        subject=str(mail.get("Subject", "")),
        message_id=str(mail.get("Message-ID", "")),
        body=body,
        stand_in=str(mail.get("X-Madoguchi-Stand-In", "")),
        headers=tuple((key, str(value)) for key, value in mail.items() if key != "X-Envelope-To"),
    )


def names(folder: Path) -> list[str]:
    """Short names of all mails, newest first."""
    found = [(path.stat().st_mtime_ns, path.stem) for path in folder.glob("*.eml")]
    return [name for _, name in sorted(found, reverse=True)]
