"""Sixty-four at once on the last seats, while everything else happens too: nothing oversold, lost or deadlocked."""

from __future__ import annotations

import datetime as dt
import random
import re
import threading
import time
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection

from madoguchi.domain.booking import apps, availability, tasks
from madoguchi.domain.booking.batch import write
from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Affected, Booking, Slot
from madoguchi.domain.booking.services import change, reserve, slots, weeks
from madoguchi.domain.booking.services.change import Member
from madoguchi.ground.audit.queries import verify as verify_audit
from madoguchi.ground.contracts.models import CalendarOverride
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import CITIZEN_WEB, Actor, ActorKind, Channel

from ..domain.booking.desk import THURSDAY, Desk, at, person
from .crowd import Outcome, attempt, counts, run

pytestmark = [
    pytest.mark.race,
    pytest.mark.django_db(transaction=True),
    pytest.mark.req("BOOK-02", "BOOK-05"),
    pytest.mark.xdist_group("races"),
]
CROWD = 64
HOT = at(10, day=THURSDAY)
STAFF = Actor(ActorKind.CITY, Channel.COUNTER, "user:2", "市 太郎")


def assert_whole(desk: Desk, outcome: Outcome) -> None:
    """Taken equals the claims, nothing beyond capacity, every acknowledged booking is there with its places."""
    assert outcome.failures == []
    for count in counts(desk):
        assert count.taken == count.claims
        assert count.taken <= count.capacity
    assert desk.faults() == []
    assert verify_audit(desk.contract) == []
    with contract_scope(desk.contract):
        stored = {b.code: b for b in Booking.objects.all()}
    for code, people in outcome.acknowledged.items():
        assert code in stored
        if code in outcome.gone:
            assert stored[code].state in (State.CANCELLED, State.EXPIRED)
            assert desk.claims(code) == []
        else:
            assert (stored[code].state, stored[code].people) == (State.BOOKED, people)
            assert len(desk.claims(code)) == people


@pytest.mark.parametrize("parties", [(1,), (1, 2, 3, 4, 5)], ids=["singles", "parties"])
def test_the_last_seats_of_one_slot(desk: Desk, committing: str, parties: tuple[int, ...]) -> None:
    with contract_scope(desk.contract):
        Slot.objects.filter(pool=desk.pool()).update(planned=0, capacity=0)
        Slot.objects.filter(pool=desk.pool(), starts_at=HOT).update(planned=40, capacity=40)
    availability.forget()

    def client(number: int):
        def act(outcome: Outcome) -> None:
            for turn in range(3):
                people = parties[(number + turn) % len(parties)]
                key = f"rush-{number}-{turn}"
                for _ in range(2):
                    done = attempt(outcome, lambda: desk.reserve(HOT, people, key=key))  # noqa: B023
                    if done is not None:
                        outcome.acknowledge(done.code, people)

        return act

    outcome = run([client(n) for n in range(CROWD)])
    assert_whole(desk, outcome)
    hot = next(c for c in counts(desk) if c.slot == desk.slot(HOT).pk)
    assert (hot.planned, hot.capacity, hot.claims) == (40, 40, 40)
    assert sum(outcome.acknowledged.values()) == 40
    assert set(outcome.refusals) == {"full"}
    assert len(desk.mails()) == len(outcome.acknowledged) == len(desk.audit())


