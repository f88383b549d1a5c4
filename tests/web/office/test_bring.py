"""The table of what to bring on the city's screen: read, changed from a day on, added to, ended, approved."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client

from madoguchi.domain.procedures.models import BringRule
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from tests.web.staff_site import SignIn

STAFF = "/staff/hatsukaichi/bring/"
HATSUKAICHI = {"p": "card_pickup"}


def typed(day: dt.date, **values: object) -> dict[str, object]:
    return {
        "starts": day.isoformat(), "kind": "document", "text_ja": "黄色い封筒", "source": "要綱3条", "who": ["self"],
        "age_from": "0", "age_to": "150", **values,
    }  # fmt: skip


def rule(site: Contract, code: str, **where: object) -> BringRule:
    with contract_scope(site):
        return BringRule.objects.filter(code=code, **where).latest("valid_from")


@pytest.mark.req("BOOK-12")
def test_everybody_reads_the_table_with_its_sources(site: Contract, at_desk: Client) -> None:
    page = at_desk.get(STAFF, HATSUKAICHI).content.decode()
    assert "萩市・北九州市・青梅市の案内" in page
    assert "本人への案内" in page and "任意代理人への案内" in page
    assert "行を追加" not in page and "確認済みにする</button>" not in page
    assert at_desk.get(f"{STAFF}pickup-notice/").status_code == 403
    assert at_desk.get(f"{STAFF}?p=nothing").status_code == 404


@pytest.mark.req("BOOK-12")
def test_a_row_is_changed_from_a_day_on(site: Contract, sign_in: SignIn, now: dt.datetime) -> None:
    manager = sign_in(site, Role.MANAGER)
    starts = now.date() + dt.timedelta(days=20)
    answer = manager.post(f"{STAFF}pickup-notice/", typed(starts))
    assert answer.status_code == 302
    assert "黄色い封筒" not in manager.get(STAFF, HATSUKAICHI).content.decode().split("これから変わること")[0]
    assert "黄色い封筒" in manager.get(STAFF, HATSUKAICHI | {"on": starts.isoformat()}).content.decode()
    resident = Client().get("/hatsukaichi/bring/", {"p": "card_pickup", "who": "self"}).content.decode()
    assert "黄色い封筒" not in resident
    assert rule(site, "pickup-notice").edited_by == "業務責任者 花子"


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"text_ja": ""}, "文面を入力してください"),
        ({"age_from": "20", "age_to": "10"}, "同じか、より上の年齢"),
        ({"when": ["lost"], "unless": ["lost"]}, "両方に選ばれています"),
        ({"starts": "昨日"}, "日付"),
        ({"starts": ""}, "いつから変えるか"),
        ({"age_from": "-1"}, "0から150までの数"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    site: Contract, sign_in: SignIn, now: dt.datetime, values: dict[str, object], complaint: str
) -> None:
    manager = sign_in(site, Role.MANAGER)
    answer = manager.post(f"{STAFF}pickup-notice/", typed(now.date(), **values))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert complaint in page
    assert "要綱3条" in page
    assert rule(site, "pickup-notice").edited_by == ""


def test_the_past_is_refused_in_words(site: Contract, sign_in: SignIn, now: dt.datetime) -> None:
    answer = sign_in(site, Role.CITY).post(f"{STAFF}pickup-notice/", typed(now.date() - dt.timedelta(days=1)))
    assert answer.status_code == 409
    assert "過ぎた日からは変更できません" in answer.content.decode()
    assert "黄色い封筒" in answer.content.decode()


@pytest.mark.req("BOOK-12")
def test_a_row_is_added_and_ended(site: Contract, sign_in: SignIn, now: dt.datetime) -> None:
    city = sign_in(site, Role.CITY)
    assert city.post(f"{STAFF}add/?p=card_pickup", typed(now.date())).status_code == 302
    made = rule(site, "city-1")
    assert (made.procedure, made.texts["ja"], made.who) == ("card_pickup", "黄色い封筒", ["self"])
    last = now.date() + dt.timedelta(days=3)
    city.post(f"{STAFF}city-1/end/", {"last": last.isoformat()})
    assert rule(site, "city-1").valid_to == last
    city.post(f"{STAFF}city-1/end/", {"last": ""})
    assert rule(site, "city-1").valid_to == last
    assert city.get(f"{STAFF}add/?p=nothing").status_code == 404


@pytest.mark.req("BOOK-12")
def test_only_the_city_confirms_and_only_what_it_saw(site: Contract, sign_in: SignIn, now: dt.datetime) -> None:
    manager, city = sign_in(site, Role.MANAGER), sign_in(site, Role.CITY)
    page = city.get(STAFF, HATSUKAICHI).content.decode()
    seen = re.findall(r'name="seen" value="([^"]+)"', page)
    assert len(seen) == page.count("確認前</span>")
    assert manager.post(f"{STAFF}confirm/", {"seen": seen, "p": "card_pickup"}).status_code == 403
    manager.post(f"{STAFF}pickup-notice/", typed(now.date()))
    city.post(f"{STAFF}confirm/", {"seen": seen, "p": "card_pickup", "on": now.date().isoformat()})
    assert not rule(site, "pickup-notice").confirmed
    assert rule(site, "pickup-id").confirmed
    assert "1行は、見ている間に変わりました" in city.get(STAFF, HATSUKAICHI).content.decode()


def test_an_individual_number_is_refused_in_the_table(site: Contract, sign_in: SignIn, now: dt.datetime) -> None:
    answer = sign_in(site, Role.CITY).post(
        f"{STAFF}pickup-notice/", typed(now.date(), text_ja="9832 0567 3214 のカード")
    )
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "マイナンバーはお預かりできません" in page
    assert "3214" not in page
    assert "のカード" in page and "要綱3条" in page, "all else that was typed stays"
    assert rule(site, "pickup-notice").edited_by == ""
