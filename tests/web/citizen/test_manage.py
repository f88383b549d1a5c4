"""The own booking: opened by link or by code and phone, changed, cancelled."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Pool, Slot
from madoguchi.domain.booking.services.slots import set_day
from madoguchi.domain.notices.models import Message
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import Actor
from tests.web.citizen.resident import HANAKO, TARO, TUESDAY_10, TUESDAY_11, Resident, hidden, text_of


@pytest.fixture
def link(resident: Resident) -> str:
    """Path of a booking of two people, Tuesday 10:00."""
    return resident.link(resident.book("card_pickup,pin_reset", TARO, HANAKO, email="taro@example.jp"))


@pytest.mark.req("BOOK-06")
def test_the_link_opens_the_booking_anywhere_and_the_look_is_recorded(resident: Resident, link: str) -> None:
    page = text_of(Resident(resident.site, Client(headers={"accept-language": "ja"})).get(link))
    for part in ("山田　太郎 様", "山田　花子 様", "10:00〜10:30", "090-1234-5678", "予約しました。"):
        assert part in page
    with contract_scope(resident.site):
        looks = Entry.objects.filter(action="booking.viewed", target=f"booking:{resident.bookings()[0].pk}")
        assert looks.count() == 2


@pytest.mark.req("BOOK-06", "SEC-01")
def test_a_wrong_token_a_wrong_code_and_a_hold_look_the_same(resident: Resident, link: str) -> None:
    _, _, _, code, token, _ = link.split("/")
    held = resident.hold(starts=TUESDAY_11)
    assert held.status_code == 302
    hold = resident.bookings(state=State.HELD)[0].code
    for path in (f"r/{code}/{'0' * 32}/", f"r/AAAABBBB/{token}/", f"r/{hold}/{token}/", f"r/{code}/x/cancel/"):
        answer = resident.get(path)
        assert answer.status_code == 404
        assert "予約が見つかりません" in text_of(answer)
        assert "山田" not in text_of(answer)
    assert resident.get(link.replace("hatsukaichi", "izumi")).status_code == 404


@pytest.mark.req("BOOK-06")
@pytest.mark.parametrize("phone", ["090-1234-5678", "０９０１２３４５６７８", "+81 90 1234 5678"])
def test_code_and_phone_lead_to_the_same_page(resident: Resident, link: str, phone: str) -> None:
    code = link.split("/")[3]
    typed = f" {code[:4].lower()}ー{code[4:].lower()} " if phone.startswith("０") else f"{code[:4]}-{code[4:]}"
    typed = typed.replace("ー", "-")
    answer = Resident(resident.site, Client()).post("find/", {"code": typed, "phone": phone})
    assert answer["Location"] == link


@pytest.mark.req("BOOK-06", "BOOK-16")
def test_wrong_code_and_wrong_phone_get_the_same_answer_and_guessing_is_stopped(resident: Resident, link: str) -> None:
    code = link.split("/")[3]
    wrong_phone = resident.post("find/", {"code": code, "phone": "090-8765-4321"})
    wrong_code = resident.post("find/", {"code": "AAAABBBB", "phone": "090-1234-5678"})
    message = "この予約番号と電話番号の組み合わせでは、予約が見つかりません。"
    for answer in (wrong_phone, wrong_code):
        assert answer.status_code == 422
        assert message in text_of(answer)
    assert f'value="{code}"' in wrong_phone.content.decode()
    last = [resident.post("find/", {"code": "AAAABBBB", "phone": "090-1234-5678"}).status_code for _ in range(9)]
    assert last == [422] * 8 + [429]
    right = resident.post("find/", {"code": code, "phone": "090-1234-5678"})
    assert right.status_code == 429
    assert "分たってから" in text_of(right)


@pytest.mark.req("BOOK-06", "BOOK-08")
def test_the_time_is_changed_for_the_whole_party(resident: Resident, link: str) -> None:
    assert "いまの予約：令和8年11月10日(火) 10:00〜10:30" in text_of(resident.get(f"{link}when/"))
    page = resident.get(f"{link}day/?date=2026-11-10")
    sent = {**hidden(page), "starts": TUESDAY_11}
    assert resident.post(f"{link}day/?date=2026-11-10", sent)["Location"] == link
    [booking] = resident.bookings()
    assert resident.attendees(booking.code) == [("card_pickup", "11:00"), ("pin_reset", "11:00")]
    page = text_of(resident.get(link))
    assert "日時を変更しました。 令和8年11月10日(火) 10:00 から 令和8年11月10日(火) 11:00 へ。" in page
    stale = resident.post(f"{link}day/?date=2026-11-10", {**sent, "starts": TUESDAY_10})
    assert stale.status_code == 409
    assert "別の画面で予約の内容が変わりました" in text_of(stale)
    with contract_scope(resident.site):
        assert sorted(m.kind for m in Message.objects.all()) == ["changed", "created"]


@pytest.mark.req("BOOK-06")
def test_a_full_time_leaves_the_booking_as_it_was(resident: Resident, link: str) -> None:
    with contract_scope(resident.site):
        Slot.objects.filter(starts_at=dt.datetime.fromisoformat(TUESDAY_11)).update(closed=True, planned=0)
        sent = {**hidden(resident.get(f"{link}day/")), "starts": TUESDAY_11}
    answer = resident.post(f"{link}day/", sent)
    assert answer.status_code == 409
    assert resident.attendees(resident.bookings()[0].code)[0] == ("card_pickup", "10:00")


@pytest.mark.req("BOOK-05", "BOOK-06")
def test_a_person_is_added_corrected_and_removed(resident: Resident, link: str) -> None:
    sent = {
        **hidden(resident.get(f"{link}add/")),
        "procedure": "cert_renewal",
        "person3-name": "山田　次郎",
        "person3-kana": "",
    }
    wrong = resident.post(f"{link}add/", sent)
    assert wrong.status_code == 422
    assert 'value="山田　次郎"' in wrong.content.decode()
    assert resident.post(f"{link}add/", {**sent, "person3-kana": "やまだ じろう"})["Location"] == link
    [booking] = resident.bookings()
    assert [code for code, _ in resident.attendees(booking.code)] == ["card_pickup", "pin_reset", "cert_renewal"]
    page = resident.get(link).content.decode()
    ids = sorted({int(part.split("/")[0]) for part in page.split("/person/")[1:]})
    change = f"{link}person/{ids[1]}/"
    sent = {
        **hidden(resident.get(change)),
        "procedure": "cert_renewal",
        "person2-name": "山田　華子",
        "person2-kana": "ヤマダ ハナコ",
    }
    assert resident.post(change, sent)["Location"] == link
    assert "山田　華子 様" in text_of(resident.get(link))
    remove = f"{link}remove/{ids[0]}/"
    assert "山田　太郎" in text_of(resident.get(remove))
    assert resident.post(remove, hidden(resident.get(remove)))["Location"] == link
    assert [code for code, _ in resident.attendees(booking.code)] == ["cert_renewal", "cert_renewal"]
    assert resident.claims() == 2
    assert resident.get(remove).status_code == 404


@pytest.mark.req("BOOK-05")
def test_no_more_people_than_the_contract_allows(resident: Resident) -> None:
    people = [{**TARO, "name": f"山田　{n}"} for n in "一二三四五"]
    link = resident.link(resident.book(",".join(["card_pickup"] * 5), *people))
    assert "人数を増やす" not in text_of(resident.get(link))
    answer = resident.post(
        f"{link}add/", {"procedure": "card_pickup", "person6-name": "山田", "person6-kana": "ヤマダ"}
    )
    assert answer.status_code == 409
    assert "一度に予約できる人数を超えています" in text_of(answer)


@pytest.mark.req("BOOK-06")
def test_the_contact_is_changed(resident: Resident, link: str) -> None:
    assert 'value="090-1234-5678"' in resident.get(f"{link}contact/").content.decode()
    assert resident.post(f"{link}contact/", {"contact-phone": "1"}).status_code == 422
    resident.post(f"{link}contact/", {"contact-phone": "080-1111-2222"})
    assert "080-1111-2222" in text_of(resident.get(link))
    assert "taro@example.jp" not in text_of(resident.get(link))


@pytest.mark.req("BOOK-06", "BOOK-08")
def test_cancelling_asks_first_gives_the_places_back_and_can_be_sent_twice(resident: Resident, link: str) -> None:
    assert "この予約を取り消しますか" in text_of(resident.get(f"{link}cancel/"))
    assert resident.claims() == 2
    for _ in range(2):
        assert resident.post(f"{link}cancel/", {})["Location"] == link
    assert resident.claims() == 0
    page = text_of(resident.get(link))
    assert "この予約は取り消されています" in page
    assert "日時を変更する" not in page
    assert resident.get(f"{link}when/").status_code == 409
    with contract_scope(resident.site):
        assert sorted(m.kind for m in Message.objects.all()) == ["cancelled", "created"]


@pytest.mark.req("BOOK-06")
def test_after_the_cut_off_the_page_says_so_and_gives_the_phone(
    resident: Resident, link: str, monkeypatch: pytest.MonkeyPatch, now: dt.datetime
) -> None:
    late = dt.datetime(2026, 11, 9, 17, 1, tzinfo=now.tzinfo)
    monkeypatch.setattr(clock, "now", lambda: late)
    page = text_of(resident.get(link))
    assert "変更は 令和8年11月9日(月) 17:00 まででした" in page
    assert "予約を取り消す" in page
    for path in ("when/", "day/", "add/", "contact/"):
        answer = resident.get(f"{link}{path}")
        assert answer.status_code == 409
        assert "0120-000-000" in text_of(answer)
    monkeypatch.setattr(clock, "now", lambda: late + dt.timedelta(days=1))
    assert resident.get(f"{link}cancel/").status_code == 409
    assert "この予約の日時は過ぎています" in text_of(resident.get(link))


@pytest.mark.req("BOOK-06")
def test_the_calendar_file_holds_time_place_and_link_but_no_name(resident: Resident, link: str) -> None:
    answer = resident.get(f"{link}calendar.ics")
    lines = answer.content.decode().replace("\r\n ", "").split("\r\n")
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert "DTSTART:20261110T010000Z" in lines
    assert "DTEND:20261110T013000Z" in lines
    assert "LOCATION:廿日市市役所" in lines
    assert f"URL:http://127.0.0.1:8000{link}" in lines or any(
        line.startswith("URL:") and line.endswith(link) for line in lines
    )
    assert "山田" not in answer.content.decode()
    resident.post(f"{link}cancel/", {})
    assert "METHOD:CANCEL" in resident.get(f"{link}calendar.ics").content.decode()


@pytest.mark.req("BOOK-06")
def test_the_page_asks_the_same_number_of_queries_for_one_person_and_for_four(resident: Resident) -> None:
    def count(party: str, starts: str) -> int:
        people = [{**TARO, "name": f"山田　{n}"} for n in range(party.count(",") + 1)]
        link = resident.link(resident.book(party, *people, starts=starts))
        with CaptureQueriesContext(connection) as queries:
            resident.get(link)
        return len(queries)

    one = count("card_pickup", TUESDAY_10)
    assert count("card_pickup,pin_reset,card_pickup,cert_renewal", TUESDAY_11) == one
    assert one <= 20


@pytest.mark.req("BOOK-02", "BOOK-06")
def test_a_booking_that_a_closure_broke_says_so_and_can_be_moved(
    resident: Resident, link: str, official: Actor, now: dt.datetime
) -> None:
    with contract_scope(resident.site):
        pool = Pool.objects.get(code="card")
        set_day(resident.site, pool, dt.date(2026, 11, 10), [], reason="台風", by=official, now=now)
    page = text_of(resident.get(link))
    assert page.count("窓口の都合で、この予約の調整が必要になりました。") == 2
    assert "日時を変更するか、お電話ください。" in page
    move = f"{link}day/?date=2026-11-11"
    sent = {**hidden(resident.get(move)), "starts": "2026-11-11T10:00:00+09:00"}
    assert resident.post(move, sent)["Location"] == link
    assert "日時を変更するか、お電話ください。" not in text_of(resident.get(link))
    assert resident.claims() == 2
