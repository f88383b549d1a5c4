"""What the machine does beside us: idle gate, foreign CPU, steal, the disk's flush rate, memory of processes."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

TICK = os.sysconf("SC_CLK_TCK")


def percentile(ordered: list[float], share: float) -> float:
    """Nearest-rank percentile of a sorted list; 0.0 for an empty one."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _stat() -> tuple[int, int, int]:
    values = [int(v) for v in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(values), values[3] + values[4], values[7]


def _ours(roots: Iterable[int]) -> set[int]:
    found: set[int] = set()
    for pid in roots:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            found.add(pid)
            found.update(child.pid for child in process.children(recursive=True))
    return found


def _foreign_ticks(roots: Iterable[int]) -> dict[int, int]:
    ours = _ours(roots)
    ticks: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) in ours:
            continue
        try:
            fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z" and int(fields[1]) != 2 and int(entry) != 2:
            ticks[int(entry)] = int(fields[11]) + int(fields[12])
    return ticks


@dataclass(frozen=True)
class Noise:
    """CPU that others took during a slice: ``foreign`` and ``steal`` in cores."""

    foreign: float
    steal: float


class Watch:
    """Context manager that measures ``Noise``; ``roots`` are the process ids whose families are ours."""

    def __init__(self, roots: Iterable[int]) -> None:
        self.roots = [os.getpid(), *roots]
        self.noise = Noise(0.0, 0.0)

    def __enter__(self) -> Watch:
        self._before, self._stat, self._at = _foreign_ticks(self.roots), _stat(), time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        seconds = max(0.001, time.monotonic() - self._at)
        after = _foreign_ticks(self.roots)
        ticks = sum(max(0, value - self._before.get(pid, 0)) for pid, value in after.items())
        self.noise = Noise(round(ticks / TICK / seconds, 2), round((_stat()[2] - self._stat[2]) / TICK / seconds, 3))


def wait_until_idle(longest: float, *, share: float = 0.92) -> bool:
    """Wait until the machine idled for two half seconds in a row; False when ``longest`` seconds were not enough."""
    end, calm = time.monotonic() + longest, 0
    while time.monotonic() < end:
        before = _stat()
        time.sleep(0.3)
        after = _stat()
        calm = calm + 1 if (after[1] - before[1]) / max(1, after[0] - before[0]) > share else 0
        if calm >= 2:
            return True
    return False


def lead_session() -> None:
    """Put this process and its later children into a session of their own, so that a priority touches nobody else's."""
    with contextlib.suppress(PermissionError):
        os.setsid()


def prioritise(nice: int, roots: Iterable[int]) -> None:
    """Give the families of ``roots`` and this process a priority; nothing happens without the right to, or for ``nice`` 0.

    Linux shares the CPU among sessions first (autogroup), and each PostgreSQL back end is a session: both the processes and
    their sessions are set, and a load that opens connections calls this again while it runs.
    """
    if not nice:
        return
    for pid in _ours([os.getpid(), *roots]):
        with contextlib.suppress(OSError, psutil.Error):
            psutil.Process(pid).nice(nice)
            if os.getsid(pid) in (os.getsid(0), pid):
                Path(f"/proc/{pid}/autogroup").write_text(str(nice))


@dataclass(frozen=True)
class Flushes:
    """Result of the fsync probe: flushes per second and milliseconds for one."""

    rate: float
    p50: float
    p99: float


def probe_fsync(folder: Path, seconds: float = 1.0) -> Flushes:
    """Overwrite 8 kB blocks of a 16 MB file in ``folder``, ``fdatasync`` after each: what one durable commit costs at least."""
    path = folder / "fsync-probe"
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        os.pwrite(handle, b"x" * (16 << 20), 0)
        os.fsync(handle)
        taken: list[float] = []
        end = time.perf_counter() + seconds
        while (start := time.perf_counter()) < end:
            os.pwrite(handle, b"y" * 8192, len(taken) * 8192 % (16 << 20))
            os.fdatasync(handle)
            taken.append((time.perf_counter() - start) * 1000)
    finally:
        os.close(handle)
        path.unlink()
    taken.sort()
    return Flushes(round(len(taken) / seconds), round(percentile(taken, 0.5), 3), round(percentile(taken, 0.99), 3))


def memory_of(pid: int) -> tuple[float, float]:
    """(sum of resident sizes, sum of proportional sizes) of a process and its children in MB; the first counts shared pages twice."""
    resident = proportional = 0
    for one in _ours([pid]):
        with contextlib.suppress(OSError, ValueError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Rss:"):
                    resident += int(line.split()[1])
                elif line.startswith("Pss:"):
                    proportional += int(line.split()[1])
    return round(resident / 1024, 1), round(proportional / 1024, 1)


def describe() -> dict[str, object]:
    """The machine in a few words, for the head of the table."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "unknown",
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "kernel": os.uname().release,
    }
