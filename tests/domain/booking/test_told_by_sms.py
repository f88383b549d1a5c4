"""Who is told by short message: a mobile number without mail address, where the profile and the server allow it."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.booking import tasks
from madoguchi.domain.booking.party import Contact
from madoguchi.domain.booking.queries.lists import affected_rows
from madoguchi.domain.booking.recipients import resolve
from madoguchi.domain.booking.services import change, reserve, slots
from madoguchi.domain.notices.models import Message
from madoguchi.ground.contracts import registry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import CITIZEN_WEB, Actor

from .desk import THURSDAY, Desk, at, person

pytestmark = pytest.mark.req("BOOK-08")


def switch(contract: Contract, monkeypatch: pytest.MonkeyPatch, *, on: bool = True) -> None:
    notices = contract.profile.notices.model_copy(update={"sms": on})
    monkeypatch.setattr(Contract, "profile", contract.profile.model_copy(update={"notices": notices}))


def book(desk: Desk, hold: bool = False, **contact: str) -> str:
    wanted = reserve.Reservation("main", at(10, day=THURSDAY), [("card_pickup", None if hold else person())],
                                 None if hold else Contact(contact), "en", f"sms-{contact}-{hold}")  # fmt: skip
    done = reserve.reserve(desk.contract, wanted, by=CITIZEN_WEB, now=desk.now, hold=hold)
    if hold:
        reserve.confirm_hold(
            desk.contract, done.code, people=[person()], contact=Contact(contact), language="en", by=CITIZEN_WEB, now=desk.now
        )  # fmt: skip
    return done.code


def media(desk: Desk, code: str) -> list[tuple[str, str]]:
    rows = Message.objects.filter(ref=f"booking:{desk.booking(code).pk}").order_by("pk")
    return list(rows.values_list("kind", "medium"))


@pytest.mark.parametrize("hold", [False, True])
def test_only_who_has_a_mobile_and_no_mail(
    desk: Desk, settings, monkeypatch: pytest.MonkeyPatch, hold: bool
) -> None:
    settings.SMS_GATEWAY = "https://k:s@sms.invalid/"
    switch(desk.contract, monkeypatch)
    assert media(desk, book(desk, hold, phone="09012345678")) == [("created", "sms")]
    assert media(desk, book(desk, hold, phone="08011112222", email="taro@example.jp")) == [("created", "mail")]
    assert media(desk, book(desk, hold, phone="0829309100")) == []


@pytest.mark.parametrize(("gateway", "on"), [("", True), ("https://k:s@sms.invalid/", False)])
def test_nobody_where_the_server_or_the_profile_says_no(
    desk: Desk, settings, monkeypatch: pytest.MonkeyPatch, gateway: str, on: bool
) -> None:
    settings.SMS_GATEWAY = gateway
    switch(desk.contract, monkeypatch, on=on)
    assert media(desk, book(desk, phone="09012345678")) == []


def test_the_five_profiles_send_none() -> None:
    assert not any(registry.profile(code).notices.sms for code in registry.codes())


def test_reminder_change_and_closure_take_the_same_way(
    desk: Desk, settings, monkeypatch: pytest.MonkeyPatch, official: Actor
) -> None:
    settings.SMS_GATEWAY = "https://k:s@sms.invalid/"
    switch(desk.contract, monkeypatch)
    code = book(desk, phone="09012345678")
    pk = desk.booking(code).pk
    found = resolve(desk.contract, pk, "en", "created", medium="sms")
    assert found is not None and found.address == "09012345678"
    assert resolve(desk.contract, pk, "en", "created") is None
    desk.move(code, at(11, day=THURSDAY))
    tasks.make_reminders(dt.datetime.combine(THURSDAY - dt.timedelta(days=1), dt.time(18), desk.now.tzinfo))
    slots.set_day(desk.contract, desk.pool(), THURSDAY, [], reason="台風", by=official, now=desk.now)
    assert {kind for kind, medium in media(desk, code) if medium == "sms"} == {"created", "changed", "reminder", "affected"}
    (row,) = affected_rows(desk.contract)
    assert (row.told, row.by_phone) == ("SMS送信待ち", False)
    change.edit_contact(
        desk.contract, code, contact=Contact({"phone": "09012345678", "email": "a@example.jp"}), by=official, now=desk.now
    )  # fmt: skip
    assert desk.booking(code).medium == "mail"
    assert resolve(desk.contract, pk, "en", "created", medium="sms") is None
