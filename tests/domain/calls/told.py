"""Events of synthetic calls."""

from __future__ import annotations

import datetime as dt
from typing import Any

from madoguchi.ground.kit.clock import JST
from madoguchi.voice.events import CallEvent, Kind

NINE = dt.datetime(2026, 11, 2, 9, 0, tzinfo=JST)


def told(call: str, *steps: tuple[Any, ...], start: dt.datetime = NINE, caller: str = "09012345678", provider: str = "exchange") -> list[CallEvent]:
    """Events of a call: each step is (kind, seconds after the start[, agent or data …])."""
    events = []
    for kind, seconds, *rest in steps:
        agent = next((one for one in rest if isinstance(one, str)), "")
        data = next((one for one in rest if isinstance(one, dict)), {})
        first: Kind = kind
        events.append(
            CallEvent(
                provider, call, first, start + dt.timedelta(seconds=seconds), contract="hatsukaichi",
                caller=caller if kind == "offered" else "", withheld=kind == "offered" and not caller,
                dialled="0120000000" if kind == "offered" else "", agent=agent, data=data,
            )
        )  # fmt: skip
    return events


def answered(call: str = "a", *, wait: int = 10, talk: int = 100, agent: str = "user:1", **kwargs: Any) -> list[CallEvent]:
    return told(call, ("offered", 0, {"state": "open"}), ("menu", 4, {"key": "1", "choice": "book", "language": "ja"}), ("queued", 5),
                ("ringing", 6, agent), ("answered", 5 + wait, agent), ("ended", 5 + wait + talk, {"by": "caller"}), **kwargs)  # fmt: skip


def abandoned(call: str = "b", *, wait: int = 30, **kwargs: Any) -> list[CallEvent]:
    return told(call, ("offered", 0, {"state": "open"}), ("queued", 5), ("abandoned", 5 + wait), ("ended", 5 + wait, {"by": "caller"}), **kwargs)


def overflowed(call: str = "c", *, wait: int = 120, **kwargs: Any) -> list[CallEvent]:
    return told(call, ("offered", 0, {"state": "open"}), ("queued", 5), ("overflowed", 5 + wait, {"why": "max_wait"}), ("ended", 20 + wait), **kwargs)


def callback(call: str = "d", *, wait: int = 40, **kwargs: Any) -> list[CallEvent]:
    return told(call, ("offered", 0, {"state": "open"}), ("queued", 5), ("callback_requested", 5 + wait), ("ended", 12 + wait), **kwargs)


def closed(call: str = "e", **kwargs: Any) -> list[CallEvent]:
    return told(call, ("offered", 0, {"state": "closed"}), ("announced", 0, {"prompt": "closed"}), ("ended", 12, {"by": "system"}), **kwargs)
