"""What the telephone exchange says of this moment, asked by the site for its own pages."""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from madoguchi.ground.contracts.models import Contract
from madoguchi.voice.passes import Pass, derive, seal

log = logging.getLogger(__name__)

PATIENCE = 0.5
"""Seconds until a page goes on without the exchange."""
QUIET = 10.0
"""Seconds in which an exchange that did not answer is not asked again."""

_ask_from = 0.0


def told_by_exchange(contract: Contract, now: dt.datetime) -> Mapping[str, Any] | None:
    """Who waits and what the operators of a contract do (:meth:`madoguchi.voice.operators.Exchange.board`); None when no exchange answers."""
    global _ask_from
    if not settings.VOICE_SECRET or time.monotonic() < _ask_from:
        return None
    until = int((now + dt.timedelta(minutes=1)).timestamp())
    key = seal(Pass("site", (contract.code,), until, supervisor=True), derive(settings.VOICE_SECRET, "pass"))
    address = settings.VOICE_DOOR_URL.replace("ws", "http", 1).rstrip("/") + "/board"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"})  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            told: Mapping[str, Any] = json.load(answer)
            return told
    except (OSError, ValueError) as error:
        _ask_from = time.monotonic() + QUIET
        log.warning("the exchange does not answer the board: %s", error)
        return None
