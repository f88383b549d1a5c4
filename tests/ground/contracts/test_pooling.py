"""The walls between contracts hold when many clients share one session of the server, as behind PgBouncer in transaction mode."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction

from benchmarks.pooler import PgBouncer, find
from config.settings.base import database
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.contracts.tenancy import SETTING, contract_scope

pytestmark = [pytest.mark.req("CON-01", "SEC-01"), pytest.mark.django_db(transaction=True)]

TURNS = 60
TABLE = "contracts_site"


def setting() -> tuple[str, str]:
    """What this session of the server remembers after a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select coalesce(current_setting('{SETTING}', true), ''), current_setting('transaction_read_only')"
        )
        return cursor.fetchone()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_session_remembers_no_contract_after_its_transaction(contracts: dict[str, Contract], read_only: bool) -> None:
    with contract_scope(contracts["izumi"], read_only=read_only):
        assert setting() == (str(contracts["izumi"].pk), "on" if read_only else "off")
    assert setting() == ("", "off")


def test_a_session_remembers_no_contract_after_a_failed_transaction(contracts: dict[str, Contract]) -> None:
    with pytest.raises(RuntimeError), contract_scope(contracts["izumi"]):
        raise RuntimeError
    assert setting() == ("", "off")


def test_a_function_that_enters_a_contract_leaves_it_with_its_statement(
    contracts: dict[str, Contract], now: dt.datetime
) -> None:
    with contract_scope(contracts["izumi"]):
        site = Site.objects.first()
    with connection.cursor() as cursor:
        cursor.execute(
            "select * from booking_grid(%s::smallint, %s, %s, %s)",
            [contracts["izumi"].pk, site.pk, now, now + dt.timedelta(days=30)],
        )
    assert setting() == ("", "off")


def test_a_url_may_ask_for_encryption_and_a_pool_gets_no_start_up_options() -> None:
    url = "postgresql://madoguchi:p%40ss@db.internal:6432/madoguchi?sslmode=verify-full"
    plain, pooled = database(url, pooled=False), database(url, pooled=True)
    assert set(plain["OPTIONS"]) == {"options", "sslmode"}
    assert pooled["OPTIONS"] == {"sslmode": "verify-full"}
    assert (pooled["HOST"], pooled["PORT"], pooled["NAME"], pooled["PASSWORD"]) == (
        "db.internal",
        "6432",
        "madoguchi",
        "p@ss",
    )


@pytest.fixture
def pool(contracts: dict[str, Contract], tmp_path_factory: pytest.TempPathFactory) -> Iterator[PgBouncer]:
    """PgBouncer with one session of the server before the test database; Django connects through it."""
    if find() is None:
        pytest.skip("PgBouncer is not installed: apt-get install --no-install-recommends pgbouncer")
    values = connection.settings_dict
    kept = {key: values[key] for key in ("HOST", "PORT", "OPTIONS")}
    password = f":{values['PASSWORD']}" if values["PASSWORD"] else ""
    url = f"postgresql://{values['USER']}{password}@{values['HOST']}:{values['PORT']}/{values['NAME']}"
    folder = Path(tmp_path_factory.mktemp("pgbouncer"))
    for level in (folder, *folder.parents[:2]):
        level.chmod(level.stat().st_mode | 0o055)
    with PgBouncer(url, folder, size=1) as pooler:
        connection.close()
        values.update({k: v for k, v in database(pooler.url, pooled=True).items() if k in kept})
        try:
            yield pooler
        finally:
            connection.close()
            values.update(kept)


class Client(threading.Thread):
    """Reads in its own contract, outside of any, and with a nested scope, again and again on a connection of its own."""

    def __init__(self, contract: Contract, start: threading.Barrier) -> None:
        super().__init__()
        self.contract, self.ready = contract, start
        self.seen: set[int] = set()
        self.outside: set[int] = set()
        self.sessions: set[int] = set()
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.ready.wait(20)
            for turn in range(TURNS):
                with contract_scope(self.contract, read_only=bool(turn % 2)), connection.cursor() as cursor:
                    cursor.execute(f"select contract_id, pg_backend_pid() from {TABLE}")
                    rows = cursor.fetchall()
                    assert rows
                    self.seen.update(row[0] for row in rows)
                    self.sessions.update(row[1] for row in rows)
                with connection.cursor() as cursor:
                    cursor.execute(f"select count(*) from {TABLE}")
                    self.outside.add(cursor.fetchone()[0])
        except BaseException as error:
            self.error = error
        finally:
            connection.close()


@pytest.mark.race
def test_two_contracts_in_turn_on_one_session_never_see_each_other(
    pool: PgBouncer, contracts: dict[str, Contract]
) -> None:
    start = threading.Barrier(4)
    clients = [Client(contracts[code], start) for code in ("izumi", "nagaoka", "izumi", "nagaoka")]
    for client in clients:
        client.start()
    for client in clients:
        client.join(60)
    assert [client.error for client in clients] == [None] * 4
    assert [client.seen for client in clients] == [{client.contract.pk} for client in clients]
    assert [client.outside for client in clients] == [{0}] * 4
    assert len(set.union(*(client.sessions for client in clients))) == 1


def test_a_contract_set_for_the_session_would_leak(pool: PgBouncer, contracts: dict[str, Contract]) -> None:
    with psycopg.connect(pool.url, autocommit=True, prepare_threshold=None) as careless:
        careless.execute("select set_config(%s, %s, false)", [SETTING, str(contracts["izumi"].pk)])
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"select distinct contract_id from {TABLE}")
                assert cursor.fetchall() == [(contracts["izumi"].pk,)]
        finally:
            careless.execute("select set_config(%s, '', false)", [SETTING])


def test_the_time_zone_of_a_client_follows_it_through_the_pool(pool: PgBouncer, contracts: dict[str, Contract]) -> None:
    with psycopg.connect(pool.url, autocommit=True, prepare_threshold=None) as other:
        other.execute("set timezone = 'Asia/Kathmandu'")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select current_setting('timezone')")
            assert cursor.fetchone() == ("UTC",)
