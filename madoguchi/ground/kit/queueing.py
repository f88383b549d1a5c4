"""Telephone traffic: how many calls are answered, how long callers wait, how many operators and channels are needed.

Words and units. Calls arrive at random (a Poisson stream), ``calls_per_hour`` of them. An operator is busy with each for
``handle_seconds`` on average (talk and after-call work, the AHT), and callers hang up after ``patience_seconds`` of waiting on average,
both exponentially distributed. ``load`` = calls per hour × handle seconds ÷ 3600 is the offered load in erlangs. A *channel* is one
line to the carrier: a call takes one while it waits and while it is served, and a call that finds all of them taken is refused by the
carrier unheard. Shares lie between 0 and 1.

:func:`answering` is the model that the others stand on: M/M/n/K+M, ``n`` operators, ``K`` channels, impatient callers. Its limits are
the classics: unlimited channels give Erlang A, endless patience besides gives Erlang C, and as many channels as operators Erlang B.

Sources: A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic telephone exchanges"
(1917) for B and C; C. Palm, "Research on telephone traffic carried by full availability groups" (1957), and O. Garnett,
A. Mandelbaum, M. Reiman, "Designing a call center with impatient customers", M&SOM 4 (2002) for A; R. B. Cooper, "Introduction to
queueing theory" (1981) for the recursion of B, the waiting times of C and the birth-death method with finite channels.

Pure functions; impossible input (a negative stream, no operator, no handle time) raises ``ValueError``.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

MOST_OPERATORS = 500
"""The largest staff that is searched."""

MOST_PATIENCE = 86_400.0
"""Patience in seconds beyond which only ``math.inf`` (nobody hangs up) is taken."""

_NEGLIGIBLE = 1e-18


class Unreachable(ValueError):
    """No number of operators, or of channels, within the limits meets the target."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """A stream of calls at its mean: ``calls_per_hour`` ≥ 0, ``handle_seconds`` > 0 and ``patience_seconds`` > 0 on average each.

    ``patience_seconds`` is at most :data:`MOST_PATIENCE`, or ``math.inf``. Raises ``ValueError``.
    """

    calls_per_hour: float
    handle_seconds: float
    patience_seconds: float = math.inf

    def __post_init__(self) -> None:
        if not 0 <= self.calls_per_hour < math.inf:
            raise ValueError(f"calls per hour must be 0 or more, not {self.calls_per_hour}")
        if not 0 < self.handle_seconds < math.inf:
            raise ValueError(f"handle seconds must be more than 0, not {self.handle_seconds}")
        if not (0 < self.patience_seconds <= MOST_PATIENCE or self.patience_seconds == math.inf):
            raise ValueError(f"patience must be 0 to {MOST_PATIENCE:.0f} seconds or endless, not {self.patience_seconds}")

    @property
    def load(self) -> float:
        """Offered load in erlangs."""
        return self.calls_per_hour * self.handle_seconds / 3600


@dataclass(frozen=True, slots=True)
class Answering:
    """What becomes of calls in the long run.

    ``answered`` + ``abandoned`` + ``refused`` = 1 are shares of all calls that were dialled: answered by a person, hung up while
    waiting, refused for want of a channel. ``delayed``: share that must wait before it is answered or given up. ``within``: share
    answered within the asked seconds. ``mean_wait``: seconds that a call which got a channel waits, until answered or given up;
    ``speed_of_answer``: the same of answered calls only (ASA). ``occupancy``: share of their time that operators are busy.
    """

    answered: float
    abandoned: float
    refused: float
    delayed: float
    within: float
    mean_wait: float
    speed_of_answer: float
    occupancy: float

    @property
    def answer_rate(self) -> float:
        """Answered ÷ calls that reached us, as an exchange measures it: it never hears of refused calls."""
        return _share(self.answered, 1 - self.refused)

    @property
    def within_of_answered(self) -> float:
        """The service level with abandoned and refused calls left out: answered within the seconds ÷ answered."""
        return _share(self.within, self.answered)


@dataclass(frozen=True, slots=True)
class Target:
    """What has to be reached, all of it: shares of all calls dialled, 0 for "not asked for".

    ``answered`` ≥ by people; ``within`` ≥ answered within ``seconds``; ``refused`` ≤ for want of a channel, more than 0.
    Raises ``ValueError`` for shares outside of 0…1, or a share that must be waited for in less than 0 seconds.
    """

    answered: float = 0.8
    within: float = 0.0
    seconds: float = 20.0
    refused: float = 0.01

    def __post_init__(self) -> None:
        if not (0 <= self.answered < 1 and 0 <= self.within < 1 and 0 < self.refused <= 1):
            raise ValueError("shares of a target lie between 0 and 1; that of refused calls is more than 0")
        if not self.seconds >= 0:
            raise ValueError(f"the seconds of a target must be 0 or more, not {self.seconds}")

    def met_by(self, result: Answering) -> bool:
        """Whether enough calls are answered, and soon enough (channels are judged by :func:`channels_needed`)."""
        return result.answered >= self.answered and result.within >= self.within


@dataclass(frozen=True, slots=True)
class Need:
    """Operators and channels that meet a target together."""

    operators: int
    channels: int


def erlang_b(load: float, servers: int) -> float:
    """Share of calls lost when nobody can wait: Erlang B by the recursion ``B(k) = aB(k-1) / (k + aB(k-1))``.

    ``load`` in erlangs ≥ 0, ``servers`` ≥ 0. Raises ``ValueError``.
    """
    if not 0 <= load < math.inf or servers < 0:
        raise ValueError(f"load and servers must be 0 or more, not {load} and {servers}")
    lost = 1.0
    for server in range(1, servers + 1):
        lost = load * lost / (server + load * lost)
    return lost


def erlang_c(load: float, operators: int) -> float:
    """Share of calls that must wait when all wait for ever: Erlang C from B. 1 where the load is not below the operators.

    ``load`` in erlangs ≥ 0, ``operators`` ≥ 1. Raises ``ValueError``.
    """
    if operators < 1:
        raise ValueError(f"there must be an operator, not {operators}")
    lost = erlang_b(load, operators)
    return 1.0 if load >= operators else operators * lost / (operators - load * (1 - lost))


def answering(traffic: Traffic, operators: int, *, channels: int | None = None, seconds: float = 20.0) -> Answering:
    """The long run of ``operators`` ≥ 1 with ``channels`` ≥ 1 (None: unlimited); ``seconds`` ≥ 0 is the limit of ``within``.

    Operators beyond the channels stand idle. Raises ``ValueError`` for impossible numbers, and where callers wait for ever in
    unlimited channels for too few operators, because then the queue has no end.

    The states are calls in the house. What a call that finds ``j`` calls waiting has to wait is a sum of exponential times with the
    rates ``nμ + iθ``, ``i = 0…j`` (``μ``, ``θ``: rates of service and of giving up), so that ``exp(-θ·wait)`` has the beta
    distribution ``Beta(nμ/θ, j + 1)``: its chance to be answered at all, and within ``t`` seconds, are finite sums.
    """
    if operators < 1:
        raise ValueError(f"there must be an operator, not {operators}")
    if channels is not None and channels < 1:
        raise ValueError(f"there must be a channel, not {channels}")
    if not seconds >= 0:
        raise ValueError(f"the seconds must be 0 or more, not {seconds}")
    staff = operators if channels is None else min(operators, channels)
    arrive = traffic.calls_per_hour / 3600
    serve = 1 / traffic.handle_seconds
    leave = 0.0 if traffic.patience_seconds == math.inf else 1 / traffic.patience_seconds
    if channels is None and not leave:
        return _patient(traffic, operators, seconds)
    states = _states(arrive, serve, leave, staff, channels)
    refused = states[channels] if channels is not None and len(states) > channels else 0.0
    waiting = states[staff:channels]
    flow = staff * serve
    faded = -math.expm1(-leave * seconds)
    spread = seconds if not leave else faded / leave
    step = -(flow + leave) * seconds
    late, spent = 0.0, 0.0
    at_once = sum(states[:staff])
    answered, within, answered_wait = at_once, at_once, 0.0
    for ahead, share in enumerate(waiting):
        if ahead:
            ratio = (flow * spread + ahead * faded) / ahead
            step = step + math.log(ratio) if ratio else -math.inf
        late += math.exp(step)
        spent += 1 / (flow + (ahead + 1) * leave)
        reached = share * flow / (flow + (ahead + 1) * leave)
        answered += reached
        within += reached * max(0.0, 1 - late)
        answered_wait += reached * spent
    in_queue = sum(place * share for place, share in enumerate(states[staff:]))
    heard = arrive * (1 - refused)
    return Answering(
        answered=min(1.0, answered),
        abandoned=max(0.0, 1 - refused - answered) if leave else 0.0,
        refused=refused,
        delayed=min(1.0, sum(waiting)),
        within=min(1.0, within),
        mean_wait=in_queue / heard if heard else 0.0,
        speed_of_answer=answered_wait / answered if answered else 0.0,
        occupancy=min(1.0, sum(min(calls, staff) * share for calls, share in enumerate(states)) / operators),
    )


def operators_needed(
    traffic: Traffic, target: Target, *, channels: int | None = None, most: int = MOST_OPERATORS
) -> int:
    """The smallest number of operators with which enough calls are answered soon enough, given ``channels`` (None: unlimited).

    Raises :class:`Unreachable` when neither ``most`` operators nor as many as there are channels are enough.
    """
    limit = most if channels is None else min(most, channels)

    def met(operators: int) -> bool:
        hopeless = channels is None and traffic.patience_seconds == math.inf and traffic.load >= operators
        return not hopeless and target.met_by(answering(traffic, operators, channels=channels, seconds=target.seconds))

    found = bisect_left(range(1, limit + 1), True, key=met) + 1
    if found > limit:
        raise Unreachable(f"{limit} operators are not enough for {traffic.load:.1f} erlangs")
    return found


def channels_needed(traffic: Traffic, operators: int, *, refused: float = 0.01, waiting: int = 0) -> int:
    """The smallest number of channels, one for each operator and ``waiting`` more, that refuses at most the share ``refused``.

    Raises :class:`Unreachable` where callers who wait for ever outnumber what the operators can serve, or ``ValueError``.
    """
    if not 0 < refused <= 1 or waiting < 0:
        raise ValueError(f"a share of refused calls is more than 0, and waiting places 0 or more: {refused}, {waiting}")
    low = operators + waiting

    def enough(channels: int) -> bool:
        return answering(traffic, operators, channels=channels).refused <= refused

    if traffic.patience_seconds == math.inf and 1 - operators / max(traffic.load, 1e-12) >= refused:
        raise Unreachable(f"no number of channels is enough: {operators} operators for {traffic.load:.1f} erlangs")
    high = max(low, 1)
    while not enough(high):
        high *= 2
    return low + bisect_left(range(low, high), True, key=enough)


def need(traffic: Traffic, target: Target, *, waiting: int = 0) -> Need:
    """The fewest operators, with the channels they need (``waiting`` places at least), that meet the target together.

    The search begins with the answer for unlimited channels and goes both ways: refused calls lower the share that is answered, but
    those that are left wait a shorter time. Raises :class:`Unreachable`.
    """
    def met(operators: int) -> Need | None:
        try:
            channels = channels_needed(traffic, operators, refused=target.refused, waiting=waiting)
        except Unreachable:
            return None
        result = answering(traffic, operators, channels=channels, seconds=target.seconds)
        return Need(operators, channels) if target.met_by(result) else None

    start = operators_needed(traffic, target)
    found = met(start)
    if found:
        for operators in range(start - 1, 0, -1):
            fewer = met(operators)
            if not fewer:
                break
            found = fewer
        return found
    for operators in range(start + 1, MOST_OPERATORS + 1):
        found = met(operators)
        if found:
            return found
    raise Unreachable(f"{MOST_OPERATORS} operators are not enough for {traffic.load:.1f} erlangs")


def _patient(traffic: Traffic, operators: int, seconds: float) -> Answering:
    """Erlang C: nobody hangs up and nobody is refused."""
    spare = operators - traffic.load
    if spare <= 0:
        raise ValueError(f"callers who wait for ever need more than {operators} operators for {traffic.load:.1f} erlangs")
    delayed = erlang_c(traffic.load, operators)
    wait = delayed * traffic.handle_seconds / spare
    within = 1 - delayed * math.exp(-spare * seconds / traffic.handle_seconds)
    return Answering(1.0, 0.0, 0.0, delayed, within, wait, wait, traffic.load / operators)


def _states(arrive: float, serve: float, leave: float, staff: int, channels: int | None) -> list[float]:
    """Shares of time with 0, 1, 2 … calls in the house; without a limit of channels up to where they no longer count.

    Worked out from the most frequent state to both sides, so that no number grows out of its range.
    """

    def out(calls: int) -> float:
        return min(calls, staff) * serve + max(0, calls - staff) * leave

    peak = 0
    while (channels is None or peak < channels) and arrive >= out(peak + 1):
        peak += 1
    below = [1.0]
    for calls in range(peak, 0, -1):
        below.append(below[-1] * out(calls) / arrive)
    states = below[::-1]
    calls, weight = peak, 1.0
    while channels is None or calls < channels:
        calls += 1
        weight *= arrive / out(calls)
        if weight < _NEGLIGIBLE and channels is None and calls >= staff:
            break
        states.append(weight)
    total = math.fsum(states)
    return [state / total for state in states]


def _share(part: float, whole: float) -> float:
    return min(1.0, part / whole) if whole > 0 else 0.0
