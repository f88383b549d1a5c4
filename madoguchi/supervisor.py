"""Keeps the processes of one installation alive on one machine: embedded database, web, worker, mailbox.

A child that dies is started again (with a growing pause when it dies at once); SIGTERM or SIGINT stops all in reverse order. The
embedded database is stopped by whoever leaves last, so that ``serve`` and ``worker`` can share a data folder.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from madoguchi.ground.kit.postgres import EmbeddedPostgres, ServerError


@dataclass
class Child:
    """One process: its name for messages, its command, extra environment."""

    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = 0.5

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.command, env={**os.environ, **self.env})


class Supervisor:
    """Runs children until told to stop. ``data_dir`` is None when an outside ``DATABASE_URL`` is used."""

    def __init__(self, children: list[Child], *, data_dir: Path | None, say: Callable[[str], None]) -> None:
        self.children = children
        self.say = say
        self.stopping = threading.Event()
        self.database = EmbeddedPostgres(data_dir) if data_dir else None
        self._users = _UserLock(data_dir) if data_dir else None
        self._port = 0

    def hold_database(self) -> None:
        """Start the embedded server and mark this process as one of its users."""
        if self.database and self._users:
            self._users.join()
            self.database.start()

    def run(self, *, meanwhile: Callable[[], None] | None = None) -> int:
        """Start everything and wait; 0 after an orderly stop. ``meanwhile`` runs once beside the children."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        self.hold_database()
        for child in self.children:
            child.start()
        if meanwhile is not None:
            threading.Thread(target=meanwhile, name="meanwhile", daemon=True).start()
        while not self.stopping.wait(0.5):
            self._watch_database()
            for child in self.children:
                self._watch(child)
        for child in reversed(self.children):
            self._end(child)
        self.release_database()
        return 0

    def release_database(self) -> None:
        """Leave the embedded server; the last one stops it cleanly."""
        if self.database and self._users and self._users.is_last():
            self.database.stop()
        if self._users:
            self._users.leave()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping.set()

    def _watch_database(self) -> None:
        if self.database is None:
            return
        server = self.database.running()
        if server is None:
            self.say("the database is gone; starting it again (it recovers what was committed)")
            try:
                server = self.database.start()
            except ServerError as error:
                self.say(str(error))
                return
        if self._port not in (0, server.port):
            self.say(f"the database moved to port {server.port}; starting the others again")
            for child in reversed(self.children):
                self._end(child)
        self._port = server.port

    def _watch(self, child: Child) -> None:
        if child.process is None or child.process.poll() is None:
            return
        alive = time.monotonic() - child.started
        child.pause = 0.5 if alive > 30 else min(child.pause * 2, 15)
        self.say(f"{child.name} ended with {child.process.returncode}; starting it again in {child.pause:.0f} s")
        if not self.stopping.wait(child.pause):
            child.start()

    def _end(self, child: Child) -> None:
        process = child.process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            self.say(f"{child.name} does not stop; killing it")
            process.kill()
            process.wait()


class _UserLock:
    """Counts users of the embedded server by shared file locks, which vanish with their process even on ``kill -9``."""

    def __init__(self, data_dir: Path) -> None:
        self.path = Path(data_dir) / "postgres.users"
        self.handle = -1

    def join(self) -> None:
        """Count as a user; a second call changes nothing."""
        if self.handle >= 0:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.handle = os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self.handle, fcntl.LOCK_SH)

    def is_last(self) -> bool:
        """True when nobody else counts; then whoever joins waits until ``leave``."""
        if self.handle < 0:
            return False
        try:
            fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def leave(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1
