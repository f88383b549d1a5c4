"""A year of five contracts: is every figure of every monthly report what plain counting says, and how long does a month's closing take?

``python -m benchmarks.year [facts]`` writes about two million facts (or that many) over the open days of the first twelve months of each
contract, into a database of its own, in every kind and outcome that some measure reads, at the contract's own sites and procedures. Then it closes
every month through the services: the report is made, written, signed, handed in and accepted, and the invoice follows. Each figure of each
report is compared with a count over the facts of the month that shares no code with the program (``tests/domain/reports/brute.py``). Writes
``benchmarks/year.json``.

The facts are loaded by one statement instead of through the deeds that note them: a year of deeds would take days. That deeds note the right facts
is shown by ``tests/months``.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import psycopg

from madoguchi.ground.kit.postgres import DATABASE, Server

from .database import dsn_of, embedded, fresh
from .machine import describe, percentile
from .program import ROOT, environment

FIGURES = Path(__file__).parent / "year.json"
FACTS = 2_000_000
LIMIT_SECONDS = 5.0
"""Excel and PDF of a month together."""
LOAD = """
insert into worklog_fact(contract_id, at, site, channel, procedure, actor_kind, kind, quantity, wait_seconds, handle_seconds, language, outcome, ref)
select %(contract)s, (%(days)s::date[])[1 + (r1 * (cardinality(%(days)s::date[]) - 0.001))::int %% cardinality(%(days)s::date[])]::timestamp
         at time zone 'Asia/Tokyo'
         + make_interval(secs => 30600 + (r2 * 30600)::int),
       (%(sites)s::text[])[1 + (r3 ^ 2 * (cardinality(%(sites)s::text[]) - 0.001))::int %% cardinality(%(sites)s::text[])],
       (array['counter','phone','web'])[1 + (r4 * 2.99)::int %% 3],
       (%(procedures)s::text[])[1 + (r5 ^ 2 * (cardinality(%(procedures)s::text[]) - 0.001))::int %% cardinality(%(procedures)s::text[])],
       (array['counter','call_centre','citizen','system'])[1 + (r4 * 3.99)::int %% 4], split_part(pair, '|', 1),
       case when r6 < 0.02 then -1 when r6 < 0.1 then 2 else 1 end,
       case when r7 < 0.9 then (r2 ^ 2 * 1800)::int end, case when r8 < 0.9 then 30 + (r3 * 900)::int end,
       (array['ja','ja','ja','ja','ja','ja','ja','en','vi','zh-hans'])[1 + (r8 * 9.99)::int %% 10], split_part(pair, '|', 2), 'case:' || g
from (select g, random() r1, random() r2, random() r3, random() r4, random() r5, random() r6, random() r7, random() r8,
             (%(pairs)s::text[])[1 + (random() * (cardinality(%(pairs)s::text[]) - 0.001))::int %% cardinality(%(pairs)s::text[])] as pair
      from generate_series(1, %(many)s::int) g) x
"""


def pairs() -> list[str]:
    """``kind|outcome`` that some measure reads, and each kind with an outcome that none names."""
    from madoguchi.domain.reports.measures import MEASURES

    found = set()
    for measure in MEASURES.values():
        for term in (measure.top, measure.bottom):
            for kind in term.facts.kinds if term is not None else ():
                plain = kind.replace("*", "made")
                found |= {f"{plain}|{outcome}" for outcome in ("", "other", *term.facts.outcomes, *term.facts.without)}
    return sorted(found)


def months(contract: Any) -> list[Any]:
    """The first twelve months of a contract's service, fewer when it is shorter."""
    from madoguchi.domain.reports.periods import month_of

    term, found = contract.profile.term, []
    month = month_of(term.service_from)
    while len(found) < 12 and month.first <= term.service_to:
        found.append(month)
        month = month_of(month.last + dt.timedelta(days=1))
    return found


