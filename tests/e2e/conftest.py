"""A real installation for real browsers: database, web server, worker and mailbox as processes, at a moment of our own.

The installation is the demo without its three months of bookings. Its clock starts on Monday 2 November 2026, 9:00 in Japan.
Chromium comes from the system; where it is missing the journeys are skipped, except under ``CI``. ``E2E_AGAINST=folder`` walks
through an installation that already runs: the folder is its data, with its address in the file ``address``.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.postgres import EmbeddedPostgres

from .. import database
from ..crash.house import share_speech
from .journey import ROOT, Installation

BEGIN = dt.datetime(2026, 11, 2, 9, 0, tzinfo=JST)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--lang=ja-JP",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--autoplay-policy=no-user-gesture-required",
]
STAFF = """
import django; django.setup()
from madoguchi.ground.accounts.demo import make_demo_staff
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import clock
make_demo_staff(list(Contract.objects.all()), clock.now())
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every journey is marked, and runs in the one worker that holds the installation."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.xdist_group("e2e"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path:
        return path
    message = "Chromium is missing: apt-get install chromium, or set CHROMIUM to its path"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def installation(chromium: str, tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Installation]:
    """The five contracts served on a free port, with worker and mailbox."""
    if os.environ.get("E2E_AGAINST"):
        data = Path(os.environ["E2E_AGAINST"])
        yield Installation((data / "address").read_text().strip(), data)
        return
    with house(tmp_path_factory.mktemp("installation"), BEGIN, "exchange", "worker") as found:
        yield found


@contextmanager
def house(data: Path, begin: dt.datetime, *programs: str, **environment: str) -> Iterator[Installation]:
    """An installation in a folder of its own, whose clock starts at ``begin``: mailbox and web server, and of ``exchange`` and ``worker`` what is named.

    The others can be started later.
    """
    port, smtp, sip, door = (_free_port() for _ in range(4))
    url = f"http://127.0.0.1:{port}"
    env = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "MADOGUCHI_")) and k != "DATABASE_URL"}
    env |= {
        "MADOGUCHI_MODE": "demo",
        "DJANGO_SETTINGS_MODULE": "config.settings.demo",
        "MADOGUCHI_DATA": str(data),
        "MADOGUCHI_URL": url,
        "MADOGUCHI_SMTP": f"smtp://127.0.0.1:{smtp}",
        "MADOGUCHI_MAIL_FROM": "yoyaku@madoguchi.example",
        "MADOGUCHI_VOICE_SECRET": "the secret of a test that nobody keeps",
        "MADOGUCHI_VOICE_DOOR": f"ws://127.0.0.1:{door}/",
        **environment,
    }
    share_speech(data)
    log = (data / "log.txt").open("wb")
    madoguchi = [sys.executable, "-m", "madoguchi"]
    commands = {
        "mailbox": [*madoguchi, "mailbox", "--port", str(smtp)],
        "worker": [*madoguchi, "worker"],
        "exchange": [
            sys.executable, "-m", "madoguchi.voice", "--folder", str(data / "voice"), "--bind", "127.0.0.1", "--port", str(sip),
            "--trunk", "127.0.0.0/8", "--door-port", str(door), "--clock-offset-file", str(data / "clock-offset"), "--drain", "2",
        ],
        "web": [*madoguchi, "serve", "--port", str(port), "--workers", "1", "--threads", "16"],
    }  # fmt: skip
    running: dict[str, subprocess.Popen[bytes]] = {}

    def start(what: str) -> None:
        running[what] = subprocess.Popen(commands[what], cwd=ROOT, env=env, stderr=log, stdout=log)

    def restart_web() -> None:
        for process in psutil.Process(running["web"].pid).children(recursive=True):
            process.kill()
        running["web"].kill()
        running["web"].wait()
        start("web")
        _wait_until_up(url, running, data)

    found = Installation(url, data, env, restart_web, start)
    found.be_at(begin)
    start("mailbox")
    try:
        database.restore(EmbeddedPostgres(data).start().url)
        for command in ([*madoguchi, "migrate"], [sys.executable, "-c", STAFF]):
            done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240)
            assert done.returncode == 0, done.stdout + done.stderr
        for what in (*programs, "web"):
            start(what)
        _wait_until_up(url, running, data)
        (data / "exchange.port").write_text(str(sip))
        yield found
    finally:
        for process in reversed(running.values()):
            process.send_signal(signal.SIGTERM)
        for process in running.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        log.close()


def _wait_until_up(url: str, running: Mapping[str, subprocess.Popen[bytes]], data: Path) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        assert all(process.poll() is None for process in running.values()), (data / "log.txt").read_text()
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    pytest.fail(f"the server did not come up:\n{(data / 'log.txt').read_text()}")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """One Chromium per file. Playwright's loop runs in this thread, so Django must not mistake it for an asynchronous view."""
    from playwright.sync_api import sync_playwright

    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            found = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            yield found
            found.close()
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        else:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture
def watched(installation: Installation) -> Iterator[Callable[[Any], Any]]:
    """Gives a browser context back with an eye on it: a script error, a breach of the content security policy or a request to another host
    fails the test at its end."""
    trouble: list[str] = []

    def watch(context: Any) -> Any:
        context.set_default_timeout(15_000)
        context.on("request", lambda r: _same_host(r.url, installation.url, trouble))
        context.on("weberror", lambda e: trouble.append(f"script: {e.error}"))
        context.on("console", lambda m: trouble.append(m.text) if "Content Security Policy" in m.text else None)
        return context

    yield watch
    assert trouble == []


@pytest.fixture
def visit(browser: Any, installation: Installation, watched: Callable[[Any], Any]) -> Iterator[Callable[..., Any]]:
    """``visit(width=360, **options)`` gives a page of a new person, ``watched``."""
    contexts: list[Any] = []

    def make(width: int = 1280, **options: Any) -> Any:
        context = browser.new_context(
            base_url=installation.url,
            viewport={"width": width, "height": 800 if width > 600 else 740},
            locale=options.pop("locale", "ja-JP"),
            timezone_id="Asia/Tokyo",
            **options,
        )
        contexts.append(watched(context))
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


def _same_host(asked: str, own: str, trouble: list[str]) -> None:
    names = (own, own.replace("127.0.0.1", "localhost"))
    if not asked.startswith((*names, "data:", "blob:", "about:")):
        trouble.append(f"request to another host: {asked}")
