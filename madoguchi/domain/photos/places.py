"""The designated places: a folder of the city (a mounted share), or a store that speaks S3.

``put`` returns when the picture is safely there, and raises :class:`PlaceAway` otherwise. Putting the same name again replaces it:
only the photo that has the name does so.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from django.conf import settings

from madoguchi.ground.contracts.models import Contract

from .errors import PlaceAway
from .signing import encoded_path, sign

SECONDS = 8.0
"""How long a store may take to answer; the person at the camera waits for it."""


class Place(Protocol):
    """Where pictures go."""

    def put(self, name: str, data: bytes) -> None:
        """Store ``data`` under a relative path. Raises :class:`PlaceAway`."""


@dataclass(frozen=True)
class FolderPlace:
    """A folder. It must be there: a share that is not mounted is not written beside."""

    root: Path

    def put(self, name: str, data: bytes) -> None:
        """Written beside its name, forced to the disk, then renamed: under the name there is all of it or nothing."""
        path = self.root / name
        part = path.with_name(f".{path.name}.part")
        try:
            if not self.root.is_dir():
                raise PlaceAway("届け先のフォルダーが見つかりません（共有の接続を確かめてください）。")
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o640)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
            except OSError:
                part.unlink(missing_ok=True)
                raise
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise PlaceAway(f"届け先のフォルダーに書けません（{error.strerror or type(error).__name__}）。") from None


@dataclass(frozen=True, repr=False)
class StorePlace:
    """A bucket of a store that speaks S3, addressed by path. ``endpoint`` is its https address (http within one machine only)."""

    endpoint: str
    region: str
    bucket: str
    key: str
    secret: str

    def put(self, name: str, data: bytes) -> None:
        """One signed PUT with the hash of the body in the signature; the store compares its time with the real one, not with a clock that travels."""
        parts = urlsplit(self.endpoint)
        path = f"/{self.bucket}/{name}"
        payload = hashlib.sha256(data).hexdigest()
        headers = {
            "host": parts.netloc,
            "content-type": "image/jpeg",
            "x-amz-content-sha256": payload,
            "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
        }
        headers["authorization"] = sign("PUT", path, headers, payload, region=self.region, key=self.key, secret=self.secret)
        host, port = parts.hostname or "", parts.port
        secure = parts.scheme == "https"
        link = (
            http.client.HTTPSConnection(host, port, timeout=SECONDS, context=ssl.create_default_context())
            if secure
            else http.client.HTTPConnection(host, port, timeout=SECONDS)
        )
        try:
            link.request("PUT", encoded_path(path), body=data, headers=headers)
            answer = link.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise PlaceAway(f"届け先の保管庫が応じません（{type(error).__name__}）。") from None
        finally:
            link.close()
        if answer.status != 200:
            raise PlaceAway(f"届け先の保管庫が受け取りません（HTTP {answer.status}）。")


@dataclass(frozen=True)
class NoPlace:
    """Nobody has said where the place is."""

    def put(self, name: str, data: bytes) -> None:
        """Always refuses."""
        raise PlaceAway("届け先がまだ設定されていません（システム管理者に連絡してください）。")


def place_of(contract: Contract) -> Place:
    """The place of a contract: what it is stands in the profile, where it is and its keys in the environment."""
    terms = contract.profile.photo
    if terms is not None and terms.store == "folder" and settings.PHOTO_FOLDER is not None:
        return FolderPlace(settings.PHOTO_FOLDER / contract.code)
    if terms is not None and terms.store == "s3" and contract.code in settings.PHOTO_S3:
        endpoint, region, key, secret = settings.PHOTO_S3[contract.code]
        return StorePlace(endpoint, region, terms.bucket, key, secret)
    return NoPlace()
