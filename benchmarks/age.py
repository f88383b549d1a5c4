"""Age of the calendar: from a booking that takes the last place of a slot until every reader of every process sees it full."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from dataclasses import dataclass

import psutil

from . import machine
from .program import Program
from .scene import PROCEDURES

READERS = 12
PAUSE = 0.02


@dataclass(frozen=True)
class Age:
    """Milliseconds from sending the booking (its commit is later, so this is too long rather than too short) to the new mark."""

    samples: int
    p50: float
    p99: float
    longest: float
    processes: int


class _Reader(threading.Thread):
    """Reads the month on one kept connection and notes when each slot was first seen full."""

    def __init__(self, program: Program, path: str) -> None:
        super().__init__(daemon=True)
        self.path = path
        self.connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=30)
        self.connection.connect()
        self.seen: dict[str, float] = {}
        self.stop = threading.Event()
        self.error: Exception | None = None

    def run(self) -> None:
        etag = ""
        try:
            while not self.stop.wait(PAUSE):
                self.connection.request("GET", self.path, headers={"X-Forwarded-Proto": "https", "If-None-Match": etag})
                answer = self.connection.getresponse()
                body = answer.read()
                at = time.perf_counter()
                if answer.status == 304:
                    continue
                if answer.status != 200:
                    raise RuntimeError(f"calendar answered {answer.status}")
                etag = answer.headers.get("ETag", "")
                for day in json.loads(body)["days"]:
                    for slot in day["slots"]:
                        if slot["left"] == 0:
                            self.seen.setdefault(slot["starts_at"], at)
        except Exception as error:
            self.error = error


def _processes(program: Program, readers: list[_Reader]) -> int:
    """How many processes of the program hold the readers' connections."""
    mine = {reader.connection.sock.getsockname()[1] for reader in readers}
    family = psutil.Process(program.process.pid).children(recursive=True)
    return sum(
        any(c.raddr and c.raddr.port in mine for c in process.net_connections("tcp"))
        for process in family
        if process.is_running()
    )


def run(program: Program, trials: int = 60) -> Age:
    """Book ``trials`` last places one after another while readers on all processes watch the month."""
    month = program.scene.age
    path = program.calendar(month, PROCEDURES["age"])
    readers = [_Reader(program, path) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    time.sleep(1.0)
    processes = _processes(program, readers)
    sent: dict[str, float] = {}
    connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=30)
    for number, starts_at in enumerate(month.starts[:trials]):
        headers = program.post_headers(str(uuid.uuid4()))
        sent[starts_at] = time.perf_counter()
        connection.request(
            "POST", program.reserve_path, program.body(PROCEDURES["age"], starts_at, 50_000_000 + number), headers
        )
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 201:
            raise RuntimeError(f"a booking of the age measurement answered {answer.status}: {text[:300]!r}")
        program.acknowledged += 1
        time.sleep(0.037)
    end = time.monotonic() + 5
    while time.monotonic() < end and any(len(sent.keys() - reader.seen.keys()) for reader in readers):
        time.sleep(0.05)
    for reader in readers:
        reader.stop.set()
    for reader in readers:
        reader.join()
        if reader.error:
            raise reader.error
    ages = sorted((reader.seen.get(t, float("inf")) - at) * 1000 for t, at in sent.items() for reader in readers)
    return Age(
        len(ages),
        round(machine.percentile(ages, 0.5), 1),
        round(machine.percentile(ages, 0.99), 1),
        round(ages[-1], 1),
        processes,
    )
