"""The proof names the first wrong row of every kind, is kept, and the database refuses what must never be."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from madoguchi.domain.booking import capacity, tasks
from madoguchi.domain.booking.models import Claim, Proof
from madoguchi.ground.contracts.tenancy import contract_scope

from .desk import Desk, at

pytestmark = pytest.mark.req("BOOK-02")


def run(statement: str, *params: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def test_a_clean_desk_is_proved_and_the_proof_is_kept(desk: Desk) -> None:
    desk.reserve(at(10), 3)
    desk.cancel(desk.reserve(at(11), 2).code)
    desk.reserve(at(12), 1, hold=True)
    proof = capacity.prove(desk.contract, now=desk.now)
    assert (proof.claims, proof.faults, proof.at) == (4, [], desk.now)
    assert proof.slots > 100
    assert Proof.objects.count() == 1
    assert desk.audit()[-1] == ("capacity.proved", f"proof:{proof.pk}")


def test_every_kind_of_wrong_row_is_named_first_one_first(desk: Desk) -> None:
    one, two = desk.reserve(at(10), 1), desk.reserve(at(11), 2)
    first, second = desk.slot(at(10)), desk.slot(at(11))
    run("update booking_slot set taken = taken + 1 where id in (%s, %s)", first.pk, second.pk)
    assert desk.faults()[0].startswith(f"slot {first.pk}: taken 2, claims and rests 1, at ")
    assert [f.row for f in capacity.verify(desk.contract)] == [first.pk, second.pk]
    run("update booking_slot set taken = taken - 1 where id in (%s, %s)", first.pk, second.pk)
    assert desk.faults() == []

    run("update booking_booking set state = 'cancelled' where id = %s", one.id)
    claim = Claim.objects.get(attendee__booking=one.id)
    assert desk.faults() == [f"claim {claim.pk}: belongs to booking {one.code} which is cancelled"]
    run("update booking_booking set state = 'booked', people = 3 where id = %s", one.id)
    assert desk.faults() == [f"booking {one.id}: says 3 people, has 1"]
    run("update booking_booking set people = 1 where id = %s", one.id)

    attendee = desk.attendees(two.code)[0]
    run("delete from booking_claim where attendee_id = %s", attendee.pk)
    assert [f.kind for f in capacity.verify(desk.contract)] == ["slot", "attendee"]
    assert desk.faults()[1] == f"attendee {attendee.pk}: of live booking {two.code} claims no slot"


def test_the_nightly_task_counts_and_keeps_faults(desk: Desk) -> None:
    desk.reserve(at(10), 1)
    run("update booking_slot set taken = 2 where id = %s", desk.slot(at(10)).pk)
    assert tasks.prove_capacity(desk.now) == 1
    with contract_scope(desk.contract):
        assert [len(p.faults) for p in Proof.objects.all()] == [1]


@pytest.mark.parametrize(
    "statement",
    [
        "update booking_slot set taken = capacity + 1",
        "update booking_slot set taken = -1",
        "update booking_slot set capacity = planned - 1 where planned > 0",
        "update booking_slot set ends_at = starts_at",
        "update booking_booking set state = 'held'",
        "update booking_booking set people = -1",
        "insert into booking_claim (contract_id, slot_id, attendee_id) select contract_id, slot_id, attendee_id from booking_claim",
        "insert into booking_slot (contract_id, pool_id, starts_at, ends_at, planned, capacity, taken, closed)"
        " select contract_id, pool_id, starts_at, ends_at, 1, 1, 0, false from booking_slot limit 1",
    ],
)
def test_the_database_refuses_nonsense(desk: Desk, statement: str) -> None:
    desk.reserve(at(10), 2)
    with pytest.raises(IntegrityError), transaction.atomic():
        run(statement)
    assert desk.faults() == []
