"""A booking that exists: moved, grown, shrunk, edited, cancelled; only the difference of places is claimed."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.enums import EventKind, State
from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.models import Attendee, Booking
from madoguchi.domain.booking.party import CONTACT, EVENT, Contact, Person
from madoguchi.domain.booking.rules import Refusal
from madoguchi.domain.booking.services import change, marks
from madoguchi.domain.booking.services.change import Member
from madoguchi.ground.audit.queries import verify as verify_audit
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.privacy.sealing import keyring

from .desk import THURSDAY, Desk, at, person
from .test_reserve import refused

pytestmark = pytest.mark.req("BOOK-06")


@pytest.mark.req("BOOK-09")
def test_a_move_claims_and_gives_back_at_once(desk: Desk, citizen: Actor) -> None:
    done = desk.reserve(at(10), 2)
    moved = desk.move(done.code, at(14, day=THURSDAY))
    assert (moved.starts_at, moved.ends_at, moved.version) == (at(14, day=THURSDAY), at(14, 30, THURSDAY), 2)
    assert (desk.taken(at(10)), desk.taken(at(14, day=THURSDAY))) == (0, 2)
    event = desk.events(done.code)[-1]
    assert (event.kind, event.actor_kind, event.channel) == (EventKind.MOVED, "citizen", "web")
    assert event.change == {"starts_at": ["2026-11-04T10:00:00+09:00", "2026-11-05T14:00:00+09:00"]}
    ref = f"booking:{done.id}"
    assert [m[0] for m in desk.mails()] == ["created", "changed"]
    assert desk.audit() == [("booking.created", ref), ("booking.changed", ref)]
    assert [(kind, n) for kind, _, n, _ in desk.facts()] == [("booking.created", 2), ("booking.changed", 2)]
    assert desk.faults() == []
    assert verify_audit(desk.contract) == []


def test_a_full_time_refuses_a_move_and_the_old_place_stays(desk: Desk) -> None:
    for minute in (0, 30):
        desk.reserve(at(14, minute), 5)
    desk.reserve(at(15), 5)
    done = desk.reserve(at(10), 4)
    before = desk.snapshot()
    with refused(Refusal.FULL):
        desk.move(done.code, at(14))
    assert desk.snapshot() == before


def test_a_party_may_use_its_own_places_when_it_moves(desk: Desk) -> None:
    desk.reserve(at(10), 3)
    done = desk.reserve(at(10), 5)
    assert [a.starts_at for a in desk.attendees(done.code)] == [at(10)] * 3 + [at(10, 30)] * 2
    desk.reserve(at(10, 30), 4)
    desk.reserve(at(11), 5)
    desk.reserve(at(11, 30), 4)
    availability.forget()
    moved = desk.move(done.code, at(10, 30))
    assert [a.starts_at for a in desk.attendees(done.code)] == [at(10, 30)] * 2 + [at(11)] + [at(11, 30)] * 2
    assert (moved.starts_at, moved.ends_at) == (at(10, 30), at(12))
    assert [desk.taken(m) for m in (at(10), at(10, 30), at(11), at(11, 30))] == [3, 6, 6, 6]
    assert desk.faults() == []


def test_adding_people_claims_only_the_difference(desk: Desk) -> None:
    done = desk.reserve(at(10), 2)
    other = desk.reserve(at(10), 3)
    kept = desk.claims(done.code)
    availability.forget()
    booking = change.revise(
        desk.contract,
        done.code,
        members=[*desk.members(done.code), Member(None, "pin_reset", person(9))],
        starts_at=at(10),
        by=Actor("citizen", "web"),  # type: ignore[arg-type]
        now=desk.now,
    )
    assert booking.people == 3
    assert desk.taken(at(10)) == 6
    assert desk.claims(done.code)[:2] == kept
    event = desk.events(done.code)[-1]
    assert event.kind == EventKind.ADDED
    assert event.change == {
        "procedures": [["card_pickup"] * 2, ["card_pickup", "card_pickup", "pin_reset"]],
        "personal": [None, ["person3"]],
    }
    sealed = keyring(desk.contract).unseal_json(EVENT, event.sealed)
    assert sealed == {"person3": [None, person(9).as_dict()]}
    assert desk.booking(other.code).version == 1


def test_adding_people_to_a_full_time_is_refused_whole(desk: Desk) -> None:
    done = desk.reserve(at(10), 2)
    for minute in (0, 30):
        desk.reserve(at(10, minute), 4)
    desk.reserve(at(10, 30), 2)
    desk.reserve(at(11), 5)
    desk.reserve(at(11), 1)
    before = desk.snapshot()
    with refused(Refusal.FULL):
        change.revise(
            desk.contract,
            done.code,
            members=[*desk.members(done.code), Member(None, "card_pickup", person(9))],
            starts_at=at(10),
            by=Actor("citizen", "web"),  # type: ignore[arg-type]
            now=desk.now,
        )
    assert desk.snapshot() == before


def test_removing_one_gives_one_place_back_and_the_others_stay(desk: Desk, citizen: Actor) -> None:
    done = desk.reserve(at(10), ["card_pickup", "pin_reset", "cert_renewal"])
    members = desk.members(done.code)
    booking = change.revise(
        desk.contract, done.code, members=[members[0], members[2]], starts_at=at(10), by=citizen, now=desk.now
    )
    assert booking.people == 2
    assert [(a.position, a.procedure.code) for a in desk.attendees(done.code)] == [
        (1, "card_pickup"),
        (2, "cert_renewal"),
    ]
    assert desk.taken(at(10)) == 2
    event = desk.events(done.code)[-1]
    assert event.kind == EventKind.REMOVED
    assert event.change["procedures"] == [["card_pickup", "pin_reset", "cert_renewal"], ["card_pickup", "cert_renewal"]]
    assert keyring(desk.contract).unseal_json(EVENT, event.sealed) == {"removed2": [person(2).as_dict(), None]}
    assert desk.faults() == []


def test_changing_a_procedure_may_change_the_pool(desk: Desk, citizen: Actor) -> None:
    done = desk.reserve(at(10), 1)
    row = desk.attendees(done.code)[0]
    change.revise(
        desk.contract,
        done.code,
        members=[Member(row.pk, "card_application")],
        starts_at=at(10),
        by=citizen,
        now=desk.now,
    )
    assert (desk.taken(at(10)), desk.taken(at(10), "application")) == (0, 1)
    after = desk.attendees(done.code)[0]
    assert (after.pk, after.procedure.code, bytes(after.person)) == (row.pk, "card_application", bytes(row.person))
    assert desk.events(done.code)[-1].kind == EventKind.CHANGED


def test_correcting_a_name_claims_nothing_even_in_a_full_and_cut_slot(desk: Desk, citizen: Actor) -> None:
    done = desk.reserve(at(10), 2)
    rows = desk.attendees(done.code)
    corrected = Person({**person(1).as_dict(), "name": "山田 一朗"})
    taken = [desk.taken(at(10)), desk.claims(done.code)]
    change.revise(
        desk.contract,
        done.code,
        members=[Member(rows[0].pk, "card_pickup", corrected), Member(rows[1].pk, "card_pickup")],
        starts_at=at(10),
        by=citizen,
        now=desk.now,
    )
    assert [desk.taken(at(10)), desk.claims(done.code)] == taken
    event = desk.events(done.code)[-1]
    assert event.change == {"personal": [None, ["person1"]]}
    assert "山田" not in str(event.change)
    assert keyring(desk.contract).unseal_json(EVENT, event.sealed) == {
        "person1": [person(1).as_dict(), corrected.as_dict()]
    }


def test_a_change_seen_too_late_is_refused(desk: Desk) -> None:
    done = desk.reserve(at(10), 1)
    desk.move(done.code, at(11), version=1)
    with refused(Refusal.STALE):
        desk.move(done.code, at(12), version=1)
    assert desk.booking(done.code).starts_at == at(11)
    with refused(Refusal.STALE):
        change.revise(
            desk.contract,
            done.code,
            members=[Member(1 << 40, "card_pickup")],
            starts_at=at(11),
            by=Actor("citizen", "web"),  # type: ignore[arg-type]
            now=desk.now,
        )


def test_a_party_keeps_at_least_one_person(desk: Desk, citizen: Actor) -> None:
    done = desk.reserve(at(10), 1)
    with refused(Refusal.NO_PEOPLE):
        change.revise(desk.contract, done.code, members=[], starts_at=at(10), by=citizen, now=desk.now)
    with refused(Refusal.TOO_MANY_PEOPLE):
        change.revise(
            desk.contract,
            done.code,
            members=[Member(None, "card_pickup", person())] * 6,
            starts_at=at(10),
            by=citizen,
            now=desk.now,
        )


@pytest.mark.parametrize(
    ("when", "staff", "allowed"),
    [
        (at(17, day=dt.date(2026, 11, 3)), False, True),
        (at(17, 1, dt.date(2026, 11, 3)), False, False),
        (at(17, 1, dt.date(2026, 11, 3)), True, True),
        (at(10, 30), True, True),
        (at(10, 31), True, False),
    ],
)
def test_the_cut_off_of_changes(
    desk: Desk, operator: Actor, citizen: Actor, when: dt.datetime, staff: bool, allowed: bool
) -> None:
    done = desk.reserve(at(10), 1)
    by = operator if staff else citizen
    if allowed:
        assert desk.move(done.code, at(15, day=THURSDAY), by=by, now=when).starts_at == at(15, day=THURSDAY)
    else:
        with refused(Refusal.TOO_LATE):
            desk.move(done.code, at(15, day=THURSDAY), by=by, now=when)


def test_a_resident_cannot_move_into_a_time_that_is_no_longer_open(desk: Desk) -> None:
    done = desk.reserve(at(10, day=THURSDAY), 1)
    with refused(Refusal.TOO_LATE):
        desk.move(done.code, at(16), now=at(9))


@pytest.mark.req("BOOK-09")
def test_cancelling_gives_everything_back_and_twice_is_once(desk: Desk, citizen: Actor) -> None:
    done = desk.reserve(at(10), 3)
    booking = desk.cancel(done.code)
    assert (booking.state, booking.version) == (State.CANCELLED, 2)
    assert (desk.taken(at(10)), desk.claims(done.code)) == (0, [])
    assert desk.events(done.code)[-1].change == {"state": ["booked", "cancelled"]}
    before = desk.snapshot()
    assert desk.cancel(done.code).state == State.CANCELLED
    assert desk.snapshot() == before
    assert [m[0] for m in desk.mails()] == ["created", "cancelled"]
    with refused(Refusal.NOT_LIVE):
        desk.move(done.code, at(11))
    assert desk.faults() == []


def test_a_resident_cancels_until_the_visit_begins_and_staff_until_it_is_over(
    desk: Desk, citizen: Actor, operator: Actor
) -> None:
    done = desk.reserve(at(10), 1)
    with refused(Refusal.TOO_LATE):
        desk.cancel(done.code, by=citizen, now=at(10, 1))
    assert desk.cancel(done.code, by=operator, now=at(10, 30)).state == State.CANCELLED
    other = desk.reserve(at(11), 1)
    assert desk.cancel(other.code, by=citizen, now=at(11)).state == State.CANCELLED


def test_a_hold_may_be_given_up(desk: Desk) -> None:
    held = desk.reserve(at(10), 2, hold=True)
    assert desk.cancel(held.code).state == State.CANCELLED
    assert (desk.taken(at(10)), desk.mails(), desk.facts()) == (0, [], [])


def test_a_hold_may_be_moved_and_keeps_its_time(desk: Desk) -> None:
    held = desk.reserve(at(10), 2, hold=True)
    moved = desk.move(held.code, at(11))
    assert (moved.state, moved.hold_expires_at) == (State.HELD, held.hold_expires_at)
    assert (desk.taken(at(10)), desk.taken(at(11))) == (0, 2)
    assert desk.mails() == []


@pytest.mark.req("BOOK-09", "SEC-03")
def test_a_changed_contact_is_sealed_and_its_history_too(desk: Desk, operator: Actor) -> None:
    done = desk.reserve(at(10), 1)
    new = Contact({"phone": "+81312345678", "needs": "車いす"})
    booking = change.edit_contact(desk.contract, done.code, contact=new, by=operator, now=desk.now)
    ring = keyring(desk.contract)
    assert ring.unseal_json(CONTACT, desk.booking(done.code).contact) == new.as_dict()
    assert (booking.has_mail, booking.mail_index, booking.version) == (False, None, 2)
    event = desk.events(done.code)[-1]
    assert event.change == {"personal": [None, ["email", "needs", "phone"]]}
    assert ring.unseal_json(EVENT, event.sealed) == {
        "email": ["taro1@example.jp", None],
        "needs": [None, "車いす"],
        "phone": ["+819000000001", "+81312345678"],
    }
    before = desk.snapshot()
    assert change.edit_contact(desk.contract, done.code, contact=new, by=operator, now=desk.now).version == 2
    assert desk.snapshot() == before


def test_arrival_and_no_show(desk: Desk, official: Actor) -> None:
    done = desk.reserve(at(10), 2)
    assert marks.mark_arrived(desk.contract, done.code, by=official, now=at(9, 55)).arrived_at == at(9, 55)
    again = marks.mark_arrived(desk.contract, done.code, by=official, now=at(9, 58))
    assert (again.arrived_at, again.version) == (at(9, 55), 2)
    gone = marks.mark_no_show(desk.contract, done.code, by=official, now=at(11))
    assert (gone.arrived_at, gone.no_show) == (None, True)
    assert [e.kind for e in desk.events(done.code)] == [EventKind.CREATED, EventKind.ATTENDED, EventKind.NO_SHOW]
    assert [(k, n) for k, _, n, _ in desk.facts()] == [
        ("booking.created", 2),
        ("booking.attended", 2),
        ("booking.no_show", 2),
    ]
    held = desk.reserve(at(15), 1, hold=True)
    with refused(Refusal.NOT_LIVE):
        marks.mark_arrived(desk.contract, held.code, by=official, now=at(15))


def test_a_no_show_cannot_be_marked_before_the_visit(desk: Desk, official: Actor) -> None:
    done = desk.reserve(at(10), 1)
    with pytest.raises(Refused):
        marks.mark_no_show(desk.contract, done.code, by=official, now=at(9, 59))
    assert desk.booking(done.code).no_show is False


def test_an_unknown_code_is_not_found(desk: Desk, citizen: Actor) -> None:
    with pytest.raises(Booking.DoesNotExist):
        desk.cancel("ZZZZZZZZ")


def test_over_booking_a_change_leaves_a_mark(desk: Desk, official: Actor) -> None:
    done = desk.reserve(at(10), 1)
    for moment in (at(14), at(14, 30), at(15)):
        desk.reserve(moment, 5)
        desk.reserve(moment, 1)
    availability.forget()
    with refused(Refusal.FULL):
        desk.move(done.code, at(14), by=official)
    moved = desk.move(done.code, at(14), by=official, over=True)
    assert (moved.overbooked, desk.slot(at(14)).taken, desk.slot(at(14)).capacity) == (True, 7, 7)
    assert Attendee.objects.filter(booking=moved).count() == 1
    assert desk.faults() == []
