"""Who does something, and through which channel. Every deed, history line, audit entry and fact carries both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class ActorKind(StrEnum):
    """The parties a city tells apart in the history of a booking."""

    CITIZEN = "citizen"
    CALL_CENTRE = "call_centre"
    CITY = "city"
    COUNTER = "counter"
    API = "api"
    SYSTEM = "system"


class Channel(StrEnum):
    """The way the resident reached us. The values are stable names of the public interfaces."""

    WEB = "web"
    PHONE = "phone"
    COUNTER = "counter"
    ONLINE = "online"


ACTOR_KIND_LABELS = {
    ActorKind.CITIZEN: "市民",
    ActorKind.CALL_CENTRE: "コールセンター",
    ActorKind.CITY: "市",
    ActorKind.COUNTER: "窓口",
    ActorKind.API: "外部連携",
    ActorKind.SYSTEM: "システム",
}

CHANNEL_LABELS = {
    Channel.WEB: "Web",
    Channel.PHONE: "電話",
    Channel.COUNTER: "窓口",
    Channel.ONLINE: "オンライン窓口",
}


@dataclass(frozen=True, slots=True)
class Actor:
    """One acting party.

    ``ref`` names the staff account (``user:12``) or key (``key:3``); it is empty for residents and the system.
    ``label`` is what a history line shows, e.g. a staff member's name; never a resident's name.
    """

    kind: ActorKind
    channel: Channel
    ref: str = ""
    label: str = ""

    @property
    def is_staff(self) -> bool:
        """True when the deed is done on a resident's behalf or by the city, with rights a resident lacks."""
        return self.kind in (ActorKind.CALL_CENTRE, ActorKind.CITY, ActorKind.COUNTER)

    def through(self, channel: Channel) -> Actor:
        """The same party acting through another channel."""
        return replace(self, channel=channel)


CITIZEN_WEB = Actor(ActorKind.CITIZEN, Channel.WEB)
SYSTEM = Actor(ActorKind.SYSTEM, Channel.WEB)
