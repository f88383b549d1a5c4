"""Test databases in a moment: one template is migrated once per state of the schema, and every worker copies it.

The template is named after a digest of everything that makes the schema: migrations, SQL files, the walls, the versions
of Django and of the job queue. It stays on the server between runs; templates of former states are dropped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import psycopg
from django.core.management import call_command
from django.db import connection, connections
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
LOCK = 7_340_011


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
    if admin.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
        return
    stem = name.rpartition("_")[0]
    rows = admin.execute("select datname from pg_database where datname like %s", [f"{stem}%"]).fetchall()
    for (former,) in rows:
        _drop(admin, former)
    part = f"{name}_part"
    _create(admin, part, "template1")
    original = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = part
    try:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
    finally:
        connections.close_all()
        connection.settings_dict["NAME"] = original
    admin.execute(sql.SQL("alter database {} rename to {}").format(sql.Identifier(part), sql.Identifier(name)))


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
