"""The program under load: its database, its processes as ``madoguchi serve`` starts them, its two addresses."""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

import psycopg

from madoguchi.ground.kit.postgres import DATABASE, Server

from . import scene, slices
from .database import WORK, dsn_of
from .limits import SECONDS
from .scene import CODE, PROCEDURES, SITE, Scene
from .slices import HERE, Load

ROOT = HERE.parent
PROTO = "https"
WRITTEN = (
    "booking_booking", "booking_attendee", "booking_claim", "booking_event", "audit_entry", "worklog_fact", "worklog_touchedday", "notices_message",
    "procrastinate_jobs", "procrastinate_events",
)  # fmt: skip
"""Tables that a reservation writes into (slots are there before); missing ones count as empty."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def environment(server: Server) -> dict[str, str]:
    """Production settings with throw-away secrets, on the benchmarks' database and profile."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith("MADOGUCHI_") and k != "DATABASE_URL"}
    return {
        **keep,
        "MADOGUCHI_MODE": "production",
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "MADOGUCHI_SECRET_KEY": secrets.token_hex(32),
        "MADOGUCHI_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "MADOGUCHI_HOSTS": "127.0.0.1",
        "MADOGUCHI_DATA": str(WORK / "data"),
        "MADOGUCHI_PROFILES": str(HERE / "profiles"),
        "DATABASE_URL": server.url,
        **{k: os.environ[k] for k in ("MADOGUCHI_WORKERS", "MADOGUCHI_THREADS") if k in os.environ},
    }


