"""The registrar: where the operators' SIP telephones are. Digest authentication only (RFC 3261 §22, RFC 7616 with MD5, as telephones speak it).

A nonce is a time signed with a key of this process, so nothing is stored for strangers; a used one cannot be used again with the same count.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiosipua.headers import parse_auth
from aiosipua.utils import generate_tag

from ..flow import REALM as REALM
from .dialogs import contact_uri
from .messages import Address, SipRequest, SipResponse, parse_address, response, user_of

NONCE_SECONDS: Final = 300.0
SHORTEST: Final = 30
LONGEST: Final = 3600


@dataclass(frozen=True, slots=True)
class Binding:
    """A telephone that can be called: its Contact, the address it registered from, until when (seconds of the given clock), and the HA1 it proved."""

    user: str
    uri: str
    source: Address
    until: float
    ha1: str


class Registrar:
    """Takes registrations.

    ``secret`` gives the HA1 of a user, or ``None``; ``seconds`` is a clock that never goes back. ``on_change`` hears of each binding made or
    refreshed, and of each lost one (``None``).
    """

    def __init__(self, *, secret: Callable[[str], str | None], seconds: Callable[[], float]) -> None:
        self.secret = secret
        self.seconds = seconds
        self.on_change: Callable[[str, Binding | None], None] = lambda user, binding: None
        self.bindings: dict[str, Binding] = {}
        self._key = secrets.token_bytes(16)
        self._used: dict[str, int] = {}

    def register(self, request: SipRequest, source: Address) -> SipResponse:
        """The answer to a REGISTER."""
        user = self._authenticated(request)
        if not isinstance(user, str):
            return user
        if user_of(contact_of_to(request)) != user:
            return response(request, 403, tag=generate_tag())
        contacts = request.headers.get("contact")
        if contacts and contacts != ["*"]:
            expires = _expires(request)
            if 0 < expires < SHORTEST:
                return response(request, 423, tag=generate_tag(), headers=[("Min-Expires", str(SHORTEST))])
            if expires:
                found = Binding(user, contact_uri(request), source, self.seconds() + expires, self.secret(user) or "")
                self.bindings[user] = found
                self.on_change(user, found)
            else:
                self._drop(user)
        elif contacts:
            self._drop(user)
        headers = []
        if bound := self.bindings.get(user):
            left = max(0, int(bound.until - self.seconds()))
            headers.append(("Contact", f"<{bound.uri}>;expires={left}"))
        return response(request, 200, tag=generate_tag(), headers=headers)

    def expire(self) -> None:
        """Forget what is over: bindings whose time is up or whose secret holds no more, and used nonces."""
        now = self.seconds()
        for user in [u for u, bound in self.bindings.items() if bound.until <= now or self.secret(u) != bound.ha1]:
            self._drop(user)
        for nonce in [n for n in self._used if (self._age(n) or 0) > NONCE_SECONDS]:
            del self._used[nonce]

    def _drop(self, user: str) -> None:
        if self.bindings.pop(user, None) is not None:
            self.on_change(user, None)

    def _authenticated(self, request: SipRequest) -> str | SipResponse:
        """The user who proved a password, or the answer that asks for it."""
        given = request.get_header("authorization")
        if not given:
            return self._challenge(request)
        credentials = parse_auth(given, credentials=True)
        values = credentials.params
        user, nonce = values.get("username", ""), values.get("nonce", "")
        age = self._age(nonce)
        if credentials.scheme.lower() != "digest" or values.get("realm") != REALM or age is None:
            return self._challenge(request)
        ha1 = self.secret(user)
        ha2 = _md5(f"{request.method}:{values.get('uri', '')}")
        qop, count = values.get("qop", ""), values.get("nc", "")
        middle = f"{nonce}:{count}:{values.get('cnonce', '')}:{qop}" if qop else nonce
        wanted = _md5(f"{ha1}:{middle}:{ha2}")
        if ha1 is None or not hmac.compare_digest(wanted.encode(), values.get("response", "").encode()):
            return response(request, 403, tag=generate_tag())
        if age > NONCE_SECONDS or not self._fresh(nonce, count):
            return self._challenge(request, stale=True)
        return user

    def _fresh(self, nonce: str, count: str) -> bool:
        """Whether the count is higher than any seen with this nonce; without one, a nonce serves once."""
        try:
            number = int(count, 16) if count else 1
        except ValueError:
            return False
        if number <= self._used.get(nonce, 0):
            return False
        self._used[nonce] = number
        return True

    def _challenge(self, request: SipRequest, *, stale: bool = False) -> SipResponse:
        value = f'Digest realm="{REALM}", nonce="{self._nonce()}", algorithm=MD5, qop="auth"'
        if stale:
            value += ", stale=TRUE"
        return response(request, 401, tag=generate_tag(), headers=[("WWW-Authenticate", value)])

    def _nonce(self) -> str:
        stamp = f"{self.seconds():.3f}.{secrets.token_hex(4)}"
        return f"{stamp}.{self._signature(stamp)}"

    def _age(self, nonce: str) -> float | None:
        """Seconds since a nonce of ours was made; ``None`` for any other text."""
        stamp, _, signature = nonce.rpartition(".")
        if not hmac.compare_digest(self._signature(stamp).encode(), signature.encode()):
            return None
        return self.seconds() - float(stamp.rpartition(".")[0])

    def _signature(self, stamp: str) -> str:
        return hmac.new(self._key, stamp.encode(), hashlib.sha256).hexdigest()[:24]


def contact_of_to(request: SipRequest) -> str:
    """The URI whose binding is asked for (address of record)."""
    value = request.headers.get_first("to") or ""
    return value[value.index("<") + 1 :].partition(">")[0] if "<" in value else value.partition(";")[0]


def _expires(request: SipRequest) -> int:
    contact = parse_address(request.headers.get("contact")[0])
    for value in (contact.params.get("expires"), request.get_header("expires")):
        if value and value.isdigit():
            return min(int(value), LONGEST)
    return LONGEST


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
