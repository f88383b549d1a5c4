"""Limits on how often one address may do something: a token bucket per contract, action and client in the cache table.

The bucket is read and written under a lock of the transaction: parallel requests cannot spend the same token twice.
"""

from __future__ import annotations

import datetime as dt
import hashlib

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest

from madoguchi.ground.contracts.models import Contract


def client_address(request: HttpRequest) -> str:
    """Address of the client: the last hop that our own proxies (``ALLAUTH_TRUSTED_PROXY_COUNT``) did not add."""
    proxies = getattr(settings, "ALLAUTH_TRUSTED_PROXY_COUNT", 0)
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    if proxies and len(hops) >= proxies:
        return hops[-proxies]
    return str(request.META.get("REMOTE_ADDR", ""))


def spend(contract: Contract, action: str, client: str, *, now: dt.datetime) -> int:
    """Take one token of ``settings.RATE_LIMITS[action]`` (count, seconds).

    Returns 0 when there was one, else the seconds until the next. Needs a transaction that may write.
    """
    count, seconds = settings.RATE_LIMITS[action]
    key = "throttle:" + hashlib.blake2b(f"{contract.pk}:{action}:{client}".encode(), digest_size=16).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
    moment = now.timestamp()
    tokens, at = cache.get(key) or (float(count), moment)
    tokens = min(float(count), tokens + max(0.0, moment - at) * count / seconds)
    if tokens < 1:
        return max(1, int((1 - tokens) * seconds / count) + 1)
    cache.set(key, (tokens - 1, moment), timeout=seconds * 2)
    return 0


def allow(request: HttpRequest, contract: Contract, action: str) -> int:
    """``spend`` for the client of a request at ``request.now``."""
    return spend(contract, action, client_address(request), now=request.now)  # type: ignore[attr-defined]
