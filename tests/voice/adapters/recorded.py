"""The same five calls as each provider tells them, read by its adapter, and what they have in common."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from madoguchi.domain.calls.fold import Folded, fold
from madoguchi.voice.adapters import connect, webhook
from madoguchi.voice.adapters.asterisk import Ami, Same, read_line
from madoguchi.voice.events import CallEvent

FIXTURES = Path(__file__).parent / "fixtures"
NOW = dt.datetime(2026, 11, 25, 12, 0, tzinfo=dt.UTC)
START = dt.datetime(2026, 11, 25, 1, 0, tzinfo=dt.UTC)
CALLS = ("answered", "abandoned", "overflow", "callback", "closed")


def lines(name: str) -> list[str]:
    """A file without its heading."""
    heading, *rest = (FIXTURES / name).read_text().splitlines()
    assert heading.startswith("# ")
    return rest


def exchange() -> Iterator[CallEvent]:
    for line in lines("exchange.jsonl"):
        yield CallEvent.parse(json.loads(line))


def own() -> Iterator[CallEvent]:
    for line in lines("webhook.jsonl"):
        yield from webhook.read(line.encode(), now=NOW).events


def cti() -> Iterator[CallEvent]:
    for line in lines("cti.jsonl"):
        recorded = json.loads(line)
        sent: Any = recorded.get("json") or recorded["form"]
        yield from webhook.read_cti(sent, now=dt.datetime.fromisoformat(recorded["arrived"])).events


def messages() -> list[dict[str, str]]:
    blocks = "\n".join(lines("ami.txt")).strip().split("\n\n")
    return [dict(line.split(": ", 1) if ": " in line else (line.rstrip(":"), "") for line in block.splitlines()) for block in blocks]


def ami() -> Iterator[CallEvent]:
    reader = Ami()
    for message in messages():
        yield from reader.read(message, now=NOW).events


def queue_log() -> Iterator[CallEvent]:
    for line in lines("queue_log.txt"):
        yield from read_line(line, now=NOW).events


def both() -> Iterator[CallEvent]:
    """AMI as it happened, then the whole log again."""
    same = Same()
    for event in (*ami(), *queue_log()):
        yield same.settle(event)


def amazon() -> Iterator[CallEvent]:
    for line in lines("connect.jsonl"):
        yield from connect.read(json.loads(line), now=NOW).events


PROVIDERS: dict[str, Callable[[], Iterator[CallEvent]]] = {
    "own": own, "cti": cti, "ami": ami, "queue_log": queue_log, "both": both, "amazon": amazon,
}  # fmt: skip


def folded(events: list[CallEvent]) -> dict[str, Folded]:
    """Incoming calls by the second at which they began, which is what the five have in common."""
    found = {call.opened_at.replace(microsecond=0): call for call in fold(events).values() if call.direction == "in"}
    began = dict(zip(CALLS, (0, 60, 120, 200, 30600), strict=True))
    return {name: found[START + dt.timedelta(seconds=seconds)] for name, seconds in began.items()}


json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
"""Any JSON, for tests that try everything."""
