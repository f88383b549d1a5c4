"""Values remembered for some seconds per process, read anew by one thread while the others use what is there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """A small store of values that are read from the database again after ``seconds``.

    When a value's time is over, the first thread that asks reads it and all others get the old one meanwhile, so that a rush
    does not read the same row from every thread at once. An error while reading reaches the thread that read.
    """

    def __init__(self, seconds: float, *, limit: int = 2000) -> None:
        self._seconds, self._limit = seconds, limit
        self._kept: dict[K, tuple[float, V]] = {}
        self._reading = threading.Lock()

    def get(self, key: K, read: Callable[[], V]) -> V:
        """The value of ``key``, at most ``seconds`` plus one reading old."""
        hit = self._kept.get(key)
        if hit is not None and time.monotonic() - hit[0] < self._seconds:
            return hit[1]
        if not self._reading.acquire(blocking=hit is None):
            assert hit is not None
            return hit[1]
        try:
            hit = self._kept.get(key)
            if hit is not None and time.monotonic() - hit[0] < self._seconds:
                return hit[1]
            asked = time.monotonic()
            value = read()
            if len(self._kept) >= self._limit:
                self._kept.clear()
            self._kept[key] = (asked, value)
            return value
        finally:
            self._reading.release()

    def forget(self) -> None:
        """Drop everything."""
        self._kept.clear()
