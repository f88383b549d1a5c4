"""Two web nodes, a worker, PgBouncer and a proxy on one machine: is anything lost or sold twice when a node dies?

``python -m benchmarks.nodes`` starts a PostgreSQL server of its own, PgBouncer in transaction mode with 8 server connections, two
``madoguchi serve`` nodes and a worker with data folders of their own that share nothing but the database and two secrets, and nginx
before both. A rush books through the proxy; when half of the places are sold, one node is killed with all its processes, and
started again some seconds later. Writes ``nodes.json``; exit 1 when a check failed. It proves, it does not measure speed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.postgres import DATABASE, EmbeddedPostgres, Server

from . import database, limits, machine, pooler, report
from .database import WORK
from .program import ROOT, Program, free_port
from .scene import PROCEDURES, RUSH_PLACES
from .slices import HERE

FOLDER = WORK / "nodes"
RESULT = HERE / "nodes.json"
POOL = 8
CLIENTS = 24
SLOTS = 30
READS = 3
LONGEST = 20.0
BUDGET = 60.0
AWAY = 3.0
TRIALS = 6
NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  upstream nodes {{
    server 127.0.0.1:{first} max_fails=1 fail_timeout=2s;
    server 127.0.0.1:{second} max_fails=1 fail_timeout=2s;
    keepalive 32;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto https;
      proxy_connect_timeout 1s;
      proxy_next_upstream error timeout;
    }}
  }}
}}
"""


class NodesError(RuntimeError):
    """Something could not be started; the message says what and where its log is."""


class Process:
    """A child with a process group, a log and an environment of its own."""

    def __init__(self, name: str, command: list[str], env: dict[str, str]) -> None:
        self.name, self.command, self.env = name, command, env
        self.log = FOLDER / f"{name}.log"

    def start(self) -> None:
        """Start it; its log is continued."""
        with self.log.open("a") as output:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.env, stdout=output, stderr=output, start_new_session=True
            )

    def kill(self) -> None:
        """``kill -9`` of the whole group, as if its machine had lost power."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Stop orderly; kill after 15 s."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(15)
        self.kill()


@dataclass
class Answers:
    """What the clients of a rush were told. ``codes`` are acknowledged bookings; ``unknown`` requests never got an answer."""

    codes: list[str] = field(default_factory=list)
    replayed: int = 0
    full: int = 0
    reads: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    other: list[str] = field(default_factory=list)
    unknown: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Line:
    """A kept HTTP connection to one port of this machine."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, Any]:
        """Status and JSON (None when it is not JSON); status 0 when the connection broke."""
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return 0, None
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, None


class Client(threading.Thread):
    """Books random slots through the proxy, reading the calendar in between; tries again with the same key until it knows."""

    def __init__(self, program: Program, port: int, number: int, answers: Answers, done: threading.Event) -> None:
        super().__init__(daemon=True)
        self.program, self.line, self.number, self.answers, self.done = program, Line(port), number, answers, done
        self.open = list(program.scene.rush[0].starts[:SLOTS])
        self.calendar = program.calendar(program.scene.rush[0], PROCEDURES["rush"])

    def run(self) -> None:
        turn = 0
        while self.open and not self.done.is_set():
            for _ in range(READS):
                status, _body = self.line.ask("GET", self.calendar, {"X-Forwarded-Proto": "https"})
                with self.answers.lock:
                    if status == 200:
                        self.answers.reads += 1
                    else:
                        self.answers.failed[f"GET {status or 'broken connection'}"] += 1
            self._book(random.choice(self.open), self.number * 100_000 + turn)
            turn += 1

    def _book(self, starts_at: str, number: int) -> None:
        headers = self.program.post_headers(str(uuid.uuid4()))
        body = self.program.body(PROCEDURES["rush"], starts_at, number)
        for attempt in range(40):
            status, answer = self.line.ask("POST", self.program.reserve_path, headers, body)
            with self.answers.lock:
                if status in (200, 201):
                    self.answers.codes.append(answer["code"])
                    self.answers.replayed += status == 200
                    return
                if status == 409:
                    self.answers.full += 1
                    self.open.remove(starts_at)
                    return
                if status in (0, 429, 502, 503, 504):
                    self.answers.failed[f"POST {status or 'broken connection'}"] += 1
                else:
                    self.answers.other.append(f"{status} {str(answer)[:200]}")
                    return
            time.sleep(min(1.0, 0.05 * 2**attempt))
        with self.answers.lock:
            self.answers.unknown += 1


