"""Places kept for a channel: who may take them, until when, and that every place is counted for the right one."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from madoguchi.domain.booking import availability, rules
from madoguchi.domain.booking.models import Claim, Slot
from madoguchi.domain.booking.rules import Refusal
from madoguchi.domain.booking.services import change, contingents, slots
from madoguchi.domain.booking.services.contingents import Kept
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel

from .desk import FRIDAY, THURSDAY, WEDNESDAY, Desk, at
from .test_reserve import refused

pytestmark = [pytest.mark.req("BOOK-16"), pytest.mark.req("BOOK-02")]

PHONE = Actor(ActorKind.CALL_CENTRE, Channel.PHONE, "user:1", "受付 花子")
COUNTER = Actor(ActorKind.COUNTER, Channel.COUNTER, "user:2", "窓口 次郎")
NOON = dt.time(12)


def keep(desk: Desk, **kept: int) -> None:
    wanted = {channel: Kept(n, 1, NOON) for channel, n in kept.items()}
    contingents.set_contingents(desk.contract, desk.pool(), wanted, by=COUNTER, now=desk.now)
    availability.forget()


def used(desk: Desk, moment: dt.datetime) -> list[int] | None:
    slot = desk.slot(moment)
    return slot.used


def test_the_web_cannot_take_what_is_kept_for_the_telephone(desk: Desk) -> None:
    keep(desk, phone=2)
    for minute in (0, 30, 60):
        desk.reserve(at(10) + dt.timedelta(minutes=minute), 4)
    with refused(Refusal.FULL):
        desk.reserve(at(10))
    assert desk.taken(at(10)) == 4
    desk.reserve(at(10), 2, by=PHONE)
    assert (desk.taken(at(10)), used(desk, at(10))) == (6, [4, 2, 0, 0])
    with refused(Refusal.FULL):
        desk.reserve(at(10), by=PHONE)
    assert desk.faults() == []


def test_the_database_decides_where_the_remembered_calendar_is_old(desk: Desk) -> None:
    keep(desk, phone=2, counter=1)
    grid = availability.month_grid(desk.contract, desk.pool().site_id, 2026, 11).grid
    slot = desk.slot(at(10)).pk
    assert grid[desk.pool().pk].parts[grid[desk.pool().pk].index[int(at(10).timestamp())]].kept == (0, 2, 1, 0)
    with contract_scope(desk.contract):
        assert not change.take(desk.contract, {(slot, 1): 4}, now=desk.now)
        assert change.take(desk.contract, {(slot, 1): 3}, now=desk.now)
        assert not change.take(desk.contract, {(slot, 1): 1}, now=desk.now)
        assert change.take(desk.contract, {(slot, 1): -3, (slot, 2): 2}, now=desk.now)


def test_at_the_release_the_rest_is_open_to_all(desk: Desk) -> None:
    keep(desk, phone=6)
    before, release = at(11, 59, WEDNESDAY - dt.timedelta(days=1)), at(12, 0, WEDNESDAY - dt.timedelta(days=1))
    with refused(Refusal.FULL):
        desk.reserve(at(10), now=before)
    desk.reserve(at(10), now=release)
    assert used(desk, at(10)) == [1, 0, 0, 0]


def test_the_calendar_shows_each_channel_what_it_can_have(desk: Desk, citizen: Actor) -> None:
    keep(desk, phone=5)
    site = availability.site_plan(desk.contract, "main")

    def left(by: Actor, now: dt.datetime) -> int:
        day = availability.day_marks(desk.contract, site, ["card_pickup"], FRIDAY, FRIDAY, by=by, now=now)[0]
        return next(s.left for s in day.slots if s.starts_at == at(10, day=FRIDAY))

    assert (left(citizen, desk.now), left(PHONE, desk.now)) == (1, 6)
    assert left(citizen, at(12, day=THURSDAY)) == 6


def test_a_booking_gives_back_to_the_contingent_it_came_from(desk: Desk) -> None:
    keep(desk, phone=2, web=1)
    web = desk.reserve(at(10), 3)
    phone = desk.reserve(at(10), 1, by=PHONE)
    # The call centre adds a person to the booking of the web: its own place is taken, and given back from there.
    members = [*desk.members(web.code), change.Member(None, "card_pickup")]
    change.revise(desk.contract, web.code, members=members, starts_at=at(10), by=PHONE, now=desk.now)
    assert used(desk, at(10)) == [3, 2, 0, 0]
    with contract_scope(desk.contract):
        assert sorted(Claim.objects.filter(attendee__booking__code=web.code).values_list("share", flat=True)) == [1, 1, 1, 2]
    desk.cancel(phone.code)
    assert used(desk, at(10)) == [3, 1, 0, 0]
    desk.move(web.code, at(14))
    assert (used(desk, at(10)), used(desk, at(14))) == ([0, 0, 0, 0], [4, 0, 0, 0])
    assert desk.faults() == []


def test_contingents_count_the_bookings_that_were_there_before_and_go_away_again(desk: Desk) -> None:
    desk.reserve(at(10), 2)
    desk.reserve(at(10), by=PHONE)
    assert desk.slot(at(10)).kept is None
    keep(desk, phone=2)
    slot = desk.slot(at(10))
    assert (slot.kept, slot.used, slot.taken) == ([0, 2, 0, 0], [2, 1, 0, 0], 3)
    assert slot.opens == [at(10), at(12, day=WEDNESDAY - dt.timedelta(days=1)), at(10), at(10)]
    assert desk.faults() == []
    keep(desk)
    assert (desk.slot(at(10)).kept, desk.slot(at(10)).used) == (None, None)


def test_who_was_there_before_the_contingent_may_still_change_what_the_visit_is_for(desk: Desk) -> None:
    code = desk.reserve(at(10), 5).code
    keep(desk, phone=6)
    members = desk.members(code)
    members[0] = change.Member(members[0].id, "pin_reset")
    change.revise(desk.contract, code, members=members, starts_at=at(10), by=PHONE.through(Channel.WEB), now=desk.now)
    assert desk.attendees(code)[0].procedure.code == "pin_reset"
    assert used(desk, at(10)) == [5, 0, 0, 0]
    with refused(Refusal.FULL):
        members = [*desk.members(code), change.Member(None, "card_pickup")]
        change.revise(desk.contract, code, members=members, starts_at=at(10), by=COUNTER, now=desk.now)


def test_a_small_day_keeps_no_more_than_it_has_and_a_wide_one_all(desk: Desk) -> None:
    keep(desk, phone=3, counter=2)
    bands = [(dt.time(10), dt.time(10, 30), 4), (dt.time(13), dt.time(13, 30), 20)]
    slots.set_day(desk.contract, desk.pool(), THURSDAY, bands, reason="会議", by=COUNTER, now=desk.now)
    assert desk.slot(at(10, day=THURSDAY)).kept == [0, 2, 2, 0]
    assert desk.slot(at(13, day=THURSDAY)).kept == [0, 3, 2, 0]
    assert desk.slot(at(11, day=THURSDAY)).kept is None


def test_beyond_the_contingents_is_an_explicit_right(desk: Desk) -> None:
    keep(desk, phone=6)
    with refused(Refusal.FULL):
        desk.reserve(at(10), by=COUNTER)
    done = desk.reserve(at(10), by=COUNTER, over=True)
    assert desk.booking(done.code).overbooked
    assert used(desk, at(10)) == [0, 0, 1, 0]


def test_a_wrong_number_is_refused_and_nothing_changes(desk: Desk) -> None:
    before = desk.snapshot()
    with pytest.raises(ValidationError, match="1から500"):
        keep(desk, phone=0)
    assert desk.snapshot() == before


def test_the_proof_finds_a_contingent_that_is_counted_wrongly(desk: Desk) -> None:
    keep(desk, phone=2)
    desk.reserve(at(10))
    with contract_scope(desk.contract):
        Slot.objects.filter(starts_at=at(10)).exclude(kept=None).update(used=[0, 1, 0, 0])
    assert len(desk.faults()) == 1


def test_every_channel_has_its_number() -> None:
    assert [rules.share_of(channel) for channel in ("web", "phone", "counter", "online", "fax")] == [1, 2, 3, 4, 0]
