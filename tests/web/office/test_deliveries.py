"""The page of what is handed over: orders, files, late ones, who received them."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.booking import tasks
from madoguchi.domain.booking.models import Receipt, SavedList, StandingOrder
from madoguchi.domain.booking.selection import Selection
from madoguchi.domain.booking.services.saved_lists import save_list
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from tests.web.staff_site import TUESDAY_10, SignIn, book

pytestmark = pytest.mark.req("BOOK-10")
PAGE = "/staff/hatsukaichi/deliveries/"
DUE = TUESDAY_10.replace(hour=8, minute=30) - dt.timedelta(days=1)


@pytest.fixture
def kept(site: Contract, official: Actor, now: dt.datetime) -> SavedList:
    selection = Selection(visit="tomorrow", personal=True)
    return save_list(site, name="明日の受付", selection=selection, shared=True, by=official, now=now)


def sent(kept: SavedList, **more: str) -> dict[str, str]:
    return {"saved_list": str(kept.pk), "form": "csv", "rhythm": "weekdays", "weekdays": "0", "due_time": "8:30", **more}


def test_an_order_is_made_its_file_received_and_written_down(
    site: Contract, kept: SavedList, sign_in: SignIn, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(site, now=now)
    city = sign_in(site, Role.CITY)
    assert "まだ決めていません" in city.get(PAGE).content.decode()
    assert city.post(PAGE, sent(kept)).status_code == 302
    page = city.get(PAGE).content.decode()
    assert "毎週 月 08:30まで" in page
    assert "11月9日（月） 08:30" in page
    assert tasks.make_deliveries(DUE - dt.timedelta(minutes=20)) == 1
    monkeypatch.setattr("madoguchi.ground.kit.clock.now", lambda: DUE)
    page = city.get(PAGE).content.decode()
    for text in ("明日の受付", "受け取れます", "個人情報を含む", "未受領", "SHA-256", "12月9日に消去"):
        assert text in page
    address = page.split('action="')[1:]
    download = next(a.split('"')[0] for a in address if "/download/" in a)
    assert city.get(download).status_code == 405
    file = city.post(download)
    assert file.headers["Content-Disposition"] == 'attachment; filename="bookings_20261110-20261110.csv"'
    assert "山田 太郎" in file.content.decode("utf-8-sig")
    city.post(download)
    with contract_scope(site):
        receipt = Receipt.objects.get()
        assert (receipt.told, receipt.downloads, receipt.first_at) == (True, 2, DUE)
        entries = Entry.objects.filter(action="list.downloaded")
        assert [entry.actor for entry in entries] == [f"user:{receipt.user_id}"] * 2
    assert "（2回）" in city.get(PAGE).content.decode()


def test_wrong_orders_keep_what_was_typed(site: Contract, kept: SavedList, sign_in: SignIn) -> None:
    city = sign_in(site, Role.CITY)
    for wrong, words in (
        ({"due_time": "はち時"}, "時刻として読めません"),
        ({"rhythm": "weekdays", "weekdays": ""}, "曜日"),
        ({"rhythm": "month_day", "month_day": "40"}, "1から31"),
        ({"rhythm": "month_day"}, "1から31"),
        ({"saved_list": ""}, "一覧を選んでください"),
    ):
        answer = city.post(PAGE, sent(kept, **wrong))
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert f'value="{wrong.get("due_time", "8:30")}"' in answer.content.decode()
    with contract_scope(site):
        assert not StandingOrder.objects.exists()


def test_operators_see_and_receive_and_do_not_order(site: Contract, kept: SavedList, sign_in: SignIn) -> None:
    operator, city = sign_in(site, Role.OPERATOR), sign_in(site, Role.CITY)
    assert "受け渡しを決める</button>" not in operator.get(PAGE).content.decode()
    assert operator.post(PAGE, sent(kept)).status_code == 403
    city.post(PAGE, sent(kept))
    with contract_scope(site):
        order = StandingOrder.objects.get()
    assert operator.post(f"{PAGE}orders/{order.pk}/end/").status_code == 403
    assert "終えました" in city.post(f"{PAGE}orders/{order.pk}/end/", follow=True).content.decode()
    assert "すでに終わって" in city.post(f"{PAGE}orders/{order.pk}/end/", follow=True).content.decode()
    assert "もうありません" in operator.post(f"{PAGE}99999/download/", follow=True).content.decode()


def test_what_is_late_stands_on_the_first_page(
    site: Contract, kept: SavedList, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = sign_in(site, Role.CITY)
    city.post(PAGE, sent(kept))
    home = "/staff/hatsukaichi/"
    assert "まだできていません" not in city.get(home).content.decode()
    monkeypatch.setattr("madoguchi.ground.kit.clock.now", lambda: DUE + dt.timedelta(minutes=1))
    for address in (home, PAGE):
        page = city.get(address).content.decode()
        assert "遅れ" in page
        assert "処理が止まっていました" in page
