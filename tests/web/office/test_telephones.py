"""The page of the SIP telephones, and the choice of one in the operator's page."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.test import Client

from madoguchi.domain.callflow.models import Telephone
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.voice.passes import derive, unseal
from tests.web.staff_site import SignIn

PAGE = "/staff/hatsukaichi/phone/telephones/"
CALL = "/staff/hatsukaichi/desk/call/"
PASSWORD = re.compile(r"[a-z2-9]{4}(?:-[a-z2-9]{4}){3}")


@pytest.fixture(autouse=True)
def voice_dir(settings: Any, tmp_path: Path) -> None:
    settings.VOICE_DIR = tmp_path / "voice"
    settings.VOICE_SIP = "denwa.example.jp:5070"


def add(manager: Client, name: str = "1番席") -> str:
    answer = manager.post(PAGE, {"name": name, "place": "窓側"})
    assert answer.status_code == 200 and answer["Cache-Control"] == "no-store"
    found = PASSWORD.search(answer.content.decode())
    assert found
    return found[0]


@pytest.mark.req("CALL-08", "SEC-04")
def test_a_password_is_shown_this_once_with_what_to_type(sign_in: SignIn, site: Contract) -> None:
    manager = sign_in(site, Role.MANAGER)
    assert "電話機はまだありません" in manager.get(PAGE).content.decode()
    password = add(manager)
    shown = manager.get(PAGE).content.decode()
    assert password not in shown and not PASSWORD.search(shown)
    for part in ("hatsukaichi-01", "denwa.example.jp", "5070", "UDP", "PCMU", "窓側"):
        assert part in shown
    refused = manager.post(PAGE, {"name": "1番席", "place": "打った場所"})
    assert refused.status_code == 422 and "打った場所" in refused.content.decode() and "すでにあります" in refused.content.decode()
    assert manager.post(PAGE, {"name": "", "place": ""}).status_code == 422
    with contract_scope(site):
        row = Telephone.objects.get()
    again = manager.post(f"{PAGE}{row.pk}/", {"deed": "issue"}).content.decode()
    assert (found := PASSWORD.search(again)) and found[0] != password
    off = manager.post(f"{PAGE}{row.pk}/", {"deed": "off"}, follow=True).content.decode()
    assert "止めました" in off and "止めています" in off
    assert "ありません。画面を開き直して" in manager.post(f"{PAGE}999999/", {"deed": "off"}, follow=True).content.decode()
    assert sign_in(site, Role.CITY).get(PAGE).status_code == 200
    for role in (Role.OPERATOR, Role.SUPERVISOR, Role.AUDITOR):
        assert sign_in(site, role).get(PAGE).status_code == 403


@pytest.mark.req("CALL-03")
def test_an_operator_sits_down_at_a_telephone_and_gets_up(sign_in: SignIn, site: Contract, now: dt.datetime) -> None:
    operator, colleague = sign_in(site, Role.OPERATOR), sign_in(site, Role.OPERATOR)
    assert "電話を受けるところ" not in operator.get(CALL).content.decode()
    add(sign_in(site, Role.MANAGER))
    with contract_scope(site):
        row = Telephone.objects.get()
    shown = operator.get(CALL).content.decode()
    assert "電話機：1番席（窓側）" in shown and "data-telephone" not in shown
    shown = operator.post(CALL + "seat/", {"telephone": row.pk}, follow=True).content.decode()
    assert 'data-telephone="hatsukaichi-01"' in shown and "きょうは電話機「1番席」で" in shown and "phone-microphone" not in shown
    key = derive(site_settings.VOICE_SECRET, "pass")
    assert unseal(operator.get(CALL + "pass/").json()["pass"], key, now=now).phone == "hatsukaichi-01"
    assert "電話機：1番席" not in colleague.get(CALL).content.decode()
    assert "花子さんが使っています" in colleague.post(CALL + "seat/", {"telephone": row.pk}, follow=True).content.decode()
    assert "data-telephone" not in operator.post(CALL + "seat/", {"telephone": ""}, follow=True).content.decode()
    assert unseal(operator.get(CALL + "pass/").json()["pass"], key, now=now).phone == ""
    assert sign_in(site, Role.CITY).post(CALL + "seat/", {"telephone": row.pk}).status_code == 403
