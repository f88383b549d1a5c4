"""A typhoon closes the afternoon: everybody concerned is told, sees other times, and takes one with one press."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client

from madoguchi.domain.booking import capacity
from madoguchi.domain.booking.models import Affected, Booking, Slot
from madoguchi.domain.booking.recipients import manage_path
from madoguchi.domain.booking.rules import AFFECTED_GRACE
from madoguchi.domain.booking.services.slots import CalendarChange, change_calendar
from madoguchi.domain.notices.models import Kind, Message
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import Actor
from tests.web.citizen.resident import Forms
from tests.web.staff_site import TUESDAY_10, book


def close(contract: Contract, date: dt.date, *, by: Actor, now: dt.datetime) -> None:
    with contract_scope(contract):
        change_calendar(contract, CalendarChange(date, "closed", "", "counter", (), None, "台風"), by=by, now=now)


def offers(page: str) -> list[str]:
    """Times that the page offers."""
    return re.findall(r'name="starts" value="([^"]+)"', page)


def press(client: Client, link: str, starts: str) -> Any:
    page = client.get(link).content.decode()
    form = next(form for form in Forms(page).found if form["action"].endswith("accept/"))
    return client.post(form["action"], {"version": form["hidden"]["version"], "starts": starts}, follow=True)


@pytest.mark.req("CAL-05", "BOOK-06")
def test_a_closed_day_with_sixty_bookings(site: Contract, now: dt.datetime, official: Actor) -> None:
    booked = []
    for number in range(60):
        starts = TUESDAY_10 + dt.timedelta(minutes=30 * (number // 6))
        mail = f"typhoon{number}@example.jp" if number % 6 else ""
        booked.append(book(site, starts, phone=f"082920{number:04}", email=mail, now=now))
    close(site, TUESDAY_10.date(), by=official, now=now)
    with contract_scope(site):
        assert Affected.objects.filter(settled_at=None).count() == 60
        assert Message.objects.filter(kind=Kind.AFFECTED).count() == 50
        assert Booking.objects.filter(state="booked").count() == 60, "nobody is cancelled by the machine"
    client = Client()
    for done in booked[:40]:
        link = manage_path(site, done.code)
        page = client.get(link).content.decode()
        assert "かわりの日時" in page
        shown = offers(page)
        assert len(shown) == 6
        assert len({iso[:10] for iso in shown}) >= 3, "several days, not six times of one day"
        answer = press(client, link, shown[0])
        assert "日時を変更しました。" in answer.content.decode()
    with contract_scope(site):
        assert Affected.objects.filter(settled_at=None).count() == 20
        assert Affected.objects.filter(outcome="moved").count() == 40
        day = TUESDAY_10.date()
        assert Booking.objects.filter(starts_at__date=day).count() == 20
        assert sum(slot.taken for slot in Slot.objects.filter(starts_at__date=day)) == 20
        assert Message.objects.filter(kind=Kind.CHANGED).count() == sum(1 for n in range(40) if n % 6)
    assert capacity.verify(site) == []


@pytest.mark.req("CAL-05")
def test_a_time_that_is_gone_meanwhile_leaves_the_booking_and_offers_others(
    site: Contract, now: dt.datetime, official: Actor
) -> None:
    done = book(site, now=now, email="taro@example.jp")
    close(site, TUESDAY_10.date(), by=official, now=now)
    client, link = Client(), manage_path(site, done.code)
    first = offers(client.get(link).content.decode())[0]
    with contract_scope(site):
        pool = site.profile.pool_for("main", "card_pickup")
        assert pool is not None
        for slot in Slot.objects.filter(starts_at=dt.datetime.fromisoformat(first), pool__code=pool.code):
            free = slot.capacity - slot.taken
            for number in range(free):
                book(site, dt.datetime.fromisoformat(first), phone=f"082930{number:04}", now=now)
    answer = press(client, link, first)
    page = answer.content.decode()
    assert "予約がいっぱいになりました" in page
    assert first not in offers(page)
    with contract_scope(site):
        assert Booking.objects.get(code=done.code).starts_at == TUESDAY_10
        assert Affected.objects.filter(settled_at=None).count() == 1


@pytest.mark.req("CAL-05")
def test_it_can_be_taken_after_the_cut_off_and_after_the_day_itself(
    site: Contract, now: dt.datetime, official: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = book(site, now=now)
    close(site, TUESDAY_10.date(), by=official, now=TUESDAY_10 - dt.timedelta(hours=1))
    link = manage_path(site, done.code)
    for later in (dt.timedelta(minutes=-5), dt.timedelta(days=3)):
        monkeypatch.setattr(clock, "now", lambda later=later: TUESDAY_10 + later)
        page = Client().get(link).content.decode()
        assert len(offers(page)) == 6
        assert all(dt.datetime.fromisoformat(iso) > TUESDAY_10 + later for iso in offers(page))
    assert "日時を変更しました。" in press(Client(), link, offers(page)[0]).content.decode()


def test_not_for_ever(
    site: Contract, now: dt.datetime, official: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = book(site, now=now)
    close(site, TUESDAY_10.date(), by=official, now=now)
    monkeypatch.setattr(clock, "now", lambda: TUESDAY_10 + AFFECTED_GRACE + dt.timedelta(hours=2))
    page = Client().get(manage_path(site, done.code)).content.decode()
    assert offers(page) == []
    assert "この予約の日時は過ぎています" in page


def test_who_is_not_concerned_sees_no_offers_and_keeps_the_cut_off(site: Contract, now: dt.datetime) -> None:
    done = book(site, now=now)
    link = manage_path(site, done.code)
    assert "かわりの日時" not in Client().get(link).content.decode()
    odd = Client().post(f"{link}accept/", {"starts": "soon"})
    assert odd.status_code == 302
    assert odd["Location"].endswith("when/")
