"""Windows that call from one queue at once: nobody is called twice, nobody is lost; one booking gets one ticket; numbers are given once."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.domain.cases.enums import End, State
from madoguchi.domain.cases.hands import hand_of
from madoguchi.domain.cases.models import Case
from madoguchi.domain.cases.services import work
from madoguchi.domain.reception.enums import Outcome
from madoguchi.domain.reception.models import Period, Summons, Ticket
from madoguchi.domain.reception.services import tickets, windows
from madoguchi.ground.accounts.models import Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, ActorKind
from madoguchi.ground.kit.actors import Channel as Way
from tests.web.staff_site import book

from .crowd import Outcome as Crowd
from .crowd import run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
WINDOWS, QUEUE = 12, 300
BY = Actor(ActorKind.COUNTER, Way.COUNTER, "user:1", "窓口")


def fill(contract: Contract, now: dt.datetime, count: int) -> None:
    """Parties of every kind."""
    with contract_scope(contract):
        for n in range(count):
            parts = {"card_pickup": 1, "pin_reset": 1} if n % 5 == 0 else {"card_pickup": 1 + n % 3}
            tickets.issue(contract, site="main", parts=parts, key=f"fill{n}", by=BY, now=now + dt.timedelta(seconds=n))


def give_up(contract: Contract, ticket: Ticket, user: User, now: dt.datetime) -> None:
    """The party's cases end, so that its procedures can."""
    with contract_scope(contract):
        cases = list(Case.objects.filter(ticket=ticket).exclude(state=State.ENDED))
    for case in cases:
        work.end(contract, case.pk, End.GIVEN_UP, version=case.moves, key=f"g{case.pk}", hand=hand_of(user, Role.COUNTER), now=now)


@pytest.mark.req("DESK-01")
def test_twelve_windows_call_from_one_queue(contracts: dict[str, Contract], now: dt.datetime) -> None:
    contract = contracts["hatsukaichi"]
    availability.forget()
    set_up(contract, now=now)
    fill(contract, now, QUEUE)
    staff = [User.objects.create_user(f"w{n}@example.jp", None, name=f"窓口 {n}") for n in range(WINDOWS)]
    later = now + dt.timedelta(minutes=10)
    called: list[int] = []

    def sit(crowd: Crowd, number: int) -> None:
        user = staff[number]
        own = {"site": "main", "number": number + 1, "user": user, "by": BY, "now": later}
        windows.open_window(contract, groups=["card"], key=f"open{number}", **own)  # type: ignore[arg-type]
        turn = 0
        while True:
            turn += 1
            key = f"{number}-{turn}"
            ticket = windows.call_next(contract, key=f"c{key}", **own)  # type: ignore[arg-type]
            if ticket is None:
                return
            with crowd.lock:
                called.append(ticket.pk)
            if turn % 7 == 0:
                windows.missed(contract, key=f"m{key}", **own)  # type: ignore[arg-type]
                continue
            windows.begin(contract, key=f"b{key}", **own)  # type: ignore[arg-type]
            if turn % 2:
                give_up(contract, ticket, user, later)
                windows.finish(contract, procedures=["card_pickup", "pin_reset"], key=f"f{key}", **own)  # type: ignore[arg-type]
            else:
                windows.end_visit(contract, outcome=Outcome.REFERRED, key=f"e{key}", **own)  # type: ignore[arg-type]

    outcome = run([lambda crowd, n=n: sit(crowd, n) for n in range(WINDOWS)])  # type: ignore[misc]
    assert outcome.failures == []
    with contract_scope(contract):
        ends = Counter(Ticket.objects.values_list("outcome", flat=True))
        assert sum(ends.values()) == QUEUE
        assert set(ends) <= {Outcome.SERVED, Outcome.REFERRED, Outcome.MISSED}
        assert not Case.objects.exclude(state=State.ENDED).exists(), "no case is left open"
        people = sum(sum(ticket.counts) for ticket in Ticket.objects.filter(outcome__in=(Outcome.SERVED, Outcome.REFERRED)))
        assert Case.objects.count() == people
        missed = dict(Ticket.objects.filter(missed__gt=0).values_list("pk", "missed"))
        times = Counter(called)
        assert len(times) == QUEUE
        assert all(count == 1 or count <= missed.get(pk, 0) + 1 for pk, count in times.items())
        assert Summons.objects.count() == len(called)
        assert not Period.objects.filter(ended_at=None).exists()


@pytest.mark.req("DESK-01")
def test_one_booking_at_two_desks_and_many_at_the_machines(contracts: dict[str, Contract], now: dt.datetime) -> None:
    contract = contracts["hatsukaichi"]
    availability.forget()
    set_up(contract, now=now)
    at = now.replace(day=10, hour=10)
    code = book(contract, at, now=now).code
    given: list[int] = []

    def come(crowd: Crowd, n: int) -> None:
        one = tickets.issue(contract, site="main", parts={}, booking=code, key=f"b{n}", by=BY, now=at)
        others = [
            tickets.issue(contract, site="main", parts={"card_pickup": 1}, key=f"{n // 2}-{m}", by=BY, now=at) for m in range(12)
        ]
        with crowd.lock:
            given.extend(ticket.pk for ticket in (one, *others))

    outcome = run([lambda crowd, n=n: come(crowd, n) for n in range(8)])  # type: ignore[misc]
    assert outcome.failures == []
    with contract_scope(contract):
        assert len(set(given)) == 1 + 4 * 12
        numbers = sorted(Ticket.objects.values_list("number", flat=True))
        assert numbers == list(range(1, 1 + 4 * 12 + 1))
    availability.forget()
