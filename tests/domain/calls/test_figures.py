"""Figures under a definition: a table by hand, and what always holds."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.calls.enums import Outcome
from madoguchi.domain.calls.figures import Counted, Definition, figures

from .told import NINE

COUNTS = {
    Outcome.ANSWERED: 140, Outcome.ABANDONED: 22, Outcome.ABANDONED_MENU: 6, Outcome.OVERFLOWED: 9, Outcome.CALLBACK: 8,
    Outcome.CLOSED: 12, Outcome.LOST: 1, Outcome.OPEN: 2,
}  # fmt: skip
"""200 calls of a synthetic day; the expected rates below were computed by hand from these numbers."""


def two_hundred() -> list[Counted]:
    calls = []
    for outcome, count in COUNTS.items():
        for n in range(count):
            calls.append(
                Counted(
                    len(calls), NINE + dt.timedelta(minutes=len(calls)), outcome,
                    wait_seconds={Outcome.ANSWERED: 10 if n < 105 else 50, Outcome.CLOSED: None, Outcome.OPEN: None}.get(outcome, 30),
                    talk_seconds=200 if outcome == Outcome.ANSWERED else None, hold_seconds=20 if outcome == Outcome.ANSWERED else 0,
                    wrapup_seconds=40 if outcome == Outcome.ANSWERED else None,
                    total_seconds=4 if outcome == Outcome.ABANDONED_MENU or (outcome == Outcome.ABANDONED and n < 2) else 40,
                    called_back=outcome == Outcome.CALLBACK and n < 5,
                )
            )  # fmt: skip
    return calls


@pytest.mark.req("CALL-06")
@pytest.mark.parametrize(
    ("definition", "offered", "answered", "rate"),
    [
        (Definition(), 186, 140, 140 / 186),
        (Definition(exclude_closed=False), 198, 140, 140 / 198),
        (Definition(exclude_short=True, short_seconds=5), 178, 140, 140 / 178),
        (Definition(callbacks="answered_when_completed"), 186, 145, 145 / 186),
        (Definition(callbacks="answered_at_once"), 186, 148, 148 / 186),
        (Definition(callbacks="left_out"), 178, 140, 140 / 178),
        (Definition(callbacks="answered_when_completed", exclude_short=True, short_seconds=5), 178, 145, 145 / 178),
    ],
)
def test_two_hundred_calls_by_hand(definition: Definition, offered: int, answered: int, rate: float) -> None:
    found = figures(two_hundred(), definition)
    assert (found.received, found.offered, found.counted_answered) == (200, offered, answered)
    assert found.answer_rate == pytest.approx(rate)
    assert found.service_level == pytest.approx(105 / offered)
    assert found.asa == pytest.approx((105 * 10 + 35 * 50) / 140)
    assert found.aht == pytest.approx(260)
    assert len(found.excluded) == 200 - 2 - offered
    assert all(one.reason for one in found.excluded)


def test_the_target() -> None:
    assert figures(two_hundred(), Definition(target=0.75)).met is True
    assert figures(two_hundred(), Definition(target=0.8)).met is False
    assert figures([], Definition(target=0.8)).met is None
    assert figures([], Definition()).answer_rate is None


CALLS = st.lists(
    st.builds(
        Counted, id=st.integers(), opened_at=st.just(NINE), outcome=st.sampled_from(list(Outcome)), wait_seconds=st.none() | st.integers(0, 900),
        talk_seconds=st.none() | st.integers(0, 3000), hold_seconds=st.integers(0, 60), wrapup_seconds=st.none() | st.integers(0, 600),
        total_seconds=st.none() | st.integers(0, 3000), called_back=st.booleans(),
    ),
    max_size=40,
)  # fmt: skip
DEFINITIONS = st.builds(
    Definition, exclude_closed=st.booleans(), exclude_short=st.booleans(), short_seconds=st.integers(0, 60),
    callbacks=st.sampled_from(["answered_when_completed", "answered_at_once", "left_out", "not_answered"]), service_level_seconds=st.integers(0, 60),
)  # fmt: skip


@pytest.mark.req("CALL-06")
@given(calls=CALLS, definition=DEFINITIONS)
def test_every_call_is_counted_once(calls: list[Counted], definition: Definition) -> None:
    found = figures(calls, definition)
    parts = (found.closed, found.answered, found.abandoned, found.abandoned_menu, found.overflowed, found.callbacks, found.lost, found.ongoing)
    assert sum(parts) == found.received == len(calls)
    assert found.offered + len(found.excluded) + found.ongoing == found.received
    assert 0 <= found.answered_in_time <= found.counted_answered <= found.offered
    for rate in (found.answer_rate, found.service_level, found.abandon_rate):
        assert rate is None or 0 <= rate <= 1
    at_once = figures(calls, replace(definition, callbacks="answered_at_once"))
    never = figures(calls, replace(definition, callbacks="not_answered"))
    assert (at_once.answer_rate or 0) >= (never.answer_rate or 0)
    assert definition.sentence().startswith("応答率")
