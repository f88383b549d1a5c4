"""Asterisk and FreePBX: events of the Manager Interface (AMI) as they happen, lines of ``queue_log`` as the complete record.

Sources: "Queue Logs" (docs.asterisk.org, Operation/Logging), "AMI Events" and "UserEvent", "QueueLog" (API Documentation), and
``apps/app_queue.c`` for what the pages do not say: the call id of ``queue_log`` is the ``Uniqueid`` of the caller's channel, the agent is the
``MemberName``, and ``QueueCallerAbandon`` is also sent for a caller whose time in the queue ran out; then the channel variable
``QUEUESTATUS`` is set, while nothing is set when the caller hung up.

Identity. A call is named by the caller's ``Uniqueid``, which both sources carry (not ``Linkedid``, which ``queue_log`` lacks). ``offered`` is
when the channel was made, which is the number before the dot of that name, so both give the same. Other times differ: the log has whole
seconds, AMI has microseconds, so a second may turn between them. :class:`Same` therefore takes an event of the same call, kind, agent and
queue within three seconds for the one it knows and gives it the time it was first told with: whichever comes second is a repetition.

What no queue knows (opening hours, the wish to be called back, the end after the automatic answer) the dialplan tells, by the same words in
both ways (FreePBX's ``DID`` line is read too, where the dialplan does not), see docs/operations/telephone-systems.md::

    QueueLog(NONE,${UNIQUEID},NONE,MADOGUCHI,<kind>|<value>|${CALLERID(num)}|<dialled>)
    UserEvent(Madoguchi,Kind: <kind>,Value: <value>,Dialled: <dialled>)

with kind ``offered`` (value: open, closed, holiday, year_end), ``announced`` (value: prompt), ``menu`` (value: choice), ``callback_requested``
(value: another number, or nothing) and ``ended``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..events import CallEvent, EventError
from . import Read, checked, phone, short

PROVIDER: Final = "asterisk"
CALLBACK_KEYS: Final = frozenset({"1"})
"""Keys by which a caller leaves a queue to be called back, unless said otherwise."""
WITHIN: Final = dt.timedelta(seconds=3)
MOST_CALLS: Final = 10_000

_SILENT_LINES = {
    "ADDMEMBER", "REMOVEMEMBER", "PAUSE", "UNPAUSE", "PAUSEALL", "UNPAUSEALL", "PAUSEREASON", "PENALTY", "QUEUESTART", "CONFIGRELOAD",
    "AGENTLOGIN", "AGENTLOGOFF", "AGENTCALLBACKLOGIN", "AGENTCALLBACKLOGOFF", "RINGCANCELED",
}  # fmt: skip
_SILENT_EVENTS = {"QueueCallerLeave", "FullyBooted"}
_STATUS = {"TIMEOUT": "max_wait", "FULL": "queue_full"} | dict.fromkeys(
    ("JOINEMPTY", "LEAVEEMPTY", "JOINUNAVAIL", "LEAVEUNAVAIL"), "no_operator"
)
_TOLD = ("offered", "announced", "menu", "callback_requested", "ended")
_CLOSED = ("closed", "holiday", "year_end")
_CREATED = re.compile(r"(?:.*-)?(\d{9,10})\.\d+")


def read_line(line: str, *, now: dt.datetime, callback_keys: frozenset[str] = CALLBACK_KEYS) -> Read:
    """The events of one whole line of ``queue_log``: ``epoch|callid|queue|agent|EVENT|parameters…``. Raises :class:`EventError`."""
    fields = line.rstrip("\r\n").split("|")
    if len(fields) < 5:
        raise EventError(f"line: {len(fields)} fields of at least 5")
    stamp, call, queue, agent, kind, *parameters = fields
    if kind in _SILENT_LINES:
        return Read()
    at = _epoch("epoch", stamp)
    if call in ("", "NONE", "REALTIME"):
        return Read(ignored=(f"{kind} without a call"[:60],))
    queue, agent = ("" if name == "NONE" else short(name, key) for name, key in ((queue, "queue"), (agent, "agent")))
    line_of = _Line(short(call, "call"), at, queue, agent, [*parameters, "", "", "", ""])
    found = line_of.events(kind, callback_keys)
    return Read(ignored=(kind[:60],)) if found is None else Read(checked(found, now=now))


@dataclass
class _Line:
    call: str
    at: dt.datetime
    queue: str
    agent: str
    data: list[str]

    def events(self, kind: str, callback_keys: frozenset[str]) -> list[CallEvent] | None:
        """The events of this line; None for a kind that is not known."""
        if kind == "ENTERQUEUE":
            caller, withheld = phone(self.data[1])
            who: dict[str, Any] = {"caller": caller, "withheld": withheld}
            position = {"position": self._number(2)} if self.data[2] else {}
            return [self._event("queued", position, **who)]
        if kind == "CONNECT":
            return [self._event("answered", {"wait": self._number(0)})]
        if kind == "ABANDON":
            return [self._event("abandoned", {"wait": self._number(2)}), self._event("ended", {"by": "caller"})]
        if kind == "EXITWITHTIMEOUT":
            return [self._event("overflowed", {"why": "max_wait", "wait": self._number(2)})]
        if kind == "EXITEMPTY":
            return [self._event("overflowed", {"why": "no_operator", "wait": self._number(2)})]
        if kind == "EXITWITHKEY":
            if self.data[0] in callback_keys:
                return [self._event("callback_requested", {"wait": self._number(3)} if self.data[3] else {})]
            return [self._event("menu", {"key": self.data[0][:10]})]
        if kind in ("RINGNOANSWER", "AGENTDUMP"):
            return [self._event("not_answered", {"why": "timeout" if kind == "RINGNOANSWER" else "declined"})]
        if kind == "SYSCOMPAT":
            return [self._event("ended", {"by": "system", "why": "incompatible"})]
        if kind in ("COMPLETECALLER", "COMPLETEAGENT"):
            by = "caller" if kind == "COMPLETECALLER" else "operator"
            return [self._event("ended", {"by": by, "talk": self._number(1)})]
        if kind in ("BLINDTRANSFER", "TRANSFER"):
            return [self._event("transferred", {"to": self.data[0][:80], "mode": "blind"})]
        if kind == "ATTENDEDTRANSFER":
            return [self._event("transferred", {"to": self.data[1][:80], "mode": "attended"})]
        if kind == "DID":
            return [_offered(self.call, self.at, dialled=phone(self.data[0])[0])]
        if kind == "MADOGUCHI":
            return _told(self.call, self.at, self.data[0], self.data[1], caller=self.data[2], dialled=self.data[3])
        return None

    def _event(self, kind: Any, data: Mapping[str, Any], **more: Any) -> CallEvent:
        return CallEvent(PROVIDER, self.call, kind, self.at, agent=self.agent, queue=self.queue, data=data, **more)

    def _number(self, place: int) -> int:
        return _whole(f"data{place + 1}", self.data[place])


@dataclass
class _Live:
    """What must be remembered of a call to understand the next event: not said on one line, as in the log, but by two."""

    linked: str
    gone: tuple[dt.datetime, dict[str, Any]] | None = None
    ended: bool = False


@dataclass
class Ami:
    """Reads the messages of one AMI connection, in their order. A call is known from the first event that names it as a queue's caller."""

    calls: OrderedDict[str, _Live] = field(default_factory=OrderedDict)

    def read(self, message: Mapping[str, str], *, now: dt.datetime) -> Read:
        """The events of one message; ``now`` is its time where the server puts no ``Timestamp``. Raises :class:`EventError`."""
        kind = message.get("Event", "")
        if not kind or kind in _SILENT_EVENTS:
            return Read()
        at = _epoch("Timestamp", message["Timestamp"]) if message.get("Timestamp") else now
        found = self._events(kind, message, at)
        return Read(ignored=(kind[:60],)) if found is None else Read(checked(found, now=now))

    def _events(self, kind: str, message: Mapping[str, str], at: dt.datetime) -> list[CallEvent] | None:
        call = short(message.get("Uniqueid", ""), "call")
        if kind in ("Hangup", "VarSet", "Hold", "Unhold"):
            return self._known(kind, message, at)
        if kind == "UserEvent":
            if message.get("UserEvent") != "Madoguchi":
                return []
            self._meet(message)
            caller, dialled = message.get("CallerIDNum", ""), message.get("Dialled", "")
            told = _told(call, at, message.get("Kind", ""), message.get("Value", ""), caller=caller, dialled=dialled)
            if told and told[0].kind == "ended":
                self.calls[call].ended = True
            return told
        if kind not in ("QueueCallerJoin", "QueueCallerAbandon") and not kind.startswith("Agent"):
            return None
        if not call:
            return None
        agent, queue = short(message.get("MemberName", ""), "agent"), short(message.get("Queue", ""), "queue")

        def event(kind: Any, data: Mapping[str, Any] | None = None, **more: Any) -> CallEvent:
            return CallEvent(PROVIDER, call, kind, at, agent=agent, queue=queue, data=data or {}, **more)

        if kind == "QueueCallerJoin":
            self._meet(message)
            caller, withheld = phone(message.get("CallerIDNum", ""))
            who: dict[str, Any] = {"caller": caller, "withheld": withheld}
            position = {"position": _whole("Position", message["Position"])} if message.get("Position") else {}
            return [event("queued", position, **who)]
        if kind == "QueueCallerAbandon":
            wait = {"wait": _whole("HoldTime", message["HoldTime"])} if message.get("HoldTime") else {}
            self._meet(message).gone = (at, {"queue": queue, "data": wait})
            return []
        if kind == "AgentCalled":
            self._meet(message)
            return [event("ringing")]
        if kind == "AgentRingNoAnswer":
            return [event("not_answered", {"why": "timeout"})]
        if kind == "AgentDump":
            return [event("not_answered", {"why": "declined"})]
        if kind == "AgentConnect":
            self._meet(message)
            return [event("answered", {"wait": _whole("HoldTime", message.get("HoldTime", ""))})]
        if kind == "AgentComplete":
            reason = message.get("Reason", "")
            if reason == "transfer":
                return [event("transferred")]
            self._meet(message).ended = True
            talk = _whole("TalkTime", message.get("TalkTime", ""))
            return [event("ended", {"by": "operator" if reason == "agent" else reason or "system", "talk": talk})]
        return None

    def _known(self, kind: str, message: Mapping[str, str], at: dt.datetime) -> list[CallEvent]:
        """Events of any channel: told only where the channel is a caller whom we know, or an operator's leg of such a call."""
        call = short(message.get("Uniqueid", ""), "call")
        if kind in ("Hold", "Unhold"):
            linked = message.get("Linkedid", "")
            held = next((name for name, live in self.calls.items() if live.linked == linked and name != call), None)
            return [CallEvent(PROVIDER, held, "held" if kind == "Hold" else "resumed", at)] if held and linked else []
        live = self.calls.get(call)
        if live is None:
            return []
        if kind == "VarSet":
            why = _STATUS.get(message.get("Value", "")) if message.get("Variable") == "QUEUESTATUS" else None
            if why is None:
                return []
            gone, live.gone = live.gone, None
            wait = gone[1]["data"] if gone else {}
            queue = gone[1]["queue"] if gone else ""
            return [CallEvent(PROVIDER, call, "overflowed", at, queue=queue, data={"why": why, **wait})]
        del self.calls[call]
        found = []
        if live.gone is not None:
            found.append(CallEvent(PROVIDER, call, "abandoned", live.gone[0], **live.gone[1]))
            found.append(CallEvent(PROVIDER, call, "ended", at, data={"by": "caller"}))
        elif not live.ended:
            found.append(CallEvent(PROVIDER, call, "ended", at))
        return found

    def _meet(self, message: Mapping[str, str]) -> _Live:
        call = short(message.get("Uniqueid", ""), "call")
        live = self.calls.setdefault(call, _Live(message.get("Linkedid", "")))
        while len(self.calls) > MOST_CALLS:
            self.calls.popitem(last=False)
        return live


