# ruff: noqa: F811
"""Notice numbers against the city's list: uploaded in the office, asked of residents, passed over by staff with a reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from madoguchi.domain.booking.models import Attendee, Booking, NoticeCard
from madoguchi.domain.booking.services.cards import add_cards
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM
from tests.fields import ask
from tests.web.api.conftest import Caller, call, key  # noqa: F401
from tests.web.api.test_reservations import PATH, body
from tests.web.callcentre.test_desk import PERSON, change_form
from tests.web.citizen.conftest import resident  # noqa: F401
from tests.web.citizen.resident import TARO, Resident, text_of
from tests.web.staff_site import at_desk, sign_in, site  # noqa: F401

pytestmark = pytest.mark.req("BOOK-07", "SEC-05")
PAGE = "/staff/hatsukaichi/cards/"
BORN = {"birth_date_year": "1980", "birth_date_month": "1", "birth_date_day": "2"}
RIGHT = {**TARO, **BORN, "notice_number": "ａ１ｂ１２３４５６"}
WRONG = {**RIGHT, "notice_number": "A1B-123457"}
REFUSED = "はがきの番号と生年月日の組み合わせを確かめられませんでした"


@pytest.fixture
def listed(site: Contract, monkeypatch: pytest.MonkeyPatch, now: dt.datetime) -> Contract:
    ask(monkeypatch, site, {"code": "notice_number"}, notice_check="list")
    add_cards(site, [("A1B-123456", dt.date(1980, 1, 2))], expires_on=dt.date(2027, 3, 31), by=SYSTEM, now=now)
    return site


def count(contract: Contract) -> int:
    with contract_scope(contract):
        return NoticeCard.objects.count()


def upload(client: Client, content: bytes, until: str = "2027-03-31") -> object:
    return client.post(PAGE, {"file": SimpleUploadedFile("list.csv", content), "until": until})


def test_the_city_uploads_a_file_whole_or_not_at_all(listed: Contract, sign_in: Callable[..., Client]) -> None:
    city = sign_in(listed, Role.CITY)
    page = text_of(city.get(PAGE))
    assert "1件" in page and "令和9年3月31日(水)まで" in page
    broken = upload(city, "番号,生年月日\nC2D-000001,S60.3.4\nC2D-2,S60.3.4\nC2D-000003,きのう\n".encode("cp932"))
    told = text_of(broken)  # type: ignore[arg-type]
    assert broken.status_code == 422 and "何も登録していません" in told  # type: ignore[attr-defined]
    assert "3 1 番号は、" in told and "4 2 生年月日" in told and "C2D-2" not in told
    assert count(listed) == 1
    assert upload(city, "番号,生年月日\nC2D-000001,S60.3.4\n".encode("cp932")).status_code == 302  # type: ignore[attr-defined]
    assert count(listed) == 2
    for until, content in (("2020-01-01", b"A1B-123456,1980-01-02"), ("2027-03-31", b"")):
        assert upload(city, content, until).status_code == 422  # type: ignore[attr-defined]
    assert city.post(PAGE, {"until": "2027-03-31"}).status_code == 422
    city.post(f"{PAGE}drop/", {})
    assert count(listed) == 2
    city.post(f"{PAGE}drop/", {"sure": "on"})
    assert count(listed) == 0
    assert "まだ登録がありません" in text_of(city.get(PAGE))


def test_the_page_is_for_those_who_may_and_contracts_that_use_it(
    site: Contract, at_desk: Client, sign_in: Callable[..., Client]
) -> None:
    assert at_desk.get(PAGE).status_code == 403
    city = sign_in(site, Role.CITY)
    assert "一覧との照合を使っていません" in text_of(city.get(PAGE))
    assert "はがきの番号</a>" not in city.get("/staff/hatsukaichi/").content.decode()
    assert upload(city, b"A1B-123456,1980-01-02").status_code == 403  # type: ignore[attr-defined]
    assert count(site) == 0


def test_residents_are_asked_again_without_a_hint_which_half_was_wrong(resident: Resident, listed: Contract) -> None:
    page = resident.hold()["Location"]
    number = resident.details(page, WRONG)
    birth = resident.details(page, {**RIGHT, "birth_date_day": "3"})
    for answer in (number, birth):
        assert answer.status_code == 422
        assert REFUSED in text_of(answer) and "お電話ください" in text_of(answer)
        assert 'value="山田　太郎"' in answer.content.decode()
    assert "英数字3桁" in text_of(resident.details(page, {**RIGHT, "notice_number": "12"}))
    assert "生年月日も入力してください" in text_of(resident.details(page, {**TARO, "notice_number": "A1B-123456"}))
    assert resident.details(page, {**TARO, **BORN})["Location"].endswith("/check/")
    check = resident.details(page, RIGHT)["Location"]
    resident.post(check, {})
    assert len(resident.bookings(state="booked")) == 1


def test_guessing_is_stopped_also_for_the_right_number(resident: Resident, listed: Contract) -> None:
    page = resident.hold()["Location"]
    answers = [resident.details(page, WRONG).status_code for _ in range(21)]
    assert set(answers[:20]) == {422} and answers[20] == 429
    assert resident.details(page, RIGHT).status_code == 429
    assert 'value="山田　太郎"' in resident.get(page).content.decode()


def test_a_booking_s_person_is_checked_when_the_number_changes(resident: Resident, listed: Contract) -> None:
    link = resident.link(resident.book("card_pickup", RIGHT))
    with contract_scope(listed):
        NoticeCard.objects.all().delete()
        person = Attendee.objects.get(booking__state="booked").pk

    def send(version: int, **changed: str) -> int:
        sent = {"procedure": "pin_reset", "version": str(version)}
        sent |= {f"person1-{k}": v for k, v in {**RIGHT, **changed}.items()}
        return int(resident.post(f"{link}person/{person}/", sent).status_code)

    assert send(2, notice_number="A1B-123457") == 422
    assert send(2, name="山田　次郎") == 302


def test_staff_go_on_with_a_reason_that_is_kept(listed: Contract, at_desk: Client) -> None:
    url = "/staff/hatsukaichi/desk/new/"
    sent = PERSON | {"r1_notice_number": "A1B-123457"}
    asked = at_desk.post(url, sent)
    assert asked.status_code == 422
    assert "一覧にありません" in text_of(asked) and "番号を確かめずに受け付ける" in text_of(asked)
    no_reason = at_desk.post(url, sent | {"notice_skipped": "on"})
    assert no_reason.status_code == 422 and "理由を入力してください" in text_of(no_reason)
    made = at_desk.post(url, sent | {"notice_skipped": "on", "notice_reason": "窓口で免許証を確認"})
    assert made.status_code == 302
    shown = text_of(at_desk.get(made["Location"]))
    assert "はがきの番号を確かめなかった理由" in shown and "窓口で免許証を確認" in shown
    with contract_scope(listed):
        code = Booking.objects.get().code
    same = change_form(listed, code) | {"r1_name": "山田 華子"}
    assert at_desk.post(f"/staff/hatsukaichi/desk/b/{code}/change/", same).status_code == 302
    other = change_form(listed, code) | {"r1_notice_number": "A1B-123458"}
    assert at_desk.post(f"/staff/hatsukaichi/desk/b/{code}/change/", other).status_code == 422
    right = at_desk.post(url, PERSON | {"r1_notice_number": "A1B-123456", "r1_name": "別", "r1_kana": "ベツ", "c_phone": "0829300000"})
    assert right.status_code == 302


def test_programs_are_checked_too(call: Caller, listed: Contract) -> None:
    def post(number: str, key: str) -> tuple[int, list[str]]:
        person = {**body()["people"][0], "notice_number": number}
        answer = call("POST", PATH, body(people=[person]), idempotency_key=key)
        return answer.status, [error["field"] for error in answer.json.get("errors", [])]

    assert post("A1B-123457", "cards-0001") == (422, ["people.0.notice_number"])
    assert post("A1B-123456", "cards-0002") == (201, [])
