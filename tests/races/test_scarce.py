"""Contingents, a waiting list, head-counts and closures in one crowd: nothing oversold, nobody loses a place or gets another's."""

from __future__ import annotations

import datetime as dt
import random
import threading

import pytest

from madoguchi.domain.booking import availability, tasks
from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Booking, Offer, Rest, Slot, Waiting
from madoguchi.domain.booking.services import change, contingents, reserve, slots, waiting
from madoguchi.domain.booking.services.change import Member
from madoguchi.domain.booking.services.contingents import Kept
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import CITIZEN_WEB, Actor, ActorKind, Channel

from ..domain.booking.desk import THURSDAY, WEDNESDAY, Desk, at, person
from .crowd import Outcome, attempt, run
from .test_rush import STAFF, assert_whole

pytestmark = [
    pytest.mark.race,
    pytest.mark.django_db(transaction=True),
    pytest.mark.req("BOOK-02", "BOOK-05", "BOOK-16"),
    pytest.mark.xdist_group("races"),
]
HOT = at(10, day=THURSDAY)
PHONE = Actor(ActorKind.CALL_CENTRE, Channel.PHONE, "user:1", "受付 花子")
NOON = dt.time(12)


def test_a_rush_of_the_web_leaves_the_telephone_its_places(desk: Desk, committing: str) -> None:
    with contract_scope(desk.contract):
        Slot.objects.filter(pool=desk.pool()).update(planned=0, capacity=0)
        Slot.objects.filter(pool=desk.pool(), starts_at=HOT).update(planned=40, capacity=40)
    contingents.set_contingents(desk.contract, desk.pool(), {"phone": Kept(10, 1, NOON)}, by=STAFF, now=desk.now)
    availability.forget()
    won: dict[str, int] = {"web": 0, "phone": 0}
    lock = threading.Lock()

    def client(number: int, by: Actor):
        def act(outcome: Outcome) -> None:
            for turn in range(2):
                key = f"{by.channel}-{number}-{turn}"
                done = attempt(outcome, lambda: desk.reserve(HOT, by=by, key=key))  # noqa: B023
                if done is not None:
                    outcome.acknowledge(done.code, 1)
                    with lock:
                        won[by.channel] += 1

        return act

    outcome = run([client(n, PHONE if n % 8 == 0 else CITIZEN_WEB) for n in range(64)])
    assert_whole(desk, outcome)
    slot = desk.slot(HOT)
    assert slot.used == [won["web"], won["phone"], 0, 0]
    assert won["web"] <= 30
    assert won["phone"] >= 10
    assert slot.taken == 40


