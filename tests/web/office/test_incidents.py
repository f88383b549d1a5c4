"""The pages of incidents: reported by anybody within a minute, acknowledged with a click, written up, accepted by the city alone."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client

from madoguchi.domain.calls.enums import Topic
from madoguchi.domain.calls.services.escalations import hand_over
from madoguchi.domain.incidents.enums import State
from madoguchi.domain.incidents.models import Incident, Prevention
from madoguchi.domain.incidents.queries import words_of
from madoguchi.domain.notices.models import Message, StaffKind
from madoguchi.ground.accounts.models import Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from tests.web.staff_site import SignIn

pytestmark = pytest.mark.req("REP-05")
URL = "/staff/izumi/incidents/"
NUMBER = "123456789018"
REPORT = {
    "kind": "personal_data", "seriousness": "grave", "happened_on": "2026-11-02", "happened_clock": "08:40", "found_on": "2026-11-02",
    "found_clock": "08:50", "site": "honkan", "people": "2", "what": "別の方の通知書を渡した", "first": "すぐに回収した", "origin": "",
}  # fmt: skip


@pytest.fixture
def izumi(site: Contract, contracts: dict[str, Contract]) -> Contract:
    return contracts["izumi"]


@pytest.fixture
def city(izumi: Contract, sign_in: SignIn) -> Client:
    return sign_in(izumi, Role.CITY)


@pytest.fixture
def manager(izumi: Contract, sign_in: SignIn) -> Client:
    return sign_in(izumi, Role.MANAGER)


@pytest.fixture
def operator_there(izumi: Contract, sign_in: SignIn) -> Client:
    return sign_in(izumi, Role.OPERATOR)


def text(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def told(izumi: Contract, client: Client, **changed: str) -> int:
    assert client.post(f"{URL}new/", REPORT | changed).status_code == 302
    with contract_scope(izumi):
        return Incident.objects.latest("pk").pk


def state(izumi: Contract, pk: int) -> str:
    with contract_scope(izumi):
        return Incident.objects.get(pk=pk).state


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.COUNTER, Role.SUPERVISOR, Role.MANAGER, Role.CITY])
def test_every_page_leads_to_the_report_that_begins_with_now(izumi: Contract, sign_in: SignIn, role: Role) -> None:
    client = sign_in(izumi, role)
    assert f'href="{URL}new/"' in text(client, "/staff/izumi/")
    form = text(client, f"{URL}new/")
    assert 'value="2026-11-02"' in form
    assert 'value="09:00"' in form


def test_who_reports_sees_their_own_report_and_no_other(izumi: Contract, operator_there: Client, sign_in: SignIn, city: Client) -> None:
    pk = told(izumi, operator_there)
    page = text(operator_there, f"{URL}{pk}/")
    assert "別の方の通知書を渡した" in page
    assert "まだ確認されていません" in page
    assert "確認しました" not in page
    other = sign_in(izumi, Role.OPERATOR)
    assert other.get(f"{URL}{pk}/").status_code == 403
    assert f"{URL}{pk}/" not in text(other, URL)
    assert f"{URL}{pk}/" in text(operator_there, URL)
    with contract_scope(izumi):
        assert Message.objects.filter(kind=StaffKind.INCIDENT).count() == 1
    page = text(city, "/staff/izumi/")
    assert "確認されていない報告 1件" in page


def test_bad_input_keeps_what_was_typed_and_a_number_is_taken_out(izumi: Contract, operator_there: Client) -> None:
    answer = operator_there.post(f"{URL}new/", REPORT | {"what": f"番号 {NUMBER} を誤って聞いた", "kind": "", "found_clock": "いま"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert NUMBER not in page
    assert "を誤って聞いた" in page
    assert "すぐに回収した" in page
    assert "種類を選んでください。" in page
    later = operator_there.post(f"{URL}new/", REPORT | {"happened_on": "2026-12-01"})
    assert later.status_code == 422
    assert "今までの日時を入力してください" in later.content.decode()
    with contract_scope(izumi):
        assert not Incident.objects.exists()


def test_the_city_acknowledges_with_a_click_and_the_page_says_who_and_when(izumi: Contract, manager: Client, city: Client, sign_in: SignIn) -> None:
    pk = told(izumi, manager)
    assert "見ました" in text(manager, f"{URL}{pk}/")
    assert manager.post(f"{URL}{pk}/acknowledge/").status_code == 302
    assert state(izumi, pk) == State.REPORTED
    assert sign_in(izumi, Role.AUDITOR).post(f"{URL}{pk}/acknowledge/").status_code == 403
    assert city.post(f"{URL}{pk}/acknowledge/").status_code == 302
    assert state(izumi, pk) == State.ACKNOWLEDGED
    page = text(manager, f"{URL}{pk}/")
    assert re.search(r'<dt>確認</dt><dd>11月2日 09:00　<span class="nowrap">市職員 花子</span>', page)
    assert "まだ確認されていません" not in page


def test_from_cause_to_the_accepted_end_and_the_paper(izumi: Contract, manager: Client, city: Client) -> None:
    pk = told(izumi, manager)
    page = f"{URL}{pk}/"
    refused = manager.post(f"{page}write/")
    assert refused.status_code == 422
    assert "原因・対応・再発防止策が、まだありません" in refused.content.decode()
    with contract_scope(izumi):
        owner = User.objects.get(name="業務責任者 花子").pk
    assert manager.post(f"{page}begin/").status_code == 302
    assert manager.post(f"{page}cause/", {"cause": "確認の省略", "response": "回収と謝罪"}).status_code == 302
    assert manager.post(f"{page}line/", {"text": "ご本人へ説明した"}).status_code == 302
    wrong = manager.post(f"{page}prevent/", {"what": "二人で確認", "owner": str(owner), "due_on": "2026-10-01"})
    assert wrong.status_code == 422
    assert "今日からの日を入力してください" in wrong.content.decode()
    assert "二人で確認" in wrong.content.decode()
    assert manager.post(f"{page}prevent/", {"what": "二人で確認", "owner": str(owner), "due_on": "2026-11-06"}).status_code == 302
    assert "作成中（まだ書面で報告していません）" in text(manager, f"{page}paper/")
    assert manager.post(f"{page}write/").status_code == 302
    assert manager.post(f"{page}close/").status_code == 403
    early = city.post(f"{page}close/")
    assert "法令上の手続きが終わっていません" in early.content.decode()
    for step in izumi.profile.incidents.legal:
        sent = {f"l-{step.code}-result": "done", f"l-{step.code}-on": "2026-11-02", f"l-{step.code}-evidence": "受付 12号"}
        assert city.post(f"{page}legal/{step.code}/", sent).status_code == 302
    assert city.post(f"{page}close/").status_code == 302
    paper = text(city, f"{page}paper/")
    for words in ("和泉市長　様", "別の方の通知書を渡した", "確認の省略", "回収と謝罪", "二人で確認", "受付 12号", "ご本人へ説明した", "（一致）"):
        assert words in paper
    pdf = city.get(f"{page}report.pdf")
    assert pdf.content.startswith(b"%PDF")
    assert pdf.headers["Content-Disposition"] == f'attachment; filename="incident-izumi-{pk}.pdf"'
    assert city.post(f"{page}reopen/", {"reason": ""}).status_code == 422
    assert city.post(f"{page}reopen/", {"reason": "同じことがまた起きた"}).status_code == 302
    assert state(izumi, pk) == State.INVESTIGATING


def test_a_prevention_is_done_and_its_effect_looked_at_later(izumi: Contract, manager: Client) -> None:
    pk = told(izumi, manager, kind="mistake")
    page = f"{URL}{pk}/"
    with contract_scope(izumi):
        owner = User.objects.get(name="業務責任者 花子").pk
    manager.post(f"{page}prevent/", {"what": "二人で確認", "owner": str(owner), "due_on": "2026-11-06"})
    with contract_scope(izumi):
        plan = Prevention.objects.get().pk
    assert "2026-12-02" in text(manager, page), "30 days from now, as the profile says"
    assert manager.post(f"{page}prevention/{plan}/done/", {f"d{plan}-check_on": "2026-12-02"}).status_code == 302
    missing = manager.post(f"{page}prevention/{plan}/effect/", {f"e{plan}-effect": "works", f"e{plan}-text": ""})
    assert missing.status_code == 422
    assert manager.post(f"{page}prevention/{plan}/effect/", {f"e{plan}-effect": "works", f"e{plan}-text": "1か月なし"}).status_code == 302
    assert "効果あり" in text(manager, page)


def test_kind_and_days_are_put_right_and_legal_steps_appear(izumi: Contract, manager: Client) -> None:
    pk = told(izumi, manager, kind="mistake")
    assert "個人情報の事故で行うこと" not in text(manager, f"{URL}{pk}/")
    fresh = {name: value for name, value in REPORT.items() if name not in ("what", "first", "origin")} | {"wrongful": "on"}
    assert manager.post(f"{URL}{pk}/sort/", fresh).status_code == 302
    page = text(manager, f"{URL}{pk}/")
    assert "個人情報保護委員会への速報" in page
    assert "おそれがある" in page
    assert "種類・不正の目的によるおそれ" in page, "the timeline says what was put right"


def test_a_complaint_of_the_telephone_becomes_an_incident_with_one_click(
    izumi: Contract, operator_there: Client, operator: Actor, now: dt.datetime
) -> None:
    with contract_scope(izumi):
        user = User.objects.get(name="オペレーター 花子")
    matter = hand_over(izumi, topic=Topic.COMPLAINT, summary="窓口で怒鳴られた", name="山田 太郎", user=user, by=operator, now=now)
    page = text(operator_there, f"/staff/izumi/phone/second/{matter.pk}/")
    assert "苦情・トラブルとして報告" in page
    first = operator_there.post(f"{URL}complaint/", {"origin": f"escalation:{matter.pk}"})
    again = operator_there.post(f"{URL}complaint/", {"origin": f"escalation:{matter.pk}"})
    assert first.headers["Location"] == again.headers["Location"]
    with contract_scope(izumi):
        found = Incident.objects.get()
        assert (found.kind, found.origin) == ("complaint", f"escalation:{matter.pk}")
        assert "山田" not in str(words_of(izumi, found))
        assert "怒鳴られた" not in str(words_of(izumi, found))
    assert f"/staff/izumi/phone/second/{matter.pk}/" in text(operator_there, first.headers["Location"])
    nothing = operator_there.post(f"{URL}complaint/", {"origin": "escalation:0"}, follow=True)
    assert "もとの記録が見つかりません" in nothing.content.decode()


def test_the_list_is_filtered(izumi: Contract, city: Client, manager: Client) -> None:
    leak, fault = told(izumi, manager), told(izumi, manager, kind="fault")
    page = text(city, f"{URL}?kind=fault&state=open")
    assert f"{URL}{fault}/" in page
    assert f"{URL}{leak}/" not in page
    assert "報告はありません" in text(city, f"{URL}?state=closed")
