"""The spool: durable, sealed, forgiving to crashes, and never in the way of the audio."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
import stat
import time
from pathlib import Path

import pytest

from madoguchi.voice import spool
from madoguchi.voice.events import CallEvent

from .scene import KEY

NOW = dt.datetime(2026, 11, 25, 1, 0, tzinfo=dt.UTC)


def event(number: int, kind: str = "offered") -> CallEvent:
    return CallEvent("exchange", f"run-{number}", kind, NOW, contract="town", caller="+819012345678")  # type: ignore[arg-type]


def opened(folder: Path, run: str = "20261125T010000000000-aaaa") -> spool.Spool:
    return spool.Spool(folder, KEY, run=run, now=NOW)


def names(folder: Path) -> list[str]:
    return [e.call for _, e in spool.pending(folder, KEY)]


@pytest.mark.req("CALL-08")
def test_events_come_out_as_they_went_in_and_are_readable_by_nobody_else(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    writer = opened(folder)
    for n in range(3):
        writer.put(event(n))
    writer.close()
    assert [e for _, e in spool.pending(folder, KEY)] == [event(n) for n in range(3)]
    (file,) = folder.iterdir()
    assert b"8190" not in file.read_bytes()
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o600, 0o700)
    assert list(spool.pending(folder, b"1" * 32)) == []


def test_what_was_delivered_is_not_told_again_and_its_files_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "LINES", 3)
    writer = opened(tmp_path)
    for n in range(7):
        writer.put(event(n))
    writer.close()
    found = list(spool.pending(tmp_path, KEY))
    assert len(found) == 7 and len(list(tmp_path.glob("*.spool"))) == 3
    spool.done(tmp_path, found[2][0])
    assert names(tmp_path) == [f"run-{n}" for n in (3, 4, 5, 6)]
    assert len(list(tmp_path.glob("*.spool"))) == 2
    spool.done(tmp_path, found[-1][0])
    assert names(tmp_path) == []
    assert len(list(tmp_path.glob("*.spool"))) == 1
    again = opened(tmp_path, "20261125T020000000000-bbbb")
    again.put(event(8))
    again.close()
    assert spool.runs(tmp_path) == ("20261125T010000000000-aaaa", "20261125T020000000000-bbbb")
    ((last, _),) = spool.pending(tmp_path, KEY)
    spool.done(tmp_path, last)
    assert spool.runs(tmp_path) == ("20261125T020000000000-bbbb",)
    assert list(tmp_path.glob("*.done")) == [tmp_path / last.name.replace(".spool", ".done")]


def test_a_torn_last_line_costs_only_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    writer = opened(tmp_path)
    for n in range(3):
        writer.put(event(n))
    writer.close()
    (file,) = tmp_path.glob("*.spool")
    file.write_bytes(file.read_bytes()[:-20])
    assert names(tmp_path) == ["run-0", "run-1"]
    again = opened(tmp_path, "20261125T020000000000-bbbb")
    again.put(event(9))
    again.close()
    assert names(tmp_path) == ["run-0", "run-1", "run-9"]
    assert "torn" in caplog.text


def test_a_line_that_was_changed_or_moved_is_told_of_and_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    writer = opened(tmp_path)
    for n in range(3):
        writer.put(event(n))
    writer.close()
    (file,) = tmp_path.glob("*.spool")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([lines[0], lines[2], b"nonsense\n", lines[3]]))
    assert names(tmp_path) == ["run-2"]
    assert caplog.text.count("cannot be read") == 2


def test_a_disk_that_refuses_keeps_events_in_memory_until_it_takes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spool, "AGAIN", 0.05)
    full = True
    write = os.write

    def refuse(file: int, data: bytes) -> int:
        if full and len(data) > 40:
            write(file, data[:30])
            raise OSError(28, "No space left on device")
        return write(file, data)

    monkeypatch.setattr(spool.os, "write", refuse)
    writer = opened(tmp_path)
    for n in range(3):
        writer.put(event(n))
    asyncio.run(asyncio.wait_for(writer.safe(), 2))
    wait_for(lambda: writer.failing)
    assert writer.kept == 4
    assert any(r.levelno == logging.ERROR and "kept in memory" in r.message for r in caplog.records)
    full = False
    wait_for(lambda: writer.kept == 0)
    writer.close()
    assert names(tmp_path) == ["run-0", "run-1", "run-2"]


def test_safe_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    sync = os.fsync
    monkeypatch.setattr(spool.os, "fsync", lambda file: (sync(file), flushed.append(file)))
    writer = opened(tmp_path)

    async def play() -> None:
        await writer.safe()
        before = len(flushed)
        writer.put(event(1))
        await writer.safe()
        assert len(flushed) > before
        assert names(tmp_path) == ["run-1"]

    asyncio.run(play())
    writer.close()


def test_a_call_tells_its_run_and_runs_are_in_order_whatever_the_clock_says(tmp_path: Path) -> None:
    run = spool.new_run(tmp_path, NOW)
    assert spool.run_of(f"{run}-12") == run
    opened(tmp_path, run).close()
    back = spool.new_run(tmp_path, NOW - dt.timedelta(hours=1))
    opened(tmp_path, back).close()
    assert spool.runs(tmp_path) == (run, back)


def wait_for(met: object) -> None:
    until = time.monotonic() + 3
    while not met():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.01)
