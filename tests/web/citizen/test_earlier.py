"""Residents wait for an earlier time, answer an offer, and grow a party on a full time."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client

from madoguchi.domain.booking import availability, capacity
from madoguchi.domain.booking.models import Booking, Pool, Slot, Waiting
from madoguchi.domain.booking.services.slots import set_day
from madoguchi.domain.booking.services.waiting import make_offers
from madoguchi.domain.notices.models import Kind, Message
from madoguchi.domain.notices.wording import compose
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from tests.web.citizen.resident import HANAKO, TARO, Forms, Resident, hidden, text_of
from tests.web.staff_site import TUESDAY_10, book

MONDAY = dt.date(2026, 11, 9)
TEN = (dt.time(10), dt.time(10, 30))


def only(contract: Contract, date: dt.date, places: int, *, by: Actor, now: dt.datetime) -> None:
    """Give a day one band at ten with so many places."""
    with contract_scope(contract):
        pool = Pool.objects.get(code="card")
        set_day(contract, pool, date, [(*TEN, places)] if places else [], reason="会議", by=by, now=now)
    availability.forget()


def offers(contract: Contract, now: dt.datetime) -> int:
    return make_offers(contract, now=now)


@pytest.fixture
def waiting(resident: Resident, now: dt.datetime, official: Actor) -> str:
    """A booking of Tuesday 10:00; every day before has no place. Path of its page."""
    for n in range((TUESDAY_10.date() - now.date()).days):
        only(resident.site, now.date() + dt.timedelta(days=n), 0, by=official, now=now)
    return resident.link(resident.book(email="taro@example.jp"))


@pytest.mark.req("BOOK-06", "BOOK-16")
def test_a_resident_waits_gets_a_mail_and_takes_the_earlier_time(
    resident: Resident, waiting: str, now: dt.datetime, official: Actor
) -> None:
    page = resident.get(waiting)
    assert f'href="{waiting}earlier/"' in page.content.decode()
    form = resident.get(f"{waiting}earlier/")
    assert form.content.decode().count("<option") == (TUESDAY_10.date() - now.date()).days - 1
    sent = {**hidden(form), "from_date": MONDAY.isoformat(), "parts": ["morning", "afternoon"]}
    answer = resident.client.post(f"{waiting}earlier/", sent, follow=True)
    assert "早い日時の空きを待っています" in text_of(answer)
    assert "午前・午後（17時まで）" in text_of(answer)
    assert offers(resident.site, now) == 0

    only(resident.site, MONDAY, 1, by=official, now=now)
    assert offers(resident.site, now) == 1
    page = resident.get(waiting)
    assert "早い日時が空きました" in text_of(page)
    assert "11月9日(月) 10:00" in text_of(page)
    with contract_scope(resident.site):
        message = Message.objects.get(kind=Kind.OFFER)
        made = compose(resident.site, message, now=now)
        assert made is not None
        body = made[1].get_content()
        assert "令和8年11月9日(月) 10:00" in body
        assert waiting in body
        assert "山田" not in body
    # Nobody else can take the place that is kept.
    other = Resident(resident.site, Client(headers={"accept-language": "ja"}))
    assert other.hold(starts="2026-11-09T10:00:00+09:00").status_code == 409
    answer = resident.client.post(f"{waiting}earlier/answer/", {"answer": "accept"}, follow=True)
    assert "早い日時に変更しました。" in text_of(answer)
    with contract_scope(resident.site):
        assert Booking.objects.get(state="booked").starts_at == dt.datetime.combine(MONDAY, TEN[0], TUESDAY_10.tzinfo)
        assert Waiting.objects.get().outcome == "accepted"
        assert compose(resident.site, message, now=now) is None  # a mail still in the queue is not sent any more
    assert capacity.verify(resident.site) == []


@pytest.mark.req("BOOK-06")
def test_declining_and_stopping_leave_the_booking(resident: Resident, waiting: str, now: dt.datetime, official: Actor) -> None:
    resident.client.post(f"{waiting}earlier/", {"from_date": MONDAY.isoformat()})
    only(resident.site, MONDAY, 1, by=official, now=now)
    offers(resident.site, now)
    answer = resident.client.post(f"{waiting}earlier/answer/", {"answer": "decline"}, follow=True)
    assert "今回は見送りました" in text_of(answer)
    answer = resident.client.post(f"{waiting}earlier/answer/", {"answer": "accept"}, follow=True)
    assert "ご案内は終わりました" in text_of(answer)
    answer = resident.client.post(f"{waiting}earlier/stop/", follow=True)
    assert "空き待ちをやめました" in text_of(answer)
    assert "早い日時の空きを待っています" not in text_of(resident.get(waiting))
    with contract_scope(resident.site):
        assert Booking.objects.get(state="booked").starts_at == TUESDAY_10


@pytest.mark.req("BOOK-06")
@pytest.mark.parametrize("wrong", ["", "2026-11-10", "2026-11-02", "あした", "9999-99-99"])
def test_a_wrong_day_is_asked_again_and_the_wishes_stay(resident: Resident, waiting: str, wrong: str) -> None:
    answer = resident.client.post(f"{waiting}earlier/", {"from_date": wrong, "parts": ["evening"]})
    assert answer.status_code == 422
    assert "来られる日を、一覧から選んでください。" in text_of(answer)
    assert re.search(r'value="evening" checked', answer.content.decode())


@pytest.mark.req("BOOK-05", "BOOK-06")
def test_a_fifth_person_on_a_full_time_moves_the_whole_party_with_one_press(
    resident: Resident, now: dt.datetime, official: Actor
) -> None:
    only(resident.site, TUESDAY_10.date(), 4, by=official, now=now)
    party = ",".join(["card_pickup"] * 4)
    people = (TARO, HANAKO, {"name": "山田 一", "kana": "ヤマダ ハジメ"}, {"name": "山田 二", "kana": "ヤマダ ニ"})
    link = resident.link(resident.book(party, *people, email="taro@example.jp"))
    page = resident.get(f"{link}add/")
    fifth = {"procedure": "card_pickup", "person5-name": "山田 三", "person5-kana": "ヤマダ サン"}
    refused = resident.client.post(f"{link}add/", {**hidden(page), **fifth})
    assert refused.status_code == 409
    assert "全員が入れる空きがありません" in text_of(refused)
    html = refused.content.decode()
    assert "山田 三" in html
    others = re.findall(r'name="starts" value="([^"]+)"', html)
    assert len(others) == 6
    # The Enter key sends the first button of a form: it must not be one that moves the party.
    assert html.index('type="submit"') < html.index('name="starts"')
    with contract_scope(resident.site):
        assert Booking.objects.get(state="booked").people == 4
        assert Slot.objects.get(pool__code="card", starts_at=TUESDAY_10).taken == 4
    form = next(f for f in Forms(html).found if "version" in f["hidden"])
    sent = {"version": form["hidden"]["version"], **fifth, "starts": others[0]}
    answer = resident.client.post(f"{link}add/", sent, follow=True)
    assert "人数を増やしました。" in text_of(answer)
    with contract_scope(resident.site):
        booking = Booking.objects.get(state="booked")
        assert (booking.people, booking.starts_at.isoformat()) == (5, dt.datetime.fromisoformat(others[0]).astimezone(dt.UTC).isoformat())
    assert capacity.verify(resident.site) == []


@pytest.mark.req("BOOK-05")
def test_the_calendar_of_a_move_counts_the_places_the_party_gives_back(
    resident: Resident, now: dt.datetime, official: Actor
) -> None:
    with contract_scope(resident.site):
        pool = Pool.objects.get(code="card")
        bands = [(dt.time(10), dt.time(10, 30), 2), (dt.time(10, 30), dt.time(11), 2)]
        set_day(resident.site, pool, TUESDAY_10.date(), bands, reason="会議", by=official, now=now)
    availability.forget()
    link = resident.link(resident.book("card_pickup,card_pickup,card_pickup", TARO, HANAKO, {"name": "山田 一", "kana": "ヤマダ ハジメ"}))
    book(resident.site, TUESDAY_10 + dt.timedelta(minutes=30), now=now, phone="0829111111")
    availability.forget()
    assert "同じ時刻に全員の空きがないため" in text_of(resident.get(link))
    html = resident.get(f"{link}day/?date=2026-11-10").content.decode()
    assert not re.search(r'value="2026-11-10T10:00:00\+09:00"[^>]*disabled', html)


@pytest.mark.req("BOOK-05")
def test_why_a_family_was_placed_so_is_said_before_it_confirms(resident: Resident, now: dt.datetime, official: Actor) -> None:
    held = resident.hold("card_pickup,card_pickup")
    assert "全員が同じ時刻に、並んで手続きをします。" in text_of(resident.get(held["Location"]))
    with contract_scope(resident.site):
        pool = Pool.objects.get(code="card")
        bands = [(dt.time(10), dt.time(10, 30), 1), (dt.time(10, 30), dt.time(11), 1)]
        set_day(resident.site, pool, MONDAY, bands, reason="会議", by=official, now=now)
    availability.forget()
    other = Resident(resident.site, Client(headers={"accept-language": "ja"}))
    page = text_of(other.get(other.hold("card_pickup,card_pickup", "2026-11-09T10:00:00+09:00")["Location"]))
    assert "同じ時刻に全員の空きがないため、続いた時刻に分かれます。" in page
    assert "1人目 10:00〜10:30" in page
    assert "2人目 10:30〜11:00" in page
