"""``python -m benchmarks.pop``: how soon after the first ring an operator sees who calls; writes ``benchmarks/pop.json``.

A fresh demo (three months of bookings, weeks of calls) with its exchange, real SIP calls from numbers of residents with bookings, from strange and from
withheld numbers, and the operator's page in Chromium. From the page's ``call:ringing`` (the tone begins with it) until the caller's bookings and
records are painted. Browser, web server, database, exchange and callers share this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import ipaddress
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

from madoguchi.voice.sip.endpoint import Endpoint, open_endpoint
from madoguchi.voice.sip.messages import format_addr

from . import report
from .machine import percentile
from .pages import _wait
from .program import ROOT, free_port
from .report import Result
from .slices import HERE
from .voice import Ear

RESULTS = HERE / "pop.json"
LIMIT_MS = 300
SERVICE = "0120000000"
BEGIN = dt.datetime.fromisoformat("2026-11-02T09:30:00+09:00")
"""A Monday on which the call centre is open."""
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
WATCH = """
window.pops = [];
document.addEventListener("call:ringing", (event) => {
  const began = performance.now(), before = document.querySelector("[data-popped]");
  const look = () => {
    const now = document.querySelector("[data-popped]");
    if (!now || now === before) return requestAnimationFrame(look);
    requestAnimationFrame(() => window.pops.push({ call: event.detail.call, ms: performance.now() - began, bookings: now.querySelectorAll("li a").length }));
  };
  look();
}, true);
"""
NUMBERS = """
import django; django.setup()
from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.queries.desk import unseal_contact
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.privacy.sealing import keyring
contract = Contract.objects.get(code="hatsukaichi")
with contract_scope(contract):
    rows = Booking.objects.filter(state="booked", starts_at__gt=clock.now()).exclude(contact=None)[:200]
    print(*sorted({unseal_contact(keyring(contract), row).phone for row in rows} - {""}))
"""


def press(ear: Ear, key: int, kind: int) -> None:
    """A key by RFC 4733: all packets of one press share its time."""
    stamp = 160 * (ear.sequence + 1)
    for n in range(8):
        ear.sequence += 1
        head = struct.pack("!BBHII", 0x80, kind | (0x80 if n == 0 else 0), ear.sequence & 0xFFFF, stamp, 7)
        ear.socket.sendto(head + struct.pack("!BBH", key, 0x8A if n >= 5 else 0x0A, 160 * min(n + 1, 5)), ear.to)


async def one(net: Endpoint, exchange: tuple[str, int], page: Page, number: str, done: int) -> dict[str, Any]:
    """One call until its caller is on the page; then it is taken and ended. What the page measured."""
    ear = Ear()
    call = net.call(f"sip:{SERVICE}@{format_addr(*exchange)}", exchange, number=number or "anonymous", rtp=ear.socket.getsockname())
    answered = asyncio.get_running_loop().create_future()
    call.on_answer = lambda media: answered.done() or answered.set_result(media)  # type: ignore[assignment, return-value]
    call.begin()
    try:
        media = await asyncio.wait_for(answered, 20)
        ear.to = media.address
        await asyncio.sleep(1)
        press(ear, 1, media.events)
        await page.wait_for_function("n => window.pops.length > n", arg=done, timeout=60_000)
        await page.keyboard.press("F2")
        await page.locator("[data-softphone][data-phase=talking]").wait_for()
    finally:
        call.hang_up()
        ear.close()
    await page.locator("[data-softphone][data-phase=wrapup]").wait_for()
    await page.locator("[data-softphone] [data-phone-do=ready]").click()
    await page.locator("[data-softphone][data-phase=ready]").wait_for()
    return dict((await page.evaluate("window.pops"))[-1], known=bool(number))


async def measure(site: str, exchange: tuple[str, int], numbers: list[str], chromium: str) -> list[dict[str, Any]]:
    """The operator signs in and takes a call from each number, one after another."""
    net, wire = await open_endpoint(("127.0.0.1", 0), trunks=(ipaddress.ip_network("127.0.0.0/8"),))
    found = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = await (await browser.new_context(viewport={"width": 1280, "height": 800}, locale="ja-JP")).new_page()
        await page.add_init_script(WATCH)
        await page.goto(f"{site}/demo/")
        await page.locator('button[value="operator.hatsukaichi@demo.example.jp"]').click()
        await page.goto(f"{site}/staff/hatsukaichi/desk/call/")
        await page.get_by_role("button", name="電話を始める").click()
        await page.get_by_role("button", name="受付可にする").click()
        await page.locator("[data-softphone][data-phase=ready]").wait_for()
        for number in numbers:
            found.append(await one(net, exchange, page, number, len(found)))
            print(f"{len(found)} of {len(numbers)}: {found[-1]['ms']:.0f} ms, {found[-1]['bookings']} bookings", flush=True)
        await browser.close()
    net.close()
    wire.close()
    return found


def main(given: list[str] | None = None) -> int:
    """Measure, write, print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.pop", description=__doc__)
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("chromium-browser"))
    options = parser.parse_args(given)
    if not options.chromium:
        print("Chromium is missing: apt-get install chromium", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="madoguchi-pop-") as folder:
        env = {**os.environ, "MADOGUCHI_DATA": folder, "PORT": str(free_port()), "MADOGUCHI_MODE": "demo"}
        (Path(folder) / "clock-offset").write_text(str((BEGIN - dt.datetime.now(dt.UTC)).total_seconds()))
        log = Path(folder) / "demo.log"
        with log.open("w") as output:
            demo = subprocess.Popen([sys.executable, "-m", "madoguchi", "demo"], cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait(demo, log)
            env["DJANGO_SETTINGS_MODULE"] = "config.settings.demo"
            told = subprocess.run([sys.executable, "-c", NUMBERS], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
            known = told.stdout.split()
            numbers = [("" if n % 10 == 9 else f"0903333{n:04}" if n % 4 == 3 else known[n % len(known)]) for n in range(options.calls)]
            exchange = ("127.0.0.1", int((Path(folder) / "exchange.port").read_text()))
            flow = Path(folder) / "voice" / "hatsukaichi" / "flow.json"
            asyncio.run(_ready(flow))
            pops = asyncio.run(measure(f"http://127.0.0.1:{env['PORT']}", exchange, numbers, options.chromium))
        finally:
            demo.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                demo.wait(60)
    times = sorted(one["ms"] for one in pops)
    share = {f"p{n}": round(percentile(times, n / 100), 1) for n in (50, 95, 99)}
    row = Result(
        "operator's page: from the first ring to the caller's bookings and records", share["p95"], "ms (p95)", target=f"<= {LIMIT_MS}", at=report.now(),
        more={**share, "calls": len(pops), "longest": round(times[-1], 1), "with_bookings": sum(one["bookings"] > 0 for one in pops)},
    )  # fmt: skip
    report.write([row], RESULTS)
    print(report.table([row]))
    print(json.dumps(row.as_dict(), ensure_ascii=False))
    return 0


async def _ready(flow: Path) -> None:
    async with asyncio.timeout(300):
        while not flow.exists():
            await asyncio.sleep(0.5)
        await asyncio.sleep(3)


if __name__ == "__main__":
    raise SystemExit(main())
