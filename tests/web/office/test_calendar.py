"""The calendar screen: an evening opened, a day closed, taken back; always with a preview first."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client

from madoguchi.domain.booking.models import Affected, Booking, DayPlan, Slot
from madoguchi.domain.booking.services.days import added, cut, within
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import CalendarOverride, Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.dates import read_time
from tests.web.staff_site import TUESDAY_10, SignIn, book

URL = "/staff/hatsukaichi/calendar/"
EVENING = {
    "date": "2026-11-19",
    "kind": "open",
    "site": "",
    "channel": "counter",
    "starts": "17:15",
    "ends": "１９：００",
    "last_reception": "1830",
    "reason": "夜間窓口",
    "places_card": "4",
    "places_application": "0",
}
CLOSED = {"date": "2026-11-10", "kind": "closed", "site": "", "channel": "counter", "reason": "台風"}


def T(text: str) -> dt.time:
    return dt.time.fromisoformat(text)


def confirm(client: Client, sent: dict[str, str]) -> int:
    """Preview, then confirm exactly that; the status of the second answer."""
    seen = re.search(r'name="seen" value="(\w+)"', client.post(URL, sent | {"step": "preview"}).content.decode())
    assert seen is not None
    return client.post(URL, sent | {"step": "confirm", "seen": seen[1]}).status_code


@pytest.fixture
def leader(site: Contract, sign_in: SignIn) -> Client:
    return sign_in(site, Role.SUPERVISOR)


def evening(contract: Contract) -> list[tuple[str, int]]:
    with contract_scope(contract):
        slots = Slot.objects.filter(
            starts_at__gte=dt.datetime(2026, 11, 19, 17, tzinfo=JST),
            starts_at__lt=dt.datetime(2026, 11, 20, tzinfo=JST),
            closed=False,
        )
        return [(f"{s.starts_at.astimezone(JST):%H:%M}", s.planned) for s in slots.order_by("starts_at")]


@pytest.mark.req("CAL-05", "BOOK-02")
def test_an_evening_gets_hours_and_places_only_after_a_preview(site: Contract, leader: Client) -> None:
    before = evening(site)
    page = leader.post(URL, EVENING | {"step": "preview"}).content.decode()
    assert "11月19日(木) 17:15〜18:15開始の3コマ" in page
    assert evening(site) == before
    assert leader.post(URL, EVENING | {"step": "confirm", "seen": "other"}).status_code == 200
    assert evening(site) == before
    assert confirm(leader, EVENING) == 302
    assert [row for row in evening(site) if row not in before] == [("17:15", 4), ("17:45", 4), ("18:15", 4)]
    with contract_scope(site):
        row = CalendarOverride.objects.get()
        assert (row.intervals, row.last_reception, row.created_by) == (
            [["17:15", "19:00"]],
            T("18:30"),
            "リーダー（SV） 花子",
        )
    month = leader.get(f"{URL}?month=2026-11").content.decode()
    assert "08:30〜19:00" in month
    url = f"{URL}{row.pk}/withdraw/"
    assert "閉じる枠" in leader.post(url).content.decode()
    assert leader.post(url, {"step": "confirm"}).status_code == 302
    assert evening(site) == before
    with contract_scope(site):
        assert not DayPlan.objects.filter(withdrawn_at=None).exists()
    assert leader.post(url, {"step": "confirm"}).status_code == 404


@pytest.mark.req("CAL-05", "BOOK-02")
def test_a_closure_lists_who_must_be_told_and_cancels_nobody(site: Contract, leader: Client, now: dt.datetime) -> None:
    by_phone = book(site, now=now)
    by_mail = book(site, TUESDAY_10 + dt.timedelta(hours=1), email="taro@example.jp", now=now)
    page = leader.post(URL, CLOSED | {"step": "preview"}).content.decode()
    assert "2件の予約が影響を受けます（電話が必要 1件）" in page
    assert f"{by_phone.code[:4]}-{by_phone.code[4:]}" in page
    assert "山田" not in page
    with contract_scope(site):
        assert not Affected.objects.exists()
    assert confirm(leader, CLOSED) == 302
    with contract_scope(site):
        assert set(Affected.objects.values_list("booking__code", flat=True)) == {by_phone.code, by_mail.code}
        assert set(Booking.objects.values_list("state", flat=True)) == {"booked"}


def test_a_day_with_its_own_bands_follows_a_closure_too(site: Contract, leader: Client) -> None:
    assert confirm(leader, EVENING) == 302
    assert confirm(leader, CLOSED | {"date": "2026-11-19"}) == 302
    with contract_scope(site):
        day = dt.datetime(2026, 11, 19, tzinfo=JST)
        assert not Slot.objects.filter(
            starts_at__gte=day, starts_at__lt=day + dt.timedelta(days=1), closed=False
        ).exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"date": "2026-11-01"}, "過ぎた日は変更できません"),
        ({"date": "2026-13-40"}, "月は1から12"),
        ({"ends": ""}, "開始と終了は両方入力してください"),
        ({"ends": "16:00"}, "終了は開始より後"),
        ({"ends": "25:00"}, "「25:00」は時刻として読めません"),
        ({"last_reception": "19:30"}, "最終受付は開始と終了の間"),
        ({"reason": ""}, "理由を入力してください"),
        ({"places_card": "たくさん"}, "人数は数で"),
    ],
)
def test_wrong_input_is_named_and_kept(site: Contract, leader: Client, wrong: dict[str, str], said: str) -> None:
    answer = leader.post(URL, EVENING | wrong | {"step": "preview"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert 'value="夜間窓口"' in page or "reason" in wrong
    assert 'value="17:15"' in page


@pytest.mark.req("SEC-01")
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.COUNTER, Role.AUDITOR])
def test_others_only_look(site: Contract, sign_in: SignIn, role: Role) -> None:
    client = sign_in(site, role)
    assert client.get(URL).status_code == 200
    assert "この内容で変更する" not in client.get(URL).content.decode()
    assert client.post(URL, EVENING | {"step": "preview"}).status_code == 403
    assert client.post(f"{URL}1/withdraw/").status_code == 403


def test_bands_of_a_day() -> None:
    usual = [(T("16:15"), T("16:45"), 6), (T("16:45"), T("17:15"), 6)]
    assert added(usual, [(T("16:45"), T("18:20"))], minutes=30, last_reception=T("17:30"), places=2) == [
        (T("17:15"), T("17:45"), 2)
    ]
    assert cut(usual, [(T("17:00"), T("17:10"))]) == usual[:1]
    assert cut(usual, []) == []
    assert within(usual, [(T("16:30"), T("17:15"))]) == usual[1:]


@pytest.mark.parametrize(
    ("typed", "time"),
    [("17:15", "17:15"), ("1715", "17:15"), ("17時15分", "17:15"), ("９：０５", "09:05"), ("9時", "09:00")],
)
def test_times_as_typed(typed: str, time: str) -> None:
    assert read_time(typed) == T(time)
