"""``python -m benchmarks.voice``: how many announcements and bridged calls one telephone exchange carries; writes ``voice.json``.

The exchange runs as in an installation. This process is its trunk and its telephones: every call sends and receives 50 packets a second, and every
packet received is looked at for loss and for the pause since the one before. Both share the machine, so pauses are at most as bad as said.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import hashlib
import ipaddress
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from aiosipua.auth import SipDigestAuth, build_credentials
from aiosipua.headers import parse_auth, stringify_auth

from madoguchi.voice import flow
from madoguchi.voice.legs import SILENCE
from madoguchi.voice.sip.calls import Incoming, Outgoing
from madoguchi.voice.sip.endpoint import Endpoint, open_endpoint
from madoguchi.voice.sip.messages import SipRequest, format_addr, request
from madoguchi.voice.sip.registrar import REALM

from . import report
from .machine import lead_session, percentile, prioritise
from .program import ROOT, free_port
from .report import Result
from .slices import HERE

RESULTS = HERE / "voice.json"
NUMBER = "0120000001"
PROMPTS = ("greeting", "closed", "holiday", "year_end", "full", "callback", "callback_done", "connect", "hold")
PAUSE_MS = 40
MEASURED = 10.0


@dataclass
class Step:
    """One load: what was seen in :data:`MEASURED` seconds. ``cpu`` in per cent of one core."""

    calls: int
    heard: int
    lost: int
    p50: float
    p95: float
    p99: float
    longest: float
    cpu: float
    memory: float

    @property
    def clean(self) -> bool:
        """Every call was heard, nothing lost, the pauses short."""
        return self.heard == self.calls and self.lost == 0 and self.p99 < PAUSE_MS


class Ear:
    """One end of the audio: keeps times and numbers of what comes, and sends it back when it is a telephone."""

    def __init__(self, *, echo: bool = False) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.echo = echo
        self.to: tuple[str, int] | None = None
        self.sequence = 0
        self.last: tuple[float, int] | None = None
        self.pauses: list[float] = []
        self.packets = self.lost = 0
        asyncio.get_running_loop().add_reader(self.socket, self.read)

    def read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data, source = self.socket.recvfrom(2048)
                if self.echo:
                    self.socket.sendto(data, source)
                    continue
                now, number = time.monotonic(), struct.unpack_from("!H", data, 2)[0]
                if self.last is not None:
                    self.pauses.append(1000 * (now - self.last[0]))
                    step = (number - self.last[1]) & 0xFFFF
                    self.lost += step - 1 if 0 < step < 1000 else 0
                self.last = (now, number)
                self.packets += 1

    def speak(self) -> None:
        if self.to is not None:
            self.sequence += 1
            head = struct.pack("!BBHII", 0x80, 0, self.sequence & 0xFFFF, 160 * self.sequence, 7)
            self.socket.sendto(head + SILENCE[0], self.to)

    def forget(self) -> None:
        self.pauses, self.packets, self.lost, self.last = [], 0, 0, None

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()


def write_flow(folder: Path, *, phones: int) -> None:
    """A contract that is open whenever there are telephones, with texts of a minute."""
    audio = folder / "bench" / "audio"
    audio.mkdir(parents=True)
    for name in PROMPTS:
        with wave.open(str(audio / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(os.urandom(16000 * (60 if name == "closed" else 1)))
    secrets = {f"p{n}": hashlib.md5(f"p{n}:{REALM}:secret".encode()).hexdigest() for n in range(phones)}
    hours = (("00:00", "24:00"),) if phones else ()
    today = dt.datetime.now(flow.JST).date()
    flow.write(folder, flow.Flow(
        contract="bench", version=1, name="bench", numbers=(NUMBER,), days={today + dt.timedelta(days=n): flow.Day(hours=hours) for n in (0, 1)},
        prompts={name: {"ja": f"{name}.wav"} for name in PROMPTS}, queues=(flow.Queue(max_waiting=1000, ring_seconds=20),),
        phones=tuple(flow.Phone(operator=user, user=user, ha1=ha1) for user, ha1 in secrets.items()),
    ))  # fmt: skip


async def register(net: Endpoint, to: tuple[str, int], user: str) -> None:
    """A telephone registers with its password."""

    def ask(seq: int, headers: list[tuple[str, str]]) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        made: SipRequest = request(
            "REGISTER", "sip:127.0.0.1", local=net.here, sender=f"<sip:{user}@127.0.0.1>;tag={user}", to=f"<sip:{user}@127.0.0.1>",
            call_id=f"register-{user}", cseq=seq, headers=[("Contact", f"<sip:{user}@{format_addr(*net.here)}>"), *headers],
        )  # fmt: skip
        net.ask(made, to, answer.set_result)
        return answer

    challenge = parse_auth((await ask(1, [])).get_header("www-authenticate"))
    credentials = build_credentials(SipDigestAuth(user, "secret"), challenge, "REGISTER", "sip:127.0.0.1")
    done = await ask(2, [("Authorization", stringify_auth(credentials))])
    assert done.status_code == 200, done


async def measure(address: tuple[str, int], engine: psutil.Process, calls: int, phones: int) -> Step:
    """Make the calls, wait until they hear something, look for a while, end them."""
    nets = (ipaddress.ip_network("127.0.0.0/8"),)
    net, wire = await open_endpoint(("127.0.0.1", 0), trunks=nets)
    ears: list[Ear] = []
    desks: list[Ear] = []
    made: list[Outgoing] = []

    def take(call: Incoming) -> None:
        desks.append(Ear(echo=True))
        call.answer(desks[-1].socket.getsockname())

    net.on_invite = take
    for n in range(phones):
        await register(net, address, f"p{n}")

    async def speak() -> None:
        due = time.monotonic()
        while True:
            due += 0.02
            for ear in ears:
                ear.speak()
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    speaking = asyncio.ensure_future(speak())
    for _ in range(calls):
        ear = Ear()
        ears.append(ear)
        call = net.call(f"sip:{NUMBER}@{format_addr(*address)}", address, number="09012345678", rtp=ear.socket.getsockname())
        call.on_answer = lambda media, ear=ear: setattr(ear, "to", media.address)  # type: ignore[misc]
        call.begin()
        made.append(call)
        await asyncio.sleep(5 / calls)
    await asyncio.sleep(4)
    for ear in ears:
        ear.forget()
    before = sum(engine.cpu_times()[:2])
    begun = time.monotonic()
    await asyncio.sleep(MEASURED)
    cpu = 100 * (sum(engine.cpu_times()[:2]) - before) / (time.monotonic() - begun)
    heard = sum(ear.packets >= 0.9 * MEASURED * 50 for ear in ears)
    pauses = sorted(p for ear in ears for p in ear.pauses)
    step = Step(
        calls, heard, sum(ear.lost for ear in ears), *(round(percentile(pauses, share), 1) for share in (0.5, 0.95, 0.99)),
        round(pauses[-1], 1) if pauses else 0.0, round(cpu, 1), round(engine.memory_info().rss / 1e6),
    )  # fmt: skip
    for call in made:
        call.hang_up()
    await asyncio.sleep(1)
    speaking.cancel()
    for ear in [*ears, *desks]:
        ear.close()
    net.close()
    wire.close()
    return step


def run(calls: int, *, bridged: bool) -> Step:
    """One step with an exchange of its own."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_flow(folder, phones=calls if bridged else 0)
        port = free_port()
        command = [
            sys.executable, "-m", "madoguchi.voice", "--folder", place, "--port", str(port), "--trunk", "127.0.0.0/8",
            "--capacity", "2000", "--log-level", "INFO", "--drain", "1",
        ]  # fmt: skip
        log = folder / "log"
        environment = {**os.environ, "MADOGUCHI_VOICE_SECRET": "a secret of the benchmark"}
        with log.open("wb") as output, subprocess.Popen(command, cwd=ROOT, env=environment, stderr=output) as child:
            try:
                until = time.monotonic() + 30
                while b"SIP on" not in log.read_bytes():
                    if child.poll() is not None or time.monotonic() > until:
                        raise RuntimeError(log.read_text())
                    time.sleep(0.1)
                return asyncio.run(measure(("127.0.0.1", port), psutil.Process(child.pid), calls, calls if bridged else 0))
            finally:
                child.terminate()
                child.wait(20)


