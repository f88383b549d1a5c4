"""The first page of a contract: today, or the next day on which somebody comes, and the two weeks ahead."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from madoguchi.ground.contracts.models import Contract
from tests.web.staff_site import TUESDAY_10, book

HOME = "/staff/hatsukaichi/"
TWO = (("山田 太郎", "ヤマダ タロウ", "1980-01-02"), ("山田 花", "ヤマダ ハナ", "2020-01-02"))


def test_without_any_visit_the_page_says_so(site: Contract, at_desk: Client) -> None:
    page = at_desk.get(HOME).content.decode()
    assert "今日から先の予約はまだありません" in page
    assert "これから14日間の来庁予定" not in page


@pytest.mark.req("BOOK-10")
def test_on_a_day_without_visits_the_next_day_with_visits_is_shown(
    site: Contract, at_desk: Client, now: dt.datetime
) -> None:
    book(site, names=TWO, now=now)
    page = at_desk.get(HOME).content.decode()
    assert "時間ごとの来庁予定・11月10日（火）" in page
    assert "次に予約がある日を表示しています" in page
    assert f"{HOME}day/?date=2026-11-10" in page
    assert "11/10（火）" in page


@pytest.mark.req("BOOK-10")
def test_on_the_day_itself_the_hours_are_todays(
    site: Contract, at_desk: Client, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(site, names=TWO, now=now)
    monkeypatch.setattr("madoguchi.ground.kit.clock.now", lambda: TUESDAY_10 - dt.timedelta(hours=1))
    page = at_desk.get(HOME).content.decode()
    assert "次に予約がある日" not in page
    assert "2人・来庁済み0件" in page
