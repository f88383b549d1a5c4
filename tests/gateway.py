"""A real HTTP server on loopback that takes what we hand over, refuses it, is busy, or breaks off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Gateway:
    """What the server got, and what it answers next: ``(status, headers)``; None breaks the connection off.

    ``usual`` is its answer when nothing is planned, ``says`` the body of every answer.
    """

    usual: int
    says: str
    port: int = 0
    answers: list[tuple[int, dict[str, str]] | None] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@contextmanager
def running(usual: int, says: str) -> Iterator[Gateway]:
    """A gateway for the time of a test."""
    found = Gateway(usual, says)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            found.paths.append(self.path)
            answer = found.answers.pop(0) if found.answers else (found.usual, {})
            if answer is None:
                self.connection.close()
                return
            self.send_response(answer[0])
            for name, value in answer[1].items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(found.says.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
