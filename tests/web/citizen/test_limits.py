"""One person, one booking; so many of one telephone: residents are warned or stopped, staff are not."""

from __future__ import annotations

from typing import Any

import pytest

from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.party import Contact, Person
from madoguchi.domain.booking.rules import Refusal
from madoguchi.domain.booking.services.reserve import Reservation, confirm_hold, reserve
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import CITIZEN_WEB, Actor
from tests.web.citizen.resident import TARO, TUESDAY_11, Resident, text_of
from tests.web.staff_site import TUESDAY_10

BORN = {"birth_date_era": "", "birth_date_year": "1980", "birth_date_month": "1", "birth_date_day": "2"}
PHONE = {"phone": "09012345678"}


def with_rule(monkeypatch: pytest.MonkeyPatch, contract: Contract, **rule: Any) -> None:
    """Give the contract other limits."""
    booking = contract.profile.booking.model_copy(update=rule)
    profile = contract.profile.model_copy(update={"booking": booking})
    monkeypatch.setattr(Contract, "profile", profile)


def held(contract: Contract, number: int, now: Any) -> str:
    with contract_scope(contract):
        wanted = Reservation("main", TUESDAY_10, [("card_pickup", None)], None, "ja", f"limit-key-{number}")
        return reserve(contract, wanted, by=CITIZEN_WEB, now=now, hold=True).code


def confirm(contract: Contract, code: str, now: Any, *, name: str = "ヤマダ タロウ", by: Actor = CITIZEN_WEB, **more: Any) -> Booking:
    person = Person({"name": name, "kana": name, "birth_date": "1980-01-02"})
    with contract_scope(contract):
        return confirm_hold(
            contract, code, people=[person], contact=Contact(PHONE), language="ja", by=by, now=now, **more
        )


@pytest.mark.req("BOOK-16")
def test_a_second_booking_of_the_same_person_is_warned_of_and_made_when_meant(resident: Resident) -> None:
    for starts in (None, TUESDAY_11):
        page = (resident.hold() if starts is None else resident.hold(starts=starts))["Location"]
        check = resident.details(page, {**TARO, **BORN})["Location"]
        answer = resident.post(check, {})
        if starts is None:
            assert answer.status_code == 302
    assert answer.status_code == 409
    said = text_of(answer)
    assert "同じお名前・生年月日・電話番号の予約が、すでにあります" in said
    assert "別の予約として、もう1件予約する" in said
    assert "11月10日(火) 10:00" not in said, "the other booking itself is not shown"
    assert resident.post(check, {"twin_seen": "1"}).status_code == 302
    assert len([b for b in resident.bookings() if b.state == "booked"]) == 2


@pytest.mark.req("BOOK-16")
def test_where_the_contract_says_so_there_is_no_second_one(
    site: Contract, now: Any, operator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_rule(monkeypatch, site, duplicates="block")
    confirm(site, held(site, 1, now), now)
    with pytest.raises(Refused) as refused:
        confirm(site, held(site, 2, now), now, twin_seen=True)
    assert refused.value.reason is Refusal.TWIN
    assert confirm(site, held(site, 3, now), now, name="ヤマダ ジロウ").state == "booked"
    assert confirm(site, held(site, 4, now), now, by=operator).state == "booked"


@pytest.mark.req("BOOK-16")
def test_so_many_bookings_of_one_telephone(
    site: Contract, now: Any, operator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_rule(monkeypatch, site, max_active_per_phone=3)
    for number in range(3):
        confirm(site, held(site, number, now), now, name=f"ヤマダ {'アイウ'[number]}")
    with pytest.raises(Refused) as refused:
        confirm(site, held(site, 9, now), now, name="ヤマダ エ")
    assert refused.value.reason is Refusal.TOO_MANY_BOOKINGS
    assert "すでに3件あります" in refused.value.message
    assert confirm(site, held(site, 10, now), now, name="ヤマダ オ", by=operator).state == "booked"