class Program:
    """The web server on a free port; a context manager. ``build`` makes the scene in an empty database."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.env = environment(server)
        self.dsn = dsn_of(server, DATABASE)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = WORK / "serve.log"
        self.acknowledged = 0

    def build(self) -> Scene:
        """Make the scene. Raises ``CalledProcessError`` after its messages were printed."""
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.scene"],
            cwd=ROOT,
            env=self.env,
            text=True,
            stdout=subprocess.PIPE,
            check=True,
        )
        self.scene = Scene.read(done.stdout.splitlines()[-1])
        self._hot = itertools.cycle(self.scene.hot)
        (WORK / "starts").mkdir(exist_ok=True)
        return self.scene

    def __enter__(self) -> Program:
        self._output = self.log.open("w")
        self.process = subprocess.Popen(
            [str(Path(sys.executable).parent / "madoguchi"), "serve", "--port", str(self.port)],
            cwd=ROOT, env={**self.env, "PORT": str(self.port)}, stdout=self._output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                status, _, _ = self.get("/healthz")
                if status == 200:
                    return self
            time.sleep(0.2)
        self.__exit__()
        raise slices.LoadError(
            f"the program did not become ready; the end of {self.log}:\n{self.log.read_text()[-2000:]}"
        )

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self._output.close()

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """One GET on a connection of its own: status, headers in lower case, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={"X-Forwarded-Proto": PROTO, **headers})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def calendar(self, month: scene.Month, procedure: str) -> str:
        """Path of the availability of a month."""
        query = {"procedure": procedure, "site": SITE, "people": 1, "from": month.first, "to": month.last}
        return f"/api/v1/{CODE}/availability?{urlencode(query)}"

    @property
    def reserve_path(self) -> str:
        """Path that takes reservations."""
        return f"/api/v1/{CODE}/reservations"

    def body(self, procedure: str, starts_at: str, number: int) -> bytes:
        """A reservation as JSON, of the same shape as the load scripts send."""
        person = {"name": "山田 太郎", "kana": "ヤマダ タロウ", "birth_date": "1980-01-02", "procedure": procedure}
        contact = {
            "phone": f"090-{1000 + number // 10000 % 9000:04d}-{number % 10000:04d}",
            "email": f"t{number}@example.jp",
        }
        return json.dumps(
            {
                "site": SITE, "procedure": procedure, "starts_at": starts_at, "people": [person], "contact": contact,
                "language": "ja", "channel": "web",
            },
            ensure_ascii=False,
        ).encode()  # fmt: skip

    def post_headers(self, key: str) -> dict[str, str]:
        """Headers of a reservation."""
        return {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self.scene.key}",
            "Idempotency-Key": key,
            "X-Forwarded-Proto": PROTO,
        }

    def load(
        self,
        pool: str,
        starts: list[str],
        *,
        clients: int,
        seconds: float,
        every: int = 1,
        calendar: str = "",
        timeout: int = 10,
    ) -> Load:
        """Reservations for random ``starts`` of a pool; every ``every``-th request books, the others read ``calendar``."""
        path = WORK / "starts" / f"{pool}.txt"
        path.write_text("\n".join(starts) + "\n")
        load = slices.wrk(
            self.url, "reserve.lua", clients=clients, seconds=seconds, timeout=timeout,
            env={
                "STARTS": str(path), "RESERVE": self.reserve_path, "PROCEDURE": PROCEDURES[pool], "SITE": SITE,
                "API_KEY": self.scene.key, "CALENDAR": calendar, "RATIO": str(every), "PROTO": PROTO,
            },
        )  # fmt: skip
        self.acknowledged += load.counts["created"]
        return load

    def checkpoint(self) -> None:
        """Start a slice with clean buffers, as the limits do."""
        with psycopg.connect(self.dsn, autocommit=True) as c:
            c.execute("checkpoint")

    def take_hot(self, clients: int) -> Load:
        """Reservations of one slot, a new one for each slice."""
        self.checkpoint()
        return self.load("hot", [next(self._hot)], clients=clients, seconds=SECONDS)

    def take_wide(self, clients: int) -> Load:
        """Reservations spread over 1,000 slots."""
        self.checkpoint()
        return self.load("wide", self.scene.wide, clients=clients, seconds=SECONDS)

    def take_calendar(self, clients: int, *, unchanged: bool = False) -> Load:
        """Reads of a month calendar, or its 304 answers."""
        path = self.calendar(self.scene.rush[0], PROCEDURES["rush"])
        env = {"PROTO": PROTO}
        if unchanged:
            env["ETAG"] = self.get(path)[1]["etag"]
        return slices.wrk(self.url + path, "get.lua", clients=clients, seconds=SECONDS, env=env)

    def sizes(self) -> tuple[int, int]:
        """(bookings, bytes of all tables and indexes that a booking writes into)."""
        with psycopg.connect(self.dsn, autocommit=True) as c:
            bookings = c.execute("select count(*) from booking_booking").fetchone()
            size = c.execute(
                "select coalesce(sum(pg_total_relation_size(to_regclass(t))), 0)::bigint from unnest(%s::text[]) t",
                [list(WRITTEN)],
            ).fetchone()
        assert bookings and size
        return bookings[0], size[0]

    def faults(self) -> dict[str, int]:
        """What must be zero after any load, counted in the database beside the program."""
        queries = {
            "slots sold beyond their places": "select count(*) from booking_slot where taken > planned",
            "slots whose counter differs from the claims": (
                "select count(*) from booking_slot s left join (select slot_id, count(*) n from booking_claim group by 1) c"
                " on c.slot_id = s.id where s.taken <> coalesce(c.n, 0)"
            ),
            "bookings without history": (
                "select count(*) from booking_booking b where not exists (select 1 from booking_event e where e.booking_id = b.id)"
            ),
            "bookings without a fact": (
                "select abs((select count(*) from booking_booking) - (select count(*) from worklog_fact where kind = 'booking.created'))"
            ),
            "bookings without an audit entry": (
                "select abs((select count(*) from booking_booking) - (select count(*) from audit_entry where action = 'booking.created'))"
            ),
            "bookings without a queued mail": (
                "select abs((select count(*) from booking_booking where has_mail) - (select count(*) from notices_message))"
            ),
        }
        with psycopg.connect(self.dsn, autocommit=True) as c:
            found = {name: int((c.execute(sql).fetchone() or [0])[0]) for name, sql in queries.items()}
        found["acknowledged but not there"] = max(0, self.acknowledged - self.sizes()[0])
        return found
