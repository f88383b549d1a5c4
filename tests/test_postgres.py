"""The embedded server: starts (as root too), is shared, stops, comes back after ``kill -9``; and the other way, by URL."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from madoguchi.ground.kit.postgres import EmbeddedPostgres, Server
from madoguchi.supervisor import Supervisor

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("postgres")]
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="madoguchi-pg-"))
    folder.chmod(0o755)
    yield folder
    server = EmbeddedPostgres(folder)
    server.stop()
    shutil.rmtree(server.pgdata, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def one(server: Server, statement: str) -> object:
    with psycopg.connect(server.url, autocommit=True) as c:
        row = c.execute(statement).fetchone()
        return row[0] if row else None


def test_it_starts_is_found_stops_and_keeps_its_data(home: Path) -> None:
    postgres = EmbeddedPostgres(home)
    assert postgres.running() is None
    server = postgres.start()
    assert one(server, "select current_user") == "madoguchi"
    assert one(server, "select rolsuper or rolbypassrls from pg_roles where rolname = current_user") is False
    assert one(server, "show server_encoding") == "UTF8"
    with psycopg.connect(server.url, autocommit=True) as c:
        c.execute("create table kept as select 42 as n")
    assert EmbeddedPostgres(home).start() == server == EmbeddedPostgres(home).running()
    postgres.stop()
    postgres.stop()
    assert postgres.running() is None
    again = postgres.start()
    assert one(again, "select n from kept") == 42
    assert again.port == server.port
    if os.geteuid() == 0:
        assert Path(f"/proc/{again.pid}").stat().st_uid != 0


def test_it_comes_back_on_the_same_port_after_kill_9(home: Path) -> None:
    postgres = EmbeddedPostgres(home)
    first = postgres.start()
    with psycopg.connect(first.url, autocommit=True) as c:
        c.execute("create table kept (n int)")
        c.execute("insert into kept select generate_series(1, 1000)")
    for _ in range(2):
        postgres.kill()
        assert postgres.running() is None
        assert (postgres.pgdata / "postmaster.pid").exists()
        server = postgres.start()
        assert server.port == first.port
        assert one(server, "select count(*) from kept") == 1000


def test_several_processes_start_it_at_once_and_share_it(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from madoguchi.ground.kit.postgres import EmbeddedPostgres;"
        "s = EmbeddedPostgres(Path(sys.argv[1])).start(); print(s.pid, s.port)"
    )
    command = [sys.executable, "-c", code, str(home)]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    told = {process.communicate(timeout=120)[0].strip() for process in running}
    assert {process.returncode for process in running} == {0}
    assert len(told) == 1
    server = EmbeddedPostgres(home).running()
    assert server is not None
    assert told == {f"{server.pid} {server.port}"}


@pytest.mark.timeout(300)
def test_the_suite_runs_against_a_server_given_by_url(home: Path) -> None:
    """A few tests of every kind, in a process of their own, against a second server through ``DATABASE_URL``."""
    server = EmbeddedPostgres(home).start()
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "DJANGO_"))}
    env |= {"DATABASE_URL": server.url, "MADOGUCHI_DATA": str(home / "data")}
    ran = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:randomly",
            "tests/domain/booking/test_capacity.py", "tests/races/test_rush.py::test_two_confirm_and_cancel_the_same_hold",
        ],
        cwd=ROOT, env=env, text=True, capture_output=True, check=False, timeout=280,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-1000:]
    assert not (home / "data" / "postgres").exists()


def test_whoever_leaves_last_stops_it_however_often_he_joined(home: Path) -> None:
    one, other = (Supervisor([], data_dir=home, say=print) for _ in range(2))
    one.hold_database()
    one.hold_database()
    other.hold_database()
    postgres = EmbeddedPostgres(home)
    one.release_database()
    assert postgres.running() is not None, "somebody else still uses it"
    other.release_database()
    assert postgres.running() is None
    other.release_database()
