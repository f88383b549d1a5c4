"""The one place that reads the time. Rules and deeds take ``now`` as an argument; doors (views, tasks, commands) ask here.

Where ``settings.TIME_TRAVEL`` is on (demo, tests), the clock can be moved: the offset is kept in a file beside the data, so
that every process of the installation travels together. In production the offset is never read.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings

JST = ZoneInfo("Asia/Tokyo")
_READ_EVERY = 0.5
_cache: tuple[float, dt.timedelta] = (float("-inf"), dt.timedelta())


def _file() -> Path:
    return Path(settings.DATA_DIR) / "clock-offset"


def offset() -> dt.timedelta:
    """How far the clock is moved; zero unless time travel is allowed."""
    global _cache
    if not settings.TIME_TRAVEL:
        return dt.timedelta()
    if time.monotonic() - _cache[0] > _READ_EVERY:
        try:
            value = dt.timedelta(seconds=float(_file().read_text()))
        except FileNotFoundError:
            value = dt.timedelta()
        _cache = (time.monotonic(), value)
    return _cache[1]


def now() -> dt.datetime:
    """The present moment, aware, in Japan Standard Time."""
    return dt.datetime.now(JST) + offset()


def today() -> dt.date:
    """The present date in Japan."""
    return now().date()


def travel_to(moment: dt.datetime | None) -> None:
    """Move the clock of this installation so that it now shows ``moment``; None returns to the real time.

    Raises ``PermissionError`` where time travel is not allowed.
    """
    global _cache
    if not settings.TIME_TRAVEL:
        raise PermissionError("time travel is off: set TIME_TRAVEL (demo and tests only)")
    path = _file()
    path.parent.mkdir(parents=True, exist_ok=True)
    if moment is None:
        path.unlink(missing_ok=True)
    else:
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(str((moment - dt.datetime.now(JST)).total_seconds()))
        part.replace(path)
    _cache = (float("-inf"), dt.timedelta())
