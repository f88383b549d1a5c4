"""Who does a deed of a case: the account, the part it plays in flows, and the actor of history and audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from madoguchi.ground.accounts.models import ACTOR_KIND_OF_ROLE, Role, User
from madoguchi.ground.kit.actors import Actor, Channel

from .rules import Part

PART_OF_ROLE: Final[dict[Role, Part]] = {Role.COUNTER: "counter", Role.SUPERVISOR: "leader", Role.MANAGER: "leader", Role.CITY: "city"}


@dataclass(frozen=True, slots=True)
class Hand:
    """One member of staff at work on cases."""

    user: User
    part: Part
    by: Actor


def hand_of(user: User, role: Role, by: Actor | None = None) -> Hand:
    """The hand of a member of staff in a role. Raises ``KeyError`` for a role that does not work at the counter."""
    return Hand(user, PART_OF_ROLE[role], by or Actor(ACTOR_KIND_OF_ROLE[role], Channel.COUNTER, f"user:{user.pk}", str(user)))
