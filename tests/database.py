"""Test databases in a moment: one template is migrated once per state of the schema, and every worker copies it.

The template is named after a digest of everything that makes the schema: migrations, SQL files, the walls, the versions
of Django and of the job queue. It stays on the server between runs; templates of former states are dropped. What it holds is
also written to a file, from which other servers of the tests (the installations of journeys and crashes) get their tables.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.test import TransactionTestCase
from psycopg import sql

from madoguchi.ground.kit.postgres import EmbeddedPostgres, Server, binaries

ROOT = Path(__file__).resolve().parent.parent
LOCK = 7_340_011
DUMPS = ROOT / "var" / "schema"
OF_MIGRATIONS = ("django_migrations", "django_content_type", "auth_permission")
"""Tables that are not empty in a migrated database."""


def schema_digest() -> str:
    """A short digest of all that decides how a fresh database looks."""
    digest = hashlib.sha256()
    for name in ("django", "procrastinate", "django-allauth"):
        digest.update(f"{name} {version(name)}\n".encode())
    files = [
        *ROOT.glob("madoguchi/**/migrations/*.py"),
        *ROOT.glob("madoguchi/**/*.sql"),
        ROOT / "madoguchi/ground/contracts/tenancy.py",
        ROOT / "config/settings/base.py",
    ]
    for path in sorted(files):
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def empty_quickly() -> None:
    """Let tests that commit leave by ``empty`` where the server is ours: Django's flush makes all tables and permissions anew (2 s)."""
    usual = TransactionTestCase._fixture_teardown

    def leave(case: TransactionTestCase) -> None:
        server = EmbeddedPostgres(Path(settings.DATA_DIR)).running()
        if server is None or str(server.port) != str(connection.settings_dict["PORT"]):
            usual(case)
        else:
            empty(server)

    TransactionTestCase._fixture_teardown = leave  # type: ignore[method-assign]


def empty(server: Server) -> None:
    """Delete every row a test has committed, past walls and guards, and let the numbers begin again."""
    with psycopg.connect(f"{server.superuser_url.rpartition('/')[0]}/{connection.settings_dict['NAME']}") as admin:
        admin.execute("set session_replication_role = replica")
        tables = admin.execute(
            "select oid, relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
            " and pg_relation_size(oid) > 0 and relname <> all (%s)", [list(OF_MIGRATIONS)],
        ).fetchall()  # fmt: skip
        for _, name in tables:
            admin.execute(sql.SQL("delete from {}").format(sql.Identifier(name)))
        admin.execute(
            "select setval(s.oid, 1, false) from pg_class s join pg_depend d on d.objid = s.oid and d.classid = 'pg_class'::regclass"
            " where s.relkind = 'S' and d.deptype in ('a', 'i') and d.refobjid = any (%s)", [[oid for oid, _ in tables]],
        )  # fmt: skip


def dump() -> Path:
    """The file with the tables of the present schema; it is there once a database was ``create``d."""
    return DUMPS / f"{schema_digest()}.sql"


def restore(url: str) -> None:
    """Give an empty database at ``url`` all tables as the migrations make them."""
    done = subprocess.run(
        [binaries() / "psql", "-q", "-1", "-X", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", dump()],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def _write_dump(url: str) -> None:
    DUMPS.mkdir(parents=True, exist_ok=True)
    part = dump().with_suffix(f".{os.getpid()}")
    with part.open("wb") as file:
        subprocess.run([binaries() / "pg_dump", "--inserts", "--enable-row-security", "--no-owner", "-d", url], stdout=file, check=True)
    for former in DUMPS.glob("*.sql"):
        former.unlink()
    part.rename(dump())


def _url(name: str) -> str:
    values = connection.settings_dict
    word = f":{values['PASSWORD']}" if values["PASSWORD"] else ""
    return f"postgresql://{values['USER']}{word}@{values['HOST']}:{values['PORT']}/{name}"


@contextmanager
def _administrator() -> Iterator[psycopg.Connection]:
    """A connection beside the test database, holding the lock under which templates are made."""
    values = connection.settings_dict
    with psycopg.connect(
        host=values["HOST"],
        port=values["PORT"],
        user=values["USER"],
        password=values["PASSWORD"] or None,
        dbname="postgres",
        autocommit=True,
    ) as admin:
        admin.execute("select pg_advisory_lock(%s)", [LOCK])
        yield admin


def _drop(admin: psycopg.Connection, name: str) -> None:
    admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _create(admin: psycopg.Connection, name: str, template: str) -> None:
    admin.execute(sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template)))


def _migrated(admin: psycopg.Connection, name: str) -> None:
    """Make the template unless a finished one is there."""
    if admin.execute("select 1 from pg_database where datname = %s", [name]).fetchone() and dump().exists():
        return
    stem = name.rpartition("_")[0]
    rows = admin.execute("select datname from pg_database where datname like %s", [f"{stem}%"]).fetchall()
    for (former,) in rows:
        _drop(admin, former)
    part = f"{name}_part"
    _create(admin, part, "template1")
    if dump().exists():
        restore(_url(part))
    else:
        _migrate(part)
        _write_dump(_url(part))
    admin.execute(sql.SQL("alter database {} rename to {}").format(sql.Identifier(part), sql.Identifier(name)))


def _migrate(name: str) -> None:
    original = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
    finally:
        connections.close_all()
        connection.settings_dict["NAME"] = original


def create(suffix: str) -> str:
    """Give this process its own fresh test database and point Django at it; its name."""
    original = connection.settings_dict["NAME"]
    template = f"test_{original}_template_{schema_digest()}"
    name = f"test_{original}{f'_{suffix}' if suffix else ''}"
    with _administrator() as admin:
        _migrated(admin, template)
        _drop(admin, name)
        _create(admin, name, template)
    connection.close()
    connection.settings_dict["NAME"] = name
    return name


def destroy(name: str) -> None:
    """Drop a test database with whatever is still connected to it."""
    connections.close_all()
    with _administrator() as admin:
        _drop(admin, name)
