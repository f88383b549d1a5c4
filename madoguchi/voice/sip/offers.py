"""Offer and answer of a session (RFC 3264): G.711 and telephone events (RFC 4733) over plain RTP."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final

from aiosipua.sdp import MediaDescription, SdpMessage, SdpNegotiationError, negotiate_sdp, parse_sdp, serialize_sdp

from .messages import Address

LAWS: Final = {0: "PCMU", 8: "PCMA"}
EVENTS: Final = 101
"""Payload type of telephone events in offers of our own."""


class Unacceptable(ValueError):
    """A session we cannot take part in (488)."""


@dataclass(frozen=True, slots=True)
class Media:
    """Where the other side wants its audio, in which law, the payload type of its digits (``None``: it sends none so), and whether
    it wants any at all now."""

    address: Address
    payload_type: int
    events: int | None
    wanted: bool = True


def _read(body: bytes) -> tuple[SdpMessage, MediaDescription]:
    try:
        session = parse_sdp(body.decode("utf-8", errors="replace"))
    except ValueError as error:
        raise Unacceptable(str(error)) from None
    audio = session.audio
    if audio is None or audio.proto.upper() not in ("RTP/AVP", "RTP/AVPF"):
        raise Unacceptable("no audio over plain RTP")
    return session, audio


def _events(audio: MediaDescription) -> int | None:
    for codec in audio.codecs:
        if codec.encoding_name.lower() == "telephone-event" and codec.clock_rate in (0, 8000) and 0 <= codec.payload_type < 128:
            return codec.payload_type
    return None


def _media(session: SdpMessage, audio: MediaDescription, payload_type: int) -> Media:
    host, port = session.rtp_address or ("", 0)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise Unacceptable("its address is no number") from None
    if not 0 <= port < 65536:
        raise Unacceptable("its port is none")
    direction = audio.direction if audio.direction != "sendrecv" or "sendrecv" in audio.attributes else _whole(session)
    wanted = direction in ("sendrecv", "recvonly") and port != 0 and not address.is_unspecified
    return Media((host, port), payload_type, _events(audio), wanted)


def _whole(session: SdpMessage) -> str:
    return next((d for d in ("sendonly", "recvonly", "inactive") if d in session.attributes), "sendrecv")


def understood(body: bytes) -> Media:
    """What an answer to our offer says. Raises :class:`Unacceptable`."""
    session, audio = _read(body)
    for codec in audio.codecs:
        if codec.payload_type in LAWS:
            return _media(session, audio, codec.payload_type)
    raise Unacceptable("no G.711 in it")


def answered(body: bytes, *, here: Address, session: int, version: int) -> tuple[bytes, Media]:
    """Our answer to an offer, and what was agreed: the first law offered, digits by the payload type offered. Raises :class:`Unacceptable`."""
    offer, audio = _read(body)
    try:
        answer, payload_type = negotiate_sdp(offer, here[0], here[1], [*LAWS], dtmf_payload_type=_events(audio) or 0)
    except (SdpNegotiationError, ValueError) as error:
        raise Unacceptable(str(error)) from None
    media = _media(offer, audio, payload_type)
    answer.origin.session_id, answer.origin.session_version = str(session), str(version)
    for part in answer.media:
        if part.media == "audio" and part.port:
            part.attributes["ptime"] = ["20"]
    return serialize_sdp(answer).encode(), media


def offered(*, here: Address, session: int, version: int, laws: tuple[int, ...] = (0, 8)) -> bytes:
    """An offer of our own."""
    family = "IP6" if ":" in here[0] else "IP4"
    lines = ["v=0", f"o=- {session} {version} IN {family} {here[0]}", "s=-", f"c=IN {family} {here[0]}", "t=0 0"]
    lines += [f"m=audio {here[1]} RTP/AVP {' '.join(map(str, laws))} {EVENTS}"]
    lines += [f"a=rtpmap:{law} {LAWS[law]}/8000" for law in laws]
    lines += [f"a=rtpmap:{EVENTS} telephone-event/8000", f"a=fmtp:{EVENTS} 0-16", "a=ptime:20", "a=sendrecv", ""]
    return "\r\n".join(lines).encode()
