"""The pages of the ledger: read by the city and auditors, kept by leaders and managers, confirmed by the city."""

from __future__ import annotations

import datetime as dt
import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from madoguchi.domain.obligations.models import Breach, Event, Evidence
from madoguchi.domain.obligations.services import open_ledger, watch
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from tests.web.staff_site import SignIn

pytestmark = pytest.mark.req("CON-03")
URL = "/staff/izumi/obligations/"


@pytest.fixture
def izumi(site: Contract, contracts: dict[str, Contract], official: Actor, now: dt.datetime) -> Contract:
    """Its ledger counts from September 2026, and the worker has been there on 2 November."""
    open_ledger(contracts["izumi"], dt.date(2026, 9, 1), by=official, now=now)
    watch(contracts["izumi"], now=now)
    return contracts["izumi"]


@pytest.fixture
def manager(izumi: Contract, sign_in: SignIn) -> Client:
    return sign_in(izumi, Role.MANAGER)


def text(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def test_one_page_tells_what_was_missed_and_what_comes(izumi: Contract, sign_in: SignIn) -> None:
    page = text(sign_in(izumi, Role.AUDITOR), URL)
    missed = page.split('id="m-head"')[1].split("</section>")[0]
    assert "月次完了報告書" in missed
    assert "令和8年8月分" in missed
    assert "期限を53日過ぎた" in missed
    assert "9(3)②" in missed
    coming = page.split('id="c-head"')[1].split("</section>")[0]
    assert "あと8日" in coming
    assert "翌月の10日まで（閉庁日のときは前の開庁日）（2027年3月分は3月31日）" in page
    assert "仕様書に定めがなく、要確認" in page
    assert "この日から数える" not in page


def test_evidence_with_the_hash_of_the_file_is_confirmed_by_the_city(izumi: Contract, manager: Client, sign_in: SignIn) -> None:
    sent = {
        "key": "2026-08", "met_on": "2026-09-09", "reference": "8月分月報", "note": "",
        "file": SimpleUploadedFile("report.xlsx", b"report"),
    }  # fmt: skip
    assert manager.post(f"{URL}duty/monthly/meet/", sent).status_code == 302
    with contract_scope(izumi):
        held = Evidence.objects.get(obligation="monthly")
    assert held.file_hash == hashlib.sha256(b"report").hexdigest()
    assert "8月分月報" in text(manager, f"{URL}duty/monthly/")
    city = sign_in(izumi, Role.CITY)
    assert manager.post(f"{URL}evidence/{held.pk}/confirm/").status_code == 403
    assert city.post(f"{URL}evidence/{held.pk}/confirm/").status_code == 302
    assert "市の確認 11/2" in text(city, f"{URL}duty/monthly/")
    refused = manager.post(f"{URL}evidence/{held.pk}/withdraw/", {"reason": "x"})
    assert refused.status_code == 422
    assert "市が確認した証拠は、取り下げられません" in refused.content.decode()


def test_bad_input_keeps_what_was_typed_and_says_what_to_do(manager: Client, izumi: Contract) -> None:
    answer = manager.post(f"{URL}duty/monthly/meet/", {"key": "2026-08", "met_on": "2026-13-40", "reference": "", "note": "控えは棚の中"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "証拠になる文書や記録の名前を入力してください。" in page
    assert "控えは棚の中" in page
    early = manager.post(f"{URL}duty/monthly/meet/", {"key": "2026-08", "met_on": "2026-08-01", "reference": "8月分"})
    assert early.status_code == 422
    assert "行った日か、選んだ回を確かめてください。" in early.content.decode()
    assert 'value="8月分"' in early.content.decode()
    with contract_scope(izumi):
        assert not Evidence.objects.exists()


def test_a_breach_is_explained_and_closed(izumi: Contract, manager: Client, sign_in: SignIn) -> None:
    with contract_scope(izumi):
        breach = Breach.objects.get(obligation="monthly", key="2026-08")
    city = sign_in(izumi, Role.CITY)
    assert "受託者の理由と対応を待っています。" in text(city, f"{URL}duty/monthly/")
    assert manager.post(f"{URL}breach/{breach.pk}/explain/", {"text": "引き継ぎ漏れ"}).status_code == 302
    assert city.post(f"{URL}breach/{breach.pk}/close/").status_code == 302
    assert "未履行（済み）" in text(city, f"{URL}duty/monthly/")


def test_an_event_makes_a_date_and_can_be_taken_back(izumi: Contract, manager: Client) -> None:
    url = f"{URL}duty/roster_change/"
    assert "変更する日" in text(manager, url)
    assert manager.post(f"{url}event/", {"on": "", "note": "交代"}).status_code == 422
    assert manager.post(f"{url}event/", {"on": "2026-12-01", "note": "1名の交代"}).status_code == 302
    page = text(manager, url)
    assert "期限 11月17日(火)" in page
    with contract_scope(izumi):
        event = Event.objects.get()
    assert manager.post(f"{URL}event/{event.pk}/withdraw/", {"reason": "取りやめ"}).status_code == 302
    assert "まだありません" in text(manager, url)


@pytest.mark.req("CON-04")
def test_the_checklist_counts_what_is_done(izumi: Contract, manager: Client) -> None:
    page = text(manager, f"{URL}preparation/")
    assert "6項目のうち0項目が済みました" in page
    sent = {"key": "start", "met_on": "2026-06-20", "reference": "業務実施計画書"}
    assert manager.post(f"{URL}duty/implementation_plan/meet/", sent).status_code == 302
    assert "6項目のうち1項目が済みました" in text(manager, f"{URL}preparation/")


def test_the_year_says_in_words_what_fell_due_in_each_month(izumi: Contract, manager: Client) -> None:
    page = text(manager, f"{URL}year/?year=2026")
    row = page.split("月次完了報告書")[1].split("</tr>")[0]
    assert "期限を53日過ぎた" in row
    assert "10日" in row
    assert row.count("<td") == 12
    assert text(manager, f"{URL}year/?year=banana")


@pytest.mark.parametrize("code", ["hatsukaichi", "izumi", "izunokuni", "nagaoka", "urasoe"])
def test_every_contract_has_its_pages(site: Contract, contracts: dict[str, Contract], sign_in: SignIn, code: str) -> None:
    client = sign_in(contracts[code], Role.CITY)
    for place in ("", "year/", "preparation/"):
        assert client.get(f"/staff/{code}/obligations/{place}").status_code == 200
    for duty in (*contracts[code].profile.reports, *contracts[code].profile.obligations):
        assert client.get(f"/staff/{code}/obligations/duty/{duty.code}/").status_code == 200
    assert client.get(f"/staff/{code}/obligations/duty/nothing/").status_code == 404


def test_who_may_what(izumi: Contract, sign_in: SignIn) -> None:
    assert sign_in(izumi, Role.OPERATOR).get(URL).status_code == 403
    auditor, city = sign_in(izumi, Role.AUDITOR), sign_in(izumi, Role.CITY)
    for client in (auditor, city):
        assert client.post(f"{URL}duty/monthly/meet/", {}).status_code == 403
    assert auditor.post(f"{URL}since/", {"since": "2026-07-01"}).status_code == 403
    assert city.post(f"{URL}since/", {"since": ""}).status_code == 422
    assert city.post(f"{URL}since/", {"since": "2026-10-01"}).status_code == 302
    assert "令和8年8月分" not in text(city, URL).split('id="m-head"')[1].split("</section>")[0]
