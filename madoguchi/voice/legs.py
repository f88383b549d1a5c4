"""Legs: the ends of the audio. All audio is G.711 in frames of 20 ms, as trunks and browsers both speak it, so a bridge copies bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from aiortp.codecs.g711 import PcmaCodec, PcmuCodec

FRAME: Final = 160
"""Samples, and bytes of G.711, in 20 ms."""
PCMU: Final = 0
PCMA: Final = 8
CODECS: Final = {PCMU: PcmuCodec(), PCMA: PcmaCodec()}
SILENCE: Final = {PCMU: b"\xff" * FRAME, PCMA: b"\xd5" * FRAME}


def converted(payload: bytes, given: int, wanted: int) -> bytes:
    """G.711 of one law as the other; the same bytes when they are the same law."""
    return payload if given == wanted else CODECS[wanted].encode(CODECS[given].decode(payload))


class Leg:
    """One end of the audio; a transport inherits it and gives :meth:`transmit` and :meth:`close`.

    While ``peer`` is set, what comes in goes to the peer, and the clock sends nothing. Else the clock sends the frames of the running
    announcement, or silence, unless ``muted`` (nothing may be sent before the other side said where to).
    """

    def __init__(self, payload_type: int = PCMU) -> None:
        self.payload_type = payload_type
        self.peer: Leg | None = None
        self.muted = False
        self.received = 0
        self.sent = 0
        self.digits: asyncio.Queue[str] = asyncio.Queue()
        self._keys_by = ""
        self._frames: Sequence[bytes] = ()
        self._at = 0
        self._played: asyncio.Future[None] | None = None

    def transmit(self, payload: bytes) -> None:
        """Send one frame in this leg's own law."""
        raise NotImplementedError

    async def close(self) -> None:
        """Free what the transport holds; may be called twice."""
        raise NotImplementedError

    def receive(self, payload: bytes, payload_type: int) -> None:
        """A transport got audio."""
        self.received += 1
        if self.peer is not None:
            self.peer.send(payload, payload_type)

    def press(self, key: str, by: str) -> None:
        """A key was pressed, told in the audio (``rtp``) or beside it (``info``). Who tells a key both ways has pressed it once: the first way counts."""
        self._keys_by = self._keys_by or by
        if by == self._keys_by and self.digits.qsize() < 64:
            self.digits.put_nowait(key)

    def send(self, payload: bytes, payload_type: int) -> None:
        """Send audio of either law."""
        self.sent += 1
        self.transmit(converted(payload, payload_type, self.payload_type))

    def tick(self) -> None:
        """20 ms have passed."""
        if self.peer is not None or self.muted:
            return
        if self._at < len(self._frames):
            self.sent += 1
            self.transmit(self._frames[self._at])
            self._at += 1
            if self._at == len(self._frames) and self._played and not self._played.done():
                self._played.set_result(None)
        else:
            self.sent += 1
            self.transmit(SILENCE[self.payload_type])

    async def play(self, frames: Sequence[bytes], *, until_digit: bool = True) -> str | None:
        """Play an announcement (frames in this leg's law) to its end; a digit pressed meanwhile ends it and is returned."""
        if not frames:
            return None
        self._frames, self._at = frames, 0
        self._played = asyncio.get_running_loop().create_future()
        digit = asyncio.ensure_future(self.digits.get()) if until_digit else None
        try:
            first: set[asyncio.Future[Any]] = {self._played, digit} if digit else {self._played}
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            return digit.result() if digit and digit.done() else None
        finally:
            self._frames, self._at = (), 0
            if digit and not digit.done():
                digit.cancel()


def join(one: Leg, other: Leg) -> None:
    """Let two legs hear each other."""
    one.peer, other.peer = other, one


def part(leg: Leg) -> None:
    """Take a leg out of its bridge; both hear what the clock plays."""
    if leg.peer is not None:
        leg.peer.peer = None
        leg.peer = None
