"""Verbs that run: ``demo``, ``serve``, ``worker``, ``mailbox``, ``migrate``, ``bounce``."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from config import env

from .complaint import Complaint, say, set_up_django


def add(verbs: Any) -> None:
    demo = verbs.add_parser("demo", help="everything at once with synthetic data of five cities, on loopback")
    demo.add_argument("--fresh", action="store_true", help="throw the demo's data away and begin anew")
    demo.set_defaults(do=_demo, mode="demo")

    serve = verbs.add_parser("serve", help="the web server (and the embedded database when there is no DATABASE_URL)")
    serve.add_argument("--port", type=int, default=int(env.get("PORT", "8000")))
    serve.add_argument("--host", default=env.get("HOST", "127.0.0.1"))
    serve.add_argument("--workers", type=int, default=int(env.get("MADOGUCHI_WORKERS", "2")), help="processes")
    serve.add_argument(
        "--threads", type=int, default=int(env.get("MADOGUCHI_THREADS", "16")), help="threads per process"
    )
    serve.set_defaults(do=_serve)

    worker = verbs.add_parser("worker", help="background work: mails, holds, reminders, nightly proofs")
    worker.set_defaults(do=_worker)

    mailbox = verbs.add_parser(
        "mailbox", help="the demo's own mailbox: an SMTP server on loopback that keeps what it gets"
    )
    mailbox.add_argument("--port", type=int, default=2525)
    mailbox.set_defaults(do=_mailbox)

    migrate = verbs.add_parser(
        "migrate", help="bring the database in line with the program and the profiles; safe to repeat"
    )
    migrate.set_defaults(do=_migrate)

    bounce = verbs.add_parser(
        "bounce", help="take in one returned mail from standard input (for the mail server's pipe)"
    )
    bounce.set_defaults(do=_bounce)


def data_dir() -> Path | None:
    """Folder of the embedded server, or None when an outside database is used."""
    return None if env.get("DATABASE_URL") else env.path("MADOGUCHI_DATA", env.BASE / "var")


def _self(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "madoguchi", *arguments]


def web_command(host: str, port: int, workers: int, threads: int) -> list[str]:
    """granian in WSGI mode; threads wait for the group commit, so there are many of them."""
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port),
        "--workers", str(workers), "--blocking-threads", str(threads), "--backpressure", "2048", "--backlog", "4096",
        "--respawn-failed-workers", "--no-access-log", "--log-level", "warning", "config.wsgi:application",
    ]  # fmt: skip


def migrate_all(now: dt.datetime, *, first: dt.datetime | None = None) -> None:
    """Tables, walls, functions, contracts, keys, procedures, slots: everything a fresh database needs.

    ``first`` lets the slots of a contract that has none begin in the past (the demo).
    """
    from django.core.management import call_command

    from madoguchi.domain.booking.services.setup import count_anew, set_up
    from madoguchi.ground.contracts.profile import ProfileError
    from madoguchi.ground.contracts.services import sync_profiles
    from madoguchi.keeping import ensure_keys

    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    if env.get("MADOGUCHI_MODE") == "production":
        call_command("collectstatic", interactive=False, verbosity=0)
    try:
        contracts = sync_profiles()
    except ProfileError as error:
        raise Complaint(str(error)) from None
    for contract in contracts:
        ensure_keys(contract, now=now)
        set_up(contract, now=now, first=first)
    count_anew()


def _migrate(arguments: argparse.Namespace) -> int:
    set_up_django()
    from madoguchi.ground.kit import clock

    migrate_all(clock.now())
    say("the database is ready")
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    from madoguchi.supervisor import Child, Supervisor

    command = web_command(arguments.host, arguments.port, arguments.workers, arguments.threads)
    supervisor = Supervisor([Child("web", command)], data_dir=data_dir(), say=say)
    say(f"serving on http://{arguments.host}:{arguments.port}/")
    return supervisor.run()


def _worker(arguments: argparse.Namespace) -> int:
    from madoguchi.supervisor import Supervisor

    keeper = Supervisor([], data_dir=data_dir(), say=say)
    keeper.hold_database()
    set_up_django()
    from madoguchi.worker import run_worker

    try:
        run_worker()
    finally:
        keeper.release_database()
    return 0


def _mailbox(arguments: argparse.Namespace) -> int:
    set_up_django()
    from django.conf import settings

    from madoguchi.mailbox import run_mailbox, serve_bounces

    server = run_mailbox("127.0.0.1", arguments.port, Path(settings.DATA_DIR) / "mailbox", on_bounce=serve_bounces)
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    signal.signal(signal.SIGINT, lambda *_: done.set())
    done.wait()
    server.stop()
    return 0


def _bounce(arguments: argparse.Namespace) -> int:
    set_up_django()
    from madoguchi.domain.notices.services import take_bounce
    from madoguchi.ground.kit import clock

    return 0 if take_bounce(sys.stdin.buffer.read(), now=clock.now()) else 1


def _demo(arguments: argparse.Namespace) -> int:
    port = int(env.get("PORT", "8000"))
    host = env.get("HOST", "127.0.0.1")
    data = env.path("MADOGUCHI_DATA", env.BASE / "var" / "demo")
    smtp_port, sip_port, door_port = _free_port(), _free_port(), _free_port()
    os.environ.update(
        MADOGUCHI_DATA=str(data),
        MADOGUCHI_SMTP=f"smtp://127.0.0.1:{smtp_port}",
        MADOGUCHI_URL=f"http://{host}:{port}",
        MADOGUCHI_MAIL_FROM="yoyaku@madoguchi.example",
        MADOGUCHI_SMS="demo",
        MADOGUCHI_LINE="demo",
        MADOGUCHI_VOICE_DOOR=f"ws://127.0.0.1:{door_port}/",
        MADOGUCHI_VOICE_SIP=f"127.0.0.1:{sip_port}",
    )
    if arguments.fresh:
        _throw_away(data)
    from madoguchi.supervisor import Child, Supervisor

    supervisor = Supervisor(
        [
            Child("mailbox", _self("mailbox", "--port", str(smtp_port))),
            Child("worker", _self("worker")),
            Child("web", web_command(host, port, 2, 16)),
        ],
        data_dir=data_dir(),
        say=say,
    )
    say("preparing the demo: database, five contracts, three months of synthetic bookings …")
    supervisor.hold_database()
    set_up_django()
    from django.conf import settings

    from madoguchi.demo import begin_at, load
    from madoguchi.ground.contracts.models import Contract
    from madoguchi.ground.kit import clock

    supervisor.children.append(_exchange(settings, sip_port=sip_port, door_port=door_port))
    migrate_all(clock.now(), first=begin_at(clock.now()))
    if not Contract.objects.exists():
        raise Complaint("no contract profiles found: put one into the profiles folder")
    from django.db import connections

    def fill() -> None:
        for line in _welcome(f"http://{host}:{port}", load(now=clock.now(), say=say)):
            say(line)
        connections.close_all()

    connections.close_all()
    say(f"  the site answers at http://{host}:{port}/ in a moment; the synthetic bookings of each city follow")
    return supervisor.run(meanwhile=fill)


def _exchange(settings: Any, *, sip_port: int, door_port: int) -> Any:
    """The telephone exchange of the demo: calls come from this machine only."""
    from madoguchi.supervisor import Child

    command = [
        sys.executable, "-m", "madoguchi.voice", "--folder", str(settings.VOICE_DIR), "--bind", "127.0.0.1", "--port", str(sip_port),
        "--trunk", "127.0.0.0/8", "--door-port", str(door_port), "--clock-offset-file", str(Path(settings.DATA_DIR) / "clock-offset"),
        "--drain", "5", "--log-level", "WARNING",
        "--door-origin", settings.PUBLIC_URL, "--door-origin", settings.PUBLIC_URL.replace("127.0.0.1", "localhost"),
    ]  # fmt: skip
    Path(settings.VOICE_DIR).mkdir(parents=True, exist_ok=True)
    (Path(settings.DATA_DIR) / "exchange.port").write_text(str(sip_port))
    return Child("exchange", command, env={"MADOGUCHI_VOICE_SECRET": settings.VOICE_SECRET})


def _welcome(url: str, logins: list[Any]) -> list[str]:
    from madoguchi.ground.contracts.models import Contract

    lines = ["", f"  Madoguchi のデモ   {url}/", ""]
    lines += [f"    {c.name:　<6} 市民の予約サイト  {url}/{c.code}/" for c in Contract.objects.all()]
    lines += [
        "",
        f"    担当者の画面          {url}/staff/",
        f"    デモの入口            {url}/demo/   （役割を選んでサインイン・日付の移動・メールの確認）",
        f"    届いたメール          {url}/demo/mailbox/",
        f"    API                   {url}/api/v1/openapi.json",
        "",
        "    サインイン（パスワードは共通。ワンタイムコードは /demo/ に表示）",
    ]
    lines += [f"      {login.role:<10} {login.email:<44} {login.password}" for login in logins]
    return [*lines, "", "    止めるには Ctrl+C"]


def _throw_away(data: Path) -> None:
    import shutil

    from madoguchi.ground.kit.postgres import EmbeddedPostgres

    if data.exists():
        server = EmbeddedPostgres(data)
        server.stop()
        shutil.rmtree(server.pgdata, ignore_errors=True)
        shutil.rmtree(data)


def _free_port() -> int:
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])
