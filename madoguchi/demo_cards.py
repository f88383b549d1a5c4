"""Synthetic cards for the demo, made by the same deeds as real ones: all states, an ageing tail, an open batch, a finished stock-take.

Numbers are invented; readings and birth dates are those of the demo's own reservations, so that a reservation finds its card.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from typing import Any

from madoguchi.domain.booking.enums import State as BookingState
from madoguchi.domain.booking.models import Attendee
from madoguchi.domain.booking.queries.desk import unseal_person
from madoguchi.domain.cards.arrivals import Arrival
from madoguchi.domain.cards.enums import Fault, Reason, Resolution, Spot
from madoguchi.domain.cards.models import Batch, Card, Difference
from madoguchi.domain.cards.rules import LIVE
from madoguchi.domain.cards.services import ends, setups, stock, taking
from madoguchi.ground.accounts.models import ACTOR_KIND_OF_ROLE, Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import business_days, next_business_day
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import keyring

MINUTE = dt.timedelta(minutes=1)
OLD, FRESH = 120, 90
"""Cards of deliveries long ago, and of the last weeks."""


@dataclass
class _Demo:
    contract: Contract
    now: dt.datetime
    dice: random.Random
    people: dict[Role, User] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)

    def who(self, role: Role, at: dt.datetime) -> dict[str, Any]:
        user = self.people[role]
        return {"user": user, "by": Actor(ACTOR_KIND_OF_ROLE[role], Channel.COUNTER, f"user:{user.pk}", str(user)), "now": at}

    def number(self) -> str:
        """The next number in the form of the contract's example."""
        example = self.contract.profile.cards.number_example if self.contract.profile.cards else ""
        head = example.rpartition("-")[0]
        self.numbers.append(f"{head}-{1000 + len(self.numbers):05}")
        return self.numbers[-1]


def fill(contract: Contract, now: dt.datetime) -> str:
    """Some hundred cards, tied to the demo's coming reservations where they can be; what was made, in words."""
    with contract_scope(contract):
        people = {Role(a.role): a.user for a in Assignment.objects.filter(contract=contract).select_related("user").order_by("-pk")}
        demo = _Demo(contract, now, random.Random(f"cards-{contract.code}"), people)  # noqa: S311
        days = business_days(contract, now.date() - dt.timedelta(days=420), now.date() - dt.timedelta(days=1))
        _old(demo, days)
        _awaited(demo, days)
        _taken_stock(demo, days)
        _today(demo, days)
        return f"カード {len(demo.numbers)} 枚"


def _at(day: dt.date, hour: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), JST)


def _told(demo: _Demo, arrivals: list[Arrival], day: dt.date) -> None:
    """A delivery that was registered, set up by two people and told of within its day."""
    stock.register_cards(demo.contract, arrivals, **demo.who(Role.COUNTER, _at(day, 9)))
    batch = setups.open_batch(demo.contract, day=day, target=max(1, len(arrivals)), **demo.who(Role.COUNTER, _at(day, 9)))
    for n, one in enumerate(arrivals):
        setups.set_up(demo.contract, batch.pk, number=one.number, **demo.who(Role.COUNTER, _at(day, 10) + n * MINUTE))
        if n == 1:
            setups.check(demo.contract, one.number, fault=Fault.LABEL, **demo.who(Role.SUPERVISOR, _at(day, 13)))
            setups.set_up(demo.contract, batch.pk, number=one.number, **demo.who(Role.COUNTER, _at(day, 13) + 5 * MINUTE))
        setups.check(demo.contract, one.number, **demo.who(Role.SUPERVISOR, _at(day, 14) + n * MINUTE))
    setups.close_batch(demo.contract, batch.pk, by=demo.who(Role.SUPERVISOR, _at(day, 16))["by"], now=_at(day, 16))
    ends.notify(demo.contract, [one.number for one in arrivals], sent_on=day, **demo.who(Role.COUNTER, _at(day, 16)))


def _stored(demo: _Demo, numbers: list[str], box: int, at: dt.datetime, cabinet: int = 0) -> None:
    code = demo.contract.profile.cards.cabinets[cabinet].code if demo.contract.profile.cards else ""
    for n, number in enumerate(numbers):
        stock.put(demo.contract, number, cabinet=code, box=box, **demo.who(Role.COUNTER, at + n * MINUTE))


