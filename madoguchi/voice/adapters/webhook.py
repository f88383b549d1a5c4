"""Events posted by any telephone system: our own signed JSON, and Zammad's generic CTI for systems that already speak it.

Own JSON: one event or a list, each exactly what :meth:`CallEvent.parse` takes. Signed by two headers::

    Madoguchi-Timestamp: 1795654800
    Madoguchi-Signature: v1=<hex of HMAC-SHA-256 over timestamp, ".", body>

Zammad CTI ("Generic CTI" of docs.zammad.org: New Call, Call Answered, Call Hangup): form or JSON with ``event`` (newCall, answer, hangup),
``from``, ``to``, ``direction`` (in, out), ``callId``, and by event ``user``/``user[]``, ``queue``, ``answeringNumber``, ``cause``. It has no
time, so an event happens when it arrives, and no signature, so the address is the secret. Ours beyond Zammad: ``event`` may be any of our own
kinds (queued, abandoned, callback_requested, …); ``at``, ``state``, ``number``, ``why`` and ``callback`` are read when there.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import ipaddress
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..events import KINDS, CallEvent, EventError
from . import Read, checked, phone, short, told

TIMESTAMP: Final = "Madoguchi-Timestamp"
SIGNATURE: Final = "Madoguchi-Signature"
TOLERANCE: Final = dt.timedelta(minutes=5)
"""How far the sender's clock may be from ours; a seen signature must be remembered for twice as long."""
MOST_EVENTS: Final = 500
CTI: Final = "cti"
"""Provider name of what comes in Zammad's words."""

_ENDED_BY = {"normalClearing": "", "cancel": "caller"}


class SignatureError(ValueError):
    """A request that is not from somebody who has the key, or too old; the message says which."""


def sign(body: bytes, key: bytes, at: dt.datetime) -> dict[str, str]:
    """The two headers of a body sent at ``at``."""
    stamp = str(int(at.timestamp()))
    return {TIMESTAMP: stamp, SIGNATURE: f"v1={_mac(stamp, body, key)}"}


def verify(headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], now: dt.datetime) -> tuple[int, str]:
    """Which key holds (its place), and the signature in hex: whoever calls remembers that, because seen again it is a replay.

    ``keys`` are the one in use and, while a sender is being changed over, the one before. A sender may put signatures of several keys into
    the header, with commas. Raises :class:`SignatureError`.
    """
    stamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not stamp or not given:
        raise SignatureError(f"{TIMESTAMP} and {SIGNATURE} are needed")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise SignatureError(f"{TIMESTAMP}: seconds since 1970 are needed")
    signatures = [part.strip()[3:] for part in given.split(",") if part.strip().startswith("v1=")][:4]
    if not signatures:
        raise SignatureError(f"{SIGNATURE}: v1=<hex> is needed")
    for place, key in enumerate(keys):
        wanted = _mac(stamp, body, key)
        if any(hmac.compare_digest(wanted.encode(), signature.encode()) for signature in signatures):
            if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
                raise SignatureError(f"{TIMESTAMP}: more than {TOLERANCE // dt.timedelta(minutes=1)} minutes from our clock")
            return place, wanted
    raise SignatureError(f"{SIGNATURE}: no key of ours makes it")


def read(body: bytes, *, now: dt.datetime) -> Read:
    """The events in a body of our own JSON. Raises :class:`EventError`; in a list the key begins with the place, from 0."""
    sent = load(body)
    if not isinstance(sent, list):
        return Read(checked([_parse(sent)], now=now))
    if len(sent) > MOST_EVENTS:
        raise EventError(f"body: more than {MOST_EVENTS} events at once")
    events: list[CallEvent] = []
    for place, values in enumerate(sent):
        try:
            events += checked([_parse(values)], now=now)
        except EventError as error:
            raise EventError(f"{place}.{error}") from None
    return Read(tuple(events))


