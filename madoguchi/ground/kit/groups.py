"""Group commit: deeds that wait in different threads of a process go into the database together.

Request threads hand a deed to a writer; one thread per process takes everything that waits and writes it in one transaction per
contract. The answer comes after that transaction is durable. A group that met a lost connection is written once more when the database
answers again; on any other failure each deed is tried alone, so that one bad request harms nobody. The queue is bounded: when it is
full the caller must say so to whoever asked.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection

from .database import TRANSIENT, sqlstate

Deed = TypeVar("Deed")
Answer = TypeVar("Answer")

log = logging.getLogger(__name__)

GROUP = 128
WAITING = 4000
PATIENCE = 20.0
PAUSE = 0.002
"""Seconds in which a group gathers while others wait already. A fifth more reservations fit into a second; a lone one never waits."""
IDLE = 1.0
"""Seconds without work after which the connection is tried before it is used."""


class Busy(RuntimeError):
    """Too many deeds wait; try again in some seconds. Nothing was written."""


class Unsure(RuntimeError):
    """The database went away while writing. Sending again with the same key answers what happened; nothing is doubled."""


def lane_of_process() -> int:
    """The audit lane of this process: writers of different processes need not wait for each other."""
    return 1 + os.getpid() % 8


@dataclass(slots=True)
class _Waiting(Generic[Deed, Answer]):
    contract_id: int
    deed: Deed
    done: threading.Lock = field(default_factory=threading.Lock)
    result: Answer | Exception | None = None
    given_up: bool = False

    def answer(self, result: Answer | Exception) -> None:
        self.result = result
        self.done.release()


class GroupWriter(Generic[Deed, Answer]):
    """One per process and kind of deed; started at first use, again after a fork.

    ``write(contract_id, deeds)`` writes deeds of one contract in one transaction and answers each, in order; all or, on an exception,
    none. Two deeds with the same ``twin`` never share a group: the second must see what the first did.
    """

    def __init__(self, name: str, write: Callable[[int, list[Deed]], list[Answer]], *, twin: Callable[[Deed], Hashable]) -> None:
        self._name, self._do, self._twin = name, write, twin
        self._queue: queue.SimpleQueue[_Waiting[Deed, Answer]] = queue.SimpleQueue()
        self._start = threading.Lock()
        self._pid = 0
        self._last = 0.0

    def submit(self, contract_id: int, deed: Deed) -> Answer:
        """Write one deed with the next group and wait for it.

        Raises ``Busy`` when too many wait, ``Unsure`` when the database failed while writing, or the database's own error.
        """
        if self._queue.qsize() >= WAITING:
            raise Busy
        if self._pid != os.getpid():
            with self._start:
                if self._pid != os.getpid():
                    self._queue = queue.SimpleQueue()
                    threading.Thread(target=self._run, name=self._name, daemon=True).start()
                    self._pid = os.getpid()
        waiting: _Waiting[Deed, Answer] = _Waiting(contract_id, deed)
        waiting.done.acquire()
        self._queue.put(waiting)
        if not waiting.done.acquire(timeout=PATIENCE):
            # Told as failed: what is still queued must not be done later, behind the back of who pressed.
            waiting.given_up = True
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
            try:
                self._write_group([item for item in group if not item.given_up])
            except Exception:
                log.exception("%s: a group of %d met a fault", self._name, len(group))
                for item in group:
                    if item.result is None:
                        item.answer(Unsure())

    def _write_group(self, group: list[_Waiting[Deed, Answer]]) -> None:
        by_contract: dict[int, list[_Waiting[Deed, Answer]]] = {}
        twins: list[_Waiting[Deed, Answer]] = []
        seen: set[tuple[int, Hashable]] = set()
        for item in group:
            twin = (item.contract_id, self._twin(item.deed))
            if twin in seen:
                twins.append(item)
                continue
            seen.add(twin)
            by_contract.setdefault(item.contract_id, []).append(item)
        for items in by_contract.values():
            self._write(items)
        for item in twins:
            self._write([item])

    def _write(self, items: list[_Waiting[Deed, Answer]], *, tries: int = 3) -> None:
        try:
            answers = self._attempt(items)
        except (OperationalError, InterfaceError) as error:
            # A lost connection says nothing of what was committed; each deed's key makes writing it once more safe.
            if tries and (sqlstate(error) in TRANSIENT or _alive()):
                self._write(items, tries=tries - 1)
                return
            if len(items) > 1 and _alive():
                self._singly(items)
                return
            log.warning("%s: a group of %d met a database failure: %s", self._name, len(items), error)
            for item in items:
                item.answer(Unsure())
        except Exception as error:
            if len(items) > 1:
                self._singly(items)
            else:
                items[0].answer(error)
        else:
            for item, answer in zip(items, answers, strict=True):
                item.answer(answer)

    def _singly(self, items: list[_Waiting[Deed, Answer]]) -> None:
        for item in items:
            if not item.given_up:
                self._write([item])

    def _attempt(self, items: list[_Waiting[Deed, Answer]]) -> list[Answer]:
        if not connection.in_atomic_block and time.monotonic() - self._last > IDLE:
            close_old_connections()
        self._last = time.monotonic()
        answers = self._do(items[0].contract_id, [item.deed for item in items])
        if len(answers) != len(items):
            raise RuntimeError(f"{self._name}: {len(answers)} answers to {len(items)} deeds")
        return answers


def _alive() -> bool:
    try:
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except (DatabaseError, InterfaceError):
        return False
    return True
