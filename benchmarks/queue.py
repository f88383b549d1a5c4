"""The counter under load: 12 windows call as fast as they can from one queue of 5,000 parties, through HTTP, while a display polls.

``python -m benchmarks.queue [parties]`` prints what it found and writes ``benchmarks/queue.json``. A tenth of the parties is called first by
twelve processes that use the service itself, so that the time of a call there is known without HTTP. Beside it stands the smallest claim that
PostgreSQL can do at all: one ``update … skip locked`` by pgbench on a table of the same length. Ends with 1 when a party was called twice or
lost.
"""

from __future__ import annotations

import http.client
import itertools
import json
import secrets
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

import psycopg

from madoguchi.ground.kit.postgres import DATABASE, Server

from . import slices
from .database import WORK, dsn_of, embedded, fresh
from .limits import Claims
from .machine import describe, percentile
from .program import ROOT, Program, environment

WINDOWS, PARTIES = 12, 5000
POLL_SECONDS = 0.3
FIGURES = Path(__file__).parent / "queue.json"
CLAIM = "update queue set window_no = 1 where id = (select id from queue where window_no is null order by rank, id for update skip locked limit 1);\n"
SCENE = """
import datetime as dt, json, sys, django; django.setup()
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from madoguchi.domain.reception.enums import Stay, TerminalKind
from madoguchi.domain.reception.models import Period, Ticket
from madoguchi.domain.reception.services import windows
from madoguchi.domain.reception.services.terminals import add_terminal, terminal_path
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import SYSTEM
contract, now, many, sessions = Contract.objects.get(code="hatsukaichi"), clock.now(), int(sys.argv[1]), []
users = []
with contract_scope(contract):
    site = Site.objects.get(code="main")
    made = Ticket.objects.bulk_create(
        Ticket(contract=contract, site=site, day=now.date(), letter="B", number=n + 1, token=f"{n:032x}", group="apply",
               procedures=["other"], counts=[1], people=1, language="ja", issued_at=now, issued_by="bench", state=Stay.WAIT,
               rank_at=now + dt.timedelta(seconds=n)) for n in range(many))
    Period.objects.bulk_create(
        Period(contract=contract, ticket=one, kind=Stay.WAIT, group="apply", started_at=now) for one in made)
    for n in range(int(sys.argv[2])):
        user = User.objects.create_user(f"window{n}@example.jp", None, name=f"window {n}")
        Assignment.objects.create(user=user, contract=contract, role=Role.COUNTER)
        TOTP.activate(user, generate_totp_secret())
        windows.open_window(contract, site="main", number=n + 1, groups=["apply"], user=user, key=f"open{n}", by=SYSTEM, now=now)
        store = SessionStore()
        store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
        store[HASH_SESSION_KEY] = user.get_session_auth_hash()
        store.save()
        sessions.append(store.session_key)
        users.append(user.pk)
    screen = add_terminal(contract, site="main", kind=TerminalKind.DISPLAY, name="bench", by=SYSTEM, now=now)
    print(json.dumps({"sessions": sessions, "users": users, "cookie": settings.SESSION_COOKIE_NAME, "csrf": settings.CSRF_COOKIE_NAME,
                      "display": terminal_path(contract, screen)}))
"""


SERVICE = """
import json, sys, time, django; django.setup()
from madoguchi.domain.reception.services import windows
from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import SYSTEM
number, pk, turns, took = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), []
contract = Contract.objects.get(code="hatsukaichi")
own = {"site": "main", "number": number, "user": User.objects.get(pk=pk), "by": SYSTEM}
for n in range(turns):
    began = time.perf_counter()
    windows.call_next(contract, key=f"s{number}-{n}c", now=clock.now(), **own)
    took.append(time.perf_counter() - began)
    windows.begin(contract, key=f"s{number}-{n}b", now=clock.now(), **own)
    windows.finish(contract, procedures=["other"], key=f"s{number}-{n}f", now=clock.now(), **own)
print(json.dumps(took))
"""


class Window(threading.Thread):
    """One member of staff: next, begin, finish, again, on a kept connection."""

    def __init__(self, port: int, scene: dict[str, object], number: int, turns: itertools.count[int], parties: int) -> None:
        super().__init__(daemon=True)
        self.port, self.number, self.turns, self.parties = port, number, turns, parties
        token = secrets.token_hex(16)
        sessions = scene["sessions"]
        assert isinstance(sessions, list)
        self.form = {"csrfmiddlewaretoken": token}
        self.headers = {
            "Cookie": f"{scene['cookie']}={sessions[number]}; {scene['csrf']}={token}", "X-Forwarded-Proto": "https",
            "Referer": f"https://127.0.0.1:{port}/", "Content-Type": "application/x-www-form-urlencoded",
        }  # fmt: skip
        self.seconds: dict[str, list[float]] = {"next": [], "begin": [], "finish": []}
        self.wrong = 0

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while next(self.turns) < self.parties:
            for deed, more in (("next", {}), ("begin", {}), ("finish", {"done": "other"})):
                body = urlencode({**self.form, **more, "key": secrets.token_hex(16)})
                began = time.perf_counter()
                connection.request("POST", f"/staff/hatsukaichi/counter/main/windows/{self.number + 1}/{deed}/", body, self.headers)
                answer = connection.getresponse()
                answer.read()
                self.seconds[deed].append(time.perf_counter() - began)
                self.wrong += answer.status != 302
        connection.close()