def test_everything_at_once(desk: Desk, committing: str) -> None:
    """Parties, holds that expire, moves, cancels, changed head-counts, arrivals of editors, closures and openings."""
    pool = desk.pool()
    moments = [at(h, m, THURSDAY) for h in (10, 11, 14, 15) for m in (0, 30)]
    finished = threading.Event()
    overbooked = threading.Event()

    def client(number: int):
        rng = random.Random(number)

        def act(outcome: Outcome) -> None:
            for turn in range(4):
                moment, people = rng.choice(moments), rng.randint(1, 5)
                hold = rng.random() < 0.4
                done = attempt(outcome, lambda: desk.reserve(moment, people, hold=hold, key=f"all-{number}-{turn}"))  # noqa: B023
                if done is None:
                    continue
                if hold:
                    if rng.random() < 0.3:
                        outcome.acknowledge(done.code, people)
                        outcome.forget(done.code)
                        continue
                    time.sleep(rng.random() * 0.05)
                    if attempt(outcome, lambda: desk.confirm(done.code, people)) is None:  # noqa: B023
                        continue
                outcome.acknowledge(done.code, people)
                what = rng.random()
                if what < 0.25:
                    attempt(outcome, lambda: desk.move(done.code, rng.choice(moments)))  # noqa: B023
                elif what < 0.45 and people > 1:
                    rows = desk.members(done.code)
                    if attempt(
                        outcome,
                        lambda: change.revise(
                            desk.contract, done.code, members=rows[1:], starts_at=desk.booking(done.code).starts_at,  # noqa: B023
                            by=STAFF, now=desk.now,
                        ),
                    ):  # fmt: skip
                        outcome.acknowledge(done.code, people - 1)
                elif what < 0.65:
                    rows = [*desk.members(done.code), Member(None, "pin_reset", person(5))]
                    if attempt(
                        outcome,
                        lambda: change.revise(
                            desk.contract, done.code, members=rows, starts_at=desk.booking(done.code).starts_at,  # noqa: B023
                            by=STAFF, now=desk.now,
                        ),
                    ):  # fmt: skip
                        outcome.acknowledge(done.code, people + 1)
                elif what < 0.85:
                    attempt(outcome, lambda: desk.cancel(done.code))  # noqa: B023
                    outcome.forget(done.code)
                elif what < 0.9:
                    extra = attempt(
                        outcome,
                        lambda: desk.reserve(moment, 2, by=STAFF, over=True, key=f"over-{number}-{turn}"),  # noqa: B023
                    )
                    if extra is not None:
                        overbooked.set()
                        outcome.acknowledge(extra.code, 2)

        return act

    def editor(number: int):
        def act(outcome: Outcome) -> None:
            rng = random.Random(1000 + number)
            evening = [(dt.time(17, 30), dt.time(18), 2), (dt.time(18), dt.time(18, 30), 2)]
            while not finished.wait(0.03):
                what = rng.randrange(4)
                if what == 0:
                    cut = [(dt.time(h, m), _after(h, m), rng.randint(3, 12)) for h in (10, 11, 14, 15) for m in (0, 30)]
                    slots.set_day(
                        desk.contract, pool, THURSDAY, [*cut, *evening], reason="変更", by=STAFF, now=desk.now
                    )
                elif what == 1:
                    slots.withdraw_day(desk.contract, pool, THURSDAY, by=STAFF, now=desk.now)
                elif what == 2:
                    closing = slots.CalendarChange(THURSDAY, "closed", "", "counter", (), None, "台風")
                    slots.change_calendar(desk.contract, closing, by=STAFF, now=desk.now)
                    with contract_scope(desk.contract):
                        mine = CalendarOverride.objects.filter(withdrawn_at=None).values_list("pk", flat=True)
                        pks = list(mine)
                    for pk in pks:
                        try:
                            slots.withdraw_calendar_change(desk.contract, pk, by=STAFF, now=desk.now)
                        except CalendarOverride.DoesNotExist:
                            continue
                else:
                    patterns = [slots.Pattern(3, dt.time(9), dt.time(17), rng.randint(3, 12))]
                    slots.set_patterns(desk.contract, pool, patterns, valid_from=THURSDAY, by=STAFF, now=desk.now)

        return act

    def sweeper(outcome: Outcome) -> None:
        while not finished.wait(0.03):
            tasks.expire_holds(desk.now + dt.timedelta(minutes=11))
            slots.preview(
                desk.contract,
                lambda: slots.set_day(desk.contract, pool, THURSDAY, [], reason="試し", by=STAFF, now=desk.now),
            )

    clients = [client(n) for n in range(CROWD)]
    left = threading.Semaphore(0)

    def counted(work):
        def act(outcome: Outcome) -> None:
            try:
                work(outcome)
            finally:
                left.release()

        return act

    def ender(outcome: Outcome) -> None:
        for _ in clients:
            left.acquire(timeout=100)
        finished.set()

    outcome = run([*map(counted, clients), editor(1), editor(2), sweeper, ender])
    reserve.release_expired(desk.contract, now=desk.now + dt.timedelta(hours=1), limit=10_000)
    assert outcome.failures == []
    assert set(outcome.refusals) <= {"full", "hold_expired", "not_live", "too_many_people"}
    assert len(outcome.acknowledged) > 20
    assert_whole(desk, outcome)
    tasks.expire_holds(desk.now)
    with contract_scope(desk.contract):
        broken = set(
            Booking.objects.filter(state=State.BOOKED, pk__in=_on_closed_slots(desk)).values_list("pk", flat=True)
        )
        assert broken <= set(Affected.objects.values_list("booking_id", flat=True))


