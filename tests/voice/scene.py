"""What the exchange's tests share: a folder with a flow, an exchange in this process or in one of its own, callers, operators.

Announcements are bursts of noise, another for each prompt: two of them never look alike, and a cut or stutter lowers the correlation.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import itertools
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import wave
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from madoguchi.voice import flow as flows_of
from madoguchi.voice import passes, spool
from madoguchi.voice.events import CallEvent
from madoguchi.voice.exchange import Exchange
from madoguchi.voice.flow import JST, Choice, Day, Flow, Menu, Phone, Queue
from madoguchi.voice.flows import Flows
from madoguchi.voice.legs import CODECS, PCMA, PCMU, SILENCE, Leg
from madoguchi.voice.operators import NotAnswered, Operator, Ringing
from madoguchi.voice.rtp import Ports
from madoguchi.voice.sip.calls import Outgoing
from madoguchi.voice.sip.endpoint import Endpoint, open_endpoint
from madoguchi.voice.sip.offers import Media
from madoguchi.voice.sip.transactions import Timers

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a secret of the tests only"
KEY = passes.derive(SECRET, "spool")
NUMBER = "0120000001"
OPEN = dt.datetime(2026, 11, 25, 10, 0, tzinfo=JST)
CLOSED = dt.datetime(2026, 11, 25, 18, 0, tzinfo=JST)
HOLIDAY = dt.datetime(2026, 11, 23, 10, 0, tzinfo=JST)
YEAR_END = dt.datetime(2026, 12, 29, 10, 0, tzinfo=JST)
PROMPTS = {
    "greeting": 0.5, "menu": 0.4, "closed": 1.0, "holiday": 1.0, "year_end": 1.0, "full": 0.6, "position": 0.5, "callback": 0.8,
    "callback_done": 0.5, "connect": 0.3, "hold": 0.5, "number": 0.4, "number_confirm": 0.4, "number_wrong": 0.4,
}  # fmt: skip
DIGIT = 0.1
"""Seconds of a spoken digit."""
NETS = (ipaddress.ip_network("127.0.0.0/8"),)
_callers = itertools.count()


def noise(name: str, seconds: float) -> np.ndarray:
    """The sound of a prompt."""
    return (np.random.default_rng(list(name.encode())).normal(0, 3000, int(8000 * seconds))).astype("<i2")


def write_wav(path: Path, samples: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())


def quick(**changes: Any) -> Queue:
    """A queue whose times a test can wait for."""
    values: dict[str, Any] = {
        "max_wait_seconds": 5, "ring_seconds": 1, "wrapup_seconds": 0.2, "announce_every_seconds": 3, "max_waiting": 20,
    }  # fmt: skip
    return Queue(**{**values, **changes})


def make_flow(
    folder: Path, *, contract: str = "town", english: bool = False, longer: Mapping[str, float] | None = None, **changes: Any
) -> Flow:
    """Write a flow with its audio; open 8:30 to 17:00, closed on 23 November and 29 December. ``longer``: prompts that last so many seconds."""
    audio = folder / contract / "audio"
    audio.mkdir(parents=True, exist_ok=True)
    prompts: dict[str, dict[str, str]] = {}
    for name, seconds in PROMPTS.items():
        for language in ("ja", "en") if english else ("ja",):
            sound = name if language == "ja" else f"{name}.{language}"
            write_wav(audio / f"{sound}.wav", noise(sound, (longer or {}).get(name, seconds)))
            prompts.setdefault(name, {})[language] = f"{sound}.wav"
    digits = {language: tuple(f"digit{n}.{language}.wav" for n in range(10)) for language in (("ja", "en") if english else ("ja",))}
    for name in (name for files in digits.values() for name in files):
        write_wav(audio / name, noise(name, DIGIT))
    days = {dt.date(2026, 11, 2) + dt.timedelta(days=n): Day(hours=(("08:30", "17:00"),)) for n in range(50)}
    days[HOLIDAY.date()] = Day(state="holiday")
    days[YEAR_END.date()] = Day(state="year_end")
    values: dict[str, Any] = {
        "contract": contract, "version": 1, "name": "町", "numbers": (NUMBER,), "days": days, "prompts": prompts, "digits": digits, "queues": (quick(),),
        "languages": ("ja", "en") if english else ("ja",),
    }  # fmt: skip
    made = Flow(**{**values, **changes})
    flows_of.write(folder, made)
    return made


MENU = Menu(
    keys={"1": Choice(code="booking", label="予約"), "9": Choice(code="english", label="English", language="en")},
    timeout_seconds=0.4, repeats=1,
)  # fmt: skip


def read_back(number: str, language: str = "ja") -> np.ndarray:
    """How a number sounds, digit by digit."""
    return np.concatenate([noise(f"digit{digit}.{language}.wav", DIGIT) for digit in number])


def likeness(heard: np.ndarray, wanted: np.ndarray) -> float:
    """The highest correlation of the wanted sound with any place of what was heard."""
    if len(heard) < len(wanted):
        return 0.0
    size = 1 << (len(heard) + len(wanted)).bit_length()
    x, y = heard.astype(float), wanted.astype(float)
    cross = np.fft.irfft(np.fft.rfft(x, size) * np.conj(np.fft.rfft(y, size)), size)[: len(x) - len(y) + 1]
    power = np.concatenate([[0.0], np.cumsum(x * x)])
    energy = np.sqrt(np.maximum(power[len(y) :] - power[: len(x) - len(y) + 1], 0) * np.sum(y * y)) + 1
    return float(np.max(cross / energy))


def loudest(heard: np.ndarray) -> float:
    """The strongest frequency in Hz of the last half second."""
    part = heard[-4000:].astype(float)
    return float(np.argmax(np.abs(np.fft.rfft(part * np.hanning(len(part)))))) * 8000 / len(part)


class Caller:
    """A telephone far away: calls over the trunk, speaks a tone or silence, records what it hears."""

    def __init__(self, endpoint: Endpoint, *, law: int = PCMU, tone: float = 0.0) -> None:
        self.endpoint = endpoint
        self.law = law
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self._from: dict[tuple[str, int], list[tuple[float, int, bytes]]] = defaultdict(list)
        self.media: Media | None = None
        self.call: Outgoing | None = None
        self.answered = asyncio.get_running_loop().create_future()
        self.ended = asyncio.get_running_loop().create_future()
        self._tone = tone
        self._sequence = 100
        self._stamp = 8000
        self._task: asyncio.Task[None] | None = None
        asyncio.get_running_loop().add_reader(self.socket, self._heard)

    async def dial(self, to: tuple[str, int], number: str = NUMBER, *, caller: str = "09012345678", headers: Any = ()) -> Self:
        """Call and wait until it is answered; :class:`AssertionError` with the code when it is refused."""
        self.call = self.endpoint.call(
            f"sip:{number}@{to[0]}:{to[1]}", to, number=caller, rtp=self.socket.getsockname()[:2], headers=headers
        )
        if self.law == PCMA:
            self.call.request.body = self.call.request.body.replace(b"RTP/AVP 0 8 101", b"RTP/AVP 8 101")
        self.call.on_answer = lambda media: self.answered.done() or self.answered.set_result(media)
        self.call.on_end = self._over
        self.call.begin()
        self.media = await asyncio.wait_for(self.answered, 5)
        self._task = asyncio.ensure_future(self._speak())
        return self

    def _over(self, end: str) -> None:
        if not self.answered.done():
            self.answered.set_exception(AssertionError(f"{end} {self.call.code}"))
        if not self.ended.done():
            self.ended.set_result(end)

    @property
    def arrivals(self) -> list[tuple[float, int, bytes]]:
        """Moment, sequence number and audio of what came from where the answer said: a stream that outlived its call may still run into this port."""
        return self._from[self.media.address] if self.media else next(iter(self._from.values()), [])

    def _heard(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data, source = self.socket.recvfrom(2048)
                self._from[source].append((time.monotonic(), struct.unpack_from("!H", data, 2)[0], data[12:]))

    def _send(self, payload: bytes, kind: int, stamp: int, *, marker: bool = False) -> None:
        self._sequence += 1
        assert self.media is not None
        header = struct.pack("!BBHII", 0x80, kind | (0x80 if marker else 0), self._sequence & 0xFFFF, stamp, 4711)
        self.socket.sendto(header + payload, self.media.address)

    async def _speak(self) -> None:
        begun, n = time.monotonic(), 0
        while True:
            if self._tone:
                t = (n * 160 + np.arange(160)) / 8000
                payload = CODECS[self.law].encode((8000 * np.sin(2 * np.pi * self._tone * t)).astype("<i2").tobytes())
            else:
                payload = SILENCE[self.law]
            self._send(payload, self.law, self._stamp)
            self._stamp += 160
            n += 1
            await asyncio.sleep(max(0, begun + n * 0.02 - time.monotonic()))

    def press(self, key: str, *, ends: int = 3) -> None:
        """A key by RFC 4733: five packets that begin it, ``ends`` that end it."""
        self._stamp += 1600
        event = "0123456789*#".index(key)
        for n in range(5 + ends):
            payload = struct.pack("!BBH", event, 0x8A if n >= 5 else 0x0A, 160 * min(n + 1, 5))
            self._send(payload, self.media.events, self._stamp, marker=n == 0)

    @property
    def heard(self) -> np.ndarray:
        """All that was heard so far, by sequence."""
        in_order = sorted(self.arrivals, key=lambda a: (a[1] - self.arrivals[0][1]) & 0xFFFF) if self.arrivals else []
        return np.frombuffer(b"".join(CODECS[self.law].decode(a[2]) for a in in_order), "<i2")

    async def hears(self, prompt: str, *, seconds: float = 4.0) -> float:
        """Wait until a prompt was heard; its likeness."""
        wanted = noise(prompt, PROMPTS[prompt.partition(".")[0]])
        until = time.monotonic() + seconds
        best = 0.0
        while time.monotonic() < until and not self.ended.done():
            if (best := likeness(self.heard, wanted)) >= 0.95:
                return best
            await asyncio.sleep(0.1)
        return max(best, likeness(self.heard, wanted))

    async def hears_tone(self, hertz: float, *, seconds: float = 4.0) -> float:
        """Wait until a tone is the loudest; the loudest frequency."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if len(self.heard) > 4000 and abs(loudest(self.heard) - hertz) < 10:
                break
            await asyncio.sleep(0.1)
        return loudest(self.heard)

    async def hang_up(self) -> None:
        assert self.call is not None
        self.call.hang_up()

    async def close(self) -> None:
        if self.call is not None and self.call.end is None:
            self.call.hang_up()
        if self._task is not None:
            self._task.cancel()
        if self.socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self.socket)
            self.socket.close()