class Display(threading.Thread):
    """A screen as the browser polls it: which call it saw first when."""

    def __init__(self, port: int, path: str) -> None:
        super().__init__(daemon=True)
        self.port, self.path, self.seen, self.over = port, path, dict[int, float](), threading.Event()

    def run(self) -> None:
        connection, etag = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10), ""
        while not self.over.wait(POLL_SECONDS):
            headers = {"X-Forwarded-Proto": "https", **({"If-None-Match": etag} if etag else {})}
            connection.request("GET", f"{self.path}state.json", headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status == 200:
                etag = answer.headers["ETag"]
                newest = json.loads(body)["calls"][:1]
                for call in newest:
                    self.seen.setdefault(call["id"], time.time())


def smallest_claim(server: Server, binaries: Path, parties: int) -> float:
    """Claims per second of the smallest statement, by as many clients as there are windows."""
    claims = Claims(server, binaries)
    with psycopg.connect(claims.dsn, autocommit=True) as c:
        c.execute("create table queue (id bigint primary key, rank bigint not null, window_no int)")
        c.execute("insert into queue select n, n, null from generate_series(1, %s) n", [max(parties, 200_000)])
        c.execute("create index on queue (rank, id) where window_no is null")
        c.execute("vacuum analyze queue")
    script = WORK / "queue_claim.sql"
    script.write_text(CLAIM)
    return slices.pgbench(claims.program, claims.dsn, script, clients=WINDOWS, seconds=5, variables=[]).rate


def main(given: list[str]) -> int:
    parties = int(given[0]) if given else PARTIES
    place = embedded()
    fresh(place.start())
    server = place.start()
    env = {**environment(server), "MADOGUCHI_PROFILES": str(ROOT / "profiles")}
    subprocess.run([sys.executable, "-m", "madoguchi", "migrate"], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
    made = subprocess.run([sys.executable, "-c", SCENE, str(parties), str(WINDOWS)], cwd=ROOT, env=env, check=True, text=True, stdout=subprocess.PIPE)
    scene = json.loads(made.stdout.splitlines()[-1])
    program = Program(server)
    program.env = env
    each = parties // 10 // WINDOWS
    users = scene["users"]
    serving = [
        subprocess.Popen([sys.executable, "-c", SERVICE, str(n + 1), str(users[n]), str(each)], cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE)
        for n in range(WINDOWS)
    ]  # fmt: skip
    service = sorted(second for one in serving for second in json.loads(one.communicate()[0].splitlines()[-1]))
    called_before = each * WINDOWS
    with program:
        display = Display(program.port, scene["display"])
        turns = itertools.count()
        windows = [Window(program.port, scene, n, turns, parties - called_before) for n in range(WINDOWS)]
        display.start()
        began = time.perf_counter()
        for window in windows:
            window.start()
        for window in windows:
            window.join()
        took = time.perf_counter() - began
        display.over.wait(1)
        display.over.set()
        display.join()
    with psycopg.connect(dsn_of(server, DATABASE), autocommit=True) as c:
        called, distinct = c.execute("select count(*), count(distinct ticket_id) from reception_summons").fetchone() or (0, 0)
        (served,) = c.execute("select count(*) from reception_ticket where outcome = 'served'").fetchone() or (0,)
        at = dict(c.execute("select id, extract(epoch from at)::float from reception_summons").fetchall())
    calls = sorted(second for window in windows for second in window.seconds["next"])
    deeds = sorted(second for window in windows for seconds in window.seconds.values() for second in seconds)
    delays = sorted(seen - at[call] for call, seen in display.seen.items() if call in at)
    smallest = smallest_claim(server, place.bin, parties)
    place.stop()
    faults = {"wrong answers": sum(w.wrong for w in windows), "called twice": called - distinct, "lost": parties - distinct, "not served": parties - served}
    found = {
        "parties": parties, "windows": WINDOWS, "calls_per_second": len(calls) / took, "deeds_per_second": len(deeds) / took,
        "call_at_service_p50_ms": percentile(service, 0.5) * 1000, "call_at_service_p95_ms": percentile(service, 0.95) * 1000,
        "call_p95_ms": percentile(calls, 0.95) * 1000, "deed_p95_ms": percentile(deeds, 0.95) * 1000, "calls_of_smallest": len(calls) / took / smallest,
        "smallest_claims_per_second": smallest, "deeds_of_smallest": len(deeds) / took / smallest,
        "display_delay_p95_ms": percentile(delays, 0.95) * 1000, "display_seen": len(delays), "faults": faults, "machine": describe(),
    }  # fmt: skip
    FIGURES.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps({name: value for name, value in found.items() if name != "machine"}, indent=1))
    return 1 if any(faults.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
