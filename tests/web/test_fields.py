# ruff: noqa: F811
"""The city's own fields at every door: residents' pages in their language, the desk, the programming interface."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from madoguchi.domain.booking.models import Attendee, Booking
from madoguchi.domain.booking.party import CONTACT
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.privacy.sealing import keyring
from tests.fields import OWN, ask
from tests.web.api.conftest import Caller, call, key  # noqa: F401
from tests.web.api.test_reservations import PATH, body
from tests.web.callcentre.test_desk import PERSON
from tests.web.citizen.conftest import resident  # noqa: F401
from tests.web.citizen.resident import TARO, Resident, text_of
from tests.web.staff_site import at_desk, book, sign_in, site  # noqa: F401

pytestmark = pytest.mark.req("BOOK-07")


@pytest.fixture(autouse=True)
def asking(monkeypatch: pytest.MonkeyPatch, site: Contract) -> None:
    ask(monkeypatch, site, *OWN)


def kept(site: Contract) -> dict[str, str]:
    """The city's own answers of the only booking."""
    with contract_scope(site):
        sealed = Booking.objects.get(state="booked").contact
        assert sealed is not None
        told = keyring(site).unseal_json(CONTACT, sealed)
        return {code: value for code, value in told.items() if code.startswith("x_")}


def test_residents_are_asked_what_belongs_to_their_procedures(resident: Resident, site: Contract) -> None:
    page = resident.hold("card_pickup")["Location"]
    asked = text_of(resident.get(page))
    assert "車で来ますか" in asked and "届いた封書" not in asked
    page = resident.hold("card_pickup,cert_renewal")["Location"]
    html = resident.get(page).content.decode()
    assert "届いた封書" in text_of(resident.get(page))
    assert "封書の題名をご覧ください。" in html
    wrong = resident.details(page, TARO, TARO, x_people="12", x_case="A1", x_stay_year="2026", x_stay_month="11")
    assert wrong.status_code == 422
    said = text_of(wrong)
    for sentence in ("届いた封書：入力してください。", "9以下の数", "英字2つと数字4つ", "「日」を入力してください。"):
        assert sentence in said
    for typed in ('value="12"', 'value="A1"', 'value="2026"'):
        assert typed in wrong.content.decode()
    right = {"x_letter": "card", "x_car": "no", "x_people": "２", "x_case": "ＡＢ１２３４"}
    stay = {"x_stay_era": "reiwa", "x_stay_year": "9", "x_stay_month": "3", "x_stay_day": "31"}
    check = resident.details(page, TARO, TARO, **right, **stay)["Location"]
    shown = text_of(resident.get(check))
    for answer in ("カードの通知", "いいえ", "AB1234", "令和9年3月31日"):
        assert answer in shown
    resident.post(check, {})
    assert kept(site) == {
        "x_letter": "card", "x_car": "no", "x_people": "2", "x_stay": "2027-03-31", "x_case": "AB1234",
    }  # fmt: skip


def test_readers_of_other_languages_see_the_city_s_text_or_japanese_marked_as_such(site: Contract) -> None:
    reader = Resident(site, Client(headers={"accept-language": "en"}))
    html = reader.get(reader.hold("cert_renewal")["Location"]).content.decode()
    assert "Letter that you got" in html and "About the card" in html
    assert '<span lang="ja">車で来ますか</span>' in html
    assert '<span lang="ja">届いていない</span>' in html
    assert '<span lang="ja">封書の題名をご覧ください。</span>' in html
    assert "&lt;span" not in html
    wrong = reader.details(reader.hold("cert_renewal")["Location"], TARO, x_letter="card", x_case="A1", x_car="maybe")
    assert "Two letters and four digits." in text_of(wrong)
    assert "&lt;span" not in wrong.content.decode()
    privacy = reader.get("privacy/").content.decode()
    assert '<span lang="ja">在留期間の満了日</span> (erased 7 days after the visit)' in privacy


def test_easy_japanese_shows_japanese_without_a_mark(site: Contract) -> None:
    client = Client()
    client.get("/hatsukaichi/book/?lang=ja-easy")
    reader = Resident(site, client)
    html = reader.get(reader.hold("cert_renewal")["Location"]).content.decode()
    assert "届いた封書" in html and '<span lang="ja">届' not in html


