"""The limits of the machine: the smallest claim by pgbench, and the same bytes from nginx."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import psycopg

from madoguchi.ground.kit.postgres import Server

from . import slices
from .slices import HERE, Load

LIMITS = "limits"
SECONDS = 3
NGINX = """
worker_processes 2;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  types {{ application/json json; }}
  access_log off; sendfile on; tcp_nopush on; etag on;
  keepalive_requests 100000000; keepalive_timeout 65;
  open_file_cache max=100 inactive=60s; open_file_cache_valid 30s;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port} backlog=4096; root {folder}/static; }}
}}
"""


class Missing(RuntimeError):
    """A program that the benchmark needs is not installed; the message says how to install it."""


def need(*programs: str) -> None:
    """Raises ``Missing`` with the packages to install for the programs that are not here."""
    packages = {"wrk": "wrk", "nginx": "nginx-light", "redis-server": "redis-server"}
    gone = [p for p in programs if not find(p)]
    if gone:
        names = " ".join(packages[p] for p in gone)
        raise Missing(
            f"{', '.join(gone)} not found. On Debian or Ubuntu: apt-get install --no-install-recommends {names}"
        )


def find(program: str) -> str | None:
    """Path of a program, also in the folders that are not on an ordinary user's PATH."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin:/sbin")


class Claims:
    """pgbench on a database of its own in the server that the program uses."""

    def __init__(self, server: Server, binaries: Path) -> None:
        self.program = binaries / "pgbench"
        admin = server.superuser_url
        self.dsn = admin.rpartition("/")[0] + "/" + LIMITS
        with psycopg.connect(admin, autocommit=True) as c:
            c.execute(f"drop database if exists {LIMITS} with (force)")
            c.execute(f"create database {LIMITS}")
        with psycopg.connect(self.dsn, autocommit=True) as c:
            c.execute((HERE / "sql" / "limits.sql").read_text())

    def take(self, slots: int, clients: int) -> Load:
        """Claims per second on ``slots`` rows; raises when the counters and the rows disagree afterwards."""
        with psycopg.connect(self.dsn, autocommit=True) as c:
            c.execute("truncate booking")
            c.execute("update slot set booked = 0")
            c.execute("vacuum slot")
            c.execute("checkpoint")
        load = slices.pgbench(
            self.program, self.dsn, HERE / "sql" / "claim.sql", clients=clients, seconds=SECONDS,
            variables=["-D", f"slots={slots}"],
        )  # fmt: skip
        with psycopg.connect(self.dsn, autocommit=True) as c:
            row = c.execute("select (select sum(booked) from slot), (select count(*) from booking)").fetchone()
        if row is None or row[0] != row[1]:
            raise slices.LoadError(f"counters and rows disagree after pgbench: {row}")
        return load


class Nginx:
    """nginx with two workers that serves one file; a context manager."""

    def __init__(self, folder: Path, port: int, body: bytes) -> None:
        need("nginx")
        self.folder, self.port = folder, port
        (folder / "static").mkdir(parents=True, exist_ok=True)
        (folder / "static" / "month.json").write_bytes(body)
        for readable in (folder, folder / "static", folder / "static" / "month.json"):
            readable.chmod(0o755)
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
        self.url = f"http://127.0.0.1:{port}/month.json"

    def __enter__(self) -> Nginx:
        program = find("nginx")
        assert program
        self.process = subprocess.Popen(
            [program, "-c", str(self.folder / "nginx.conf"), "-p", str(self.folder), "-e", str(self.folder / "error.log")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(50):
            try:
                with urllib.request.urlopen(self.url, timeout=2) as answer:
                    self.etag = answer.headers["ETag"]
                    return self
            except OSError:
                time.sleep(0.1)
        self.process.terminate()
        raise slices.LoadError(f"nginx did not answer; see {self.folder}/error.log")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(10)

    def take(self, clients: int, *, unchanged: bool = False) -> Load:
        """Reads per second of the file, or of 304 answers."""
        return slices.wrk(
            self.url, "get.lua", clients=clients, seconds=SECONDS, env={"ETAG": self.etag} if unchanged else None
        )
