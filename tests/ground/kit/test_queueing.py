"""Telephone traffic: against published tables, a textbook, a simulation of single calls, and what must hold for any numbers."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madoguchi.ground.kit.queueing import (
    MOST_OPERATORS,
    Answering,
    Need,
    Target,
    Traffic,
    Unreachable,
    answering,
    channels_needed,
    erlang_b,
    erlang_c,
    need,
    operators_needed,
)

pytestmark = pytest.mark.req("CALL-07")

TEXTBOOK = Traffic(calls_per_hour=200, handle_seconds=180)


@pytest.mark.parametrize(
    ("load", "servers", "lost"),
    [(10, 10, 0.2146), (10, 15, 0.0365), (5, 10, 0.0184), (1, 1, 0.5), (2, 2, 0.4), (1, 2, 0.2), (3, 5, 0.1101), (20, 20, 0.1589)],
)
def test_erlang_b_gives_the_loss_of_the_tables(load: float, servers: int, lost: float) -> None:
    assert erlang_b(load, servers) == pytest.approx(lost, abs=5e-5)


@pytest.mark.parametrize(
    ("servers", "load"),
    [(1, 0.0101), (2, 0.153), (5, 1.36), (10, 4.46), (15, 8.108), (20, 12.03), (30, 20.34), (50, 37.90), (100, 84.06)],
)
def test_the_loads_that_the_tables_allow_at_one_per_cent(servers: int, load: float) -> None:
    assert erlang_b(load, servers) == pytest.approx(0.01, rel=0.01)


@pytest.mark.parametrize(("load", "lost", "lines"), [(33.333, 0.01, 45), (158.333, 0.03, 168)])
def test_lines_without_waiting_are_those_of_the_calculators(load: float, lost: float, lines: int) -> None:
    """With a line for each operator and no place to wait, the model is Erlang B."""
    traffic = Traffic(load * 20, 180, 90)
    assert erlang_b(load, lines) <= lost < erlang_b(load, lines - 1)
    assert answering(traffic, lines, channels=lines).refused == pytest.approx(erlang_b(load, lines))


def test_the_textbook_case_of_erlang_c() -> None:
    """100 calls in half an hour of 180 s, 14 agents, 20 s: 17.4 %, 88.8 %, 71.4 %, 7.8 s."""
    found = answering(TEXTBOOK, 14, seconds=20)
    assert found.delayed == pytest.approx(0.174, abs=5e-4)
    assert found.within == pytest.approx(0.888, abs=5e-4)
    assert found.occupancy == pytest.approx(0.714, abs=5e-4)
    assert found.speed_of_answer == found.mean_wait == pytest.approx(7.84, abs=5e-3)
    assert operators_needed(TEXTBOOK, Target(answered=0, within=0.8, seconds=20)) == 14


@pytest.mark.parametrize("load", [0.2, 1.0, 3.7, 10.0])
def test_one_channel_more_than_the_others_can_fill_is_erlang_c(load: float) -> None:
    operators = math.ceil(load) + 1
    found = answering(Traffic(load * 20, 180), operators, channels=4000, seconds=15)
    patient = answering(Traffic(load * 20, 180), operators, seconds=15)
    assert found.delayed == pytest.approx(erlang_c(load, operators))
    assert found.within == pytest.approx(patient.within)
    assert found.speed_of_answer == pytest.approx(patient.mean_wait)


def simulate(
    traffic: Traffic, operators: int, channels: float, seconds: float, calls: int = 200_000, seed: int = 7
) -> dict[str, float]:
    """Call by call: a queue of waiting callers with their own patience, operators, a carrier that refuses when channels are full."""
    dice = random.Random(seed)
    clock, busy = 0.0, 0
    ends: list[float] = []
    queue: deque[tuple[float, float]] = deque()
    count = dict.fromkeys(("answered", "abandoned", "refused", "delayed", "within"), 0)
    waited = answered_wait = 0.0

    def serve(moment: float) -> None:
        heapq.heappush(ends, moment + dice.expovariate(1 / traffic.handle_seconds))

    def free_operators(until: float) -> None:
        nonlocal busy, waited, answered_wait
        while ends and ends[0] <= until:
            moment = heapq.heappop(ends)
            busy -= 1
            while queue:
                came, gives_up = queue.popleft()
                if gives_up <= moment:
                    waited += gives_up - came
                    count["abandoned"] += 1
                    continue
                waited += moment - came
                answered_wait += moment - came
                count["answered"] += 1
                count["within"] += moment - came <= seconds
                busy += 1
                serve(moment)
                break

    for _ in range(calls):
        clock += dice.expovariate(traffic.calls_per_hour / 3600)
        free_operators(clock)
        if busy < operators:
            busy += 1
            count["answered"] += 1
            count["within"] += 1
            serve(clock)
            continue
        if busy + len(queue) >= channels:
            still = [one for one in queue if one[1] > clock]
            for came, gives_up in queue:
                if gives_up <= clock:
                    waited += gives_up - came
                    count["abandoned"] += 1
            queue = deque(still)
        if busy + len(queue) >= channels:
            count["refused"] += 1
            continue
        count["delayed"] += 1
        queue.append((clock, clock + dice.expovariate(1 / traffic.patience_seconds)))
    free_operators(math.inf)
    heard = calls - count["refused"]
    return {name: value / calls for name, value in count.items()} | {
        "mean_wait": waited / heard,
        "speed_of_answer": answered_wait / count["answered"],
    }


CASES = [
    (Traffic(9.5, 300, 90), 2, 4, 20),
    (Traffic(12.4, 300, 90), 2, None, 20),
    (Traffic(62, 300, 90), 6, None, 20),
    (Traffic(62, 300, 90), 6, 8, 20),
    (Traffic(18.3, 420, 60), 2, 2, 20),
    (Traffic(200, 180, 120), 9, 14, 30),
    (Traffic(40, 240, 600), 3, 10, 10),
]


@pytest.mark.parametrize(("traffic", "operators", "channels", "seconds"), CASES)
def test_a_simulation_of_200_000_calls_agrees(traffic: Traffic, operators: int, channels: int | None, seconds: float) -> None:
    found = answering(traffic, operators, channels=channels, seconds=seconds)
    seen = simulate(traffic, operators, channels or math.inf, seconds)
    for name in ("answered", "abandoned", "refused", "delayed", "within"):
        assert getattr(found, name) == pytest.approx(seen[name], abs=0.005), name
    for name in ("mean_wait", "speed_of_answer"):
        assert getattr(found, name) == pytest.approx(seen[name], rel=0.03, abs=0.05), name


def test_channels_with_nobody_waiting_are_those_of_erlang_b() -> None:
    assert answering(Traffic(200, 180, 90), 10, channels=10).refused == pytest.approx(erlang_b(10, 10))


def test_operators_without_a_channel_stand_idle() -> None:
    few, many = (answering(Traffic(62, 300, 90), n, channels=4) for n in (4, 9))
    assert many.answered == pytest.approx(few.answered)
    assert many.occupancy == pytest.approx(few.occupancy * 4 / 9)


STREAMS = st.builds(
    Traffic,
    calls_per_hour=st.floats(0.01, 600),
    handle_seconds=st.floats(20, 900),
    patience_seconds=st.floats(5, 3600),
)
OPERATORS = st.integers(1, 60)
WAITING = st.integers(0, 30)
SOON = 1e-9


def shares(found: Answering) -> list[float]:
    return [found.answered, found.abandoned, found.refused, found.delayed, found.within, found.occupancy]


@settings(deadline=None)
@given(STREAMS, OPERATORS, st.none() | WAITING, st.floats(0, 120))
def test_shares_are_shares_and_make_one(traffic: Traffic, operators: int, waiting: int | None, seconds: float) -> None:
    channels = None if waiting is None else operators + waiting
    found = answering(traffic, operators, channels=channels, seconds=seconds)
    assert all(-SOON <= share <= 1 + SOON for share in shares(found))
    assert found.answered + found.abandoned + found.refused == pytest.approx(1)
    assert found.occupancy * operators == pytest.approx(traffic.load * found.answered)
    assert found.abandoned == pytest.approx(found.mean_wait * (1 - found.refused) / traffic.patience_seconds, abs=1e-9)
    assert found.within <= found.answered + SOON
    assert found.answered <= found.answer_rate + SOON <= 1 + 2 * SOON


@settings(deadline=None)
@given(STREAMS, OPERATORS, st.integers(0, 20))
def test_one_operator_more_answers_more_and_sooner(traffic: Traffic, operators: int, spare: int) -> None:
    channels = operators + 1 + spare
    few, more = (answering(traffic, n, channels=channels) for n in (operators, operators + 1))
    assert more.answered >= few.answered - SOON
    assert more.within >= few.within - SOON
    assert more.delayed + more.refused <= few.delayed + few.refused + SOON


@settings(deadline=None)
@given(STREAMS, OPERATORS, WAITING)
def test_one_channel_more_refuses_fewer_and_answers_more(traffic: Traffic, operators: int, waiting: int) -> None:
    narrow, wide = (answering(traffic, operators, channels=operators + waiting + n) for n in (0, 1))
    assert wide.refused <= narrow.refused + SOON
    assert wide.answered >= narrow.answered - SOON


@settings(deadline=None)
@given(st.floats(0.1, 30), st.integers(1, 10))
def test_erlang_a_becomes_c_as_patience_grows(load: float, spare: int) -> None:
    operators = math.ceil(load) + spare
    far = [abs(answering(Traffic(load * 20, 180, p), operators).delayed - erlang_c(load, operators)) for p in (60, 3600, 86400)]
    assert far[2] <= far[1] + SOON <= far[0] + 2 * SOON
    assert far[2] < 0.02


@settings(deadline=None, max_examples=50)
@given(STREAMS, st.floats(0.3, 0.97), st.floats(0, 0.9), st.integers(0, 5))
def test_the_need_is_the_smallest_that_meets_the_target(traffic: Traffic, answered: float, within: float, waiting: int) -> None:
    target = Target(answered=answered, within=within)
    found = need(traffic, target, waiting=waiting)
    result = answering(traffic, found.operators, channels=found.channels)
    assert target.met_by(result)
    assert result.refused <= target.refused
    assert found.channels >= found.operators + waiting
    if found.operators > 1:
        fewer = channels_needed(traffic, found.operators - 1, refused=target.refused, waiting=waiting)
        assert not target.met_by(answering(traffic, found.operators - 1, channels=fewer))
    if found.channels > found.operators + waiting:
        assert answering(traffic, found.operators, channels=found.channels - 1).refused > target.refused


@pytest.mark.parametrize("operators", [1, 2, 50, 200, 500])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 1.0, 1.3, 4.0])
def test_five_hundred_operators_are_as_sound_as_one(operators: int, share: float) -> None:
    found = answering(Traffic(operators * share * 20, 180, 90), operators, seconds=600)
    assert found.answered + found.abandoned == pytest.approx(1)
    assert all(math.isfinite(value) and 0 <= value <= 1 for value in shares(found))
    assert math.isfinite(erlang_b(operators * share, operators))


def test_the_figures_of_a_contract_with_1500_calls_a_month() -> None:
    """20.5 open days, 17 % of a day in its busiest hour, 300 s a call: two operators are just enough for 80 %, three are safe."""
    peak = Traffic(1500 / 20.5 * 0.17, 300, 90)
    rates = [round(answering(peak, n).answered, 2) for n in (1, 2, 3)]
    assert rates == [0.55, 0.84, 0.96]
    assert need(peak, Target(answered=0.8)) == Need(operators=2, channels=4)
    assert answering(peak, 2, channels=2).refused > 0.2


def test_nobody_calls() -> None:
    found = answering(Traffic(0, 300, 90), 1, channels=1)
    assert (found.answered, found.refused, found.delayed, found.occupancy) == (1, 0, 0, 0)
    assert need(Traffic(0, 300), Target()) == Need(1, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Traffic(-1, 300),
        lambda: Traffic(math.nan, 300),
        lambda: Traffic(10, 0),
        lambda: Traffic(10, 300, 0),
        lambda: Traffic(10, 300, 1e9),
        lambda: answering(TEXTBOOK, 0),
        lambda: answering(TEXTBOOK, 14, channels=0),
        lambda: answering(TEXTBOOK, 14, seconds=-1),
        lambda: answering(TEXTBOOK, 10),
        lambda: erlang_b(-1, 1),
        lambda: erlang_c(1, 0),
        lambda: Target(answered=1.0),
        lambda: Target(refused=0),
        lambda: Target(seconds=-1),
        lambda: channels_needed(TEXTBOOK, 14, refused=0),
        lambda: channels_needed(TEXTBOOK, 14, waiting=-1),
    ],
)
def test_impossible_input_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        wrong()  # type: ignore[operator]


def test_what_cannot_be_reached_is_told() -> None:
    with pytest.raises(Unreachable):
        operators_needed(Traffic(62, 300, 90), Target(answered=0.9), channels=3)
    with pytest.raises(Unreachable):
        channels_needed(TEXTBOOK, 5)
    with pytest.raises(Unreachable):
        need(Traffic(20 * 3 * MOST_OPERATORS, 180, 90), Target())
