"""The limit of bookings per telephone while all confirm at the same moment."""

from __future__ import annotations

import pytest

from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.party import Contact, Person
from madoguchi.domain.booking.services.reserve import Reservation, confirm_hold, reserve
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import CITIZEN_WEB

from ..domain.booking.desk import THURSDAY, Desk, at
from .crowd import run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]


@pytest.mark.req("BOOK-16")
def test_three_of_twelve_are_let_through(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    booking = desk.contract.profile.booking.model_copy(update={"max_active_per_phone": 3})
    monkeypatch.setattr(Contract, "profile", desk.contract.profile.model_copy(update={"booking": booking}))
    codes = []
    for number in range(12):
        wanted = Reservation("main", at(9 + number // 6, day=THURSDAY), [("card_pickup", None)], None, "ja", f"limit-{number:04}")
        codes.append(reserve(desk.contract, wanted, by=CITIZEN_WEB, now=desk.now, hold=True).code)
    results: list[str] = []

    def confirm(number: int) -> None:
        reading = "ヤマダ " + "アイウエオカキクケコサシ"[number]
        person = Person({"name": reading, "kana": reading, "birth_date": "1980-01-02"})
        try:
            confirm_hold(
                desk.contract, codes[number], people=[person], contact=Contact({"phone": "09012345678"}), language="ja",
                by=CITIZEN_WEB, now=desk.now,
            )  # fmt: skip
            results.append("booked")
        except Refused as refused:
            results.append(str(refused.reason))

    outcome = run([lambda _outcome, number=number: confirm(number) for number in range(12)])  # type: ignore[misc]
    assert outcome.failures == []
    assert sorted(results) == ["booked"] * 3 + ["too_many_bookings"] * 9
    with contract_scope(desk.contract):
        assert Booking.objects.filter(state="booked").count() == 3
