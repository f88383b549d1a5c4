"""The exchange as a process, called by sipp: telephones, overload, crashes, a full disk, an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import wave
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from madoguchi.voice import spool
from madoguchi.voice.events import CallEvent
from madoguchi.voice.flow import Phone
from madoguchi.voice.flows import OUT_OF_ORDER
from madoguchi.voice.legs import PCMA
from madoguchi.voice.sip.registrar import REALM

from .scene import CLOSED, NUMBER, Caller, Process, free_port, likeness, make_flow, network, process, quick

SCENARIOS = Path(__file__).parent / "sipp"


@pytest.fixture(scope="module", autouse=True)
def sipp_is_there() -> None:
    assert shutil.which("sipp"), "sipp is needed: bash tools/telephony.sh, or apt-get install sip-tester"


def scenario(folder: Path, name: str, **values: int) -> Path:
    """A scenario with its times filled in."""
    text = (SCENARIOS / f"{name}.xml").read_text()
    for word, value in values.items():
        text = text.replace(word, str(value))
    made = folder / f"{name}{''.join(map(str, values.values()))}.xml"
    made.write_text(text)
    return made


def ports_apart() -> int:
    """The first, an even one, of four free ports that the system gives to nobody by itself (61000 and above)."""
    while True:
        first = random.randrange(61_000, 65_500, 4)
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(first, first + 4):
                held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(("127.0.0.1", port))
            return first


class Sipp:
    """One sipp; its media ports are away from those of the exchange, and nobody takes them before it does."""

    def __init__(self, folder: Path, file: Path, *arguments: str, port: int | None = None) -> None:
        self.port = port or ports_apart()
        media = ports_apart()
        self.log = folder / f"sipp{self.port}-{time.monotonic_ns()}.log"
        command = ["sipp", "-sf", str(file), "-i", "127.0.0.1", "-p", str(self.port), "-mi", "127.0.0.1", "-mp", str(media), "-nostdin", *arguments]
        with self.log.open("wb") as log:
            self.child = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)

    def end(self, seconds: float = 60) -> None:
        """Every call of it went as its scenario says."""
        code = self.child.wait(seconds)
        assert code == 0, f"sipp ended with {code}: {self.log.read_text(errors='replace')[-3000:]}"

    def stop(self) -> None:
        self.child.kill()
        self.child.wait()


def phone(user: str, operator: str) -> Phone:
    return Phone(operator=operator, user=user, ha1=hashlib.md5(f"{user}:{REALM}:secret".encode()).hexdigest())


def registered(folder: Path, here: Process, user: str) -> int:
    """Let sipp register a telephone; the port it registered."""
    caller = Sipp(folder, SCENARIOS / "register.xml", f"127.0.0.1:{here.port}", "-s", user, "-au", user, "-ap", "secret", "-m", "1")
    caller.end(15)
    return caller.port


def by_call(events: list[CallEvent]) -> dict[str, list[CallEvent]]:
    found: dict[str, list[CallEvent]] = {}
    for event in events:
        found.setdefault(event.call, []).append(event)
    return found


def outcome(events: list[CallEvent]) -> str:
    kinds = {e.kind for e in events}
    return next(k for k in ("answered", "callback_requested", "overflowed", "abandoned", "announced") if k in kinds)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    make_flow(tmp_path)
    yield tmp_path


def test_sipp_hears_the_end_of_the_announcement_and_every_call_is_in_the_spool(folder: Path) -> None:
    with process(folder, now=CLOSED) as here:
        calling = Sipp(folder, SCENARIOS / "listen.xml", f"127.0.0.1:{here.port}", "-s", NUMBER, "-m", "10", "-r", "10", "-rtp_echo")
        calling.end()
        assert here.stop() == 0
        calls = by_call(here.events())
        assert len(calls) == 10
        assert all([e.kind for e in events] == ["offered", "announced", "ended"] for events in calls.values())
        assert "Traceback" not in here.log.read_text()


@pytest.mark.req("CALL-08")
def test_a_telephone_with_a_password_talks_with_a_caller(tmp_path: Path) -> None:
    make_flow(tmp_path, phones=(phone("desk1", "op-1"),))

    async def call(here: Process) -> None:
        async with network() as net:
            caller = await Caller(net, law=PCMA, tone=440).dial(here.address)
            assert await caller.hears("greeting") >= 0.95
            assert abs(await caller.hears_tone(440, seconds=6) - 440) < 10
            assert await asyncio.wait_for(caller.ended, 10) == "bye"
            await caller.close()

    with process(tmp_path) as here:
        port = registered(tmp_path, here, "desk1")
        desk = Sipp(tmp_path, scenario(tmp_path, "telephone", TALK=2500), "-rtp_echo", "-m", "1", port=port)
        asyncio.run(call(here))
        desk.end(15)
        here.stop()
        (events,) = by_call(here.events()).values()
        assert [e.kind for e in events] == ["offered", "queued", "ringing", "answered", "ended"]
        assert (events[3].agent, dict(events[4].data)) == ("op-1", {"by": "operator", "why": "hung_up"})


@pytest.mark.slow
@pytest.mark.req("CALL-01")
def test_fifty_calls_against_two_operators_all_hear_a_voice_and_add_up(tmp_path: Path) -> None:
    """A call each second against two operators who talk 3 s, all times divided by five."""
    queue = quick(ring_seconds=1, wrapup_seconds=0.2, max_wait_seconds=1, announce_every_seconds=1)
    make_flow(tmp_path, phones=(phone("desk1", "op-1"), phone("desk2", "op-2")), queues=(queue,))
    target = "-s", NUMBER

    async def probes(here: Process) -> None:
        async with network() as net:
            for _ in range(4):
                caller = await Caller(net).dial(here.address)
                assert await caller.hears("greeting") >= 0.95
                await caller.close()

    with process(tmp_path) as here:
        desks = []
        for user in ("desk1", "desk2"):
            port = registered(tmp_path, here, user)
            desks.append(Sipp(tmp_path, scenario(tmp_path, "telephone", TALK=600), "-rtp_echo", port=port))
        address = f"127.0.0.1:{here.port}"
        callers = [
            Sipp(tmp_path, scenario(tmp_path, "patience", PATIENCE=patience), address, *target, "-m", "23", "-r", "25", "-rp", "10000")
            for patience in (6000, 1300)
        ]
        asyncio.run(probes(here))
        for caller in callers:
            caller.end(60)
        assert here.stop() == 0
        for desk in desks:
            desk.stop()
        calls = by_call(here.events())
        assert len(calls) == 50
        assert all(events[0].kind == "offered" and events[-1].kind == "ended" for events in calls.values())
        found = Counter(outcome(events) for events in calls.values())
        assert sum(found.values()) == 50 and found["announced"] == 0
        assert min(found["answered"], found["overflowed"], found["abandoned"]) >= 1, found
        talking: Counter[str] = Counter()
        for event in sorted((e for events in calls.values() for e in events), key=lambda e: e.at):
            if event.kind == "answered":
                talking[event.agent] += 1
                assert talking[event.agent] == 1, "an operator with two calls"
            elif event.kind == "ended":
                agent = next((e.agent for e in calls[event.call] if e.kind == "answered"), "")
                talking[agent] = 0


def test_a_killed_exchange_loses_nothing_that_it_had_told_and_answers_again(tmp_path: Path) -> None:
    make_flow(tmp_path, longer={"closed": 20})

    async def talk(here: Process) -> None:
        async with network() as net:
            caller = await Caller(net).dial(here.address)
            assert await caller.hears("closed") >= 0.95
            await asyncio.to_thread(here.kill)
            await asyncio.to_thread(here.start)
            again = await Caller(net).dial(here.address)
            assert await again.hears("closed") >= 0.95
            await again.hang_up()
            await asyncio.sleep(0.5)
            await caller.close()
            await again.close()

    with process(tmp_path, now=CLOSED) as here:
        asyncio.run(talk(here))
        here.stop()
        events = here.events()
        runs = spool.runs(here.spool)
        assert len(runs) == 2
        assert [(e.kind, spool.run_of(e.call)) for e in events] == [
            ("offered", runs[0]), ("announced", runs[0]), ("offered", runs[1]), ("announced", runs[1]), ("ended", runs[1]),
        ]  # fmt: skip


def test_a_folder_that_cannot_be_written_stops_no_audio(folder: Path) -> None:
    async def call(here: Process) -> None:
        async with network() as net:
            caller = await Caller(net).dial(here.address)
            assert await caller.hears("closed") >= 0.95
            assert await asyncio.wait_for(caller.ended, 5) == "bye"
            await caller.close()

    (folder / "spool").write_text("a file where the folder should be")
    with process(folder, now=CLOSED) as here:
        asyncio.run(call(here))
        assert re.search(r"ERROR .*kept in memory", here.log.read_text())
        (folder / "spool").unlink()
        until = time.monotonic() + 5
        while "can be written again" not in here.log.read_text() and time.monotonic() < until:
            time.sleep(0.05)
        here.stop()
        assert [e.kind for e in here.events()] == ["offered", "announced", "ended"]


@pytest.mark.req("CALL-08", "CALL-01")
def test_a_start_with_a_broken_flow_is_answered_by_the_last_good_one(folder: Path) -> None:
    async def call(here: Process) -> None:
        async with network() as net:
            caller = await Caller(net).dial(here.address)
            assert await caller.hears("closed") >= 0.95
            await caller.close()

    file = folder / "town" / "flow.json"
    door = free_port()
    with process(folder, now=CLOSED, arguments=("--door-port", str(door))) as here:
        assert health(door)["flows"] == {"town": "current"}
        file.write_bytes(file.read_bytes()[:200])
        until = time.monotonic() + 5
        while health(door)["flows"] != {"town": "last_good"} and time.monotonic() < until:
            time.sleep(0.05)
        here.kill()
        here.start()
        assert health(door)["flows"] == {"town": "last_good"}
        asyncio.run(call(here))
        file.unlink()
        here.kill()
        here.start()
        asyncio.run(call(here))
        assert health(door)["flows"] == {"town": "last_good"}
        make_flow(folder, version=2)
        until = time.monotonic() + 5
        while health(door)["flows"] != {"town": "current"} and time.monotonic() < until:
            time.sleep(0.05)
        assert health(door)["flows"] == {"town": "current"}
        assert json.loads((folder / "town" / "flow.good.json").read_text())["version"] == 2


@pytest.mark.req("CALL-08", "CALL-01")
@pytest.mark.parametrize("there", ["nothing", "a torn file"])
def test_without_any_flow_a_caller_hears_that_it_is_out_of_order(tmp_path: Path, there: str) -> None:
    if there != "nothing":
        (tmp_path / "town").mkdir()
        (tmp_path / "town" / "flow.json").write_text('{"contract": "to')
    with wave.open(str(OUT_OF_ORDER)) as file:
        words = np.frombuffer(file.readframes(16_000), "<i2")

    async def call(here: Process) -> None:
        async with network() as net:
            caller = await Caller(net).dial(here.address)
            await asyncio.sleep(2.6)
            assert likeness(caller.heard, words) > 0.95
            await caller.close()
            make_flow(tmp_path)
            until = time.monotonic() + 5
            while "version 1" not in here.log.read_text() and time.monotonic() < until:
                await asyncio.sleep(0.05)
            with pytest.raises(AssertionError, match="refused 404"):
                await Caller(net).dial(here.address, number="0120999999")

    with process(tmp_path, now=CLOSED) as here:
        asyncio.run(call(here))
        here.stop()
        events = here.events()
        assert [(e.kind, e.contract, e.dialled) for e in events] == [(kind, "", NUMBER) for kind in ("offered", "overflowed", "ended")]
        assert events[1].data["why"] == "no_flow"


def health(port: int) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
        return json.load(answer)


def test_asked_to_end_it_takes_no_new_call_and_lets_the_others_finish(folder: Path) -> None:
    async def call(here: Process) -> None:
        async with network() as net:
            caller = await Caller(net).dial(here.address)
            await asyncio.sleep(0.3)
            here.ask_to_end()
            await asyncio.sleep(0.2)
            late = Caller(net)
            with pytest.raises(AssertionError, match="refused 503"):
                await late.dial(here.address)
            assert await caller.hears("closed") >= 0.95
            assert await asyncio.wait_for(caller.ended, 5) == "bye"
            await caller.close()
            await late.close()

    with process(folder, now=CLOSED) as here:
        asyncio.run(call(here))
        assert here.stop() == 0
        assert [e.kind for e in here.events()] == ["offered", "announced", "ended"]


def test_calls_that_outlast_the_drain_are_ended_by_the_system(folder: Path) -> None:
    async def call(here: Process) -> None:
        async with network() as net:
            caller = await Caller(net).dial(here.address)
            await asyncio.sleep(0.3)
            here.ask_to_end()
            assert await asyncio.wait_for(caller.ended, 5) == "bye"
            await caller.close()

    with process(folder, now=CLOSED, arguments=("--drain", "0.1")) as here:
        asyncio.run(call(here))
        assert here.stop() == 0
        assert dict(here.events()[-1].data) == {"by": "system", "why": "shut_down"}


def test_a_new_flow_is_heard_without_a_restart(folder: Path) -> None:
    with process(folder, now=CLOSED) as here:
        make_flow(folder, version=2, numbers=("0120777777",))
        until = time.monotonic() + 5
        while "version 2" not in here.log.read_text() and time.monotonic() < until:
            time.sleep(0.05)
        calling = Sipp(folder, SCENARIOS / "listen.xml", f"127.0.0.1:{here.port}", "-s", "0120777777", "-m", "1")
        calling.end(15)


@pytest.mark.parametrize(("arguments", "environment", "said"), [
    (["--trunk", "127.0.0.0/8"], {}, "MADOGUCHI_VOICE_SECRET is needed"),
    (["--trunk", "127.0.0.0/8", "--bind", "0.0.0.0"], {"MADOGUCHI_VOICE_SECRET": "x" * 20}, "--bind 0.0.0.0 needs --address"),
    ([], {}, "--trunk"),
])  # fmt: skip
def test_it_says_what_it_needs(tmp_path: Path, arguments: list[str], environment: dict[str, str], said: str) -> None:
    command = [sys.executable, "-m", "madoguchi", "callengine", "--folder", str(tmp_path), *arguments]
    done = subprocess.run(command, env={"PATH": "/usr/bin", **environment}, capture_output=True, text=True, check=False, cwd=Path.cwd())
    assert done.returncode == 2
    assert said in done.stderr
