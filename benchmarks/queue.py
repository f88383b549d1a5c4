"""The counter under load: 12 windows call as fast as they can from one queue of 5,000 parties, through HTTP, while a display polls.

``python -m benchmarks.queue [parties]`` prints what it found and writes ``benchmarks/queue.json``. A tenth of the parties is called first by
twelve processes that use the service itself, so that the time of a call there is known without HTTP. Beside it stands the smallest claim that
PostgreSQL can do at all: one ``update … skip locked`` by pgbench on a table of the same length. Ends with 1 when a party was called twice or
lost.

A window with a party cannot call another one, so twelve windows mostly begin and finish. What a call alone can do is measured in a second
contract where each of twelve people has many windows: through HTTP (``wrk``, twelve connections, ``lua/call.lua``), and by pgbench with the
statements of a call and nothing in front of them, each call alone and in groups as the program writes them.
"""

from __future__ import annotations

import http.client
import itertools
import json
import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

import psycopg

from madoguchi.ground.kit.postgres import DATABASE, Server

from . import slices
from .database import WORK, dsn_of, embedded, fresh
from .limits import Claims, need
from .machine import describe, percentile
from .program import ROOT, Program, environment

WINDOWS, PARTIES = 12, 5000
HTTP_SEATS, PGBENCH_SEATS = 820, 396
"""Windows of each of the twelve people in the contract where nothing but calls is done; those for pgbench are there twice."""
WARM, SLICES, SLICE_SECONDS = 20, ((20, 420), (420, 820)), 2
"""Of the seats for HTTP: so many call first, unmeasured, since a person's first call in each process makes them known there; then the slices."""
GROUP = 6
"""Calls in one statement by pgbench: twelve people on two web processes."""
POLL_SECONDS = 0.3
FIGURES = Path(__file__).parent / "queue.json"
CLAIM = "update queue set window_no = 1 where id = (select id from queue where window_no is null order by rank, id for update skip locked limit 1);\n"
STAFF = """
create table bench_staff as
  select p.o - 1 as place, p.pk as user_id, p.session, accounts_standing(p.session, p.pk, %(contract)s::smallint) as standing
  from unnest(%(users)s::bigint[], %(sessions)s::text[]) with ordinality p(pk, session, o);
grant select on bench_staff to public;
"""
SINGLE = """\\set i :i + 1
\\set w :first + :client_id * :each + :i + 1
\\set u :user + (:w - :first - 1) / :seats
begin;
select set_config('madoguchi.contract', :contract, true);
select o_verdict from reception_call(:contract::smallint, :site, :w, :u, 'pgbench-' || :w, now(), :day::date);
select audit_append(:contract::smallint, 0::smallint, now(), array['staff'], array['counter'], array['user:1'], array['ticket.called'],
  array['ticket:1'], array['{"window": 1, "number": "B001"}'::jsonb]);
commit;
"""
TOGETHER = """\\set i :i + :together
\\set w :first + :client_id * :each + :i
select count(c.o_shown) from (
  select jsonb_agg(jsonb_build_object('session', s.session, 'standing', s.standing, 'site', :site::text, 'number', :w + n, 'user', s.user_id,
    'key', 'pgbench-' || (:w + n), 'kind', 'counter')) as calls
  from generate_series(1, :together) n join bench_staff s on s.place = (:w + n - 1 - :first) / :seats
) given, reception_call_many(:contract::smallint, (1 + :client_id)::smallint, now(), :day::date, 3, given.calls) c;
"""
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

