"""The browser's leg: audio between an operator's page and the exchange by WebRTC, without a media library.

Only G.711 is spoken, which every browser must know (RFC 7874), so a bridge copies bytes. What remains of WebRTC is small:

    ICE    the lite part of RFC 8445: we are reached at one known place, the browser looks for the way. All legs share one UDP port, which is
           the one port to open; nothing an offer says makes us send anything to anybody.
    DTLS   the browser begins (RFC 5763); its certificate must have the fingerprint of its offer, ours is made anew with each process.
    SRTP   keys from DTLS (RFC 5764); packets are put in order, at most 100 ms are waited for one that is late.
    RTCP   a report every five seconds (RFC 3550), so that both sides know loss, jitter and the way's length.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import secrets
import struct
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

import pylibsrtp
from aioice import stun
from aiortp.packet import (
    RtcpPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from pylibsrtp import Policy, Session

from .legs import CODECS, Leg
from .offers import Offer, answer

Address = tuple[Any, ...]

MTU: Final = 1200
"""Largest datagram of DTLS that we send, in bytes: small enough for every tunnel."""
LONGEST: Final = 1500
LATE: Final = 5
"""Frames that may wait for one that is late: 100 ms of 20 ms."""
JUMP: Final = 250
"""Sequence numbers further away than this begin a new count."""
PAUSE: Final = 0.06
"""Seconds without anything to send after which the media clock follows the clock on the wall."""
BEAT: Final = 5.0
"""Seconds between reports, and between looks whether the browser is still heard."""
SILENT: Final = 15.0
"""Seconds after which a browser that is not heard is gone; Chromium checks its way every 2.5."""
CONNECT: Final = 15.0
"""Seconds within which ICE and DTLS must be through."""
WAYS: Final = 8
"""Addresses from which one browser may be heard at once."""
PROFILES: Final = {
    b"SRTP_AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    b"SRTP_AES128_CM_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
}
"""Ciphers of SRTP by their name in DTLS: libsrtp's number, bytes of key and of salt (RFC 5764, RFC 7714)."""
HASHES: Final[dict[str, Callable[[], hashes.HashAlgorithm]]] = {
    "sha-256": hashes.SHA256,
    "sha-384": hashes.SHA384,
    "sha-512": hashes.SHA512,
}
HEADER = struct.Struct("!BBHII")


class Identity:
    """The certificate of this process: made by itself, known to browsers by the fingerprint in the answer."""

    def __init__(self, *, now: dt.datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "madoguchi")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=3650))
            .sign(key, hashes.SHA256())
        )
        self.fingerprint = certificate.fingerprint(hashes.SHA256())
        self._context = SSL.Context(SSL.DTLS_METHOD)
        self._context.set_options(SSL.OP_NO_QUERY_MTU)
        self._context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _any_certificate)
        self._context.use_certificate(certificate)
        self._context.use_privatekey(key)
        self._context.set_tlsext_use_srtp(b":".join(PROFILES))

    def session(self) -> SSL.Connection:
        """A DTLS session that waits for the browser to begin."""
        session = SSL.Connection(self._context)
        session.set_ciphertext_mtu(MTU)
        session.set_accept_state()
        return session


def _any_certificate(*_: object) -> bool:
    """Browsers sign their certificates themselves: the fingerprint decides, once the handshake is through."""
    return True


