"""The results: for manager, city and auditor; few answers hidden; every look at free text on record."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.survey.enums import Way
from madoguchi.domain.survey.models import Comment
from madoguchi.domain.survey.services import Sheet, answer, count_answers
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit import queries as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from tests.web.staff_site import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.req("REP-06")]
URL = "/staff/izumi/survey/"


@pytest.fixture
def izumi(site: Contract, contracts: dict[str, Contract], now: dt.datetime) -> Contract:
    """Twelve answers about a pick-up, two about a PIN, in the last two months."""
    contract = contracts["izumi"]
    for n in range(14):
        sheet = Sheet({"satisfaction": 5 if n % 3 else 3}, {"solved": "yes"}, {"opinion": "待ち時間が長い"} if n == 0 else {})
        at = now - dt.timedelta(days=30 if n % 2 else 0)
        procedure = "card_pickup" if n < 12 else "pin_reset"
        answer(contract, sheet, way=Way.KIOSK, site="honkan", procedure=procedure, language="ja", now=at)
    count_answers(contract, now=now + dt.timedelta(hours=1))
    return contract


def test_scores_with_intervals_months_and_what_is_too_few(izumi: Contract, sign_in: SignIn) -> None:
    page = sign_in(izumi, Role.AUDITOR).get(URL).content.decode()
    assert "<b>4.29（3.71〜4.86）</b>" in page
    assert "64.3%" in page
    assert "38.8〜83.7%" in page
    rows = page.split(">手続きごと</h2>")[1].split("</section>")[0]
    assert rows.count("少数") >= 2
    assert "4." not in rows
    assert "/izumi/survey/kiosk/" not in page
    assert "2026年10月" in page
    assert sign_in(izumi, Role.OPERATOR).get(URL).status_code == 403
    assert "/izumi/survey/kiosk/honkan/" in sign_in(izumi, Role.CITY).get(URL).content.decode()


def test_months_that_are_no_months_are_refused_in_words(izumi: Contract, sign_in: SignIn) -> None:
    client = sign_in(izumi, Role.MANAGER)
    for query, word in (("first=2026-13&last=2026-11", "2026-11"), ("first=2026-11&last=2026-10", "以後"), ("first=2020-01&last=2026-10", "か月まで")):
        answer_ = client.get(f"{URL}?{query}")
        assert answer_.status_code == 422
        assert word in answer_.content.decode()


def test_free_text_is_read_on_record_and_grouped_by_hand(izumi: Contract, sign_in: SignIn) -> None:
    client = sign_in(izumi, Role.CITY)
    assert "待ち時間が長い" in client.get(f"{URL}comments/").content.decode()
    with contract_scope(izumi):
        pk = Comment.objects.get().pk
        assert [one.detail["count"] for one in audit.search(action="survey.comments_read")] == [1]
    assert client.post(f"{URL}comments/{pk}/group/?group=waiting", {"group": ["guide"]}).status_code == 302
    assert "待ち時間が長い" not in client.get(f"{URL}comments/?group=waiting").content.decode()
    assert sign_in(izumi, Role.AUDITOR).post(f"{URL}comments/{pk}/group/", {"group": []}).status_code == 403
    with contract_scope(izumi):
        assert Comment.objects.get().groups == ["guide"]


def test_the_file_and_the_poster(izumi: Contract, sign_in: SignIn) -> None:
    client = sign_in(izumi, Role.MANAGER)
    assert "全体,今日の窓口は、全体として、いかがでしたか。,平均,14,4.29,3.71,4.86" in client.get(f"{URL}results.csv").content.decode("utf-8-sig")
    sheet = client.get(f"{URL}poster/plaza/").content.decode()
    assert "/izumi/survey/?at=plaza" in sheet
    assert "Khảo sát" in sheet
    assert client.get(f"{URL}poster/nowhere/").status_code == 404


def test_the_monthly_report_has_the_survey(izumi: Contract, sign_in: SignIn) -> None:
    page = sign_in(izumi, Role.CITY).get("/staff/izumi/reports/figures/?group=survey&by=outcome&first=2026-10-01&last=2026-11-30").content.decode()
    assert "4.29" in page
    assert "今日の窓口は、全体として、いかがでしたか。" in page
