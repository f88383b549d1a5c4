"""The rush: 1,000 connections, nine calendar reads for each booking, until 320 slots of 30 places are sold out."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import psycopg

from . import machine
from .program import Program
from .scene import PROCEDURES, RUSH_PLACES
from .slices import Load

CONNECTIONS = 1000
SECONDS = 20
READS = 9


@dataclass(frozen=True)
class Rush:
    """One run. ``sold_out`` is None when places were left; memory in MB (resident with shared pages counted per process)."""

    load: Load
    sold: int
    places: int
    oversold: int
    sold_out: float | None
    resident: float
    proportional: float


class _Memory(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.top, self.stop = pid, (0.0, 0.0), threading.Event()

    def run(self) -> None:
        while not self.stop.wait(1.0):
            self.top = max(self.top, machine.memory_of(self.pid))


def run(program: Program, number: int) -> Rush:
    """Sell out month ``number`` of the rush pool. Time counts from the first booking's entry to the last one's."""
    month = program.scene.rush[number]
    procedure = PROCEDURES["rush"]
    program.checkpoint()
    program.get(program.calendar(month, procedure))
    memory = _Memory(program.process.pid)
    memory.start()
    load = program.load(
        "rush", month.starts, clients=CONNECTIONS, seconds=SECONDS, every=READS + 1,
        calendar=program.calendar(month, procedure), timeout=30,
    )  # fmt: skip
    memory.stop.set()
    memory.join()
    time.sleep(1)
    with psycopg.connect(program.dsn, autocommit=True) as c:
        row = c.execute(
            "select sum(s.taken), sum(s.planned), sum(greatest(0, s.taken - s.planned)) from booking_slot s"
            " join booking_pool p on p.id = s.pool_id where p.code = 'rush' and s.starts_at >= %s and s.starts_at <= %s",
            [month.starts[0], month.starts[-1]],
        ).fetchone()
        span = c.execute(
            "select extract(epoch from max(created_at) - min(created_at)) from booking_booking"
            " where starts_at >= %s and starts_at <= %s",
            [month.starts[0], month.starts[-1]],
        ).fetchone()
    assert row and span and row[1] == len(month.starts) * RUSH_PLACES
    sold, places, oversold = (int(v) for v in row)
    return Rush(
        load, sold, places, oversold, round(float(span[0]), 2) if sold == places else None, memory.top[0], memory.top[1]
    )
