"""Reservations by the programming interface: made once, refused with reasons, changed, cancelled."""

from __future__ import annotations

import copy
import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest

from madoguchi.domain.booking.models import Booking
from madoguchi.ground.accounts.keys import forget_known_keys, revoke_key
from madoguchi.ground.accounts.models import ApiKey
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM

from .conftest import Answer, Caller

PATH = "/api/v1/hatsukaichi/reservations"
BODY: dict[str, Any] = {
    "site": "main",
    "procedure": "card_pickup",
    "starts_at": "2026-11-10T10:00:00+09:00",
    "people": [{"name": "山田 太郎", "kana": "やまだ たろう", "birth_date": "昭和55年1月2日"}],
    "contact": {"phone": "０９０-1234-5678", "email": "taro@example.jp"},
}
SECOND = {"name": "山田 花子", "kana": "ヤマダ ハナコ", "birth_date": "1985-03-04", "procedure": "pin_reset"}


def body(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(BODY), **changes}


def post(call: Caller, key: str, **changes: Any) -> Answer:
    return call("POST", PATH, body(**changes), idempotency_key=key)


def make(call: Caller, key: str = "first-key", **changes: Any) -> dict[str, Any]:
    """A reservation that was made, as ``GET`` shows it."""
    made = post(call, key, **changes)
    assert made.status == 201, made.raw.decode()
    shown = call("GET", made.headers["location"])
    assert shown.status == 200
    found: dict[str, Any] = shown.json
    return found


def problem(answer: Answer, status: int) -> dict[str, Any]:
    """The body of a problem document, whose form is checked."""
    assert answer.status == status, answer.raw.decode()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    told: dict[str, Any] = answer.json
    assert set(told) == {"title", "status", "detail", "errors"}
    assert told["status"] == status
    return told


def count(contract: Contract) -> int:
    with contract_scope(contract):
        return Booking.objects.count()


def test_a_reservation_is_made_shown_and_recorded(call: Caller, site: Contract) -> None:
    made = post(call, "first-key")
    assert made.status == 201
    assert set(made.json) == {"code", "starts_at", "manage_url"}
    code = made.json["code"]
    assert re.fullmatch(r"[A-Z0-9]{4}-[A-Z0-9]{4}", code)
    assert made.headers["location"] == f"{PATH}/{code.replace('-', '')}"
    shown = call("GET", f"{PATH}/{code}").json
    (person,) = shown.pop("people")
    assert person.pop("id") > 0
    assert person == {
        "procedure": "card_pickup",
        "starts_at": "2026-11-10T10:00:00+09:00",
        "ends_at": "2026-11-10T10:30:00+09:00",
        "name": "山田 太郎",
        "kana": "ヤマダ　タロウ",
        "birth_date": "1980-01-02",
    }
    assert shown == {
        "code": code,
        "state": "booked",
        "site": "main",
        "starts_at": "2026-11-10T10:00:00+09:00",
        "ends_at": "2026-11-10T10:30:00+09:00",
        "language": "ja",
        "channel": "web",
        "version": 1,
        "contact": {"phone": "09012345678", "email": "taro@example.jp"},
    }
    with contract_scope(site):
        viewed = list(Entry.objects.filter(action="booking.viewed"))
    assert len(viewed) == 1
    assert viewed[0].actor_kind == "api"


@pytest.mark.parametrize("spelled", ["{code}", "{plain}", "{lower}"])
def test_a_code_is_found_as_people_write_it(call: Caller, spelled: str) -> None:
    code = make(call)["code"]
    said = spelled.format(code=code, plain=code.replace("-", ""), lower=code.lower())
    assert call("GET", f"{PATH}/{said}").json["code"] == code


def test_the_same_key_reserves_once(call: Caller, site: Contract) -> None:
    first, again = post(call, "same-key-1"), post(call, "same-key-1")
    assert (first.status, again.status) == (201, 200)
    assert first.json == again.json
    assert count(site) == 1


def test_the_same_key_with_another_wish_is_refused(call: Caller, site: Contract) -> None:
    post(call, "same-key-1")
    told = problem(post(call, "same-key-1", starts_at="2026-11-10T11:00:00+09:00"), 409)
    assert told["errors"] == [{"field": "", "message": "key_reused"}]
    assert count(site) == 1


def test_keys_of_two_callers_do_not_meet(key: Callable[..., Caller], site: Contract) -> None:
    one, other = key(), key()
    assert post(one, "same-key-1").json["code"] != post(other, "same-key-1").json["code"]
    assert count(site) == 2


@pytest.mark.parametrize("wrong", ["", "short", "x" * 49, "with space in it", "日本語の鍵です"])
def test_a_reservation_needs_a_usable_key_against_repetition(call: Caller, site: Contract, wrong: str) -> None:
    told = problem(call("POST", PATH, body(), idempotency_key=wrong), 400)
    assert "Idempotency-Key" in told["detail"]
    assert count(site) == 0