def test_one_place_is_offered_to_one_party_by_many_workers(desk: Desk, committing: str) -> None:
    late = [desk.reserve(at(13 + n // 2, 30 * (n % 2), THURSDAY)).code for n in range(8)]
    slots.set_day(desk.contract, desk.pool(), WEDNESDAY, [], reason="休止", by=STAFF, now=desk.now)
    for code in late:
        waiting.wait(desk.contract, code, from_date=WEDNESDAY, parts=(), by=CITIZEN_WEB, now=desk.now)
    bands = [(dt.time(10), dt.time(10, 30), 3)]
    slots.set_day(desk.contract, desk.pool(), WEDNESDAY, bands, reason="増設", by=STAFF, now=desk.now)
    availability.forget()

    def worker(outcome: Outcome) -> None:
        for _ in range(3):
            waiting.make_offers(desk.contract, now=desk.now)

    def acceptor(code: str):
        def act(outcome: Outcome) -> None:
            outcome.acknowledge(code, 1)
            for _ in range(4):
                attempt(outcome, lambda: waiting.accept(desk.contract, code, by=CITIZEN_WEB, now=desk.now))

        return act

    outcome = run([worker] * 6 + [acceptor(code) for code in late for _ in range(2)])
    assert_whole(desk, outcome)
    waiting.make_offers(desk.contract, now=desk.now)
    with contract_scope(desk.contract):
        # Everybody is either moved or still there; the three places are with the three who waited longest.
        moved = list(Booking.objects.filter(code__in=late, starts_at=at(10)).values_list("code", flat=True))
        offered = list(Offer.objects.filter(answered_at=None).values_list("waiting__booking__code", flat=True))
        assert sorted(moved + offered) == sorted(late[:3])
        assert desk.slot(at(10)).taken == 3
    assert desk.faults() == []


def test_everything_scarce_at_once(desk: Desk, committing: str) -> None:
    """64 clients book, grow, shrink, move, cancel, wait, accept and decline through two channels, while contingents and
    days change and many workers make offers and sweep."""
    pool, finished = desk.pool(), threading.Event()
    moments = [at(h, m, day) for day in (WEDNESDAY, THURSDAY) for h in (10, 11) for m in (0, 30)]
    clients = 64
    left = threading.Semaphore(0)
    accepted: list[str] = []

    def client(number: int):
        def act(outcome: Outcome) -> None:
            try:
                rng = random.Random(number)
                for turn in range(3):
                    one(outcome, rng, number, f"scarce-{number}-{turn}", PHONE if number % 3 == 0 else CITIZEN_WEB)
            finally:
                left.release()

        return act

    def one(outcome: Outcome, rng: random.Random, number: int, key: str, by: Actor) -> None:
        early = number % 2 == 0
        moment, people = rng.choice([m for m in moments if (m.date() == WEDNESDAY) is early]), rng.randint(1, 3)
        done = attempt(outcome, lambda: desk.reserve(moment, people, by=by, key=key))
        if done is None:
            return
        code = done.code
        outcome.acknowledge(code, people)
        if not early:
            attempt(
                outcome,
                lambda: waiting.wait(desk.contract, code, from_date=WEDNESDAY, parts=(), by=by, now=desk.now),
            )
        elif rng.random() < 0.7:
            attempt(outcome, lambda: desk.cancel(code, by=by))
            outcome.forget(code)
            return
        for _ in range(12):
            what = rng.random()
            if what < 0.15:
                waiting.make_offers(desk.contract, now=desk.now)
            elif what < 0.6:
                if not early and attempt(outcome, lambda: waiting.accept(desk.contract, code, by=by, now=desk.now)):
                    accepted.append(code)
            elif what < 0.65:
                attempt(outcome, lambda: waiting.decline(desk.contract, code, by=by, now=desk.now))
            elif what < 0.68:
                waiting.stop(desk.contract, code, by=by, now=desk.now)
            elif what < 0.75:
                attempt(outcome, lambda: desk.move(code, rng.choice(moments), by=by))
            elif what < 0.9:
                rows = desk.members(code)
                grown = [*rows, Member(None, "pin_reset", person(5))] if rng.random() < 0.5 and len(rows) < 5 else rows[1:]
                if grown and attempt(
                    outcome,
                    lambda: change.revise(
                        desk.contract, code, members=grown, starts_at=desk.booking(code).starts_at, by=by, now=desk.now  # noqa: B023
                    ),
                ):
                    outcome.acknowledge(code, len(grown))
            elif what < 0.93:
                if attempt(outcome, lambda: desk.cancel(code, by=by)):
                    outcome.forget(code)
                return

    def editor(outcome: Outcome) -> None:
        rng = random.Random(7)
        while not finished.wait(0.03):
            kept = {"phone": Kept(rng.randint(1, 3), 1, NOON), "web": Kept(rng.randint(1, 2), 1, NOON)}
            contingents.set_contingents(
                desk.contract, pool, kept if rng.random() < 0.7 else {}, by=STAFF, now=desk.now
            )
            day = rng.choice([WEDNESDAY, THURSDAY])
            if rng.random() < 0.2:
                slots.set_day(desk.contract, pool, day, [], reason="台風", by=STAFF, now=desk.now)
            slots.withdraw_day(desk.contract, pool, day, by=STAFF, now=desk.now)

    def worker(outcome: Outcome) -> None:
        while not finished.wait(0.03):
            tasks.make_offers(desk.now)
            tasks.expire_holds(desk.now + dt.timedelta(minutes=3))

    def ender(outcome: Outcome) -> None:
        for _ in range(clients):
            left.acquire(timeout=100)
        finished.set()

    outcome = run([*(client(n) for n in range(clients)), editor, worker, worker, ender], timeout=180)
    assert set(outcome.refusals) <= {"full", "not_live", "stale", "offer_gone", "not_earlier", "too_many_people", "no_people"}
    assert_whole(desk, outcome)
    waiting.make_offers(desk.contract, now=desk.now)
    reserve.release_expired(desk.contract, now=desk.now + dt.timedelta(days=2), limit=10_000)
    with contract_scope(desk.contract):
        assert not Rest.objects.exists()
        assert not Booking.objects.filter(state=State.HELD).exists()
        ended = Waiting.objects.filter(outcome="accepted").count()
    assert ended == len(accepted) > 2
    assert desk.faults() == []
