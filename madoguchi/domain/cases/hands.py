"""Who does a deed of a case: the account, the part it plays in flows, and the actor of history and audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from madoguchi.ground.accounts.models import ACTOR_KIND_OF_ROLE, Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import Actor, Channel

from .rules import Part

PART_OF_ROLE: Final[dict[Role, Part]] = {Role.COUNTER: "counter", Role.SUPERVISOR: "leader", Role.MANAGER: "leader", Role.CITY: "city"}


@dataclass(frozen=True, slots=True)
class Hand:
    """One member of staff at work on cases; without a user it is the system, which only closes what a visit left open."""

    user: User | None
    part: Part
    by: Actor

    @property
    def member(self) -> User:
        """The person, where only a person may act."""
        assert self.user is not None, "the system does no work on cases"
        return self.user


def hand_of(user: User, role: Role, by: Actor | None = None) -> Hand:
    """The hand of a member of staff in a role. Raises ``KeyError`` for a role that does not work at the counter."""
    return Hand(user, PART_OF_ROLE[role], by or Actor(ACTOR_KIND_OF_ROLE[role], Channel.COUNTER, f"user:{user.pk}", str(user)))


def hand_at(contract: Contract, user: User | None, by: Actor) -> Hand:
    """The hand of who sits at a window, by the role in the contract; who has none there works as counter staff. Without a user: of the actor."""
    user = user or user_of(by)
    role = Assignment.objects.filter(user=user, contract=contract).values_list("role", flat=True).first()
    return Hand(user, PART_OF_ROLE.get(Role(role), "counter") if role else "counter", by)


def user_of(by: Actor) -> User | None:
    """The account that acts; None for the system."""
    kind, _, pk = by.ref.partition(":")
    return User.objects.filter(pk=int(pk)).first() if kind == "user" and pk.isdecimal() else None
