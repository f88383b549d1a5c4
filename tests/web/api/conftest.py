"""The programming interface as its users meet it: the WSGI application itself, a key, slots."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from madoguchi.domain.booking import availability
from madoguchi.ground.accounts.keys import SCOPES, forget_known_keys, make_key
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.web.api import front
from tests.conftest import NOW
from tests.web.staff_site import site  # noqa: F401


@dataclass(frozen=True)
class Answer:
    """What the server said. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


class Caller:
    """Sends requests to ``config.wsgi.application``, as the web server does."""

    def __init__(self, secret: str = "") -> None:
        self.secret = secret

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        from config.wsgi import application

        path, _, query = path.partition("?")
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(raw)),
            "wsgi.input": io.BytesIO(raw),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
            **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
        }
        if self.secret:
            environ.setdefault("HTTP_AUTHORIZATION", f"Bearer {self.secret}")
        said: dict[str, Any] = {}

        def start(status: str, fields: list[tuple[str, str]]) -> None:
            said.update(status=int(status[:3]), headers={name.lower(): value for name, value in fields})

        raw = b"".join(application(environ, start))
        return Answer(said["status"], said["headers"], raw)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Nothing is remembered from another test: keys, counts, ready answers."""
    forget_known_keys()
    front._ready.clear()
    availability.forget()
    yield
    forget_known_keys()
    front._ready.clear()
    availability.forget()


@pytest.fixture
def key(site: Contract) -> Callable[..., Caller]:  # noqa: F811
    """``key(*scopes, per_minute=0)`` makes a caller with a key of 廿日市市; without scopes it may do everything."""

    def make(*scopes: str, per_minute: int = 0) -> Caller:
        wanted = list(scopes or SCOPES)
        return Caller(make_key(site, name="試験", scopes=wanted, per_minute=per_minute, by=SYSTEM, now=NOW))

    return make


@pytest.fixture
def call(key: Callable[..., Caller]) -> Caller:
    """A caller that may do everything, without limit."""
    return key()


@pytest.fixture
def anyone(site: Contract) -> Caller:  # noqa: F811
    """A caller without a key."""
    return Caller()
