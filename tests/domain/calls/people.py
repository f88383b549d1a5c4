"""Staff of a contract for tests of calls."""

from __future__ import annotations

import itertools

from madoguchi.ground.accounts.models import ACTOR_KIND_OF_ROLE, Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import Actor, Channel

_numbers = itertools.count(1)


def member(contract: Contract, role: Role) -> tuple[User, Actor]:
    """A new person in a role, and the actor that the person is."""
    n = next(_numbers)
    user = User.objects.create_user(f"{role}{n}@example.jp", None, name=f"{Role(role).label}{n}")
    Assignment.objects.create(user=user, contract=contract, role=role)
    return user, Actor(ACTOR_KIND_OF_ROLE[role], Channel.PHONE, f"user:{user.pk}", user.name)