ALONE = """
import datetime as dt, json, sys, django; django.setup()
from madoguchi.domain.reception.enums import Stay
from madoguchi.domain.reception.models import Period, Ticket, Window
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
contract, now, users, blocks = Contract.objects.get(code="izumi"), clock.now(), json.loads(sys.argv[1]), json.loads(sys.argv[2])
seats = [pk for size, staff in blocks for pk in staff for _ in range(size)]
site = contract.profile.sites[0].code
group = contract.profile.reception.groups_at(site)[0].code
with contract_scope(contract):
    where = Site.objects.get(code=site)
    Assignment.objects.bulk_create(Assignment(user_id=pk, contract=contract, role=Role.COUNTER) for pk in users)
    Window.objects.bulk_create(
        Window(contract=contract, site=where, number=n, groups=[group], staff_id=pk, opened_at=now) for n, pk in enumerate(seats, 1))
    made = Ticket.objects.bulk_create(
        Ticket(contract=contract, site=where, day=now.date(), letter="B", number=n + 1, token=f"a{n:031x}", group=group,
               procedures=["other"], counts=[1], people=1, language="ja", issued_at=now, issued_by="bench", state=Stay.WAIT,
               rank_at=now + dt.timedelta(seconds=n)) for n in range(len(seats)))
    Period.objects.bulk_create(Period(contract=contract, ticket=one, kind=Stay.WAIT, group=group, started_at=now) for one in made)
print(json.dumps({"contract": contract.pk, "site": site, "day": str(now.date())}))
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


def together(threads: Sequence[threading.Thread]) -> float:
    """Start all at once; the seconds until the last has ended."""
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


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


def calls_by_pgbench(server: Server, binaries: Path, alone: dict[str, object], user: int, *, first: int, script: str, at_once: int) -> float:
    """Calls per second when pgbench sends the statements of a call and nothing else is done; ``at_once`` of them in each statement."""
    clients, path = WINDOWS // at_once, WORK / "queue_call.sql"
    path.write_text(script)
    each = WINDOWS * PGBENCH_SEATS // clients
    given = {
        "i": -at_once, "contract": alone["contract"], "site": alone["site"], "day": alone["day"], "user": user, "first": first, "each": each,
        "together": at_once, "seats": PGBENCH_SEATS,
    }  # fmt: skip
    done = subprocess.run(
        [binaries / "pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(2, clients)), "-t", str(each // at_once), "-f", path,
         *(f"-D{name}={value}" for name, value in given.items()), server.url],
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or not found:
        raise slices.LoadError(f"pgbench with the program's call: {(done.stdout + done.stderr)[-1500:]}")
    return float(found[1]) * at_once


def calls_by_http(program: Program, scene: dict[str, object], site: str) -> tuple[float, float, int, int]:
    """Calls per second through HTTP and nothing between them, their p95 in ms, how many were answered with a number, and with anything else."""
    sessions = scene["sessions"]
    assert isinstance(sessions, list)
    staff = WORK / "queue_staff.txt"
    staff.write_text("\n".join(sessions) + "\n")
    env = {
        "STAFF": str(staff), "PLACE": f"/staff/izumi/counter/{site}/windows", "TOKEN": secrets.token_hex(16), "EACH": str(HTTP_SEATS),
        "SESSION_COOKIE": str(scene["cookie"]), "CSRF_COOKIE": str(scene["csrf"]), "ORIGIN": f"https://127.0.0.1:{program.port}",
    }  # fmt: skip
    loads = [
        slices.wrk(program.url, "call.lua", clients=WINDOWS, seconds=SLICE_SECONDS, env={**env, "FROM": str(start), "LAST": str(last)})
        for start, last in ((0, WARM), *SLICES)
    ]
    measured = loads[1:]
    wrong = sum(load.counts["other"] + load.counts["sockets"] + load.counts["timeouts"] for load in loads)
    rate = sum(load.rate for load in measured) / len(measured)
    return rate, max(load.p95 for load in measured), sum(load.counts["created"] for load in loads), wrong


def calls_alone(server: Server, program: Program, users: list[int], scene: dict[str, object], binaries: Path) -> dict[str, float]:
    """Calls per second with nothing between them: through HTTP, and by pgbench alone and in groups.

    ``wrong`` counts answers that were none, tickets called twice, and calls that were answered and are not there.
    """
    by_http, by_pgbench = WINDOWS * HTTP_SEATS, WINDOWS * PGBENCH_SEATS
    blocks = [(HTTP_SEATS, users), (PGBENCH_SEATS, users), (PGBENCH_SEATS, users)]
    made = subprocess.run(
        [sys.executable, "-c", ALONE, json.dumps(users), json.dumps(blocks)], cwd=ROOT, env=program.env, check=True, text=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    alone = json.loads(made.stdout.splitlines()[-1])
    with psycopg.connect(dsn_of(server, DATABASE), autocommit=True) as c:
        with psycopg.ClientCursor(c) as cursor:
            cursor.execute(STAFF, {"contract": alone["contract"], "users": users, "sessions": scene["sessions"]})
        # What autovacuum does within a minute of a morning.
        c.execute("analyze")
    with program:
        rate, p95, answered, wrong = calls_by_http(program, scene, alone["site"])
    single = calls_by_pgbench(server, binaries, alone, users[0], first=by_http, script=SINGLE, at_once=1)
    grouped = calls_by_pgbench(server, binaries, alone, users[0], first=by_http + by_pgbench, script=TOGETHER, at_once=GROUP)
    with psycopg.connect(dsn_of(server, DATABASE), autocommit=True) as c:
        called, distinct, through = c.execute(
            "select count(*), count(distinct s.ticket_id), count(*) filter (where w.number <= %s) from reception_summons s"
            " join reception_window w on w.id = s.window_id where s.contract_id = %s", [by_http, alone["contract"]],
        ).fetchone() or (0, 0, 0)  # fmt: skip
    wrong += called - distinct + max(0, answered - through) + 2 * by_pgbench - (called - through)
    return {"through_http": rate, "p95_ms": p95, "by_pgbench": single, "grouped_by_pgbench": grouped, "wrong": wrong}


def main(given: list[str]) -> int:
    need("wrk")
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
        took = together(windows)
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
    alone = calls_alone(server, program, users, scene, place.bin)
    smallest = smallest_claim(server, place.bin, parties)
    place.stop()
    faults = {
        "wrong alone": alone["wrong"], "wrong answers": sum(w.wrong for w in windows), "called twice": called - distinct,
        "lost": parties - distinct, "not served": parties - served,
    }  # fmt: skip
    found = {
        "parties": parties, "windows": WINDOWS, "calls_per_second": len(calls) / took, "deeds_per_second": len(deeds) / took,
        "call_at_service_p50_ms": percentile(service, 0.5) * 1000, "call_at_service_p95_ms": percentile(service, 0.95) * 1000,
        "call_p95_ms": percentile(calls, 0.95) * 1000, "deed_p95_ms": percentile(deeds, 0.95) * 1000, "calls_of_smallest": len(calls) / took / smallest,
        "calls_alone_per_second": alone["through_http"], "calls_alone_p95_ms": alone["p95_ms"], "calls_alone_of_smallest": alone["through_http"] / smallest,
        "calls_by_pgbench_per_second": alone["by_pgbench"], "calls_by_pgbench_of_smallest": alone["by_pgbench"] / smallest,
        "calls_grouped_by_pgbench_per_second": alone["grouped_by_pgbench"],
        "calls_grouped_by_pgbench_of_smallest": alone["grouped_by_pgbench"] / smallest,
        "smallest_claims_per_second": smallest, "deeds_of_smallest": len(deeds) / took / smallest,
        "display_delay_p95_ms": percentile(delays, 0.95) * 1000, "display_seen": len(delays), "faults": faults, "machine": describe(),
    }  # fmt: skip
    FIGURES.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps({name: value for name, value in found.items() if name != "machine"}, indent=1))
    return 1 if any(faults.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
