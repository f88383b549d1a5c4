"""What a browser offers and what we answer: the one kind of session description (SDP, RFC 8866) that an operator's page makes.

One audio stream, G.711, DTLS-SRTP, one port for RTP and RTCP. A description comes from outside, so it is read strictly: whatever is longer,
stranger or more than that is refused with a sentence, and nothing in it makes the exchange send anything anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .legs import PCMA, PCMU

MOST_CHARACTERS: Final = 16_000
MOST_LINES: Final = 400
LAWS: Final = {PCMU: "PCMU", PCMA: "PCMA"}
DIGESTS: Final = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
"""Digests a fingerprint may be made with (RFC 8122 without those that are broken), and their length in bytes."""

LINE = re.compile(r"([a-z])=([^\x00-\x1f\x7f]+)")
UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
MID = re.compile(r"[A-Za-z0-9_.\-]{1,32}")
PAIRS = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*")


class OfferError(ValueError):
    """An offer that cannot be used: the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What we need of an offer. ``fingerprints`` maps a digest's name to the digest of the browser's certificate."""

    ufrag: str
    password: str
    fingerprints: dict[str, bytes]
    mid: str
    payload_type: int

    @classmethod
    def parse(cls, text: str, *, laws: Sequence[int] = (PCMU, PCMA)) -> Offer:
        """Read an offer; of the ``laws`` the first one offered is taken. Raises :class:`OfferError`."""
        if len(text) > MOST_CHARACTERS:
            raise OfferError(f"longer than {MOST_CHARACTERS} characters")
        lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
        if len(lines) > MOST_LINES:
            raise OfferError(f"more than {MOST_LINES} lines")
        if lines[0] != "v=0":
            raise OfferError("does not begin with v=0")
        media: list[str] = []
        attributes: dict[str, list[str]] = {}
        for number, line in enumerate(lines, 1):
            found = LINE.fullmatch(line)
            if found is None:
                raise OfferError(f"line {number} is no line of SDP")
            kind, value = found.groups()
            if kind == "m":
                media.append(value)
            elif kind == "a":
                name, _, argument = value.partition(":")
                attributes.setdefault(name, []).append(argument)
        if len(media) != 1:
            raise OfferError(f"{len(media)} media, one of audio is wanted")
        return cls(
            ufrag=_one(attributes, "ice-ufrag", UFRAG),
            password=_one(attributes, "ice-pwd", PASSWORD),
            fingerprints=_fingerprints(attributes),
            mid=_one(attributes, "mid", MID),
            payload_type=_law(media[0], attributes, laws),
        )


def _one(attributes: dict[str, list[str]], name: str, form: re.Pattern[str]) -> str:
    values = set(attributes.get(name, ()))
    if len(values) != 1:
        raise OfferError(f"a={name}: {len(values)} values, one is wanted")
    value = values.pop()
    if not form.fullmatch(value):
        raise OfferError(f"a={name}: not of its form")
    return value


def _fingerprints(attributes: dict[str, list[str]]) -> dict[str, bytes]:
    """Digests of the browser's certificate that we can check. One name twice would leave open which counts."""
    found: dict[str, bytes] = {}
    for value in dict.fromkeys(attributes.get("fingerprint", ())):
        name, _, digest = value.partition(" ")
        name = name.lower()
        if name not in DIGESTS:
            continue
        if not PAIRS.fullmatch(digest) or len(digest) != 3 * DIGESTS[name] - 1 or name in found:
            raise OfferError("a=fingerprint: not of its form")
        found[name] = bytes.fromhex(digest.replace(":", ""))
    if not found:
        raise OfferError(f"a=fingerprint: one of {', '.join(DIGESTS)} is wanted")
    return found


def _law(media: str, attributes: dict[str, list[str]], laws: Sequence[int]) -> int:
    kind, _, rest = media.partition(" ")
    _, _, rest = rest.partition(" ")
    protocol, *formats = rest.split(" ")
    if kind != "audio" or protocol != "UDP/TLS/RTP/SAVPF":
        raise OfferError("no audio over UDP/TLS/RTP/SAVPF")
    if "rtcp-mux" not in attributes:
        raise OfferError("a=rtcp-mux is missing")
    if attributes.get("setup", [""])[0] not in ("actpass", "active"):
        raise OfferError("a=setup: the browser must be able to begin (actpass or active)")
    if attributes.keys() & {"sendonly", "recvonly", "inactive"}:
        raise OfferError("the audio must go both ways")
    for law in laws:
        if str(law) in formats:
            return law
    raise OfferError(f"none of {', '.join(LAWS[law] for law in laws)} is offered")


def answer(
    offer: Offer, *, ufrag: str, password: str, fingerprint: bytes, address: str, port: int, ssrc: int, name: str
) -> str:
    """Our answer: ICE-lite with the one place where we are reached; the browser begins ICE and DTLS. ``fingerprint`` is SHA-256."""
    family = "IP6" if ":" in address else "IP4"
    law = offer.payload_type
    lines = [
        "v=0",
        f"o=- {ssrc} 1 IN {family} {address}",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        f"a=group:BUNDLE {offer.mid}",
        f"m=audio {port} UDP/TLS/RTP/SAVPF {law}",
        f"c=IN {family} {address}",
        f"a=mid:{offer.mid}",
        "a=sendrecv",
        "a=rtcp-mux",
        f"a=rtpmap:{law} {LAWS[law]}/8000",
        "a=ptime:20",
        f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{password}",
        f"a=candidate:1 1 udp 2130706431 {address} {port} typ host",
        "a=end-of-candidates",
        f"a=fingerprint:sha-256 {fingerprint.hex(':').upper()}",
        "a=setup:passive",
        f"a=msid:{name} {name}",
        f"a=ssrc:{ssrc} cname:{name}",
    ]
    return "".join(f"{line}\r\n" for line in lines)