def test_a_full_time_is_refused_and_nothing_is_sold_twice(call: Caller, site: Contract) -> None:
    answers = [post(call, f"filling-{n:03}") for n in range(30)]
    made = sum(1 for answer in answers if answer.status == 201)
    assert 1 <= made < 30
    told = problem(answers[-1], 409)
    assert told["detail"] == "この日時は予約がいっぱいになりました。近くの空いている日時から選んでください。"
    assert told["errors"] == [{"field": "", "message": "full"}]
    assert count(site) == made


def test_a_party_is_all_or_nothing(call: Caller, site: Contract) -> None:
    shown = make(call, people=[BODY["people"][0], SECOND])
    assert [p["procedure"] for p in shown["people"]] == ["card_pickup", "pin_reset"]
    told = problem(post(call, "six-people", people=[BODY["people"][0]] * 6), 422)
    assert told["detail"] == "一度に予約できる人数を超えています。人数を減らすか、予約を分けてください。"
    assert count(site) == 1


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"people": [{"kana": "ヤマダ タロウ"}]}, "people.0.name", "入力してください。"),
        ({"people": [{"name": "山田 太郎", "kana": "山田"}]}, "people.0.kana", "カタカナで入力してください。"),
        ({"people": [{"name": "山田", "kana": "ヤマダ", "birth_date": "2030-01-01"}]}, "people.0.birth_date", ""),
        ({"people": [{"name": "山田", "kana": "ヤマダ", "procedure": "fly"}]}, "people.0.procedure", "card_pickup"),
        ({"contact": {}}, "contact.phone", "入力してください。"),
        ({"contact": {"phone": "09"}}, "contact.phone", "電話番号"),
        ({"contact": {"phone": "09012345678", "email": "taro@"}}, "contact.email", "メールアドレス"),
        ({"people": []}, "people", ""),
        ({"starts_at": "2026-11-10T10:00:00"}, "starts_at", "timezone"),
        ({"shoe_size": 26}, "shoe_size", ""),
    ],
)
def test_wrong_input_is_named_field_by_field(
    call: Caller, site: Contract, changes: dict[str, Any], field: str, message: str
) -> None:
    told = problem(post(call, "wrong-input", **changes), 422)
    assert told["detail"] == "入力を確かめてください。"
    assert [e["field"] for e in told["errors"]] == [field]
    assert message in told["errors"][0]["message"]
    assert count(site) == 0


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff\xfe"])
def test_a_body_that_cannot_be_read_is_a_bad_request(call: Caller, raw: bytes) -> None:
    problem(call("POST", PATH, raw, idempotency_key="unreadable"), 400)


def test_a_body_that_is_too_large_is_refused_before_it_is_read(call: Caller) -> None:
    told = problem(call("POST", PATH, b"x" * 100_001, idempotency_key="too-large"), 413)
    assert told["detail"] == "本文は100KBまでです。"


def test_the_individual_number_is_refused_and_not_repeated(call: Caller, site: Contract) -> None:
    number = "123456789018"
    people = [{"name": f"山田 {number}", "kana": "ヤマダ"}]
    for changes in ({"people": people}, {"contact": {"phone": "09012345678", "needs": f"番号は {number} です"}}):
        answer = post(call, "with-number", **changes)
        told = problem(answer, 422)
        assert "マイナンバー" in told["errors"][0]["message"]
        assert number not in answer.raw.decode()
    assert count(site) == 0


def test_without_a_valid_key_nothing_is_told(call: Caller, anyone: Caller) -> None:
    path = f"{PATH}/{make(call)['code']}"
    for caller in (anyone, Caller("mdg_wrong")):
        for method in ("GET", "PATCH", "DELETE"):
            answer = caller(method, path, {})
            problem(answer, 401)
            assert answer.headers["www-authenticate"] == "Bearer"
        problem(post(caller, "no-key-here"), 401)


def test_a_revoked_key_is_no_key(call: Caller, site: Contract, now: dt.datetime) -> None:
    code = make(call)["code"]
    with contract_scope(site):
        revoke_key(site, ApiKey.objects.get().pk, by=SYSTEM, now=now)
    forget_known_keys()
    problem(call("GET", f"{PATH}/{code}"), 401)


def test_a_key_does_what_its_scopes_say(key: Callable[..., Caller], call: Caller, site: Contract) -> None:
    path = f"{PATH}/{make(call)['code']}"
    reader, writer = key("reservations:read"), key("reservations:write")
    assert reader("GET", path).status == 200
    assert "reservations:write" in problem(reader("DELETE", path), 403)["detail"]
    problem(post(reader, "reader-writes"), 403)
    problem(reader("PATCH", path, {}), 403)
    assert "reservations:read" in problem(writer("GET", path), 403)["detail"]
    assert post(writer, "writer-writes").status == 201
    assert count(site) == 2


def test_a_key_opens_its_own_contract_only(call: Caller, contracts: dict[str, Contract]) -> None:
    code = make(call)["code"]
    problem(call("GET", f"/api/v1/izumi/reservations/{code}"), 401)
    problem(call("POST", "/api/v1/izumi/reservations", body(site="honkan"), idempotency_key="not-mine"), 401)
    assert "nowhere" in problem(call("GET", f"/api/v1/nowhere/reservations/{code}"), 404)["detail"]


