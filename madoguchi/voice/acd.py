"""The desk: who waits, who can be rung, who is rung next. Decisions only: no sound, no network, no clock (``now`` in seconds is given).

Rules
    * calls are served in the order in which they first came, each by an operator of its contract
    * among the ready operators of the contract the one idle longest is rung; a ring that the caller ended does not count as work
    * who did not take it goes to the end of the line; who vanished, or did not take two in a row, goes to break
    * after a call comes wrap-up, unless a break was asked for meanwhile
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from .operators import Operator, State

MISSES: Final = 2
"""Calls an operator may leave unanswered in a row before the desk sends them to break."""


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """A call that waits. ``order`` is its number in the sequence of all calls; it keeps it when it comes back to the line."""

    order: int
    call: str
    contract: str
    queue: str
    since: float


class Desk:
    """The state of the line and of the operators. Every change of an operator's state goes through here."""

    def __init__(self) -> None:
        self.operators: dict[str, Operator] = {}
        self.waiting: list[Waiting] = []
        self._rung: dict[str, Waiting] = {}
        self._idle: dict[str, float] = {}
        self._missed: dict[str, int] = {}
        self._wrapup: dict[str, float] = {}

    # Operators.

    def sign_in(self, operator: Operator, now: float) -> Operator:
        """Take an operator in, or give the newcomer's device and rights to the one of that name."""
        known = self.operators.setdefault(operator.name, operator)
        if known is not operator:
            known.device, known.contracts, known.supervisor = operator.device, operator.contracts, operator.supervisor
        if known.state == "offline":
            known.call = ""
            self._to(known, "break", now)
        return known

    def sign_out(self, operator: Operator, now: float) -> None:
        """The device is gone. Who has a call keeps it until :meth:`missed` or :meth:`released`."""
        operator.device = None
        if operator.state not in ("ringing", "talking"):
            self._to(operator, "offline", now)

    def set_state(self, operator: Operator, state: Literal["ready", "break"], now: float) -> None:
        """What the operator wishes; during a call a break waits for its end."""
        if operator.state in ("ringing", "talking"):
            operator.away_after_call = state == "break"
        elif operator.state != state and operator.device is not None:
            self._to(operator, state, now)

    def seize(self, operator: Operator, call: str, now: float) -> None:
        """Ring an operator past the line: a transfer, or a call-back. Who is not free raises :class:`ValueError`."""
        if operator.state not in ("ready", "wrapup", "break") or operator.device is None:
            raise ValueError(f"{operator.name} is {operator.state}")
        operator.call = call
        self._to(operator, "ringing", now)

    def taken(self, operator: Operator, now: float) -> None:
        """The operator answered."""
        self._rung.pop(operator.name, None)
        self._missed.pop(operator.name, None)
        self._to(operator, "talking", now)

    def missed(self, operator: Operator, why: Literal["timeout", "declined", "gone"], now: float) -> None:
        """The operator did not take it; a call from the line waits again at its old place."""
        back = self._rung.pop(operator.name, None)
        if back is not None:
            self._insert(back)
        count = self._missed[operator.name] = self._missed.get(operator.name, 0) + 1
        away = why == "gone" or count >= MISSES or operator.away_after_call
        self._leave(operator, "break" if away else "ready", now)

    def freed(self, operator: Operator, now: float) -> None:
        """The ringing ended through no doing of the operator: the place in the line of the idle stays."""
        self._rung.pop(operator.name, None)
        idle = self._idle.get(operator.name, now)
        self._leave(operator, "break" if operator.away_after_call else "ready", now)
        if operator.state == "ready":
            self._idle[operator.name] = idle

    def released(self, operator: Operator, now: float, wrapup: float = 0.0) -> None:
        """A conversation is over."""
        state: State = "break" if operator.away_after_call else "wrapup" if wrapup > 0 else "ready"
        self._leave(operator, state, now)
        if operator.state == "wrapup":
            self._wrapup[operator.name] = now + wrapup

    def due(self, now: float) -> list[Operator]:
        """End the wrap-ups whose time is over; those operators."""
        found = [self.operators[name] for name, until in self._wrapup.items() if until <= now]
        for operator in found:
            self._to(operator, "ready", now)
        return found

    def _leave(self, operator: Operator, state: State, now: float) -> None:
        operator.call = ""
        operator.away_after_call = False
        self._to(operator, state if operator.device is not None else "offline", now)

    def _to(self, operator: Operator, state: State, now: float) -> None:
        operator.state, operator.since = state, now
        self._wrapup.pop(operator.name, None)
        if state == "ready":
            self._idle[operator.name] = now
            if self._missed.get(operator.name, 0) >= MISSES:
                del self._missed[operator.name]

    # Calls.

    def enter(self, waiting: Waiting) -> int:
        """A call joins the line, or comes back to it; its position in the line of its contract, from 1."""
        self._insert(waiting)
        return 1 + sum(w.contract == waiting.contract and w < waiting for w in self.waiting)

    def leave(self, call: str) -> None:
        """A call leaves the line. Who is rung for it stays so until :meth:`freed`, when the device has stopped."""
        self.waiting = [w for w in self.waiting if w.call != call]

    def rung_for(self, call: str) -> list[Operator]:
        """Who is being rung for a call."""
        return [o for o in self.operators.values() if o.state == "ringing" and o.call == call]

    def length(self, contract: str, queue: str) -> int:
        """How many wait in a queue and are not being rung for."""
        return sum(w.contract == contract and w.queue == queue for w in self.waiting)

    def present(self, contract: str) -> bool:
        """Whether anybody of the contract is signed in."""
        return any(contract in o.contracts and o.state != "offline" for o in self.operators.values())

    def idle(self, contract: str, *, supervisor: bool = False, but: Operator | None = None) -> Operator | None:
        """The ready operator of a contract who is idle longest."""
        ready = [
            o for o in self.operators.values()
            if o.state == "ready" and contract in o.contracts and o is not but and (o.supervisor or not supervisor)
        ]  # fmt: skip
        return min(ready, key=lambda o: (self._idle.get(o.name, 0.0), o.name), default=None)

    def assign(self, now: float) -> list[tuple[str, Operator]]:
        """Give waiting calls to idle operators; each pair is to be rung now."""
        pairs = []
        for waiting in list(self.waiting):
            operator = self.idle(waiting.contract)
            if operator is None:
                continue
            self.waiting.remove(waiting)
            self._rung[operator.name] = waiting
            operator.call = waiting.call
            operator.state, operator.since = "ringing", now
            pairs.append((waiting.call, operator))
        return pairs

    def _insert(self, waiting: Waiting) -> None:
        self.waiting = sorted([*self.waiting, waiting])