@dataclass
class Same:
    """Knows again what the other source has told already, see the module's text. Plain state, so that it outlives the process."""

    known: dict[tuple[str, str], list[tuple[str, str, dt.datetime]]] = field(default_factory=dict)

    def settle(self, event: CallEvent) -> CallEvent:
        """The event with the time by which it is known; two that happened at one moment to two agents get times a microsecond apart."""
        told = self.known.setdefault((event.call, event.kind), [])
        for agent, queue, at in told:
            if _alike(agent, event.agent) and _alike(queue, event.queue) and abs(at - event.at) <= WITHIN:
                return replace(event, at=at)
        at, taken = event.at, {moment for _, _, moment in told}
        while at in taken:
            at += dt.timedelta(microseconds=1)
        told.append((event.agent, event.queue, at))
        return event if at == event.at else replace(event, at=at)

    def forget(self, before: dt.datetime) -> None:
        """Drop calls of which nothing was told since."""
        calls = {call for (call, _), told in self.known.items() if any(at >= before for _, _, at in told)}
        self.known = {key: told for key, told in self.known.items() if key[0] in calls}

    def dump(self) -> list[list[str]]:
        """As JSON can hold it. No telephone number is in it."""
        return [[call, kind, agent, queue, at.isoformat()] for (call, kind), told in self.known.items() for agent, queue, at in told]

    @classmethod
    def load(cls, rows: Iterable[Iterable[str]]) -> Same:
        """What :meth:`dump` wrote."""
        found = cls()
        for call, kind, agent, queue, at in rows:
            found.known.setdefault((call, kind), []).append((agent, queue, dt.datetime.fromisoformat(at)))
        return found


