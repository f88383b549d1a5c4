"""JPEG files for tests, built segment by segment (ITU-T T.81); their coded data is noise, which nobody here decodes."""

from __future__ import annotations

import random
import struct

WIDTH, HEIGHT = 840, 1080


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def tables(*, width: int = WIDTH, height: int = HEIGHT, frame: int = 0xC0) -> bytes:
    quantizers = segment(0xDB, b"\x00" + bytes(range(1, 65)) + b"\x01" + bytes(range(1, 65)))
    head = struct.pack(">BHHB", 8, height, width, 3) + b"\x01\x22\x00" + b"\x02\x11\x01" + b"\x03\x11\x01"
    codes = segment(0xC4, b"\x00" + bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]) + bytes(range(12)))
    return quantizers + segment(frame, head) + codes


def scan(noise: int = 2000, seed: int = 1, planted: bytes = b"") -> bytes:
    coded = random.Random(seed).randbytes(noise).replace(b"\xff", b"\xff\x00")
    return segment(0xDA, b"\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00") + b"\x12" + coded + planted + b"\x34"


def jpeg(*, extra: bytes = b"", behind: bytes = b"", seed: int = 1, planted: bytes = b"", **shape: int) -> bytes:
    """A picture of the shape; ``extra`` segments stand before the tables, ``behind`` after the end, ``planted`` in its coded data."""
    return b"\xff\xd8" + extra + tables(**shape) + scan(seed=seed, planted=planted) + b"\xff\xd9" + behind
