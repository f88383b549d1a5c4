"""Events fold to calls: each ending, any order, any repetition."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.calls.enums import Direction, Outcome
from madoguchi.domain.calls.fold import fold, fold_one
from madoguchi.voice.events import KINDS, CallEvent, EventError

from .told import NINE, abandoned, answered, callback, closed, overflowed, told

ENDINGS = [
    (answered(), Outcome.ANSWERED, 10, 100),
    (abandoned(), Outcome.ABANDONED, 30, None),
    (overflowed(), Outcome.OVERFLOWED, 120, None),
    (callback(), Outcome.CALLBACK, 40, None),
    (closed(), Outcome.CLOSED, None, None),
    (told("f", ("offered", 0), ("ended", 3, {"by": "caller"})), Outcome.ABANDONED_MENU, 3, None),
    (told("g", ("offered", 0), ("queued", 2)), Outcome.OPEN, None, None),
    (told("h", ("offered", 0), ("queued", 2), ("ended", 9, {"why": "lost", "by": "system"})), Outcome.LOST, 7, None),
    (told("i", ("offered", 0), ("queued", 2), ("ended", 9, {"why": "lost"}), ("abandoned", 20), ("ended", 20)), Outcome.ABANDONED, 18, None),
    (told("j", ("offered", 0), ("queued", 1), ("overflowed", 9), ("answered", 12, "user:3"), ("ended", 72)), Outcome.ANSWERED, 11, 60),
    (told("k", ("offered", 0), ("overflowed", 9), ("callback_requested", 15), ("ended", 20)), Outcome.CALLBACK, 9, None),
    (told("l", ("offered", 0, {"state": "holiday"}), ("callback_requested", 9), ("ended", 12)), Outcome.CALLBACK, 9, None),
]


@pytest.mark.req("CALL-08")
@pytest.mark.parametrize(("events", "outcome", "wait", "talk"), ENDINGS, ids=[str(case[1]) + str(n) for n, case in enumerate(ENDINGS)])
def test_endings(events: list[CallEvent], outcome: Outcome, wait: int | None, talk: int | None) -> None:
    call = fold_one(events)
    assert (call.outcome, call.wait_seconds, call.talk_seconds) == (outcome, wait, talk)
    assert (call.ended_at is None) == (outcome == Outcome.OPEN)


def test_hold_is_no_talk() -> None:
    call = fold_one(told("a", ("offered", 0), ("queued", 0), ("answered", 10, "user:1"), ("held", 40, "user:1"), ("resumed", 70, "user:1"),
                         ("transferred", 80, "user:1", {"to": "user:2"}), ("ended", 110)))  # fmt: skip
    assert (call.hold_seconds, call.talk_seconds, call.transfers) == (30, 70, 1)
    assert (call.agent, call.last_agent) == ("user:1", "user:2")


def test_a_call_back_is_told_from_a_call() -> None:
    call = fold_one(told("o", ("offered", 0, {"callback": "7"}), ("answered", 9, "user:1"), ("ended", 30)))
    assert call.direction is Direction.BACK
    assert call.callback_ref == "7"


SECONDS = st.integers(0, 600)
EVENTS = st.lists(
    st.tuples(st.sampled_from([k for k in KINDS if k != "offered"]), SECONDS, st.sampled_from(["user:1", "user:2", ""])), max_size=12
)


@pytest.mark.req("CALL-08")
@given(steps=EVENTS, seed=st.integers(), times=st.integers(1, 3))
def test_order_and_repetition_change_nothing(steps: list[tuple[str, int, str]], seed: int, times: int) -> None:
    events = told("x", ("offered", 0, {"state": "open"}), *steps)
    once = fold_one(events)
    many = list({e.key: e for e in events}.values()) * times
    random.Random(seed).shuffle(many)
    assert fold_one(many) == once
    assert fold(many) == {("exchange", "x"): once}


@given(steps=EVENTS)
def test_every_call_has_an_outcome_that_fits(steps: list[tuple[str, int, str]]) -> None:
    call = fold_one(told("x", ("offered", 0, {"state": "open"}), *steps))
    kinds = {kind for kind, *_ in steps}
    assert (call.outcome == Outcome.ANSWERED) == ("answered" in kinds)
    if "ended" not in kinds and not kinds & {"answered", "abandoned", "overflowed", "callback_requested"}:
        assert call.outcome == Outcome.OPEN
    for seconds in (call.wait_seconds, call.talk_seconds, call.total_seconds):
        assert seconds is None or seconds >= 0
    assert call.hold_seconds >= 0


def test_an_event_that_cannot_be_read_names_the_key() -> None:
    good = {"provider": "p", "call": "1", "kind": "queued", "at": NINE.isoformat()}
    assert CallEvent.parse(good).at == NINE
    for change, said in (
        ({"kind": "rang"}, "kind"), ({"at": "noon"}, "at"), ({"at": "2026-11-02T09:00:00"}, "at"), ({"call": ""}, "call"),
        ({"agent": 3}, "agent"), ({"number": "1"}, "number"), ({"withheld": "no"}, "withheld"), ({"data": []}, "data"),
    ):  # fmt: skip
        with pytest.raises(EventError, match=said):
            CallEvent.parse({**good, **change})


@given(st.datetimes(timezones=st.just(dt.UTC)), st.sampled_from(KINDS), st.text(max_size=9), st.dictionaries(st.text(max_size=5), st.integers()))
def test_an_event_comes_back_from_its_line(at: dt.datetime, kind: str, agent: str, data: dict[str, int]) -> None:
    import json

    event = CallEvent("p", "c", kind, at, agent=agent, data=data)  # type: ignore[arg-type]
    line = event.line()
    assert "\n" not in line
    back = CallEvent.parse(json.loads(line))
    assert (back, dict(back.data)) == (event, data)