def _alike(one: str, other: str) -> bool:
    return one == other or not one or not other


def _offered(call: str, at: dt.datetime, *, state: str = "", **more: Any) -> CallEvent:
    """The beginning of a call: when its channel was made, which its name tells."""
    created = _CREATED.fullmatch(call)
    began = _epoch("callid", created[1]) if created else at
    return CallEvent(PROVIDER, call, "offered", began, data={"state": state} if state else {}, **more)


def _told(call: str, at: dt.datetime, kind: str, value: str, *, caller: str, dialled: str) -> list[CallEvent]:
    """What the dialplan says in our words."""
    if kind not in _TOLD:
        raise EventError(f"kind: {kind[:40]!r} is none of {', '.join(_TOLD)}")
    number, withheld = phone(caller)
    if kind == "offered":
        return [_offered(call, at, state=value, caller=number, withheld=withheld, dialled=phone(dialled)[0])]
    data: dict[str, Any] = {}
    if kind == "announced":
        data = {"prompt": value} | ({"state": value} if value in _CLOSED else {})
    elif kind == "menu":
        data = {"choice": value}
    elif kind == "callback_requested" and value:
        data = {"number": phone(value)[0]}
    elif kind == "ended":
        data = {"by": value or "system"}
    return [CallEvent(PROVIDER, call, kind, at, caller=number, withheld=withheld, data=data)]  # type: ignore[arg-type]


def _epoch(key: str, text: str) -> dt.datetime:
    if not re.fullmatch(r"\d{1,11}(\.\d{1,9})?", text):
        raise EventError(f"{key}: {text[:40]!r} is no time in seconds since 1970")
    return dt.datetime.fromtimestamp(float(text), dt.UTC)


def _whole(key: str, text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text):
        raise EventError(f"{key}: {text[:40]!r} is no whole number")
    return int(text)
