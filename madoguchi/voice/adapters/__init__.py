"""Other telephone systems: from what a provider sends to :class:`~madoguchi.voice.events.CallEvent`. Pure, but for the AMI connection.

    webhook     our own signed JSON, and the three calls of Zammad's generic CTI with more kinds; any telephone system that can post
    asterisk    Asterisk and FreePBX: live through the Manager Interface (AMI), complete through ``queue_log``
    connect     Amazon Connect: contact events through EventBridge

A provider's own name of a call is kept (``CallEvent.call``); the same event told twice is the same event. What a provider tells of that we do
not know is named in :attr:`Read.ignored`, to be counted and logged; what is broken raises :class:`~madoguchi.voice.events.EventError` with key
and reason. Twilio is not built: it asks by TwiML what to do with each call, so it is a telephone exchange to write, not an event to read.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..events import LONGEST, CallEvent, EventError

LONGEST_VALUES: Final = {"state": 10, "by": 10, "language": 10, "why": 40, "choice": 40, "number": 24}
LONGEST_VALUE: Final = 80
MOST_VALUES: Final = 20
STATES: Final = ("open", "closed", "holiday", "year_end")
OURS: Final = "exchange"
"""The provider name of our own exchange, whose events come through its spool and by no adapter."""

_WITHHELD = frozenset({"anonymous", "unavailable", "restricted", "private", "withheld", "unknown", "<unknown>"})
_TEXT = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]*")
_EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_AHEAD = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Read:
    """What a translator made of something a provider sent; ``ignored`` names what it does not know."""

    events: tuple[CallEvent, ...] = ()
    ignored: tuple[str, ...] = ()


def phone(text: str) -> tuple[str, bool]:
    """A number as E.164 and whether it was withheld.

    Japanese spellings (``090…``, ``81…``, ``010…``) become ``+…``; anything else stays as the network gave it, cut where it is no number
    any more.
    """
    given = re.sub(r"[\x00-\x1f\x7f]", "", text).strip()[: LONGEST["dialled"]]
    if given.lower() in _WITHHELD:
        return "", True
    digits = re.sub(r"[\s().-]", "", given)
    if re.fullmatch(r"\+\d{6,15}", digits):
        return digits, False
    if re.fullmatch(r"0[1-9]\d{8,9}", digits):
        return f"+81{digits[1:]}", False
    if found := re.fullmatch(r"(?:010|00)([1-9]\d{6,14})", digits):
        return f"+{found[1]}", False
    if re.fullmatch(r"81[1-9]\d{8,9}", digits):
        return f"+{digits}", False
    return given, False


def checked(events: Iterable[CallEvent], *, now: dt.datetime) -> tuple[CallEvent, ...]:
    """The events, once they hold nothing that the record of calls cannot take: texts of a sane length without control characters, flat
    data, times from 2000 to tomorrow, and no provider that says it is our exchange. Raises :class:`EventError` naming the key."""
    return tuple(_checked(event, now) for event in events)


def _checked(event: CallEvent, now: dt.datetime) -> CallEvent:
    for key, longest in {**LONGEST, "contract": 64}.items():
        _text(key, getattr(event, key), longest)
    if event.agent.startswith("user:") and not re.fullmatch(r"user:[0-9]{1,9}", event.agent):
        raise EventError("agent: user:<number> names an account of ours")
    if event.provider == OURS:
        raise EventError(f"provider: {OURS!r} is our own exchange; choose another name")
    try:
        fits = _EARLIEST <= event.at <= now + _AHEAD
    except OverflowError:
        fits = False
    if not fits:
        raise EventError(f"at: {event.at.isoformat()} is not between 2000 and tomorrow")
    if len(event.data) > MOST_VALUES:
        raise EventError(f"data: more than {MOST_VALUES} values")
    for name, value in event.data.items():
        _text("data", name, 40)
        if name in ("caller", "dialled", "withheld"):
            raise EventError(f"data.{name}: stands beside data, not in it")
        _value(name, value)
    state = event.data.get("state")
    if state and state not in STATES:
        raise EventError(f"data.state: {state!r} is none of {', '.join(STATES)}")
    return event


def short(text: str, key: str) -> str:
    """A provider's name as long as the record keeps it; two long names stay two."""
    longest = LONGEST[key]
    if len(text) <= longest:
        return text
    return f"{text[: longest - 17]}~{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:16]}"


def _text(key: str, value: object, longest: int) -> None:
    if not isinstance(value, str):
        raise EventError(f"{key}: a text is needed")
    if len(value) > longest:
        raise EventError(f"{key}: at most {longest} characters")
    if not _TEXT.fullmatch(value):
        raise EventError(f"{key}: holds a control character")


def _value(name: str, value: Any) -> None:
    key = f"data.{name}"
    if name in LONGEST_VALUES:
        _text(key, value, LONGEST_VALUES[name])
    elif isinstance(value, str):
        _text(key, value, LONGEST_VALUE)
    elif isinstance(value, int | float):
        if not -1e7 < value < 1e7:
            raise EventError(f"{key}: no number that can be")
    elif value is not None:
        raise EventError(f"{key}: a text, a number, true or false is needed")


def told(values: Mapping[str, Any], name: str) -> str:
    """A text of a provider's message; empty where it is missing. A number is taken as text. Raises :class:`EventError`."""
    value = values.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise EventError(f"{name}: a text is needed")
    try:
        return str(value)
    except ValueError:
        raise EventError(f"{name}: a number with too many digits") from None
