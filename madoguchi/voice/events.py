"""What happens to a call, in the words shared by the exchange, the adapters of other telephone systems, and the record of calls."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

Kind = Literal[
    "offered",  # reached us: caller, dialled; data: state (open, closed, holiday, year_end)
    "announced",  # an announcement was played instead of the queue; data: prompt, language, state (where it was not known at the offer)
    "menu",  # a choice; data: key, choice (the code of the flow), language
    "queued",  # began to wait for an operator; queue; data: position
    "ringing",  # an operator is rung; agent
    "not_answered",  # that operator did not take it; agent; data: why (timeout, declined, gone)
    "answered",  # talks with an operator; agent
    "held",  # the operator put the caller on hold; agent
    "resumed",  # took the caller back; agent
    "abandoned",  # the caller hung up before anybody answered
    "overflowed",  # nobody could take it in time: heard the automatic answer; data: why (queue_full, max_wait, no_operator, capacity, no_number, no_flow)
    "callback_requested",  # asked to be called back; data: number (only when another than the caller's was typed in)
    "transferred",  # talks with somebody else now; agent (who gave it away); data: to, mode (blind, attended)
    "ended",  # over; data: by (caller, operator, system), why
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
LONGEST: Final = {"provider": 24, "call": 120, "caller": 40, "dialled": 24, "agent": 80, "queue": 40}
"""Characters that a text of an event may have."""


class EventError(ValueError):
    """An event that cannot be read: the message says which key and why."""


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One thing that happened to one call of one contract.

    ``provider`` and ``call`` name the call (``call`` is the provider's own name of it); ``at`` is aware. ``caller`` is E.164 (``+81…``) or as
    the network gave it, and empty when withheld. ``agent`` is who was rung or talks, in the provider's words. The same event may arrive many times:
    :attr:`key` tells it.
    """

    provider: str
    call: str
    kind: Kind
    at: dt.datetime
    contract: str = ""
    caller: str = ""
    withheld: bool = False
    dialled: str = ""
    agent: str = ""
    queue: str = ""
    data: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise EventError(f"kind: {self.kind!r} is none of {', '.join(KINDS)}")
        if self.at.tzinfo is None:
            raise EventError("at: the time has no zone")
        if not self.provider or not self.call:
            raise EventError("provider, call: both are needed")
        for name, most in LONGEST.items():
            if len(getattr(self, name)) > most:
                raise EventError(f"{name}: at most {most} characters")
        object.__setattr__(self, "data", MappingProxyType(dict(self.data)))

    @property
    def key(self) -> tuple[str, str, str, dt.datetime]:
        """What makes a second delivery the same event."""
        return (self.provider, self.call, self.kind, self.at)

    def line(self) -> str:
        """One line of JSON without a line break; empty values are left out."""
        values: dict[str, Any] = {"provider": self.provider, "call": self.call, "kind": self.kind}
        values["at"] = self.at.astimezone(dt.UTC).isoformat(timespec="microseconds")
        for name in ("contract", "caller", "withheld", "dialled", "agent", "queue"):
            if value := getattr(self, name):
                values[name] = value
        if self.data:
            values["data"] = dict(self.data)
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> CallEvent:
        """An event from what :meth:`line` wrote, or what a webhook sent. Raises :class:`EventError` naming the key."""
        known = {"provider", "call", "kind", "at", "contract", "caller", "withheld", "dialled", "agent", "queue", "data"}
        if unknown := set(values) - known:
            raise EventError(f"{min(unknown)}: unknown key; known are {', '.join(sorted(known))}")
        for name in ("provider", "call", "kind", "at"):
            if not isinstance(values.get(name), str) or not values[name]:
                raise EventError(f"{name}: a text is needed")
        for name in ("contract", "caller", "dialled", "agent", "queue"):
            if not isinstance(values.get(name, ""), str):
                raise EventError(f"{name}: a text is needed")
        if not isinstance(values.get("withheld", False), bool):
            raise EventError("withheld: true or false is needed")
        if not isinstance(values.get("data", {}), Mapping):
            raise EventError("data: an object is needed")
        try:
            at = dt.datetime.fromisoformat(values["at"])
        except ValueError:
            raise EventError(f"at: {values['at']!r} is no time in ISO 8601") from None
        return cls(**{**values, "at": at})
