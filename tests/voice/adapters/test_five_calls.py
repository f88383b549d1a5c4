"""Whoever tells it, a call is the same call: one recorded file per provider folds to what our own exchange would have told."""

from __future__ import annotations

import random
from typing import Any

import pytest

from madoguchi.domain.calls.fold import Folded, fold

from . import recorded

pytestmark = pytest.mark.req("CALL-08")
REFERENCE = recorded.folded(list(recorded.exchange()))


def figures(call: Folded) -> dict[str, Any]:
    names = ("outcome", "state", "wait_seconds", "talk_seconds", "total_seconds", "agent", "queue", "dialled", "missed", "why")
    return {name: getattr(call, name) for name in names}


def test_the_reference_is_what_the_calls_are_named_after() -> None:
    outcomes = {name: (call.outcome.value, call.wait_seconds, call.talk_seconds) for name, call in REFERENCE.items()}
    assert outcomes == {
        "answered": ("answered", 10, 120),
        "abandoned": ("abandoned", 30, None),
        "overflow": ("overflowed", 120, None),
        "callback": ("callback", 30, None),
        "closed": ("closed", None, None),
    }


@pytest.mark.parametrize("provider", recorded.PROVIDERS)
@pytest.mark.parametrize("name", recorded.CALLS)
def test_a_provider_tells_the_same_calls(provider: str, name: str) -> None:
    call = recorded.folded(list(recorded.PROVIDERS[provider]()))[name]
    wanted = figures(REFERENCE[name])
    if provider == "amazon":
        wanted["missed"] = ()
    assert figures(call) == wanted
    if provider != "amazon":
        assert (call.caller, call.withheld) == (REFERENCE[name].caller, REFERENCE[name].withheld)


@pytest.mark.parametrize("provider", recorded.PROVIDERS)
def test_order_and_repetition_do_not_matter(provider: str) -> None:
    events = list(recorded.PROVIDERS[provider]())
    mixed = events * 2
    random.Random(7).shuffle(mixed)
    assert fold(mixed) == fold(events)


@pytest.mark.parametrize("provider", ["own", "cti", "ami", "queue_log", "both"])
def test_there_are_five_calls_and_no_more(provider: str) -> None:
    assert len(fold(recorded.PROVIDERS[provider]())) == 5
