"""Passes: by one the web site lets an operator's browser into the exchange, by another the exchange tells the site whose call it is,
without a database between them."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from typing import Any


class PassError(ValueError):
    """A pass that does not hold: forged, broken or over."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What the bearer may do until ``until`` (seconds since 1970).

    ``operator`` is an opaque name; ``contracts`` those whose calls may ring; ``supervisor`` may be asked to take transfers and sees the queue.
    ``dial`` is the one number that may be called (a call-back), with the ``callback`` it is for. ``phone`` is the SIP telephone at which the
    operator sits: the page shows what that telephone does, and has no sound of its own.
    """

    operator: str
    contracts: tuple[str, ...]
    until: int
    supervisor: bool = False
    dial: str = ""
    callback: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class CallPass:
    """A call as the exchange vouches for it towards the site: the operator's page hands it over to see the caller's records. For a call of
    another telephone system (``provider``) the site vouches itself.

    ``number`` is empty when ``withheld``; ``choice`` is the code of the menu; ``until`` in seconds since 1970.
    """

    operator: str
    call: str
    contract: str
    number: str
    withheld: bool
    choice: str
    language: str
    until: int
    provider: str = "exchange"


def seal(what: Pass | CallPass, key: bytes) -> str:
    """The pass as text: URL-safe, signed by HMAC-SHA-256."""
    body = base64.urlsafe_b64encode(json.dumps(asdict(what), separators=(",", ":")).encode()).rstrip(b"=")
    return f"{body.decode()}.{_sign(body, key)}"


def unseal(text: str, key: bytes, *, now: dt.datetime) -> Pass:
    """The pass behind a text. Raises :class:`PassError`."""
    values = _open(text, key, now)
    try:
        return Pass(**{**values, "contracts": tuple(values["contracts"])})
    except (TypeError, KeyError):
        raise PassError("the pass cannot be read") from None


def unseal_call(text: str, key: bytes, *, now: dt.datetime) -> CallPass:
    """The call behind a text. Raises :class:`PassError`."""
    try:
        return CallPass(**_open(text, key, now))
    except TypeError:
        raise PassError("the pass cannot be read") from None


def derive(secret: str, purpose: str) -> bytes:
    """A key for one purpose (``pass``, ``spool``) from the secret that site and exchange share."""
    return hmac.new(secret.encode(), f"madoguchi voice {purpose}".encode(), hashlib.sha256).digest()


def _open(text: str, key: bytes, now: dt.datetime) -> dict[str, Any]:
    """The values in a text that we signed and that is not over."""
    if not text.isascii():
        raise PassError("the pass is not ours")
    body, _, signature = text.partition(".")
    if not hmac.compare_digest(_sign(body.encode(), key), signature):
        raise PassError("the pass is not ours")
    values: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    if values["until"] <= now.timestamp():
        raise PassError("the pass is over")
    return values


def _sign(body: bytes, key: bytes) -> str:
    return base64.urlsafe_b64encode(hmac.new(key, body, hashlib.sha256).digest()).rstrip(b"=").decode()
