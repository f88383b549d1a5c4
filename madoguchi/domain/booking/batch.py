"""Group commit: waiting reservations of the web path go into the database together.

Request threads put a prepared reservation on a queue; one thread per process takes everything that waits and writes it in one
transaction per contract. The answer comes after that transaction is durable. A group that met a lost connection is written once
more when the database answers again; on any other failure each member is tried alone, so that one bad request harms nobody. The
queue is bounded: when it is full the caller answers 503 with Retry-After.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection
from pydantic_core import to_json

from madoguchi.ground.kit.database import TRANSIENT, sqlstate

log = logging.getLogger(__name__)

GROUP = 128
WAITING = 4000
PATIENCE = 20.0
PAUSE = 0.002
"""Seconds in which a group gathers while others wait already. A fifth more reservations fit into a second; a lone one never waits."""
IDLE = 1.0
"""Seconds without work after which the connection is tried before it is used."""


class Busy(RuntimeError):
    """Too many reservations wait; try again in some seconds. Nothing was written."""


class Unsure(RuntimeError):
    """The database went away while writing. Sending again with the same key answers what happened; nothing is doubled."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``created``, ``full`` or ``replayed`` (the key was used before), with the code and id of the stored booking."""

    outcome: str
    code: str
    id: int | None
    fingerprint: str


@dataclass(slots=True)
class _Waiting:
    contract_id: int
    now: dt.datetime
    doc: dict[str, Any]
    done: threading.Lock = field(default_factory=threading.Lock)
    result: Outcome | Exception | None = None

    def answer(self, result: Outcome | Exception) -> None:
        self.result = result
        self.done.release()


def lane_of_process() -> int:
    """The audit lane of this process: rush writers of different processes need not wait for each other."""
    return 1 + os.getpid() % 8


def write(contract_id: int, now: dt.datetime, docs: list[dict[str, Any]], *, lane: int) -> list[Outcome]:
    """Write prepared reservations of one contract in one statement; all of them or, on an exception, none."""
    connection.ensure_connection()
    # psycopg's own cursor: the documents travel beside the statement instead of being quoted into it.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(
            "select * from booking_reserve_many(%s::smallint, %s, %s::smallint, %s::jsonb)",
            [contract_id, now, lane, to_json(docs).decode()],
        )
        return [Outcome(outcome, code, pk, print_) for _, outcome, code, pk, print_ in cursor.fetchall()]


class Batcher:
    """One per process; started at first use, again after a fork."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._start = threading.Lock()
        self._pid = 0
        self._last = 0.0

    def submit(self, contract_id: int, now: dt.datetime, doc: dict[str, Any]) -> Outcome:
        """Write one reservation with the next group and wait for it.

        Raises ``Busy`` when too many wait, ``Unsure`` when the database failed while writing, or the database's own error.
        """
        if self._queue.qsize() >= WAITING:
            raise Busy
        if self._pid != os.getpid():
            with self._start:
                if self._pid != os.getpid():
                    self._queue = queue.SimpleQueue()
                    threading.Thread(target=self._run, name="booking-batch", daemon=True).start()
                    self._pid = os.getpid()
        waiting = _Waiting(contract_id, now, doc)
        waiting.done.acquire()
        self._queue.put(waiting)
        if not waiting.done.acquire(timeout=PATIENCE):
            raise Unsure
        if isinstance(waiting.result, Exception):
            raise waiting.result
        assert waiting.result is not None
        return waiting.result

    def _run(self) -> None:
        last = 1
        while True:
            group = [self._queue.get()]
            if last > 2:
                time.sleep(PAUSE)
            while len(group) < GROUP:
                try:
                    group.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            last = len(group)
            by_contract: dict[int, list[_Waiting]] = {}
            twins: list[_Waiting] = []
            keys: set[tuple[int, str]] = set()
            for item in group:
                key = (item.contract_id, item.doc["key"])
                if key in keys:
                    twins.append(item)
                    continue
                keys.add(key)
                by_contract.setdefault(item.contract_id, []).append(item)
            for items in by_contract.values():
                self._write(items)
            for item in twins:
                self._write([item])

    def _write(self, items: list[_Waiting], *, tries: int = 3) -> None:
        try:
            outcomes = self._attempt(items)
        except (OperationalError, InterfaceError) as error:
            # A lost connection says nothing of what was committed; each reservation's key makes writing it once more safe.
            if tries and (sqlstate(error) in TRANSIENT or _alive()):
                self._write(items, tries=tries - 1)
                return
            if len(items) > 1 and _alive():
                self._singly(items)
                return
            log.warning("a group of %d reservations met a database failure: %s", len(items), error)
            for item in items:
                item.answer(Unsure())
        except Exception as error:
            if len(items) > 1:
                self._singly(items)
            else:
                items[0].answer(error)
        else:
            for item, outcome in zip(items, outcomes, strict=True):
                item.answer(outcome)

    def _singly(self, items: list[_Waiting]) -> None:
        for item in items:
            self._write([item])

    def _attempt(self, items: list[_Waiting]) -> list[Outcome]:
        if not connection.in_atomic_block and time.monotonic() - self._last > IDLE:
            close_old_connections()
        self._last = time.monotonic()
        return write(items[0].contract_id, items[0].now, [item.doc for item in items], lane=lane_of_process())


def _alive() -> bool:
    try:
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except DatabaseError:
        return False
    return True


batcher = Batcher()