class ToneLeg(Leg):
    """An operator's headset: speaks a tone, keeps what it hears."""

    def __init__(self, hertz: float, law: int = PCMA) -> None:
        super().__init__(law)
        self.hertz = hertz
        self.heard: list[bytes] = []
        self._n = 0

    def transmit(self, payload: bytes) -> None:
        self.heard.append(payload)
        del self.heard[:-100]

    def tick(self) -> None:
        super().tick()
        t = (self._n * 160 + np.arange(160)) / 8000
        self._n += 1
        self.receive(CODECS[self.payload_type].encode((8000 * np.sin(2 * np.pi * self.hertz * t)).astype("<i2").tobytes()), self.payload_type)

    async def close(self) -> None:
        pass

    @property
    def loudest(self) -> float:
        return loudest(np.frombuffer(b"".join(CODECS[self.payload_type].decode(p) for p in self.heard), "<i2"))


class Headset:
    """An operator's device inside the test: takes calls after ``after`` seconds, or refuses in the way told."""

    def __init__(self, *, after: float = 0.05, refuse: str = "", hertz: float = 660.0) -> None:
        self.after = after
        self.refuse = refuse
        self.hertz = hertz
        self.rung: list[Ringing] = []
        self.told: list[Mapping[str, Any]] = []
        self.stopped = 0
        self.hung_up = 0
        self.leg: ToneLeg | None = None

    async def ring(self, what: Ringing, *, seconds: float) -> Leg:
        self.rung.append(what)
        try:
            if self.refuse == "timeout" or self.after > seconds:
                await asyncio.sleep(seconds)
                raise NotAnswered("timeout")
            await asyncio.sleep(self.after)
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        if self.refuse:
            raise NotAnswered(self.refuse)  # type: ignore[arg-type]
        self.leg = ToneLeg(self.hertz)
        return self.leg

    async def tell(self, message: Mapping[str, Any]) -> None:
        self.told.append(message)

    async def hang_up(self) -> None:
        self.hung_up += 1
        self.leg = None