def rows_of(kind: str, steps: list[Step], target: int) -> list[Result]:
    """A line for each step and the agreed one: the largest load without a fault."""
    at = report.now()
    rows = [
        Result(
            f"exchange: {kind}", step.cpu, "% of a core", clients=step.calls, at=at,
            more={"heard": step.heard, "lost": step.lost, "p50": step.p50, "p95": step.p95, "p99": step.p99, "longest": step.longest, "memory_mb": step.memory},
        )
        for step in steps
    ]  # fmt: skip
    clean = [step for step in steps if step.clean]
    best = clean[-1] if clean else None
    rows.append(Result(f"target: {kind} with nothing lost and p99 of pauses < {PAUSE_MS} ms", best.calls if best else 0, "calls", target=f">= {target}", at=at))
    if best is not None:
        rows.append(Result(f"exchange: processor for 100 {kind}", round(100 * best.cpu / best.calls, 1), "% of a core", clients=best.calls, at=at))
    return rows


def main(given: list[str] | None = None) -> int:
    """Run all steps; see the module's text."""
    parser = argparse.ArgumentParser(prog="benchmarks.voice", description=__doc__)
    parser.add_argument("--announcements", type=int, nargs="*", default=[50, 100, 200, 300])
    parser.add_argument("--bridged", type=int, nargs="*", default=[50, 100, 150])
    parser.add_argument("--nice", type=int, default=0, help="priority of exchange and callers, e.g. -15 as root on a machine that others use")
    options = parser.parse_args(given)
    if options.nice:
        lead_session()
        prioritise(options.nice, [os.getpid()])
    rows: list[Result] = []
    for kind, loads, bridged, target in (("announcements", options.announcements, False, 200), ("bridged calls", options.bridged, True, 100)):
        steps = []
        for calls in loads:
            steps.append(run(calls, bridged=bridged))
            print(f"{kind}: {steps[-1]}; load of the machine {os.getloadavg()[0]:.1f}", flush=True)
        if steps:
            rows += rows_of(kind, steps, target)
    report.write(rows, RESULTS)
    print(report.table(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
