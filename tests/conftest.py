"""The few shared fixtures: the five contracts, a moment in time, actors, staff.

Every pytest-xdist worker gets its own database, copied from one template that is migrated once (``tests/database.py``).
Tests that race need committed rows: they mark ``django_db(transaction=True)`` and make a contract of their own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from config import env
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import forget_contracts
from madoguchi.ground.contracts.services import sync_profiles
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import ensure_keys, forget_keys
from madoguchi.supervisor import Supervisor

from . import database

NOW = dt.datetime(2026, 11, 2, 9, 0, tzinfo=JST)
KEEPER = pytest.StashKey[Supervisor]()
TOGETHER = ("tests/e2e/", "tests/races/", "tests/crash/", "tests/test_postgres.py")


def pytest_configure(config: pytest.Config) -> None:
    """The run counts as a user of the embedded server: it stays up for all workers, and is stopped by whoever leaves last."""
    if not hasattr(config, "workerinput") and not env.get("DATABASE_URL"):
        config.stash[KEEPER] = Supervisor([], data_dir=Path(settings.DATA_DIR), say=print)
        config.stash[KEEPER].hold_database()
    database.empty_quickly()


def pytest_unconfigure(config: pytest.Config) -> None:
    keeper = config.stash.get(KEEPER, None)
    if keeper is not None:
        keeper.release_database()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object | None:
    """Keeps a group of tests in one worker: the journeys share one installation, the crowds do not fight each other for the processors.

    The groups are the folders whose tests are marked ``xdist_group``. xdist 3.8 hands the mark on in an attribute that a test
    of pytest 9 no longer has, and would spread them. The largest group begins first.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadGroupScheduling

    class Groups(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((group for group in TOGETHER if nodeid.startswith(group)), nodeid)

    return Groups(config, log)


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker: Any
) -> Iterator[None]:
    """A database of this worker's own, copied from the template."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "")
    with django_db_blocker.unblock():
        name = database.create(worker)
    yield
    with django_db_blocker.unblock():
        database.destroy(name)


@pytest.fixture
def now() -> dt.datetime:
    """Monday 2 November 2026, 9:00 in Japan."""
    return NOW


@contextmanager
def standing_contracts(now: dt.datetime) -> Iterator[dict[str, Contract]]:
    """The five contracts with their sites and keys, in the transaction of the caller."""
    forget_contracts()
    forget_keys()
    found = {contract.code: contract for contract in sync_profiles()}
    for contract in found.values():
        ensure_keys(contract, now=now)
    yield found
    forget_contracts()
    forget_keys()


@pytest.fixture
def contracts(db: None, now: dt.datetime) -> Iterator[dict[str, Contract]]:
    """The five contracts with their sites and keys."""
    with standing_contracts(now) as found:
        yield found


@pytest.fixture
def contract(contracts: dict[str, Contract]) -> Iterator[Contract]:
    """廿日市市, entered: queries inside the test see its rows only."""
    with contract_scope(contracts["hatsukaichi"]) as entered:
        yield entered


@pytest.fixture
def citizen() -> Actor:
    return Actor(ActorKind.CITIZEN, Channel.WEB)


@pytest.fixture
def operator() -> Actor:
    return Actor(ActorKind.CALL_CENTRE, Channel.PHONE, ref="user:1", label="電話 花子")


@pytest.fixture
def official() -> Actor:
    return Actor(ActorKind.CITY, Channel.COUNTER, ref="user:2", label="市 太郎")


@pytest.fixture
def profiles_dir() -> Path:
    return Path(settings.PROFILES_DIR)