class Incoming:
    """One stream as it arrives: put in order, and counted for the report (RFC 3550, appendices A.3 and A.8)."""

    def __init__(self, ssrc: int, sequence: int) -> None:
        self.ssrc = ssrc
        self._first = self._highest = self._next = sequence
        self._held: dict[int, bytes] = {}
        self._received = self._expected_before = self._received_before = 0
        self._transit: float | None = None
        self._jitter = 0.0
        self.sender_report = (0, 0.0)

    def push(self, sequence: int, timestamp: int, payload: bytes, *, at: float) -> Iterator[bytes]:
        """Take a packet that came at ``at`` (seconds); yields what can be heard now, in order."""
        number = self._highest + (sequence - self._highest + 0x8000) % 0x10000 - 0x8000
        if abs(number - self._highest) > JUMP:
            number = self._first = self._highest = self._next = sequence
            self._held.clear()
            self._received = self._expected_before = self._received_before = 0
        self._received += 1
        self._highest = max(self._highest, number)
        transit = at * 8000 - timestamp
        if self._transit is not None:
            self._jitter += (min(abs(transit - self._transit), 8000) - self._jitter) / 16
        self._transit = transit
        if number < self._next:
            return
        self._held[number] = payload
        if self._next not in self._held and len(self._held) > LATE:
            self._next = min(self._held)
        while self._next in self._held:
            yield self._held.pop(self._next)
            self._next += 1

    def report(self, *, at: float) -> RtcpReceiverInfo:
        """What we tell the sender of its stream; the fraction counts from the last report."""
        expected = self._highest - self._first + 1
        wanted, got = expected - self._expected_before, self._received - self._received_before
        self._expected_before, self._received_before = expected, self._received
        last, came = self.sender_report
        return RtcpReceiverInfo(
            ssrc=self.ssrc,
            fraction_lost=min(255, max(0, wanted - got) * 256 // wanted) if wanted > 0 else 0,
            packets_lost=max(0, expected - self._received),
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=int(self._jitter),
            lsr=last,
            dlsr=int((at - came) * 65536) & 0xFFFFFFFF if last else 0,
        )


class WebRtcLeg(Leg):
    """The audio of one operator's page, from its offer until it is closed or lost. Made by :meth:`WebRtcPort.answer`.

    ``ready`` is set once audio can flow; ``gone`` then is done with the reason when it no longer can. Outside of a bridge nothing is sent but
    what somebody ticks or plays, so an idle page costs next to nothing.
    """

    def __init__(self, port: WebRtcPort, offer: Offer, session: SSL.Connection) -> None:
        super().__init__(offer.payload_type)
        self.ready = asyncio.Event()
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(16)
        self.ssrc = secrets.randbits(32)
        self._loop = asyncio.get_running_loop()
        self._port, self._offer, self._tls = port, offer, session
        self._ways: list[Address] = []
        self._way: Address | None = None
        self._inbound: Session | None = None
        self._outbound: Session | None = None
        self._incoming: Incoming | None = None
        self._sequence, self._timestamp, self._due = secrets.randbits(15), secrets.randbits(32), 0.0
        self._octets = 0
        self._reported = (0, 0)
        self._packets = 0
        self._heard = self._loop.time()
        self._handshake_timer: asyncio.TimerHandle | None = None
        self._beat_timer = self._loop.call_later(CONNECT, self._beat)

    def transmit(self, payload: bytes) -> None:
        """Send audio of this leg's law, of any length; nothing happens before ``ready``."""
        if self._outbound is None or self._way is None:
            return
        now = self._loop.time()
        late = now - self._due
        marked = late > PAUSE
        if marked:
            self._timestamp += int(late * 8000) if self._due else 0
            self._due = now
        head = HEADER.pack(
            0x80, self.payload_type | marked << 7, self._sequence, self._timestamp & 0xFFFFFFFF, self.ssrc
        )
        self._port.send(self._outbound.protect(head + payload), self._way)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp += len(payload)
        self._due += len(payload) / 8000
        self._packets += 1
        self._octets += len(payload)

    async def close(self) -> None:
        self.lose("closed")

    def lose(self, why: str) -> None:
        """It is over: tell the browser, leave the port."""
        if self.gone.done():
            return
        with contextlib.suppress(SSL.Error):
            self._tls.shutdown()
        self._flush()
        self.gone.set_result(why)
        self._inbound = self._outbound = None
        self._beat_timer.cancel()
        if self._handshake_timer:
            self._handshake_timer.cancel()
        self._port.forget(self, self._ways)

    def check(self, request: stun.Message, address: Address) -> stun.Message | None:
        """Answer the browser's check of a way (RFC 8445, 7.3); ``None`` for one that is not the browser's."""
        _, _, theirs = request.attributes.get("USERNAME", "").partition(":")
        if theirs != self._offer.ufrag or not request.check_message_integrity(self.password.encode()):
            return None
        answered = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id)
        if "ICE-CONTROLLED" in request.attributes:
            answered.message_class = stun.Class.ERROR
            answered.attributes["ERROR-CODE"] = (487, "Role Conflict")
        else:
            answered.attributes["XOR-MAPPED-ADDRESS"] = address
            self._heard = self._loop.time()
            self._know(address)
            if self._way is None or "USE-CANDIDATE" in request.attributes:
                self._way = address
        answered.add_message_integrity(self.password.encode())
        return answered

    def _know(self, address: Address) -> None:
        if address in self._ways:
            return
        if len(self._ways) == WAYS:
            oldest = next(way for way in self._ways if way != self._way)
            self._ways.remove(oldest)
            self._port.forget_way(oldest)
        self._ways.append(address)
        self._port.learn_way(address, self)

    def datagram(self, data: bytes) -> None:
        """Something came from an address that the browser proved to be its own; told apart by RFC 7983."""
        if 19 < data[0] < 64:
            self._dtls(data)
        elif 127 < data[0] < 192 and self._inbound is not None and 12 <= len(data) <= LONGEST:
            with contextlib.suppress(pylibsrtp.Error):
                if 192 <= data[1] < 224:
                    self._rtcp(self._inbound.unprotect_rtcp(data))
                else:
                    self._rtp(self._inbound.unprotect(data))

    def _dtls(self, data: bytes) -> None:
        self._tls.bio_write(data)
        try:
            if self._inbound is None:
                self._tls.do_handshake()
                self._agree()
            while True:
                self._tls.recv(LONGEST)
        except SSL.WantReadError:
            self._flush()
            self._wait_for_handshake()
        except SSL.ZeroReturnError:
            self.lose("the browser closed it")
        except (SSL.Error, ValueError) as error:
            self.lose(f"DTLS failed: {error}")

    def _wait_for_handshake(self) -> None:
        if self._handshake_timer:
            self._handshake_timer.cancel()
            self._handshake_timer = None
        if self._inbound is None and (seconds := self._tls.DTLSv1_get_timeout()) is not None:
            self._handshake_timer = self._loop.call_later(seconds, self._repeat_handshake)

    def _repeat_handshake(self) -> None:
        try:
            self._tls.DTLSv1_handle_timeout()
        except SSL.Error:
            self.lose("DTLS failed: no answer")
            return
        self._flush()
        self._wait_for_handshake()

    def _agree(self) -> None:
        """The handshake is through: is it the browser of the offer? Then take the keys. Raises :class:`ValueError`."""
        certificate = self._tls.get_peer_certificate(as_cryptography=True)
        for name, digest in self._offer.fingerprints.items():
            if certificate is None or certificate.fingerprint(HASHES[name]()) != digest:
                raise ValueError("another certificate than the offer's")
        chosen = PROFILES.get(self._tls.get_selected_srtp_profile())
        if chosen is None:
            raise ValueError("no cipher of SRTP in common")
        profile, key, salt = chosen
        material = self._tls.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
        theirs = material[:key] + material[2 * key : 2 * key + salt]
        ours = material[key : 2 * key] + material[2 * key + salt :]
        self._inbound = Session(Policy(theirs, Policy.SSRC_ANY_INBOUND, srtp_profile=profile))
        self._outbound = Session(Policy(ours, Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
        if self._handshake_timer:
            self._handshake_timer.cancel()
        self._beat_timer.cancel()
        self._beat_timer = self._loop.call_later(BEAT, self._beat)
        self.ready.set()

    def _flush(self) -> None:
        """Send what DTLS has to say, records put together up to the MTU (a memory BIO knows no datagrams)."""
        said = b""
        with contextlib.suppress(SSL.WantReadError):
            while True:
                said += self._tls.bio_read(65536)
        for datagram in records(said):
            if self._way is not None:
                self._port.send(datagram, self._way)

    def _rtp(self, packet: bytes) -> None:
        first, second, sequence, timestamp, ssrc = HEADER.unpack_from(packet)
        payload_type = second & 0x7F
        begin = 12 + 4 * (first & 0x0F)
        if first & 0x10 and len(packet) >= begin + 4:
            begin += 4 + 4 * int.from_bytes(packet[begin + 2 : begin + 4], "big")
        end = len(packet) - (packet[-1] if first & 0x20 else 0)
        if payload_type not in CODECS or begin >= end:
            return
        if self._incoming is None or self._incoming.ssrc != ssrc:
            self._incoming = Incoming(ssrc, sequence)
        for payload in self._incoming.push(sequence, timestamp, packet[begin:end], at=self._loop.time()):
            self.receive(payload, payload_type)

    def _rtcp(self, data: bytes) -> None:
        try:
            packets = RtcpPacket.parse(data)
        except (ValueError, IndexError, struct.error):
            return
        for packet in packets:
            if isinstance(packet, RtcpSrPacket) and self._incoming and packet.ssrc == self._incoming.ssrc:
                middle = packet.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF
                self._incoming.sender_report = (middle, self._loop.time())

    def _beat(self) -> None:
        """Is the browser still there? Then report."""
        now = self._loop.time()
        if not self.ready.is_set():
            self.lose("no connection came about")
        elif now - self._heard > SILENT:
            self.lose("no longer heard")
        else:
            self._beat_timer = self._loop.call_later(BEAT, self._beat)
            self._report(now)

    def _report(self, now: float) -> None:
        if self._outbound is None or self._way is None or self._reported == (self._packets, self.received):
            return
        blocks = [self._incoming.report(at=now)] if self._incoming else []
        head: RtcpSrPacket | RtcpRrPacket
        if self._packets > self._reported[0]:
            clock = int(self._timestamp + (now - self._due) * 8000) & 0xFFFFFFFF
            sent = RtcpSenderInfo(int(now * (1 << 32)), clock, self._packets & 0xFFFFFFFF, self._octets & 0xFFFFFFFF)
            head = RtcpSrPacket(self.ssrc, sent, blocks)
        else:
            head = RtcpRrPacket(self.ssrc, blocks)
        self._reported = (self._packets, self.received)
        name = RtcpSdesPacket([RtcpSourceInfo(self.ssrc, [(1, self.ufrag.encode())])])
        self._port.send(self._outbound.protect_rtcp(bytes(head) + bytes(name)), self._way)


def records(said: bytes) -> Iterator[bytes]:
    """Records of DTLS gathered into datagrams of at most :data:`MTU` bytes; none is cut."""
    datagram, at = b"", 0
    while at + 13 <= len(said):
        end = at + 13 + int.from_bytes(said[at + 11 : at + 13], "big")
        if datagram and len(datagram) + end - at > MTU:
            yield datagram
            datagram = b""
        datagram += said[at:end]
        at = end
    if datagram:
        yield datagram


class WebRtcPort(asyncio.DatagramProtocol):
    """The one UDP port of all browsers. ``address`` is told to browsers: that of the machine as they see it."""

    def __init__(self, identity: Identity) -> None:
        self.address = ""
        self.port = 0
        self.legs: dict[str, WebRtcLeg] = {}
        self._ways: dict[Address, WebRtcLeg] = {}
        self._identity = identity
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, host: str, port: int = 0, *, address: str = "", now: dt.datetime) -> WebRtcPort:
        """Bind; ``port`` 0 takes any. ``address`` is needed where browsers reach us at another than ``host``. Raises :class:`OSError`."""
        identity = Identity(now=now)
        loop = asyncio.get_running_loop()
        transport, opened = await loop.create_datagram_endpoint(lambda: cls(identity), local_addr=(host, port))
        opened.address, opened.port = address or host, transport.get_extra_info("sockname")[1]
        return opened

    def answer(self, text: str) -> tuple[WebRtcLeg, str]:
        """A leg for a browser's offer, and the answer to give it. Raises :class:`~.offers.OfferError`."""
        offer = Offer.parse(text)
        leg = WebRtcLeg(self, offer, self._identity.session())
        self.legs[leg.ufrag] = leg
        return leg, answer(
            offer, ufrag=leg.ufrag, password=leg.password, fingerprint=self._identity.fingerprint,
            address=self.address, port=self.port, ssrc=leg.ssrc, name=f"madoguchi-{leg.ufrag}",
        )  # fmt: skip

    async def close(self) -> None:
        """Close every leg and the port."""
        for leg in list(self.legs.values()):
            await leg.close()
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def send(self, data: bytes, way: Address) -> None:
        """One datagram."""
        if self._transport is not None:
            self._transport.sendto(data, way)

    def learn_way(self, address: Address, leg: WebRtcLeg) -> None:
        """That address is the leg's: it showed the password that only its page knows."""
        self._ways[address] = leg

    def forget_way(self, address: Address) -> None:
        """The leg is no longer heard from there."""
        self._ways.pop(address, None)

    def forget(self, leg: WebRtcLeg, ways: list[Address]) -> None:
        """The leg is over."""
        self.legs.pop(leg.ufrag, None)
        for way in ways:
            if self._ways.get(way) is leg:
                del self._ways[way]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if not data:
            return
        address = addr[:2]
        if data[0] < 4:
            self._check(data, address)
        elif leg := self._ways.get(address):
            leg.datagram(data)

    def _check(self, data: bytes, address: Address) -> None:
        """A check of a way; what is not one, or not for us, gets no answer."""
        try:
            request = stun.parse_message(data)
        except (ValueError, IndexError, struct.error):
            return
        if request.message_method != stun.Method.BINDING or request.message_class != stun.Class.REQUEST:
            return
        ours, _, _ = request.attributes.get("USERNAME", "").partition(":")
        leg = self.legs.get(ours)
        if leg is not None and (answered := leg.check(request, address)) is not None:
            self.send(bytes(answered), address)