class Site:
    """All processes of the trial. ``program`` is only used for its scene, paths and bodies."""

    def __init__(self, server: Server, pool: pooler.PgBouncer) -> None:
        self.program = Program(server)
        self.shared = {
            **self.program.env, "DATABASE_URL": pool.url, "MADOGUCHI_PGBOUNCER": "1", "MADOGUCHI_THREADS": "16",
        }  # fmt: skip
        self.program.env = self.shared
        self.ports, self.mail_port, self.port = [free_port(), free_port()], free_port(), free_port()
        self.program.port = self.port
        self.nodes = [
            self._madoguchi(f"node{n}", "serve", "--port", str(port)) for n, port in enumerate(self.ports, start=1)
        ]
        self.worker = self._madoguchi("worker", "worker")
        self.mailbox = self._madoguchi("mailbox", "mailbox", "--port", str(self.mail_port))
        folder = FOLDER / "nginx"
        folder.mkdir(exist_ok=True)
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, first=self.ports[0], second=self.ports[1], port=self.port))
        self.proxy = Process(
            "nginx", [str(limits.find("nginx")), "-c", str(config), "-e", str(folder / "error.log")], {}
        )

    def _madoguchi(self, name: str, *arguments: str) -> Process:
        env = {
            **self.shared, "MADOGUCHI_DATA": str(FOLDER / name), "MADOGUCHI_SMTP": f"smtp://127.0.0.1:{self.mail_port}",
        }  # fmt: skip
        (FOLDER / name).mkdir(exist_ok=True)
        return Process(name, [str(Path(sys.executable).parent / "madoguchi"), *arguments], env)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Everything runs and both nodes are ready. Raises ``NodesError``."""
        everything = [self.mailbox, self.worker, *self.nodes, self.proxy]
        started: list[Process] = []
        try:
            for process in everything:
                process.start()
                started.append(process)
            for node, port in zip(self.nodes, self.ports, strict=True):
                self.wait(node, port)
            yield
        finally:
            for process in started:
                process.process.terminate()
            for process in reversed(started):
                process.stop()

    def wait(self, node: Process, port: int) -> None:
        """Wait up to 40 s until a node is ready."""
        end = time.monotonic() + 40
        while time.monotonic() < end and node.process.poll() is None:
            if Line(port).ask("GET", "/healthz", {"X-Forwarded-Proto": "https"})[0] == 200:
                return
            time.sleep(0.2)
        raise NodesError(f"{node.name} did not become ready; the end of its log:\n{node.log.read_text()[-2000:]}")

    def verify(self, what: str) -> tuple[int, str]:
        """``madoguchi audit verify`` or ``capacity verify`` through the pool: exit code and what it said last."""
        program = str(Path(sys.executable).parent / "madoguchi")
        done = subprocess.run(
            [program, what, "verify"], cwd=ROOT, env={**self.shared, "MADOGUCHI_DATA": str(FOLDER / "tool")},
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.returncode, (done.stdout.strip().splitlines() or [""])[-1]


def skip_horizon(dsn: str) -> None:
    """Tell the worker that the horizon was extended: the scene's slots follow no weekly pattern, so that job would close them."""
    midnight = dt.datetime.now(JST).replace(hour=0, minute=10, second=0, microsecond=0)
    with psycopg.connect(dsn, autocommit=True) as c:
        for days in (-1, 0, 1):
            c.execute(
                "insert into procrastinate_periodic_defers (task_name, defer_timestamp) values ('madoguchi.horizon', %s)",
                [int((midnight + dt.timedelta(days=days)).timestamp())],
            )


