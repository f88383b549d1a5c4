"""Readings of names: one form for storing and showing, another, rougher one for finding.

The stored form is full-width katakana; the name itself (kanji, Latin letters) is never touched by this module.
"""

from __future__ import annotations

import re
import unicodedata

import jaconv

_SPACES = re.compile(r"\s+")
_KANA = re.compile(r"[ァ-ヺー・　 ]*[ァ-ヺ][ァ-ヺー・　 ]*")
_DONE = re.compile(r"[ァ-ヺー・]+(?:　[ァ-ヺー・]+)*")
_PARTING = " -'’.,"
_PLAIN = str.maketrans(
    "ァィゥェォッャュョヮヵヶガギグゲゴザジズゼゾダヂヅデドバビブベボパピプペポヰヱヲ",
    "アイウエオツヤユヨワカケカキクケコサシスセソタシステトハヒフヘホハヒフヘホイエオ",
)
_VU = {
    "ヴァ": "バ",
    "ヴィ": "ビ",
    "ヴェ": "ベ",
    "ヴォ": "ボ",
    "ヴ": "ブ",
    "ヷ": "ワ",
    "ヸ": "イ",
    "ヹ": "エ",
    "ヺ": "オ",
}
_STRETCHED_BY = {
    "アカサタナハマヤラワ": "ーア",
    "イキシチニヒミリ": "ーイ",
    "ウクスツヌフムユル": "ーウ",
    "エケセテネヘメレ": "ーエイ",
    "オコソトノホモヨロ": "ーオウ",
}
_STRETCH = {kana: signs for row, signs in _STRETCHED_BY.items() for kana in row}


def to_katakana(text: str) -> str:
    """Full-width katakana: hiragana and half-width forms are turned, voiced marks joined, outer blanks cut, inner
    ones made one full-width blank. A hyphen right after a kana is read as the long-vowel sign. Other characters stay
    as they are, so that ``is_kana`` can refuse them.
    """
    if _DONE.fullmatch(text):
        return text
    text = jaconv.h2z(jaconv.hira2kata(text), kana=True, ascii=False, digit=False)
    text = unicodedata.normalize("NFC", text.replace("゛", "\u3099").replace("゜", "\u309a"))
    text = re.sub(r"(?<=[ァ-ヺー])[‐‑‒–—―−－ｰ\-~〜～]", "ー", text)
    return _SPACES.sub("　", text.strip())


def is_kana(text: str) -> bool:
    """True for text in full-width katakana (with ``ー``, ``・`` and blanks) that holds at least one kana."""
    return _KANA.fullmatch(text) is not None


def is_latin(text: str) -> bool:
    """True for a name in Latin letters, with or without accents (blanks, hyphens, apostrophes, full stops and commas may part them)."""
    letters = [c for c in unicodedata.normalize("NFC", text) if c not in _PARTING]
    return bool(letters) and all(unicodedata.name(c, "").startswith("LATIN ") for c in letters)


def search_key(text: str) -> str:
    """A rough key under which the usual spellings of one reading fall together.

    Blanks and middle dots go, voiced and small kana become plain, a long vowel is dropped however it is written
    (ユーコ・ユウコ・ユコ, オオノ・オーノ), ヂ is ジ and ヅ is ズ, ヴァ is バ. Latin letters become upper case without
    accents. Different names can share a key; it finds candidates, a person decides.
    """
    text = to_katakana(text)
    for old, new in _VU.items():
        text = text.replace(old, new)
    text = unicodedata.normalize("NFKD", text.translate(_PLAIN)).upper()
    kept: list[str] = []
    for c in text:
        if not (c.isalnum() or c == "ー") or unicodedata.combining(c):
            continue
        if c == "ー" or (kept and c in _STRETCH.get(kept[-1], "")):
            continue
        kept.append(c)
    return "".join(kept)
