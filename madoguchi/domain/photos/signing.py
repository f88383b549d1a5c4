"""AWS Signature Version 4 for one request with a known body, as stores that speak S3 ask for it. Pure.

The rule is the published one (Amazon S3 API reference, "Authenticating Requests: Using the Authorization Header"); a test signs its
worked example.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"


def encoded_path(path: str) -> str:
    """A path with every byte but unreserved ones and ``/`` in percent form."""
    return quote(path, safe="/-_.~")


def sign(method: str, path: str, headers: Mapping[str, str], payload: str, *, region: str, key: str, secret: str) -> str:
    """The value of ``Authorization``.

    ``headers`` are all that are signed, ``host`` and ``x-amz-date`` (``YYYYMMDDTHHMMSSZ``) among them; ``payload`` is the SHA-256 of the
    body in hexadecimal; ``path`` is not encoded yet.
    """
    named = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    names = ";".join(name for name, _ in named)
    lines = "".join(f"{name}:{value}\n" for name, value in named)
    request = "\n".join([method, encoded_path(path), "", lines, names, payload])
    moment = dict(named)["x-amz-date"]
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    text = "\n".join([ALGORITHM, moment, scope, hashlib.sha256(request.encode()).hexdigest()])
    day_key = f"AWS4{secret}".encode()
    for part in (moment[:8], region, "s3", "aws4_request"):
        day_key = hmac.digest(day_key, part.encode(), "sha256")
    signature = hmac.new(day_key, text.encode(), "sha256").hexdigest()
    return f"{ALGORITHM} Credential={key}/{scope},SignedHeaders={names},Signature={signature}"
