"""Work lists on the screen: a file in, one after another by the keyboard, the results out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from madoguchi.domain.worklists.models import Entry
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from tests.web.staff_site import sign_in  # noqa: F401

pytestmark = pytest.mark.req("DESK-05")
LISTS = "/staff/izumi/lists/"
LIST = f"{LISTS}expiry_address/"
SignIn = Callable[..., Client]


@pytest.fixture
def izumi(contracts: dict[str, Contract], now: dt.datetime, monkeypatch: pytest.MonkeyPatch) -> Contract:
    monkeypatch.setattr(clock, "now", lambda: now)
    return contracts["izumi"]


def file(text: str) -> dict[str, SimpleUploadedFile]:
    return {"file": SimpleUploadedFile("11月.csv", text.encode("cp932"), "text/csv")}


def test_from_the_citys_file_to_its_results(izumi: Contract, sign_in: SignIn) -> None:  # noqa: F811
    leader, counter = sign_in(izumi, Role.SUPERVISOR), sign_in(izumi, Role.COUNTER)
    assert "まだ取り込んでいません" in leader.get(LIST).content.decode()
    wrong = leader.post(f"{LIST}import/", file("整理番号,期限\nA-1,いつか\n,\nA 2,\n"))
    assert wrong.status_code == 422
    said = wrong.content.decode()
    assert "2か所" in said and "何も取り込んでいません" in said and "期限を日付として読めません" in said
    done = leader.post(f"{LIST}import/", file("整理番号,氏名\nA-1,山田\nA-2,鈴木\nA-3,林\n"), follow=True).content.decode()
    assert "3件を取り込みました。読まなかった列：氏名" in done and "山田" not in done
    assert "3件は、そのままです" in leader.post(f"{LIST}import/", file("整理番号\nA-1\nA-2\nA-3\n"), follow=True).content.decode()

    page = counter.post(f"{LIST}work/", follow=True).content.decode()
    assert "A-1" in page and 'data-key="4"' in page
    with contract_scope(izumi):
        first, second, third = Entry.objects.order_by("line")
    page = counter.post(f"{LIST}{first.pk}/deed/", {"result": "updated"}, follow=True).content.decode()
    assert "A-2" in page and "今日の自分 <b>1件" in page
    refused = counter.post(f"{LIST}{second.pk}/deed/", {"again_on": "2026-11-01"})
    assert refused.status_code == 422 and "理由を選んでください" in refused.content.decode() and "2026-11-01" in refused.content.decode()
    refused = counter.post(f"{LIST}{second.pk}/deed/", {"reason": "system", "again_on": "2026-11-01"})
    assert refused.status_code == 409 and "明日から" in refused.content.decode()
    page = counter.post(f"{LIST}{second.pk}/deed/", {"reason": "system", "again_on": "2026-11-04"}, follow=True).content.decode()
    assert "A-3" in page
    page = counter.post(f"{LIST}{third.pk}/deed/", {"result": "unclear"}, follow=True).content.decode()
    assert "すべて終えました" in page
    twice = counter.post(f"{LIST}{first.pk}/deed/", {"result": "same"})
    assert twice.status_code == 409 and "もう終わって" in twice.content.decode()

    text = leader.post(f"{LIST}export/").content.decode("utf-8-sig")
    assert [line.split(",")[2:5] for line in text.splitlines()[1:]] == [
        ["完了", "更新した", ""], ["後日", "", "端末・システムが使えない"], ["完了", "判断できない（市へ）", ""],
    ]  # fmt: skip
    assert leader.post(f"{LIST}export/", {"to_city": "on", "encoding": "cp932"}).content.decode("cp932").count("\n") == 2
    own = f"{LIST}{third.pk}/"
    assert "やり直しにする" not in counter.get(own).content.decode() and counter.post(own).status_code == 404
    assert "作業の列に戻しました" in leader.post(own, follow=True).content.decode()
    assert leader.post(own).status_code == 409
    assert "A-3" in counter.post(f"{LIST}work/", follow=True).content.decode()


def test_who_may_what(izumi: Contract, sign_in: SignIn) -> None:  # noqa: F811
    auditor, city = sign_in(izumi, Role.AUDITOR), sign_in(izumi, Role.CITY)
    assert auditor.get(LISTS).status_code == auditor.get(LIST).status_code == 200
    assert auditor.get(f"{LIST}work/").status_code == auditor.post(f"{LIST}import/", file("整理番号\nA\n")).status_code == 403
    assert city.post(f"{LIST}import/", file("整理番号\nA\n")).status_code == 302
    assert city.get(f"{LIST}work/").status_code == 403
    assert auditor.get(f"{LISTS}other/").status_code == 404
    assert city.post(f"{LIST}import/").status_code == 422
