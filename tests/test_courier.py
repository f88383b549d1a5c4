"""Events go from the spool of the exchange into the database: all of them, once, also when either side was away."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection

from madoguchi import courier
from madoguchi.courier import Courier
from madoguchi.domain.calls.enums import Outcome
from madoguchi.domain.calls.models import Call, CallEvent
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.voice.spool import Spool, new_run, pending
from tests.domain.calls.told import NINE, answered, callback, told

KEY = b"k" * 32
LATER = NINE + dt.timedelta(minutes=30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def wrote(folder: Path, run: str, *calls: list[Any]) -> None:
    spool = Spool(folder, KEY, run=run, now=NINE)
    for events in calls:
        for event in events:
            spool.put(event)
    spool.close()


def left(folder: Path) -> int:
    return len(list(pending(folder, KEY)))


@pytest.mark.req("CALL-08")
def test_everything_is_carried_once(contracts: dict[str, Contract], folder: Path) -> None:
    run = new_run(folder, NINE)
    wrote(folder, run, answered(f"{run}-1"), callback(f"{run}-2"))
    carrier = Courier(folder, KEY)
    assert carrier.carry(LATER) == 10
    assert (carrier.carry(LATER), left(folder)) == (0, 0)
    with contract_scope(contracts["hatsukaichi"]):
        assert dict(Call.objects.values_list("ref", "outcome")) == {f"{run}-1": "answered", f"{run}-2": "callback"}
        assert CallEvent.objects.count() == 10


@pytest.mark.req("CALL-08")
def test_a_database_that_is_away_loses_nothing(
    contracts: dict[str, Contract], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(folder, NINE)
    wrote(folder, run, answered(f"{run}-1"))

    def away(*args: object, **kwargs: object) -> None:
        raise DatabaseError("the server is gone")

    carrier = Courier(folder, KEY)
    with monkeypatch.context() as patch:
        patch.setattr(courier, "record_events", away)
        with pytest.raises(DatabaseError):
            carrier.carry(LATER)
    assert left(folder) == 6
    assert carrier.carry(LATER) == 6


@pytest.mark.req("CALL-08")
def test_calls_that_died_with_the_exchange_are_closed(contracts: dict[str, Contract], folder: Path) -> None:
    first, second = new_run(folder, NINE), new_run(folder, NINE + dt.timedelta(minutes=5))
    wrote(folder, first, told(f"{first}-1", ("offered", 0), ("queued", 3)))
    carrier = Courier(folder, KEY)
    carrier.carry(LATER)
    with contract_scope(contracts["hatsukaichi"]):
        assert Call.objects.get().outcome == Outcome.OPEN
    wrote(folder, second, told(f"{second}-1", ("offered", 400)))
    carrier.carry(LATER)
    with contract_scope(contracts["hatsukaichi"]):
        assert dict(Call.objects.values_list("ref", "outcome")) == {f"{first}-1": Outcome.LOST, f"{second}-1": Outcome.OPEN}


def test_a_contract_that_is_gone_stops_nobody(contracts: dict[str, Contract], folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = new_run(folder, NINE)
    strangers = [type(e)(**{**{f: getattr(e, f) for f in e.__dataclass_fields__}, "contract": "atlantis"}) for e in answered(f"{run}-1")]
    wrote(folder, run, strangers, answered(f"{run}-2"))
    assert Courier(folder, KEY).carry(LATER) == 12
    assert "atlantis" in caplog.text
    assert connection.connection is not None
    with contract_scope(contracts["hatsukaichi"]):
        assert Call.objects.get().ref == f"{run}-2"


@pytest.mark.req("CALL-08")
def test_a_call_for_which_there_was_no_flow_belongs_to_the_number_that_was_dialled(contracts: dict[str, Contract], folder: Path) -> None:
    run = new_run(folder, NINE)
    number = contracts["izumi"].profile.telephone.numbers[0].replace("-", "")  # type: ignore[union-attr]
    happened = told(f"{run}-1", ("offered", 0), ("overflowed", 1, {"why": "no_flow"}), ("ended", 9, {"by": "system", "why": "no_flow"}))
    wrote(folder, run, [replace(event, contract="", dialled=number) for event in happened])
    assert Courier(folder, KEY).carry(LATER) == 3
    with contract_scope(contracts["izumi"]):
        call = Call.objects.get()
        assert (call.outcome, call.why, call.unanswered) == (Outcome.OVERFLOWED, "no_flow", True)


def test_nothing_to_carry(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "_courier", None)
    settings.VOICE_DIR = tmp_path / "nowhere"
    assert courier.carry(NINE) == 0
    settings.VOICE_SECRET = ""
    assert courier.carry(NINE) == 0
