"""The same events told by many at once are one call each; two tellers of different parts of one call lose nothing."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from madoguchi.domain.calls.fold import fold_one
from madoguchi.domain.calls.models import Call, Callback, CallEvent
from madoguchi.domain.calls.services.record import record_events, told_events
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.worklog.models import Fact
from madoguchi.voice.events import CallEvent as Told

from ..domain.booking.desk import Desk
from ..domain.calls.told import NINE, abandoned, answered, callback, overflowed
from .crowd import run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]


@pytest.mark.req("CALL-08")
def test_many_tell_the_same(desk: Desk) -> None:
    contract: Contract = desk.contract
    makers = [answered, abandoned, overflowed, callback]
    events: list[Told] = []
    for n in range(24):
        events += makers[n % 4](f"call-{n}", start=NINE + dt.timedelta(seconds=n), caller=f"0901234{n:04}")

    def tell(seed: int) -> None:
        mixed = list(events)
        random.Random(seed).shuffle(mixed)
        for at in range(0, len(mixed), 7):
            record_events(contract, mixed[at : at + 7], by=SYSTEM, now=NINE + dt.timedelta(hours=1))

    outcome = run([lambda _outcome, seed=seed: tell(seed) for seed in range(8)])  # type: ignore[misc]
    assert outcome.failures == []
    with contract_scope(contract):
        assert Call.objects.count() == 24
        assert CallEvent.objects.count() == len(events)
        assert Callback.objects.count() == 6
        assert Fact.objects.filter(kind="call.ended").count() == 24
        for call in Call.objects.all():
            folded = fold_one(told_events(contract, call))
            assert (call.outcome, call.wait_seconds, call.talk_seconds) == (folded.outcome, folded.wait_seconds, folded.talk_seconds)
            assert Fact.objects.get(ref=f"call:{call.pk}").outcome == folded.outcome