def load(c: psycopg.Connection, contract: Any, many: int) -> int:
    """Facts of one contract over its open days; on how many days."""
    from madoguchi.ground.contracts.queries import business_days
    from madoguchi.ground.contracts.tenancy import contract_scope

    year = months(contract)
    with contract_scope(contract):
        days = business_days(contract, year[0].first, year[-1].last)
    profile = contract.profile
    values = {
        "contract": contract.pk, "days": days, "sites": ["", *(one.code for one in profile.sites)], "pairs": pairs(),
        "procedures": ["", *(one.code for one in profile.procedures)],
    }  # fmt: skip
    c.execute("select setseed(0.5)")
    for begin in range(0, many, 100_000):
        c.execute(LOAD, {**values, "many": min(100_000, many - begin)})
    return len(days)


def compared(contract: Any, content: dict[str, Any], period: Any) -> tuple[int, list[str]]:
    """How many figures of a content were compared with the count over the facts of its period, and those that differ."""
    from madoguchi.domain.reports.measures import MEASURES
    from madoguchi.ground.contracts.tenancy import contract_scope
    from madoguchi.ground.worklog.models import Fact
    from tests.domain.reports import brute

    begin, end = period.moments
    groups = defaultdict(list)
    with contract_scope(contract):
        for fact in Fact.objects.filter(at__gte=begin, at__lt=end).iterator():
            groups[fact.kind, fact.outcome].append(fact)
    count, wrong = 0, []
    for section in content["sections"]:
        for n, column in enumerate(section["columns"]):
            measure = MEASURES[column["measure"]]
            asked = [term.facts for term in (measure.top, measure.bottom) if term is not None]
            facts = [fact for group in groups.values() if any(brute.holds(one, group[0]) for one in asked) for fact in group]
            by = section["by"]
            expected = {key[0]: told for key, told in brute.by(measure, facts, [by]).items()} if by else {}
            cells = {row["key"]: row["cells"][n] for row in section["rows"]}
            nobody = (0, 0, None) if measure.additive else (None, 0, 0)
            places = [(key, cells.get(key), expected.get(key, nobody)) for key in {*cells, *expected}]
            for key, cell, told in [("", section["totals"][n], brute.said(measure, facts)), *places]:
                count += 1
                if cell is None or (cell["value"], cell["top"], cell["bottom"]) != told:
                    wrong.append(f"{contract.code} {period.first} {measure.code} {by}={key}: {cell} is not {told}")
    return count, wrong


def close(contract: Any, period: Any, hand: dict[str, Any]) -> dict[str, Any]:
    """Close one month through the services; what it took, and what was wrong."""
    from madoguchi.domain.reports.contents import content_of, digest_of
    from madoguchi.domain.reports.printed import pdf_of
    from madoguchi.domain.reports.services import documents, forms
    from madoguchi.ground.contracts.tenancy import contract_scope
    from madoguchi.ground.kit.clock import JST

    now = dt.datetime.combine(period.last + dt.timedelta(days=3), dt.time(10), JST)
    who = {**hand, "now": now}
    begun = time.perf_counter()
    report = documents.make(contract, "monthly", period.first, by=who["by"], now=now)
    with contract_scope(contract):
        content = content_of(contract, report)
        for passage in content["passages"]:
            if not passage["text"]:
                documents.write(contract, report.pk, passage["code"], "特になし", **who)
        report = documents.sign(contract, report.pk, **who)
        signed = time.perf_counter() - begun
        begun = time.perf_counter()
        book = forms.workbook(contract, report)
        excel = time.perf_counter() - begun
        begun = time.perf_counter()
        paper = pdf_of(contract, report)
        pdf = time.perf_counter() - begun
        same = book == forms.workbook(contract, report) and paper == pdf_of(contract, report)
        documents.submit(contract, report.pk, **who)
        documents.accept(contract, report.pk, **who)
        count, wrong = compared(contract, report.content, period)
        again = digest_of({**content_of(contract, report), "passages": []}) == digest_of({**content, "passages": []})
    return {"sign_s": signed, "excel_s": excel, "pdf_s": pdf, "compared": count, "wrong": wrong, "same_bytes": same, "same_figures": again}


