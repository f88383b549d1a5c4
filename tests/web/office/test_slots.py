"""The slot screens: the week, weekly patterns, single days; preview first, errors by line."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

import pytest
from django.test import Client

from madoguchi.domain.booking.models import Affected, DayPlan, Slot, WeekPattern
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.clock import JST
from madoguchi.web.office.slots import bands_text, read_bands
from tests.web.staff_site import SignIn, book

URL = "/staff/hatsukaichi/slots/"
DAY = f"{URL}card/2026-11-10/"


def T(text: str) -> dt.time:
    return dt.time.fromisoformat(text)


def do(client: Client, url: str, sent: Mapping[str, object]) -> int:
    """Preview, then confirm what was previewed; the status of the last answer."""
    page = client.post(url, sent).content.decode()
    seen = re.search(r'name="seen" value="(\w+)"', page)
    assert seen is not None, page
    return client.post(url, {**sent, "step": "confirm", "seen": seen[1]}).status_code


def day_of(contract: Contract, date: str) -> list[tuple[str, int]]:
    start = dt.datetime.fromisoformat(f"{date}T00:00").replace(tzinfo=JST)
    with contract_scope(contract):
        rows = Slot.objects.filter(
            pool__code="card", starts_at__gte=start, starts_at__lt=start + dt.timedelta(days=1), closed=False
        )
        return [(f"{s.starts_at.astimezone(JST):%H:%M}", s.planned) for s in rows.order_by("starts_at")]


@pytest.fixture
def leader(site: Contract, sign_in: SignIn) -> Client:
    return sign_in(site, Role.SUPERVISOR)


@pytest.mark.req("BOOK-02")
def test_the_week_shows_taken_and_planned(site: Contract, at_desk: Client, now: dt.datetime) -> None:
    book(site, now=now)
    page = at_desk.get(f"{URL}?week=2026-11-10").content.decode()
    assert "<td>1/6</td>" in page
    assert "曜日ごとの枠を変える" not in page


@pytest.mark.req("BOOK-02")
def test_a_day_gets_its_own_bands_and_returns(site: Contract, leader: Client) -> None:
    usual = day_of(site, "2026-11-10")
    sent = {"action": "set", "bands": "９：００〜１０：００　２人\r\n17:30-18:30 4", "reason": "夜間窓口"}
    page = leader.post(DAY, sent).content.decode()
    assert "影響を受ける予約はありません" in page
    assert day_of(site, "2026-11-10") == usual
    assert do(leader, DAY, sent) == 302
    assert day_of(site, "2026-11-10") == [("09:00", 2), ("09:30", 2), ("17:30", 4), ("18:00", 4)]
    assert "この日だけ" in leader.get(f"{URL}?week=2026-11-10").content.decode()
    assert do(leader, DAY, {"action": "withdraw", "bands": "", "reason": ""}) == 302
    assert day_of(site, "2026-11-10") == usual


@pytest.mark.req("CAL-05", "BOOK-02")
def test_closing_a_day_lists_the_bookings_first(site: Contract, leader: Client, now: dt.datetime) -> None:
    made = book(site, now=now)
    sent = {"action": "close", "bands": "8:30-17:00 6", "reason": "台風"}
    page = leader.post(DAY, sent).content.decode()
    assert f"{made.code[:4]}-{made.code[4:]}" in page
    assert "1件の予約が影響を受けます（電話が必要 1件）" in page
    assert day_of(site, "2026-11-10")
    assert do(leader, DAY, sent) == 302
    assert day_of(site, "2026-11-10") == []
    with contract_scope(site):
        assert Affected.objects.get().booking.code == made.code
        assert DayPlan.objects.get(withdrawn_at=None).bands == []


@pytest.mark.req("BOOK-02")
def test_weekly_patterns_change_from_a_day_on(site: Contract, leader: Client) -> None:
    url = f"{URL}card/patterns/"
    assert "08:30-17:15 6" in leader.get(url).content.decode()
    sent = {"valid_from": "2026-11-16", "day0": "9:00-12:00 3\n13:00-16:00 2", **{f"day{n}": "" for n in range(1, 7)}}
    before = day_of(site, "2026-11-09")
    assert do(leader, url, sent) == 302
    assert day_of(site, "2026-11-09") == before
    assert day_of(site, "2026-11-16") == [
        *((f"{9 + n // 2:02}:{n % 2 * 3}0", 3) for n in range(6)),
        *((f"{13 + n // 2:02}:{n % 2 * 3}0", 2) for n in range(6)),
    ]
    assert day_of(site, "2026-11-17") == []
    with contract_scope(site):
        assert set(WeekPattern.objects.filter(pool__code="card", valid_to=None).values_list("weekday", flat=True)) == {
            0
        }


@pytest.mark.req("BOOK-02")
def test_confirming_something_else_only_previews(site: Contract, leader: Client) -> None:
    usual = day_of(site, "2026-11-10")
    sent = {"action": "set", "bands": "9:00-10:00 2", "reason": "研修"}
    seen = re.search(r'name="seen" value="(\w+)"', leader.post(DAY, sent).content.decode())
    assert seen is not None
    changed = sent | {"bands": "9:00-10:00 1", "step": "confirm", "seen": seen[1]}
    assert leader.post(DAY, changed).status_code == 200
    assert day_of(site, "2026-11-10") == usual


def test_errors_name_the_line_and_keep_the_text(site: Contract, leader: Client) -> None:
    text = "9:00-10:00 2\n10時から 3\n9:30-11:00 1"
    answer = leader.post(DAY, {"action": "set", "bands": text, "reason": ""})
    page = answer.content.decode()
    assert answer.status_code == 422
    for said in (
        "2行目「10時から 3」",
        "3行目「9:30-11:00 1」：09:00-10:00の行と重なっています",
        "理由を入力してください",
    ):
        assert said in page
    assert "10時から 3" in page.split("<textarea")[1]
    answer = leader.post(f"{URL}card/patterns/", {"valid_from": "2026-10-01", "day2": "12:00-9:00 1"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "水曜日の1行目「12:00-9:00 1」：終了は開始より後" in page
    assert "今日以後の日" in page


def test_bands_are_read_and_shown() -> None:
    assert read_bands("9:00-10:00 2", band_minutes=30) == (
        [(T("09:00"), T("09:30"), 2), (T("09:30"), T("10:00"), 2)],
        [],
    )
    assert [e.number for e in read_bands("9:00-9:45 2\n\n10:00-11:00 501", band_minutes=30)[1]] == [1, 3]
    assert bands_text([(T("09:00"), T("09:30"), 2), (T("09:30"), T("10:00"), 2), (T("10:00"), T("10:30"), 1)]) == (
        "09:00-10:00 2\n10:00-10:30 1"
    )


@pytest.mark.req("SEC-01")
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.COUNTER, Role.AUDITOR])
def test_others_look_and_cannot_change(site: Contract, sign_in: SignIn, role: Role) -> None:
    client = sign_in(site, role)
    for url in (URL, DAY, f"{URL}card/patterns/"):
        assert client.get(url).status_code == 200
    assert client.post(DAY, {"action": "close", "reason": "台風"}).status_code == 403
    assert client.post(f"{URL}card/patterns/", {}).status_code == 403
    assert client.get(f"{URL}other/patterns/").status_code == 404
    assert client.get(f"{URL}card/2026-99-99/").status_code == 404
