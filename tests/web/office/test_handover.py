"""The screens of a contract's end, for the manager, the city and who may only read."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import pytest
from django.test import Client
from django.urls import get_resolver

from madoguchi.domain.handover import contents
from madoguchi.domain.handover.enums import Stage
from madoguchi.domain.handover.models import Erasure, Package
from madoguchi.domain.handover.services import erasure, packages
from madoguchi.domain.handover.services.packages import make_due
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit import queries as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import forget_contracts
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.privacy.sealing import forget_keys
from madoguchi.web.ui.middleware import AFTER_THE_END, WHO_ENTERS
from tests.web.staff_site import TUESDAY_10, SignIn, book

pytestmark = pytest.mark.req("CON-05")
URL = "/staff/hatsukaichi/handover/"
ASKED = {"ends_on": "2026-10-31", "reason": "仕様書13(3)", "copies_until": "2027-01-31"}


@pytest.fixture
def manager(site: Contract, sign_in: SignIn) -> Client:
    return sign_in(site, Role.MANAGER)


@pytest.fixture
def city(site: Contract, sign_in: SignIn) -> Client:
    return sign_in(site, Role.CITY)


def text(client: Client, url: str = URL, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status
    return answer.content.decode()


def test_only_the_city_orders_and_receives_what_names_residents(
    site: Contract, manager: Client, city: Client, sign_in: SignIn, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [one for one in contents.items() if one.code in ("profile", "table:booking.Attendee", "index")]
    monkeypatch.setattr(packages, "items", lambda: few)
    assert "まだ作っていません" in text(city)
    assert "市職員だけが作成・受取りできます" in text(manager)
    assert manager.post(f"{URL}order/", {"variant": "full"}).status_code == 403
    assert "どちらの内容" in manager.post(f"{URL}order/", {"variant": "x"}, follow=True).content.decode()
    for client, variant in ((city, "full"), (manager, "figures")):
        assert "作成を始めます" in client.post(f"{URL}order/", {"variant": variant}, follow=True).content.decode()
        assert "作成しています" in client.post(f"{URL}order/", {"variant": variant}, follow=True).content.decode()
    with contract_scope(site):
        full, figures = (Package.objects.get(variant=one).pk for one in ("full", "figures"))
    assert "項目のうち0項目" in text(city)
    assert "まだファイルはありません" in text(city, f"{URL}package/{full}/")
    assert "作成中か" in city.post(f"{URL}package/{full}/download/", follow=True).content.decode()
    make_due(site, now=now)
    page = text(manager, f"{URL}package/{full}/")
    assert "SHA256SUMS" in page
    assert "受け取れるのは市職員だけです" in page
    assert manager.post(f"{URL}package/{full}/download/").status_code == 403
    assert manager.get(f"{URL}package/{full}/download/").status_code == 405
    for client, pk in ((city, full), (manager, figures)):
        answer = client.post(f"{URL}package/{pk}/download/")
        assert answer["Content-Disposition"].startswith("attachment; filename=")
        assert "index.html" in zipfile.ZipFile(io.BytesIO(b"".join(answer))).namelist()
    with contract_scope(site):
        assert next(one.action for one in audit.search(target=f"package:{full}")) == "handover.fetched_people"
    auditor = sign_in(site, Role.AUDITOR)
    assert "受け取る権限がありません" in text(auditor, f"{URL}package/{figures}/")
    assert auditor.post(f"{URL}order/", {"variant": "figures"}).status_code == 403
    assert sign_in(site, Role.OPERATOR).get(URL).status_code == 403
    assert text(city, f"{URL}package/999/", 404)


def test_the_way_from_asking_to_the_certificate(
    site: Contract, manager: Client, city: Client, sign_in: SignIn, now: dt.datetime, tmp_path: object, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = settings.VOICE_DIR = tmp_path  # type: ignore[attr-defined]
    code = book(site, TUESDAY_10, now=now).code
    assert "消去証明書はまだありません" in text(city, f"{URL}certificate/")
    page = text(manager, f"{URL}erasure/")
    assert "いま消去すると、なくなるもの" in page
    assert "予約（今後の予約を含む）" in page
    assert city.post(f"{URL}erasure/", ASKED).status_code == 403
    empty = manager.post(f"{URL}erasure/", {**ASKED, "reason": "", "ends_on": "2026-10-30"})
    assert (empty.status_code, "消去の根拠を入力してください" in empty.content.decode(), "10" in empty.content.decode()) == (422, True, True)
    wrong = manager.post(f"{URL}erasure/", {**ASKED, "copies_until": "2026-01-01"})
    assert (wrong.status_code, "契約の最終日以後" in wrong.content.decode(), "仕様書13(3)" in wrong.content.decode()) == (409, True, True)
    assert "申し出ました" in manager.post(f"{URL}erasure/", ASKED, follow=True).content.decode()
    assert manager.post(f"{URL}erasure/", {"returned": "no", "typed_code": "hatsukaichi"}).status_code == 403
    assert "市職員の承認を待っています" in text(manager, f"{URL}erasure/")
    refused = city.post(f"{URL}erasure/", {"returned": "yes", "typed_code": "hatsukaichi"})
    assert (refused.status_code, "まだ誰も受け取っていません" in refused.content.decode()) == (409, True)
    assert city.post(f"{URL}erasure/", {"typed_code": "hatsukaichi"}).status_code == 422
    assert "待機期間" in city.post(f"{URL}erasure/", {"returned": "no", "typed_code": "hatsukaichi"}, follow=True).content.decode()
    assert "取りやめました" in manager.post(f"{URL}erasure/call-off/", follow=True).content.decode()
    assert "状態が変わっています" in manager.post(f"{URL}erasure/call-off/", follow=True).content.decode()
    manager.post(f"{URL}erasure/", ASKED)
    city.post(f"{URL}erasure/", {"returned": "no", "typed_code": "hatsukaichi"})
    with contract_scope(site):
        begins = Erasure.objects.get(stage=Stage.WAITING).begins_at
    assert begins == now + erasure.WAIT
    for later in (begins, begins + erasure.SETTLE):
        erasure.advance(site, now=later)
    monkeypatch.setattr(clock, "now", lambda: begins + dt.timedelta(days=1))
    page = text(city, f"{URL}certificate/")
    assert "発行時の内容と一致" in page
    assert "個人情報消去証明書" in page
    assert "消去するものはありません" not in page
    assert "消去済み" in text(manager)
    forget_keys()
    gone = city.get(f"/staff/hatsukaichi/desk/b/{code}/")
    assert gone.status_code in (404, 410)
    calls = city.get("/staff/hatsukaichi/desk/?q=0829309100")
    assert (calls.status_code, "住民の情報は消去されています" in calls.content.decode()) == (410, True)
    assert city.get("/staff/hatsukaichi/obligations/").status_code == 200
    forget_contracts()
    for path, data in (("stops/", {"reason": "入替え"}), ("desk/new/", {}), ("counter/main/windows/1/open/", {"group": "apply", "key": "k"})):
        refused = city.post(f"/staff/hatsukaichi/{path}", data)
        assert (refused.status_code, "新しく記録できません" in refused.content.decode()) == (410, True), path
    assert Client().post("/hatsukaichi/book/", {}).status_code == 410
    assert manager.post("/staff/hatsukaichi/papers/make/", {"code": "none", "key": "none"}).status_code == 302, "the accounts of the work go on"
    with contract_scope(site):
        Erasure.objects.update(certificate={**Erasure.objects.get(stage=Stage.DONE).certificate, "keys": 7})
    assert "発行時の内容と不一致" in text(city, f"{URL}certificate/")


def test_what_stays_open_after_the_end_is_there() -> None:
    apps = get_resolver().namespace_dict
    assert set(apps) >= AFTER_THE_END | {"office"}
    assert {name for name in apps["office"][1].reverse_dict if isinstance(name, str)} >= WHO_ENTERS


def test_what_is_due_at_the_end_stands_beside_the_packages(site: Contract, contracts: dict[str, Contract], sign_in: SignIn) -> None:
    page = text(sign_in(contracts["izumi"], Role.CITY), "/staff/izumi/handover/")
    assert "契約の終わりに行うこと" in page
    assert "/staff/izumi/obligations/duty/equipment_return/" in page
    assert "10(3)⑤" in page
