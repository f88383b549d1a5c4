"""What happens on time: holds end, reminders go once, the sweep lists what a closing raced with, data is erased."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection

from madoguchi.domain.booking import erasers, tasks
from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Affected, Attendee, Booking, Event, Slot
from madoguchi.domain.booking.party import CONTACT, EVENT, PERSON, Contact
from madoguchi.domain.booking.services import change
from madoguchi.domain.notices.models import Message
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.privacy import retention
from madoguchi.ground.privacy.sealing import keyring
from tests.fields import ask

from .desk import THURSDAY, Desk, at, contact


def reminders(desk: Desk) -> list[tuple[str, str]]:
    return [(ref, state) for kind, ref, state in desk.mails() if kind == "reminder"]


@pytest.mark.req("BOOK-08")
def test_a_reminder_goes_once_on_the_day_before(desk: Desk) -> None:
    done = desk.reserve(at(10, day=THURSDAY), 2)
    desk.reserve(at(11, day=THURSDAY), 1, email=False)
    desk.reserve(at(14, day=THURSDAY), 1, hold=True)
    gone = desk.reserve(at(15, day=THURSDAY), 1)
    desk.cancel(gone.code)
    other_day = desk.reserve(at(10, day=dt.date(2026, 11, 6)), 1)
    assert tasks.make_reminders(at(16, 59)) == 0
    assert tasks.make_reminders(at(17)) == 1
    assert reminders(desk) == [(f"booking:{done.id}", "queued")]
    assert [tasks.make_reminders(later) for later in (at(17, 5), at(20), at(23, 59))] == [0, 0, 0]
    assert reminders(desk) == [(f"booking:{done.id}", "queued")]
    tasks.make_reminders(at(17, day=THURSDAY))
    assert reminders(desk) == [(f"booking:{done.id}", "queued"), (f"booking:{other_day.id}", "queued")]


@pytest.mark.req("BOOK-08")
def test_a_reminder_that_is_tried_again_later_is_still_the_only_one(desk: Desk) -> None:
    done = desk.reserve(at(10, day=THURSDAY), 1)
    assert tasks.make_reminders(at(17)) == 1
    with contract_scope(desk.contract):  # what a mail server that is away does
        Message.objects.filter(kind="reminder").update(due_at=at(17, 20), attempts=1)
    assert tasks.make_reminders(at(17, 5)) == 0
    assert reminders(desk) == [(f"booking:{done.id}", "queued")]


@pytest.mark.req("BOOK-08")
def test_a_clock_that_travels_back_does_not_remind_twice(desk: Desk) -> None:
    done = desk.reserve(at(10, day=THURSDAY), 1)
    assert tasks.make_reminders(at(18)) == 1
    assert tasks.make_reminders(at(9, day=dt.date(2026, 11, 2))) == 0
    tasks.make_reminders(at(18))
    assert reminders(desk) == [(f"booking:{done.id}", "queued")]


@pytest.mark.req("BOOK-08")
def test_whoever_books_after_the_hour_of_reminders_is_not_reminded_of_what_was_just_done(
    desk: Desk, operator: Actor
) -> None:
    desk.reserve(at(10, day=THURSDAY), 1, by=operator, now=at(17, 30))
    assert tasks.make_reminders(at(18)) == 0


@pytest.mark.req("BOOK-08")
def test_a_moved_visit_is_reminded_of_its_new_day_only(desk: Desk) -> None:
    done = desk.reserve(at(10, day=THURSDAY), 1)
    tasks.make_reminders(at(17))
    desk.move(done.code, at(10, day=dt.date(2026, 11, 6)), by=Actor("call_centre", "phone"), now=at(17, 30))  # type: ignore[arg-type]
    assert reminders(desk) == [(f"booking:{done.id}", "dropped")]
    tasks.make_reminders(at(17, day=THURSDAY))
    assert reminders(desk) == [(f"booking:{done.id}", "dropped"), (f"booking:{done.id}", "queued")]


@pytest.mark.req("BOOK-08")
def test_a_visit_moved_away_and_back_is_reminded_once(desk: Desk, operator: Actor) -> None:
    done = desk.reserve(at(10, day=THURSDAY), 1)
    tasks.make_reminders(at(17))
    desk.move(done.code, at(10, day=dt.date(2026, 11, 6)), by=operator, now=at(17, 10))
    desk.move(done.code, at(10, day=THURSDAY), by=operator, now=at(17, 20))
    assert tasks.make_reminders(at(17, 25)) == 1
    assert tasks.make_reminders(at(17, 30)) == 0
    assert reminders(desk) == [(f"booking:{done.id}", "queued")]


@pytest.mark.req("BOOK-08")
def test_a_change_without_another_time_does_not_lose_the_reminder(desk: Desk, operator: Actor) -> None:
    done = desk.reserve(at(10, day=THURSDAY), 2)
    tasks.make_reminders(at(17))
    rows = desk.members(done.code)
    change.revise(
        desk.contract, done.code, members=rows[:1], starts_at=at(10, day=THURSDAY), by=operator, now=at(17, 30)
    )
    tasks.make_reminders(at(17, 35))
    assert [state for _, state in reminders(desk)].count("queued") == 1


def test_expired_holds_of_every_contract_end(desk: Desk) -> None:
    held = [desk.reserve(at(10), 1, hold=True) for _ in range(3)]
    assert tasks.expire_holds(desk.now) == 0
    assert tasks.expire_holds(desk.now + dt.timedelta(minutes=10)) == 3
    assert {desk.booking(h.code).state for h in held} == {State.EXPIRED}
    assert desk.taken(at(10)) == 0


@pytest.mark.req("CAL-05")
def test_a_hold_confirmed_on_a_closed_slot_is_listed_by_the_sweep(desk: Desk, official: Actor) -> None:
    from madoguchi.domain.booking.services import slots

    held = desk.reserve(at(10, day=THURSDAY), 1, hold=True)
    slots.set_day(desk.contract, desk.pool(), THURSDAY, [], reason="台風", by=official, now=desk.now)
    desk.confirm(held.code, 1)
    assert Affected.objects.count() == 0
    tasks.expire_holds(desk.now)
    tasks.expire_holds(desk.now)
    assert [(a.booking_id, a.reason) for a in Affected.objects.all()] == [(held.id, "台風")]
    assert [k for k, _, _ in desk.mails()] == ["created", "affected"]


@pytest.mark.req("CAL-05")
def test_who_is_listed_late_reads_the_reason_of_the_change_that_closed_the_slot(desk: Desk, official: Actor) -> None:
    from madoguchi.domain.booking.services import slots

    def change_day(kind: str, begin: int, end: int, reason: str) -> None:
        hours = ((dt.time(begin), dt.time(end)),)
        made = slots.CalendarChange(THURSDAY, kind, "", "", hours, None, reason)
        slots.change_calendar(desk.contract, made, by=official, now=desk.now)

    held = {hour: desk.reserve(at(hour, day=THURSDAY), 1, hold=True) for hour in (10, 14, 16)}
    change_day("closed", 9, 12, "停電")
    change_day("closed", 13, 15, "避難訓練")
    change_day("open", 17, 18, "夜間")
    desk.confirm(held[10].code)
    desk.confirm(held[14].code)
    tasks.expire_holds(desk.now)
    change_day("hours", 9, 15, "時短")
    desk.confirm(held[16].code)
    tasks.expire_holds(desk.now)
    assert {a.booking_id: a.reason for a in Affected.objects.all()} == {
        held[10].id: "停電", held[14].id: "避難訓練", held[16].id: "時短"
    }  # fmt: skip


def test_the_horizon_task_goes_through_all_contracts(desk: Desk) -> None:
    assert tasks.extend_horizon(desk.now) > 0
    assert tasks.extend_horizon(desk.now) == 0


@pytest.mark.req("SEC-03")
def test_personal_data_goes_when_its_time_is_over_and_facts_stay(desk: Desk, operator: Actor) -> None:
    days = desk.contract.profile.retention.resident_days_after_visit
    done, later = desk.reserve(at(10), 2), desk.reserve(at(10, day=THURSDAY), 1)
    change.edit_contact(desk.contract, done.code, contact=contact(7), by=operator, now=desk.now)
    facts, audit = desk.facts(), desk.audit()
    edge = at(10, 30) + dt.timedelta(days=days)
    assert erasers.erase_people(desk.contract, edge) == 0
    ran = retention.run_retention(desk.contract, edge + dt.timedelta(seconds=1))
    assert ran["booking.people"] == 1
    booking = desk.booking(done.code)
    assert (booking.contact, booking.phone_index, booking.mail_index, booking.has_mail) == (None, None, None, False)
    assert booking.erased_at == edge + dt.timedelta(seconds=1)
    assert [(a.person, a.person_index) for a in desk.attendees(done.code)] == [(None, None)] * 2
    assert [e.sealed for e in desk.events(done.code)] == [None, None]
    assert (booking.code, booking.starts_at, booking.people) == (done.code, at(10), 2)
    assert (desk.facts(), desk.audit()) == (facts, audit)
    assert Attendee.objects.filter(booking=later.id, person=None).count() == 0
    assert erasers.erase_people(desk.contract, edge + dt.timedelta(hours=1)) == 0
    assert desk.faults() == []


@pytest.mark.req("SEC-03", "BOOK-07")
def test_a_field_with_a_time_of_its_own_goes_alone_and_the_rest_stays(
    desk: Desk, operator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(
        monkeypatch,
        desk.contract,
        {"code": "x_stay", "label": "満了日", "kind": "date", "retention_days": 7},
        {"code": "birth_date", "retention_days": 7},
        {"code": "phone", "required": True, "retention_days": 30},
    )
    told = Contact({**contact(7).values, "x_stay": "2027-03-31"})
    done, later = desk.reserve(at(10), 2), desk.reserve(at(10, day=THURSDAY), 1)
    change.edit_contact(desk.contract, done.code, contact=told, by=operator, now=desk.now)
    edge = at(10, 30) + dt.timedelta(days=7)
    assert erasers.erase_fields(desk.contract, edge) == 0
    assert retention.run_retention(desk.contract, edge + dt.timedelta(seconds=1))["booking.fields"] == 1
    assert erasers.erase_fields(desk.contract, edge + dt.timedelta(seconds=2)) == 0
    ring, booking = keyring(desk.contract), desk.booking(done.code)
    assert booking.contact is not None and booking.erased_at is None
    assert ring.unseal_json(CONTACT, booking.contact) == contact(7).values
    assert (booking.phone_index, booking.has_mail) == (told.phone_index(ring), True)
    for attendee in desk.attendees(done.code):
        assert attendee.person is not None
        assert set(ring.unseal_json(PERSON, attendee.person)) == {"name", "kana"}
        assert attendee.person_index is None
    history = [set(ring.unseal_json(EVENT, e.sealed)) for e in desk.events(done.code) if e.sealed]
    assert history == [{"phone", "email"}]
    assert erasers.erase_fields(desk.contract, at(10, 30) + dt.timedelta(days=30, seconds=1)) == 2
    booking = desk.booking(done.code)
    assert booking.contact is not None and booking.mail_index is not None
    assert (set(ring.unseal_json(CONTACT, booking.contact)), booking.phone_index) == ({"email"}, None)
    assert booking.erased_fields == ["birth_date", "phone", "x_stay"]
    assert desk.booking(later.code).erased_fields == ["birth_date", "x_stay"]
    assert erasers.erase_people(desk.contract, at(10, 30) + dt.timedelta(days=91)) == 1


@pytest.mark.req("SEC-03", "BOOK-07")
def test_a_field_told_again_after_its_erasure_is_erased_again(
    desk: Desk, operator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(monkeypatch, desk.contract, {"code": "x_stay", "label": "満了日", "kind": "date", "retention_days": 1})
    done = desk.reserve(at(10), 1)
    assert erasers.erase_fields(desk.contract, at(11) + dt.timedelta(days=1)) == 1
    told = Contact({**contact(7).values, "x_stay": "2027-03-31"})
    change.edit_contact(desk.contract, done.code, contact=told, by=operator, now=desk.now)
    assert desk.booking(done.code).erased_fields is None
    assert erasers.erase_fields(desk.contract, at(11) + dt.timedelta(days=1)) == 1


@pytest.mark.req("BOOK-09")
def test_a_booking_takes_at_most_two_kilobytes_with_history_audit_and_fact(desk: Desk, citizen: Actor) -> None:
    from madoguchi.domain.booking.batch import write
    from madoguchi.domain.booking.services import reserve

    Slot.objects.filter(pool=desk.pool(), starts_at=at(10)).update(planned=3000, capacity=3000)
    tables = [m._meta.db_table for m in (Booking, Attendee, Event, Message)] + [
        "booking_claim", "audit_entry", "worklog_fact",
    ]  # fmt: skip

    def size() -> int:
        with connection.cursor() as cursor:
            cursor.execute("select sum(pg_total_relation_size(t::regclass)) from unnest(%s::text[]) t", [tables])
            return int(cursor.fetchone()[0])

    def docs(first: int, count: int) -> list[dict[str, object]]:
        return [
            reserve.prepare(
                desk.contract,
                desk.wanted(at(10), ["card_pickup"], number=n),
                by=citizen,
                now=desk.now,
                hold=False,
                fresh=False,
            ).doc
            for n in range(first, first + count)
        ]

    write(desk.contract.pk, desk.now, docs(1, 100), lane=1)
    before = size()
    for block in range(10):
        outcomes = write(desk.contract.pk, desk.now, docs(1000 + 200 * block, 200), lane=1)
        assert {o.outcome for o in outcomes} == {"created"}
    each = (size() - before) / 2000
    assert 400 < each <= 2048
    with contract_scope(desk.contract):
        assert Event.objects.count() == 2100


@pytest.mark.req("BOOK-02")
def test_a_failing_contract_does_not_stop_the_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import DatabaseError

    held = desk.reserve(at(10), 1, hold=True)
    seen: list[str] = []

    def work(contract: object) -> int:
        seen.append(contract.code)  # type: ignore[attr-defined]
        if len(seen) == 1:
            raise DatabaseError("gone")
        return 1

    with pytest.raises(DatabaseError, match="gone"):
        tasks._each(work)
    assert len(seen) == 5
    assert desk.booking(held.code).state == State.HELD
