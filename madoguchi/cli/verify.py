"""Verbs that prove: ``audit verify``, ``capacity verify``, ``doctor``."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from .complaint import say, set_up_django
from .contracts import find_contract


def add(verbs: Any) -> None:
    audit = verbs.add_parser("audit", help="prove the audit chain")
    what = audit.add_subparsers(dest="what", required=True, metavar="verify")
    verify = what.add_parser("verify", help="walk every chain; exit 1 and name the first broken link")
    verify.add_argument("contract", nargs="?", metavar="CONTRACT", help="default: all")
    verify.set_defaults(do=_audit)

    capacity = verbs.add_parser("capacity", help="prove that taken places equal the bookings")
    what = capacity.add_subparsers(dest="what", required=True, metavar="verify")
    verify = what.add_parser("verify", help="check every slot; exit 1 and name the first wrong row")
    verify.add_argument("contract", nargs="?", metavar="CONTRACT", help="default: all")
    verify.set_defaults(do=_capacity)

    doctor = verbs.add_parser("doctor", help="tell what is missing on this machine and how to mend it")
    doctor.set_defaults(do=_doctor)


def _contracts(code: str | None) -> list[Any]:
    from madoguchi.ground.contracts.models import Contract

    return [find_contract(code)] if code else list(Contract.objects.all())


def _audit(arguments: argparse.Namespace) -> int:
    set_up_django()
    from madoguchi.ground.audit.queries import verify

    bad = 0
    for contract in _contracts(arguments.contract):
        broken = verify(contract)
        if broken:
            say(f"{contract.code}: BROKEN: {broken[0]}")
            bad += 1
        else:
            say(f"{contract.code}: every link holds")
    return 1 if bad else 0


def _capacity(arguments: argparse.Namespace) -> int:
    set_up_django()
    from madoguchi.domain.booking.capacity import verify

    bad = 0
    for contract in _contracts(arguments.contract):
        faults = verify(contract)
        if faults:
            say(f"{contract.code}: WRONG: {faults[0]}" + (f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""))
            bad += 1
        else:
            say(f"{contract.code}: taken places equal the bookings")
    return 1 if bad else 0


def _doctor(arguments: argparse.Namespace) -> int:
    """Every check prints a line; a failed one says how to mend it."""
    from config import env
    from madoguchi.ground.contracts.profile import ProfileError, load_profile
    from madoguchi.ground.kit import typeset
    from madoguchi.ground.kit.postgres import EmbeddedPostgres, ServerError

    bad = 0

    def check(good: bool, what: str, mend: str) -> None:
        nonlocal bad
        say(f"{'ok  ' if good else 'FAIL'}  {what}" + ("" if good else f"\n        → {mend}"))
        bad += not good

    def hint(good: bool, what: str, mend: str) -> None:
        say(f"{'ok  ' if good else 'note'}  {what}" + ("" if good else f"\n        → {mend}"))

    check(sys.version_info >= (3, 11), f"Python {sys.version.split()[0]}", "install Python 3.11 or newer")
    data = env.path("MADOGUCHI_DATA", env.BASE / "var")
    parent = data if data.exists() else data.parent
    check(os.access(parent, os.W_OK), f"data folder {data}", f"make {parent} writable or set MADOGUCHI_DATA")
    free = shutil.disk_usage(parent).free / 1e9
    check(free > 1, f"{free:.0f} GB free on its disk", "free at least 1 GB")
    folder = env.path("MADOGUCHI_PROFILES", env.BASE / "profiles")
    files = sorted(folder.glob("*.toml"))
    check(bool(files), f"{len(files)} profile(s) in {folder}", "put a profile there, or set MADOGUCHI_PROFILES")
    for file in files:
        try:
            load_profile(file)
        except ProfileError as error:
            check(False, f"profile {file.name}", str(error))
    if env.get("DATABASE_URL"):
        import psycopg

        try:
            with psycopg.connect(env.get("DATABASE_URL"), connect_timeout=5) as c:
                version = c.info.server_version
                superuser = c.execute(
                    "select rolsuper or rolbypassrls from pg_roles where rolname = current_user"
                ).fetchone()
                check(version >= 150000, f"PostgreSQL {version // 10000} at DATABASE_URL", "use PostgreSQL 15 or newer")
                check(
                    not (superuser and superuser[0]),
                    "its role is bound by row-level security",
                    "use a role without SUPERUSER and BYPASSRLS: they see past the walls between contracts",
                )
        except psycopg.Error as error:
            check(False, "DATABASE_URL", f"cannot connect: {error}")
    else:
        try:
            server = EmbeddedPostgres(data).running()
            check(
                True,
                f"embedded PostgreSQL ({'running on port ' + str(server.port) if server else 'not running; starts by itself'})",
                "",
            )
        except ServerError as error:
            check(False, "embedded PostgreSQL", str(error))
    try:
        hint(True, f"fonts of PDF files ({typeset.folder()})", "")
    except typeset.FontsMissing:
        hint(False, "fonts of PDF files", "apt-get install fonts-noto-cjk; pages say that PDF is not available meanwhile")
    hint(
        shutil.which("flite") is not None,
        "English voice of the announcements (flite)",
        "apt-get install flite; callers hear Japanese in its place meanwhile",
    )
    vendor = Path(__file__).parent.parent / "web" / "ui" / "static" / "vendor"
    hint(
        vendor.exists(),
        "design tokens of the UI",
        "run `make setup` (needs Node.js); pages work with built-in values meanwhile",
    )
    hint(bool(shutil.which("chromium")), "Chromium for the browser tests", "apt-get install chromium fonts-noto-cjk")
    hint(
        bool(shutil.which("wrk") and (shutil.which("nginx") or Path("/usr/sbin/nginx").exists())),
        "wrk and nginx for the benchmarks",
        "apt-get install wrk nginx-light",
    )
    if env.get("MADOGUCHI_MODE") == "production":
        for name in (
            "MADOGUCHI_SECRET_KEY",
            "MADOGUCHI_MASTER_KEY",
            "MADOGUCHI_HOSTS",
            "MADOGUCHI_URL",
            "MADOGUCHI_SMTP",
        ):
            check(bool(env.get(name)), name, f"set it: {env.VARIABLES[name]}")
    return 1 if bad else 0
