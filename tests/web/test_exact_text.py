# ruff: noqa: F811
"""Names as people write them: byte for byte the same in the form, the database, on the pages and in the file."""

from __future__ import annotations

import csv
import html
import io

import pytest
from django.test import Client

from madoguchi.domain.booking.models import Attendee
from madoguchi.domain.booking.party import PERSON
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.privacy.sealing import keyring
from tests.web.citizen.conftest import resident  # noqa: F401
from tests.web.citizen.resident import Resident
from tests.web.staff_site import at_desk, sign_in, site  # noqa: F401

LONG = "MARIA APARECIDA DOS SANTOS DE OLIVEIRA CAVALCANTI VASCONCELOS DE ALBUQUERQUE E MENEZES FERREIRA"
NAMES = [
    ("葛\U000e0100城　芦\U000e0101花", "かつらぎ あしか", "カツラギ　アシカ"),
    ("𠮷田　土\U00020bb7", "ﾖｼﾀﾞ ﾂﾁ", "ヨシダ　ツチ"),
    ("か\u3099く　e\u0301va", "がく えば", "ガク　エバ"),
    ("﨑 祐希 神\ufe00", "ザキ ユウキ", "ザキ　ユウキ"),
    (LONG, LONG, LONG),
    ("NGUYEN THI MINH  KHAI", "NGUYEN THI MINH  KHAI", "NGUYEN THI MINH KHAI"),
    ("O'Brien-Šimůnek, José & <b>Ñandú</b>", "オブライエン・ホセ", "オブライエン・ホセ"),
]


@pytest.mark.req("BOOK-07", "BOOK-10")
@pytest.mark.parametrize(("name", "typed", "reading"), NAMES)
def test_a_name_stays_byte_for_byte(
    resident: Resident, site: Contract, at_desk: Client, name: str, typed: str, reading: str
) -> None:
    page = resident.hold()["Location"]
    born = {"birth_date_era": "showa", "birth_date_year": "64", "birth_date_month": "1", "birth_date_day": "7"}
    check = resident.details(page, {"name": name, "kana": typed, **born})["Location"]
    shown = html.unescape(resident.get(check).content.decode())
    assert name in shown and reading in shown
    assert "昭和64年1月7日（1989年）" in shown
    assert name in html.unescape(resident.get(page).content.decode())
    done = resident.post(check, {})["Location"]
    assert name in html.unescape(resident.get(resident.link(done)).content.decode())
    with contract_scope(site):
        sealed = Attendee.objects.get(booking__state="booked").person
        assert sealed is not None
        kept = keyring(site).unseal_json(PERSON, sealed)
    assert kept["name"].encode() == name.encode()
    assert (kept["kana"], kept["birth_date"]) == (reading, "1989-01-07")
    sent = {"query": "first=2026-11-01&last=2026-11-30&personal=on", "form": "csv"}
    file = at_desk.post("/staff/hatsukaichi/bookings/export/", sent).content.decode("utf-8-sig")
    line = dict(zip(*list(csv.reader(io.StringIO(file, newline="")))[:2], strict=True))
    assert line["氏名"].encode() == name.encode()
    assert (line["フリガナ"], line["生年月日"]) == (reading, "1989-01-07")
    code = resident.bookings(state="booked")[0].code
    assert name in html.unescape(at_desk.get(f"/staff/hatsukaichi/desk/b/{code}/").content.decode())
    assert f'value="{html.escape(name)}"' in at_desk.get(f"/staff/hatsukaichi/desk/b/{code}/change/").content.decode()


@pytest.mark.req("BOOK-07")
@pytest.mark.parametrize(
    "parts", [("", "1989", "1", "7"), ("showa", "64", "1", "7"), ("", "１９８９", "０１", "０７"), ("heisei", "元", "1", "8")]
)
def test_birth_dates_in_both_calendars(resident: Resident, site: Contract, parts: tuple[str, ...]) -> None:
    page = resident.hold()["Location"]
    born = dict(zip(("birth_date_era", "birth_date_year", "birth_date_month", "birth_date_day"), parts, strict=True))
    resident.post(resident.details(page, {"name": "山田", "kana": "ヤマダ", **born})["Location"], {})
    with contract_scope(site):
        sealed = Attendee.objects.get(booking__state="booked").person
        assert sealed is not None
        day = "1989-01-08" if parts[0] == "heisei" else "1989-01-07"
        assert keyring(site).unseal_json(PERSON, sealed)["birth_date"] == day
