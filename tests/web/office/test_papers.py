"""Papers on the screen: from the list over the draft to the city's decision, and whose turn it is."""

from __future__ import annotations

import datetime as dt

import pypdfium2
import pytest
from django.test import Client

from madoguchi.domain.papers.models import Paper
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock, typeset
from tests.web.staff_site import SignIn

URL = "/staff/izunokuni/papers/"
START = {"code": "business_plan", "key": "start"}
pytestmark = pytest.mark.req("REP-04")


@pytest.fixture
def place(contracts: dict[str, Contract], now: dt.datetime, monkeypatch: pytest.MonkeyPatch) -> Contract:
    monkeypatch.setattr(clock, "now", lambda: now)
    return contracts["izunokuni"]


@pytest.fixture
def manager(place: Contract, sign_in: SignIn) -> Client:
    return sign_in(place, Role.MANAGER)


@pytest.fixture
def city(place: Contract, sign_in: SignIn) -> Client:
    return sign_in(place, Role.CITY)


def posted(client: Client, url: str, data: dict[str, str] | None = None) -> str:
    answer = client.post(url, data or {}, follow=True)
    assert answer.status_code == 200, (url, answer.content.decode()[:2000])
    return str(answer.content.decode())


def newest(place: Contract) -> Paper:
    with contract_scope(place):
        found = Paper.objects.order_by("-version").first()
    assert isinstance(found, Paper)
    return found


def test_a_plan_from_the_list_to_the_approval(place: Contract, manager: Client, city: Client) -> None:
    listed = manager.get(URL).content.decode()
    assert "業務計画書" in listed
    assert "作る" in listed
    assert "作る" not in city.get(URL).content.decode().split("<main")[1]
    text = posted(manager, f"{URL}make/", START)
    page = f"{URL}{newest(place).pk}/"
    assert "いま持っている人：受託者" in text
    refused = manager.post(f"{page}submit/")
    assert (refused.status_code, "「連絡体制」が空です" in refused.content.decode()) == (409, True)
    long = manager.post(f"{page}texts/contact/", {"text": "あ" * 4001})
    assert (long.status_code, "あ" * 4001 in long.content.decode()) == (409, True), "nothing typed is lost"
    number = manager.post(f"{page}texts/contact/", {"text": "番号は 1234 5678 9018 です"})
    assert (number.status_code, "5678" in number.content.decode()) == (409, False)
    assert "保存しました" in posted(manager, f"{page}texts/contact/", {"text": "電話で連絡します。"})
    assert city.post(f"{page}submit/").status_code == 403
    text = posted(manager, f"{page}submit/")
    assert "いま持っている人：市" in text
    assert "業務計画書 第1版" in manager.get("/staff/izunokuni/obligations/duty/business_plan/").content.decode()
    assert manager.post(f"{page}approve/").status_code == 403
    empty = city.post(f"{page}return/", {"comments": ""})
    assert (empty.status_code, "差し戻す理由" in empty.content.decode()) == (409, True)
    posted(city, f"{page}return/", {"comments": "休日の連絡先も書いてください。"})
    second = f"{URL}{newest(place).pk}/"
    text = manager.get(second).content.decode()
    assert "休日の連絡先も書いてください。" in text
    posted(manager, f"{second}texts/contact/", {"text": "電話で連絡します。休日は携帯電話です。"})
    text = posted(manager, f"{second}submit/")
    assert "第1版との違い（1か所）" in text
    assert '<ins class="doc-new"><span class="vh">追加 </span>休日は携帯電話です。</ins>' in text
    assert "承認しました" in posted(city, f"{second}approve/", {"comments": ""})
    assert manager.post(f"{second}again/", {"reason": ""}).status_code == 409
    assert "第3版の下書き" in posted(manager, f"{second}again/", {"reason": "担当の交代"})
    assert "これは前の版です" in manager.get(page).content.decode()


def test_the_pdf_is_a_file_and_missing_fonts_are_told(place: Contract, manager: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    posted(manager, f"{URL}make/", START)
    file = f"{URL}{newest(place).pk}/paper.pdf"
    answer = manager.get(file)
    assert answer["Content-Disposition"] == 'attachment; filename="business_plan-izunokuni-start-v1.pdf"'
    assert "体制" in pypdfium2.PdfDocument(answer.content)[0].get_textpage().get_text_range()
    monkeypatch.setattr(typeset, "FOLDERS", ())
    answer = manager.get(file)
    assert (answer.status_code, "fonts-noto-cjk" in answer.content.decode()) == (503, True)


@pytest.mark.parametrize(("role", "reads"), [(Role.SUPERVISOR, True), (Role.AUDITOR, True), (Role.OPERATOR, False), (Role.COUNTER, False)])
def test_who_reads_and_who_writes(place: Contract, manager: Client, sign_in: SignIn, role: Role, reads: bool) -> None:
    posted(manager, f"{URL}make/", START)
    page = f"{URL}{newest(place).pk}/"
    reader = sign_in(place, role)
    assert {reader.get(one).status_code for one in (URL, page, f"{page}paper.pdf")} == {200 if reads else 403}
    writes = role == Role.SUPERVISOR
    assert reader.post(f"{page}texts/contact/", {"text": "電話"}).status_code == (302 if writes else 403)
    assert reader.post(f"{page}submit/").status_code == (409 if writes else 403), "a leader writes, a manager hands in"
    assert reader.post(f"{page}approve/").status_code == 403
    assert manager.get(f"{URL}999999/").status_code == 404
