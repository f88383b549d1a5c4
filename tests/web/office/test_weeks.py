"""Many days at once on the screen: the preview drawn as weeks, one confirmation, what changed meanwhile is said."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client

from madoguchi.domain.booking.models import Affected, DayPlan
from madoguchi.domain.booking.services import weeks
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from tests.web.staff_site import TUESDAY_10, SignIn, book

from .test_slots import day_of, do

EDIT = "/staff/hatsukaichi/slots/edit/"
COPY = "/staff/hatsukaichi/slots/copy/"
CLOSE: dict[str, object] = {
    "targets": ["pool:card"], "first": "2026-11-10", "last": "2026-11-30", "weekdays": ["1"], "starts": "10:00", "ends": "11:00",
    "act": "close", "places": "", "reason": "機器の入替え",
}  # fmt: skip


@pytest.fixture
def leader(site: Contract, sign_in: SignIn) -> Client:
    return sign_in(site, Role.SUPERVISOR)


@pytest.mark.req("BOOK-02", "CAL-05")
def test_a_band_of_three_weeks_is_closed_after_one_preview(site: Contract, leader: Client, now: dt.datetime) -> None:
    made = book(site, email="taro@example.jp", now=now)
    page = leader.post(EDIT, CLOSE).content.decode()
    assert "この変更をすると（3日分）" in page
    assert "ほか同じ変わり方の2週" in page and page.count("×6") == 2
    assert "1件の予約が影響を受けます（電話が必要 0件）" in page
    assert len(day_of(site, "2026-11-24")) == 17
    assert do(leader, EDIT, CLOSE) == 302
    assert [len(day_of(site, f"2026-11-{day}")) for day in ("10", "11", "17", "24")] == [15, 17, 15, 15]
    with contract_scope(site):
        row = Affected.objects.get()
        assert (row.booking.code, row.reason) == (made.code, "機器の入替え")
    again = CLOSE | {"act": "reopen", "starts": "", "ends": ""}
    assert do(leader, EDIT, again) == 302
    assert len(day_of(site, "2026-11-10")) == 17
    with contract_scope(site):
        assert not DayPlan.objects.filter(withdrawn_at=None).exists()


@pytest.mark.req("BOOK-02")
def test_places_go_up_and_down_for_all_pools(site: Contract, leader: Client) -> None:
    sent = CLOSE | {"targets": ["pool:card", "pool:application"], "act": "subtract", "places": "2"}
    page = leader.post(EDIT, sent).content.decode()
    assert "6→4" in page and "2→0" in page
    assert do(leader, EDIT, sent) == 302
    assert ("10:00", 4) in day_of(site, "2026-11-17")
    assert do(leader, EDIT, sent | {"act": "add", "places": "3"}) == 302
    assert ("10:30", 7) in day_of(site, "2026-11-17")


@pytest.mark.req("BOOK-02")
def test_a_booking_made_after_the_preview_makes_it_be_shown_anew(
    site: Contract, leader: Client, now: dt.datetime
) -> None:
    seen = re.search(r'name="seen" value="(\w+)"', leader.post(EDIT, CLOSE).content.decode())
    assert seen is not None
    book(site, now=now)
    answer = leader.post(EDIT, CLOSE | {"step": "confirm", "seen": seen[1]})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "確かめたあとに枠か予約が変わったため、まだ変更していません" in page
    assert "1件の予約が影響を受けます" in page
    assert len(day_of(site, "2026-11-10")) == 17


@pytest.mark.req("BOOK-02")
def test_a_week_is_copied_until_a_day_and_onto_picked_weeks(site: Contract, leader: Client) -> None:
    own = {"action": "set", "bands": "9:00-10:00 2", "reason": "研修"}
    assert do(leader, "/staff/hatsukaichi/slots/card/2026-11-09/", own) == 302
    sent = {"targets": ["pool:card"], "source": "2026-11-12", "until": "", "weeks": ["2026-11-16", "2026-12-07"], "reason": "繁忙期"}
    assert do(leader, COPY, sent) == 302
    bands = [("09:00", 2), ("09:30", 2)]
    assert [day_of(site, day) == bands for day in ("2026-11-16", "2026-11-30", "2026-12-07")] == [True, False, True]
    page = leader.post(COPY, sent | {"weeks": [], "until": "2026-12-01"}).content.decode()
    assert "コピーしない日（1日）" in page and "勤労感謝の日" in page
    assert do(leader, COPY, sent | {"weeks": [], "until": "2026-12-01"}) == 302
    assert day_of(site, "2026-11-30") == bands
    assert day_of(site, "2026-11-23") == []


@pytest.mark.parametrize(
    ("url", "wrong", "said"),
    [
        (EDIT, {"targets": []}, "枠の組を1つ以上選んでください"),
        (EDIT, {"weekdays": []}, "曜日を1つ以上選んでください"),
        (EDIT, {"ends": ""}, "両方の時刻を入力してください"),
        (EDIT, {"ends": "9:00"}, "終わりは始まりより後"),
        (EDIT, {"last": "2026-11-09"}, "最初の日と同じか後の日"),
        (EDIT, {"first": "2026-10-01"}, "過ぎた日は変更できません"),
        (EDIT, {"last": "2028-11-10"}, "1年以内"),
        (EDIT, {"act": "set"}, "人数を入力してください"),
        (EDIT, {"act": "add", "places": "600"}, "500までの数"),
        (EDIT, {"reason": ""}, "理由を入力してください"),
        (COPY, {"source": "2026-11-09"}, "いつまで毎週コピーするか"),
        (COPY, {"source": "2026-11-09", "until": "2026-11-15"}, "コピー元より後の週"),
        (COPY, {"source": "2026-11-09", "until": "2030-01-01"}, "1年以内"),
        (COPY, {"source": "2026-11-09", "weeks": ["2026-11-09"]}, "同じ週は選べません"),
    ],
)
def test_wrong_input_is_named_and_kept(
    site: Contract, leader: Client, url: str, wrong: dict[str, object], said: str
) -> None:
    answer = leader.post(url, CLOSE | wrong)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert "機器の入替え" in page or "reason" in wrong


def test_mistakes_are_listed_in_the_order_of_the_boxes(leader: Client) -> None:
    page = leader.post(EDIT, CLOSE | {"targets": [], "last": "", "act": "", "reason": ""}).content.decode()
    links = re.findall(r'<a href="#id_(\w+?)(?:_0)?"', page)
    assert links == ["targets", "last", "act", "reason"]


def test_too_much_at_once_says_how_much_and_what_to_do(
    site: Contract, leader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weeks, "MOST_DAYS", 2)
    page = leader.post(EDIT, CLOSE).content.decode()
    assert "一度に変えられるのは2日分まで" in page and "いまは3日分です" in page


@pytest.mark.req("BOOK-02", "CAL-05")
def test_the_last_band_may_end_at_midnight(site: Contract, leader: Client) -> None:
    url = "/staff/hatsukaichi/slots/card/2026-11-10/"
    assert do(leader, url, {"action": "set", "bands": "23:00-24:00 2", "reason": "年末の特例"}) == 302
    assert day_of(site, "2026-11-10") == [("23:00", 2), ("23:30", 2)]
    assert "23:00-24:00 2" in leader.get(url).content.decode()
    sent = CLOSE | {"last": "2026-11-10", "starts": "23:30", "ends": "24:00"}
    assert do(leader, EDIT, sent) == 302
    assert day_of(site, "2026-11-10") == [("23:00", 2)]
    calendar = {
        "date": "2026-11-14", "kind": "open", "site": "", "channel": "counter", "starts": "22:00", "ends": "24:00", "last_reception": "",
        "reason": "夜間", "places_card": "1", "places_application": "0",
    }  # fmt: skip
    assert do(leader, "/staff/hatsukaichi/calendar/", calendar) == 302
    assert day_of(site, "2026-11-14")[-1] == ("23:30", 1)
    assert "22:00〜24:00" in leader.get("/staff/hatsukaichi/calendar/?month=2026-11").content.decode()


@pytest.mark.req("CAL-05", "BOOK-09")
def test_those_affected_read_the_reason(
    site: Contract, leader: Client, client: Client, now: dt.datetime
) -> None:
    from madoguchi.domain.booking.recipients import manage_path, resolve

    made = book(site, TUESDAY_10, email="taro@example.jp", now=now)
    assert do(leader, EDIT, CLOSE) == 302
    with contract_scope(site):
        found = resolve(site, Affected.objects.get().booking_id, "en", "affected")
        path = manage_path(site, made.code)
    assert found is not None and found.context["reason"] == "Reason: 機器の入替え"
    assert "理由：機器の入替え" in client.get(path).content.decode()


@pytest.mark.req("SEC-01")
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.COUNTER, Role.AUDITOR])
def test_others_have_no_such_page(site: Contract, sign_in: SignIn, role: Role) -> None:
    client = sign_in(site, role)
    for url in (EDIT, COPY):
        assert client.get(url).status_code == 403
        assert client.post(url, CLOSE).status_code == 403
    assert "まとめて変える" not in client.get("/staff/hatsukaichi/slots/").content.decode()


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_days_at_the_ends_of_time_are_answered(site: Contract, leader: Client, day: str) -> None:
    assert leader.post(EDIT, CLOSE | {"first": day, "last": day, "weekdays": list("0123456")}).status_code in (200, 422)
    for until in ("0001-01-01", "9999-12-31", ""):
        sent = {"targets": ["pool:card"], "source": day, "until": until, "weeks": ["2026-11-16"], "reason": "研修"}
        assert leader.post(COPY, sent).status_code in (200, 422)
    assert leader.get(f"{EDIT}?week={day}").status_code == leader.get(f"{COPY}?week={day}").status_code == 200
