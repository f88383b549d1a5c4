"""Figures and growth: is a month's figure read as fast from ten million facts as from a hundred thousand, and what do marks cost who writes?

``python -m benchmarks.measures [5 6 …]`` grows the facts of a contract in a database of its own to 10^4, 10^5, … and writes
``benchmarks/measures.json``. Two ways of growing: *history* (the months before become more, the month read stays the same) and *month* (the
month itself becomes busier). Beside each time stands the plain sum over the facts of that month, which is what one would do without counts.
``history`` behind the exponents leaves the busy month out. ``python -m benchmarks.measures marks`` measures the cost of marks alone.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from madoguchi.ground.kit.postgres import DATABASE, Server

from .database import dsn_of, embedded, fresh
from .machine import describe, percentile
from .program import ROOT, environment

FIGURES = Path(__file__).parent / "measures.json"
STEP = 250_000
SAMPLE = 15
MONTH = dt.date(2026, 10, 1)
SMALL_MONTH = 8_000
GROW = """
insert into worklog_fact(contract_id, at, site, channel, procedure, actor_kind, kind, quantity, wait_seconds, handle_seconds, language, outcome, ref)
select %(contract)s, %(first)s::date::timestamp at time zone 'Asia/Tokyo' + make_interval(days => d, secs => 30600 + (random() * 30600)::int),
       case when random() < 0.7 then %(near)s else %(far)s end, case when k = 1 then 'web' else 'counter' end,
       (%(procedures)s::text[])[1 + (random() ^ 2 * 5.99)::int %% 6], 'counter',
       (array['booking.created','call.ended','reception.served','case.ended','contact.recorded','notice.sent'])[1 + k], 1,
       (random() ^ 2 * 1800)::int, 60 + (random() * 900)::int,
       (array['ja','ja','ja','ja','ja','ja','ja','en','vi','zh-hans'])[1 + (random() * 9)::int],
       (array['answered','abandoned','closed','done','booked','walk_in'])[1 + (random() ^ 2 * 5)::int], 'case:' || g
from (select g, (random() * 5.99)::int %% 6 as k, (random() * (%(days)s - 0.01))::int %% %(days)s as d from generate_series(1, %(many)s) g) x
"""
PLAIN = """
select f.at::date, count(*), sum(quantity), avg(wait_seconds) from worklog_fact f
where contract_id = %(contract)s and kind = 'reception.served' and at >= %(first)s::date::timestamp at time zone 'Asia/Tokyo'
  and at < (%(first)s::date + 31)::timestamp at time zone 'Asia/Tokyo' group by 1
