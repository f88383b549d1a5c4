"""The telephone's pages: wallboard, figures of a month, calls. What they say equals the table by hand; numbers are shown to few and logged."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from madoguchi.domain.calls import rules
from madoguchi.domain.calls.models import Call, Callback
from madoguchi.domain.calls.services.record import record_events
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.web.callcentre.board import operators
from tests.domain.calls.day import BY_HAND, EVENING, RECEIVED, record_day
from tests.domain.calls.told import NINE, abandoned, answered, callback, closed, told
from tests.web.staff_site import SignIn

BOARD = "/staff/hatsukaichi/phone/"
FIGURES = "/staff/hatsukaichi/phone/figures/"
CALLS = "/staff/hatsukaichi/phone/calls/"
NUMBER = "090-1234-5678"


@pytest.fixture
def city(contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch) -> Contract:
    """廿日市市 on the evening of the synthetic day."""
    monkeypatch.setattr(clock, "now", lambda: EVENING)
    return contracts["hatsukaichi"]


def tell(contract: Contract, *calls: list[Any]) -> None:
    with contract_scope(contract):
        record_events(contract, [event for call in calls for event in call], by=SYSTEM, now=EVENING)


def text(client: Client, url: str, **headers: str) -> str:
    response = client.get(url, headers=headers)
    assert response.status_code == 200, url
    return response.content.decode()


def reads(contract: Contract) -> list[str]:
    with contract_scope(contract):
        return list(Entry.objects.filter(action__startswith="call.").order_by("pk").values_list("action", flat=True))


@pytest.mark.req("CALL-06")
def test_pages_agree_with_the_table_by_hand(city: Contract, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "definitions", lambda profile: tuple(definition for definition, *_ in BY_HAND))
    with contract_scope(city):
        record_day(city)
    client = sign_in(city, Role.CITY)
    board, figures = text(client, BOARD), text(client, FIGURES)
    for definition, offered, spoken, rate in BY_HAND:
        assert definition.name in board
        assert rate in board
        assert f"{spoken}÷{offered}" in figures
        assert f"<b>{rate}</b>" in figures
    assert "応答140÷対象186件・目標80.0% <b" in board
    assert "目標を下回っています" in board
    assert figures.count(f"{RECEIVED}件</td></tr></tfoot>") == len(BY_HAND)
    assert "5秒未満で切断" in figures
    told_as_json = client.get("/staff/hatsukaichi/phone/figures.json?month=2026-11").json()
    for (_definition, offered, spoken, _rate), one in zip(BY_HAND, told_as_json["definitions"], strict=True):
        assert (one["received"], one["offered"], one["counted_answered"]) == (RECEIVED, offered, spoken)
        assert len(one["excluded"]) == RECEIVED - 2 - offered
        assert one["answer_rate"] == spoken / offered
    sheet = client.get("/staff/hatsukaichi/phone/figures.csv").content.decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(sheet)))
    assert len(lines) == RECEIVED
    for definition, offered, spoken, _rate in BY_HAND:
        words = [line[f"{definition.name}：数え方"] for line in lines]
        assert (words.count("応答"), words.count("応答") + words.count("不応答")) == (spoken, offered)
    assert reads(city) == [], "figures name nobody"


@pytest.mark.req("CALL-06")
def test_the_board_lives_alone_and_says_what_changed(city: Contract, sign_in: SignIn) -> None:
    client = sign_in(city, Role.AUDITOR)
    page = text(client, BOARD)
    assert 'hx-trigger="every 5s"' in page
    assert "said=quiet-open" in page
    assert "交換機につながっていません。記録からの数字だけを表示しています。" in page
    assert "今日の着信はまだありません" in page
    assert "hx-get" not in text(client, f"{BOARD}?pause=1")
    part = text(client, f"{BOARD}?said=quiet-open", **{"HX-Request": "true"})
    assert part.lstrip().startswith("<div id=\"live\"")
    assert "board-said" not in part, "nothing changed: nothing is said"
    tell(city, told("w", ("offered", 0), ("queued", 2), start=EVENING - dt.timedelta(seconds=90)))
    part = text(client, f"{BOARD}?said=quiet-open", **{"HX-Request": "true"})
    assert "待っている方がいます。" in part
    assert "said=waiting-open" in part
    assert "<b>1:28</b>" in part
    wall = text(client, f"{BOARD}?wall=1")
    assert "wall-tile is-warn" in wall
    assert "wall=1" in wall.split('hx-get="')[1].split('"')[0]


@pytest.mark.req("CALL-06")
def test_a_board_left_alone_leads_to_the_sign_in(city: Contract) -> None:
    response = Client().get(BOARD, headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{BOARD}?wall=1"})
    assert response.headers["HX-Redirect"] == f"/accounts/login/?next={BOARD}?wall=1"
    assert Client().get(BOARD).status_code == 302


def test_operators_in_words(city: Contract, sign_in: SignIn) -> None:
    sign_in(city)
    from madoguchi.ground.accounts.models import User

    user = User.objects.get(email__startswith="staff")
    told_by_exchange = {
        "waiting": [], "longest": 0.0,
        "operators": [
            {"name": "phone-9", "state": "break", "seconds": 30.2, "supervisor": True},
            {"name": f"user:{user.pk}", "state": "talking", "seconds": 61.7, "supervisor": False},
        ],
    }  # fmt: skip
    found = operators(told_by_exchange)
    assert [(row["name"], row["state"], row["seconds"]) for row in found["rows"]] == [(user.name, "通話中", 62), ("phone-9", "休憩・離席", 30)]
    assert operators(None) == {"connected": False, "rows": []}


@pytest.mark.req("CALL-08", "SEC-01")
def test_the_list_shows_numbers_and_reports_it(city: Contract, sign_in: SignIn) -> None:
    tell(city, answered("a", caller="+819012345678"), abandoned("b", start=NINE + dt.timedelta(hours=1), caller=""), closed("c", caller="+819000000003"))
    client = sign_in(city, Role.OPERATOR)
    page = text(client, CALLS)
    assert NUMBER in page
    assert "非通知" in page
    assert "<b>3件</b>" in page
    only = text(client, f"{CALLS}?unanswered=on")
    assert "非通知" in only
    assert NUMBER not in only
    assert "当てはまる着信はありません" in text(client, f"{CALLS}?first=2026-11-01&last=2026-11-01")
    assert client.get(f"{CALLS}?first=2026-11-03&last=2026-11-01").status_code == 422
    assert client.get(f"{CALLS}?first=2026-01-01&last=2026-11-01").status_code == 422
    assert client.get(f"{CALLS}?first=いつか").status_code == 422
    found = client.post(CALLS, {"number": "０９０－１２３４－５６７８"}).content.decode()
    assert "応答" in found
    assert "非通知" not in found
    assert "この番号の着信はありません" in client.post(CALLS, {"number": "090-9999-9999"}).content.decode()
    wrong = client.post(CALLS, {"number": "12"})
    assert wrong.status_code == 422
    assert 'value="12"' in wrong.content.decode()
    file = client.post("/staff/hatsukaichi/phone/calls/export/", {"first": "2026-11-02", "last": "2026-11-02"})
    assert NUMBER in file.content.decode("utf-8-sig")
    assert set(reads(city)) == {"call.listed"}
    with contract_scope(city):
        assert NUMBER not in repr(list(Entry.objects.values_list("detail", flat=True)))


@pytest.mark.req("CALL-03", "CALL-08")
def test_one_call_and_the_way_onto_the_list_of_call_backs(city: Contract, sign_in: SignIn) -> None:
    tell(city, abandoned("b", caller="+819012345678"), abandoned("w", caller=""), answered("old", start=NINE - dt.timedelta(days=2), caller="+819012345678"))
    with contract_scope(city):
        ids = dict(Call.objects.values_list("ref", "pk"))
    client = sign_in(city, Role.OPERATOR)
    page = text(client, f"{CALLS}{ids['b']}/")
    for words in (NUMBER, "人が応答する前に、相手が電話を切った。", "不応答", "10/31（土） 09:00", "折り返しの一覧に加える"):
        assert words in page
    assert "折り返しの一覧に加える" in text(client, BOARD)
    done = client.post(f"{CALLS}{ids['b']}/callback/", {"back": "board"}, follow=True).content.decode()
    assert "折り返しの一覧に加えました。" in done
    assert "折り返し待ち" in done
    with contract_scope(city):
        assert Callback.objects.get().call_id == ids["b"]
    assert "すでに一覧にあります" in client.post(f"{CALLS}{ids['b']}/callback/", follow=True).content.decode()
    assert "番号がないため、折り返せません。" in client.post(f"{CALLS}{ids['w']}/callback/", follow=True).content.decode()
    assert "call.viewed" in reads(city)
    assert client.get(f"{CALLS}999999/").status_code == 404
    auditor = sign_in(city, Role.AUDITOR)
    assert "折り返しの一覧に加える" not in text(auditor, f"{CALLS}{ids['w']}/")
    assert auditor.post(f"{CALLS}{ids['w']}/callback/").status_code == 403


@pytest.mark.req("CALL-06", "CALL-08")
def test_why_a_call_does_not_count(city: Contract, sign_in: SignIn) -> None:
    tell(city, closed("c"))
    with contract_scope(city):
        pk = Call.objects.get().pk
    assert "<b>除外</b>（受付時間外のため）" in text(sign_in(city, Role.CITY), f"{CALLS}{pk}/")


@pytest.mark.req("CALL-06")
@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_the_figures(city: Contract, sign_in: SignIn, role: Role) -> None:
    tell(city, answered(), callback())
    client = sign_in(city, role)
    for url in (BOARD, f"{BOARD}?wall=1", FIGURES, f"{FIGURES}?month=2026-10", f"{FIGURES}?month=x"):
        assert "09012345678" not in text(client, url)


@pytest.mark.req("CALL-06")
@pytest.mark.parametrize("times", [1, 3])
def test_pages_take_few_statements(city: Contract, sign_in: SignIn, django_assert_max_num_queries: Callable[[int], Any], times: int) -> None:
    for n in range(times):
        start = NINE + dt.timedelta(minutes=n)
        tell(city, answered(f"a{n}", start=start), abandoned(f"b{n}", start=start), callback(f"c{n}", start=start, caller=f"+81901111000{n}"))
    client = sign_in(city, Role.OPERATOR)
    for url, most in ((BOARD, 20), (FIGURES, 19), (CALLS, 24)):
        with django_assert_max_num_queries(most):
            client.get(url)
