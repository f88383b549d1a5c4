"""Deeds on keys: wrap anew under another master key, rotate a contract's key, re-seal, erase by dropping the keys.

Audit stands above this app: each deed takes ``record``, called inside its transaction with what to write, and the
caller audits (``madoguchi.keeping`` does so).
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import transaction
from django.db.models import BinaryField, F
from django.db.models.functions import Substr

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope

from .models import ContractKey
from .registry import SealedColumn, sealed_columns
from .sealing import SealError, _master_for, fingerprint, forget_keys, keyring, unwrap, wrap

Record = Callable[[dict[str, Any]], None]
BATCH = 500
VERSIONS = 65_535


class KeyDeedError(ValueError):
    """A deed on keys that must not be done; the message says why and what to do."""


def rotate_master(record: Callable[[Contract, dict[str, Any]], None] | None = None) -> dict[str, int]:
    """Wrap the keys of every contract under the first of ``settings.MASTER_KEYS``; rows re-wrapped, by contract code.

    Run it after putting a new key first and the old one into ``MADOGUCHI_MASTER_KEYS_OLD``. It may be interrupted and
    run again. When every count is 0 the old key can be taken away. Raises ``SealError`` when a key that wrapped a row
    is missing.
    """
    newest = bytes(settings.MASTER_KEYS[0])
    name = fingerprint(newest)
    counts = {}
    for contract in Contract.objects.order_by("pk"):
        with contract_scope(contract):
            rows = list(ContractKey.objects.select_for_update().exclude(master=name))
            for row in rows:
                old = _master_for(row.master)
                row.wrapped = wrap(newest, contract.pk, "data", unwrap(old, contract.pk, "data", row.wrapped))
                row.wrapped_index = wrap(
                    newest, contract.pk, "index", unwrap(old, contract.pk, "index", row.wrapped_index)
                )
                row.master = name
                row.save(update_fields=["wrapped", "wrapped_index", "master"])
            if rows and record is not None:
                record(contract, {"keys": len(rows), "master": name})
            counts[contract.code] = len(rows)
    return counts


@transaction.atomic
def rotate_contract_key(contract: Contract, now: dt.datetime, *, record: Record | None = None) -> int:
    """Give a contract a new data key; the new version's number. This process seals with it at once, others within a
    minute; whoever meets a value of the new key before that reads the keys anew.

    Old values stay readable; :func:`reseal` moves them. Raises ``SealError`` when the contract has no keys.
    """
    with contract_scope(contract):
        newest = ContractKey.objects.select_for_update().order_by("-version").first()
        if newest is None:
            raise SealError(f"contract {contract.code} has no keys; erased keys are never made again")
        if newest.version >= VERSIONS:
            raise KeyDeedError(f"contract {contract.code} has used all key versions")
        master = bytes(settings.MASTER_KEYS[0])
        index = unwrap(_master_for(newest.master), contract.pk, "index", newest.wrapped_index)
        ContractKey.objects.create(
            contract=contract,
            version=newest.version + 1,
            wrapped=wrap(master, contract.pk, "data", AESGCM.generate_key(256)),
            wrapped_index=wrap(master, contract.pk, "index", index),
            master=fingerprint(master),
            created_at=now,
        )
        ContractKey.objects.filter(version__lte=newest.version, retired_at=None).update(retired_at=now)
        if record is not None:
            record({"version": newest.version + 1})
    transaction.on_commit(lambda: forget_keys(contract.pk))
    return newest.version + 1


def reseal(contract: Contract, *, batch: int = BATCH) -> int:
    """Re-seal one batch of values that an older key sealed; how many. Call it until it answers 0.

    Each batch is a transaction of its own and nothing but the values themselves says what is left, so it can be
    killed and resumed at any time. Rows in use by others are skipped and found again by a later call. Raises
    ``SealError`` for a value that does not open.
    """
    forget_keys(contract.pk)
    ring = keyring(contract)
    done = 0
    for column in sealed_columns():
        if done >= batch:
            break
        done += _reseal_column(contract, column, ring.newest, batch - done)
    return done


def _reseal_column(contract: Contract, column: SealedColumn, newest: int, limit: int) -> int:
    ring = keyring(contract)
    current = b"\x01" + newest.to_bytes(2, "big")
    with contract_scope(contract):
        old = (
            column.model._default_manager.annotate(
                sealed_head=Substr(F(column.column), 1, 3, output_field=BinaryField())
            )
            .filter(**{f"{column.column}__isnull": False})
            .exclude(sealed_head=current)
        )
        rows = list(old.select_for_update(skip_locked=True, of=("self",)).order_by("pk")[:limit])
        for row in rows:
            plain = ring.unseal(column.purpose, getattr(row, column.column))
            values = {column.column: ring.seal(column.purpose, plain)}
            column.model._default_manager.filter(pk=row.pk).update(**values)
        return len(rows)


def sealed_with_old_keys(contract: Contract) -> dict[str, int]:
    """How many values older keys still seal, by column; retired keys can be dropped when all are 0."""
    newest = keyring(contract).newest
    current = b"\x01" + newest.to_bytes(2, "big")
    with contract_scope(contract):
        return {
            column.name: column.model._default_manager.annotate(
                sealed_head=Substr(F(column.column), 1, 3, output_field=BinaryField())
            )
            .filter(**{f"{column.column}__isnull": False})
            .exclude(sealed_head=current)
            .count()
            for column in sealed_columns()
        }


def drop_retired_keys(contract: Contract, *, record: Record | None = None) -> int:
    """Delete retired keys once nothing is sealed with them; how many. Raises :class:`KeyDeedError` while something
    is.
    """
    left = {name: count for name, count in sealed_with_old_keys(contract).items() if count}
    if left:
        raise KeyDeedError(f"values are still sealed with old keys: {left}; run the re-sealing first")
    with contract_scope(contract):
        count, _ = ContractKey.objects.exclude(retired_at=None).delete()
        if count and record is not None:
            record({"dropped": count})
    forget_keys(contract.pk)
    return count


@transaction.atomic
def erase_contract_keys(
    contract: Contract, *, typed_code: str, reason: str, now: dt.datetime, record: Record | None = None
) -> int:
    """Erase every sealed value of a contract for good by dropping its keys; how many key rows went.

    ``typed_code`` must be the contract's code, typed by the person who does it. The values themselves stay as bytes
    nobody can open, in backups too; a backup of the key rows taken earlier must be destroyed by its keeper. Blind
    indexes lose their key as well. Raises :class:`KeyDeedError` when the code differs, the reason is empty or no keys
    are left.
    """
    if typed_code.strip() != contract.code:
        raise KeyDeedError(f"to erase, type the contract's code: {contract.code}")
    if not reason.strip():
        raise KeyDeedError("to erase, give the reason, e.g. the end of the contract and the paper that asks for it")
    with contract_scope(contract):
        count = ContractKey.objects.count()
        if not count:
            raise KeyDeedError(f"contract {contract.code} has no keys: they were erased before")
        for row in ContractKey.objects.select_for_update():
            row.wrapped = row.wrapped_index = os.urandom(60)
            row.save(update_fields=["wrapped", "wrapped_index"])
        ContractKey.objects.all().delete()
        if record is not None:
            record({"keys": count, "reason": reason.strip(), "at": now.isoformat()})
    transaction.on_commit(lambda: forget_keys(contract.pk))
    return count
