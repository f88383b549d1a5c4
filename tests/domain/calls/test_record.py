"""Events on record: told twice, out of order, in parts; sealed; never half."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from madoguchi.domain.calls.enums import CallbackEnd, Direction, Outcome, TryOutcome
from madoguchi.domain.calls.models import Call, Callback, CallbackTry, CallEvent
from madoguchi.domain.calls.services.record import close_half_open, record_events, told_events
from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.ground.worklog.models import Fact

from .told import NINE, abandoned, answered, callback, closed, overflowed, told

LATER = NINE + dt.timedelta(hours=6)


@pytest.mark.req("CALL-08", "CALL-06")
def test_calls_are_what_their_events_say(contract: Contract) -> None:
    every = [*answered(), *abandoned(), *overflowed(), *callback(), *closed()]
    done = record_events(contract, every, by=SYSTEM, now=LATER)
    assert (done.new, done.known, len(done.calls)) == (len(every), 0, 5)
    assert dict(Call.objects.values_list("ref", "outcome")) == {
        "a": Outcome.ANSWERED, "b": Outcome.ABANDONED, "c": Outcome.OVERFLOWED, "d": Outcome.CALLBACK, "e": Outcome.CLOSED,
    }  # fmt: skip
    assert Fact.objects.filter(kind="call.ended").count() == 5
    fact = Fact.objects.get(kind="call.ended", outcome="answered")
    assert (fact.wait_seconds, fact.handle_seconds, fact.language, fact.channel) == (10, 100, "ja", "phone")


@pytest.mark.req("CALL-08")
def test_repetition_and_order_change_nothing(contract: Contract) -> None:
    events = [*answered(), *callback()]
    mixed = events * 2
    random.Random(7).shuffle(mixed)
    for n in range(0, len(mixed), 3):
        record_events(contract, mixed[n : n + 3], by=SYSTEM, now=LATER)
    again = record_events(contract, events, by=SYSTEM, now=LATER)
    assert (again.new, again.known) == (0, len(events))
    assert Call.objects.count() == 2
    assert CallEvent.objects.count() == len(events)
    assert Fact.objects.filter(kind="call.ended").count() == 2
    assert Callback.objects.count() == 1
    assert set(Fact.objects.filter(kind="call.ended").values_list("outcome", flat=True)) == {"answered", "callback"}
    call = Call.objects.get(ref="a")
    assert told_events(contract, call) == sorted(answered(), key=lambda e: e.at)


@pytest.mark.req("SEC-01", "CALL-08")
def test_numbers_are_sealed(contract: Contract) -> None:
    record_events(contract, answered(caller="+819012345678"), by=SYSTEM, now=LATER)
    call = Call.objects.get()
    assert call.number_index == keyring(contract).blind("phone", "09012345678")
    for row in (*Call.objects.values(), *CallEvent.objects.values()):
        assert "12345678" not in repr({k: bytes(v) if isinstance(v, memoryview) else v for k, v in row.items()})


def test_a_withheld_number_is_no_caller(contract: Contract) -> None:
    record_events(contract, callback(caller=""), by=SYSTEM, now=LATER)
    call = Call.objects.get()
    assert (call.withheld, call.number, call.number_index) == (True, None, None)
    assert not Callback.objects.exists(), "nobody can be called"


@pytest.mark.req("CALL-03")
def test_who_gets_through_meanwhile_needs_no_call_back(contract: Contract) -> None:
    record_events(contract, callback(), by=SYSTEM, now=LATER)
    waiting = Callback.objects.get()
    assert waiting.due_at == NINE + dt.timedelta(seconds=52, hours=2)
    record_events(contract, answered("later", start=NINE + dt.timedelta(hours=1)), by=SYSTEM, now=LATER)
    waiting.refresh_from_db()
    assert waiting.outcome == CallbackEnd.CALLED_AGAIN


@pytest.mark.req("CALL-08")
def test_half_open_calls_are_closed_as_lost(contract: Contract) -> None:
    record_events(contract, told("one-x", ("offered", 0), ("queued", 5)), by=SYSTEM, now=NINE)
    record_events(contract, told("two-y", ("offered", 500)), by=SYSTEM, now=NINE)
    assert close_half_open(contract, now=NINE, provider="asterisk", run="two") == 0
    assert close_half_open(contract, now=NINE, provider="exchange", run="two") == 1
    lost = Call.objects.get(ref="one-x")
    assert (lost.outcome, lost.ended_at) == (Outcome.LOST, NINE + dt.timedelta(seconds=5))
    assert close_half_open(contract, now=NINE + dt.timedelta(hours=1)) == 0
    assert close_half_open(contract, now=NINE + dt.timedelta(hours=5)) == 1
    record_events(contract, told("one-x", ("abandoned", 40), ("ended", 40, {"by": "caller"})), by=SYSTEM, now=LATER)
    lost.refresh_from_db()
    assert (lost.outcome, lost.ended_at) == (Outcome.ABANDONED, NINE + dt.timedelta(seconds=40))
    assert Fact.objects.filter(kind="call.ended", ref=f"call:{lost.pk}").count() == 1


def test_a_call_back_by_an_operator(contract: Contract) -> None:
    record_events(contract, told("o", ("offered", 0, {"callback": "7"}), ("answered", 9, "user:1"), ("ended", 30)), by=SYSTEM, now=LATER)
    call = Call.objects.get()
    assert (call.direction, call.unanswered) == (Direction.BACK, False)
    assert Fact.objects.get().kind == "callback.ended"


@pytest.mark.req("CALL-03", "CALL-08")
@pytest.mark.parametrize("spoke", [True, False])
def test_a_dialled_call_back_notes_itself(contract: Contract, spoke: bool) -> None:
    user = User.objects.create_user("operator@example.jp", None, name="電話 花子")
    record_events(contract, callback(), by=SYSTEM, now=LATER)
    waiting = Callback.objects.get()
    dialled = told("o", ("offered", 0, {"callback": str(waiting.pk)}), ("ringing", 1, f"user:{user.pk}"),
                   *([("answered", 9, f"user:{user.pk}")] if spoke else []), ("ended", 30), start=NINE + dt.timedelta(hours=1))  # fmt: skip
    for _ in range(2):
        record_events(contract, dialled, by=SYSTEM, now=LATER)
    waiting.refresh_from_db()
    assert waiting.tries == CallbackTry.objects.count() == 1
    assert CallbackTry.objects.get().outcome == (TryOutcome.REACHED if spoke else TryOutcome.NO_ANSWER)
    assert waiting.outcome == (CallbackEnd.REACHED if spoke else "")