class Memory:
    """Where events go in tests that look at decisions."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []

    def put(self, event: CallEvent) -> None:
        self.events.append(event)

    async def safe(self) -> None:
        pass

    def kinds(self, call: str = "") -> list[str]:
        return [e.kind for e in self.events if not call or e.call == call]

    def of(self, kind: str) -> list[CallEvent]:
        return [e for e in self.events if e.kind == kind]


class Town:
    """An exchange inside the test, and a network of callers."""

    def __init__(self, exchange: Exchange, callers: Endpoint, events: Memory) -> None:
        self.exchange = exchange
        self.here = exchange.endpoint.here
        self.callers = callers
        self.events = events
        self._made: list[Caller] = []

    async def call(self, **options: Any) -> Caller:
        """A caller whose call was answered."""
        dialling = {name: options.pop(name) for name in ("number", "caller", "headers") if name in options}
        made = Caller(self.callers, **options)
        self._made.append(made)
        return await made.dial(self.here, **dialling)

    def operator(self, name: str, **options: Any) -> tuple[Operator, Headset]:
        """An operator who is ready."""
        supervisor = options.pop("supervisor", False)
        device = Headset(**options)
        found = self.exchange.sign_in(Operator(name, ("town",), device, supervisor=supervisor))
        self.exchange.set_state(found, "ready")
        return found, device

    async def until(self, met: Callable[[], Any], *, seconds: float = 5.0) -> Any:
        """Wait for something; fails with the events so far."""
        until = time.monotonic() + seconds
        while not (found := met()):
            assert time.monotonic() < until, self.events.kinds()
            await asyncio.sleep(0.02)
        return found

    async def happened(self, kind: str, *, times: int = 1, seconds: float = 5.0) -> CallEvent:
        """Wait for an event; the last one of that kind."""
        return (await self.until(lambda: self.events.of(kind)[times - 1 :], seconds=seconds))[-1]


@contextlib.asynccontextmanager
async def town(folder: Path, *, now: dt.datetime = OPEN, timers: Timers | None = None, **options: Any) -> AsyncIterator[Town]:
    """An exchange of the flows in a folder, whose clock begins at ``now``."""
    begun = time.monotonic()
    flows = Flows(folder)
    flows.refresh()
    endpoint, transport = await open_endpoint(("127.0.0.1", 0), trunks=NETS, timers=timers)
    callers, far = await open_endpoint(("127.0.0.1", 0), trunks=NETS, timers=timers)
    events = Memory()
    exchange = Exchange(
        endpoint=endpoint, flows=flows, spool=events, ports=Ports("127.0.0.1", 20000, 29000),
        clock=lambda: now + dt.timedelta(seconds=time.monotonic() - begun), run="20261125T010000000000-test", **options,
    )  # fmt: skip
    ticking = asyncio.ensure_future(exchange.media.run())
    made = Town(exchange, callers, events)
    try:
        yield made
        for caller in made._made:
            await caller.close()
        await exchange.drain(0)
        assert exchange.endpoint.faults == 0
        assert exchange.calls == {}
        assert len(exchange.media) == 0
    finally:
        for caller in made._made:
            await caller.close()
        ticking.cancel()
        endpoint.close()
        callers.close()
        transport.close()
        far.close()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Process:
    """The exchange as a process of its own, as in an installation."""

    def __init__(self, folder: Path, *, now: dt.datetime = OPEN, arguments: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.spool = folder / "spool"
        self.port = free_port()
        self.log = folder / "log"
        (folder / "clock").write_text(str((now - dt.datetime.now(JST)).total_seconds()))
        self._arguments = arguments
        self._asked = False
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        command = [
            sys.executable, "-m", "madoguchi.voice", "--folder", str(self.folder), "--port", str(self.port), "--trunk", "127.0.0.0/8",
            "--clock-offset-file", str(self.folder / "clock"), *self._arguments,
        ]  # fmt: skip
        environment = {**os.environ, "MADOGUCHI_VOICE_SECRET": SECRET, "PYTHONPATH": str(ROOT)}
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log)
        until = time.monotonic() + 20
        wanted = self.log.read_bytes().count(b"SIP on") + 1 if self.log.exists() else 1
        while self.log.read_bytes().count(b"SIP on") < wanted:
            assert self.child.poll() is None and time.monotonic() < until, self.log.read_text()
            time.sleep(0.05)
        return self

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    def kill(self) -> None:
        assert self.child is not None
        self.child.kill()
        self.child.wait()

    def ask_to_end(self) -> None:
        """Once: SIGTERM means something else to a Python process that is leaving."""
        assert self.child is not None
        if not self._asked and self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        self._asked = True

    def stop(self) -> int:
        """Ask, and wait for the end; the exit code."""
        assert self.child is not None
        self.ask_to_end()
        return self.child.wait(15)

    def events(self) -> list[CallEvent]:
        return [event for _, event in spool.pending(self.spool, KEY)]


@contextlib.contextmanager
def process(folder: Path, **options: Any) -> Iterator[Process]:
    made = Process(folder, **options).start()
    try:
        yield made
    finally:
        if made.child is not None and made.child.poll() is None:
            made.kill()


@contextlib.asynccontextmanager
async def network() -> AsyncIterator[Endpoint]:
    """SIP for callers of an exchange in another process."""
    endpoint, transport = await open_endpoint(("127.0.0.1", 0), trunks=NETS)
    try:
        yield endpoint
    finally:
        endpoint.close()
        transport.close()


__all__ = ["CLOSED", "HOLIDAY", "MENU", "OPEN", "YEAR_END", "Caller", "Headset", "Phone", "Town", "make_flow", "network", "process", "town"]