def _after(hour: int, minute: int) -> dt.time:
    return dt.time(hour, 30) if minute == 0 else dt.time(hour + 1)


def _on_closed_slots(desk: Desk) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select distinct a.booking_id from booking_claim c join booking_slot s on s.id = c.slot_id"
            " join booking_attendee a on a.id = c.attendee_id where s.contract_id = %s and s.closed",
            [desk.contract.pk],
        )
        return [pk for (pk,) in cursor.fetchall()]


def test_opposite_moves_do_not_deadlock(desk: Desk, committing: str) -> None:
    """Bookings swap between two full slots: whoever goes first wins, nobody waits for ever, nobody loses a place."""
    here, there = at(10, day=THURSDAY), at(14, day=THURSDAY)
    codes = [desk.reserve(m, 2, key=f"swap-{m:%H}-{i}").code for m in (here, there) for i in range(3)]

    def mover(code: str, to: dt.datetime):
        def act(outcome: Outcome) -> None:
            outcome.acknowledge(code, 2)
            for turn in range(6):
                target = to if turn % 2 == 0 else (here if to == there else there)
                attempt(outcome, lambda: desk.move(code, target))  # noqa: B023

        return act

    works = [mover(code, there if n < 3 else here) for n, code in enumerate(codes)]
    outcome = run(works * 3)
    assert_whole(desk, outcome)


def test_weeks_closed_in_one_go_take_nobody_and_list_everybody(desk: Desk, committing: str) -> None:
    """Bulk closing and reopening of all pools against bookings and moves: whoever keeps a closed place is on the list."""
    chosen = weeks.Chosen(frozenset({"card", "application"}), THURSDAY, THURSDAY, span=(dt.time(10), dt.time(15)))
    here, there = [at(h, m, THURSDAY) for h in (10, 11, 14) for m in (0, 30)], at(16, day=THURSDAY)
    desk.reserve(HOT, 2, key="before")

    def client(number: int):
        rng = random.Random(number)

        def act(outcome: Outcome) -> None:
            for turn in range(4):
                people = rng.randint(1, 3)
                moment = rng.choice(here)
                done = attempt(outcome, lambda: desk.reserve(moment, people, key=f"bulk-{number}-{turn}"))  # noqa: B023
                if done is not None:
                    outcome.acknowledge(done.code, people)
                    if rng.random() < 0.4:
                        attempt(outcome, lambda: desk.move(done.code, rng.choice([*here, there])))  # noqa: B023

        return act

    def closer(outcome: Outcome) -> None:
        for act in (weeks.Act.CLOSE, weeks.Act.REOPEN, weeks.Act.CLOSE, weeks.Act.REOPEN, weeks.Act.CLOSE):
            weeks.edit_bands(desk.contract, chosen, act, reason="停電", by=STAFF, now=desk.now)
            time.sleep(0.02)

    outcome = run([*(client(n) for n in range(24)), closer, closer])
    weeks.edit_bands(desk.contract, chosen, weeks.Act.CLOSE, reason="停電", by=STAFF, now=desk.now)
    assert set(outcome.refusals) <= {"full"}
    assert_whole(desk, outcome)
    assert attempt(outcome, lambda: desk.reserve(HOT, 1, key="late")) is None
    with contract_scope(desk.contract):
        broken = set(_on_closed_slots(desk))
        listed = Affected.objects.filter(settled_at=None)
        assert broken and broken == set(listed.filter(booking__in=broken).values_list("booking_id", flat=True))
        assert set(listed.values_list("reason", flat=True)) == {"停電"}


