"""Making a reservation in the browser, without JavaScript: every step once, twice, backwards, too late."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Pool
from madoguchi.domain.booking.services.reserve import release_expired
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.domain.booking.services.slots import set_day
from madoguchi.domain.notices.models import Message
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import Actor
from tests.web.citizen.resident import HANAKO, TARO, TUESDAY_10, TUESDAY_11, Resident, hidden, text_of
from tests.web.staff_site import book


@pytest.mark.req("BOOK-04")
def test_the_front_page_lists_the_contracts_and_the_start_page_says_what_is_open(resident: Resident) -> None:
    assert "廿日市市" in text_of(resident.get("/"))
    page = text_of(resident.get(""))
    assert "いま開いています 今日 8:30〜17:15" in page
    assert "前の日の17:00まで" in page
    assert "マイナンバーカードの受取り（交付）" in page


@pytest.mark.req("BOOK-14")
def test_where_the_city_has_its_own_site_the_page_leads_there(
    resident: Resident, contracts: dict[str, Contract]
) -> None:
    page = resident.get("/izunokuni/")
    assert 'href="https://reservation.example.jp/izunokuni/"' in page.content.decode()
    assert "電話で予約する" in text_of(page)
    assert resident.get("/izunokuni/book/")["Location"] == "/izunokuni/"


@pytest.mark.req("BOOK-01", "BOOK-05")
def test_people_are_added_and_taken_away_without_losing_what_was_chosen(resident: Resident) -> None:
    two = resident.get("book/?has1=1&p1=card_pickup&add=1").content.decode()
    assert 'name="p2"' in two
    assert 'name="p1" value="card_pickup" required id="id_p1_0" checked' in two or "checked" in two
    one = resident.get("book/?has1=1&p1=card_pickup&has2=1&p2=pin_reset&remove=1").content.decode()
    assert 'name="p2"' not in one
    assert one.count("checked") == 1
    missing = resident.get("book/?has1=1&p1=card_pickup&has2=1&next=1")
    assert "手続きを1つ選んでください。" in text_of(missing)
    done = resident.get("book/?has1=1&p1=card_pickup&has2=1&p2=pin_reset&next=1")
    assert done["Location"] == "/hatsukaichi/book/site/?p=card_pickup,pin_reset"
    assert resident.get(done["Location"])["Location"] == "/hatsukaichi/book/when/?p=card_pickup,pin_reset&site=main"


@pytest.mark.req("BOOK-03")
def test_every_place_that_offers_the_procedure_is_listed_with_its_first_free_day(
    resident: Resident, contracts: dict[str, Contract], now: dt.datetime, official: Actor
) -> None:
    izumi = contracts["izumi"]
    set_up(izumi, now=now)
    elsewhere = Resident(izumi, Client(headers={"accept-language": "ja"}))
    first_days = re.compile(r"いちばん早い空き：(\S+)")
    page = text_of(elsewhere.get("book/site/?p=cert_renewal"))
    assert [site.name in page for site in izumi.profile.sites] == [True, True]
    first, second = first_days.findall(page)
    assert first == second == "令和8年11月4日(水)"
    with contract_scope(izumi):
        pool = Pool.objects.get(site__code="plaza", procedures__code="cert_renewal")
        set_day(izumi, pool, dt.date(2026, 11, 4), [], reason="点検", by=official, now=now)
    availability.forget()
    assert first_days.findall(text_of(elsewhere.get("book/site/?p=cert_renewal"))) == [first, "令和8年11月5日(木)"]


@pytest.mark.req("BOOK-08")
def test_who_has_no_mail_address_reads_before_booking_whether_a_notice_comes(
    resident: Resident, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = resident.hold()["Location"]
    check = resident.details(page)["Location"]
    assert "控えは届きません" in text_of(resident.get(check))
    settings.SMS_GATEWAY = "https://k:s@sms.invalid/"
    profile = resident.site.profile
    notices = profile.notices.model_copy(update={"sms": True})
    monkeypatch.setattr(Contract, "profile", profile.model_copy(update={"notices": notices}))
    told = text_of(resident.get(check))
    assert "お知らせはSMS（携帯電話の短いメッセージ）で送ります" in told
    assert "控えは届きません" not in told


@pytest.mark.req("BOOK-03")
def test_the_month_has_a_text_beside_every_sign_and_names_the_first_free_day(resident: Resident) -> None:
    page = resident.get("book/when/?p=card_pickup&site=main").content.decode()
    assert "いちばん早い空き：令和8年11月4日(水)" in page
    assert page.count('<span class="mark" aria-hidden="true">○</span><span class="cal-text">空き</span>') >= 15
    assert "11月3日 火曜日 文化の日" in page
    assert 'rel="next"' in page
    assert 'rel="prev"' not in page


@pytest.mark.req("BOOK-03")
def test_the_snapshot_has_a_strong_tag(resident: Resident) -> None:
    url = "calendar.json?site=main&procedure=card_pickup&from=2026-11-01&to=2026-11-30"
    first = resident.get(url)
    assert next(d["mark"] for d in first.json()["days"] if d["date"] == "2026-11-10") == "o"
    assert resident.get(url, headers={"if-none-match": first["ETag"]}).status_code == 304
    assert resident.get("calendar.json?site=main").status_code == 400
    assert resident.get(url.replace("site=main", "site=moon")).status_code == 404


@pytest.mark.req("BOOK-04", "BOOK-08")
def test_one_person_books_from_start_to_end(resident: Resident) -> None:
    held = resident.hold()
    assert "9:10 まで確保しています" in text_of(resident.get(held["Location"]))
    checked = resident.details(
        held["Location"],
        {**TARO, "birth_date_era": "showa", "birth_date_year": "２５", "birth_date_month": "3", "birth_date_day": "4"},
        email="Taro@Example.jp",
    )
    check = text_of(resident.get(checked["Location"]))
    assert "ヤマダ　タロウ" in check
    assert "昭和25年3月4日（1950年）" in check
    assert "090-1234-5678" in check
    done = resident.post(checked["Location"], {})
    page = resident.get(done["Location"])
    [booking] = resident.bookings()
    assert booking.state == State.BOOKED
    assert f"{booking.code[:4]}-{booking.code[4:]}" in text_of(page)
    assert "<svg" in page.content.decode()
    assert "style=" not in page.content.decode()
    assert "市が内容を確認中です" in text_of(page)
    with contract_scope(resident.site):
        assert [m.kind for m in Message.objects.all()] == ["created"]


@pytest.mark.req("BOOK-05")
def test_four_people_with_their_own_procedures_are_booked_together_or_not_at_all(resident: Resident) -> None:
    party = "card_pickup,card_pickup,cert_renewal,pin_reset"
    people = [{**TARO, "name": f"山田　{n}"} for n in "一二三四"]
    resident.book(party, *people)
    [booking] = resident.bookings()
    assert resident.attendees(booking.code) == [(code, "10:00") for code in party.split(",")]
    other = Resident(resident.site, Client())
    other.book("card_pickup,card_pickup", TARO, HANAKO)
    third = Resident(resident.site, Client()).hold(
        "card_pickup,card_pickup,card_pickup,card_pickup", "2026-11-10T16:30:00+09:00"
    )
    assert third.status_code == 302
    full = Resident(resident.site, Client()).hold("card_pickup,card_pickup,card_pickup", "2026-11-10T16:30:00+09:00")
    assert full.status_code == 409
    assert "いっぱいになりました" in text_of(full)
    assert len(resident.bookings()) == 3


@pytest.mark.req("BOOK-04")
def test_a_double_click_holds_once_and_books_once(resident: Resident) -> None:
    sent = {**hidden(resident.day()), "starts": TUESDAY_10}
    first, second = resident.post("book/hold/", sent), resident.post("book/hold/", sent)
    assert first["Location"] == second["Location"]
    assert len(resident.bookings()) == 1
    check = resident.details(first["Location"])["Location"]
    done = {resident.post(check, {})["Location"] for _ in range(3)}
    assert len(done) == 1
    assert [b.state for b in resident.bookings()] == [State.BOOKED]
    with contract_scope(resident.site):
        assert resident.claims() == 1


@pytest.mark.req("BOOK-04")
def test_a_lost_session_cookie_of_the_first_click_still_holds_once(resident: Resident) -> None:
    sent = {**hidden(resident.day()), "starts": TUESDAY_10}
    Resident(resident.site, Client()).post("book/hold/", sent)
    resident.post("book/hold/", sent)
    assert len(resident.bookings()) == 1


@pytest.mark.req("BOOK-04")
def test_going_back_to_choose_another_time_lets_the_first_one_go(resident: Resident) -> None:
    sent = hidden(resident.day())
    resident.post("book/hold/", {**sent, "starts": TUESDAY_10})
    resident.post("book/hold/", {**sent, "starts": TUESDAY_11})
    back = resident.post("book/hold/", {**sent, "starts": TUESDAY_10})
    assert [(b.state, f"{b.starts_at.astimezone():%H:%M}") for b in resident.bookings()] == [
        (State.CANCELLED, "10:00"),
        (State.CANCELLED, "11:00"),
        (State.HELD, "10:00"),
    ]
    assert resident.claims() == 1
    resident.post(resident.details(back["Location"])["Location"], {})
    assert [b.state for b in resident.bookings()][-1] == State.BOOKED
    again = resident.post("book/hold/", {**sent, "starts": TUESDAY_11})
    assert again["Location"].endswith("/done/")
    assert len(resident.bookings(state=State.BOOKED)) == 1


@pytest.mark.req("BOOK-04")
def test_two_tabs_book_two_bookings(resident: Resident) -> None:
    one, two = hidden(resident.day()), hidden(resident.day())
    pages = [
        resident.post("book/hold/", {**tab, "starts": at})["Location"]
        for tab, at in ((one, TUESDAY_10), (two, TUESDAY_11))
    ]
    checks = [resident.details(page)["Location"] for page in pages]
    for check in checks:
        resident.post(check, {})
    assert [b.state for b in resident.bookings()] == [State.BOOKED, State.BOOKED]


@pytest.mark.req("BOOK-04")
def test_wrong_input_says_what_to_mend_and_keeps_all_that_was_typed(resident: Resident) -> None:
    page = resident.hold("card_pickup,pin_reset")["Location"]
    answer = resident.details(
        page, {"name": "山田", "kana": "123山", "birth_date_year": "1980"}, {"name": ""}, phone="090-12"
    )
    html, text = answer.content.decode(), text_of(answer)
    assert answer.status_code == 422
    assert "直すところが5か所あります" in text
    assert "2人目 氏名：入力してください。" in text
    assert "電話番号の数字は11桁です。いまは5桁です。" in text
    assert "「月・日」を入力してください。" in text
    for typed in ('value="山田"', 'value="123山"', 'value="1980"', 'value="090-12"'):
        assert typed in html
    later = resident.get(page).content.decode()
    for typed in ('value="山田"', 'value="1980"', 'value="090-12"'):
        assert typed in later


@pytest.mark.req("SEC-05")
def test_an_individual_number_is_refused_and_not_shown_or_kept(resident: Resident) -> None:
    page = resident.hold()["Location"]
    answer = resident.details(page, {**TARO, "name": "123456789018"}, phone="090-1234-5678")
    assert answer.status_code == 422
    assert "マイナンバーはお預かりできません" in text_of(answer)
    assert "123456789018" not in answer.content.decode()
    assert "123456789018" not in resident.get(page).content.decode()


@pytest.mark.req("SEC-03")
def test_the_session_never_holds_personal_data_in_the_clear(resident: Resident) -> None:
    page = resident.hold()["Location"]
    resident.details(page, TARO)
    stored = [str(session.get_decoded()) for session in Session.objects.all()]
    assert len(stored) == 1
    for secret in ("山田", "09012345678", "1234-5678", "１２３４", "タロウ"):
        assert secret not in stored[0].replace(resident.bookings()[0].code, "")


@pytest.mark.req("BOOK-04")
def test_an_expired_hold_keeps_the_input_for_the_next_time(
    resident: Resident, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = resident.hold()["Location"]
    later = now + dt.timedelta(minutes=11)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert release_expired(resident.site, now=later) == 1
    gone = resident.details(page, TARO)
    assert gone.status_code == 410
    assert "入力した内容は残っています" in text_of(gone)
    assert resident.claims() == 0
    flow = page.split("/")[3]
    sent = hidden(resident.day(flow=flow))
    assert sent["flow"] == flow
    again = resident.post("book/hold/", {**sent, "starts": TUESDAY_11})
    assert 'value="山田　太郎"' in resident.get(again["Location"]).content.decode()
    resident.post(resident.details(again["Location"])["Location"], {})
    assert [b.state for b in resident.bookings()] == [State.EXPIRED, State.BOOKED]


@pytest.mark.req("BOOK-04")
def test_a_slow_typist_whose_time_is_over_still_books_while_nobody_took_the_place(
    resident: Resident, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = resident.hold()["Location"]
    monkeypatch.setattr(clock, "now", lambda: now + dt.timedelta(minutes=30))
    resident.post(resident.details(page)["Location"], {})
    assert [b.state for b in resident.bookings()] == [State.BOOKED]


@pytest.mark.req("BOOK-04")
def test_stopping_gives_the_place_back_at_once(resident: Resident) -> None:
    page = resident.hold()["Location"]
    release = page.replace("details", "release")
    assert resident.post(release, {"to": "stop"})["Location"] == "/hatsukaichi/"
    assert resident.claims() == 0
    assert "予約をやめました" in text_of(resident.get(""))


@pytest.mark.req("BOOK-04")
def test_the_hold_belongs_to_the_session(resident: Resident) -> None:
    page = resident.hold()["Location"]
    stranger = Resident(resident.site, Client(headers={"accept-language": "ja"}))
    assert stranger.get(page).status_code == 410
    assert "この画面の続きはありません" in text_of(stranger.get(page))
    stranger.post(page.replace("details", "release"), {"to": "stop"})
    assert resident.claims() == 1


@pytest.mark.req("BOOK-16")
@pytest.mark.parametrize(
    ("starts", "status", "text"),
    [
        ("", 422, "時間を1つ選んでください。"),
        ("nonsense", 422, "時間を1つ選んでください。"),
        ("2026-11-02T16:00:00+09:00", 409, "この日時の受付は締め切りました"),
        ("2026-10-30T10:00:00+09:00", 409, "過ぎた日時は選べません"),
        ("2027-03-01T10:00:00+09:00", 409, "まだ予約の受付を始めていません"),
        ("2026-11-08T10:00:00+09:00", 409, "いっぱいになりました"),
    ],
)
def test_a_time_that_cannot_be_booked_says_why(resident: Resident, starts: str, status: int, text: str) -> None:
    answer = resident.hold(starts=starts)
    assert answer.status_code == status
    assert text in text_of(answer)
    assert resident.bookings() == []


@pytest.mark.req("BOOK-04")
@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("book/when/?p=nonsense&site=main", "/hatsukaichi/book/"),
        ("book/when/?p=card_pickup&site=moon", "/hatsukaichi/book/site/?p=card_pickup"),
        ("book/day/?p=card_pickup&site=main&date=x", "/hatsukaichi/book/when/?p=card_pickup&site=main"),
        ("book/site/", "/hatsukaichi/book/"),
    ],
)
def test_a_mistyped_address_leads_back_to_the_step_that_is_missing(
    resident: Resident, path: str, leads_to: str
) -> None:
    assert resident.get(path)["Location"].removesuffix("?") == leads_to


@pytest.mark.req("BOOK-16")
def test_holds_from_one_address_are_limited(resident: Resident, settings) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reserve": (2, 600)}
    answers = [Resident(resident.site, Client()).hold() for _ in range(3)]
    assert [a.status_code for a in answers] == [302, 302, 429]
    assert answers[2]["Retry-After"] == "301"


@pytest.mark.req("BOOK-03")
def test_pages_ask_the_same_number_of_queries_however_many_bookings_there_are(
    resident: Resident, now: dt.datetime
) -> None:
    def count(path: str) -> int:
        resident.get(path)
        availability.forget()
        with CaptureQueriesContext(connection) as queries:
            resident.get(path)
        return len(queries)

    paths = ["", "book/", "book/when/?p=card_pickup&site=main", "book/day/?p=card_pickup&site=main&date=2026-11-10"]
    before = [count(path) for path in paths]
    for n in range(3):
        book(resident.site, now=now, phone=f"090-1234-567{n}")
    assert [count(path) for path in paths] == before
    assert max(before) <= 16
