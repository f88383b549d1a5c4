"""Decisions about sending: when to try again, what an answer of a mail server means, how a message is named."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum

BACKOFF = tuple(dt.timedelta(minutes=m) for m in (1, 5, 30, 120, 360))
"""Waits after the first, second, … failed try; after the last one the message has failed."""

LATE_AFTER = dt.timedelta(minutes=10)
"""A message that waits longer than this beyond its time makes the log page warn."""

_ADDRESS = re.compile(r"<?[^\s<>@;:,\"']+@[^\s<>@;:,\"']+>?")
_MESSAGE_ID = re.compile(r"<?m(\d+)\.([a-z0-9-]+)\.([0-9a-z]+)@")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
ANSWER_MAX = 300
LONGEST_WAIT = dt.timedelta(hours=6)
"""A server that asks for a longer pause is asked again after this."""

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE = frozenset("^{}\\[~]|€")


class Outcome(StrEnum):
    """How one try, or what came back later, ended."""

    SENT = "sent"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    BOUNCED = "bounced"
    DELAYED = "delayed"
    DROPPED = "dropped"
    BROKEN = "broken"


OUTCOME_LABELS = {
    Outcome.SENT: "送信した",
    Outcome.TEMPORARY: "一時的に断られた",
    Outcome.PERMANENT: "断られた",
    Outcome.BOUNCED: "戻ってきた",
    Outcome.DELAYED: "配送が遅れている",
    Outcome.DROPPED: "取りやめた",
    Outcome.BROKEN: "文面を作れなかった",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from a failed try: the next time, or None when it was the last."""

    outcome: Outcome
    next_try: dt.datetime | None


def after_failure(
    permanent: bool, tries: int, now: dt.datetime, wait: dt.timedelta = dt.timedelta()
) -> Verdict:
    """What to do after try number ``tries`` (from 1) failed; ``wait`` is how long the server asked us to wait at least."""
    if permanent:
        return Verdict(Outcome.PERMANENT, None)
    if tries > len(BACKOFF):
        return Verdict(Outcome.TEMPORARY, None)
    return Verdict(Outcome.TEMPORARY, now + max(BACKOFF[tries - 1], min(wait, LONGEST_WAIT)))


def smtp_is_permanent(code: int) -> bool:
    """RFC 5321 §4.2.1: 5yz is permanent, 4yz worth another try; 0, a broken connection, too."""
    return 500 <= code < 600


def http_is_permanent(status: int) -> bool:
    """RFC 9110 §15: 4xx would fail again, but for a timeout, too early and too many; 5xx and 0 are worth another try."""
    return 300 <= status < 500 and status not in (408, 425, 429)


def retry_after(text: str, now: dt.datetime) -> dt.timedelta:
    """The wait that a ``Retry-After`` asks for (RFC 9110 §10.2.3: seconds or a date); none when it says nothing sensible."""
    if text.strip().isdecimal():
        return min(dt.timedelta(seconds=int(text.strip()[:9])), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return dt.timedelta()
    return max(dt.timedelta(), until - now) if until.tzinfo else dt.timedelta()


def segments(text: str) -> int:
    """How many parts an SMS takes: 160 septets of GSM 03.38 (153 each when joined), else 70 UTF-16 units (67 each).

    3GPP TS 23.038 and 23.040. Signs of the extension table count twice.
    """
    if all(sign in _GSM or sign in _GSM_TWICE for sign in text):
        size, whole, part = sum(2 if sign in _GSM_TWICE else 1 for sign in text), 160, 153
    else:
        size, whole, part = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if size <= whole else -(-size // part)


def without_addresses(text: str) -> str:
    """A server's answer on one line without mail addresses, cut to 300 characters: it may be logged."""
    return _ADDRESS.sub("<宛先>", " ".join(text.split()))[:ANSWER_MAX]


def message_id(pk: int, contract_code: str, created_at: dt.datetime, domain: str) -> str:
    """The ``Message-ID`` of a message: the same for every try, never the same for another message.

    The last part is the time of making in microseconds, base 36: rows of a database made anew cannot be taken for old
    ones.
    """
    return f"<m{pk}.{contract_code}.{stamp(created_at)}@{domain}>"


def stamp(moment: dt.datetime) -> str:
    """A moment as microseconds since 1970 in base 36."""
    number = (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
    text = ""
    while number:
        number, rest = divmod(number, 36)
        text = _DIGITS[rest] + text
    return text or "0"


def parse_message_id(text: str) -> tuple[int, str, str] | None:
    """(row, contract code, stamp) of one of our message ids, or None."""
    match = _MESSAGE_ID.search(text)
    return (int(match[1]), match[2], match[3]) if match else None

LONGEST_STOP = dt.timedelta(days=7)
"""A planned stop of the residents' site is not longer; a longer one is entered in parts."""
