"""The desk: no call is lost, nobody has two calls, the line is served in order."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from madoguchi.voice.acd import MISSES, Desk, Waiting
from madoguchi.voice.operators import Operator

from .scene import Headset

CONTRACTS = ("east", "west")


class Model(RuleBasedStateMachine):
    """A day of a call centre in any order of events."""

    @initialize()
    def begin(self) -> None:
        self.desk = Desk()
        self.now = 0.0
        self.calls: dict[str, Waiting] = {}
        self.gone: set[str] = set()
        self.order = 0

    def _operator(self, data: st.DataObject, *states: str) -> Operator:
        found = [o for o in self.desk.operators.values() if o.state in states]
        return data.draw(st.sampled_from(found))

    def _any(self, *states: str) -> bool:
        return any(o.state in states for o in self.desk.operators.values())

    @rule(contract=st.sampled_from(CONTRACTS))
    def somebody_calls(self, contract: str) -> None:
        self.order += 1
        waiting = Waiting(self.order, f"c{self.order}", contract, "main", self.now)
        self.calls[waiting.call] = waiting
        line = [w for w in self.desk.waiting if w.contract == contract]
        assert self.desk.enter(waiting) == len(line) + 1
        self._assign()

    @rule(name=st.sampled_from(["a", "b", "c"]), contracts=st.sampled_from([("east",), ("west",), CONTRACTS]))
    def somebody_signs_in(self, name: str, contracts: tuple[str, ...]) -> None:
        self.desk.sign_in(Operator(name, contracts, Headset()), self.now)
        self._assign()

    @precondition(lambda self: self._any("ready", "break", "wrapup", "ringing", "talking"))
    @rule(data=st.data())
    def somebody_signs_out(self, data: st.DataObject) -> None:
        self.desk.sign_out(self._operator(data, "ready", "break", "wrapup", "ringing", "talking"), self.now)

    @precondition(lambda self: self._any("ready", "break", "wrapup", "ringing", "talking"))
    @rule(data=st.data(), state=st.sampled_from(["ready", "break"]))
    def somebody_wishes(self, data: st.DataObject, state: str) -> None:
        self.desk.set_state(self._operator(data, "ready", "break", "wrapup", "ringing", "talking"), state, self.now)  # type: ignore[arg-type]
        self._assign()

    @precondition(lambda self: self._any("ringing"))
    @rule(data=st.data())
    def it_is_taken(self, data: st.DataObject) -> None:
        self.desk.taken(self._operator(data, "ringing"), self.now)

    @precondition(lambda self: self._any("ringing"))
    @rule(data=st.data(), why=st.sampled_from(["timeout", "declined", "gone"]))
    def it_is_missed(self, data: st.DataObject, why: str) -> None:
        operator = self._operator(data, "ringing")
        call = operator.call
        self.desk.missed(operator, why, self.now)  # type: ignore[arg-type]
        assert call in [w.call for w in self.desk.waiting]
        self._assign()

    @precondition(lambda self: self._any("talking"))
    @rule(data=st.data(), wrapup=st.sampled_from([0.0, 5.0]))
    def a_talk_ends(self, data: st.DataObject, wrapup: float) -> None:
        operator = self._operator(data, "talking")
        self.gone.add(operator.call)
        self.desk.released(operator, self.now, wrapup)
        self._assign()

    @precondition(lambda self: set(self.calls) - self.gone)
    @rule(data=st.data())
    def a_caller_hangs_up(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(sorted(set(self.calls) - self.gone)))
        if any(o.state == "talking" and o.call == call for o in self.desk.operators.values()):
            return
        self.gone.add(call)
        self.desk.leave(call)
        for operator in self.desk.rung_for(call):
            self.desk.freed(operator, self.now)
        self._assign()

    @rule(seconds=st.sampled_from([0.5, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.desk.due(self.now)
        self._assign()

    def _assign(self) -> None:
        line = list(self.desk.waiting)
        for call, operator in self.desk.assign(self.now):
            mine = self.calls[call]
            assert mine.contract in operator.contracts
            passed = [w for w in line if w.order < mine.order and w.contract in operator.contracts and w in self.desk.waiting]
            assert passed == []

    @invariant()
    def every_call_is_in_one_place(self) -> None:
        places = [w.call for w in self.desk.waiting]
        places += [o.call for o in self.desk.operators.values() if o.state in ("ringing", "talking")]
        assert sorted(places) == sorted(set(self.calls) - self.gone)

    @invariant()
    def an_operator_has_a_call_when_the_state_says_so(self) -> None:
        for operator in self.desk.operators.values():
            assert bool(operator.call) == (operator.state in ("ringing", "talking"))
            assert operator.state == "offline" or operator.device is not None or operator.call

    @invariant()
    def nobody_waits_while_somebody_is_idle(self) -> None:
        for waiting in self.desk.waiting:
            assert self.desk.idle(waiting.contract) is None


Model.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_no_call_is_lost_and_nobody_has_two = Model.TestCase


def ready(desk: Desk, name: str, now: float, **options: bool) -> Operator:
    found = desk.sign_in(Operator(name, ("east",), Headset(), **options), now)
    desk.set_state(found, "ready", now)
    return found


def test_the_longest_idle_is_rung_first_and_a_ring_that_the_caller_ended_costs_nothing() -> None:
    desk = Desk()
    first, second = ready(desk, "z", 1), ready(desk, "a", 2)
    desk.enter(Waiting(1, "c1", "east", "main", 3))
    assert desk.assign(3) == [("c1", first)]
    desk.leave("c1")
    desk.freed(first, 4)
    assert desk.idle("east") is first
    desk.enter(Waiting(2, "c2", "east", "main", 5))
    assert desk.assign(5) == [("c2", first)]
    desk.missed(first, "timeout", 6)
    assert desk.idle("east") is second
    assert desk.assign(6) == [("c2", second)]


def test_two_missed_in_a_row_are_a_break_and_an_answer_forgives() -> None:
    desk = Desk()
    operator = ready(desk, "a", 0)
    for n in range(2 * MISSES):
        desk.enter(Waiting(n, f"c{n}", "east", "main", n))
        desk.assign(n)
        if n == 1:
            desk.taken(operator, n)
            desk.released(operator, n)
        else:
            desk.missed(operator, "declined", n)
            desk.leave(f"c{n}")
        assert operator.state == ("break" if n == 3 else "ready")


def test_a_supervisor_is_found_for_a_transfer() -> None:
    desk = Desk()
    ready(desk, "a", 0)
    assert desk.idle("east", supervisor=True) is None
    chief = ready(desk, "b", 1, supervisor=True)
    assert desk.idle("east", supervisor=True) is chief
    assert desk.idle("west", supervisor=True) is None
