"""Purposes of the sealed columns, and the one form of a card's number."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from madoguchi.ground.contracts.profile import Cards
from madoguchi.ground.contracts.profile.fields import matcher
from madoguchi.ground.privacy.guard import REFUSAL, find_individual_numbers

PERSON: Final = "cards.person"
MOVE: Final = "cards.move"
DIFFERENCE: Final = "cards.difference"
LONGEST_NUMBER: Final = 24
_DASHES = re.compile(r"[‐‑‒–—―−ーｰ－]")


def read_number(text: str, terms: Cards) -> str:
    """A typed or scanned management number in its one form: half-width, capitals, no blanks.

    Raises ``ValueError`` with what to do; whatever reads as an individual number is refused first and never repeated.
    """
    plain = _DASHES.sub("-", unicodedata.normalize("NFKC", text)).upper()
    plain = "".join(plain.split())
    if find_individual_numbers(text) or re.fullmatch(r"(?:\d-?){12}", plain):
        raise ValueError(str(REFUSAL))
    if not plain:
        raise ValueError("管理番号を読み取るか、入力してください。")
    if len(plain) > LONGEST_NUMBER or not matcher(terms.number_pattern)(plain):
        example = f"例：{terms.number_example}" if terms.number_example else ""
        raise ValueError(f"管理番号の形ではありません。カードのラベルのバーコードを読み取ってください。{example}")
    return plain
