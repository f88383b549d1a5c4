"""A slice is one load for a few seconds; rounds repeat all slices in alternating order; the store keeps every slice."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import machine

HERE = Path(__file__).resolve().parent
LUA = HERE / "lua"
QUIET = 0.25


class LoadError(RuntimeError):
    """A load generator failed; the message holds the end of its output."""


@dataclass(frozen=True)
class Load:
    """What a load generator saw: ``rate`` of good answers per second, latencies in ms, ``counts`` by kind of answer."""

    rate: float
    p50: float
    p95: float
    p99: float
    longest: float
    counts: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def errors(self) -> int:
        """Answers that are no answer of the protocol, and broken connections."""
        return self.counts.get("other", 0) + self.counts.get("sockets", 0) + self.counts.get("timeouts", 0)


@dataclass(frozen=True)
class Slice:
    """One measured slice."""

    name: str
    clients: int
    round: int
    load: Load
    foreign: float
    steal: float
    idle_before: bool
    at: str


def wrk(
    url: str,
    script: str,
    *,
    clients: int,
    seconds: float,
    env: dict[str, str] | None = None,
    timeout: int = 10,
    threads: int = 1,
) -> Load:
    """Run ``wrk`` with one of the scripts in ``lua/``. Raises ``LoadError`` when it prints no result."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as out:
        done = subprocess.run(
            [
                "wrk", f"-t{threads}", f"-c{clients}", f"-d{seconds:g}s", "--timeout", f"{timeout}s",
                "-s", str(LUA / script), url,
            ],
            text=True,
            capture_output=True,
            check=False,
            env={
                **os.environ,
                **(env or {}),
                "BENCH_LUA": str(LUA),
                "BENCH_OUT": out.name,
                "BENCH_SEED": str(int.from_bytes(os.urandom(4))),
            },
        )  # fmt: skip
        text = out.read()
    if done.returncode or not text:
        raise LoadError(f"wrk {script} at {clients} clients: {(done.stdout + done.stderr)[-1500:]}")
    seen = json.loads(text)
    if done.stderr.strip():
        print(f"    {done.stderr.strip()[:600]}", flush=True)
    counts = {k: int(v) for k, v in seen["counts"].items()}
    rate = round(seen["good"] / seen["seconds"], 1)
    return Load(rate, seen["p50"], seen["p95"], seen["p99"], seen["longest"], counts, seen["seconds"])


def pgbench(
    program: Path, dsn: str, script: Path, *, clients: int, seconds: int, variables: Sequence[str] = ()
) -> Load:
    """Run ``pgbench`` with prepared statements and a log of every transaction. Raises ``LoadError``."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                str(program), "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(2, clients)), "-T", str(seconds),
                "-f", str(script), "-l", f"--log-prefix={folder}/log", *variables, dsn,
            ],
            text=True,
            capture_output=True,
            check=False,
        )  # fmt: skip
        found = re.search(r"tps = ([\d.]+)", done.stdout)
        if done.returncode or not found:
            raise LoadError(f"pgbench {script.name} at {clients} clients: {(done.stdout + done.stderr)[-1500:]}")
        taken = sorted(
            int(line.split()[2]) / 1000 for log in Path(folder).iterdir() for line in log.read_text().splitlines()
        )
    at = [round(machine.percentile(taken, share), 3) for share in (0.5, 0.95, 0.99)]
    return Load(round(float(found[1]), 1), *at, round(taken[-1], 2) if taken else 0.0)


class Store:
    """All slices of a run, in memory and one JSON object a line in a file."""

    def __init__(self, path: Path, *, roots: Callable[[], list[int]], gate: float = 3.0, nice: int = 0) -> None:
        self.slices: list[Slice] = []
        self.round = 0
        self.roots = roots
        self.gate = gate
        self.nice = nice
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")

    def take(self, name: str, clients: int, run: Callable[[], Load]) -> Load:
        """Wait for idle, run, keep. The noise of others is kept with the slice."""
        idle = machine.wait_until_idle(self.gate)
        urge = threading.Timer(0.15, machine.prioritise, (self.nice, self.roots()))
        urge.start()
        with machine.Watch(self.roots()) as watch:
            load = run()
        urge.join()
        one = Slice(
            name, clients, self.round, load, watch.noise.foreign, watch.noise.steal, idle,
            dt.datetime.now().astimezone().isoformat(timespec="seconds"),
        )  # fmt: skip
        self.slices.append(one)
        with self.path.open("a") as handle:
            handle.write(json.dumps(asdict(one), ensure_ascii=False) + "\n")
        extra = " ".join(f"{k}={v}" for k, v in load.counts.items() if v)
        print(
            f"  {name:<44} c={clients:<5}{load.rate:>10.0f}/s  p50 {load.p50:8.2f}  p95 {load.p95:8.2f}  "
            f"p99 {load.p99:8.2f} ms  foreign {one.foreign:.2f}  {extra}",
            flush=True,
        )
        return load

    def usable(self, name: str, clients: int) -> list[Slice]:
        """Slices of a measure: the quiet ones when at least two are quiet, otherwise all."""
        every = [s for s in self.slices if s.name == name and s.clients == clients]
        quiet = [s for s in every if s.foreign <= QUIET]
        return quiet if len(quiet) >= min(2, len(every)) else every

    def rounds(self, work: Sequence[tuple[str, Callable[[], None]]], count: int) -> None:
        """Do all pieces of work ``count`` times, every second time backwards, so that a drift of the machine hits all alike."""
        for number in range(1, count + 1):
            self.round = number
            print(f"round {number} of {count}  {time.strftime('%H:%M:%S')}", flush=True)
            for name, piece in work if number % 2 else reversed(work):
                try:
                    piece()
                except LoadError as error:
                    print(f"  ! {name}: {error}", flush=True)


@dataclass(frozen=True)
class Summary:
    """Medians over the usable slices of one measure, and the range of its rate."""

    name: str
    clients: int
    rate: float
    low: float
    high: float
    p50: float
    p95: float
    p99: float
    slices: int
    quiet: int
    errors: int
    at: str


def summarise(store: Store, name: str, clients: int) -> Summary | None:
    """Medians of a measure; None when no slice of it succeeded."""
    found = store.usable(name, clients)
    if not found:
        return None
    loads = [s.load for s in found]

    def middle(pick: Callable[[Load], float]) -> float:
        return round(statistics.median(pick(one) for one in loads), 3)

    return Summary(
        name, clients, round(middle(lambda one: one.rate), 1), min(x.rate for x in loads), max(x.rate for x in loads),
        middle(lambda one: one.p50), middle(lambda one: one.p95), middle(lambda one: one.p99),
        len(found), sum(s.foreign <= QUIET for s in found), sum(x.errors for x in loads), found[-1].at,
    )  # fmt: skip


def ratio_by_round(store: Store, one: tuple[str, int], other: tuple[str, int]) -> float | None:
    """Median over the rounds of ``one`` ÷ ``other`` of the same round: the disk has phases, so only neighbours are compared."""
    mine = {s.round: s.load.rate for s in store.usable(*one)}
    theirs = {s.round: s.load.rate for s in store.usable(*other)}
    ratios = [mine[r] / theirs[r] for r in mine.keys() & theirs.keys() if theirs[r]]
    if not ratios:
        a, b = summarise(store, *one), summarise(store, *other)
        return round(a.rate / b.rate, 3) if a and b and b.rate else None
    return round(statistics.median(ratios), 3)
