"""Staff and what is scarce: callers who wait for an earlier time, places kept for a channel, bookings beyond the plan."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.models import Offer, Slot
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from tests.web.callcentre.test_desk import PERSON, fields
from tests.web.citizen.resident import text_of
from tests.web.citizen.test_earlier import MONDAY, offers, only
from tests.web.staff_site import TUESDAY_10, SignIn, book


@pytest.mark.req("BOOK-06", "BOOK-11")
def test_an_operator_enters_the_wish_and_the_answer_of_a_caller(
    site: Contract, at_desk: Client, now: dt.datetime, official: Actor
) -> None:
    for n in range((TUESDAY_10.date() - now.date()).days):
        only(site, now.date() + dt.timedelta(days=n), 0, by=official, now=now)
    made = book(site, now=now)
    page = f"/staff/{site.code}/desk/b/{made.code}/"
    assert "空き待ちを受け付ける" in at_desk.get(page).content.decode()
    wrong = at_desk.post(f"{page}wait/", {"from_date": "きのう"})
    assert wrong.status_code == 422
    assert "日付で入力してください" in text_of(wrong)
    late = at_desk.post(f"{page}wait/", {"from_date": "2026-11-10"})
    assert late.status_code == 409
    at_desk.post(f"{page}wait/", {"from_date": MONDAY.isoformat(), "parts": ["morning"]})
    only(site, MONDAY, 1, by=official, now=now)
    assert offers(site, now) == 1
    line = text_of(at_desk.get(f"/staff/{site.code}/waiting/"))
    assert "電話で案内する方 1件" in line.replace("　", " ")
    assert "この日時に変える" in text_of(at_desk.get(page))
    answer = at_desk.post(f"{page}answer/", {"answer": "accept"}, follow=True)
    assert "予約を変更しました" in text_of(answer)
    assert "待っている方はいません" in text_of(at_desk.get(f"/staff/{site.code}/waiting/"))
    with contract_scope(site):
        assert Offer.objects.get().answer == "accepted"


@pytest.mark.req("BOOK-16")
def test_the_city_keeps_places_for_the_telephone_and_the_web_sees_it(site: Contract, sign_in: SignIn, now: dt.datetime) -> None:
    city = sign_in(site, Role.CITY)
    path = f"/staff/{site.code}/slots/card/contingents/"
    wrong = city.post(path, {"phone_places": "たくさん", "phone_days": "1", "phone_at": "12:00"})
    assert wrong.status_code == 422
    assert "電話：残す件数は、1から500までの数で入力してください。" in text_of(wrong)
    assert 'value="たくさん"' in wrong.content.decode()
    assert city.post(path, {"phone_places": "6", "phone_days": "1", "phone_at": "正午"}).status_code == 422
    assert city.post(path, {"phone_places": "6", "phone_days": "1", "phone_at": "12:00"}).status_code == 302
    availability.forget()
    web = Client(headers={"accept-language": "ja"})
    html = web.get(f"/{site.code}/book/day/?p=card_pickup&site=main&date=2026-11-10").content.decode()
    assert 'value="2026-11-10T10:00:00+09:00"' not in html
    assert sign_in(site, Role.OPERATOR).post(path, {}).status_code == 403
    assert 'value="6"' in city.get(path).content.decode()
    city.post(path, {"phone_places": ""})
    with contract_scope(site):
        assert not Slot.objects.exclude(kept=None).exists()


@pytest.mark.req("BOOK-16")
def test_what_is_beyond_the_plan_is_reported_with_its_reason(site: Contract, sign_in: SignIn, now: dt.datetime, official: Actor) -> None:
    leader = sign_in(site, Role.SUPERVISOR)
    only(site, TUESDAY_10.date(), 1, by=official, now=now)
    book(site, now=now, phone="0829000001")
    availability.forget()
    start = leader.get(f"/staff/{site.code}/desk/new/").content.decode()
    sent = {**fields(start), **PERSON, "over": "on", "over_reason": "車いすの方で、ほかの日に来られない"}
    answer = leader.post(f"/staff/{site.code}/desk/new/", sent)
    assert answer.status_code == 302
    report = text_of(leader.get(f"/staff/{site.code}/over/?days=14"))
    assert "1枠、1人の超過" in report
    assert "車いすの方で、ほかの日に来られない" in report
    assert "定員を超えた枠はありません" in text_of(leader.get(f"/staff/{site.code}/over/?days=7"))