def load(body: bytes) -> Any:
    """JSON. Raises :class:`EventError` with the place of what is wrong."""
    try:
        return json.loads(body.decode())
    except json.JSONDecodeError as error:
        raise EventError(f"body: no JSON at line {error.lineno} column {error.colno}") from None
    except (ValueError, RecursionError):
        raise EventError("body: no JSON in UTF-8") from None


def read_cti(sent: object, *, now: dt.datetime) -> Read:
    """The events in one request of a CTI sender: a mapping from JSON, or of a form's fields to their value or list of values.

    A call out is ours only when it names the call-back it is (``callback``); others are ignored. Raises :class:`EventError`.
    """
    if not isinstance(sent, Mapping):
        raise EventError("body: an object or a form is needed")
    values = {name: value[0] if isinstance(value, list) and value else value for name, value in sent.items() if value != []}
    kind, call, direction = told(values, "event"), short(told(values, "callId"), "call"), told(values, "direction")
    if not kind:
        raise EventError("event: newCall, answer, hangup or one of our own kinds is needed")
    if not call:
        raise EventError("callId: a text is needed")
    if direction not in ("in", "out"):
        raise EventError(f"direction: {direction!r} is neither in nor out")
    callback = told(values, "callback")
    if direction == "out" and not callback:
        return Read(ignored=(f"out: {kind}"[:60],))
    outside, ours = ("to", "from") if direction == "out" else ("from", "to")
    caller, withheld = phone(told(values, outside))
    agent = short(told(values, "answeringNumber") or told(values, "user") or told(values, "user[]"), "agent")
    common: dict[str, Any] = {
        "caller": caller, "withheld": withheld, "dialled": phone(told(values, ours))[0],
        "queue": short(told(values, "queue"), "queue"),
    }  # fmt: skip
    at = _time(told(values, "at"), now)

    def event(kind: Any, *, agent: str = "", **data: str) -> CallEvent:
        return CallEvent(CTI, call, kind, at, agent=agent, data={name: value for name, value in data.items() if value}, **common)

    why = told(values, "why")
    if kind in ("newCall", "offered"):
        found = [event("offered", state=told(values, "state"), callback=callback)]
        if kind == "newCall" and common["queue"]:
            found.append(event("queued"))
    elif kind == "answer":
        found = [event("answered", agent=agent)]
    elif kind == "hangup":
        cause = told(values, "cause")
        found = [event("ended", by=_ENDED_BY.get(cause, "system"), why=cause if cause not in _ENDED_BY else "")]
        if cause == "cancel":
            found.insert(0, event("abandoned"))
    elif kind in KINDS:
        number = phone(told(values, "number"))[0] if kind == "callback_requested" else ""
        found = [event(kind, agent=agent, why=why, number=number, state=told(values, "state"), to=told(values, "transferredTo"))]
    else:
        return Read(ignored=(kind[:60],))
    return Read(checked(found, now=now))


def is_from(address: str, sources: Sequence[str]) -> bool:
    """Whether an address is in one of the networks (``203.0.113.7``, ``2001:db8::/32``); an empty list lets nobody in."""
    try:
        sender = ipaddress.ip_address(address)
        networks = [ipaddress.ip_network(source, strict=False) for source in sources]
    except ValueError:
        return False
    if isinstance(sender, ipaddress.IPv6Address) and sender.ipv4_mapped:
        sender = sender.ipv4_mapped
    return any(sender in network for network in networks)


def _mac(stamp: str, body: bytes, key: bytes) -> str:
    return hmac.new(key, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


def _parse(values: object) -> CallEvent:
    if not isinstance(values, Mapping):
        raise EventError("body: an event is an object")
    return CallEvent.parse(values)


def _time(text: str, now: dt.datetime) -> dt.datetime:
    if not text:
        return now
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        raise EventError(f"at: {text[:40]!r} is no time in ISO 8601") from None
    if at.tzinfo is None:
        raise EventError("at: the time has no zone")
    return at
