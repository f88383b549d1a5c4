"""The desk: searching, booking, changing, cancelling through the screens."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.models import Attendee, Booking, Event, Slot
from madoguchi.domain.booking.queries.desk import panel, read_search
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from tests.web.staff_site import TUESDAY_10, SignIn, book

DESK = "/staff/hatsukaichi/desk/"
PERSON = {
    "rows": "1",
    "r1_procedure": "card_pickup",
    "r1_name": "山田 花子",
    "r1_kana": "やまだ はなこ",
    "r1_birth_date": "S55.1.2",
    "c_phone": "０９０ー１２３４ー５６７８",
    "c_email": "",
    "site": "main",
    "language": "ja",
    "at": TUESDAY_10.isoformat(),
    "on": "2026-11-10",
    "step": "book",
}


def fields(html: str) -> dict[str, str]:
    """Hidden inputs of the party form."""
    return dict(re.findall(r'<input type="hidden" name="([a-z0-9_]+)" value="([^"]*)"', html))


def actions(contract: Contract) -> list[str]:
    with contract_scope(contract):
        return list(Entry.objects.order_by("id").values_list("action", flat=True))


@pytest.mark.req("BOOK-11")
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("k7m2-9qxt", "code"),
        ("Ｋ７Ｍ２ ９ＱＸＴ", "code"),
        ("０９０－１２３４－５６７８", "phone"),
        ("+81 90 1234 5678", "phone"),
        ("やまだ たろう 昭和55年1月2日", "person"),
        ("19800102 ﾔﾏﾀﾞ ﾀﾛｳ", "person"),
        ("ヤマダタロウS55.1.2", "person"),
        ("taro@example.jp", "mail"),
        ("ヤマダ タロウ", "unknown"),
        ("昭和55年1月2日", "unknown"),
        ("山田太郎", "unknown"),
    ],
)
def test_what_was_typed_is_understood(text: str, kind: str) -> None:
    key = read_search(text)
    assert key.kind == kind
    assert bool(key.problem) == (kind == "unknown")


@pytest.mark.req("BOOK-11")
@pytest.mark.parametrize("text", ["ヤマダタロウ 昭和55年1月2日", "090 1234 5678"])
def test_one_live_match_opens_and_the_search_is_audited_without_its_text(
    site: Contract, at_desk: Client, now: dt.datetime, text: str
) -> None:
    made = book(site, now=now)
    answer = at_desk.post(DESK, {"q": text})
    assert answer.status_code == 302
    assert answer.url == f"{DESK}b/{made.code}/"
    with contract_scope(site):
        entry = Entry.objects.order_by("-id").first()
        assert entry.action == "booking.searched"
        assert entry.detail["bookings"] == [made.id]
        assert entry.detail["kind"] in ("person", "phone")
        assert "090" not in str(entry.detail)
    page = at_desk.get(answer.url).content.decode()
    assert "山田 太郎" in page
    assert "090-1234-5678" in page
    assert actions(site)[-1] == "booking.viewed"


def test_queries_of_a_search_do_not_grow_with_the_matches(site: Contract, at_desk: Client, now: dt.datetime) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert at_desk.post(DESK, {"q": "0901234567８"}).status_code == 200
        return len(seen)

    book(site, now=now)
    book(site, TUESDAY_10 + dt.timedelta(days=1), now=now)
    count()
    two = count()
    for days in (2, 3):
        book(site, TUESDAY_10 + dt.timedelta(days=days), now=now)
    assert count() == two


@pytest.mark.req("BOOK-11")
def test_a_booking_is_made_on_one_screen_and_read_out(site: Contract, at_desk: Client) -> None:
    first = at_desk.get(f"{DESK}new/").content.decode()
    sent = {**PERSON, "key": fields(first)["key"]}
    answer = at_desk.post(f"{DESK}new/", sent)
    assert answer.status_code == 302
    with contract_scope(site):
        booking = Booking.objects.get()
        assert (booking.channel, booking.actor_kind, booking.people) == ("phone", "call_centre", 1)
        assert booking.starts_at == TUESDAY_10
        assert panel(site, booking.code).people[0].person.as_dict() == {
            "name": "山田 花子",
            "kana": "ヤマダ　ハナコ",
            "birth_date": "1980-01-02",
        }
    page = at_desk.get(answer.url).content.decode()
    assert "読み上げること" in page
    assert " ".join(booking.code[:4]) in page
    again = at_desk.post(f"{DESK}new/", sent)
    assert again.url == answer.url
    with contract_scope(site):
        assert Booking.objects.count() == 1


@pytest.mark.req("BOOK-11")
def test_wrong_input_keeps_everything_typed(site: Contract, at_desk: Client) -> None:
    answer = at_desk.post(
        f"{DESK}new/", {**PERSON, "key": "k1", "r1_birth_date": "S99.1.2", "c_phone": "090", "at": ""}
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    for typed in ("山田 花子", "やまだ はなこ", "S99.1.2", 'value="090"', "日時を選んでください。"):
        assert typed in page
    with contract_scope(site):
        assert not Booking.objects.exists()


def test_more_people_and_another_day_keep_everything_typed(site: Contract, at_desk: Client) -> None:
    page = at_desk.post(f"{DESK}new/", {**PERSON, "key": "k2", "step": "add"}).content.decode()
    assert 'name="r2_kana"' in page
    assert "山田 花子" in page
    page = at_desk.post(f"{DESK}new/", {**PERSON, "key": "k2", "step": "times", "day": "2026-11-12"}).content.decode()
    assert "2026-11-12T09:00" in page
    assert "やまだ はなこ" in page
    assert not re.search(r"name=\"at\"[^>]* checked", page)


@pytest.mark.req("BOOK-11")
def test_a_full_time_offers_the_nearest_ones(site: Contract, at_desk: Client) -> None:
    with contract_scope(site):
        Slot.objects.filter(starts_at=TUESDAY_10, pool__code="card").update(planned=0, capacity=0)
    answer = at_desk.post(f"{DESK}new/", {**PERSON, "key": "k3"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "近い日時の空き" in page
    picks = re.findall(r'name="pick" value="([^"]+)"', page)
    assert {dt.datetime.fromisoformat(p) for p in picks[:2]} == {
        TUESDAY_10 - dt.timedelta(minutes=30),
        TUESDAY_10 + dt.timedelta(minutes=30),
    }


@pytest.mark.req("BOOK-02")
def test_only_leaders_over_book_and_only_with_a_reason(site: Contract, at_desk: Client, sign_in: SignIn) -> None:
    with contract_scope(site):
        Slot.objects.filter(starts_at=TUESDAY_10, pool__code="card").update(planned=0, capacity=0)
    sent = {**PERSON, "key": "k4", "over": "on", "over_reason": "市の依頼"}
    assert at_desk.post(f"{DESK}new/", sent).status_code == 403
    leader = sign_in(site, Role.SUPERVISOR)
    assert leader.post(f"{DESK}new/", {**sent, "over_reason": ""}).status_code == 422
    answer = leader.post(f"{DESK}new/", sent)
    assert answer.status_code == 302
    page = leader.get(answer.url).content.decode()
    assert "定員超過で受付" in page
    assert "市の依頼" in page
    with contract_scope(site):
        assert Booking.objects.get().overbooked


@pytest.mark.req("BOOK-16")
def test_the_same_person_twice_needs_a_tick(site: Contract, at_desk: Client, now: dt.datetime) -> None:
    made = book(site, TUESDAY_10 + dt.timedelta(days=2), names=(("山田花子", "ヤマダ ハナコ", "1980-01-02"),), now=now)
    answer = at_desk.post(f"{DESK}new/", {**PERSON, "key": "k5"})
    assert answer.status_code == 409
    assert f"{made.code[:4]}-{made.code[4:]}" in answer.content.decode()
    assert at_desk.post(f"{DESK}new/", {**PERSON, "key": "k5", "duplicate_seen": "on"}).status_code == 302


def change_form(contract: Contract, code: str) -> dict[str, str]:
    with contract_scope(contract):
        seen = panel(contract, code)
    sent = {
        "rows": str(len(seen.people)),
        "version": str(seen.booking.version),
        "step": "save",
        "at": seen.starts_at.isoformat(),
    }
    sent["on"] = seen.starts_at.date().isoformat()
    for number, guest in enumerate(seen.people, 1):
        sent |= {f"r{number}_id": str(guest.id), f"r{number}_procedure": guest.procedure}
        sent |= {f"r{number}_{key}": value for key, value in guest.person.as_dict().items()}
    return sent


@pytest.mark.req("BOOK-11", "BOOK-05")
def test_move_add_and_change_in_one_deed(site: Contract, at_desk: Client, now: dt.datetime) -> None:
    made = book(site, now=now)
    url = f"{DESK}b/{made.code}/change/"
    assert at_desk.get(url).status_code == 200
    later = TUESDAY_10 + dt.timedelta(days=1)
    sent = change_form(site, made.code) | {
        "rows": "2", "r1_procedure": "pin_reset", "r2_procedure": "card_pickup", "r2_name": "山田 次郎", "r2_kana": "ヤマダ ジロウ",
        "at": later.isoformat(), "on": later.date().isoformat(),
    }  # fmt: skip
    answer = at_desk.post(url, sent)
    assert answer.status_code == 302
    with contract_scope(site):
        booking = Booking.objects.get()
        assert (booking.starts_at, booking.people, booking.version) == (later, 2, 2)
        assert list(Attendee.objects.order_by("position").values_list("procedure__code", flat=True)) == [
            "pin_reset",
            "card_pickup",
        ]
        assert Event.objects.order_by("-id").first().kind == "moved"
        assert Slot.objects.filter(starts_at=TUESDAY_10, taken__gt=0).count() == 0
    assert "山田 次郎" in at_desk.get(f"{DESK}b/{made.code}/").content.decode()
    stale = at_desk.post(url, sent)
    assert stale.status_code == 409
    assert "別の画面で予約の内容が変わりました" in stale.content.decode()


@pytest.mark.req("BOOK-11", "BOOK-05")
def test_a_person_is_taken_out(site: Contract, at_desk: Client, now: dt.datetime) -> None:
    made = book(site, names=(("甲", "コウ", "1980-01-02"), ("乙", "オツ", "1981-01-02")), now=now)
    sent = change_form(site, made.code) | {"r1_drop": "on"}
    assert at_desk.post(f"{DESK}b/{made.code}/change/", sent).status_code == 302
    with contract_scope(site):
        assert [g.person.name for g in panel(site, made.code).people] == ["乙"]


@pytest.mark.req("BOOK-09", "BOOK-11")
def test_contact_is_edited_and_history_shows_before_and_after(
    site: Contract, at_desk: Client, now: dt.datetime
) -> None:
    made = book(site, now=now)
    url = f"{DESK}b/{made.code}/contact/"
    assert at_desk.post(url, {"c_phone": "08011112222", "version": "7"}).status_code == 409
    assert at_desk.post(url, {"c_phone": "12", "version": "1"}).status_code == 422
    assert at_desk.post(url, {"c_phone": "08011112222", "version": "1"}).status_code == 302
    page = at_desk.get(f"{DESK}b/{made.code}/").content.decode()
    assert "090-1234-5678 → 080-1111-2222" in page
    assert "コールセンター・電話" in page


@pytest.mark.req("BOOK-11")
def test_cancelling_needs_a_reason_and_the_seen_version(site: Contract, at_desk: Client, now: dt.datetime) -> None:
    made = book(site, now=now)
    url = f"{DESK}b/{made.code}/cancel/"
    assert at_desk.post(url, {"version": "1"}).status_code == 422
    assert at_desk.post(url, {"version": "9", "reason": "その他"}).status_code == 409
    assert at_desk.post(url, {"version": "1", "reason": "都合が悪くなった"}).status_code == 302
    with contract_scope(site):
        assert Booking.objects.get().state == "cancelled"
        assert not Slot.objects.filter(taken__gt=0).exists()
    assert "都合が悪くなった" in at_desk.get(f"{DESK}b/{made.code}/").content.decode()


@pytest.mark.req("SEC-03", "SEC-04")
def test_notes_are_sealed_and_refuse_an_individual_number(site: Contract, at_desk: Client, now: dt.datetime) -> None:
    made = book(site, now=now)
    url = f"{DESK}b/{made.code}/note/"
    refused = at_desk.post(url, {"text": "番号は 1234 5678 9018 です"})
    assert refused.status_code == 422
    assert "5678" not in refused.content.decode().split("<main")[1].split("連絡先")[0]
    assert at_desk.post(url, {"text": "車いすで来る"}).status_code == 302
    with contract_scope(site):
        event = Event.objects.order_by("-id").first()
        assert "車いす" not in str(event.change)
        assert "車いす".encode() not in bytes(event.sealed)
    assert "車いすで来る" in at_desk.get(f"{DESK}b/{made.code}/").content.decode()


@pytest.mark.req("BOOK-11")
def test_another_site_is_chosen_and_one_without_the_procedure_says_so(
    contracts: dict[str, Contract], sign_in: SignIn, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("madoguchi.ground.kit.clock.now", lambda: now)
    contract = contracts["izumi"]
    availability.forget()
    set_up(contract, now=now)
    client = sign_in(contract, Role.OPERATOR)
    page = client.get("/staff/izumi/desk/new/").content.decode()
    assert page.count('name="at"') > 0
    for plan in availability.site_plans(contract).values():
        for procedure in contract.profile.procedures:
            sent = {"rows": "1", "site": plan.code, "r1_procedure": procedure.code, "step": "times"}
            page = client.post("/staff/izumi/desk/new/", sent).content.decode()
            refused = f"{plan.name}では「{procedure.title}」の予約を受け付けていません" in page
            assert refused == (bool(plan.procedures) and procedure.bookable and procedure.code not in plan.procedures)
    availability.forget()


@pytest.mark.req("SEC-01")
def test_auditors_look_and_cannot_touch(site: Contract, sign_in: SignIn, now: dt.datetime) -> None:
    made = book(site, now=now)
    auditor = sign_in(site, Role.AUDITOR)
    assert auditor.get(f"{DESK}b/{made.code}/").status_code == 200
    assert auditor.get(f"{DESK}new/").status_code == 403
    for deed in ("change", "contact", "cancel", "note"):
        assert auditor.post(f"{DESK}b/{made.code}/{deed}/", {}).status_code == 403


@pytest.mark.req("CON-02")
def test_staff_of_another_contract_find_nothing(
    site: Contract, contracts: dict[str, Contract], sign_in: SignIn, now: dt.datetime
) -> None:
    made = book(site, now=now)
    stranger = sign_in(contracts["urasoe"], Role.CITY)
    assert stranger.get(f"{DESK}b/{made.code}/").status_code == 404
    assert stranger.get(f"/staff/urasoe/desk/b/{made.code}/").status_code == 404
