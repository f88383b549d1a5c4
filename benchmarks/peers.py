"""``python -m benchmarks.peers``: the booking path and the calendar of pretix, on the same machine and the same PostgreSQL.

pretix is installed from PyPI into a virtual environment of its own (``benchmarks/work/pretix-venv``), runs with Redis as cache
and as broker (its mails stay queued: its best case), behind gunicorn with four workers as its handbook says, and is thrown
away afterwards. Figures go to ``peers.json`` with their date; ``benchmarks.run`` reads them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from madoguchi.ground.kit.postgres import Server

from . import database, limits, machine, report, slices
from .program import free_port
from .slices import HERE, Load, LoadError, Store, summarise

VERSION = "2026.8.0"
CLIENTS = (1, 8, 32)
ORDER_SECONDS, PAGE_SECONDS = 8, 6
FREE = 30
ORDERS = "pretix orders over its REST API, 320 quotas"
MONTH_PAGE = "pretix month page"
WIDGET = "pretix month as widget JSON, 30 s cache"
LIMIT = "pgbench claim, one row"
CONFIG = """
[pretix]
instance_name=benchmarks
url=http://127.0.0.1:{port}
datadir={folder}/data
trust_x_forwarded_for=on
[database]
backend=postgresql
name=pretix
user=postgres
host=127.0.0.1
port={pg}
[redis]
location=redis://127.0.0.1:{redis}/0
sessions=true
[celery]
backend=redis://127.0.0.1:{redis}/1
broker=redis://127.0.0.1:{redis}/2
[django]
secret=only-for-measuring
"""


def install(folder: Path) -> Path:
    """The interpreter of pretix's environment; made when it is not there or holds another version."""
    python = folder / "bin" / "python"
    stamp = folder / f"pretix-{VERSION}"
    if stamp.exists():
        return python
    print(f"installing pretix {VERSION} into {folder} (some minutes)", flush=True)
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    if Path(uv).exists():
        subprocess.run([uv, "venv", "-q", "--allow-existing", "--python", sys.executable, str(folder)], check=True)
        pip = [uv, "pip", "install", "-q", "--python", str(python)]
    else:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "-q"]
    subprocess.run([*pip, f"pretix=={VERSION}", "gunicorn"], check=True)
    stamp.touch()
    return python


