"""Keys of the programming interface: made once, shown once, checked by hash, limited per minute."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import threading
import time
from dataclasses import dataclass

from django.db import transaction

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.remember import Remembered

from .models import ApiKey

SCOPES = {
    "availability:read": "空き状況を読む",
    "reservations:read": "予約を読む",
    "reservations:write": "予約を入れる・変える・取り消す",
    "visits:read": "市の予約サイトの予約（取り込み分）を読む",
    "visits:write": "市の予約サイトの予約を取り込む",
}


class UnknownScope(ValueError):
    """A scope that does not exist; the message lists those that do."""


@dataclass(frozen=True)
class Key:
    """An opened key: what it may do and how often."""

    id: int
    name: str
    scopes: frozenset[str]
    per_minute: int


@dataclass
class _Bucket:
    tokens: float
    at: float


_known: Remembered[tuple[int, str], Key | None] = Remembered(10.0)
_buckets: dict[int, _Bucket] = {}
_lock = threading.Lock()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def make_key(
    contract: Contract, *, name: str, scopes: list[str], per_minute: int = 600, by: Actor, now: dt.datetime
) -> str:
    """Make a key and return its secret, which is shown this once. Raises ``UnknownScope``."""
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
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
        audit.record(contract, "key.revoked", f"key:{key.pk}", by=by, now=now, name=key.name)


def find_key(contract: Contract, secret: str) -> Key | None:
    """The live key of a secret, remembered for ten seconds per process."""
    digest = _hash(secret)

    def read() -> Key | None:
        with contract_scope(contract):
            row = ApiKey.objects.filter(secret_hash=digest, revoked_at=None).first()
        return Key(row.pk, row.name, frozenset(row.scopes), row.per_minute) if row else None

    return _known.get((contract.pk, digest), read)


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
    with _lock:
        _buckets.clear()
