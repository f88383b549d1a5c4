"""Several deliverers of the same new calls at once: each event, call, fact and wish once, and the row says what all events say."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from madoguchi.domain.calls.enums import Outcome
from madoguchi.domain.calls.models import Call, Callback, CallEvent
from madoguchi.domain.calls.services.record import record_events
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.worklog.models import Fact

from ..domain.booking.desk import Desk
from ..domain.calls.told import answered, callback
from .crowd import run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]


@pytest.mark.req("CALL-08")
def test_eight_deliverers_with_parts_of_the_same_calls(desk: Desk) -> None:
    every = [e for n in range(12) for e in (*answered(f"a{n}", caller=f"+8190{10_000_000 + n}"), *callback(f"b{n}", caller=f"+8180{10_000_000 + n}"))]

    def deliver(seed: int) -> Callable[[int], None]:
        part = random.Random(seed).sample(every, len(every) * 2 // 3) if seed else every
        return lambda _: record_events(desk.contract, part, by=SYSTEM, now=desk.now) and None

    outcome = run([deliver(seed) for seed in range(8)])
    assert outcome.failures == []
    with contract_scope(desk.contract):
        assert CallEvent.objects.count() == len(every)
        assert sorted(Call.objects.values_list("outcome", "wait_seconds")) == [(Outcome.ANSWERED, 10)] * 12 + [(Outcome.CALLBACK, 40)] * 12
        assert not Call.objects.filter(number=None).exists()
        assert Fact.objects.filter(kind="call.ended").count() == 24
        assert Callback.objects.count() == 12
