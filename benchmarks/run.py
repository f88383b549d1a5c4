"""``python -m benchmarks.run``: limits, program, rush, age, growth in one run; prints one table, writes ``results.json``.

Exit code 1 when something that must never happen happened (oversold, lost, counters that differ from rows, answers that are
errors); a missed speed target is printed and does not fail the command, because the machine may be somebody else's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
import traceback
from collections.abc import Callable

from . import age, database, growth, limits, machine, report, rush
from .age import Age
from .program import ROOT, Program, free_port
from .report import Result
from .rush import Rush
from .scene import RUSH_MONTHS
from .slices import Load, LoadError, Store, ratio_by_round, summarise

CLIENTS = (1, 8, 32, 64, 128)
HOT, WIDE = "bookings, one hot slot", "bookings, 1,000 slots"
MONTH, SAME = "month calendar", "month calendar, 304"
L_HOT, L_WIDE = "limit: pgbench claim, one row", "limit: pgbench claim, 1,000 rows"
L_MONTH, L_SAME = "limit: nginx, same bytes", "limit: nginx 304"
PROBE = "fsync of 8 kB"


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog="benchmarks.run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="rounds of all slices (default 4)")
    parser.add_argument(
        "--growth", type=int, default=6, choices=(0, 4, 5, 6, 7), help="grow history to 10^N bookings; 0 leaves it out"
    )
    parser.add_argument(
        "--clients", type=int, nargs="+", default=list(CLIENTS), help="numbers of clients (default: %(default)s)"
    )
    parser.add_argument(
        "--gate", type=float, default=2.0, help="seconds to wait for an idle machine before each slice (default 3)"
    )
    parser.add_argument("--nice", type=int, default=0, help="priority of all that is measured, e.g. -15 as root")
    return parser.parse_args(given)


def measure_rounds(
    options: argparse.Namespace, store: Store, claims: limits.Claims, program: Program, nginx: limits.Nginx
) -> None:
    """All slices of limits and program, in alternating order."""

    def probe() -> Load:
        flushes = machine.probe_fsync(database.WORK)
        return Load(flushes.rate, flushes.p50, flushes.p50, flushes.p99, flushes.p99)

    work: list[tuple[str, Callable[[], None]]] = [(PROBE, lambda: _keep(store, PROBE, 1, probe))]
    for clients in options.clients:
        n = clients
        work += [
            (L_HOT, lambda n=n: _keep(store, L_HOT, n, lambda: claims.take(1, n))),
            (HOT, lambda n=n: _keep(store, HOT, n, lambda: program.take_hot(n))),
            (L_WIDE, lambda n=n: _keep(store, L_WIDE, n, lambda: claims.take(1000, n))),
            (WIDE, lambda n=n: _keep(store, WIDE, n, lambda: program.take_wide(n))),
        ]
        if n != 64:
            work += [
                (L_MONTH, lambda n=n: _keep(store, L_MONTH, n, lambda: nginx.take(n))),
                (MONTH, lambda n=n: _keep(store, MONTH, n, lambda: program.take_calendar(n))),
            ]
    work += [
        (L_SAME, lambda: _keep(store, L_SAME, 32, lambda: nginx.take(32, unchanged=True))),
        (SAME, lambda: _keep(store, SAME, 32, lambda: program.take_calendar(32, unchanged=True))),
    ]
    store.rounds(work, options.rounds)


def _keep(store: Store, name: str, clients: int, run: Callable[[], Load]) -> None:
    store.take(name, clients, run)


def measure_growth(program: Program, most: int) -> list[dict[str, object]]:
    """Times at 10^4 … 10^most bookings of history, one object each."""
    env = {**program.env, "BENCH_ADMIN": program.dsn}
    exponents = [str(n) for n in range(4, most + 1)]
    found = []
    with subprocess.Popen(
        [sys.executable, "-m", growth.__name__, *exponents], cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE
    ) as p:
        assert p.stdout
        for line in p.stdout:
            print(f"  {line.strip()}", flush=True)
            found.append(json.loads(line))
    if p.returncode:
        raise LoadError(f"the growth measurement ended with code {p.returncode}")
    return found


def rows_of_rates(store: Store, clients: list[int]) -> list[Result]:
    """Limits and program with ratios: like with like at each number of clients, and the agreed pairs with their targets."""
    rows: list[Result] = []
    probe = summarise(store, PROBE, 1)
    if probe:
        rows.append(report.of_summary(probe, "flushes/s"))
    for name, limit, unit in (
        (HOT, L_HOT, "bookings/s"),
        (WIDE, L_WIDE, "bookings/s"),
        (MONTH, L_MONTH, "reads/s"),
        (SAME, L_SAME, "reads/s"),
    ):
        for who in (limit, name):
            for n in clients:
                summary = summarise(store, who, n)
                if summary is None:
                    continue
                versus = ratio = None
                if who == name:
                    versus, ratio = f"{limit}, {n} clients", ratio_by_round(store, (name, n), (limit, n))
                rows.append(report.of_summary(summary, unit, versus=versus or "", ratio=ratio))
    pairs = (
        ("target: one hot slot ÷ pgbench", HOT, 64, L_HOT, 32, ">= 2.0"),
        ("target: 1,000 slots ÷ pgbench", WIDE, 64, L_WIDE, 32, ">= 0.35"),
        ("target: month calendar ÷ nginx", MONTH, 32, L_MONTH, 32, ">= 0.45"),
        ("target: month calendar 304 ÷ nginx 304", SAME, 32, L_SAME, 32, ">= 0.4"),
    )
    for label, name, n, limit, m, target in pairs:
        summary = summarise(store, name, n)
        if summary is not None:
            ratio = ratio_by_round(store, (name, n), (limit, m))
            unit = "bookings/s" if name in (HOT, WIDE) else "reads/s"
            rows.append(report.of_summary(summary, unit, versus=f"{limit}, {m} clients", ratio=ratio, target=target))
            rows[-1] = Result(**{**rows[-1].__dict__, "name": label})
    return rows


def rows_of_rush(runs: list[Rush], reads_limit: float | None) -> list[Result]:
    """Medians over the runs of the rush; sums of what must be zero."""
    if not runs:
        return []
    at, n = report.now(), rush.CONNECTIONS

    def middle(values: list[float]) -> float:
        return round(statistics.median(values), 2)

    sold_out = [r.sold_out for r in runs]
    rates = middle([r.load.counts["reads"] / r.load.seconds for r in runs])
    done = None if None in sold_out else middle([s for s in sold_out if s is not None])
    more = {k: middle([getattr(r.load, k) for r in runs]) for k in ("p50", "p95", "p99")}
    more["runs"] = len(runs)
    errors = sum(r.load.errors + r.load.counts["busy"] for r in runs)
    return [
        Result("rush: time to sell out 9,600 places", done, "s", target="<= 8", clients=n, at=at, more={"sold": [r.sold for r in runs]}),
        Result("rush: p99 of all requests", more["p99"], "ms", target="<= 200", clients=n, at=at, more=more),
        Result("rush: errors (no answer, wrong answer, 5xx)", errors, "answers", target="== 0", clients=n, at=at),
        Result("rush: oversold places", sum(r.oversold for r in runs), "places", target="== 0", clients=n, at=at),
        Result(
            "rush: month calendar meanwhile", rates, "reads/s", versus=f"{L_MONTH}, 32 clients" if reads_limit else "",
            ratio=round(rates / reads_limit, 3) if reads_limit else None, clients=n, at=at,
        ),
        Result("memory of all web processes in the rush", middle([r.proportional for r in runs]), "MB", target="<= 300", clients=n, at=at,
               more={"resident": middle([r.resident for r in runs])}),
    ]  # fmt: skip


def rows_of_age(found: Age | None) -> list[Result]:
    """Age of the calendar."""
    if found is None:
        return []
    more = {"p50": found.p50, "longest": found.longest, "samples": found.samples, "processes": found.processes}
    return [
        Result(
            "age of the calendar for every reader, p99",
            found.p99,
            "ms",
            target="<= 1000",
            clients=age.READERS,
            at=report.now(),
            more=more,
        )
    ]


def rows_of_growth(found: list[dict[str, object]]) -> list[Result]:
    """p50 at each size, and the ratio of the largest to the smallest."""
    rows = []
    if not found:
        return rows
    at = report.now()
    for name in [k for k, v in found[0].items() if isinstance(v, list)]:
        first = found[0][name][0]  # type: ignore[index]
        for step in found:
            p50, p95 = step[name]  # type: ignore[misc]
            size = f"{step['history']:,}"
            last = step is found[-1] and len(found) > 1
            rows.append(
                Result(
                    f"growth: {name}, {size} bookings", p50, "ms p50",
                    versus=f"{found[0]['history']:,} bookings" if step is not found[0] else "",
                    ratio=round(p50 / first, 2) if step is not found[0] else None,
                    target="<= 1.5" if last else "", clients=1, at=at, more={"p95_ms": p95},
                )
            )  # fmt: skip
    return rows


def rows_of_peers(store: Store) -> list[Result]:
    """The program over the peers' last figures, with their date."""
    found = report.peers()
    orders = [r for r in found if r["unit"] == "orders/s" and r["clients"] and r.get("spread")]
    reads = [r for r in found if r["unit"] == "reads/s"]
    rows = [
        Result(
            f"peer: {r['name']}",
            r["value"],
            r["unit"],
            clients=r["clients"],
            at=r["at"],
            more={k: r[k] for k in ("p50", "p95", "p99") if k in r},
        )
        for r in found
        if r["unit"] in ("orders/s", "reads/s", "places")
    ]
    for name, clients, theirs, target, label in (
        (WIDE, 64, orders, ">= 100", "target: bookings ÷ pretix orders"),
        (MONTH, 32, reads, ">= 200", "target: calendar ÷ pretix's best calendar"),
    ):
        summary = summarise(store, name, clients)
        if summary and theirs:
            best = max(theirs, key=lambda r: r["value"])
            versus = f"{best['name']}, {best['clients']} clients, {best['at'][:10]}"
            rows.append(
                Result(
                    label,
                    summary.rate,
                    "per s",
                    versus,
                    round(summary.rate / best["value"], 1),
                    target,
                    clients,
                    summary.at,
                )
            )
    return rows


