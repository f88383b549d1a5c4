"""The spool: events wait here, sealed, until the courier has put them into the database.

Writing is done by a thread which makes a group durable with one ``fsync``; the loop that carries audio never waits for a disk. When the disk
refuses, events stay in memory, an error is logged each time, and writing is tried again every second.

A *segment* is a file ``<run>-<number>.spool`` of lines, each sealed by AES-GCM with its place (run, segment, line), so a line can neither be
read nor moved. A *run* is one life of the exchange: its name begins with the time, and every call's name begins with its run
(:func:`run_of`). The first line of a run is a marker ``started``. So the courier knows which open calls died with their process: those whose
run is not the last of :func:`runs`.

The courier's side: :func:`pending` yields what was not yet delivered, :func:`done` says that everything up to a position was. Delivered segments
are removed, except the newest, which is being written. An event may be delivered twice (its key tells); none is lost.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import datetime as dt
import json
import logging
import os
import re
import secrets
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .events import CallEvent, EventError

log = logging.getLogger(__name__)

LINES: Final = 1000
"""Lines of a segment."""
AGAIN: Final = 1.0
"""Seconds until a disk that refused is tried again."""
PATIENCE: Final = 1.0
"""Seconds for which a deed waits for its event to be durable."""
SUFFIX: Final = ".spool"
BLOT: Final = b"-"
"""What stands in the place of a line that was blotted out; no line in base64 holds it."""
RUN: Final = re.compile(r"\d{8}T\d{12}-[0-9a-f]+")
STAMP: Final = "%Y%m%dT%H%M%S%f"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a line is. Positions of one folder are in the order of time."""

    run: str
    segment: int
    line: int

    @property
    def name(self) -> str:
        return f"{self.run}-{self.segment:06d}{SUFFIX}"


def new_run(folder: Path, now: dt.datetime) -> str:
    """The name of a run that begins now. It sorts after every run in the folder, also when the machine's clock was set back."""
    moment = now.astimezone(dt.UTC).replace(tzinfo=None)
    for former in runs(folder)[-1:]:
        moment = max(moment, dt.datetime.strptime(former.partition("-")[0], STAMP) + dt.timedelta(microseconds=1))  # noqa: DTZ007
    return f"{moment:{STAMP}}-{secrets.token_hex(2)}"


def run_of(call: str) -> str:
    """The run to which a call of the exchange belonged."""
    return call.rpartition("-")[0]


