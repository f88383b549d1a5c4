"""The page that says how many operators and channels the telephone needs."""

from __future__ import annotations

import datetime as dt

import pytest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from madoguchi.domain.staffing.models import SavedAssumptions
from madoguchi.domain.staffing.rules import Measured, assumptions_of
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.clock import JST
from madoguchi.web.office.staffing import result
from tests.web.staff_site import SignIn

pytestmark = pytest.mark.req("CALL-07")

URL = "/staff/hatsukaichi/phone/staffing/"
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def leader(site: Contract, sign_in: SignIn) -> Client:
    return sign_in(site, Role.SUPERVISOR)


def saved(contract: Contract) -> SavedAssumptions | None:
    with contract_scope(contract):
        return SavedAssumptions.objects.first()


def test_the_page_begins_with_the_contract_and_warns_of_its_two_channels(leader: Client) -> None:
    page = leader.get(URL).content.decode()
    assert 'value="1500"' in page
    assert "回線2本 ＜ 配置2人＋待てる人2人＝4本" in page
    assert "実績はまだありません" in page
    assert "<b>2人・回線4本</b>が必要です" in page
    assert page.count("契約に書かれていないので、仮の値です。") == 3


def test_enough_channels_end_the_warning(leader: Client) -> None:
    page = leader.post(URL, {"channels": "6"}).content.decode()
    assert "回線が足りません" not in page
    assert "話中で断られる電話が" not in page
    assert "いまの回線数（6本）" in page


def test_channels_for_all_who_wait_may_still_be_too_few_in_a_rush(leader: Client) -> None:
    page = leader.post(URL, {"channels": "4", "times": "5"}).content.decode()
    assert "回線が足りません" not in page
    assert "話中で断られる電話が" in page


def test_a_campaign_needs_more(leader: Client) -> None:
    usual, campaign = (leader.post(URL, {"day": "2026-11-09", "times": times}).context["found"] for times in ("1", "5"))
    assert campaign.calls == pytest.approx(5 * usual.calls)
    assert campaign.need.operators > usual.need.operators


def test_trying_keeps_nothing_and_scripts_get_the_results_alone(leader: Client, site: Contract) -> None:
    answer = leader.post(URL, {"operators": "3", "channels": "8"}, **HTMX)  # type: ignore[arg-type]
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "<html" not in text
    assert "配置する3人・8本" in text
    assert 'id="plan-sum" aria-hidden="true" hx-swap-oob="true"' in text
    assert saved(site) is None


def test_what_is_saved_stands_on_the_page_with_its_author(leader: Client, site: Contract) -> None:
    sent = {"day": "2026-11-09", "channels": "6", "patience_seconds": "１２０", "d0": "150", "h18": "300", "step": "save"}
    answer = leader.post(URL, sent)
    assert (answer.status_code, answer["Location"]) == (302, f"{URL}?day=2026-11-09")
    row = saved(site)
    assert row is not None
    assert (row.channels, row.patience_seconds, row.calls_per_month) == (6, 120, 1500)
    assert (row.weekdays[0], row.half_hours[18], row.half_hours[40]) == (150, 300, 80)
    with contract_scope(site):
        assert Entry.objects.filter(action="staffing.assumptions").count() == 1
    page = leader.get(URL).content.decode()
    assert "リーダー（SV） 花子" in page
    assert "仮の値です" not in page


def test_bad_input_keeps_what_was_typed_and_says_what_to_do(leader: Client, site: Contract) -> None:
    for step in ("calculate", "save"):
        answer = leader.post(URL, {"operators": "0", "channels": "いくつか", "handle_seconds": "", "h18": "9999", "step": step})
        assert answer.status_code == 422
        page = answer.content.decode()
        assert "「配置する人数」は、1から200までの数（人）で入力してください。" in page
        assert "「回線数」は、1から500までの数（本）で入力してください。" in page
        assert "「平均処理時間」は、30から1,800までの数（秒）で入力してください。" in page
        assert "「9:00」は、0から1,000までの数で入力してください。" in page
        assert 'value="いくつか"' in page
    answer = leader.post(URL, {"operators": "0"}, **HTMX)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert "「配置する人数」は" in answer.content.decode()
    assert saved(site) is None


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
def test_everybody_may_try_and_leaders_may_save(site: Contract, sign_in: SignIn, role: Role) -> None:
    client = sign_in(site, role)
    page = client.get(URL).content.decode()
    assert "この前提を保存する" not in page
    assert client.post(URL, {"operators": "3"}).status_code == 200
    assert client.post(URL, {"operators": "3", "step": "save"}).status_code == 403
    assert saved(site) is None


