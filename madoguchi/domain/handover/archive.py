"""Files of a package: written in sealed pieces, read as one ZIP. Never more than a piece is in memory."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, Final, cast

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import Keyring

from .models import Package, PackageFile, PackagePart

PART: Final = "handover.part"
PIECE: Final = 512 * 1024
"""Bytes of a piece before it is compressed and sealed."""


class Sink:
    """Takes the bytes of one file of a package that is not stored yet. Inside ``contract_scope``; :meth:`close` stores its size and checksum."""

    def __init__(self, file: PackageFile, ring: Keyring) -> None:
        self._file = file
        self._ring = ring
        self._waiting = bytearray()
        self._digest = hashlib.sha256()
        self._size = self._n = 0

    def write(self, data: bytes) -> None:
        """Take bytes; full pieces are stored at once."""
        self._digest.update(data)
        self._size += len(data)
        self._waiting += data
        while len(self._waiting) >= PIECE:
            self._store(bytes(self._waiting[:PIECE]))
            del self._waiting[:PIECE]

    def close(self, *, rows: int | None = None, about: dict[str, Any] | None = None) -> None:
        """Store the rest and what is known of the file."""
        self._file.size, self._file.sha256, self._file.rows = self._size, self._digest.hexdigest(), rows
        self._file.about = about or {}
        self._file.save()
        if self._waiting:
            self._store(bytes(self._waiting))
            self._waiting.clear()

    def _store(self, piece: bytes) -> None:
        if self._file.pk is None:
            self._file.save()
        sealed = self._ring.seal(PART, zlib.compress(piece))
        PackagePart.objects.create(contract_id=self._file.contract_id, file=self._file, n=self._n, content=sealed)
        self._n += 1


def pieces(contract: Contract, file: PackageFile, ring: Keyring) -> Iterator[bytes]:
    """The bytes of a file, piece by piece; each is fetched in a transaction of its own, so that a slow reader holds none."""
    for n in range(-(-file.size // PIECE)):
        with contract_scope(contract):
            content = PackagePart.objects.values_list("content", flat=True).get(file=file, n=n)
        yield zlib.decompress(ring.unseal(PART, content))


class _Taken:
    """What a ZIP was written into since it was last asked."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def take(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data


def zipped(contract: Contract, package: Package, files: list[PackageFile], ring: Keyring) -> Iterator[bytes]:
    """A package as one ZIP, made while it is read."""
    out = _Taken()
    assert package.ready_at is not None
    moment = package.ready_at.astimezone(JST)
    with zipfile.ZipFile(cast("IO[bytes]", out), "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            info = zipfile.ZipInfo(file.path, (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second))
            info.compress_type, info.external_attr, info.file_size = zipfile.ZIP_DEFLATED, 0o644 << 16, file.size
            with archive.open(info, "w") as entry:
                for piece in pieces(contract, file, ring):
                    entry.write(piece)
                    yield out.take()
            yield out.take()
    yield out.take()


def json_text(value: Any) -> str:
    """A value in the files' JSON: readable signs, no blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
