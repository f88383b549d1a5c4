"""Lighthouse on the residents' pages of a fresh demo, as a mobile telephone with a slow line sees them.

``make lighthouse`` runs it and writes ``benchmarks/pages.json``: per page the scores (0–100) of performance, accessibility and best
practices, and the bytes of the first visit, as they are sent by the demo and as gzip makes them. The demo sends nothing compressed and lets
nothing be kept by the browser, so a production site behind its proxy is faster. Exit code 1 when a page misses its limit.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from .program import ROOT, free_port

HERE = Path(__file__).parent
FOLDER = HERE / "lighthouse"
LIMITS = {"performance": 95, "accessibility": 100, "best-practices": 100}
FIRST_PAGE = 60_000
"""Bytes that the first page may need, compressed, without fonts."""
PATIENCE = 300
LINK = """
import django; django.setup()
from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.recipients import manage_path
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
contract = Contract.objects.get(code="hatsukaichi")
with contract_scope(contract):
    coming = Booking.objects.filter(state="booked", has_mail=True, starts_at__gt=clock.now())
    booking = coming.order_by("-starts_at").first()
    print(booking.starts_at.date().isoformat(), manage_path(contract, booking.code))
"""


def main() -> int:
    """Measure; the table goes to standard output."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("chromium-browser"))
    chromium = options.parse_args().chromium
    lighthouse = FOLDER / "node_modules" / ".bin" / "lighthouse"
    if not chromium or not lighthouse.exists():
        print("Chromium or Lighthouse is missing: apt-get install chromium nodejs npm, then make lighthouse", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="madoguchi-pages-") as folder:
        env = {**os.environ, "MADOGUCHI_DATA": folder, "PORT": str(free_port()), "MADOGUCHI_MODE": "demo"}
        log = Path(folder) / "demo.log"
        with log.open("w") as output:
            demo = subprocess.Popen(
                [sys.executable, "-m", "madoguchi", "demo"], cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            _wait(demo, log)
            env["DJANGO_SETTINGS_MODULE"] = "config.settings.demo"
            told = subprocess.run([sys.executable, "-c", LINK], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
            day, link = told.stdout.split()
            site = f"http://127.0.0.1:{env['PORT']}"
            rows = {name: _look(f"{site}{path}", lighthouse, chromium) for name, path in _pages(day, link).items()}
        finally:
            demo.terminate()
            demo.wait(60)
    (HERE / "pages.json").write_text(json.dumps({"limits": LIMITS, "first_page": FIRST_PAGE, "pages": rows}, indent=1) + "\n")
    return _table(rows)


def _pages(day: str, link: str) -> dict[str, str]:
    party = "p=card_pickup,cert_renewal&site=main"
    return {
        "start": "/hatsukaichi/",
        "which": "/hatsukaichi/which/",
        "bring": "/hatsukaichi/bring/?p=card_pickup",
        "who": "/hatsukaichi/book/",
        "month": f"/hatsukaichi/book/when/?{party}",
        "day": f"/hatsukaichi/book/day/?{party}&date={day}",
        "find": "/hatsukaichi/find/",
        "own booking": link,
        "earlier": f"{link}earlier/",
        "privacy": "/hatsukaichi/privacy/",
        "english": "/hatsukaichi/?lang=en",
    }


def _wait(demo: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while "Ctrl+C" not in log.read_text():
        if demo.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"the demo did not come up:\n{log.read_text()[-2000:]}")
        time.sleep(1)


def _look(url: str, lighthouse: Path, chromium: str) -> dict[str, Any]:
    """Scores and bytes of one page; a browser that failed to start is asked again."""
    for _ in range(3):
        done = subprocess.run(
            [
                str(lighthouse), url, "--quiet", "--output=json", f"--only-categories={','.join(LIMITS)}",
                "--chrome-flags=--headless=new --no-sandbox --disable-dev-shm-usage",
            ],
            capture_output=True, text=True, env={**os.environ, "CHROME_PATH": chromium},
        )  # fmt: skip
        if done.returncode == 0:
            break
    else:
        raise SystemExit(f"Lighthouse failed on {url}:\n{done.stderr}")
    told = json.loads(done.stdout)
    asked = [item["url"] for item in told["audits"]["network-requests"]["details"]["items"] if item["url"].startswith("http")]
    bodies = [urllib.request.urlopen(one, timeout=30).read() for one in dict.fromkeys(asked) if "/static/fonts" not in one]
    wrong = [
        audit["id"]
        for audit in told["audits"].values()
        if audit.get("score") is not None and audit["score"] < 0.5 and audit["scoreDisplayMode"] in ("binary", "numeric")
    ]
    return {
        **{name: round(100 * told["categories"][name]["score"]) for name in LIMITS},
        "bytes": sum(map(len, bodies)),
        "compressed": sum(len(gzip.compress(body)) for body in bodies),
        "largest_paint_s": round(told["audits"]["largest-contentful-paint"]["numericValue"] / 1000, 2),
        "wrong": wrong,
    }


def _table(rows: dict[str, dict[str, Any]]) -> int:
    missed = 0
    print(f"{'page':12} {'perf':>5} {'a11y':>5} {'best':>5} {'LCP s':>6} {'bytes':>8} {'gzip':>7}")
    for name, row in rows.items():
        short = any(row[key] < limit for key, limit in LIMITS.items()) or (name == "start" and row["compressed"] > FIRST_PAGE)
        missed += short
        scores = " ".join(f"{row[key]:5}" for key in LIMITS)
        print(f"{name:12} {scores} {row['largest_paint_s']:6} {row['bytes']:8} {row['compressed']:7}{'  MISSED' if short else ''}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
