"""The work list of broken bookings, the texts of procedures, the contract page."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from madoguchi.domain.booking.models import Affected, Event
from madoguchi.domain.booking.services.slots import CalendarChange, change_calendar
from madoguchi.domain.notices.models import Message
from madoguchi.domain.procedures.models import ProcedureText
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.web.office.contract import assumed
from tests.web.staff_site import TUESDAY_10, SignIn, book

STAFF = "/staff/hatsukaichi/"


def close(contract: Contract, date: dt.date, *, by: Actor, now: dt.datetime) -> None:
    with contract_scope(contract):
        change_calendar(contract, CalendarChange(date, "closed", "", "counter", (), None, "台風"), by=by, now=now)


@pytest.mark.req("CAL-05")
def test_broken_bookings_are_called_moved_and_settled(
    site: Contract, at_desk: Client, now: dt.datetime, official: Actor
) -> None:
    by_phone = book(site, now=now)
    by_mail = book(site, TUESDAY_10 + dt.timedelta(hours=1), email="taro@example.jp", now=now)
    close(site, TUESDAY_10.date(), by=official, now=now)
    with contract_scope(site):
        Message.objects.filter(kind="affected").update(state="bounced")
    page = at_desk.get(f"{STAFF}affected/").content.decode()
    assert "電話が必要 2件" in page
    assert "台風" in page
    assert "電話が必要（メールなし）" in page
    assert "電話が必要（メールが届かない）" in page
    assert "090-1234-5678" in page
    with contract_scope(site):
        row = Affected.objects.get(booking__code=by_phone.code)
        assert Entry.objects.order_by("-id").first().action == "booking.listed"
    url = f"{STAFF}affected/{row.pk}/settle/"
    at_desk.post(url, {"outcome": "何か"})
    with contract_scope(site):
        assert Affected.objects.get(pk=row.pk).settled_at is None
    at_desk.post(url, {"outcome": "電話で伝えた（このまま来庁）"})
    with contract_scope(site):
        assert Affected.objects.get(pk=row.pk).outcome == "電話で伝えた（このまま来庁）"
        assert Event.objects.order_by("-id").first().kind == "settled"
    assert (
        "ほかの担当者がすでに"
        in at_desk.post(url, {"outcome": "電話で伝えた（このまま来庁）"}, follow=True).content.decode()
    )
    page = at_desk.get(f"{STAFF}affected/").content.decode()
    assert by_mail.code in page
    assert by_phone.code not in page
    assert by_phone.code in at_desk.get(f"{STAFF}affected/?settled=1").content.decode()


@pytest.mark.req("CAL-05")
def test_queries_of_the_work_list_do_not_grow(
    site: Contract, at_desk: Client, now: dt.datetime, official: Actor
) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert at_desk.get(f"{STAFF}affected/").status_code == 200
        return len(seen)

    book(site, now=now)
    close(site, TUESDAY_10.date(), by=official, now=now)
    count()
    one = count()
    for days in (1, 2):
        book(site, TUESDAY_10 + dt.timedelta(days=days), now=now)
        close(site, TUESDAY_10.date() + dt.timedelta(days=days), by=official, now=now)
    assert count() == one


@pytest.mark.req("BOOK-12")
def test_a_text_is_previewed_and_then_saved(site: Contract, sign_in: SignIn) -> None:
    manager = sign_in(site, Role.MANAGER)
    assert "要確認" in manager.get(f"{STAFF}texts/").content.decode()
    url = f"{STAFF}texts/card_pickup/ja/"
    sent = {
        "name": "カードの受け取り",
        "summary": "受け取りです",
        "confirmed": "on",
    }
    page = manager.post(url, sent | {"step": "preview"}).content.decode()
    assert re.search(r"<h3>カードの受け取り.*受け取りです", page, re.S)
    with contract_scope(site):
        assert not ProcedureText.objects.filter(name="カードの受け取り", confirmed=True).exists()
    assert manager.post(url, sent | {"step": "save"}).status_code == 302
    with contract_scope(site):
        text = ProcedureText.objects.get(procedure__code="card_pickup", language="ja")
        assert (text.name, text.summary, text.confirmed) == ("カードの受け取り", "受け取りです", True)
        assert text.edited_by == "業務責任者 花子"
    wrong = manager.post(url, sent | {"name": "", "step": "save"})
    assert wrong.status_code == 422
    assert "表示名を入力してください" in wrong.content.decode()
    assert "受け取りです" in wrong.content.decode()
    assert manager.get(f"{STAFF}texts/card_pickup/xx/").status_code == 404
    assert sign_in(site, Role.OPERATOR).get(url).status_code == 403


@pytest.mark.req("CON-01")
@pytest.mark.parametrize("code", ["hatsukaichi", "izumi", "izunokuni", "nagaoka", "urasoe"])
def test_the_contract_is_readable_and_says_what_is_open(
    contracts: dict[str, Contract], sign_in: SignIn, code: str
) -> None:
    client = sign_in(contracts[code], Role.AUDITOR)
    page = client.get(f"/staff/{code}/contract/").content.decode()
    for text in (contracts[code].name, "履行場所", "開設時間", "委託料の支払い", "保存と消去", "要確認"):
        assert text in page
    assert "datetime." not in page
    assert "None" not in page


def test_assumptions_are_read_from_the_file() -> None:
    path = Path(settings.PROFILES_DIR) / "hatsukaichi.toml"
    marked = assumed(path, path.stat().st_mtime)
    assert ("booking", "hold_minutes") in marked
    assert ("hours", "1", "weekly", "0", "open") in marked
    assert ("kpis", "answer_rate") not in marked


@pytest.mark.req("SEC-01")
def test_auditors_cannot_settle(site: Contract, sign_in: SignIn) -> None:
    auditor = sign_in(site, Role.AUDITOR)
    assert auditor.get(f"{STAFF}affected/").status_code == 200
    assert auditor.post(f"{STAFF}affected/1/settle/", {"outcome": "メールの返事で了承"}).status_code == 403
