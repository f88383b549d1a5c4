"""The pages of the forecast: read by leaders, manager, city and auditors; the city's file with every mistake named."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from madoguchi.domain.booking.services.setup import set_up
from madoguchi.domain.forecast.models import Cohort
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from tests.web.staff_site import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.req("REP-08")]
URL = "/staff/izumi/forecast/"


@pytest.fixture
def izumi(site: Contract, contracts: dict[str, Contract], now: object) -> Contract:
    set_up(contracts["izumi"], now=now)  # type: ignore[arg-type]
    return contracts["izumi"]


def test_bands_places_windows_and_people_on_one_page(izumi: Contract, sign_in: SignIn) -> None:
    client = sign_in(izumi, Role.AUDITOR)
    page = client.get(f"{URL}?procedure=cert_renewal").content.decode()
    for text in ("手続きごとの見込み", "2027年3月", "予約枠の過不足", "要る枠", "窓口と人の提案", "人／日", "chart-band", "P90"):
        assert text in page
    assert sign_in(izumi, Role.OPERATOR).get(URL).status_code == 403
    table = client.get(f"{URL}outlook.csv").content.decode("utf-8-sig")
    assert table.splitlines()[0].startswith("区分,名称,月")
    assert "電子証明書の更新・新規発行,2027-03,計画" in table


def test_a_contract_without_anything_to_go_by_says_so(site: Contract, sign_in: SignIn) -> None:
    assert "見込みのもとになる数字がありません" in sign_in(site, Role.MANAGER).get(f"/staff/{site.code}/forecast/").content.decode()


def test_the_file_is_taken_whole_or_every_mistake_is_named(izumi: Contract, sign_in: SignIn) -> None:
    client = sign_in(izumi, Role.CITY)
    bad = SimpleUploadedFile("c.csv", "月,種類,件数\n2026-13,カード,1\n2026-12,免許,x\n".encode())
    answer = client.post(f"{URL}cohorts/", {"file": bad})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "<td>2</td><td>1</td>" in page
    assert "<td>3</td><td>2</td>" in page
    assert "<td>3</td><td>3</td>" in page
    good = SimpleUploadedFile("c.csv", "月,種類,件数\n2026-12,カード,120\n".encode("cp932"))
    assert client.post(f"{URL}cohorts/", {"file": good}).status_code == 302
    assert "120" in client.get(f"{URL}cohorts/").content.decode()
    with contract_scope(izumi):
        assert Cohort.objects.get().count == 120
    again = SimpleUploadedFile("c.csv", "月,種類,件数\n2026-12,カード,7\n".encode())
    assert sign_in(izumi, Role.AUDITOR).post(f"{URL}cohorts/", {"file": again}).status_code == 403
    assert client.post(f"{URL}cohorts/").status_code == 422
