"""Calls of other telephone systems that ring for a member of staff, or in which they talk: what their adapters told. Inside
``contract_scope``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal

from madoguchi.ground.accounts.models import User

from ..models import Call, CallEvent, Extension
from ..sentences import choice_label, menu_labels

OURS: Final = "exchange"
"""The provider whose calls the page hears of from the exchange itself."""
FORGOTTEN: Final = dt.timedelta(hours=4)
SEEN: Final = dt.timedelta(days=30)
TELLING: Final = ("ringing", "not_answered", "answered", "transferred", "queued")


@dataclass(frozen=True, slots=True)
class Theirs:
    """One such call: where it stands for this member, and since when."""

    call: Call
    state: Literal["ringing", "talking"]
    since: dt.datetime

    @property
    def choice_label(self) -> str:
        """The menu's choice as the contract says it."""
        return choice_label(self.call.choice, menu_labels(self.call.contract.profile))


def agents_of(user: User) -> set[str]:
    """By which names other telephone systems call a member."""
    return {f"user:{user.pk}", *Extension.objects.filter(user=user).values_list("agent", flat=True)}


def theirs(user: User, now: dt.datetime) -> list[Theirs]:
    """The member's calls of now, those that are talked in first; three statements for any number of calls."""
    mine = agents_of(user)
    calls = {call.pk: call for call in Call.objects.filter(ended_at=None, opened_at__gt=now - FORGOTTEN).exclude(provider=OURS).select_related("contract")}
    told: dict[int, list[CallEvent]] = {}
    for event in CallEvent.objects.filter(call__in=calls, kind__in=TELLING).order_by("at", "id"):
        told.setdefault(event.call_id, []).append(event)
    found = [one for pk, events in told.items() if (one := _standing(calls[pk], events, mine)) is not None]
    return sorted(found, key=lambda one: (one.state == "ringing", one.since))


def _standing(call: Call, events: list[CallEvent], mine: set[str]) -> Theirs | None:
    rung: dict[str, dt.datetime] = {}
    talks, since = "", call.opened_at
    for event in events:
        match event.kind:
            case "ringing":
                rung[event.agent] = event.at
            case "not_answered":
                rung.pop(event.agent, None)
            case "answered":
                rung, talks, since = {}, event.agent, event.at
            case "transferred":
                rung, talks, since = {}, str(event.data.get("to") or ""), event.at
            case _:
                rung, talks = {}, ""
    if talks in mine:
        return Theirs(call, "talking", since)
    ringing = [at for agent, at in rung.items() if agent in mine]
    return Theirs(call, "ringing", max(ringing)) if ringing else None


def watched(user: User, now: dt.datetime) -> bool:
    """Whether other telephone systems can have calls for a member: an extension, or any call of theirs within a month."""
    return (
        Extension.objects.filter(user=user).exists()
        or Call.objects.filter(opened_at__gt=now - SEEN).exclude(provider=OURS).exists()
    )


def unnamed(now: dt.datetime) -> list[str]:
    """Names of agents who answered within a month and whom nobody is known to be."""
    rows = Call.objects.filter(opened_at__gt=now - SEEN, operator=None).exclude(provider=OURS).exclude(agent="")
    known = set(Extension.objects.values_list("agent", flat=True))
    return sorted({agent for agent in rows.values_list("agent", flat=True).distinct() if agent not in known})
