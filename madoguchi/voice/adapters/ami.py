"""The connection to Asterisk's Manager Interface: sign in, listen, notice silence, come back.

Sources: "AMI Actions" Challenge, Login and Ping (API Documentation of docs.asterisk.org): the key of a login is the MD5 of challenge and
secret as hexadecimal text; a message is lines of ``Key: Value`` ended by an empty line. AMI keeps nothing for who is away: after every
sign-in a *gap* is announced, and whoever listens fills it from ``queue_log``.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

log = logging.getLogger(__name__)

Message = dict[str, str]
EVENTS: Final = "agent,call,dialplan,user"
"""Classes of events: queues and their members, hang-ups and holds, ``QUEUESTATUS``, what our dialplan tells."""
MOST_LINES: Final = 500
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0


class AmiError(Exception):
    """The connection is of no use: refused, silent, or not speaking AMI."""


class AmiRefused(AmiError):
    """Asterisk does not let us in: the message is its own."""


@dataclass
class Manager:
    """One AMI account. ``plain`` sends the secret as it is, for servers whose secret is stored hashed; use it with ``tls`` only."""

    host: str
    port: int
    user: str
    secret: str = field(repr=False)
    plain: bool = False
    tls: ssl.SSLContext | None = None
    ping_seconds: float = 15.0
    answer_seconds: float = 10.0
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def listen(self, *, hear: Callable[[Message], Awaitable[None]], gap: Callable[[], Awaitable[None]]) -> None:
        """Listen for ever; cancel to stop. ``gap`` is awaited after every sign-in, before the first event of that connection is heard.

        Raises :class:`AmiRefused` when the very first sign-in is refused: somebody has to look at the account. Later refusals are waited out,
        as Asterisk refuses while it starts.
        """
        pause, was_in = FIRST_PAUSE, False
        while True:
            try:
                async with contextlib.AsyncExitStack() as stack:
                    line = await self._sign_in(stack)
                    pause, was_in = FIRST_PAUSE, True
                    log.info("AMI %s:%s: signed in", self.host, self.port)
                    await gap()
                    await line.listen(hear)
            except AmiRefused as error:
                if not was_in:
                    raise
                log.warning("AMI %s:%s: %s", self.host, self.port, error)
            except (OSError, AmiError, EOFError, ValueError, TimeoutError) as error:
                log.warning("AMI %s:%s: %s", self.host, self.port, str(error) or type(error).__name__)
            await self.pause(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _sign_in(self, stack: contextlib.AsyncExitStack) -> _Line:
        async with asyncio.timeout(self.answer_seconds):
            reader, writer = await asyncio.open_connection(self.host, self.port, ssl=self.tls)
            stack.callback(writer.close)
            banner = await reader.readline()
            if not banner.startswith(b"Asterisk Call Manager"):
                raise AmiError(f"no AMI answers here, but {banner[:40]!r}")
            line = _Line(reader, writer, self.ping_seconds)
            login = {"Action": "Login", "Username": self.user, "Events": EVENTS}
            if self.plain:
                login["Secret"] = self.secret
            else:
                challenge = (await line.ask({"Action": "Challenge", "AuthType": "MD5"})).get("Challenge", "")
                key = hashlib.md5(f"{challenge}{self.secret}".encode(), usedforsecurity=False).hexdigest()
                login |= {"AuthType": "MD5", "Key": key}
            await line.ask(login)
            return line


class _Line:
    """A connection: messages in, actions out. Events that come before the answer to the login are kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ping_seconds: float) -> None:
        self.reader, self.writer, self.ping_seconds = reader, writer, ping_seconds
        self.early: list[Message] = []
        self.asked = 0

    async def ask(self, action: Message) -> Message:
        """Send an action and await its answer. Raises :class:`AmiRefused`."""
        number = self._send(action)
        while True:
            message = await self._next()
            if message.get("ActionID") != number or "Response" not in message:
                self.early.append(message)
            elif message["Response"] != "Success":
                raise AmiRefused(f"{action['Action']}: {message.get('Message', message['Response'])}")
            else:
                return message

    async def listen(self, hear: Callable[[Message], Awaitable[None]]) -> None:
        """Hand on events until the connection ends. After a silence a ping is sent; silence to that too ends the connection."""
        for message in self.early:
            await self._hand_on(message, hear)
        pending = asyncio.ensure_future(self._next())
        pinged = False
        try:
            while True:
                await asyncio.wait({pending}, timeout=self.ping_seconds)
                if not pending.done():
                    if pinged:
                        raise AmiError(f"silent for {2 * self.ping_seconds:g} seconds")
                    self._send({"Action": "Ping"})
                    pinged = True
                    continue
                message, pinged = pending.result(), False
                await self._hand_on(message, hear)
                pending = asyncio.ensure_future(self._next())
        finally:
            pending.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await pending

    async def _hand_on(self, message: Message, hear: Callable[[Message], Awaitable[None]]) -> None:
        if message.get("Event") == "Shutdown":
            raise AmiError("Asterisk shuts down")
        if "Event" in message:
            await hear(message)

    def _send(self, action: Message) -> str:
        self.asked += 1
        number = str(self.asked)
        lines = [f"{name}: {value}" for name, value in {**action, "ActionID": number}.items()]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        return number

    async def _next(self) -> Message:
        message: Message = {}
        for _ in range(MOST_LINES):
            line = (await self.reader.readline()).decode(errors="replace")
            if not line.endswith("\n"):
                raise AmiError("the connection ended")
            if line.strip("\r\n"):
                name, _, value = line.strip("\r\n").partition(":")
                message.setdefault(name.strip(), value.strip())
            elif message:
                return message
        raise AmiError(f"a message of more than {MOST_LINES} lines")
