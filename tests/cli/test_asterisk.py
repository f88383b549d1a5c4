"""``madoguchi asterisk``: the calls of an Asterisk arrive in the database, through its log and through its Manager Interface."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from pathlib import Path

import pytest

from madoguchi.asterisk import carry
from madoguchi.cli import main
from madoguchi.domain.calls.models import Call
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.voice.adapters.ami import AmiRefused, Manager
from madoguchi.voice.adapters.queuelog import Position, read_on
from tests.voice.adapters import recorded
from tests.voice.adapters.amiserver import AmiServer

pytestmark = pytest.mark.req("CALL-08")
SECONDS = 20


async def _at_once(seconds: float) -> None:
    await asyncio.sleep(0)


async def _until(state: Path, path: Path) -> None:
    """The whole log is on record: the position says so."""
    async with asyncio.timeout(SECONDS):
        while True:
            await asyncio.sleep(0.01)
            kept = json.loads(state.read_text())["position"] if state.exists() else None
            if kept and kept["done"] and not read_on(path, Position.load(kept))[0]:
                return


@pytest.mark.django_db(transaction=True)
def test_the_five_calls_of_a_log_and_of_a_connection_are_five_calls(
    contracts: dict[str, Contract], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: recorded.NOW)
    ours, path, state = contracts["hatsukaichi"], tmp_path / "queue_log", tmp_path / "state.json"

    async def scene() -> None:
        stop = asyncio.Event()
        async with AmiServer() as server:
            manager = Manager("127.0.0.1", server.port, "madoguchi", "secret", pause=_at_once)
            task = asyncio.create_task(carry(ours, state=state, manager=manager, queue_log=path, stop=stop))
            writer = await server.came.get()
            await server.say(writer, *recorded.messages())
            path.write_text("\n".join(recorded.lines("queue_log.txt")) + "\n")
            await _until(state, path)
            stop.set()
            await task

    asyncio.run(scene())
    with contract_scope(ours):
        outcomes = sorted(Call.objects.values_list("outcome", flat=True))
        answered = Call.objects.get(outcome="answered")
    assert outcomes == ["abandoned", "answered", "callback", "closed", "overflowed"]
    assert (answered.wait_seconds, answered.talk_seconds, answered.agent) == (10, 120, "op1")


@pytest.mark.django_db(transaction=True)
def test_a_secret_that_is_refused_ends_the_verb(contracts: dict[str, Contract], tmp_path: Path) -> None:
    async def scene() -> None:
        async with AmiServer(secret="other") as server:
            manager = Manager("127.0.0.1", server.port, "madoguchi", "secret")
            await carry(contracts["hatsukaichi"], state=tmp_path / "s", manager=manager, since=dt.datetime.now(dt.UTC), stop=asyncio.Event())

    with pytest.raises(AmiRefused):
        asyncio.run(scene())


@pytest.mark.parametrize(("arguments", "says"), [
    ([], "name --ami, --queue-log or both"), (["--ami", "pbx"], "'pbx' is no HOST:PORT"), (["--ami", "pbx:5038"], "MADOGUCHI_AMI_SECRET is empty"),
    (["--ami", "pbx:5038", "--plain"], "add --tls"),
])  # fmt: skip
def test_what_is_missing_is_said(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MADOGUCHI_AMI_SECRET", raising=False)
    assert main(["asterisk", "hatsukaichi", *arguments]) == 2
    assert says in capsys.readouterr().err
