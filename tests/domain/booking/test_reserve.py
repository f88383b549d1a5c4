"""New reservations: all or nothing, once per key, with everything that belongs to the deed; holds and their end."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.availability import Unknown
from madoguchi.domain.booking.enums import EventKind, State
from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.models import Attendee, Booking
from madoguchi.domain.booking.party import CONTACT, PERSON
from madoguchi.domain.booking.rules import Refusal
from madoguchi.domain.booking.services import reserve
from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.audit.queries import verify as verify_audit
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.privacy.sealing import keyring

from .desk import THURSDAY, Desk, at, person


def refused(reason: Refusal) -> pytest.RaisesContext[Refused]:
    return pytest.raises(Refused, match=f"^{reason}$")


@pytest.mark.req("BOOK-05", "BOOK-09")
def test_a_party_is_written_whole_with_claims_history_audit_facts_and_mail(desk: Desk, operator: Actor) -> None:
    done = desk.reserve(at(10), ["card_pickup", "pin_reset", "card_pickup"], by=operator)
    booking = desk.booking(done.code)
    assert (booking.state, booking.people, booking.starts_at, booking.ends_at) == (State.BOOKED, 3, at(10), at(10, 30))
    assert (booking.channel, booking.actor_kind, booking.version, booking.overbooked) == (
        "phone",
        "call_centre",
        1,
        False,
    )
    assert [(a.position, a.procedure.code) for a in desk.attendees(done.code)] == [
        (1, "card_pickup"),
        (2, "pin_reset"),
        (3, "card_pickup"),
    ]
    assert desk.claims(done.code) == [desk.slot(at(10)).pk] * 3
    assert desk.taken(at(10)) == 3
    event = desk.events(done.code)[0]
    assert (event.kind, event.actor_kind, event.channel, event.actor, event.actor_label) == (
        EventKind.CREATED,
        "call_centre",
        "phone",
        "user:1",
        "電話 花子",
    )
    assert event.change == {
        "starts_at": [None, "2026-11-04T10:00:00+09:00"],
        "procedures": [None, ["card_pickup", "pin_reset", "card_pickup"]],
    }
    ref = f"booking:{done.id}"
    assert sorted(desk.facts()) == [
        ("booking.created", "card_pickup", 2, ref),
        ("booking.created", "pin_reset", 1, ref),
    ]
    assert desk.mails() == [("created", ref, "queued")]
    assert desk.audit() == [("booking.created", ref)]
    assert verify_audit(desk.contract) == []
    assert desk.faults() == []


@pytest.mark.req("SEC-03")
def test_personal_data_is_sealed_and_opens_again(desk: Desk) -> None:
    done = desk.reserve(at(10))
    row = desk.attendees(done.code)[0]
    booking = desk.booking(done.code)
    ring = keyring(desk.contract)
    assert ring.unseal_json(PERSON, row.person) == person(1).as_dict()
    assert ring.unseal_json(CONTACT, booking.contact) == {"phone": "+819000000001", "email": "taro1@example.jp"}
    stored = repr(desk.snapshot())
    for told in ("山田", "ヤマダ", "1980-01", "9000000001", "taro1"):
        assert told not in stored
    assert bytes(row.person_index) == person(1).index(ring)


@pytest.mark.req("BOOK-05")
def test_a_party_that_does_not_fit_leaves_nothing(desk: Desk) -> None:
    for hour in (10, 11):
        desk.reserve(at(hour), 5)
    desk.reserve(at(10, 30), 5)
    before = desk.snapshot()
    with refused(Refusal.FULL):
        desk.reserve(at(10), 4)
    assert desk.snapshot() == before
    spread = desk.reserve(at(10), 3)
    assert [a.starts_at for a in desk.attendees(spread.code)] == [at(10), at(10, 30), at(11)]
    booking = desk.booking(spread.code)
    assert (booking.starts_at, booking.ends_at) == (at(10), at(11, 30))


def test_all_or_nothing_across_pools(desk: Desk) -> None:
    desk.reserve(at(10), ["other", "other"])
    desk.reserve(at(10, 30), ["other", "other"])
    desk.reserve(at(11), ["other", "other"])
    with refused(Refusal.FULL):
        desk.reserve(at(10), ["card_pickup", "card_application"])
    assert desk.taken(at(10), "card") == 0
    assert desk.taken(at(10), "application") == 2


def test_a_procedure_longer_than_a_band_takes_the_next_band_too(desk: Desk) -> None:
    Procedure.objects.filter(code="pin_reset").update(minutes=45)
    availability.forget()
    done = desk.reserve(at(10), ["pin_reset", "card_pickup"])
    assert (desk.taken(at(10)), desk.taken(at(10, 30)), desk.taken(at(11))) == (2, 1, 0)
    assert [(a.starts_at, a.ends_at) for a in desk.attendees(done.code)] == [(at(10), at(11)), (at(10), at(10, 30))]
    with refused(Refusal.FULL):
        desk.reserve(at(16, 30), ["pin_reset"])


@pytest.mark.req("BOOK-05")
def test_the_same_key_books_once(desk: Desk) -> None:
    wanted = desk.wanted(at(10), ["card_pickup"] * 2, key="once-and-only")
    first = reserve.reserve(desk.contract, wanted, by=Actor("citizen", "web"), now=desk.now)  # type: ignore[arg-type]
    again = reserve.reserve(
        desk.contract,
        wanted,
        by=Actor("citizen", "web"),  # type: ignore[arg-type]
        now=desk.now + dt.timedelta(minutes=3),
    )
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.code, again.id) == (first.code, first.id)
    assert Booking.objects.count() == 1
    assert desk.taken(at(10)) == 2
    assert len(desk.mails()) == len(desk.audit()) == 1
    with refused(Refusal.KEY_REUSED):
        desk.reserve(at(10), 1, key="once-and-only")
    with refused(Refusal.KEY_REUSED):
        desk.reserve(at(11), 2, key="once-and-only")
    assert Booking.objects.count() == 1


@pytest.mark.req("BOOK-05")
def test_the_same_key_answers_even_when_its_own_booking_filled_the_slot(desk: Desk) -> None:
    for hour in (10, 11):
        desk.reserve(at(hour), 5)
    desk.reserve(at(10, 30), 5)
    desk.reserve(at(10, 30), 1)
    desk.reserve(at(11), 1)
    first = desk.reserve(at(10), 1, key="the-last-place")
    availability.forget()
    again = desk.reserve(at(10), 1, key="the-last-place")
    assert (again.code, again.replayed) == (first.code, True)


@pytest.mark.req("BOOK-05")
def test_the_same_key_answers_after_the_day_closed_or_the_window_passed(desk: Desk, official: Actor) -> None:
    from madoguchi.domain.booking.services import slots

    first = desk.reserve(at(10, day=THURSDAY), 2, key="sent-again-later")
    slots.set_day(desk.contract, desk.pool(), THURSDAY, [], reason="台風", by=official, now=desk.now)
    availability.forget()
    again = desk.reserve(at(10, day=THURSDAY), 2, key="sent-again-later")
    late = desk.reserve(at(10, day=THURSDAY), 2, key="sent-again-later", now=at(18))
    assert (again.code, again.replayed, again.starts_at) == (first.code, True, first.starts_at)
    assert (late.code, late.replayed) == (first.code, True)
    with refused(Refusal.KEY_REUSED):
        desk.reserve(at(10, day=THURSDAY), 1, key="sent-again-later", now=at(18))


@pytest.mark.parametrize(
    ("moment", "when", "reason"),
    [
        (at(10), at(17, 1, day=dt.date(2026, 11, 3)), Refusal.TOO_LATE),
        (at(10), at(10), Refusal.PAST),
        (dt.datetime.fromisoformat("2027-01-02T10:00+09:00"), None, Refusal.NOT_OPEN_YET),
        (at(10, 15), None, Refusal.FULL),
        (at(10, day=dt.date(2026, 11, 3)), None, Refusal.FULL),
        (at(10, day=dt.date(2026, 11, 7)), None, Refusal.FULL),
    ],
)
def test_outside_window_or_grid(desk: Desk, moment: dt.datetime, when: dt.datetime | None, reason: Refusal) -> None:
    before = desk.snapshot()
    with refused(reason):
        desk.reserve(moment, now=when)
    assert desk.snapshot() == before


@pytest.mark.req("BOOK-11")
def test_staff_book_until_the_visit_begins(desk: Desk, operator: Actor, citizen: Actor) -> None:
    late = at(9, 59)
    with refused(Refusal.TOO_LATE):
        desk.reserve(at(10), now=late, by=citizen)
    desk.reserve(at(10), now=late, by=operator)
    with refused(Refusal.PAST):
        desk.reserve(at(10), now=at(10), by=operator)


def test_size_of_a_party(desk: Desk, operator: Actor) -> None:
    with refused(Refusal.NO_PEOPLE):
        desk.reserve(at(10), 0)
    with refused(Refusal.TOO_MANY_PEOPLE):
        desk.reserve(at(10), 6)
    assert desk.booking(desk.reserve(at(10), 6, by=operator).code).people == 6


def test_unknown_site_or_procedure(desk: Desk) -> None:
    with pytest.raises(Unknown, match="受け付けていません"):
        desk.reserve(at(10), ["express_issuance"])
    wanted = desk.wanted(at(10), ["card_pickup"])
    with pytest.raises(Unknown, match="「annex」は廿日市市にありません"):
        reserve.reserve(
            desk.contract,
            reserve.Reservation("annex", wanted.starts_at, wanted.people, wanted.contact, "ja", "key-of-annex"),
            by=Actor("citizen", "web"),  # type: ignore[arg-type]
            now=desk.now,
        )


@pytest.mark.req("BOOK-02")
def test_over_booking_is_a_right_that_leaves_a_mark(desk: Desk, official: Actor) -> None:
    desk.reserve(at(10), 5)
    desk.reserve(at(10), 1)
    desk.reserve(at(10, 30), 5)
    desk.reserve(at(10, 30), 1)
    desk.reserve(at(11), 5)
    desk.reserve(at(11), 1)
    availability.forget()
    with refused(Refusal.FULL):
        desk.reserve(at(10), 2, by=official)
    done = desk.reserve(at(10), 2, by=official, over=True)
    slot = desk.slot(at(10))
    assert (slot.planned, slot.capacity, slot.taken) == (6, 8, 8)
    assert desk.booking(done.code).overbooked is True
    desk.cancel(done.code, by=official)
    slot = desk.slot(at(10))
    assert (slot.planned, slot.capacity, slot.taken) == (6, 6, 6)
    assert desk.faults() == []


def test_over_booking_never_opens_a_closed_slot(desk: Desk, official: Actor) -> None:
    from madoguchi.domain.booking.services import slots

    slots.set_day(desk.contract, desk.pool(), THURSDAY, [], reason="研修", by=official, now=desk.now)
    with refused(Refusal.FULL):
        desk.reserve(at(10, day=THURSDAY), by=official, over=True)
    availability.forget()
    with refused(Refusal.FULL):
        desk.reserve(at(10, day=THURSDAY), by=official, over=True)
    assert desk.taken(at(10, day=THURSDAY)) == 0


def test_a_hold_claims_expires_and_gives_back(desk: Desk) -> None:
    held = desk.reserve(at(10), 3, hold=True)
    assert held.hold_expires_at == desk.now + dt.timedelta(minutes=10)
    assert desk.booking(held.code).state == State.HELD
    assert desk.taken(at(10)) == 3
    assert desk.mails() == desk.facts() == []
    assert desk.audit() == [("booking.held", f"booking:{held.id}")]
    almost = desk.now + dt.timedelta(minutes=9, seconds=59)
    assert reserve.release_expired(desk.contract, now=almost) == 0
    assert reserve.release_expired(desk.contract, now=desk.now + dt.timedelta(minutes=10)) == 1
    assert desk.booking(held.code).state == State.EXPIRED
    assert [e.kind for e in desk.events(held.code)] == [EventKind.HELD, EventKind.EXPIRED]
    assert (desk.taken(at(10)), desk.claims(held.code)) == (0, [])
    assert reserve.release_expired(desk.contract, now=desk.now + dt.timedelta(hours=1)) == 0
    with refused(Refusal.HOLD_EXPIRED):
        desk.confirm(held.code, 3)
    assert desk.faults() == []


def test_whoever_finds_a_slot_full_of_expired_holds_gets_it(desk: Desk) -> None:
    for minute in (0, 30):
        desk.reserve(at(10, minute), 5, hold=True)
        desk.reserve(at(10, minute), 1, hold=True)
    desk.reserve(at(11), 5, hold=True)
    desk.reserve(at(11), 1, hold=True)
    availability.forget()
    with refused(Refusal.FULL):
        desk.reserve(at(10), 4)
    availability.forget()
    done = desk.reserve(at(10), 4, now=desk.now + dt.timedelta(minutes=11))
    assert desk.booking(done.code).people == 4
    assert desk.faults() == []


@pytest.mark.req("BOOK-09")
def test_confirming_a_hold(desk: Desk) -> None:
    held = desk.reserve(at(10), ["card_pickup", "pin_reset"], hold=True)
    with refused(Refusal.STALE):
        desk.confirm(held.code, 3)
    later = desk.now + dt.timedelta(minutes=4)
    booking = desk.confirm(held.code, 2, now=later)
    assert (booking.state, booking.hold_expires_at, booking.version) == (State.BOOKED, None, 2)
    ref = f"booking:{held.id}"
    assert sorted(desk.facts()) == [
        ("booking.created", "card_pickup", 1, ref),
        ("booking.created", "pin_reset", 1, ref),
    ]
    assert desk.mails() == [("created", ref, "queued")]
    assert desk.audit() == [("booking.held", ref), ("booking.created", ref)]
    again = desk.confirm(held.code, 2, now=later)
    assert (again.pk, again.version) == (booking.pk, 2)
    assert len(desk.mails()) == 1
    assert reserve.release_expired(desk.contract, now=desk.now + dt.timedelta(days=1)) == 0
    assert desk.taken(at(10)) == 2


def test_a_hold_past_its_time_is_confirmed_while_nobody_took_the_places(desk: Desk) -> None:
    held = desk.reserve(at(10), 2, hold=True)
    assert desk.confirm(held.code, 2, now=desk.now + dt.timedelta(hours=2)).state == State.BOOKED
    assert desk.taken(at(10)) == 2


def test_without_an_address_no_mail_is_queued(desk: Desk) -> None:
    done = desk.reserve(at(10), 1, email=False)
    assert desk.mails() == []
    assert desk.booking(done.code).has_mail is False


def test_a_waiting_group_is_written_in_order_and_each_all_or_nothing(desk: Desk, citizen: Actor) -> None:
    docs = [
        reserve.prepare(
            desk.contract, desk.wanted(at(10), ["card_pickup"] * n), by=citizen, now=desk.now, hold=False, fresh=False
        ).doc
        for n in (4, 3, 2, 1)
    ]
    from madoguchi.domain.booking.batch import write

    outcomes = write(desk.contract.pk, desk.now, docs, lane=1)
    assert [o.outcome for o in outcomes] == ["created", "full", "created", "full"]
    assert desk.taken(at(10)) == 6
    assert Attendee.objects.count() == 6
    assert desk.faults() == []
    assert verify_audit(desk.contract) == []
    again = write(desk.contract.pk, desk.now, docs, lane=1)
    assert [o.outcome for o in again] == ["replayed", "full", "replayed", "full"]
    assert [o.code for o in again][::2] == [o.code for o in outcomes][::2]
