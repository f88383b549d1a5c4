# ruff: noqa: F811
"""「住所を入れる」 on residents' pages and on the desk, without scripts: the address comes, and everything typed stays."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

import pytest
from django.test import Client

from madoguchi.ground.contracts.models import Contract
from tests.fields import asking
from tests.web.callcentre.test_desk import PERSON
from tests.web.citizen.conftest import resident  # noqa: F401
from tests.web.citizen.resident import Resident, text_of
from tests.web.staff_site import at_desk, book, sign_in, site  # noqa: F401

pytestmark = pytest.mark.req("BOOK-07", "BOOK-04")
BUTTON = "住所を入れる"


def values(answer: Any) -> dict[str, str]:
    """Text boxes of a page."""
    boxes = re.findall(r"<input[^>]*>", answer.content.decode())
    found = {}
    for box in boxes:
        parts = dict(re.findall(r'([a-z-]+)="([^"]*)"', box))
        if parts.get("type", "text") in ("text", "tel") and "name" in parts:
            found[parts["name"]] = html.unescape(parts.get("value", ""))
    return found


def test_the_address_comes_and_everything_typed_stays(resident: Resident) -> None:
    page = resident.hold()["Location"]
    assert BUTTON in text_of(resident.get(page))
    sent = {"fill": "address", "contact-postal_code": "７３８ー００２３", "contact-address": "1-2", "contact-phone": "12"}
    sent |= {"person1-name": "葛\U000e0100城　太郎", "person1-kana": "", "person1-birth_date_year": "1980", "person1-who": "legal"}
    answer = resident.post(page, sent)
    said = text_of(answer)
    assert answer.status_code == 200
    assert "住所を入れました" in said and "直すところ" not in said
    shown = values(answer)
    assert shown["contact-address"] == "広島県廿日市市下平良1-2"
    assert (shown["contact-phone"], shown["person1-name"]) == ("12", "葛\U000e0100城　太郎")
    assert shown["person1-birth_date_year"] == "1980"
    assert re.search(r'value="legal"[^>]* checked', answer.content.decode())
    assert values(resident.get(page))["contact-address"] == "広島県廿日市市下平良1-2"


def test_enter_still_goes_on(resident: Resident) -> None:
    form = resident.get(resident.hold()["Location"]).content.decode().split("<form", 2)[-1]
    first = re.search(r"<button[^>]*>", form)
    assert first and 'name="fill"' not in first[0]


def test_several_areas_are_chosen_from(resident: Resident) -> None:
    page = resident.hold()["Location"]
    sent = {"fill": "address", "contact-postal_code": "452-0961", "contact-address": "12"}
    answer = resident.post(page, sent)
    assert "住所を選んでください" in text_of(answer)
    assert "<option>愛知県清須市春日稲荷</option>" in answer.content.decode()
    again = resident.post(page, sent | {"contact-area": "愛知県清須市春日稲荷"})
    assert values(again)["contact-address"] == "愛知県清須市春日稲荷12"
    assert "住所を選んでください" not in text_of(again)


@pytest.mark.parametrize(
    ("code", "typed", "says"),
    [
        ("000-0000", "桜尾1", "この郵便番号の住所が見つかりません"),
        ("", "", "この郵便番号の住所が見つかりません"),
        ("738-0023", "東京都千代田区1-1", "住所はもう入力されています"),
    ],
)
def test_what_cannot_be_filled_in_is_said_and_left(resident: Resident, code: str, typed: str, says: str) -> None:
    page = resident.hold()["Location"]
    answer = resident.post(page, {"fill": "address", "contact-postal_code": code, "contact-address": typed})
    assert says in text_of(answer)
    assert values(answer)["contact-address"] == typed


@pytest.mark.req("SEC-05")
def test_an_individual_number_typed_meanwhile_is_not_kept(resident: Resident) -> None:
    page = resident.hold()["Location"]
    answer = resident.post(
        page, {"fill": "address", "contact-postal_code": "738-0023", "contact-address": "123456789018", "person1-name": "123456789018"}
    )
    assert "123456789018" not in answer.content.decode()
    assert "123456789018" not in resident.get(page).content.decode()


def test_the_contact_of_a_booking_is_filled_in_too(resident: Resident) -> None:
    link = resident.link(resident.book())
    sent = {"fill": "address", "contact-postal_code": "738-0023", "contact-phone": "12"}
    answer = resident.post(f"{link}contact/", sent)
    assert "住所を入れました" in text_of(answer)
    assert values(answer)["contact-address"] == "広島県廿日市市下平良"
    assert values(answer)["contact-phone"] == "12"


def test_no_button_where_the_city_does_not_ask_for_an_address(
    resident: Resident, site: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = tuple(rule for rule in site.profile.booking.fields if rule.code != "address")
    booking = site.profile.booking.model_copy(update={"fields": rules})
    monkeypatch.setattr(Contract, "profile", asking(site.profile).model_copy(update={"booking": booking}))
    page = resident.hold()["Location"]
    assert BUTTON not in text_of(resident.get(page))
    assert resident.post(page, {"fill": "address", "contact-postal_code": "738-0023"}).status_code == 422


def test_the_desk_fills_in_while_booking(site: Contract, at_desk: Client) -> None:
    url = "/staff/hatsukaichi/desk/new/"
    assert BUTTON in text_of(at_desk.get(url))
    answer = at_desk.post(url, PERSON | {"step": "fill", "c_postal_code": "7380023", "c_address": "1-2", "c_phone": "12"})
    shown = values(answer)
    assert (shown["c_address"], shown["c_phone"], shown["r1_name"]) == ("広島県廿日市市下平良1-2", "12", "山田 花子")
    assert "番地・建物名を聞いてください" in text_of(answer)
    several = at_desk.post(url, PERSON | {"step": "fill", "c_postal_code": "4520961"})
    assert "<option>愛知県清須市春日稲荷</option>" in several.content.decode()


def test_the_desk_fills_in_a_contact(site: Contract, at_desk: Client, now: dt.datetime) -> None:
    made = book(site, now=now)
    url = f"/staff/hatsukaichi/desk/b/{made.code}/contact/"
    answer = at_desk.post(url, {"step": "fill", "c_postal_code": "738-8501", "c_phone": "090", "version": "1"})
    assert answer.status_code == 200
    assert values(answer)["c_address"] == "広島県廿日市市下平良1丁目11-1"
    assert values(answer)["c_phone"] == "090"
