"""One SMTP connection, opened through Django's mail settings, that reports the server's own answers."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from types import TracebackType

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend

LOST = 0


class ServerDown(ConnectionError):
    """The mail server does not answer or refuses to talk to us at all; no message was tried."""


class Refused(Exception):
    """This message was not taken. ``code`` is the SMTP reply, 0 when the connection broke on the way."""

    def __init__(self, code: int, answer: str) -> None:
        super().__init__(code, answer)
        self.code = code
        self.answer = answer


class Smtp:
    """Context manager around one connection. Raises :class:`ServerDown` on entry."""

    def __enter__(self) -> Smtp:
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
            raise Refused(LOST, f"connection lost: {error}") from error
        except smtplib.SMTPDataError as error:
            smtp.rset()
            raise Refused(error.smtp_code, _text(error.smtp_error)) from error
        except UnicodeEncodeError as error:
            smtp.rset()
            raise Refused(553, "5.6.7 the address has letters the mail server cannot take") from error
        if code != 250:
            if code == 421:
                smtp.close()
            else:
                smtp.rset()
            raise Refused(code, _text(answer))
        return f"{code} {_text(answer)}"

    def _accept(self, reply: tuple[int, bytes]) -> None:
        code, answer = reply
        if code not in (250, 251):
            self.connection.rset()
            raise Refused(code, _text(answer))


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