def test_two_confirm_and_cancel_the_same_hold(desk: Desk, committing: str) -> None:
    held = [desk.reserve(HOT, 1, hold=True, key=f"same-{n}") for n in range(6)]

    def confirmer(code: str):
        return lambda outcome: attempt(outcome, lambda: desk.confirm(code, 1))

    def canceller(code: str):
        return lambda outcome: attempt(outcome, lambda: desk.cancel(code))

    def expirer(outcome: Outcome) -> None:
        reserve.release_expired(desk.contract, now=desk.now + dt.timedelta(hours=1))

    outcome = run([work(h.code) for h in held for work in (confirmer, confirmer, canceller)] + [expirer] * 4)
    assert_whole(desk, outcome)
    assert {desk.booking(h.code).state for h in held} <= {State.CANCELLED, State.EXPIRED}
    assert desk.taken(HOT) == 0


def test_one_key_from_many_windows_books_once(desk: Desk, committing: str) -> None:
    wanted = desk.wanted(HOT, ["card_pickup"] * 2, key="double-click")

    def clicker(outcome: Outcome) -> None:
        done = reserve.reserve(desk.contract, wanted, by=CITIZEN_WEB, now=desk.now)
        outcome.acknowledge(done.code, 2)

    outcome = run([clicker] * 32)
    assert_whole(desk, outcome)
    assert len(outcome.acknowledged) == 1
    assert desk.taken(HOT) == 2
    assert len(desk.mails()) == 1


def unlocked() -> str:
    """``booking_take`` as shipped, without its lock, for the schema ``unlocked``."""
    source = (Path(apps.__file__).parent / "sql" / "functions.sql").read_text()
    found = re.search(r"create or replace function booking_take\(.*?\$\$;", source, re.DOTALL)
    assert found is not None
    text = found[0].replace("function booking_take(", "function unlocked.booking_take(", 1)
    without = text.replace(" order by id for no key update", " order by id", 1)
    assert without != text
    return without


@pytest.mark.parametrize("lock", ["on", "off"])
def test_the_lock_is_what_keeps_a_slot_from_being_sold_twice(desk: Desk, citizen: Actor, lock: str) -> None:
    """The same crowd with the lock and without: without it places are sold again and again, so the test can see it."""
    rounds = 4
    with connection.cursor() as cursor:
        cursor.execute("create schema unlocked")
        cursor.execute(unlocked().replace("%", "%%"))
    try:
        oversold = wrong = 0
        for turn in range(rounds):
            moment = at(9 + turn, day=THURSDAY)
            docs = [
                reserve.prepare(
                    desk.contract,
                    desk.wanted(moment, ["card_pickup"]),
                    by=citizen,
                    now=desk.now,
                    hold=False,
                    fresh=True,
                ).doc
                for _ in range(24)
            ]

            def client(doc: dict[str, object], lane: int):
                def act(outcome: Outcome) -> None:
                    with connection.cursor() as cursor:
                        cursor.execute(f"set search_path to {'unlocked, ' if lock == 'off' else ''}public")
                    for _ in range(2):
                        write(desk.contract.pk, desk.now, [doc], lane=lane)

                return act

            outcome = run([client(doc, 10 + n) for n, doc in enumerate(docs)])
            assert outcome.failures == []
            row = next(c for c in counts(desk) if c.slot == desk.slot(moment).pk)
            oversold += max(0, row.claims - row.capacity)
            wrong += row.taken != row.claims
    finally:
        with connection.cursor() as cursor:
            cursor.execute("drop schema unlocked cascade")
    if lock == "on":
        assert (oversold, wrong) == (0, 0)
        assert desk.faults() == []
    else:
        assert oversold > 0
        assert desk.faults() != []


def test_a_lost_connection_costs_nobody_the_reservation(desk: Desk, settings: LazySettings) -> None:
    settings.GROUP_COMMIT = True
    first = desk.reserve(HOT)
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0]
    second = desk.reserve(HOT)
    assert len({first.code, second.code}) == 2
    assert desk.faults() == []
