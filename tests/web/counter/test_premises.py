"""Checklists on a telephone, papers with two persons, days at other places: screens and rights."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from madoguchi.domain.premises.models import Bundle, Collection, Mark, Outing, Run
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit import queries as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog.models import Fact

from ..staff_site import SignIn, sign_in  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.req("DESK-08")]
BASE = "/staff/izumi/premises/"
LIST = f"{BASE}lists/opening/plaza/"
EIGHT = dt.datetime(2026, 11, 2, 8, 0, tzinfo=JST)


@pytest.fixture
def izumi(contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch) -> Contract:
    monkeypatch.setattr(clock, "now", lambda: EIGHT)
    return contracts["izumi"]


def at(monkeypatch: pytest.MonkeyPatch, moment: dt.datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: moment)


def text(client: Client, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, url
    return answer.content.decode()


def tap(client: Client, item: str, **more: str):
    return client.post(f"{LIST}tap/", {"item": item, **more})


def test_one_tap_marks_an_item_and_leads_to_the_next(izumi: Contract, sign_in: SignIn) -> None:  # noqa: F811
    staff = sign_in(izumi, Role.COUNTER)
    answer = tap(staff, "forms", reading="１２０".translate(str.maketrans("１２０", "120")))
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}#item-devices")
    page = text(staff, LIST)
    assert "120枚" in page
    assert "必要な項目 1／6" in page
    assert "リーダー・業務責任者・市の方が確かめます" in page
    tap(staff, "devices")
    other = sign_in(izumi, Role.COUNTER)
    tap(other, "devices")
    assert "さんが08:00に印を付けています" in text(other, LIST)
    assert "取り消す" not in text(other, LIST)


def test_the_leader_ends_the_list_and_sees_what_is_late(izumi: Contract, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    leader = sign_in(izumi, Role.SUPERVISOR)
    tap(leader, "forms", reading="12")
    for item in ("devices", "camera", "systems", "room"):
        tap(leader, item)
    at(monkeypatch, EIGHT.replace(hour=9))
    home = text(leader, "/staff/izumi/")
    assert "終わっていない点検表が2枚" in home
    assert "終わっていない点検表" not in text(sign_in(izumi, Role.COUNTER), "/staff/izumi/")
    assert "始業時の準備が終わっていません" in text(leader, "/staff/izumi/counter/?site=plaza")
    overview = text(leader, BASE)
    assert "残り：今日の人員がそろっている" in overview
    assert "残り12枚（50枚以上にする）" in overview
    tap(leader, "staffing")
    assert "始業時の準備が終わりました" in text(leader, LIST)
    assert "終わっていない点検表が1枚" in text(leader, "/staff/izumi/")
    history = text(leader, f"{BASE}history/?site=plaza")
    assert "遅れて済み" in history
    day = text(leader, f"{BASE}day/?date=2026-11-02")
    assert f"{Role.SUPERVISOR.label} 花子" in day
    assert "12枚" in day


@pytest.mark.parametrize(
    ("item", "more", "says"),
    [
        ("forms", {}, "数（枚）を入力してください"),
        ("forms", {"reading": "たくさん"}, "0以上の数字で"),
        ("camera", {"impossible": "1", "note": "画面が割れた"}, "できない理由を選んでください"),
        ("camera", {"impossible": "1", "why": "other"}, "メモに書いてください"),
        ("staffing", {}, "リーダー"),
    ],
)
def test_wrong_input_says_what_to_do_and_loses_nothing(izumi: Contract, sign_in: SignIn, item: str, more: dict, says: str) -> None:  # noqa: F811
    answer = tap(sign_in(izumi, Role.COUNTER), item, **more)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert says in page
    for value in (more.get("reading"), more.get("note")):
        assert value is None or f'value="{value}"' in page
    with contract_scope(izumi):
        assert not Mark.objects.exists()


def test_a_mark_is_taken_back_by_its_maker(izumi: Contract, sign_in: SignIn) -> None:  # noqa: F811
    staff = sign_in(izumi, Role.COUNTER)
    tap(staff, "camera", impossible="1", why="broken", note="電源")
    assert "できない（機器の故障）" in text(staff, LIST)
    with contract_scope(izumi):
        pk = Mark.objects.get().pk
    answer = staff.post(f"{BASE}marks/{pk}/take-back/")
    assert answer["Location"] == LIST
    staff.post(f"{BASE}marks/{pk}/take-back/")
    assert "もう取り消されています" in text(staff, BASE)


def test_who_may_only_look_looks_and_others_do_not(izumi: Contract, sign_in: SignIn) -> None:  # noqa: F811
    auditor = sign_in(izumi, Role.AUDITOR)
    assert "済んだ" not in text(auditor, LIST)
    assert tap(auditor, "devices").status_code == 403
    assert sign_in(izumi, Role.OPERATOR).get(BASE).status_code == 403
    for url in (f"{BASE}lists/opening/shed/", f"{BASE}lists/none/plaza/", "/staff/hatsukaichi/premises/papers/"):
        assert sign_in(izumi, Role.MANAGER).get(url).status_code == 404


def put_away(client: Client, **more: str):
    typed = {"kind": "copies", "holder": "bag", "volume": "300", "unit": "sheets", "place": "施錠できる書庫（本庁）", "kept_on": "2026-11-01"}
    return client.post(f"{BASE}papers/keep/", {**typed, **more})


def test_papers_go_by_two_persons_and_count_once_a_part_of_the_year(izumi: Contract, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    staff, leader, city = sign_in(izumi, Role.COUNTER), sign_in(izumi, Role.SUPERVISOR), sign_in(izumi, Role.CITY)
    assert put_away(staff).status_code == 302
    assert put_away(staff, kind="lists", volume="4", unit="kg").status_code == 302
    assert "0<small>／3回</small>" in text(staff, f"{BASE}papers/")
    assert "2箱・袋　300枚・4kg" in text(staff, f"{BASE}papers/")
    assert leader.post(f"{BASE}papers/plan/", {"on": "2026-11-20"}).status_code == 302
    again = leader.post(f"{BASE}papers/plan/", {"on": "2026-11-20"})
    assert (again.status_code, "もう廃棄の日" in again.content.decode()) == (409, True)
    with contract_scope(izumi):
        day, bundles = Collection.objects.get(), [str(pk) for pk in Bundle.objects.values_list("pk", flat=True)]
    steps = f"{BASE}papers/days/{day.pk}/"
    assert staff.post(f"{steps}tell/").status_code == 409
    leader.post(f"{steps}tell/")
    assert "市に伝えた量：2箱・袋　300枚・4kg" in text(leader, f"{BASE}papers/")
    assert "まだ来ていません" in leader.post(f"{steps}collect/", {"bundle": bundles}).content.decode()
    at(monkeypatch, EIGHT.replace(day=20))
    assert "選んでください" in leader.post(f"{steps}collect/").content.decode()
    leader.post(f"{steps}collect/", {"bundle": bundles})
    own = leader.post(f"{steps}confirm/", {"certificate": "S-1"})
    assert (own.status_code, "別の方" in own.content.decode()) == (409, True)
    empty = city.post(f"{steps}confirm/", {"certificate": " "})
    assert "番号を" in empty.content.decode()
    city.post(f"{steps}confirm/", {"certificate": "S-1"})
    page = text(leader, f"{BASE}papers/")
    assert "1<small>／3回</small>" in page
    assert "証明書・受領書 S-1" in page
    assert "保管中の文書はありません" in page
    with contract_scope(izumi):
        fact = Fact.objects.get(kind="premises.destroyed")
        assert (fact.quantity, fact.ref) == (2, f"collection:{day.pk}")
        assert [one.action for one in audit.search(target=f"collection:{day.pk}")][::-1] == [
            "premises.collection_planned", "premises.volume_told", "premises.papers_collected", "premises.papers_destroyed",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"volume": "0"}, "1から"), ({"volume": "x"}, "1から"), ({"kind": ""}, "種類を選んで"), ({"kept_on": "2026-11-03"}, "今日までの日"),
        ({"kept_on": ""}, "日を入力"),
    ],
)
def test_wrong_papers_are_refused(izumi: Contract, sign_in: SignIn, more: dict, says: str) -> None:  # noqa: F811
    answer = put_away(sign_in(izumi, Role.COUNTER), **more)
    assert (answer.status_code, says in answer.content.decode()) == (422, True)


def test_a_mistaken_record_of_papers_is_taken_back(izumi: Contract, sign_in: SignIn) -> None:  # noqa: F811
    staff = sign_in(izumi, Role.COUNTER)
    put_away(staff)
    with contract_scope(izumi):
        pk = Bundle.objects.get().pk
    assert staff.post(f"{BASE}papers/{pk}/withdraw/").status_code == 302
    assert staff.post(f"{BASE}papers/{pk}/withdraw/").status_code == 409
    assert "なし" in text(staff, f"{BASE}papers/")


PLAN = {
    "place": "北部公民館", "address": "和泉市北1-1", "on": "2026-11-12", "starts": "10:00", "ends": "15:00", "staff": "2", "target": "30",
    "site": "plaza", "note": "",
}  # fmt: skip


def test_a_day_at_another_place_from_plan_to_receipt(izumi: Contract, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    staff, leader = sign_in(izumi, Role.COUNTER), sign_in(izumi, Role.SUPERVISOR)
    assert staff.post(f"{BASE}outings/", PLAN).status_code == 403
    url = leader.post(f"{BASE}outings/", PLAN)["Location"]
    again = leader.post(f"{BASE}outings/", PLAN)
    assert (again.status_code, "北部公民館" in again.content.decode()) == (409, True)
    assert leader.post(f"{BASE}outings/", {**PLAN, "place": "南", "ends": "09:00"}).status_code == 409
    staff.post(f"{url}tick/", {"position": "0", "way": "out"})
    staff.post(f"{url}add/", {"label": "のぼり"})
    page = text(staff, url)
    assert "持った 1／8" in page
    assert "のぼり" in page
    assert "中止する" not in page
    assert "まだ来ていません" in staff.post(f"{url}report/", {"papers": "3"}).content.decode()
    at(monkeypatch, EIGHT.replace(day=12, hour=16))
    wrong = staff.post(f"{url}report/", {"n_card_application": "多数", "papers": "3"})
    assert (wrong.status_code, 'value="多数"' in wrong.content.decode()) == (409, True)
    for people in ("7", "9"):
        staff.post(f"{url}report/", {"n_card_application": people, "n_mynaportal": "2", "papers": "3"})
    with contract_scope(izumi):
        facts = dict(Fact.objects.filter(kind="premises.outreach").values_list("procedure", "quantity"))
        assert facts == {"card_application": 9, "mynaportal": 2}
        assert set(Fact.objects.filter(kind="premises.outreach").values_list("site", "at")) == {("plaza", EIGHT.replace(day=12, hour=15))}
    assert staff.post(f"{url}hand-over/", {"receipt": "R-1"}).status_code == 409
    assert "受領番号を" in leader.post(f"{url}hand-over/", {"receipt": ""}).content.decode()
    leader.post(f"{url}hand-over/", {"receipt": "R-1"})
    assert "R-1" in text(leader, f"{BASE}outings/")
    assert staff.post(f"{url}report/", {"papers": "4"}).status_code == 409


def test_the_pack_is_logged_when_it_holds_bookings_and_says_so_when_not(izumi: Contract, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    leader = sign_in(izumi, Role.SUPERVISOR)
    url = leader.post(f"{BASE}outings/", PLAN)["Location"]
    page = text(leader, f"{url}pack/")
    for told in ("この日の予約はありません", "0725-99-8117", "（要確認）", "個人番号カード交付申請書", "受付の記録用紙", "鍵のかかる書類箱"):
        assert told in page
    from madoguchi.domain.booking.queries.lists import SheetPerson, SheetRow
    from madoguchi.web.counter.rooms import outings

    person = SheetPerson("山田 太郎", "ヤマダ タロウ", "カードの申請", EIGHT)
    row = SheetRow(
        id=5, code="ABC", shown_code="A-BC", starts_at=EIGHT, site="出張所", people=[person], phone="", told="", needs="", state="", tone="",
        arrived=False, no_show=False, overbooked=False, affected=False, begun=False,
    )  # fmt: skip
    monkeypatch.setattr(outings, "day_sheet", lambda *_, **__: [row])
    assert "ヤマダ タロウ" in text(leader, f"{url}pack/")
    with contract_scope(izumi):
        entry = next(one for one in audit.search(target=f"outing:{Outing.objects.get().pk}") if one.action == "premises.pack_opened")
        assert entry.detail["bookings"] == [5]
    leader.post(f"{url}cancel/", {"reason": "台風のため、市と協議して中止"})
    assert "台風のため" in text(leader, url)


def test_a_plan_is_changed_and_seen(izumi: Contract, sign_in: SignIn) -> None:  # noqa: F811
    leader = sign_in(izumi, Role.SUPERVISOR)
    url = leader.post(f"{BASE}outings/", PLAN)["Location"]
    assert leader.post(f"{url}change/", {**PLAN, "starts": "xx"}).status_code == 422
    assert leader.post(f"{url}change/", {**PLAN, "starts": "11:00", "site": ""}).status_code == 302
    assert "11:00〜15:00" in text(leader, url)
    assert leader.post(f"{url}nothing/").status_code == 404
    with contract_scope(izumi):
        assert not Run.objects.exists()
