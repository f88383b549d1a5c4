"""The spoken call of a ticket, in Japanese and English: made once per number and window on a machine, then read from its data folder."""

from __future__ import annotations

from madoguchi.domain.callflow.speech import speak, speakable

_NAMES = (
    "エー", "ビー", "シー", "ディー", "イー", "エフ", "ジー", "エイチ", "アイ", "ジェイ", "ケー", "エル", "エム", "エヌ", "オー", "ピー", "キュー",
    "アール", "エス", "ティー", "ユー", "ブイ", "ダブリュー", "エックス", "ワイ", "ゼット",
)  # fmt: skip
LETTERS = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", _NAMES, strict=True))
LANGUAGES = ("ja", "en")


def words(letter: str, number: int, window: int, language: str) -> str:
    """What is said."""
    if language == "en":
        return f"Number {letter}, {number}. Please come to window {window}."
    return f"番号札、{LETTERS[letter]}の{number}番のかた、{window}番窓口へお越しください。"


def spoken(letter: str, number: int, window: int, language: str) -> bytes | None:
    """A WAV of the call; None where this machine cannot speak the language. Raises ``SpeechError``."""
    if language not in LANGUAGES or not speakable(language):
        return None
    return next(sound for _, sound in speak([(language, words(letter, number, window, language))]))
