"""What displays poll: one small document per screen, kept for a tenth of a second per process and known by its ETag.

Why polling: a held connection (SSE) would hold a thread of the WSGI server for each screen; a poll every 300 ms that mostly answers 304
from memory costs a screen some 0.1 ms a time, survives every proxy, and heals by itself after a lost network.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from madoguchi.domain.reception.enums import TerminalKind
from madoguchi.domain.reception.queries import display_state
from madoguchi.domain.reception.services.terminals import open_terminal
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import contract_by_code
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock

log = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
PATH = re.compile(r"/([-\w]+)/display/(\d{1,18})/([0-9a-f]{32})/state\.json", re.ASCII)
AGE = 0.1
MOST = 500
HEADERS = [("content-type", "application/json"), ("cache-control", "no-cache"), ("x-content-type-options", "nosniff")]
_ready: dict[str, tuple[float, str, bytes]] = {}


def state_of(code: str, terminal: int, token: str) -> tuple[str, bytes] | None:
    """ETag and body of what a display shows now; None for a link that opens nothing."""
    try:
        contract = contract_by_code(code)
    except Contract.DoesNotExist:
        return None
    now = clock.now()
    with contract_scope(contract, read_only=True):
        found = open_terminal(contract, terminal, token, TerminalKind.DISPLAY)
        if found is None:
            return None
        state = display_state(contract, found.site, now)
    body = json.dumps({**state, "now": f"{now:%H:%M}"}, ensure_ascii=False).encode()
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"', body


def wrap(application: Application) -> Application:
    """The WSGI application with the displays answered before Django."""

    def answered(environ: Environ, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        match = PATH.fullmatch(path) if path.endswith("/state.json") and environ["REQUEST_METHOD"] == "GET" else None
        if match is None:
            return application(environ, start)
        found = _ready.get(path)
        if found is None or time.monotonic() - found[0] > AGE:
            asked = time.monotonic()
            try:
                state = state_of(match[1], int(match[2]), match[3])
            except (DatabaseError, InterfaceError) as error:
                connection.close()
                log.warning("a display could not be answered: %s", error)
                start("503 Service Unavailable", [("retry-after", "2"), ("cache-control", "no-store"), ("content-length", "0")])
                return [b""]
            if state is None:
                start("404 Not Found", [("cache-control", "no-store"), ("content-length", "0")])
                return [b""]
            if len(_ready) >= MOST:
                _ready.clear()
            found = _ready[path] = (asked, *state)
        if environ.get("HTTP_IF_NONE_MATCH") == found[1]:
            start("304 Not Modified", [("etag", found[1]), HEADERS[1]])
            return [b""]
        start("200 OK", [*HEADERS, ("etag", found[1]), ("content-length", str(len(found[2])))])
        return [found[2]]

    return answered
