"""The database stands still in the middle of a call, or while the exchange starts: nobody hears it, and everything that happened is on record
afterwards."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import psutil
import psycopg
import pytest

from madoguchi.ground.kit.postgres import EmbeddedPostgres
from madoguchi.voice import spool
from madoguchi.voice.passes import derive
from tests.voice.scene import SECRET, Caller, Process, make_flow, network, quick

from .house import House

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("crash"), pytest.mark.req("CALL-08", "CALL-01")]
STOPPED = float(os.environ.get("MADOGUCHI_STOPPED", "8"))
"""Seconds for which the database stands still."""


class TelephoneHouse(House):
    """An installation whose worker carries the events of an exchange."""

    @property
    def env(self) -> dict[str, str]:
        return super().env | {"MADOGUCHI_VOICE_SECRET": SECRET}


@pytest.fixture
def house(django_db_setup: None) -> Iterator[TelephoneHouse]:
    made = TelephoneHouse()
    yield made
    made.tear_down()


def everybody(data: Path) -> list[psutil.Process]:
    """The postmaster and every back end."""
    server = EmbeddedPostgres(data).running()
    assert server is not None
    postmaster = psutil.Process(server.pid)
    return [postmaster, *postmaster.children(recursive=True)]


def longest_gap(caller: Caller, since: float) -> float:
    """Seconds of the longest silence on the wire."""
    times = [at for at, _, _ in caller.arrivals if at > since]
    return max(b - a for a, b in pairwise(times))


def missing(caller: Caller) -> int:
    """Packets that did not arrive."""
    numbers = [number for _, number, _ in caller.arrivals]
    return (numbers[-1] - numbers[0]) % 65536 + 1 - len(numbers)


def on_record(url: str) -> tuple[int, int]:
    """Calls that ended, and events, in the whole database."""
    with psycopg.connect(url) as connection:
        connection.execute("set row_security = off") if connection.info.user == "postgres" else None
        connection.execute("select set_config('madoguchi.contract', (select id::text from contracts_contract where code = 'hatsukaichi'), false)")
        calls = connection.execute("select count(*) from calls_call where ended_at is not null").fetchone()
        events = connection.execute("select count(*) from calls_callevent").fetchone()
    assert calls and events
    return calls[0], events[0]


def test_a_database_that_stands_still_stops_no_call_and_no_start(house: TelephoneHouse, tmp_path: Path) -> None:
    house.migrate()
    house.start()
    house.wait_ready()
    kept = house.data / "voice" / "spool"
    make_flow(tmp_path, contract="hatsukaichi", queues=(quick(max_wait_seconds=900, max_waiting=20),))
    exchange = Process(tmp_path, arguments=("--spool", str(kept))).start()

    async def scene() -> None:
        async with network() as callers:
            early = await Caller(callers, tone=440).dial(exchange.address)
            await asyncio.sleep(2)
            stopped = everybody(house.data)
            for process in stopped:
                process.suspend()
            begun = time.monotonic()
            during = await Caller(callers).dial(exchange.address, caller="08011112222")
            await asyncio.sleep(STOPPED / 2)
            await during.hang_up()
            await asyncio.sleep(STOPPED / 2)
            print(f"longest gap with the database stopped for {STOPPED:.0f} s: {1000 * longest_gap(early, begun):.0f} ms, missing: {missing(early)}")
            assert missing(early) == 0
            for process in stopped:
                process.resume()
            await early.hang_up()
            await asyncio.sleep(0.5)
            for caller in (early, during):
                await caller.close()

    async def start_without_it() -> None:
        async with network() as callers:
            late = await Caller(callers).dial(exchange.address, caller="08033334444")
            assert await late.hears("greeting") >= 0.95
            await late.close()

    try:
        asyncio.run(scene())
        assert exchange.stop() == 0
        stopped = everybody(house.data)
        for process in stopped:
            process.suspend()
        try:
            exchange = Process(tmp_path, arguments=("--spool", str(kept))).start()
            asyncio.run(start_without_it())
            assert exchange.stop() == 0
        finally:
            for process in stopped:
                process.resume()
    finally:
        if exchange.child is not None and exchange.child.poll() is None:
            exchange.kill()
    server = EmbeddedPostgres(house.data).running()
    assert server is not None
    until = time.monotonic() + 60
    while list(spool.pending(kept, derive(SECRET, "spool"))) or on_record(server.url)[0] < 3:
        assert time.monotonic() < until, house.log()[-3000:]
        time.sleep(0.3)
    calls, events = on_record(server.url)
    assert calls == 3
    assert events >= 9
