"""The embedded PostgreSQL server of the benchmarks, apart from every other data of the installation."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg

from madoguchi.ground.kit.postgres import DATABASE, EmbeddedPostgres, Server

from .slices import HERE

WORK = Path(os.environ.get("BENCH_WORK") or HERE / "work").resolve()
SETTINGS = {"min_wal_size": "2GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min", "autovacuum_naptime": "60s"}
"""What differs from the shipped server: log segments are kept, because making new ones is slow and would be measured instead."""


def embedded() -> EmbeddedPostgres:
    """The server of ``benchmarks/work/data`` (or ``$BENCH_WORK/data``), not yet started."""
    return EmbeddedPostgres(WORK / "data", settings=SETTINGS)


def dsn_of(server: Server, database: str) -> str:
    """The administrator's URL of a database."""
    return server.superuser_url.rpartition("/")[0] + "/" + database


def fresh(server: Server, database: str = DATABASE) -> None:
    """Drop a database; the next ``start()`` (or the caller) makes it anew."""
    with psycopg.connect(server.superuser_url, autocommit=True) as c:
        c.execute(f"drop database if exists {database} with (force)")


def warm_log(server: Server) -> None:
    """Write more than ``min_wal_size`` once, so that later slices reuse log segments."""
    with psycopg.connect(server.superuser_url, autocommit=True) as c:
        row = c.execute("select sum(size) from pg_ls_waldir()").fetchone()
        if row and row[0] and row[0] > 1_900_000_000:
            return
        c.execute("drop table if exists warm")
        for _ in range(3):
            c.execute("create table warm as select repeat(md5(g::text), 28) x from generate_series(1, 900000) g")
            c.execute("drop table warm")
        c.execute("checkpoint")