def agreement(site: Site, offset: int) -> list[float]:
    """Milliseconds from a booking's answer at one node until both show it, nodes taking turns; ``inf`` after 5 s."""
    month = site.program.scene.age
    path = site.program.calendar(month, PROCEDURES["age"])
    lines = [Line(port) for port in site.ports]
    ages = []
    headers = {"X-Forwarded-Proto": "https"}

    def full(line: Line, starts_at: str) -> bool:
        status, body = line.ask("GET", path, headers)
        return status == 200 and any(
            s["starts_at"] == starts_at and s["left"] == 0 for d in body["days"] for s in d["slots"]
        )

    for n, starts_at in enumerate(month.starts[offset : offset + TRIALS]):
        body = site.program.body(PROCEDURES["age"], starts_at, 60_000_000 + offset + n)
        status, answer = lines[n % 2].ask(
            "POST", site.program.reserve_path, site.program.post_headers(str(uuid.uuid4())), body
        )
        if status != 201:
            raise NodesError(f"a booking at node {n % 2 + 1} answered {status}: {answer}")
        answered = time.perf_counter()
        waiting = list(lines)
        while waiting and time.perf_counter() - answered < 5:
            waiting = [line for line in waiting if not full(line, starts_at)]
            time.sleep(0.005)
        ages.append(float("inf") if waiting else (time.perf_counter() - answered) * 1000)
    return ages


def same(site: Site) -> bool:
    """Whether both nodes show the same calendar of the rush, asked after a second of quiet."""
    time.sleep(1.0)
    path = site.program.calendar(site.program.scene.rush[0], PROCEDURES["rush"])
    first, second = (Line(port).ask("GET", path, {"X-Forwarded-Proto": "https"}) for port in site.ports)
    return first[0] == second[0] == 200 and first[1]["days"] == second[1]["days"]


