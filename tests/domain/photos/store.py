"""A stand-in for a store that speaks S3: it checks the signature of every request by itself and keeps what was put in memory.

It stands for no product: only PUT of an object, addressed by path, is answered. ``behave`` says how: ``"well"``, ``"500"``, or
``"silent"`` (takes the request and never answers).
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY, SECRET, REGION = "AKIDSTANDIN", "a secret of a stand-in", "ap-northeast-1"


class Store(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.objects: dict[str, bytes] = {}
        self.behave = "well"
        self.released = threading.Event()
        self.refused: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


def signature(method: str, path: str, signed: list[str], headers: Any, payload: str, scope: str) -> str:
    """Written from the published steps, and not from the program under test."""
    lines = [method, path, ""]
    lines += [f"{name}:{' '.join(str(headers[name]).split())}" for name in signed]
    lines += ["", ";".join(signed), payload]
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256("\n".join(lines).encode()).hexdigest()])
    key = b"AWS4" + SECRET.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class _Request(BaseHTTPRequestHandler):
    server: Store

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.behave == "silent":
            self.server.released.wait(30)
            return
        if self.server.behave == "500":
            self._answer(500)
            return
        kind, _, rest = self.headers["authorization"].partition(" ")
        given = dict(part.split("=", 1) for part in rest.split(","))
        key, _, scope = given["Credential"].partition("/")
        payload = hashlib.sha256(body).hexdigest()
        right = signature("PUT", self.path, given["SignedHeaders"].split(";"), self.headers, payload, scope)
        if (kind, key) != ("AWS4-HMAC-SHA256", KEY) or self.headers["x-amz-content-sha256"] != payload or right != given["Signature"]:
            self.server.refused.append(self.path)
            self._answer(403)
            return
        self.server.objects[self.path] = body
        self._answer(200)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def store() -> Iterator[Store]:
    """A running stand-in."""
    server = Store()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
