"""A web process ends with the server that started it, also when that server is killed while the process still loads."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

SERVER = """
import multiprocessing, os, signal
signal.signal(signal.SIGTERM, lambda *_: None)
def load():
    print(os.getpid(), flush=True)
    {before}
    from madoguchi.ground.kit.processes import end_with_parent
    end_with_parent()
    print("loaded", flush=True)
    while True:
        signal.pause()
multiprocessing.get_context("fork").Process(target=load).start()
while True:
    signal.pause()
"""
LATE = "while os.getppid() == multiprocessing.parent_process().pid: pass"


def ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.req("SEC-02")
@pytest.mark.parametrize("before", ["pass", LATE], ids=["while-it-serves", "while-it-loads"])
def test_a_process_ends_with_its_killed_server(before: str) -> None:
    with subprocess.Popen([sys.executable, "-c", SERVER.format(before=before)], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        process = psutil.Process(int(server.stdout.readline()))
        if before == "pass":
            assert server.stdout.readline() == "loaded\n"
        server.kill()
        server.wait()
        until = time.monotonic() + 20
        while not ended(process):
            assert time.monotonic() < until, "it lives on beside its server's successor"
            time.sleep(0.02)