def test_a_closed_day_says_so_and_leads_to_the_next_open_one(leader: Client) -> None:
    page = leader.get(f"{URL}?day=2026-11-03").content.decode()
    assert "この日は、電話の受付がありません" in page
    assert f'href="{URL}?day=2026-11-04"' in page


def test_nobody_calling_is_no_error(leader: Client) -> None:
    assert "この日の入電は、0件の予測です" in leader.post(URL, {"calls_per_month": "0"}).content.decode()


def test_more_than_anybody_can_answer_is_told(leader: Client) -> None:
    page = leader.post(URL, {"calls_per_month": "50000", "handle_seconds": "1800", "times": "5"}).content.decode()
    assert "500人でも目標に届きません" in page


@pytest.mark.parametrize("code", ["hatsukaichi", "izumi", "izunokuni", "nagaoka", "urasoe"])
def test_every_contract_with_a_telephone_has_its_plan(contracts: dict[str, Contract], sign_in: SignIn, code: str) -> None:
    client = sign_in(contracts[code], Role.CITY)
    answer = client.get(f"/staff/{code}/phone/staffing/")
    assert answer.status_code == 200
    assert answer.context["found"].need is not None
    assert answer.context["found"].calls > 0


def test_a_contract_without_a_telephone_explains(leader: Client, site: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = site.profile.channels.model_copy(update={"phone": None})
    monkeypatch.setattr(Contract, "profile", site.profile.model_copy(update={"channels": silent}))
    page = leader.get(URL).content.decode()
    assert "この契約には、電話の業務がありません" in page
    assert "前提を保存" not in page


def test_the_day_begins_with_the_next_open_one(leader: Client, now: dt.datetime) -> None:
    assert leader.get(URL).context["day"] == now.date()
    assert leader.get(f"{URL}?day=nonsense").context["day"] == now.date()


def test_measured_calls_stand_beside_the_forecast(site: Contract, rf: RequestFactory, now: dt.datetime) -> None:
    day = dt.date(2026, 11, 10)
    nine = dt.datetime(2026, 11, 10, 9, tzinfo=JST)
    weeks = [Measured(nine - dt.timedelta(weeks=n), 12, 9, 9 * 250.0) for n in range(1, 5)]
    with contract_scope(site):
        before = result(site, assumptions_of(site.profile)[0], day, 1.0, weeks)
        after = result(site, assumptions_of(site.profile)[0], day, 1.0, [*weeks, Measured(nine, 20, 20, 5000.0)])
    assert before["call_series"] == ["予測", "実績（同じ曜日の平均）"]
    assert [row[2] for row in before["call_chart"] if row[0] == "9:00"] == [12.0]
    assert [row[2] for row in before["call_chart"] if row[0] == "9:30"] == [None]
    assert after["call_series"] == ["予測", "実績"]
    assert [row[1:] for row in after["call_chart"] if row[0] == "9:00"] == [(before["call_chart"][1][1], 20)]
    request = rf.get(URL)
    request.htmx = False  # type: ignore[attr-defined]
    page = render_to_string("office/staffing/_result.html", before | {"contract": site}, request=request)
    assert "同じ曜日の実績 4週分" in page
    assert "実績の平均処理時間は 250秒" in page
    assert "実績はまだありません" not in page


@pytest.mark.parametrize("day", ["1873-01-01", "2199-12-31", "9999-12-31", "0001-01-01"])
def test_days_at_the_ends_of_the_calendar_open(leader: Client, day: str) -> None:
    assert leader.get(f"{URL}?day={day}").status_code == 200
    assert leader.post(URL, {"day": day}).status_code in (200, 422)