def _old(demo: _Demo, days: list[dt.date]) -> None:
    """Deliveries of the last fourteen months: most were handed over, some went back, a tail is due for a second notice or for disposal."""
    parts = 8
    for part in range(parts):
        day = days[len(days) * part // (parts + 1)]
        numbers = [demo.number() for _ in range(OLD // parts)]
        _told(demo, [Arrival(number, day) for number in numbers], day)
        _stored(demo, numbers, 1 + part, _at(day, 16) + 20 * MINUTE)
        for number in numbers:
            luck = demo.dice.random()
            later = min(_at(day, 10) + dt.timedelta(days=demo.dice.randint(7, 60)), demo.now - dt.timedelta(days=1))
            if part >= parts - 2:
                later = demo.now - dt.timedelta(days=demo.dice.randint(1, 18))
            if luck < 0.66:
                ends.issue(demo.contract, number, **demo.who(Role.COUNTER, later))
            elif luck < 0.72:
                ends.give_back(demo.contract, number, reason=Reason.MOVED_OUT, **demo.who(Role.COUNTER, later))
            elif part < 4 or (part < 6 and luck < 0.85):
                again = min(day + dt.timedelta(days=demo.dice.randint(91, 120)), demo.now.date() - dt.timedelta(days=1))
                ends.notify(demo.contract, [number], sent_on=again, second=True, **demo.who(Role.COUNTER, _at(again, 15)))
    waiting = [card.number for card in Card.objects.filter(state="renotified").order_by("arrived_on", "number")[:4]]
    for n, number in enumerate(waiting):
        ends.propose_disposal(demo.contract, number, reason=Reason.EXPIRED, **demo.who(Role.SUPERVISOR, demo.now - dt.timedelta(days=3)))
        if n < 2:
            ends.decide_disposal(demo.contract, number, approve=n == 0, **demo.who(Role.CITY, demo.now - dt.timedelta(days=2)))


def _awaited(demo: _Demo, days: list[dt.date]) -> None:
    """Cards that reservations of the coming days wait for: tied for the most, found by reading and birth date for some."""
    day = days[-12]
    coming = Attendee.objects.filter(
        booking__state=BookingState.BOOKED, booking__arrived_at=None, procedure__code="card_pickup", starts_at__gt=demo.now - dt.timedelta(hours=12)
    ).select_related("booking").order_by("starts_at", "pk")[:FRESH]  # fmt: skip
    ring, keeps = keyring(demo.contract), demo.contract.profile.cards
    arrivals, visits = [], []
    for guest in coming:
        person = unseal_person(ring, guest)
        known = keeps is not None and keeps.person == "kana_birth"
        arrivals.append(Arrival(demo.number(), day, person.kana if known else "", person.birth_date if known else None))
        visits.append(guest.booking.code)
    arrivals += [Arrival(demo.number(), day) for _ in range(FRESH - len(arrivals))]
    _told(demo, arrivals, day)
    for box in range(0, len(arrivals), 20):
        _stored(demo, [one.number for one in arrivals[box : box + 20]], 1 + box // 20, _at(days[-11], 9) + box * MINUTE, cabinet=1)
    for one, code in zip(arrivals, visits, strict=False):
        if demo.dice.random() < 0.8:
            stock.link(demo.contract, one.number, code=code, **demo.who(Role.COUNTER, _at(days[-2], 11)))


def _taken_stock(demo: _Demo, days: list[dt.date]) -> None:
    """A count of the second cabinet a week ago: one card stood in the box beside its own; the record was put right and the count closed."""
    begun = _at(days[-5], 16)
    cabinet = demo.contract.profile.cards.cabinets[1].code if demo.contract.profile.cards else ""
    row = taking.begin(demo.contract, cabinet=cabinet, **demo.who(Role.COUNTER, begun))
    cards = list(Card.objects.filter(spot=Spot.SLOT, cabinet=cabinet, state__in=LIVE).order_by("box", "slot"))
    for n, card in enumerate(cards):
        box = (card.box or 1) + (1 if n == 13 else 0)
        who = demo.who(Role.COUNTER, begun + (1 + n // 12) * MINUTE)
        taking.see(demo.contract, row.pk, number=card.number, cabinet=cabinet, box=box, user=who["user"], now=who["now"])
    taking.finish(demo.contract, row.pk, by=demo.who(Role.COUNTER, begun)["by"], now=begun + 15 * MINUTE)
    for one in Difference.objects.filter(stocktake=row):
        taking.settle(
            demo.contract, one.pk, resolution=Resolution.AS_RECORDED, words="隣の箱に入っていたので、記録の箱に戻した。",
            **demo.who(Role.SUPERVISOR, begun + 20 * MINUTE),
        )  # fmt: skip
    taking.close(demo.contract, row.pk, **demo.who(Role.SUPERVISOR, begun + 25 * MINUTE))


def _today(demo: _Demo, days: list[dt.date]) -> None:
    """Deliveries of the last days in every stage before the shelf, today's batch half done, and the first cards of the next day fetched."""
    day = days[-4]
    told = [demo.number() for _ in range(14)]
    _told(demo, [Arrival(number, day) for number in told], day)
    _stored(demo, told[:8], 12, _at(days[-3], 9))
    arrived = [demo.number() for _ in range(46)]
    stock.register_cards(demo.contract, [Arrival(number, days[-1]) for number in arrived], **demo.who(Role.COUNTER, _at(days[-1], 11)))
    terms = demo.contract.profile.cards
    if Batch.objects.filter(day=demo.now.date()).exists() or terms is None:
        return
    begun = min(demo.now - 60 * MINUTE, _at(demo.now.date(), 10))
    batch = setups.open_batch(demo.contract, day=demo.now.date(), target=min(30, terms.setup_daily_target), **demo.who(Role.COUNTER, begun))
    for n, number in enumerate(arrived[:18]):
        setups.set_up(demo.contract, batch.pk, number=number, **demo.who(Role.COUNTER, begun + n * MINUTE))
        if n < 12:
            setups.check(demo.contract, number, **demo.who(Role.SUPERVISOR, begun + (n + 2) * MINUTE))
    coming = next_business_day(demo.contract, demo.now.date())
    tied = Card.objects.filter(booking__starts_at__gte=_at(coming, 0), booking__starts_at__lt=_at(coming, 0) + dt.timedelta(days=1), spot=Spot.SLOT)
    for card in tied.order_by("number")[:3]:
        stock.pick(demo.contract, card.number, day=coming, **demo.who(Role.COUNTER, demo.now - 5 * MINUTE))
