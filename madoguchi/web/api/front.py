"""What is served before Django: the month calendar as ready bytes, and the API without the middleware of pages.

``/<contract>/calendar.json`` and ``/api/v1/<contract>/availability`` answer from snapshots (``booking.availability``); the other API
paths go straight to their view. Everything else is Django's.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.db import DatabaseError, InterfaceError, connection

from . import views

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

log = logging.getLogger(__name__)

KEEP = 4000
AGE = 0.1
HEADERS = [
    ("content-type", "application/json"),
    ("cache-control", "public, max-age=1, stale-while-revalidate=2"),
    ("x-content-type-options", "nosniff"),
]
_ready: dict[tuple[str, str], tuple[float, str, bytes, list[tuple[str, str]]]] = {}


def wrap(django: Application) -> Application:
    """The WSGI application of a web process."""

    def application(environ: Environ, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.endswith(("/calendar.json", "/availability")) and environ["REQUEST_METHOD"] == "GET":
            return _calendar(environ, start, path)
        if path.startswith("/api/v1/"):
            return _api(environ, start)
        return django(environ, start)

    return application


def _calendar(environ: Environ, start: StartResponse, path: str) -> Iterable[bytes]:
    key = (path, environ.get("QUERY_STRING", ""))
    found = _ready.get(key)
    if found is None or time.monotonic() - found[0] > AGE:
        asked = time.monotonic()
        status, etag, body = _snapshot(*key)
        if status != "200 OK":
            headers = [
                ("content-type", "application/problem+json"),
                ("x-content-type-options", "nosniff"),
                ("content-length", str(len(body))),
                ("cache-control", "no-store"),
            ]
            if status.startswith("503"):
                headers.append(("retry-after", "2"))
            start(status, headers)
            return [body]
        if found is not None and found[1] == etag:
            found = (asked, *found[1:])
        else:
            found = (asked, etag, body, [*HEADERS, ("etag", etag), ("content-length", str(len(body)))])
        if len(_ready) > KEEP:
            _ready.clear()
        _ready[key] = found
    if environ.get("HTTP_IF_NONE_MATCH") == found[1]:
        start("304 Not Modified", [("etag", found[1]), HEADERS[1]])
        return [b""]
    start("200 OK", found[3])
    return [found[2]]


def _snapshot(path: str, query: str) -> tuple[str, str, bytes]:
    for last in (False, True):
        try:
            return views.snapshot(path, query)
        except (DatabaseError, InterfaceError) as error:
            connection.close()
            if last:
                log.warning("the calendar could not be read: %s", error)
    return "503 Service Unavailable", "", json.dumps(views.problem_body(503)).encode()


def _api(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    response = views.entry(WSGIRequest(environ))
    headers = list(response.items())
    start(f"{response.status_code} {response.reason_phrase}", headers)
    return [response.content]