def main(many: int) -> int:
    """Load, close every month, compare; the administrator's address of the database is in ``BENCH_ADMIN``."""
    import django

    django.setup()
    from madoguchi.domain.billing.models import Invoice
    from madoguchi.domain.reports.services.days import count_days
    from madoguchi.ground.accounts.models import Assignment, Role, User
    from madoguchi.ground.contracts.models import Contract
    from madoguchi.ground.contracts.tenancy import contract_scope
    from madoguchi.ground.kit.actors import SYSTEM

    found: dict[str, Any] = {"machine": describe(), "contracts": {}}
    closed, wrong = [], []
    contracts = list(Contract.objects.order_by("code"))
    with psycopg.connect(os.environ["BENCH_ADMIN"], autocommit=True) as c:
        c.execute("set synchronous_commit = off")
        for contract in contracts:
            begun = time.perf_counter()
            days = load(c, contract, many // len(contracts))
            loaded = time.perf_counter() - begun
            begun = time.perf_counter()
            count_days(contract)
            counted = time.perf_counter() - begun
            c.execute("vacuum analyze worklog_fact, reports_daycount, reports_dayspan, worklog_touchedday")
            user = User.objects.create_user(f"manager.{contract.code}@year.example.jp", None, name="業務責任者")
            Assignment.objects.create(user=user, contract=contract, role=Role.MANAGER)
            mine = [close(contract, period, {"user": user, "by": SYSTEM}) for period in months(contract)]
            with contract_scope(contract):
                invoices = Invoice.objects.count()
            closed += mine
            wrong += [one for month in mine for one in month["wrong"]]
            found["contracts"][contract.code] = {
                "facts": many // len(contracts), "open_days": days, "months": len(mine), "invoices": invoices, "load_s": round(loaded, 1),
                "count_days_s": round(counted, 1), "figures_compared": sum(one["compared"] for one in mine),
                "figures_wrong": sum(len(one["wrong"]) for one in mine),
            }  # fmt: skip
            print(contract.code, json.dumps(found["contracts"][contract.code]), flush=True)
    both = sorted(one["excel_s"] + one["pdf_s"] for one in closed)
    found["month"] = {
        "closed": len(closed), "same_bytes_twice": all(one["same_bytes"] for one in closed), "same_figures_twice": all(one["same_figures"] for one in closed),
        "excel_and_pdf_p50_s": round(percentile(both, 0.5), 2), "excel_and_pdf_max_s": round(both[-1], 2), "limit_s": LIMIT_SECONDS,
        "sign_max_s": round(max(one["sign_s"] for one in closed), 2),
    }  # fmt: skip
    print("\n".join(wrong[:20]))
    print(json.dumps(found["month"]))
    FIGURES.write_text(json.dumps(found, indent=1) + "\n")
    return 1 if wrong or not all(one["same_bytes"] and one["same_figures"] for one in closed) else 0


def run(many: int) -> int:
    """Make the database and close the year in a process with production settings."""
    program = embedded()
    server: Server = program.start()
    try:
        fresh(server)
        program.start()
        env = environment(server) | {"BENCH_ADMIN": dsn_of(server, DATABASE), "MADOGUCHI_PROFILES": str(ROOT / "profiles"), "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-m", "madoguchi", "migrate"], cwd=ROOT, env=env, check=True)
        return subprocess.run([sys.executable, "-m", "benchmarks.year", "--inside", str(many)], cwd=ROOT, env=env, check=False).returncode
    finally:
        program.stop()


if __name__ == "__main__":
    if "--inside" in sys.argv:
        sys.exit(main(int(sys.argv[-1])))
    sys.exit(run(int(sys.argv[1]) if sys.argv[1:] else FACTS))