def rush(site: Site, longest: float) -> tuple[Answers, float, float]:
    """Sell the slots through the proxy, kill node 1 when half the places or half the time are gone, start it again.

    Ends when everything is sold or after ``longest`` seconds. Answers, seconds, longest pause between bookings after the kill.
    """
    answers, done = Answers(), threading.Event()
    begun = time.monotonic()
    clients = [Client(site.program, site.port, n, answers, done) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    killed, back, last, known, gap = 0.0, False, begun, 0, 0.0
    while any(client.is_alive() for client in clients):
        time.sleep(0.02)
        now = time.monotonic()
        if now - begun > longest:
            done.set()
        if len(answers.codes) > known:
            known, gap, last = len(answers.codes), max(gap, now - last) if killed else gap, now
        if not killed and known and (known >= SLOTS * RUSH_PLACES // 2 or now - begun > longest / 2):
            site.nodes[0].kill()
            killed = now
        if killed and not back and now - killed > AWAY:
            site.nodes[0].start()
            back = True
    seconds = time.monotonic() - begun
    if not killed:
        raise NodesError(f"no booking in {seconds:.0f} s; see {FOLDER}/node1.log")
    if not back:
        site.nodes[0].start()
    site.wait(site.nodes[0], site.ports[0])
    return answers, seconds, gap


def pool_use(pool: pooler.PgBouncer) -> tuple[int, int]:
    """(clients, server connections) that PgBouncer holds for the database."""
    with psycopg.connect(pool.admin_url, autocommit=True, prepare_threshold=None) as c:
        cursor = psycopg.ClientCursor(c)
        clients = [row for row in cursor.execute("show clients").fetchall() if row[2] == pool.database]
        servers = [row for row in cursor.execute("show servers").fetchall() if row[2] == pool.database]
    return len(clients), len(servers)


def stored(dsn: str, answers: Answers) -> dict[str, int]:
    """Counts in the database beside the program: see the keys."""
    codes = {code.replace("-", "") for code in answers.codes}
    with psycopg.connect(dsn, autocommit=True) as c:

        def count(sql: str, *values: Any) -> int:
            return int((c.execute(sql, values).fetchone() or [0])[0])

        there = {row[0] for row in c.execute("select code from booking_booking").fetchall()}
        return {
            "bookings": len(there),
            "lost": len(codes - {code.replace("-", "") for code in there}),
            "acknowledged twice": len(answers.codes) - len(codes),
            "oversold": count("select coalesce(sum(greatest(0, taken - planned)), 0) from booking_slot"),
            "sent": count("select count(*) from notices_message where state = 'sent'"),
            "jobs": count("select count(*) from procrastinate_periodic_defers where task_name <> 'madoguchi.horizon'"),
        }


def main() -> int:
    """Run the trial; 0 when every check held, 1 when one failed, 2 when something is missing."""
    begun = time.monotonic()
    shutil.rmtree(FOLDER / "nginx", ignore_errors=True)
    for name in ("node1", "node2", "worker", "mailbox", "tool"):
        shutil.rmtree(FOLDER / name, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for log in FOLDER.glob("*.log"):
        log.unlink()
    embedded = EmbeddedPostgres(FOLDER / "data")
    try:
        limits.need("nginx")
        server = embedded.start()
        database.fresh(server)
        server = embedded.start()
        with psycopg.connect(server.superuser_url, autocommit=True) as c:
            c.execute("alter role madoguchi set lock_timeout = '8s'")
            c.execute("alter role madoguchi set idle_in_transaction_session_timeout = '60s'")
        with pooler.PgBouncer(server.url, FOLDER / "pgbouncer", size=POOL) as pool:
            print("preparing the database through PgBouncer", flush=True)
            site = Site(server, pool)
            site.program.build()
            skip_horizon(server.url)
            with site.running():
                print("two nodes, worker and proxy are ready; the rush begins", flush=True)
                before = agreement(site, 0)
                spent = time.monotonic() - begun
                answers, seconds, gap = rush(site, max(8.0, min(LONGEST, BUDGET - spent)))
                clients, servers = pool_use(pool)
                after = agreement(site, TRIALS)
                equal = same(site)
                with psycopg.connect(pool.url, autocommit=True, prepare_threshold=None) as c:
                    limit = (c.execute("show lock_timeout").fetchone() or [""])[0]
                found = stored(database.dsn_of(server, DATABASE), answers)
            with ThreadPoolExecutor(2) as both:
                audit, capacity = both.map(site.verify, ("audit", "capacity"))
    except (NodesError, pooler.PoolerError, limits.Missing) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        embedded.stop()
    ages = sorted(before + after)
    expected = len(set(answers.codes)) + 2 * TRIALS
    sold = len(set(answers.codes))
    rows: list[tuple[str, Any, bool | None]] = [
        ("places of the rush", SLOTS * RUSH_PLACES, None),
        ("bookings acknowledged", sold, None),
        ("acknowledged but not there", found["lost"], found["lost"] == 0),
        ("there but never acknowledged", found["bookings"] - expected, found["bookings"] == expected),
        ("places oversold", found["oversold"], found["oversold"] == 0),
        ("a code given to two bookings", found["acknowledged twice"], found["acknowledged twice"] == 0),
        ("refusals, slot full (409)", answers.full, None),
        ("answers that no client may get", len(answers.other), not answers.other),
        ("bookings whose outcome stayed unknown", answers.unknown, answers.unknown == 0),
        ("answered by asking again with the same key", answers.replayed, None),
        ("failures that were tried again", sum(answers.failed.values()), None),
        ("calendar reads", answers.reads, None),
        ("seconds of the rush", round(seconds, 1), None),
        ("longest pause between bookings after the kill, s", round(gap, 2), gap < 5),
        ("booking shown by both nodes, p50 ms", round(machine.percentile(ages, 0.5)), None),
        ("booking shown by both nodes, longest ms", round(min(ages[-1], 99_999)), ages[-1] < 1000),
        ("both nodes show the same calendar at the end", "yes" if equal else "NO", equal),
        ("clients of PgBouncer", clients, None),
        ("connections to PostgreSQL", servers, servers <= POOL),
        ("lock_timeout through the pool", limit, limit == "8s"),
        ("mails sent by the worker meanwhile", found["sent"], found["sent"] > 0),
        ("recurring jobs ordered by the worker", found["jobs"], found["jobs"] > 0),
        ("audit verify", audit[1], audit[0] == 0),
        ("capacity verify", capacity[1], capacity[0] == 0),
    ]
    width = max(len(row[0]) for row in rows)
    for name, value, good in rows:
        print(f"{name:<{width}}  {value!s:>8}  {'' if good is None else 'ok' if good else 'FAILED'}".rstrip())
    for text, times in sorted(answers.failed.items()):
        print(f"  tried again: {times} × {text}")
    for text in answers.other[:3]:
        print(f"  unexpected: {text}")
    RESULT.write_text(
        json.dumps(
            {
                "at": report.now(),
                "machine": f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, everything on one machine",
                "took": round(time.monotonic() - begun, 1),
                "tried_again": dict(answers.failed),
                "rows": [{"name": n, "value": v, "ok": good} for n, v, good in rows],
            },
            ensure_ascii=False,
            indent=1,
        )
        + "\n"
    )
    print(f"took {time.monotonic() - begun:.0f} s; written to {RESULT.relative_to(ROOT)}")
    return 0 if all(good is not False for _, _, good in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
