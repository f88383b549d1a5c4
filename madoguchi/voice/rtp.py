"""RTP legs (RFC 3550): the trunk's callers and SIP telephones. Digits by RFC 4733.

A raw socket and the loop's reader, not asyncio's datagram transport: at 50 packets a second for each of hundreds of legs the difference is heard.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import struct
import time
from collections.abc import Iterator
from typing import Final

from .legs import CODECS, PCMU, Leg
from .sip.messages import Address
from .sip.offers import Media

log = logging.getLogger(__name__)

KEYS: Final = "0123456789*#ABCD"
MOVED: Final = 2.0
"""Seconds of silence after which another port of the agreed host is believed."""
EXPEDITED: Final = 0xB8
"""The mark by which routers let audio pass first (RFC 3246)."""
PAUSE: Final = 0.1
"""Seconds without a packet sent after which timestamps follow the time that passed, and the marker is set."""
_HEADER: Final = struct.Struct("!BBHII")
_EVENT: Final = struct.Struct("!BBH")


class Digits:
    """Tells one digit per event, at the first packet that tells of it: later ones repeat it, and any of them may be lost."""

    def __init__(self) -> None:
        self._source: int | None = None
        self._at = 0
        self._event = -1

    def heard(self, payload: bytes, *, timestamp: int, source: int, marker: bool = False) -> str | None:
        """The key, or ``None`` when the packet tells nothing new."""
        if len(payload) < 4:
            return None
        event = payload[0]
        if source == self._source:
            ahead = (timestamp - self._at) & 0xFFFFFFFF
            if ahead == 0 or ahead >= 0x80000000:
                return None
            if ahead == 0xFFFF and event == self._event and not marker:
                self._at = timestamp
                return None
        self._source, self._at, self._event = source, timestamp, event
        return KEYS[event] if event < len(KEYS) else None


class Ports:
    """Even ports of one address, handed out in turn from anywhere: what still comes for a former life should find nobody."""

    def __init__(self, host: str, first: int, last: int) -> None:
        self.host = host
        self._all = range(first + first % 2, last + 1, 2)
        self._next = secrets.randbelow(len(self._all))

    def _in_turn(self) -> Iterator[int]:
        for _ in self._all:
            yield self._all[self._next % len(self._all)]
            self._next += 1

    def take(self) -> socket.socket:
        """A bound socket. Raises :class:`OSError` when all are in use."""
        for port in self._in_turn():
            found = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_DGRAM)
            try:
                found.bind((self.host, port))
            except OSError:
                found.close()
                continue
            self._next += 1
            found.setblocking(False)
            if found.family == socket.AF_INET:
                found.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, EXPEDITED)
            return found
        raise OSError("every RTP port is in use")


class RtpLeg(Leg):
    """One RTP session. Mute until :meth:`agree` says where to.

    Audio is taken from the agreed host only. Its port may be another than the agreed one (a translator of addresses between): the first that
    speaks is kept, and answered, until it falls silent or the agreed one speaks.
    """

    def __init__(self, ports: Ports, *, advertised: str = "") -> None:
        super().__init__(PCMU)
        self.muted = True
        self._socket = ports.take()
        host, port = self._socket.getsockname()[:2]
        self.address: Address = (advertised or host, port)
        self.last_heard = time.monotonic()
        self._remote: Address | None = None
        self._agreed: Address | None = None
        self._latched = False
        self._events: int | None = None
        self._digits = Digits()
        self._wanted = True
        self._source = secrets.randbits(32)
        self._sequence = secrets.randbits(15)
        self._timestamp = secrets.randbits(31)
        self._sent_at = 0.0
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._readable)

    def agree(self, media: Media) -> None:
        """What offer and answer said, also when they say something else later (hold, another address)."""
        self.payload_type = media.payload_type
        self._events = media.events
        self._wanted = media.wanted
        if self._remote is None or self._remote[0] != media.address[0] or media.wanted:
            self._remote = self._agreed = media.address
            self._latched = False
        self.last_heard = time.monotonic()
        self.muted = False

    @property
    def silent(self) -> float:
        """Seconds since anything was heard, while the other side should speak."""
        return time.monotonic() - self.last_heard if self._wanted and not self.muted else 0.0

    def transmit(self, payload: bytes) -> None:
        remote = self._remote
        if remote is None or not self._wanted or self.muted:
            return
        now = time.monotonic()
        marker = 0
        if now - self._sent_at > PAUSE:
            marker = 0x80
            if self._sent_at:
                self._timestamp = (self._timestamp + int((now - self._sent_at) * 8000) - len(payload)) & 0xFFFFFFFF
        self._sent_at = now
        self._sequence = (self._sequence + 1) & 0xFFFF
        header = _HEADER.pack(0x80, self.payload_type | marker, self._sequence, self._timestamp, self._source)
        self._timestamp = (self._timestamp + len(payload)) & 0xFFFFFFFF
        try:
            self._socket.sendto(header + payload, remote)
        except OSError as error:
            log.debug("RTP to %s: %s", remote, error)

    def _readable(self) -> None:
        for _ in range(8):
            try:
                data, source = self._socket.recvfrom(2048)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                log.debug("RTP: %s", error)
                return
            self.took(data, (source[0], source[1]))

    def took(self, data: bytes, source: Address) -> None:
        """One datagram."""
        remote = self._remote
        if remote is None or source[0] != remote[0] or len(data) < 13:
            return
        first, second, _, timestamp, sender = _HEADER.unpack_from(data)
        start = 12 + 4 * (first & 15)
        if first >> 6 != 2:
            return
        if first & 0x10:
            if len(data) < start + 4:
                return
            start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
        end = len(data) - (data[-1] if first & 0x20 else 0)
        if start >= end:
            return
        now = time.monotonic()
        if source != remote:
            if self._latched and source != self._agreed and now - self.last_heard < MOVED:
                return
            self._remote = source
        self._latched = True
        self.last_heard = now
        kind = second & 0x7F
        if kind == self._events:
            digit = self._digits.heard(data[start:end], timestamp=timestamp, source=sender, marker=second > 0x7F)
            if digit is not None:
                self.press(digit, "rtp")
        elif kind in CODECS:
            self.receive(data[start:end], kind)

    async def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()
