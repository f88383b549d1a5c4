"""Papers as PDF: a Typst template of our own, filled with data (PDF/A-2, tagged, fonts embedded).

A template is a file of this package and imports ``/ground/kit/typst/paper.typ``; data reaches it as JSON and is only ever text there, never
code. The same template and data make the same bytes on every machine with the same fonts.
"""

from __future__ import annotations

import datetime as dt
import json
import struct
from bisect import bisect_right
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

ROOT = Path(__file__).parents[2]
FOLDERS = (Path("/usr/share/fonts/opentype/noto"), Path("/usr/share/fonts/google-noto-cjk"), Path("/usr/share/fonts/noto-cjk"))
"""Where Debian and Ubuntu, Fedora, and Arch keep the fonts."""
FILES = ("NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc")
MEDIA_TYPE = "application/pdf"
MISSING = "〓"
"""What stands for a character that the fonts do not have, as printers have always set it."""
UNDATED = dt.datetime(1980, 1, 1, tzinfo=dt.UTC)


class FontsMissing(Exception):
    """PDFs cannot be made here; the message, in Japanese, says what to install."""


def folder() -> Path:
    """The first folder that has all fonts. Raises :class:`FontsMissing`."""
    for one in FOLDERS:
        if all((one / name).is_file() for name in FILES):
            return one
    raise FontsMissing(
        "PDFを作るための日本語のフォントが、サーバーに入っていません。システムの管理者に、パッケージ「fonts-noto-cjk」を入れるよう伝えてください"
        "（Debian・Ubuntuでは apt install fonts-noto-cjk）。"
    )


def pdf(template: str, data: Mapping[str, Any], *, at: dt.datetime | None = None) -> bytes:
    """The PDF of a template (its path within this package) filled with JSON data, which the template reads as ``data``.

    ``at`` is written into the file as the moment of its making; take it from what the paper is about, never from the clock. Characters that
    no font has become :data:`MISSING`. Raises :class:`FontsMissing`.
    """
    found = folder()
    try:
        made: bytes = typst.compile(
            ROOT / template, root=ROOT, font_paths=_fonts(found), ignore_system_fonts=True, timestamp=int((at or UNDATED).timestamp()), pdf_standards=["a-2b"],
            sys_inputs={"data": json.dumps(_shown(data, found), ensure_ascii=False, sort_keys=True)},
        )  # fmt: skip
    except typst.TypstError as wrong:
        raise ValueError(f"{template}: {wrong.message}") from wrong
    return made


@lru_cache(maxsize=1)
def _fonts(found: Path) -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[found])


def _shown(value: Any, found: Path) -> Any:
    """Data with only such characters as can be set."""
    if isinstance(value, str):
        return "".join(one if one == "\n" or _has(ord(one), found) else " " if one == "\t" else "" if ord(one) < 32 else MISSING for one in value)
    if isinstance(value, Mapping):
        return {key: _shown(one, found) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(one, found) for one in value]
    return value


def _has(character: int, found: Path) -> bool:
    starts, ends = _covered(found / FILES[0])
    at = bisect_right(starts, character) - 1
    return (at >= 0 and character <= ends[at]) or 0xFE00 <= character <= 0xFE0F or 0xE0100 <= character <= 0xE01EF


@lru_cache(maxsize=1)
def _covered(font: Path) -> tuple[list[int], list[int]]:
    """First and last characters of the runs that the first font of a collection has: its ``cmap`` of format 12, which all these fonts bear."""
    raw = font.read_bytes()
    (begin,) = struct.unpack_from(">I", raw, 12)
    (count,) = struct.unpack_from(">H", raw, begin + 4)
    tables = {raw[at : at + 4]: struct.unpack_from(">I", raw, at + 8)[0] for at in range(begin + 12, begin + 12 + 16 * count, 16)}
    cmap = tables[b"cmap"]
    (count,) = struct.unpack_from(">H", raw, cmap + 2)
    places = {struct.unpack_from(">HH", raw, at): struct.unpack_from(">I", raw, at + 4)[0] for at in range(cmap + 4, cmap + 4 + 8 * count, 8)}
    full = cmap + places[3, 10]
    (groups,) = struct.unpack_from(">I", raw, full + 12)
    runs = [struct.unpack_from(">II", raw, full + 16 + 12 * n) for n in range(groups)]
    return [first for first, _ in runs], [last for _, last in runs]