def test_too_many_requests_are_told_to_wait(key: Callable[..., Caller]) -> None:
    slow = key(per_minute=2)
    statuses = [slow("GET", f"{PATH}/AAAAAAAA").status for _ in range(3)]
    assert statuses == [404, 404, 429]
    answer = slow("GET", f"{PATH}/AAAAAAAA")
    assert problem(answer, 429)["detail"] == "1分あたり2回までです。"
    assert 1 <= int(answer.headers["retry-after"]) <= 31


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", PATH, "POST"),
        ("PUT", f"{PATH}/AAAAAAAA", "GET, PATCH, DELETE"),
        ("POST", "/api/v1/hatsukaichi/availability", "GET"),
        ("POST", "/api/v1/openapi.json", "GET"),
    ],
)
def test_a_method_that_is_not_there_is_named_with_those_that_are(
    call: Caller, method: str, path: str, allowed: str
) -> None:
    answer = call(method, path, {})
    assert allowed in problem(answer, 405)["detail"]
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/api/v1/", "/api/v1/hatsukaichi", f"{PATH}/a/b", f"{PATH}/{'A' * 21}"])
def test_other_addresses_are_not_there(call: Caller, path: str) -> None:
    problem(call("GET", path), 404)


def test_a_reservation_moves_grows_and_keeps_who_is_in_it(call: Caller) -> None:
    before = make(call)
    path = f"{PATH}/{before['code']}"
    moved = call("PATCH", path, {"starts_at": "2026-11-11T13:00:00+09:00", "version": before["version"]})
    assert moved.status == 200, moved.raw.decode()
    assert moved.json["starts_at"] == "2026-11-11T13:00:00+09:00"
    assert moved.json["people"][0]["id"] == before["people"][0]["id"]
    assert moved.json["version"] == before["version"] + 1
    grown = call("PATCH", path, {"people": [{"id": before["people"][0]["id"]}, SECOND]}).json
    assert [(p["name"], p["procedure"]) for p in grown["people"]] == [
        ("山田 太郎", "card_pickup"),
        ("山田 花子", "pin_reset"),
    ]
    shrunk = call("PATCH", path, {"people": [{"id": grown["people"][1]["id"]}]}).json
    assert [p["name"] for p in shrunk["people"]] == ["山田 花子"]
    edited = call("PATCH", path, {"contact": {"phone": "080-9999-8888"}}).json
    assert edited["contact"] == {"phone": "08099998888"}


def test_a_stranger_cannot_be_kept_in_a_party(call: Caller) -> None:
    path = f"{PATH}/{make(call)['code']}"
    assert "999999" in problem(call("PATCH", path, {"people": [{"id": 999999}]}), 422)["detail"]


@pytest.mark.parametrize(
    "change",
    [
        {"starts_at": "2026-11-11T13:00:00+09:00"},
        {"contact": {"phone": "080-9999-8888"}},
        {"contact": {"phone": "080-9999-8888"}, "starts_at": "2026-11-11T13:00:00+09:00"},
    ],
    ids=["time", "contact", "both"],
)
def test_a_change_of_something_seen_too_long_ago_is_refused_whole(call: Caller, change: dict[str, Any]) -> None:
    before = make(call)
    path = f"{PATH}/{before['code']}"
    call("PATCH", path, {"starts_at": "2026-11-12T10:00:00+09:00"})
    latest = call("GET", path).json
    told = problem(call("PATCH", path, {**change, "version": before["version"]}), 409)
    assert told["errors"] == [{"field": "", "message": "stale"}]
    assert call("GET", path).json == latest


def test_contact_and_time_change_together(call: Caller) -> None:
    before = make(call)
    change = {"contact": {"phone": "080-9999-8888"}, "starts_at": "2026-11-12T10:00:00+09:00"}
    after = call("PATCH", f"{PATH}/{before['code']}", {**change, "version": before["version"]})
    assert after.status == 200, after.raw.decode()
    assert after.json["starts_at"] == "2026-11-12T10:00:00+09:00"
    assert after.json["contact"]["phone"] == "08099998888"


def test_a_contact_that_is_the_same_as_before_does_not_count_as_a_change(call: Caller) -> None:
    before = make(call)
    change = {"contact": BODY["contact"], "starts_at": "2026-11-12T10:00:00+09:00", "version": before["version"]}
    after = call("PATCH", f"{PATH}/{before['code']}", change)
    assert after.status == 200, after.raw.decode()
    assert after.json["version"] == before["version"] + 1


def test_a_cancelled_reservation_stays_cancelled(call: Caller) -> None:
    path = f"{PATH}/{make(call)['code']}"
    first, again = call("DELETE", path), call("DELETE", path)
    assert (first.status, first.json["state"]) == (200, "cancelled")
    assert (again.status, again.json) == (200, first.json), "cancelling is safe to repeat"
    problem(call("PATCH", path, {"starts_at": "2026-11-12T10:00:00+09:00"}), 409)
    assert call("GET", path).json["state"] == "cancelled"
