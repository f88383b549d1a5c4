"""From the events of a call to the call. Pure: no clock, no database; the order of the events given does not matter.

An event counts once however often it is given. What became of a call is decided in this order: somebody answered; a call-back was asked for;
the automatic answer took it; it was told the hours; the telephone system lost it; the caller hung up while waiting, or before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from madoguchi.voice.events import KINDS, CallEvent

from .enums import Direction, Outcome

_ORDER = {kind: place for place, kind in enumerate(KINDS)}
LOST = "lost"
"""``data.why`` of an ``ended`` that we wrote because the telephone system forgot the call."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A call as its events tell it. Times are aware; seconds are whole, rounded to the nearest.

    ``wait_seconds`` runs from the queue (else from the offer) to the answer, or to the end of waiting; None for a call that never
    waited and never will (closed, told the hours). ``total_seconds`` runs from the offer to the end. ``agent`` is who answered first,
    ``first_agent`` who was rung first, ``last_agent`` who spoke last.
    """

    provider: str
    ref: str
    opened_at: dt.datetime
    direction: Direction = Direction.IN
    caller: str = ""
    withheld: bool = False
    dialled: str = ""
    state: str = "open"
    choice: str = ""
    language: str = ""
    queue: str = ""
    queued_at: dt.datetime | None = None
    answered_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    outcome: Outcome = Outcome.OPEN
    why: str = ""
    by: str = ""
    agent: str = ""
    first_agent: str = ""
    last_agent: str = ""
    missed: tuple[str, ...] = field(default=())
    transfers: int = 0
    wait_seconds: int | None = None
    talk_seconds: int | None = None
    hold_seconds: int = 0
    total_seconds: int | None = None
    callback_number: str = ""
    callback_ref: str = ""


def fold(events: Iterable[CallEvent]) -> dict[tuple[str, str], Folded]:
    """Calls by (provider, call), of events of any number of calls of one contract, in any order, any of them repeated."""
    by_call: dict[tuple[str, str], dict[tuple[str, str, str, dt.datetime], CallEvent]] = {}
    for event in events:
        by_call.setdefault((event.provider, event.call), {})[event.key] = event
    return {key: fold_one(found.values()) for key, found in by_call.items()}


def fold_one(events: Iterable[CallEvent]) -> Folded:
    """The call of these events, which all belong to it. Raises :class:`ValueError` when there are none."""
    unique = {event.key: event for event in events}
    ordered = sorted(unique.values(), key=lambda e: (e.at, _ORDER[e.kind]))
    if not ordered:
        raise ValueError("a call has at least one event")
    first = ordered[0]

    def earliest(*kinds: str) -> CallEvent | None:
        return next((e for e in ordered if e.kind in kinds), None)

    def told(name: str) -> str:
        return next((value for e in ordered if (value := getattr(e, name))), "")

    offered, queued, answered = earliest("offered"), earliest("queued"), earliest("answered")
    real_ends = [e for e in ordered if e.kind == "ended" and e.data.get("why") != LOST]
    lost_end = next((e for e in ordered if e.kind == "ended" and e.data.get("why") == LOST), None)
    end = real_ends[0] if real_ends else lost_end
    given_up = earliest("abandoned", "overflowed", "callback_requested")
    menu = next((e for e in reversed(ordered) if e.kind == "menu" and e.data.get("choice")), None)
    spoken = next((str(e.data["language"]) for e in reversed(ordered) if e.data.get("language")), "")
    asked = earliest("callback_requested")
    state = next((str(e.data["state"]) for e in ordered if e.data.get("state")), "open")

    outcome, why = _outcome(ordered, end, lost_end is not None and end is lost_end, state)
    waited_from = (queued or offered or first).at
    wait: float | None = None
    if answered:
        wait = (answered.at - waited_from).total_seconds()
    elif outcome is not Outcome.CLOSED and (stop := given_up or end):
        wait = (stop.at - waited_from).total_seconds()
    told_wait = next((e.data["wait"] for e in (answered, given_up, end) if e and _number(e.data.get("wait"))), None)
    if told_wait is not None and outcome is not Outcome.CLOSED:
        wait = float(told_wait)
    hold = _held(ordered, end)
    talk = (end.at - answered.at).total_seconds() - hold if answered and end else None
    if answered and end and _number(end.data.get("talk")):
        talk = float(end.data["talk"])
    return Folded(
        provider=first.provider,
        ref=first.call,
        opened_at=(offered or first).at,
        direction=Direction.BACK if any(e.data.get("callback") for e in ordered if e.kind == "offered") else Direction.IN,
        caller=told("caller"),
        withheld=any(e.withheld for e in ordered),
        dialled=told("dialled"),
        state=state,
        choice=str(menu.data["choice"]) if menu else "",
        language=spoken,
        queue=told("queue"),
        queued_at=queued.at if queued else None,
        answered_at=answered.at if answered else None,
        ended_at=end.at if end else None,
        outcome=outcome,
        why=why,
        by=str(end.data.get("by") or "") if end else "",
        agent=answered.agent if answered else "",
        first_agent=told("agent"),
        last_agent=next((str(e.data.get("to") or e.agent) for e in reversed(ordered) if e.kind in ("answered", "transferred")), ""),
        missed=tuple(e.agent for e in ordered if e.kind == "not_answered"),
        transfers=sum(e.kind == "transferred" for e in ordered),
        wait_seconds=None if wait is None else max(round(wait), 0),
        talk_seconds=None if talk is None else max(round(talk), 0),
        hold_seconds=round(hold),
        total_seconds=max(round((end.at - (offered or first).at).total_seconds()), 0) if end else None,
        callback_number=str(asked.data.get("number") or "") if asked else "",
        callback_ref=next((str(e.data["callback"]) for e in ordered if e.data.get("callback")), ""),
    )


def _outcome(ordered: list[CallEvent], end: CallEvent | None, lost: bool, state: str) -> tuple[Outcome, str]:
    kinds = {e.kind for e in ordered}
    why = next((str(e.data["why"]) for e in ordered if e.kind in ("overflowed", "abandoned") and e.data.get("why")), "")
    if "answered" in kinds:
        return Outcome.ANSWERED, why
    if "callback_requested" in kinds:
        return Outcome.CALLBACK, why
    if "overflowed" in kinds:
        return Outcome.OVERFLOWED, why
    if state != "open":
        return Outcome.CLOSED, state
    if "abandoned" in kinds:
        return (Outcome.ABANDONED if "queued" in kinds else Outcome.ABANDONED_MENU), why
    if end is None:
        return Outcome.OPEN, ""
    if lost:
        return Outcome.LOST, LOST
    return (Outcome.ABANDONED if "queued" in kinds else Outcome.ABANDONED_MENU), why


def _held(ordered: list[CallEvent], end: CallEvent | None) -> float:
    seconds, since = 0.0, None
    for event in ordered:
        if event.kind == "held" and since is None:
            since = event.at
        elif event.kind in ("resumed", "ended") and since is not None:
            seconds += (event.at - since).total_seconds()
            since = None
            if event is end:
                break
    return seconds


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