class Spool:
    """The writing end. :meth:`put` from the loop; the thread starts at once and ends with :meth:`close`."""

    def __init__(self, folder: Path, key: bytes, *, run: str, now: dt.datetime) -> None:
        self.folder = folder
        self.run = run
        self._cipher = AESGCM(key)
        self._waiting: deque[str] = deque([json.dumps({"marker": "started", "run": run, "at": now.isoformat()})])
        self._put = 1
        self._written = 0
        self._segment = 0
        self._line = 0
        self._file: int | None = None
        self._failing = False
        self._closing = False
        self._changed = threading.Condition()
        self._askers: list[tuple[int, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._thread = threading.Thread(target=self._write, name="spool", daemon=True)
        self._thread.start()

    @property
    def failing(self) -> bool:
        """Whether the disk refused the last time."""
        return self._failing

    @property
    def kept(self) -> int:
        """Events that are only in memory."""
        return self._put - self._written

    def put(self, event: CallEvent) -> None:
        """Take an event; returns at once."""
        line = event.line()
        with self._changed:
            self._waiting.append(line)
            self._put += 1
            self._changed.notify()

    async def safe(self) -> None:
        """Wait until everything put so far is on the disk; not when the disk refuses, and not longer than :data:`PATIENCE`."""
        loop = asyncio.get_running_loop()
        with self._changed:
            if self._written >= self._put or self._failing or self._closing:
                return
            future: asyncio.Future[None] = loop.create_future()
            self._askers.append((self._put, loop, future))
        if not (await asyncio.wait({future}, timeout=PATIENCE))[0]:
            log.error("the spool's disk takes longer than %.0f s; calls go on without waiting for it", PATIENCE)

    def close(self, seconds: float = 5.0) -> None:
        """Write what is left and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(seconds)
        if self.kept:
            log.critical("%d events were lost: the spool could not be written", self.kept)

    def _write(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closing:
                    self._changed.wait()
                group = list(self._waiting)
                if not group:
                    break
            try:
                self._append(group)
            except OSError as error:
                self._leave_file()
                log.error("the spool cannot be written, %d events are kept in memory: %s", self.kept, error)
                with self._changed:
                    self._failing = True
                    self._answer(everybody=True)
                    if self._closing:
                        break
                    self._changed.wait_for(lambda: self._closing, AGAIN)
                continue
            with self._changed:
                if self._failing:
                    log.warning("the spool can be written again")
                self._failing = False
                for _ in group:
                    self._waiting.popleft()
                self._written += len(group)
                self._answer()
        self._leave_file()

    def _append(self, group: list[str]) -> None:
        """Write and make durable, with a new segment where one is full."""
        while group:
            if self._file is None:
                self._open()
            assert self._file is not None
            now, group = group[: LINES - self._line], group[LINES - self._line :]
            data = b"".join(
                _seal(self._cipher, line, Position(self.run, self._segment, self._line + n)) for n, line in enumerate(now)
            )
            while data:
                data = data[os.write(self._file, data) :]
            os.fsync(self._file)
            self._line += len(now)
            if self._line >= LINES:
                self._leave_file()

    def _open(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self._segment += 1
        self._line = 0
        path = self.folder / Position(self.run, self._segment, 0).name
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _leave_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _answer(self, *, everybody: bool = False) -> None:
        rest = []
        for upto, loop, future in self._askers:
            if everybody or upto <= self._written:
                loop.call_soon_threadsafe(lambda f=future: f.done() or f.set_result(None))  # type: ignore[misc]
            else:
                rest.append((upto, loop, future))
        self._askers = rest


def pending(folder: Path, key: bytes) -> Iterator[tuple[Position, CallEvent]]:
    """What was not delivered yet, in the order of its happening. A line that cannot be read is logged and passed over."""
    cipher = AESGCM(key)
    for run, segment in _segments(folder):
        path = folder / Position(run, segment, 0).name
        skip = _delivered(path)
        try:
            lines = path.read_bytes().split(b"\n")
        except FileNotFoundError:
            continue
        torn = lines.pop()
        if torn and not _is_last(folder, run, segment):
            log.warning("%s: the last line is torn and was left out", path.name)
        for number, line in enumerate(lines):
            if number < skip:
                continue
            position = Position(run, segment, number)
            try:
                values = json.loads(_unseal(cipher, line, position))
                if "marker" not in values:
                    yield position, CallEvent.parse(values)
            except (InvalidTag, binascii.Error, ValueError, EventError) as error:
                log.error("%s, line %d cannot be read: %s", path.name, number + 1, error or type(error).__name__)


def done(folder: Path, position: Position) -> None:
    """Everything up to and with this position was delivered. Finished segments are removed."""
    for run, segment in _segments(folder):
        if (run, segment) > (position.run, position.segment):
            break
        path = folder / Position(run, segment, 0).name
        current = (run, segment) == (position.run, position.segment)
        if _is_last(folder, run, segment) or (current and path.read_bytes().count(b"\n") > position.line + 1):
            part = path.with_suffix(".part")
            part.write_text(str(position.line + 1))
            part.replace(path.with_suffix(".done"))
        else:
            path.unlink(missing_ok=True)
            path.with_suffix(".done").unlink(missing_ok=True)


def readable(folder: Path) -> int:
    """How many delivered lines have not been blotted out yet."""
    return sum(len(list(_delivered_lines(path))) for path in folder.glob(f"*{SUFFIX}"))


def blot(folder: Path) -> int:
    """Write over every delivered line, so that it can never be opened again; how many. The database has them; nobody reads them here any more.

    Lines keep their length and stay where they are: the exchange may go on appending to the newest segment.
    """
    count = 0
    for path in folder.glob(f"*{SUFFIX}"):
        lines = list(_delivered_lines(path))
        if not lines:
            continue
        with path.open("r+b") as file:
            for begin, length in lines:
                file.seek(begin)
                file.write(BLOT * length)
            file.flush()
            os.fsync(file.fileno())
        count += len(lines)
    return count


def _delivered_lines(path: Path) -> Iterator[tuple[int, int]]:
    """Where the delivered lines of a segment begin and how long they are, without those that were blotted out."""
    begin = 0
    try:
        lines = path.read_bytes().split(b"\n")[: _delivered(path)]
    except FileNotFoundError:
        return
    for line in lines:
        if line.strip(BLOT):
            yield begin, len(line)
        begin += len(line) + 1


def runs(folder: Path) -> tuple[str, ...]:
    """The runs that left something, the oldest first; the last is the one that runs, or ran last."""
    return tuple(dict.fromkeys(run for run, _ in _segments(folder)))


def _segments(folder: Path) -> list[tuple[str, int]]:
    found = []
    for path in folder.glob(f"*{SUFFIX}"):
        run, _, number = path.stem.rpartition("-")
        if RUN.fullmatch(run) and number.isdigit():
            found.append((run, int(number)))
    return sorted(found)


def _is_last(folder: Path, run: str, segment: int) -> bool:
    return _segments(folder)[-1:] == [(run, segment)]


def _delivered(path: Path) -> int:
    try:
        return int(path.with_suffix(".done").read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _seal(cipher: AESGCM, line: str, position: Position) -> bytes:
    nonce = secrets.token_bytes(12)
    return base64.b64encode(nonce + cipher.encrypt(nonce, line.encode(), _place(position))) + b"\n"


def _unseal(cipher: AESGCM, line: bytes, position: Position) -> bytes:
    data = base64.b64decode(line, validate=True)
    return cipher.decrypt(data[:12], data[12:], _place(position))


def _place(position: Position) -> bytes:
    return f"{position.name}:{position.line}".encode()
