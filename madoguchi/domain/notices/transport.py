"""The ways a notice can take, and the first of them: one SMTP connection that reports the server's own answers."""

from __future__ import annotations

import datetime as dt
import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Protocol, Self

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend

from madoguchi.ground.contracts.models import Contract

from . import wording
from .models import Message
from .rules import smtp_is_permanent

LOST = 0


class ServerDown(ConnectionError):
    """The mail server does not answer or refuses to talk to us at all; no message was tried."""


class Refused(Exception):
    """This message was not taken: the server's answer, whether another try makes sense, how long it asks us to wait.

    ``code`` is the reply of the server (SMTP or HTTP), 0 when the connection broke on the way.
    """

    def __init__(self, code: int, answer: str, *, permanent: bool, wait: dt.timedelta = dt.timedelta()) -> None:
        super().__init__(code, answer)
        self.code = code
        self.answer = answer
        self.permanent = permanent
        self.wait = wait


def _refused(code: int, answer: str) -> Refused:
    return Refused(code, answer, permanent=smtp_is_permanent(code))


@dataclass(frozen=True, slots=True)
class Sent:
    """A message was taken: the server's answer, and in how many parts it goes (SMS)."""

    answer: str
    parts: int = 1


class Transport(Protocol):
    """One way for notices. A context manager for the time of a batch; entry raises :class:`ServerDown`."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def alive(self) -> bool:
        """False once it is of no use to try another message now."""

    def compose(self, contract: Contract, message: Message, now: dt.datetime) -> Any | None:
        """The opened letter (inside the scope), or None when there is nobody to send to any more.

        Raises ``LookupError``/``ValueError`` for one that cannot be written.
        """

    def hand_over(self, letter: Any) -> Sent:
        """Give a composed letter to the server (outside of every transaction). Raises :class:`Refused`."""


class Smtp:
    """Context manager around one connection. Raises :class:`ServerDown` on entry."""

    def __enter__(self) -> Self:
        self.backend = EmailBackend(fail_silently=False, timeout=settings.EMAIL_TIMEOUT)
        try:
            self.backend.open()
        except (OSError, smtplib.SMTPException) as error:
            where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
            raise ServerDown(f"the mail server {where} does not take our connection: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.backend.close()

    @property
    def connection(self) -> smtplib.SMTP:
        """The open connection."""
        assert self.backend.connection is not None
        return self.backend.connection

    @property
    def alive(self) -> bool:
        """False once the connection is gone; the other messages must wait for a new one."""
        connection = self.backend.connection
        return connection is not None and getattr(connection, "sock", None) is not None

    def compose(self, contract: Contract, message: Message, now: dt.datetime) -> tuple[str, EmailMessage] | None:
        return wording.compose(contract, message, now=now)

    def hand_over(self, letter: tuple[str, EmailMessage]) -> Sent:
        return Sent(self.deliver(wording.bounce_address(), *letter))

    def deliver(self, sender: str, address: str, mail: EmailMessage) -> str:
        """Hand over one message to one address; the server's answer. Raises :class:`Refused`."""
        smtp = self.connection
        try:
            smtp.ehlo_or_helo_if_needed()
            self._accept(smtp.mail(sender))
            self._accept(smtp.rcpt(address))
            code, answer = smtp.data(mail.as_bytes(policy=mail.policy.clone(linesep="\r\n")))
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            smtp.close()
            raise _refused(LOST, f"connection lost: {error}") from error
        except smtplib.SMTPDataError as error:
            smtp.rset()
            raise _refused(error.smtp_code, _text(error.smtp_error)) from error
        except UnicodeEncodeError as error:
            smtp.rset()
            raise _refused(553, "5.6.7 the address has letters the mail server cannot take") from error
        if code != 250:
            if code == 421:
                smtp.close()
            else:
                smtp.rset()
            raise _refused(code, _text(answer))
        return f"{code} {_text(answer)}"

    def _accept(self, reply: tuple[int, bytes]) -> None:
        code, answer = reply
        if code not in (250, 251):
            self.connection.rset()
            raise _refused(code, _text(answer))


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
