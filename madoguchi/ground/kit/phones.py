"""Phone numbers of Japan: stored as digits (``0XXXXXXXXX``), shown with hyphens."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from django.utils.translation import gettext as _

_NOISE = re.compile(r"[\s()\[\]（）.．・,，'/‐‑‒–—―−ー\-ｰ­​‌‍⁠﻿]")

_MOBILE = re.compile(r"0[789]0[1-9]\d{7}")
"""Mobile numbers as the numbering plan gives them (総務省 電気通信番号計画): checked without the library, being most of all."""


class PhoneError(ValueError):
    """The text is no phone number of Japan; the message says why, in the language of the reader, without the number."""


def normalise(text: str) -> str:
    """Digits with the leading zero, from any usual spelling: full-width, hyphens, blanks, brackets, ``+81``, ``0081``.

    Raises :class:`PhoneError` with a reason that says what to type instead.
    """
    raw = _NOISE.sub("", unicodedata.normalize("NFKC", text))
    if not raw:
        raise PhoneError(_("電話番号を入力してください。例：090-1234-5678"))
    if raw.startswith(("+81", "0081", "01081")):
        raw = "0" + re.sub(r"^(\+81|0081|01081)", "", raw).removeprefix("0")
    if raw.startswith("+"):
        raise PhoneError(_("日本の電話番号を入力してください。外国の番号には電話をかけられません。"))
    if not raw.isascii() or not raw.isdigit():
        raise PhoneError(_("電話番号は数字とハイフンで入力してください。例：090-1234-5678"))
    if not raw.startswith("0"):
        raise PhoneError(_("市外局番から、0で始まる番号を入力してください。例：0829-12-3456"))
    mobile = raw[:3] in ("050", "060", "070", "080", "090")
    wanted = 11 if mobile else 10
    toll_free = raw.startswith("0800")
    if toll_free:
        wanted = 11
    if len(raw) != wanted:
        raise PhoneError(
            _("電話番号の数字は%(wanted)s桁です。いまは%(given)s桁です。") % {"wanted": wanted, "given": len(raw)}
        )
    if _MOBILE.fullmatch(raw):
        return raw
    if not phonenumbers.is_valid_number(phonenumbers.parse(raw, "JP")):
        raise PhoneError(_("使われていない形の電話番号です。番号を確かめてください。"))
    return raw


def is_mobile(digits: str) -> bool:
    """Whether a stored number (``0XXXXXXXXXX``) is of a mobile telephone, which can get short messages."""
    return _MOBILE.fullmatch(digits) is not None


def show(digits: str) -> str:
    """A stored number with hyphens: ``090-1234-5678``, ``0829-30-9100``; other text comes back unchanged."""
    try:
        parsed = phonenumbers.parse(digits, "JP")
    except phonenumbers.NumberParseException:
        return digits
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)


def last_four(digits: str) -> str:
    """The last four digits, for read-back and lists where the whole number is not needed."""
    return digits[-4:]
