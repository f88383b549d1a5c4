"""PgBouncer in transaction mode in front of a local server: for the measurement of two nodes and for tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

CONFIG = """[databases]
{database} = host={host} port={port} user={user} dbname={database}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 1000
query_wait_timeout = 15
admin_users = {user}
ignore_startup_parameters = extra_float_digits
"""


class PoolerError(RuntimeError):
    """PgBouncer is missing or did not start; the message says what to do."""


def find() -> str | None:
    """Path of PgBouncer, also where an ordinary user's PATH does not lead."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


class PgBouncer:
    """PgBouncer before the server and database of ``server_url``; a context manager.

    ``size`` server connections are shared by all clients, which are let in without a password: loopback and trial data
    only. Under root it runs as ``nobody``, because it refuses root. Raises ``PoolerError``.
    """

    def __init__(self, server_url: str, folder: Path, *, size: int) -> None:
        program = find()
        if program is None:
            raise PoolerError(
                "pgbouncer not found. On Debian or Ubuntu: apt-get install --no-install-recommends pgbouncer"
            )
        parts = urlsplit(server_url)
        self.database, self.user = parts.path.lstrip("/"), parts.username or "postgres"
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = int(s.getsockname()[1])
        self.url = f"postgresql://{self.user}@127.0.0.1:{self.port}/{self.database}"
        self.admin_url = f"postgresql://{self.user}@127.0.0.1:{self.port}/pgbouncer"
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "pgbouncer.log"
        config = folder / "pgbouncer.ini"
        config.write_text(
            CONFIG.format(
                database=self.database, host=parts.hostname, port=parts.port, user=self.user, listen=self.port, size=size
            )
        )  # fmt: skip
        self.command = [program, *(["-u", "nobody"] if os.geteuid() == 0 else []), str(config)]

    def __enter__(self) -> PgBouncer:
        with self.log.open("w") as output:
            self.process = subprocess.Popen(self.command, stdout=output, stderr=output)
        end = time.monotonic() + 10
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__(None, None, None)
        raise PoolerError(f"PgBouncer did not start; the end of {self.log}:\n{self.log.read_text()[-1500:]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
