"""Keys of the programming interface: made once, shown once, checked by hash, limited per minute."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from django.db import transaction

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.remember import Remembered
from madoguchi.ground.privacy.sealing import keyring

from .models import ApiKey

SEALED_FOR: Final = "accounts.signing"
SCOPES = {
    "availability:read": "空き状況を読む",
    "reservations:read": "予約を読む",
    "reservations:write": "予約を入れる・変える・取り消す",
    "visits:read": "市の予約サイトの予約（取り込み分）を読む",
    "visits:write": "市の予約サイトの予約を取り込む",
    "calls:sign": "電話のできごとを送る（署名つき）",
    "calls:cti": "電話のできごとを送る（Zammad CTIの形）",
    "calls:connect": "電話のできごとを送る（Amazon Connect）",
}
SIGNING = "calls:sign"
"""Keys of this scope never travel: the sender signs with them."""
ADDRESSED = "calls:cti"
"""Keys of this scope stand in an address, so that they hold only from named networks."""


class UnknownScope(ValueError):
    """A scope that does not exist; the message lists those that do."""


class BadSource(ValueError):
    """A network that cannot be read."""


@dataclass(frozen=True)
class Key:
    """An opened key: what it may do, how often, and from which networks (none named: anywhere)."""

    id: int
    name: str
    scopes: frozenset[str]
    per_minute: int
    sources: tuple[str, ...] = ()


@dataclass
class _Bucket:
    tokens: float
    at: float


_known: Remembered[tuple[int, str], Key | None] = Remembered(10.0)
_signing: Remembered[int, tuple[tuple[Key, bytes], ...]] = Remembered(10.0)
_buckets: dict[int, _Bucket] = {}
_lock = threading.Lock()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def read_sources(text: str) -> list[str]:
    """Networks from a text with commas or blanks: ``203.0.113.7 2001:db8::/32``. Raises ``BadSource``."""
    found = []
    for part in text.replace(",", " ").split():
        try:
            found.append(str(ip_network(part, strict=False)))
        except ValueError:
            raise BadSource(f"{part[:50]!r} is no address or network") from None
    return found


@transaction.atomic
def make_key(
    contract: Contract,
    *,
    name: str,
    scopes: list[str],
    per_minute: int = 600,
    sources: Sequence[str] = (),
    by: Actor,
    now: dt.datetime,
) -> str:
    """Make a key and return its secret, which is shown this once. Raises ``UnknownScope``, ``BadSource``."""
    wrong = [scope for scope in scopes if scope not in SCOPES]
    if wrong or not scopes:
        raise UnknownScope(f"unknown scope {', '.join(wrong) or '(none)'}; choose from {', '.join(SCOPES)}")
    secret = f"mdg_{secrets.token_urlsafe(32)}"
    with contract_scope(contract):
        key = ApiKey.objects.create(
            contract=contract,
            name=name,
            prefix=secret[:12],
            secret_hash=_hash(secret),
            scopes=sorted(set(scopes)),
            per_minute=per_minute,
            signing=keyring(contract).seal(SEALED_FOR, secret.encode()) if SIGNING in scopes else None,
            sources=read_sources(" ".join(sources)),
            created_at=now,
            created_by=by.label or str(by.kind),
        )
        audit.record(contract, "key.made", f"key:{key.pk}", by=by, now=now, name=name, scopes=key.scopes)
    return secret


@transaction.atomic
def revoke_key(contract: Contract, pk: int, *, by: Actor, now: dt.datetime) -> None:
    """Make a key void within ten seconds everywhere. Raises ``ApiKey.DoesNotExist``."""
    with contract_scope(contract):
        key = ApiKey.objects.select_for_update(no_key=True).get(pk=pk, revoked_at=None)
        key.revoked_at, key.signing = now, None
        key.save(update_fields=["revoked_at", "signing"])
        audit.record(contract, "key.revoked", f"key:{key.pk}", by=by, now=now, name=key.name)


def find_key(contract: Contract, secret: str) -> Key | None:
    """The live key of a secret, remembered for ten seconds per process."""
    digest = _hash(secret)

    def read() -> Key | None:
        with contract_scope(contract):
            row = ApiKey.objects.filter(secret_hash=digest, revoked_at=None).first()
        return _key(row) if row else None

    return _known.get((contract.pk, digest), read)


def signing_keys(contract: Contract) -> tuple[tuple[Key, bytes], ...]:
    """The live keys by which events of calls may be signed, newest first, remembered for ten seconds per process."""

    def read() -> tuple[tuple[Key, bytes], ...]:
        with contract_scope(contract):
            rows = list(ApiKey.objects.filter(revoked_at=None, signing__isnull=False).order_by("-pk"))
        ring = keyring(contract)
        return tuple((_key(row), ring.unseal(SEALED_FOR, row.signing)) for row in rows if row.signing)

    return _signing.get(contract.pk, read)


def _key(row: ApiKey) -> Key:
    return Key(row.pk, row.name, frozenset(row.scopes), row.per_minute, tuple(row.sources))


def seconds_to_wait(key: Key) -> float:
    """0 when the key may act now (and counts it), else the seconds until it may; per process."""
    if key.per_minute == 0:
        return 0.0
    moment = time.monotonic()
    with _lock:
        bucket = _buckets.setdefault(key.id, _Bucket(key.per_minute, moment))
        bucket.tokens = min(key.per_minute, bucket.tokens + (moment - bucket.at) * key.per_minute / 60)
        bucket.at = moment
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0.0
        return (1 - bucket.tokens) * 60 / key.per_minute


def forget_known_keys() -> None:
    """Drop remembered keys and counts (tests)."""
    _known.forget()
    _signing.forget()
    with _lock:
        _buckets.clear()
