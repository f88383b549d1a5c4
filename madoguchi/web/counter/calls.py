""""Next, please", answered before Django: the calls that windows make in the same instant go into the database together.

A person's first call goes through Django. When it was answered as usual, the person's standing (``ground.accounts.standing``) is kept with
the headers of that answer, for a minute. Calls that follow from the same device to the same site are checked against forgery by
Django's own middleware and done by the group writer, whose statement asks the database whether the standing still holds. Whatever is not as
usual goes through Django unchanged, with the same key: a message that waits to be shown, a form of another shape, a refusal, an empty
queue, a database that is away.
"""

from __future__ import annotations

import io
import logging
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.messages import SUCCESS
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.handlers.wsgi import WSGIRequest, get_str_from_wsgi
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, parse_cookie
from django.middleware.csrf import CsrfViewMiddleware

from madoguchi.domain.reception.services.calls import Call, writer
from madoguchi.ground.accounts.standing import Standing, standing_of
from madoguchi.ground.contracts.queries import contract_by_code
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.groups import Busy, Unsure

from . import windows
from .screens import Application, Environ, StartResponse

log = logging.getLogger(__name__)

PATH = re.compile(r"(/staff/([-\w]+)/counter/([-\w]+)/windows/(\d{1,4})/)next/", re.ASCII)
FORM = re.compile(rb"csrfmiddlewaretoken=([0-9A-Za-z]{1,64})&key=([0-9a-f]{32})")
FORM_TYPE = "application/x-www-form-urlencoded"
LONGEST = 200
"""Bytes of a form that is looked at here."""
SECONDS, MOST = 60.0, 5000
DEVICE = ("HTTP_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_FOR", "REMOTE_ADDR", "HTTP_USER_AGENT")
"""What else Django looks at before a view: the address that was called, and what ``SessionActivity`` tells devices apart by."""
OWN = frozenset({"location", "set-cookie", "content-length"})
"""Headers that belong to one answer alone."""


@dataclass(frozen=True, slots=True)
class _Known:
    until: float
    contract_id: int
    standing: Standing
    near: int
    headers: list[tuple[str, str]]


_known: dict[tuple[str, ...], _Known] = {}
_csrf = CsrfViewMiddleware(lambda request: HttpResponse())


def wrap(application: Application) -> Application:
    """The WSGI application with calls answered before Django, where group commit is on."""
    session_cookie = settings.SESSION_COOKIE_NAME

    def answered(environ: Environ, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        match = PATH.fullmatch(path) if path.endswith("/next/") and environ["REQUEST_METHOD"] == "POST" and settings.GROUP_COMMIT else None
        length = environ.get("CONTENT_LENGTH") or ""
        if match is None or not length.isdecimal() or int(length) > LONGEST:
            return application(environ, start)
        try:
            body = environ["wsgi.input"].read(int(length))
        except OSError:
            return application(environ, start)
        environ["wsgi.input"] = io.BytesIO(body)
        cookies = parse_cookie(get_str_from_wsgi(environ, "HTTP_COOKIE", ""))
        device = (cookies.get(session_cookie, ""), match[2], match[3], *[environ.get(name, "") for name in DEVICE])
        known = _known.get(device)
        shown = "" if known is None or time.monotonic() > known.until else _call(environ, cookies, body, known, match)
        if known is None or not shown:
            return _noticed(application, environ, start, device, match)
        start("302 Found", [*known.headers, ("location", match[1]), ("content-length", "0"), ("set-cookie", message_cookie(windows.called(shown)))])
        return [b""]

    return answered


def _call(environ: Environ, cookies: dict[str, str], body: bytes, known: _Known, match: re.Match[str]) -> str:
    """The number that was called for a request that is as usual; an empty text when Django must answer it."""
    form = FORM.fullmatch(body)
    if form is None or environ.get("CONTENT_TYPE", "").lower() != FORM_TYPE or environ["QUERY_STRING"]:
        return ""
    if "HTTP_HX_REQUEST" in environ or CookieStorage.cookie_name in cookies:
        return ""
    request: Any = WSGIRequest(environ)
    request.COOKIES, request.POST = cookies, {"csrfmiddlewaretoken": form[1].decode()}
    if _csrf.process_view(request, windows.deed, (), {}) is not None:
        return ""
    try:
        return writer.submit(known.contract_id, Call(match[3], int(match[4]), form[2].decode(), known.standing, known.near, clock.now()))
    except (Busy, Unsure, DatabaseError, InterfaceError) as error:
        log.warning("a call goes through Django: %s", type(error).__name__)
        return ""


def message_cookie(text: str) -> str:
    """The header by which Django's own storage hands a message to the next page."""
    response, storage = HttpResponse(), CookieStorage(HttpRequest())
    storage.add(SUCCESS, text)
    storage.update(response)
    return response.cookies[CookieStorage.cookie_name].OutputString()


def _noticed(application: Application, environ: Environ, start: StartResponse, device: tuple[str, ...], match: re.Match[str]) -> Iterable[bytes]:
    """Django's answer; when it is the usual one, the standing of who asked is kept."""
    seen: list[Any] = []

    def watched(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        seen[:] = [status, headers]
        return start(status, headers, *more)

    body = application(environ, watched)
    if device[0] and seen and seen[0].startswith("302") and ("Location", match[1]) in seen[1]:
        _keep(device, [(name, value) for name, value in seen[1] if name.lower() not in OWN])
    return body


def _keep(device: tuple[str, ...], headers: list[tuple[str, str]]) -> None:
    try:
        contract = contract_by_code(device[1])
        standing = standing_of(device[0], contract)
    except Exception:
        # The answer has begun already and is whole without it.
        log.exception("a standing was not kept")
        return
    terms = contract.profile.reception
    if standing is None or terms is None or standing.role not in windows.deed.allowed_roles:  # type: ignore[attr-defined]
        return
    if len(_known) >= MOST:
        _known.clear()
    _known[device] = _Known(time.monotonic() + SECONDS, contract.pk, standing, terms.near_places, headers)
