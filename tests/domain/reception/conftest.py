"""A counter of 廿日市市 at 9:00 on Monday 2 November 2026, with two windows and two members of staff."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.domain.reception import events, queries
from madoguchi.domain.reception.models import Ticket
from madoguchi.domain.reception.services import tickets, windows
from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel


@dataclass
class Counter:
    """Deeds of the counter in short, each with a key of its own and at the moment ``now``."""

    contract: Contract
    now: dt.datetime
    staff: list[User]
    site: str = "main"
    keys: Iterator[int] = field(default_factory=itertools.count)

    def actor(self, user: User) -> Actor:
        return Actor(ActorKind.COUNTER, Channel.COUNTER, f"user:{user.pk}", user.name)

    def later(self, minutes: float) -> None:
        self.now += dt.timedelta(minutes=minutes)

    def come(self, *procedures: str, **values: Any) -> Ticket:
        parts = dict.fromkeys(procedures or ("card_pickup",), 1)
        usual = {"key": f"k{next(self.keys)}", "site": self.site, "by": self.actor(self.staff[0])}
        return tickets.issue(self.contract, **{"parts": parts, **usual, **values}, now=self.now)

    def open(self, number: int = 1, groups: tuple[str, ...] = ("card",), who: int = 0) -> None:
        self.deed(windows.open_window, number, who=who, groups=groups)

    def deed(self, verb: Callable[..., Any], number: int = 1, who: int = 0, **values: Any) -> Any:
        user = self.staff[who]
        usual = {"site": self.site, "number": number, "user": user, "key": f"k{next(self.keys)}", "by": self.actor(user)}
        if verb is windows.close_window:
            del usual["user"]
        return verb(self.contract, **{**usual, **values}, now=self.now)


@pytest.fixture
def counter(contract: Contract, now: dt.datetime) -> Iterator[Counter]:
    availability.forget()
    queries.forget()
    set_up(contract, now=now)
    staff = [User.objects.create_user(f"window{n}@example.jp", None, name=f"窓口 {n}") for n in (1, 2)]
    yield Counter(contract, now, staff)
    availability.forget()
    queries.forget()


@pytest.fixture(autouse=True)
def nobody_above(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reception by itself: apps above it, which listen to its events, are not asked (tests/domain/cases/test_visits.py asks them)."""
    for signal in (events.party_begun, events.procedures_finishing, events.ticket_closed):
        monkeypatch.setattr(signal, "receivers", [])
        signal.sender_receivers_cache.clear()
