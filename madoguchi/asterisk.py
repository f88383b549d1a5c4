"""Carries what an Asterisk tells of one contract's calls into the database, for the verb ``madoguchi asterisk``."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.db import connections

from madoguchi.domain.calls.services.record import record_events
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel
from madoguchi.voice.adapters.ami import Manager
from madoguchi.voice.adapters.feed import Feed
from madoguchi.voice.events import CallEvent

log = logging.getLogger("madoguchi.asterisk")

ASTERISK = Actor(ActorKind.SYSTEM, Channel.PHONE, label="Asterisk")


async def carry(
    contract: Contract,
    *,
    state: Path,
    manager: Manager | None = None,
    queue_log: Path | None = None,
    since: dt.datetime | None = None,
    callback_keys: frozenset[str] = frozenset({"1"}),
    stop: asyncio.Event | None = None,
) -> None:
    """Until SIGTERM or SIGINT, or ``stop``. What the database does not take is kept and tried again. Raises :class:`~.ami.AmiRefused`."""
    loop, done = asyncio.get_running_loop(), stop or asyncio.Event()
    if stop is None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, done.set)
    with ThreadPoolExecutor(1, thread_name_prefix="database") as database:

        async def deliver(events: Sequence[CallEvent]) -> None:
            await loop.run_in_executor(database, _record, contract, events)

        feed = Feed(
            deliver=deliver, state=state, clock=clock.now, manager=manager, queue_log=queue_log, since=since, callback_keys=callback_keys
        )
        running, stopping = asyncio.create_task(feed.run()), asyncio.create_task(done.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        running.cancel()
        (ended,) = await asyncio.gather(running, return_exceptions=True)
        await loop.run_in_executor(database, connections.close_all)
    log.info("%s: stopped; passed over: %s", contract.code, dict(feed.counts) or "nothing")
    while isinstance(ended, BaseExceptionGroup):
        ended = ended.exceptions[0]
    if ended is not None and not isinstance(ended, asyncio.CancelledError):
        raise ended


def _record(contract: Contract, events: Sequence[CallEvent]) -> None:
    try:
        record_events(contract, events, by=ASTERISK, now=clock.now())
    except Exception:
        connections.close_all()
        raise