"""


def _places(contract: Any) -> dict[str, Any]:
    """The contract, two of its places and six of its procedures, as GROW wants them."""
    sites = [site.code for site in contract.profile.sites]
    return {"contract": contract.pk, "near": sites[0], "far": sites[-1], "procedures": [one.code for one in contract.profile.procedures][:6]}


def _grow(c: psycopg.Connection, contract: Any, first: dt.date, days: int, many: int) -> None:
    while many > 0:
        part = min(STEP, many)
        c.execute(GROW, {**_places(contract), "first": first, "days": days, "many": part})
        many -= part
    c.execute("vacuum analyze worklog_fact")


def _time(deed: Callable[[], object]) -> float:
    taken = []
    for n in range(SAMPLE + 3):
        start = time.perf_counter()
        deed()
        if n >= 3:
            taken.append((time.perf_counter() - start) * 1000)
    return round(percentile(sorted(taken), 0.5), 2)


def _read(contract: Any, c: psycopg.Connection) -> dict[str, float]:
    from madoguchi.domain.reports.queries import Period, behind, figures, table
    from madoguchi.ground.contracts.tenancy import contract_scope

    period = Period(MONTH, MONTH + dt.timedelta(days=30))

    def listed() -> None:
        from madoguchi.domain.reports.measures import MEASURES

        with contract_scope(contract):
            list(behind(MEASURES["served"], period, {"site": contract.profile.sites[-1].code})[:50])

    return {
        "report_ms": _report(contract),
        "by_day_ms": _time(lambda: table(contract, ["served", "visit_wait", "visit_handle"], period, ["day"])),
        "by_hour_ms": _time(lambda: table(contract, ["served", "visit_wait"], period, ["hour"])),
        "answer_rate_ms": _time(lambda: figures(contract, ["answer_rate"], period)),
        "percentiles_ms": _time(lambda: table(contract, ["visit_wait_90", "answered_in_20"], period, ["day"])),
        "records_ms": _time(listed),
        "plain_sum_ms": _time(lambda: c.execute(PLAIN, {"contract": contract.pk, "first": MONTH}).fetchall()),
    }


def _report(contract: Any) -> float:
    """Milliseconds for the monthly report of MONTH from nothing: made, signed, its Excel and its PDF; the median of five, each taken back."""
    from django.db import transaction

    from madoguchi.domain.reports.contents import content_of
    from madoguchi.domain.reports.printed import pdf_of
    from madoguchi.domain.reports.services import documents, forms
    from madoguchi.ground.accounts.models import User
    from madoguchi.ground.contracts.tenancy import contract_scope
    from madoguchi.ground.kit.actors import SYSTEM
    from madoguchi.ground.kit.clock import JST

    now = dt.datetime.combine(MONTH + dt.timedelta(days=34), dt.time(10), JST)
    taken = []
    for _ in range(6):
        with contract_scope(contract):
            who = {"user": User.objects.get(email="manager@measures.example.jp"), "by": SYSTEM, "now": now}
            begun = time.perf_counter()
            report = documents.make(contract, "monthly", MONTH, by=SYSTEM, now=now)
            for passage in content_of(contract, report)["passages"]:
                if not passage["text"]:
                    documents.write(contract, report.pk, passage["code"], "特になし", **who)
            report = documents.sign(contract, report.pk, **who)
            forms.workbook(contract, report)
            pdf_of(contract, report)
            taken.append((time.perf_counter() - begun) * 1000)
            transaction.set_rollback(True)
    return round(percentile(sorted(taken[1:]), 0.5), 2)


def _marks(contract: Any) -> dict[str, Any]:
    """What marks cost who writes: milliseconds of the trigger in a statement that writes so many facts, as PostgreSQL tells them."""
    from django.db import connection, transaction

    from madoguchi.ground.contracts.tenancy import contract_scope

    found: dict[str, Any] = {}
    for facts in (1, 30):
        values = {**_places(contract), "first": MONTH + dt.timedelta(days=40), "days": 1, "many": facts}
        trigger, whole = [], []
        with contract_scope(contract), connection.cursor() as cursor:
            for _ in range(400):
                cursor.execute("explain (analyze, buffers off) " + GROW, values)
                told = "\n".join(line for (line,) in cursor.fetchall())
                trigger.append(float(re.findall(r"Trigger touch_on_insert: time=([0-9.]+)", told)[0]))
                whole.append(float(re.findall(r"Execution Time: ([0-9.]+)", told)[0]))
            transaction.set_rollback(True)
        found[f"{facts}_facts"] = {"trigger_ms": round(percentile(sorted(trigger), 0.5), 3), "statement_ms": round(percentile(sorted(whole), 0.5), 3)}
    return found


def main(exponents: list[int], busy: bool) -> None:
    """Grow and measure, a busy month too unless told otherwise; the administrator's address of the database is in ``BENCH_ADMIN``."""
    import django

    django.setup()
    from madoguchi.domain.reports.models import DayCount, DaySpan
    from madoguchi.domain.reports.services.days import count_days
    from madoguchi.ground.accounts.models import Assignment, Role, User
    from madoguchi.ground.contracts.models import Contract
    from madoguchi.ground.contracts.tenancy import contract_scope

    history, month = Contract.objects.get(code="izumi"), Contract.objects.get(code="nagaoka")
    found: dict[str, Any] = {"machine": describe(), "history": {}, "month": {}} if exponents else json.loads(FIGURES.read_text())
    if exponents and not busy:
        found["month"] = json.loads(FIGURES.read_text())["month"]
    for contract in (history, month):
        user, _ = User.objects.get_or_create(email="manager@measures.example.jp", defaults={"name": "業務責任者"})
        Assignment.objects.create(user=user, contract=contract, role=Role.MANAGER)
    ways = (("history", history), ("month", month)) if busy else (("history", history),)
    with psycopg.connect(os.environ["BENCH_ADMIN"], autocommit=True) as c:
        c.execute("set synchronous_commit = off")
        have = {history.pk: 0, month.pk: 0}
        for exponent in exponents:
            upto = 10**exponent
            for name, contract in ways:
                more = upto - have[contract.pk]
                if name == "history":
                    if not have[contract.pk]:
                        _grow(c, contract, MONTH, 31, SMALL_MONTH)
                        more -= SMALL_MONTH
                    _grow(c, contract, MONTH - dt.timedelta(days=900), 900, more)
                else:
                    _grow(c, contract, MONTH, 31, more)
                have[contract.pk] = upto
                start = time.perf_counter()
                days = count_days(contract)
                seconds = round(time.perf_counter() - start, 2)
                c.execute("vacuum analyze reports_daycount, reports_dayspan, worklog_touchedday")
                with contract_scope(contract):
                    rows = {"counts": DayCount.objects.count(), "spans": DaySpan.objects.count()}
                found[name][f"1e{exponent}"] = {"counted_days": days, "counting_s": seconds, **rows, **_read(contract, c)}
                print(name, f"1e{exponent}", json.dumps(found[name][f"1e{exponent}"]), flush=True)
    found["marks"] = _marks(history)
    if exponents:
        for name, _ in ways:
            steps = list(found[name].values())
            found[name]["ratio_last_to_first"] = {
                key: round(steps[-1][key] / steps[0][key], 2) for key in steps[0] if key.endswith("_ms")
            }
    print(json.dumps({"marks": found["marks"], **{name: found[name]["ratio_last_to_first"] for name in ("history", "month") if found[name]}}))
    FIGURES.write_text(json.dumps(found, indent=1) + "\n")


def run(exponents: list[str]) -> int:
    """Make the database and measure in a process with production settings."""
    program = embedded()
    server: Server = program.start()
    try:
        fresh(server)
        program.start()
        env = environment(server) | {"BENCH_ADMIN": dsn_of(server, DATABASE), "MADOGUCHI_PROFILES": str(ROOT / "profiles"), "PYTHONPATH": str(ROOT)}
        for command in (["-m", "madoguchi", "migrate"], ["-m", "benchmarks.measures", "--inside", *exponents]):
            subprocess.run([sys.executable, *command], cwd=ROOT, env=env, check=True)
    finally:
        program.stop()
    return 0


if __name__ == "__main__":
    if "--inside" in sys.argv:
        main([int(one) for one in sys.argv[2:] if one.isdecimal()], "history" not in sys.argv)
    else:
        sys.exit(run([] if sys.argv[1:] == ["marks"] else sys.argv[1:] or ["5", "6"]))
