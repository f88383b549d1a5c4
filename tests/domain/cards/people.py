"""A contract with a stock, its staff, and short ways to bring cards into a state."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass, field

from madoguchi.domain.cards.arrivals import Arrival
from madoguchi.domain.cards.enums import State
from madoguchi.domain.cards.models import Batch, Card
from madoguchi.domain.cards.services import ends, setups, stock
from madoguchi.ground.accounts.models import ACTOR_KIND_OF_ROLE, Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, Channel
from madoguchi.ground.kit.clock import JST

NINE = dt.datetime(2026, 11, 2, 9, 0, tzinfo=JST)
TODAY = NINE.date()
_numbers = itertools.count(1)


@dataclass
class Stock:
    """One contract and the people who work on its cards."""

    contract: Contract
    people: dict[str, tuple[User, Actor]] = field(default_factory=dict)

    def who(self, name: str, role: Role = Role.COUNTER) -> dict[str, object]:
        """``user``, ``by`` and ``now`` of a person, made at the first call."""
        if name not in self.people:
            user = User.objects.create_user(f"stock{next(_numbers)}@example.jp", None, name=name)
            Assignment.objects.create(user=user, contract=self.contract, role=role)
            self.people[name] = (user, Actor(ACTOR_KIND_OF_ROLE[role], Channel.COUNTER, f"user:{user.pk}", name))
        user, by = self.people[name]
        return {"user": user, "by": by, "now": NINE}

    def arrive(self, *numbers: str, on: dt.date | None = None) -> None:
        """Cards that have just been registered."""
        stock.register_cards(self.contract, [Arrival(n, on) for n in numbers], **self.who("worker"))  # type: ignore[arg-type]

    def batch(self, day: dt.date = TODAY, target: int = 5) -> Batch:
        return setups.open_batch(self.contract, day=day, target=target, **self.who("worker"))  # type: ignore[arg-type]

    def set_up(self, *numbers: str, day: dt.date = TODAY) -> None:
        """Registered cards, set up and checked by two people."""
        with contract_scope(self.contract):
            batch = Batch.objects.filter(day=day).first()
        batch = batch or self.batch(day)
        for number in numbers:
            setups.set_up(self.contract, batch.pk, number=number, **self.who("worker"))  # type: ignore[arg-type]
            setups.check(self.contract, number, **self.who("checker"))  # type: ignore[arg-type]

    def told(self, *numbers: str, on: dt.date = TODAY) -> None:
        """Cards whose notice was sent."""
        self.arrive(*numbers, on=on)
        self.set_up(*numbers)
        ends.notify(self.contract, numbers, sent_on=on, **self.who("worker"))  # type: ignore[arg-type]

    def put(self, number: str, box: int = 1, cabinet: str = "a", slot: int | None = None) -> Card:
        return stock.put(self.contract, number, cabinet=cabinet, box=box, slot=slot, **self.who("worker"))  # type: ignore[arg-type]

    def card(self, number: str) -> Card:
        with contract_scope(self.contract):
            return Card.objects.get(number=number)

    def states(self) -> dict[str, State]:
        with contract_scope(self.contract):
            return {card.number: State(card.state) for card in Card.objects.all()}


def numbers(count: int, begin: int = 1) -> list[str]:
    """``R08-00001`` and so on."""
    return [f"R08-{n:05}" for n in range(begin, begin + count)]
