"""Parties without a booking on the sheet of the day, and the list of those to be called."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from madoguchi.domain.booking.models import WalkIn
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.worklog.models import Fact
from tests.web.staff_site import TUESDAY_10, SignIn, book

DAY = "/staff/hatsukaichi/day/"
TYPED = {"place": "main", "language": "vi", "outcome": "served", "n_card_pickup": "2", "n_pin_reset": "1", "n_other": ""}


def facts(contract: Contract) -> list[tuple[str, int, str, str]]:
    with contract_scope(contract):
        rows = Fact.objects.filter(kind="visit.walk_in").order_by("pk")
        return list(rows.values_list("procedure", "quantity", "language", "outcome"))


@pytest.mark.req("BOOK-15")
def test_a_party_without_a_booking_is_counted_and_can_be_taken_back(site: Contract, at_desk: Client) -> None:
    assert at_desk.post(f"{DAY}walk-in/", TYPED).status_code == 302
    assert facts(site) == [("card_pickup", 2, "vi", "served"), ("pin_reset", 1, "vi", "served")]
    page = at_desk.get(DAY).content.decode()
    assert "予約のない来庁 3人" in page and "2人、" in page
    with contract_scope(site):
        row = WalkIn.objects.get()
    assert at_desk.post(f"{DAY}walk-in/{row.pk}/withdraw/").status_code == 302
    assert sum(quantity for _, quantity, _, _ in facts(site)) == 0
    assert at_desk.post(f"{DAY}walk-in/{row.pk}/withdraw/").status_code == 302
    assert len(facts(site)) == 4
    page = at_desk.get(DAY).content.decode()
    assert "予約のない来庁 3人" not in page and "<s>" in page


@pytest.mark.req("BOOK-15")
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"n_card_pickup": "", "n_pin_reset": "0"}, "人数を入力してください"),
        ({"n_card_pickup": "21"}, "0から20までの数"),
        ({"n_card_pickup": "二人"}, "0から20までの数"),
        ({"place": "moon"}, "場所"),
        ({"outcome": ""}, "結果"),
    ],
)
def test_wrong_input_is_named_and_counts_nothing(
    site: Contract, at_desk: Client, wrong: dict[str, str], said: str
) -> None:
    answer = at_desk.post(f"{DAY}walk-in/", TYPED | wrong)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert facts(site) == []


@pytest.mark.req("BOOK-15", "BOOK-08")
def test_the_list_for_calls_has_those_whom_no_notice_reaches(site: Contract, at_desk: Client, now: dt.datetime) -> None:
    book(site, TUESDAY_10, email="taro@example.jp", names=(("山田 太郎", "ヤマダ タロウ", "1980-01-02"),), now=now)
    book(
        site, TUESDAY_10, names=(("鈴木 花", "スズキ ハナ", "1990-01-02"),), phone="080-1111-2222", now=now
    )
    url = f"{DAY}?date=2026-11-10"
    assert "お知らせなし 1件（電話用の一覧）" in at_desk.get(url).content.decode()
    page = at_desk.get(f"{url}&only=calls").content.decode()
    assert "鈴木 花" in page and "080-1111-2222" in page and "電話の結果" in page
    assert "山田 太郎" not in page
    assert "電話が必要な方はいません" in at_desk.get(f"{DAY}?date=2026-11-11&only=calls").content.decode()


@pytest.mark.req("SEC-01")
def test_auditors_only_look(site: Contract, sign_in: SignIn) -> None:
    auditor = sign_in(site, Role.AUDITOR)
    assert auditor.post(f"{DAY}walk-in/", TYPED).status_code == 403
    assert "記録する" not in auditor.get(DAY).content.decode()
