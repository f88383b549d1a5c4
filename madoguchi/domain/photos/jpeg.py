"""A JPEG file read strictly and written anew with nothing but the picture in it. Pure.

Kept are the tables and scans that a decoder needs (ITU-T T.81, annex B); dropped are all application segments (EXIF with its place
and time, colour profiles, thumbnails), comments, and whatever stands behind the end. Each kept segment must have exactly the length
that its contents say, so that nothing can travel inside one. The coded data of the scans is not decoded.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from .errors import PhotoRefused

MOST_BYTES = 900_000
"""Below what a request may be at all (``DATA_UPLOAD_MAX_MEMORY_SIZE``)."""
SOI, EOI, SOS, DQT, DHT, DRI, COM = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xFE
FRAMES = {0xC0, 0xC1, 0xC2}
"""Baseline, extended and progressive with Huffman codes; what browsers write and everybody reads."""
RESTARTS = range(0xD0, 0xD8)
APPLICATION = range(0xE0, 0xF0)
NO_JPEG = "写真（JPEG）として読めません。もう一度撮影してください。"


@dataclass
class _Frame:
    width: int
    height: int
    components: list[int]


@dataclass
class _Reader:
    data: bytes
    at: int = 2
    kept: list[bytes] = field(default_factory=list)
    frame: _Frame | None = None
    quantizers: set[int] = field(default_factory=set)
    scans: int = 0


def clean(data: bytes, *, width: int, height: int) -> bytes:
    """The same picture without anything else, marked with the density at which it is 35 mm wide.

    ``width`` and ``height`` are what the picture must have (pixels). Raises :class:`PhotoRefused`.
    """
    if len(data) > MOST_BYTES:
        raise PhotoRefused(f"写真が大きすぎます（{MOST_BYTES // 1000}KBまで）。もう一度撮影してください。")
    if data[:2] != bytes((0xFF, SOI)):
        raise PhotoRefused(NO_JPEG)
    reader = _Reader(data)
    while (marker := _marker(reader)) != EOI:
        _segment(reader, marker)
    if reader.frame is None or not reader.scans:
        raise PhotoRefused(NO_JPEG)
    if (reader.frame.width, reader.frame.height) != (width, height):
        raise PhotoRefused("写真の大きさが決まりと違います。画面を開き直して、もう一度撮影してください。")
    density = round(width * 25.4 / 35)
    head = b"JFIF\0" + struct.pack(">HBHHBB", 0x0102, 1, density, density, 0, 0)
    return b"".join([bytes((0xFF, SOI)), _packed(0xE0, head), *reader.kept, bytes((0xFF, EOI))])


def _marker(reader: _Reader) -> int:
    """The next marker; fill bytes before it are dropped."""
    data, at = reader.data, reader.at
    if data[at : at + 1] != b"\xff":
        raise PhotoRefused(NO_JPEG)
    while data[at : at + 1] == b"\xff":
        at += 1
    if at >= len(data):
        raise PhotoRefused(NO_JPEG)
    reader.at = at + 1
    return data[at]


def _segment(reader: _Reader, marker: int) -> None:
    data, at = reader.data, reader.at
    length = int.from_bytes(data[at : at + 2], "big")
    body = data[at + 2 : at + length]
    if length < 2 or len(body) != length - 2:
        raise PhotoRefused(NO_JPEG)
    reader.at = at + length
    if marker in APPLICATION or marker == COM:
        return
    if marker == DQT:
        _quantizers(reader, body)
    elif marker == DHT:
        _codes(body)
    elif marker in FRAMES:
        _frame(reader, body)
    elif marker == SOS:
        _scan(reader, body)
        return
    elif marker != DRI or len(body) != 2:
        raise PhotoRefused(NO_JPEG)
    reader.kept.append(_packed(marker, body))


def _quantizers(reader: _Reader, body: bytes) -> None:
    at = 0
    while at < len(body):
        precision, number = divmod(body[at], 16)
        if precision > 1 or number > 3:
            raise PhotoRefused(NO_JPEG)
        reader.quantizers.add(number)
        at += 1 + 64 * (precision + 1)
    if at != len(body) or not body:
        raise PhotoRefused(NO_JPEG)


def _codes(body: bytes) -> None:
    at = 0
    while at < len(body):
        kind, number = divmod(body[at], 16)
        counts = body[at + 1 : at + 17]
        if kind > 1 or number > 3 or len(counts) != 16 or not 0 < sum(counts) <= 256:
            raise PhotoRefused(NO_JPEG)
        at += 17 + sum(counts)
    if at != len(body) or not body:
        raise PhotoRefused(NO_JPEG)


def _frame(reader: _Reader, body: bytes) -> None:
    if reader.frame is not None or len(body) < 6:
        raise PhotoRefused(NO_JPEG)
    precision, height, width, count = struct.unpack(">BHHB", body[:6])
    parts = [body[at : at + 3] for at in range(6, len(body), 3)]
    if precision != 8 or count not in (1, 3) or len(body) != 6 + 3 * count or len({part[0] for part in parts}) != count:
        raise PhotoRefused(NO_JPEG)
    if any(part[2] not in reader.quantizers or not _sampled(part[1]) for part in parts):
        raise PhotoRefused(NO_JPEG)
    reader.frame = _Frame(width, height, [part[0] for part in parts])


def _sampled(factors: int) -> bool:
    across, down = divmod(factors, 16)
    return 1 <= across <= 4 and 1 <= down <= 4


def _scan(reader: _Reader, head: bytes) -> None:
    """A scan: its head, then coded data up to the next marker that is no restart."""
    known = reader.frame.components if reader.frame else []
    count = head[0] if head else 0
    named = [head[1 + 2 * n] for n in range(count)] if len(head) == 4 + 2 * count else []
    if not 1 <= count <= 4 or not named or not set(named) <= set(known) or len(set(named)) != count:
        raise PhotoRefused(NO_JPEG)
    data, begin = reader.data, reader.at
    at = data.find(b"\xff", begin)
    while at != -1 and at + 1 < len(data) and (data[at + 1] == 0 or data[at + 1] in RESTARTS):
        at = data.find(b"\xff", at + 2)
    if at == -1 or at + 1 >= len(data) or at == begin:
        raise PhotoRefused("写真が途中で切れています。もう一度撮影してください。")
    reader.kept += [_packed(SOS, head), data[begin:at]]
    reader.at, reader.scans = at, reader.scans + 1


def _packed(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body