class Pretix:
    """pretix with Redis and a fresh database; a context manager that starts gunicorn."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.python = install(database.WORK / "pretix-venv")
        self.folder = database.WORK / "pretix"
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "data").mkdir(parents=True)
        self.port, self.redis = free_port(), free_port()
        config = self.folder / "pretix.cfg"
        config.write_text(CONFIG.format(port=self.port, folder=self.folder, pg=server.port, redis=self.redis))
        self.env = {
            **{k: v for k, v in os.environ.items() if k not in ("DJANGO_SETTINGS_MODULE", "PYTHONPATH")},
            "PRETIX_CONFIG_FILE": str(config),
        }
        self.dsn = database.dsn_of(server, "pretix")
        self.url = f"http://127.0.0.1:{self.port}"

    @contextmanager
    def cache(self) -> Iterator[None]:
        """Redis without persistence on a port of its own."""
        program = limits.find("redis-server")
        assert program
        self.redis_process = subprocess.Popen(
            [program, "--port", str(self.redis), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            self.redis_process.terminate()
            self.redis_process.wait(10)

    def build(self) -> None:
        """Migrate and make the scene."""
        database.fresh(self.server, "pretix")
        with psycopg.connect(self.server.superuser_url, autocommit=True) as c:
            c.execute("create database pretix")
        print("migrating pretix", flush=True)
        log = (self.folder / "migrate.log").open("w")
        subprocess.run(
            [self.python, "-m", "pretix", "migrate"], env=self.env, cwd=self.folder, stdout=log, stderr=log, check=True
        )
        done = subprocess.run(
            [self.python, str(HERE / "pretix_scene.py")],
            env=self.env,
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=log,
            check=True,
        )
        self.scene = json.loads(done.stdout.splitlines()[-1])

    def __enter__(self) -> Pretix:
        self.log = (self.folder / "gunicorn.log").open("w")
        command = [
            str(self.python.parent / "gunicorn"), "pretix.wsgi", "-w", "4", "-k", "sync", "--max-requests", "0",
            "--log-level", "warning", "-b", f"127.0.0.1:{self.port}",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, env=self.env, cwd=self.folder, stdout=self.log, stderr=self.log)
        end = time.monotonic() + 120
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.widget, timeout=60) as answer:
                    if len(json.load(answer).get("weeks") or []) < 4:
                        raise LoadError("pretix's widget shows no month")
                    return self
            except urllib.error.HTTPError as error:
                self.__exit__()
                raise LoadError(f"pretix answered {error.code}; see {self.folder}/gunicorn.log") from None
            except OSError:
                time.sleep(0.5)
        self.__exit__()
        raise LoadError(f"pretix did not answer; see {self.folder}/gunicorn.log")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(30)
        self.log.close()

    @property
    def page(self) -> str:
        """Month calendar as a page."""
        return f"{self.url}/city/hall/?style=calendar&date={self.scene['month']}"

    @property
    def widget(self) -> str:
        """Month calendar as the JSON of its widget."""
        year, month = self.scene["month"].split("-")
        return f"{self.url}/city/hall/widget/product_list?lang=en&year={year}&month={month}"

    def warm(self) -> None:
        """Each worker loads its pages once."""
        for _ in range(10):
            for url in (self.page, self.widget):
                with urllib.request.urlopen(url, timeout=60) as answer:
                    answer.read()
        self.order(4, 3)

    def order(self, clients: int, seconds: int, hot: int | None = None) -> Load:
        """Orders for random dates, or for one."""
        env = {
            "SUBEVENTS": ",".join(str(n) for n in self.scene["subevents"]),
            "ITEM": str(self.scene["item"]),
            "TOKEN": self.scene["token"],
            "ORDERS": "/api/v1/organizers/city/events/hall/orders/",
            **({"HOT": str(hot)} if hot else {}),
        }
        return slices.wrk(self.url, "pretix.lua", clients=clients, seconds=seconds, timeout=30, env=env)

    def read(self, url: str, clients: int) -> Load:
        """Reads of a page."""
        load = slices.wrk(url, "get.lua", clients=clients, seconds=PAGE_SECONDS, timeout=30)
        time.sleep(clients / 4)
        return load

    def _positions(self, date: int) -> int:
        with psycopg.connect(self.dsn) as c:
            row = c.execute(
                "select count(*) from pretixbase_orderposition where subevent_id = %s and not canceled", [date]
            ).fetchone()
        assert row
        return int(row[0])

    def last_places(self) -> tuple[Load, int]:
        """32 clients on one date with 30 free places: the load, and how many were sold."""
        date = random.choice(self.scene["subevents"])
        have = self._positions(date)
        with psycopg.connect(self.dsn, autocommit=True) as c:
            c.execute("update pretixbase_quota set size = %s where subevent_id = %s", [have + FREE, date])
        subprocess.run(
            [limits.find("redis-cli") or "redis-cli", "-p", str(self.redis), "flushall"],
            stdout=subprocess.DEVNULL,
            check=True,
        )
        load = self.order(32, 10, hot=date)
        time.sleep(3)
        return load, self._positions(date) - have


def main(given: list[str] | None = None) -> int:
    """Measure and write ``peers.json``."""
    parser = argparse.ArgumentParser(prog="benchmarks.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of all slices (default 3)")
    parser.add_argument(
        "--gate", type=float, default=10.0, help="seconds to wait for an idle machine before each slice"
    )
    parser.add_argument("--nice", type=int, default=0, help="priority of all that is measured, e.g. -15 as root")
    options = parser.parse_args(given)
    try:
        limits.need("wrk", "redis-server")
    except limits.Missing as missing:
        print(missing, file=sys.stderr)
        return 2
    if options.nice:
        machine.lead_session()
    database.WORK.mkdir(parents=True, exist_ok=True)
    embedded = database.embedded()
    server = embedded.start()
    rows: list[dict[str, object]] = []
    try:
        database.warm_log(server)
        claims = limits.Claims(server, embedded.bin)
        pretix = Pretix(server)
        with pretix.cache():
            pretix.build()
            with pretix:
                pretix.warm()
                store = Store(
                    database.WORK / "peers-slices.jsonl",
                    gate=options.gate,
                    nice=options.nice,
                    roots=lambda: [server.pid, pretix.process.pid, pretix.redis_process.pid],
                )
                work = []
                for n in CLIENTS:
                    work += [
                        (ORDERS, lambda n=n: _keep(store, ORDERS, n, lambda: pretix.order(n, ORDER_SECONDS))),
                        (MONTH_PAGE, lambda n=n: _keep(store, MONTH_PAGE, n, lambda: pretix.read(pretix.page, n))),
                        (WIDGET, lambda n=n: _keep(store, WIDGET, n, lambda: pretix.read(pretix.widget, n))),
                    ]
                work.append((LIMIT, lambda: _keep(store, LIMIT, 32, lambda: claims.take(1, 32))))
                store.rounds(work, options.rounds)
                resident = machine.memory_of(pretix.process.pid)[0]
                load, sold = pretix.last_places()
        for name, unit, spread in (
            (ORDERS, "orders/s", True),
            (MONTH_PAGE, "reads/s", False),
            (WIDGET, "reads/s", False),
            (LIMIT, "claims/s", False),
        ):
            for n in (*CLIENTS,):
                summary = summarise(store, name, n)
                if summary:
                    rows.append(
                        {
                            "name": name, "value": summary.rate, "unit": unit, "clients": n, "at": summary.at,
                            "version": VERSION, "spread": spread, "p50": summary.p50, "p95": summary.p95, "p99": summary.p99,
                            "low": summary.low, "high": summary.high, "slices": summary.slices, "quiet": summary.quiet,
                            "errors": summary.errors,
                        }
                    )  # fmt: skip
        common = {"clients": 32, "at": report.now(), "version": VERSION}
        rows += [
            {
                "name": "pretix: oversold of 30 last places",
                "value": max(0, sold - FREE),
                "unit": "places",
                **common,
                "sold": sold,
            },
            {"name": "pretix: memory of its web processes", "value": resident, "unit": "MB", **common},
        ]
        print(f"last places: {load.counts}, sold {sold} of {FREE}")
    finally:
        embedded.stop()
    report.PEERS.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
    for row in rows:
        print(f"{row['name']:<52} c={row['clients']:<4} {row['value']:>10} {row['unit']}")
    return 0


def _keep(store: Store, name: str, clients: int, run: object) -> None:
    store.take(name, clients, run)  # type: ignore[arg-type]


if __name__ == "__main__":
    raise SystemExit(main())
