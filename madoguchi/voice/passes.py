"""Passes: by one the web site lets an operator's browser into the exchange, without a database between them."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass


class PassError(ValueError):
    """A pass that does not hold: forged, broken or over."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What the bearer may do until ``until`` (seconds since 1970).

    ``operator`` is an opaque name; ``contracts`` those whose calls may ring; ``supervisor`` may be asked to take transfers and sees the queue.
    ``dial`` is the one number that may be called (a call-back), with the ``callback`` it is for.
    """

    operator: str
    contracts: tuple[str, ...]
    until: int
    supervisor: bool = False
    dial: str = ""
    callback: str = ""


def seal(what: Pass, key: bytes) -> str:
    """The pass as text: URL-safe, signed by HMAC-SHA-256."""
    body = base64.urlsafe_b64encode(json.dumps(asdict(what), separators=(",", ":")).encode()).rstrip(b"=")
    return f"{body.decode()}.{_sign(body, key)}"


def unseal(text: str, key: bytes, *, now: dt.datetime) -> Pass:
    """The pass behind a text. Raises :class:`PassError`."""
    body, _, signature = text.partition(".")
    if not hmac.compare_digest(_sign(body.encode(), key), signature):
        raise PassError("the pass is not ours")
    try:
        values = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        found = Pass(**{**values, "contracts": tuple(values["contracts"])})
    except (ValueError, TypeError, KeyError):
        raise PassError("the pass cannot be read") from None
    if found.until <= now.timestamp():
        raise PassError("the pass is over")
    return found


def derive(secret: str, purpose: str) -> bytes:
    """A key for one purpose (``pass``, ``spool``) from the secret that site and exchange share."""
    return hmac.new(secret.encode(), f"madoguchi voice {purpose}".encode(), hashlib.sha256).digest()


def _sign(body: bytes, key: bytes) -> str:
    return base64.urlsafe_b64encode(hmac.new(key, body, hashlib.sha256).digest()).rstrip(b"=").decode()
