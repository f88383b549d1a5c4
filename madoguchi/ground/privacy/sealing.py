"""Sealing of personal data and blind indexes.

A sealed value is ``0x01 | key version (2 bytes) | nonce (12 bytes) | ciphertext+tag``; the additional data binds
contract and purpose, so that a value copied to another row kind or contract does not open. AES-256-GCM: NIST SP
800-38D.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import os
import threading
import time
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import transaction
from pydantic_core import to_json

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope

from .models import ContractKey

FORMAT = b"\x01"


class SealError(ValueError):
    """A value that cannot be opened: wrong contract, wrong purpose, damaged, or its key was dropped."""


@dataclass(frozen=True)
class Keyring:
    """The opened keys of one contract. Lives only in memory."""

    contract_id: int
    newest: int
    data: dict[int, AESGCM]
    index: bytes

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """Seal ``plain`` with the newest key for one purpose (e.g. ``booking.contact``)."""
        nonce = os.urandom(12)
        header = FORMAT + self.newest.to_bytes(2, "big")
        return header + nonce + self.data[self.newest].encrypt(nonce, plain, self._bound(purpose))

    def unseal(self, purpose: str, sealed: bytes | memoryview) -> bytes:
        """Open what ``seal`` made. Raises ``SealError``."""
        sealed = bytes(sealed)
        version = int.from_bytes(sealed[1:3], "big")
        key = self.data.get(version)
        if key is None and version > self.newest:
            key = _reopened(self.contract_id).data.get(version)
        if sealed[:1] != FORMAT or key is None:
            raise SealError(f"no key for this value (purpose {purpose}, contract {self.contract_id})")
        try:
            return key.decrypt(sealed[3:15], sealed[15:], self._bound(purpose))
        except InvalidTag:
            raise SealError(f"the value does not open for purpose {purpose}, contract {self.contract_id}") from None

    def seal_json(self, purpose: str, value: Any) -> bytes:
        """Seal a JSON value; text stays byte-exact (no normalisation)."""
        return self.seal(purpose, to_json(value))

    def unseal_json(self, purpose: str, sealed: bytes | memoryview) -> Any:
        """Open what ``seal_json`` made. Raises ``SealError``."""
        return json.loads(self.unseal(purpose, sealed))

    def blind(self, kind: str, value: str) -> bytes:
        """16-byte blind index of an already normalised value; kinds never collide."""
        return hmac.digest(self.index, f"{kind}\0{value}".encode(), "sha256")[:16]

    def token(self, purpose: str, value: str) -> str:
        """A 128-bit hex token derived from a value, e.g. the secret part of a booking's link; nothing is stored."""
        return hmac.digest(self.index, f"token:{purpose}\0{value}".encode(), "sha256")[:16].hex()

    def version_of(self, sealed: bytes) -> int:
        """Key version a sealed value was made with."""
        return int.from_bytes(bytes(sealed)[1:3], "big")

    def _bound(self, purpose: str) -> bytes:
        return f"{self.contract_id}:{purpose}".encode()


KEEP_SECONDS = 60.0
"""How long a process trusts the keys it opened: a rotation or erasure elsewhere is noticed after this time."""

_rings: dict[int, tuple[float, Keyring]] = {}
_lock = threading.Lock()


def fingerprint(master: bytes) -> str:
    """Public short name of a master key, to find the one that wrapped a row."""
    return hashlib.sha256(b"fingerprint\0" + master).hexdigest()[:16]


def wrap(master: bytes, contract_id: int, label: str, key: bytes) -> bytes:
    """Wrap a contract's key under the master key."""
    nonce = os.urandom(12)
    return nonce + AESGCM(master).encrypt(nonce, key, f"wrap:{contract_id}:{label}".encode())


def unwrap(master: bytes, contract_id: int, label: str, wrapped: bytes) -> bytes:
    """Open a wrapped key. Raises ``SealError``."""
    wrapped = bytes(wrapped)
    try:
        return AESGCM(master).decrypt(wrapped[:12], wrapped[12:], f"wrap:{contract_id}:{label}".encode())
    except InvalidTag:
        raise SealError(f"the master key does not open the keys of contract {contract_id}") from None


def _master_for(name: str) -> bytes:
    for master in settings.MASTER_KEYS:
        if fingerprint(master) == name:
            return bytes(master)
    raise SealError(
        f"no master key with fingerprint {name}: set MADOGUCHI_MASTER_KEY or MADOGUCHI_MASTER_KEYS_OLD to it"
    )


def keyring(contract: Contract) -> Keyring:
    """The keys of a contract, opened once a minute per process.

    Works inside or outside of a scope (it enters the contract itself). Raises ``SealError`` when the keys were
    dropped or the master key is not here.
    """
    found = _rings.get(contract.pk)
    if found is None:
        with _lock:
            found = _rings.get(contract.pk) or (time.monotonic(), _open(contract))
            _rings[contract.pk] = found
    elif time.monotonic() - found[0] > KEEP_SECONDS and _lock.acquire(blocking=False):
        try:
            found = (time.monotonic(), _open(contract))
            _rings[contract.pk] = found
        except SealError:
            _rings.pop(contract.pk, None)
            raise
        finally:
            _lock.release()
    return found[1]


def has_keys(contract: Contract) -> bool:
    """Whether a contract has keys; one whose personal data were erased has none."""
    with contract_scope(contract):
        return bool(ContractKey.objects.exists())


def _reopened(contract_id: int) -> Keyring:
    """The keys read anew: a value was sealed with a key that another process made since."""
    ring = _open(Contract.objects.get(pk=contract_id))
    with _lock:
        _rings[contract_id] = (time.monotonic(), ring)
    return ring


def forget_keys(contract_id: int | None = None) -> None:
    """Drop opened keys from memory: after a rotation, after erasing a contract, between tests."""
    with _lock:
        if contract_id is None:
            _rings.clear()
        else:
            _rings.pop(contract_id, None)


def _open(contract: Contract) -> Keyring:
    with contract_scope(contract):
        rows = list(ContractKey.objects.order_by("version"))
        if not rows:
            raise SealError(
                f"contract {contract.code} has no keys: run `madoguchi migrate` to make them"
                " (they are never made again after an erasure)"
            )
        data = {}
        index = b""
        for row in rows:
            master = _master_for(row.master)
            data[row.version] = AESGCM(unwrap(master, contract.pk, "data", row.wrapped))
            index = unwrap(master, contract.pk, "index", row.wrapped_index)
        return Keyring(contract.pk, rows[-1].version, data, index)


@transaction.atomic
def ensure_keys(contract: Contract, *, now: dt.datetime) -> None:
    """Make the first keys of a new contract; nothing happens when it has some."""
    with contract_scope(contract):
        if ContractKey.objects.exists():
            return
        master = bytes(settings.MASTER_KEYS[0])
        ContractKey.objects.create(
            contract=contract,
            version=1,
            wrapped=wrap(master, contract.pk, "data", AESGCM.generate_key(256)),
            wrapped_index=wrap(master, contract.pk, "index", os.urandom(32)),
            master=fingerprint(master),
            created_at=now,
        )
