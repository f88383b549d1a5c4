"""Compile the message catalogues (``.po`` → ``.mo``) with Babel; no GNU gettext needed."""

from __future__ import annotations

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).resolve().parent.parent / "madoguchi" / "locale"

for source in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
    with source.open("rb") as handle:
        catalogue = read_po(handle)
    with source.with_suffix(".mo").open("wb") as handle:
        write_mo(handle, catalogue)
