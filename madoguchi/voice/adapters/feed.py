"""One Asterisk, listened to live and made up for from its ``queue_log``; what is found goes to ``deliver``, all of it, again if need be.

The state file holds the position in the log and the times that calls are known by (:class:`~.asterisk.Same`). It is written before
events are delivered, with their times, and after, with the position: whenever the process dies, the same events come again with the
same times, and delivering them again changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import logging
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from ..events import CallEvent, EventError
from .ami import Manager, Message
from .asterisk import CALLBACK_KEYS, Ami, Same, read_line
from .queuelog import Position, read_on

log = logging.getLogger(__name__)

KEEP: Final = dt.timedelta(hours=12)
"""How long a call is remembered after its last event."""
LONGEST_PAUSE: Final = 30.0
Deliver = Callable[[Sequence[CallEvent]], Awaitable[None]]


class Feed:
    """``since``: earlier events of the log are passed over; it counts at the very first start and is kept in the state. ``deliver`` raises when
    the events are not stored; they are then kept and tried again, while nothing else is read."""

    def __init__(
        self,
        *,
        deliver: Deliver,
        state: Path,
        clock: Callable[[], dt.datetime],
        manager: Manager | None = None,
        queue_log: Path | None = None,
        since: dt.datetime | None = None,
        callback_keys: frozenset[str] = CALLBACK_KEYS,
        every_seconds: float = 2.0,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.deliver, self.state, self.clock = deliver, state, clock
        self.manager, self.queue_log, self.since = manager, queue_log, since
        self.callback_keys, self.every_seconds, self.pause = callback_keys, every_seconds, pause
        self.ami, self.same, self.position = Ami(), Same(), Position()
        self.counts: Counter[str] = Counter()
        self._turn = asyncio.Lock()
        with contextlib.suppress(FileNotFoundError):
            kept = json.loads(state.read_text())
            self.same, self.position = Same.load(kept["known"]), Position.load(kept["position"])
            self.since = dt.datetime.fromisoformat(kept["since"]) if kept["since"] else None

    async def run(self) -> None:
        """Until cancelled. Raises what makes going on senseless: AMI refused at the start."""
        async with asyncio.TaskGroup() as group:
            if self.manager is not None:
                group.create_task(self.manager.listen(hear=self.hear, gap=self.fill))
            if self.queue_log is not None:
                group.create_task(self._follow())

    async def hear(self, message: Message) -> None:
        """One AMI message."""
        try:
            read = self.ami.read(message, now=self.clock())
        except EventError as error:
            self._count(f"broken {message.get('Event', '')}", error)
            return
        for name in read.ignored:
            self.counts[name] += 1
        await self._give(read.events, None)

    async def fill(self) -> None:
        """Read the log to its end."""
        if self.queue_log is None:
            log.warning("no queue_log: what happened while the connection was away is lost")
            return
        while True:
            async with self._turn:
                try:
                    lines, position = read_on(self.queue_log, self.position)
                except OSError as error:
                    log.warning("queue_log: %s", error)
                    return
                if not lines:
                    return
                await self._store([event for line in lines for event in self._events(line)], position)

    async def _follow(self) -> None:
        while True:
            await self.fill()
            await self.pause(self.every_seconds)

    def _events(self, line: str) -> tuple[CallEvent, ...]:
        if not line:
            return ()
        try:
            read = read_line(line, now=self.clock(), callback_keys=self.callback_keys)
        except EventError as error:
            self._count("broken line", error)
            return ()
        for name in read.ignored:
            if not self.counts[name]:
                log.info("queue_log: %s is not known and is passed over", name)
            self.counts[name] += 1
        return tuple(event for event in read.events if self.since is None or event.at >= self.since)

    def _count(self, name: str, error: EventError) -> None:
        self.counts[name] += 1
        log.warning("%s: %s", name, error)

    async def _give(self, events: Sequence[CallEvent], position: Position | None) -> None:
        if events:
            async with self._turn:
                await self._store(events, position)

    async def _store(self, events: Sequence[CallEvent], position: Position | None) -> None:
        settled = [self.same.settle(event) for event in events]
        if settled:
            self._save()
            await self._deliver(settled)
        if position is not None:
            self.position = position
            self.same.forget(self.clock() - KEEP)
            self._save()

    async def _deliver(self, events: Sequence[CallEvent]) -> None:
        pause = 1.0
        while True:
            try:
                await self.deliver(events)
                return
            except Exception:
                log.exception("%s event(s) could not be stored; they are kept and tried again", len(events))
                await self.pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _save(self) -> None:
        part = self.state.with_name(f"{self.state.name}.part")
        with part.open("w") as stream:
            since = self.since.isoformat() if self.since else None
            json.dump({"since": since, "position": self.position.dump(), "known": self.same.dump()}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self.state)