def main(given: list[str] | None = None) -> int:
    """Run everything; see the module's text."""
    options = arguments(given)
    try:
        limits.need("wrk", "nginx")
    except limits.Missing as missing:
        print(missing, file=sys.stderr)
        return 2
    started = time.monotonic()
    if options.nice:
        machine.lead_session()
    database.WORK.mkdir(parents=True, exist_ok=True)
    embedded = database.embedded()
    server = embedded.start()
    rows: list[Result] = []
    broken: dict[str, int] = {}
    try:
        database.fresh(server)
        server = embedded.start()
        print(" ".join(f"{k}={v}" for k, v in machine.describe().items()))
        database.warm_log(server)
        claims = limits.Claims(server, embedded.bin)
        program = Program(server)
        program.build()
        before = program.sizes()
        runs: list[Rush] = []
        found_age: Age | None = None
        with program:
            body = program.get(program.calendar(program.scene.rush[0], "card_pickup"))[2]
            with limits.Nginx(database.WORK / "nginx", free_port(), body) as nginx:
                store = Store(
                    database.WORK / "slices.jsonl", gate=options.gate, nice=options.nice,
                    roots=lambda: [server.pid, program.process.pid, nginx.process.pid],
                )  # fmt: skip
                measure_rounds(options, store, claims, program, nginx)
            after = program.sizes()
            print("rush", flush=True)
            for number in range(RUSH_MONTHS):
                machine.wait_until_idle(options.gate)
                try:
                    runs.append(rush.run(program, number))
                    one = runs[-1]
                    print(
                        f"  sold {one.sold} of {one.places} in {one.sold_out} s, p99 {one.load.p99:.0f} ms, {one.load.counts}, "
                        f"{one.resident:.0f} MB (proportional {one.proportional:.0f})",
                        flush=True,
                    )
                except LoadError as error:
                    print(f"  ! {error}", flush=True)
            print("age of the calendar", flush=True)
            try:
                found_age = age.run(program)
                print(f"  {found_age}", flush=True)
            except (RuntimeError, OSError):
                traceback.print_exc()
        broken = program.faults()
        rows += rows_of_rates(store, options.clients)
        month = summarise(store, L_MONTH, 32)
        rows += rows_of_rush(runs, month.rate if month else None) + rows_of_age(found_age)
        if after[0] > before[0]:
            size = round((after[1] - before[1]) / (after[0] - before[0]))
            more = {"bookings": after[0] - before[0]}
            rows.append(
                Result(
                    "bytes per booking with history, audit, fact, mail",
                    size,
                    "bytes",
                    target="<= 2000",
                    at=report.now(),
                    more=more,
                )
            )
        rows += [
            Result(f"proof: {name}", count, "rows", target="== 0", at=report.now()) for name, count in broken.items()
        ]
        if options.growth:
            print("growth", flush=True)
            try:
                database.fresh(server)
                server = embedded.start()
                grown = Program(server)
                grown.build()
                rows += rows_of_growth(measure_growth(grown, options.growth))
            except LoadError as error:
                print(f"  ! {error}", flush=True)
        rows += rows_of_peers(store)
    finally:
        embedded.stop()
    report.write(rows)
    print()
    print(report.table(rows))
    print(f"\n{len(rows)} lines in {report.RESULTS} after {time.monotonic() - started:.0f} s")
    wrong = [r for r in rows if r.met is False and r.target.startswith("==")]
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
