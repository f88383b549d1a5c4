"""A model of the booking core that knows nothing of the database, and random lives of both: they agree at every step.

``MADOGUCHI_STEPS=10000`` makes the walk long; the normal run takes some 300 steps.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from madoguchi.domain.booking import availability, rules
from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.models import Affected, Booking, Claim, Slot
from madoguchi.domain.booking.services import change, contingents, reserve, slots
from madoguchi.domain.booking.services.change import Member
from madoguchi.domain.booking.services.contingents import Kept
from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.audit.queries import verify as verify_audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel

from .desk import THURSDAY, Desk, at, person

STEPS = int(os.environ.get("MADOGUCHI_STEPS", "300"))
LENGTH = 50
BANDS = 4
CODES = {"card_pickup": ("card", 1), "pin_reset": ("card", 2), "other": ("application", 1)}
STAFF = Actor(ActorKind.CALL_CENTRE, Channel.PHONE, "user:1", "電話 花子")
COUNTER = Actor(ActorKind.COUNTER, Channel.COUNTER, "user:2", "窓口 次郎")
WHO = st.sampled_from([STAFF, COUNTER])

Place = tuple[str, int]


@dataclass
class ModelSlot:
    planned: int
    closed: bool = False
    kept: tuple[int, ...] = (0, 0, 0, 0)


@dataclass
class ModelBooking:
    """``visits`` is one (procedure, places) per person; ``shares`` counts the places by contingent."""

    state: str
    visits: list[tuple[str, tuple[Place, ...]]] = field(default_factory=list)
    shares: Counter[tuple[Place, int]] = field(default_factory=Counter)

    @property
    def begins(self) -> int:
        return min(places[0][1] for _, places in self.visits)

    def places(self) -> list[Place]:
        return [place for _, places in self.visits for place in places]


def band(index: int) -> dt.datetime:
    return at(10, 0, THURSDAY) + dt.timedelta(minutes=30 * index)


class World:
    """The plain meaning of the rules: places, people, and every placement tried."""

    def __init__(self, spread: int) -> None:
        self.spread = spread
        self.slots: dict[Place, ModelSlot] = {}
        self.bookings: dict[str, ModelBooking] = {}

    def taken(self) -> Counter[Place]:
        live = [b for b in self.bookings.values() if b.state in ("held", "booked")]
        return Counter(place for booking in live for place in booking.places())

    def options(self, code: str, start: int, spread: int) -> list[tuple[Place, ...]]:
        pool, length = CODES[code]
        found = []
        for begin in range(start, start + spread + 1):
            through = [(pool, n) for n in range(start, begin + length)]
            if all(place in self.slots and not self.slots[place].closed for place in through):
                found.append(tuple((pool, n) for n in range(begin, begin + length)))
        return found

    def used(self, place: Place, share: int) -> int:
        return sum(b.shares[place, share] for b in self.bookings.values() if b.state in ("held", "booked"))

    def room(self, place: Place, share: int) -> int:
        """What is free of a place for a contingent: what others keep is not, but nobody loses a place by it."""
        slot = self.slots[place]
        free = slot.planned - self.taken()[place]
        away = sum(max(0, kept - self.used(place, s)) for s, kept in enumerate(slot.kept, start=1) if s != share)
        return min(free, max(0, free - away))

    def possible(self, codes: Sequence[str], start: int, share: int, freed: Sequence[Place] = ()) -> bool:
        own = Counter(freed)
        for choice in itertools.product(*(self.options(code, start, self.spread) for code in codes)):
            if min(places[0][1] for places in choice) != start:
                continue
            wanted = Counter(place for places in choice for place in places)
            if all(n <= self.room(place, share) + own[place] for place, n in wanted.items()):
                return True
        return False

    def exists(self, codes: Sequence[str], start: int) -> bool:
        return all(self.options(code, start, 0) for code in codes)


class Life(RuleBasedStateMachine):
    """Random deeds on the desk and on the model."""

    held = Bundle("held")
    booked = Bundle("booked")
    contract: Contract
    begin: dt.datetime

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.scope = contract_scope(self.contract)
        self.scope.__enter__()
        self.desk = Desk(self.contract, self.begin)
        self.desk.set_up(THURSDAY, THURSDAY)
        Procedure.objects.filter(code="pin_reset").update(minutes=45)
        availability.forget()
        self.now = self.begin
        self.world = World(self.contract.profile.booking.spread)
        self.kept: dict[str, tuple[int, int]] = {}
        for pool, places in (("card", 3), ("application", 1)):
            self._set_day(pool, [places] * BANDS)

    def teardown(self) -> None:
        self.scope.__exit__(None, None, None)
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)
        availability.forget()

    def _set_day(self, pool: str, plan: Sequence[int | None]) -> slots.Effect:
        rows = [(band(n).time(), band(n + 1).time(), places) for n, places in enumerate(plan) if places is not None]
        effect = slots.set_day(
            self.contract, self.desk.pool(pool), THURSDAY, rows, reason="模型", by=STAFF, now=self.now
        )
        for n, places in enumerate(plan):
            if places is None:
                if (pool, n) in self.world.slots:
                    self.world.slots[pool, n] = ModelSlot(0, closed=True)
            else:
                self.world.slots[pool, n] = ModelSlot(places)
        self._keep(pool)
        return effect

    def _keep(self, pool: str) -> None:
        phone, counter = self.kept.get(pool, (0, 0))
        for (name, _), slot in self.world.slots.items():
            if name == pool:
                slot.kept = tuple(rules.trim([0, phone, counter, 0], 0 if slot.closed else slot.planned))

    def _read(self, code: str, start: int, spread: int) -> list[tuple[str, tuple[Place, ...]]]:
        """Where the desk placed the party; each person where the rules allow."""
        visits = []
        shares: Counter[tuple[Place, int]] = Counter()
        for attendee in self.desk.attendees(code):
            rows = Claim.objects.filter(attendee=attendee).select_related("slot__pool").order_by("slot__starts_at")
            places = tuple((c.slot.pool.code, int((c.slot.starts_at - band(0)).total_seconds()) // 1800) for c in rows)
            assert places in self.world.options(attendee.procedure.code, start, spread)
            assert (attendee.starts_at, attendee.ends_at) == (band(places[0][1]), band(places[-1][1] + 1))
            visits.append((attendee.procedure.code, places))
            shares.update((place, claim.share) for place, claim in zip(places, rows, strict=True))
        self.shares = shares
        assert min(places[0][1] for _, places in visits) == start
        return visits

    def _shares_follow(self, before: Counter[tuple[Place, int]], by: Actor) -> None:
        """What a party had keeps its contingent as far as it stays on the place; what is new counts for who took it."""
        share = rules.share_of(by.channel)
        for place in {place for place, _ in (*before, *self.shares)}:
            had = Counter({s: n for (p, s), n in before.items() if p == place})
            has = Counter({s: n for (p, s), n in self.shares.items() if p == place})
            more = has.total() - had.total()
            assert has == had + Counter({share: more}) if more >= 0 else not has - had

    def _reserve(self, codes: Sequence[str], start: int, by: Actor, *, hold: bool, over: bool) -> str | None:
        share = rules.share_of(by.channel)
        expected = self.world.possible(codes, start, share) or (over and self.world.exists(codes, start))
        try:
            done = self.desk.reserve(band(start), codes, by=by, now=self.now, hold=hold, over=over)
        except Refused as refused:
            assert not expected, refused.reason
            return None
        assert expected
        booking = ModelBooking("held" if hold else "booked")
        booking.visits = self._read(done.code, start, self.world.spread)
        self._shares_follow(Counter(), by)
        booking.shares = self.shares
        self.world.bookings[done.code] = booking
        return done.code

    codes = st.lists(st.sampled_from(sorted(CODES)), min_size=1, max_size=4)
    starts = st.integers(0, BANDS - 1)

    @rule(target=booked, codes=codes, start=starts, by=WHO)
    def reserve(self, codes: list[str], start: int, by: Actor) -> str | None:
        return self._reserve(codes, start, by, hold=False, over=False)

    @rule(target=held, codes=codes, start=starts, by=WHO)
    def hold(self, codes: list[str], start: int, by: Actor) -> str | None:
        return self._reserve(codes, start, by, hold=True, over=False)

    @rule(target=booked, codes=codes, start=starts, by=WHO)
    def overbook(self, codes: list[str], start: int, by: Actor) -> str | None:
        return self._reserve(codes, start, by, hold=False, over=True)

    @rule(target=booked, code=consumes(held))
    def confirm(self, code: str | None) -> str | None:
        if code is None:
            return None
        booking = self.world.bookings[code]
        if booking.state != "held":
            with pytest.raises(Refused):
                self.desk.confirm(code, len(booking.visits), now=self.now)
            return code
        self.desk.confirm(code, len(booking.visits), now=self.now)
        booking.state = "booked"
        return code

    @rule()
    def expire(self) -> None:
        self.now += dt.timedelta(minutes=11)
        due = [b for b in self.world.bookings.values() if b.state == "held"]
        assert reserve.release_expired(self.contract, now=self.now) == len(due)
        for booking in due:
            booking.state = "expired"

    @rule(code=booked)
    def cancel(self, code: str | None) -> None:
        if code is None:
            return
        booking = self.world.bookings[code]
        if booking.state == "expired":
            with pytest.raises(Refused):
                self.desk.cancel(code, by=STAFF, now=self.now)
            return
        self.desk.cancel(code, by=STAFF, now=self.now)
        booking.state = "cancelled"

    def _revise(self, code: str, members: list[Member], codes: list[str], start: int, by: Actor) -> None:
        booking = self.world.bookings[code]
        live = booking.state in ("held", "booked")
        expected = live and self.world.possible(codes, start, rules.share_of(by.channel), booking.places())
        try:
            change.revise(self.contract, code, members=members, starts_at=band(start), by=by, now=self.now)
        except Refused as refused:
            assert not expected, refused.reason
            return
        assert expected
        booking.visits = self._read(code, start, self.world.spread)
        self._shares_follow(booking.shares, by)
        booking.shares = self.shares

    @rule(code=booked, start=starts, by=WHO)
    def move(self, code: str | None, start: int, by: Actor) -> None:
        if code is None:
            return
        booking = self.world.bookings[code]
        if start == booking.begins:
            return
        self._revise(code, self.desk.members(code), [c for c, _ in booking.visits], start, by)

    @rule(code=booked, procedure=st.sampled_from(sorted(CODES)), by=WHO)
    def add(self, code: str | None, procedure: str, by: Actor) -> None:
        if code is None or len(self.world.bookings[code].visits) >= 5:
            return
        booking = self.world.bookings[code]
        members = [*self.desk.members(code), Member(None, procedure, person(7))]
        self._revise(code, members, [*(c for c, _ in booking.visits), procedure], booking.begins, by)

    @rule(code=booked, data=st.data())
    def remove(self, code: str | None, data: Any) -> None:
        if code is None or len(self.world.bookings[code].visits) < 2:
            return
        booking = self.world.bookings[code]
        index = data.draw(st.integers(0, len(booking.visits) - 1))
        members = self.desk.members(code)
        del members[index]
        try:
            change.revise(self.contract, code, members=members, starts_at=band(booking.begins), by=STAFF, now=self.now)
        except Refused:
            assert booking.state not in ("held", "booked")
            return
        assert booking.state in ("held", "booked")
        _, places = booking.visits.pop(index)
        before, booking.shares = booking.shares, Counter(
            (place, claim.share)
            for attendee in self.desk.attendees(code)
            for claim in Claim.objects.filter(attendee=attendee).select_related("slot__pool")
            for place in [(claim.slot.pool.code, int((claim.slot.starts_at - band(0)).total_seconds()) // 1800)]
        )
        gone = before - booking.shares
        assert Counter(place for place, _ in gone.elements()) == Counter(places)

    @rule(pool=st.sampled_from(["card", "application"]), phone=st.integers(0, 2), counter=st.integers(0, 2))
    def keep(self, pool: str, phone: int, counter: int) -> None:
        wanted = {"phone": phone, "counter": counter}
        contingents.set_contingents(
            self.contract,
            self.desk.pool(pool),
            {channel: Kept(n, 1, dt.time(12)) for channel, n in wanted.items() if n},
            by=STAFF,
            now=self.now,
        )
        self.kept[pool] = (phone, counter)
        self._keep(pool)

    plans = st.lists(st.sampled_from([None, 0, 1, 2, 3, 5]), min_size=BANDS, max_size=BANDS)

    @rule(pool=st.sampled_from(["card", "application"]), plan=plans)
    def replan(self, pool: str, plan: list[int | None]) -> None:
        before = {
            b.pk for b in Booking.objects.filter(pk__in=Affected.objects.filter(settled_at=None).values("booking"))
        }
        was = {place: (slot.planned, slot.closed) for place, slot in self.world.slots.items()}
        effect = self._set_day(pool, plan)
        taken = self.world.taken()
        hit = {
            place
            for place, slot in self.world.slots.items()
            if (slot.planned, slot.closed) != was.get(place) and (slot.closed or taken[place] > slot.planned)
        }
        told = {b.code for b in effect.broken}
        for code, booking in self.world.bookings.items():
            on = set(booking.places()) & hit
            if code in told:
                assert booking.state == "booked"
                assert on
            elif booking.state == "booked" and any(self.world.slots[place].closed for place in on):
                assert Booking.objects.get(code=code).pk in before

    @rule(pool=st.sampled_from(["card", "application"]))
    def close(self, pool: str) -> None:
        self.replan(pool, [None] * BANDS)

    @rule(pool=st.sampled_from(["card", "application"]))
    def reopen(self, pool: str) -> None:
        self.replan(pool, [3] * BANDS)

    @invariant()
    def the_slots_agree(self) -> None:
        taken = self.world.taken()
        rows = {
            (s.pool.code, int((s.starts_at - band(0)).total_seconds()) // 1800): s
            for s in Slot.objects.filter(starts_at__gte=band(0), starts_at__lt=band(BANDS)).select_related("pool")
        }
        for place, slot in self.world.slots.items():
            row = rows[place]
            assert (row.planned, row.closed, row.taken) == (slot.planned, slot.closed, taken[place]), place
            assert row.capacity == max(slot.planned, taken[place])
            assert tuple(row.kept or (0, 0, 0, 0)) == slot.kept
            if row.used:
                assert row.used == [self.world.used(place, share) for share in range(1, 5)]

    @invariant()
    def the_bookings_agree(self) -> None:
        stored = dict(Booking.objects.values_list("code", "state"))
        assert stored == {code: booking.state for code, booking in self.world.bookings.items()}
        people = dict(Booking.objects.values_list("code", "people"))
        assert people == {code: len(booking.visits) for code, booking in self.world.bookings.items()}
        assert self.desk.faults() == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.req("BOOK-02", "BOOK-05", "BOOK-06")
def test_model_and_database_agree(contracts: dict[str, Contract], now: dt.datetime) -> None:
    class Walk(Life):
        contract = contracts["hatsukaichi"]
        begin = now

        def teardown(self) -> None:
            assert verify_audit(self.contract) == []
            super().teardown()

    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=max(1, STEPS // LENGTH),
            stateful_step_count=LENGTH,
            deadline=None,
            database=None,
            phases=[Phase.generate, *([Phase.shrink] if STEPS <= 300 else [])],
            suppress_health_check=list(HealthCheck),
        ),
    )