def test_another_procedure_may_ask_for_more(resident: Resident, site: Contract) -> None:
    link = resident.link(resident.book("card_pickup"))
    with contract_scope(site):
        person = Attendee.objects.get(booking__state="booked").pk
    sent = {"procedure": "cert_renewal", "version": "2", **{f"person1-{k}": v for k, v in TARO.items()}}
    answer = resident.post(f"{link}person/{person}/", sent)
    assert answer["Location"] == f"{link}contact/"
    page = resident.get(answer["Location"])
    assert "あと少し入力をお願いします" in text_of(page) and "届いた封書" in text_of(page)
    assert resident.post(f"{link}contact/", {"contact-phone": "09012345678"}).status_code == 422
    done = resident.post(f"{link}contact/", {"contact-phone": "09012345678", "contact-x_letter": "none"})
    assert done["Location"] == link
    assert kept(site) == {"x_letter": "none"}


def test_the_desk_asks_the_same_and_may_leave_out(site: Contract, at_desk: Client) -> None:
    url = "/staff/hatsukaichi/desk/new/"
    sent = PERSON | {"r1_procedure": "cert_renewal", "c_x_people": "12", "c_x_letter": "card", "c_x_stay": "R9.3.31"}
    wrong = at_desk.post(url, sent)
    html = wrong.content.decode()
    assert wrong.status_code == 422
    assert "9以下の数を入力してください。" in html and 'value="12"' in html and 'value="R9.3.31"' in html
    assert '<option value="card" selected>カードの通知</option>' in html
    made = at_desk.post(url, sent | {"c_x_people": "1", "c_x_letter": ""})
    assert made.status_code == 302
    assert kept(site) == {"x_people": "1", "x_stay": "2027-03-31"}
    page = text_of(at_desk.get(made["Location"]))
    assert "在留期間の満了日 令和9年3月31日" in page
    edit = made["Location"].split("?")[0] + "contact/"
    assert 'value="令和9年3月31日"' in at_desk.get(edit).content.decode()
    told = {"c_phone": "09012345678", "c_x_letter": "card", "c_x_people": "1", "version": "1"}
    assert at_desk.post(edit, told).status_code == 302
    assert "カードの通知" in text_of(at_desk.get(made["Location"]))


def test_the_desk_does_not_ask_what_the_party_does_not_need(site: Contract, at_desk: Client, now: dt.datetime) -> None:
    made = book(site, now=now)
    page = at_desk.get(f"/staff/hatsukaichi/desk/b/{made.code}/contact/").content.decode()
    assert "車で来ますか" in page and "届いた封書" not in page


def test_lists_have_a_column_for_each_own_question(resident: Resident, site: Contract, at_desk: Client) -> None:
    resident.book("cert_renewal", TARO, x_letter="card", x_car="yes")
    sent = {"query": "first=2026-11-01&last=2026-11-30&personal=on", "form": "csv"}
    file = at_desk.post("/staff/hatsukaichi/bookings/export/", sent).content.decode("utf-8-sig").splitlines()
    head, line = (text.split(",") for text in file[:2])
    told = dict(zip(head, line, strict=True))
    assert (told["届いた封書"], told["車で来ますか"], told["受付番号"]) == ("カードの通知", "はい", "")


def test_programs_are_held_to_the_same(call: Caller, site: Contract) -> None:
    def post(number: int, **own: str) -> tuple[int, list[str]]:
        contact = {**body()["contact"], **own}
        sent = body(procedure="cert_renewal", contact=contact)
        answer = call("POST", PATH, sent, idempotency_key=f"fields-{number}")
        return answer.status, [error["field"] for error in answer.json.get("errors", [])]

    assert post(1) == (422, ["contact.x_letter"])
    assert post(2, x_letter="card", x_case="A1") == (422, ["contact.x_case"])
    assert post(3, x_letter="card", x_colour="red") == (422, ["contact.x_colour"])
    assert post(4, x_letter="card", colour="red")[0] == 422
    assert post(5, x_letter="card", x_people="1") == (201, [])
    assert kept(site) == {"x_letter": "card", "x_people": "1"}


def test_programs_that_change_the_procedure_answer_what_it_asks(call: Caller, site: Contract) -> None:
    made = call("POST", PATH, body(), idempotency_key="fields-change")
    assert made.status == 201
    address = f"{PATH}/{made.json['code'].replace('-', '')}"
    people = [{"id": call("GET", address).json["people"][0]["id"], "procedure": "cert_renewal"}]
    refused = call("PATCH", address, {"people": people})
    assert (refused.status, [error["field"] for error in refused.json["errors"]]) == (422, ["contact.x_letter"])
    contact = {**body()["contact"], "x_letter": "card"}
    assert call("PATCH", address, {"people": people, "contact": contact}).status == 200
    assert kept(site)["x_letter"] == "card"
