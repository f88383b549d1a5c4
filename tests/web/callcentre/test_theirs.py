"""Calls of other telephone systems in the operator's page: for whom they ring, who calls, and the record of the call."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from madoguchi.domain.calls.enums import Result, Topic
from madoguchi.domain.calls.models import Call, Contact, Extension
from madoguchi.domain.calls.services.record import record_events
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM
from tests.domain.calls.told import told
from tests.web.staff_site import SignIn, book

CALL = "/staff/hatsukaichi/desk/call/"
PAGE = "/staff/hatsukaichi/phone/telephones/"


def of(client: Client) -> int:
    return int(client.session["_auth_user_id"])


def happened(site: Contract, now: dt.datetime, *steps: tuple[Any, ...], call: str = "1795654800.51", caller: str = "09012345678") -> None:
    events = told(call, *steps, start=now - dt.timedelta(seconds=30), caller=caller, provider="asterisk")
    record_events(site, events, by=SYSTEM, now=now)


OFFERED = (("offered", 0, {"state": "open"}), ("menu", 2, {"key": "1", "choice": "book", "language": "ja"}), ("queued", 5))


@pytest.mark.req("CALL-03")
def test_a_ringing_extension_brings_the_caller_to_who_sits_there(sign_in: SignIn, site: Contract, now: dt.datetime) -> None:
    operator, colleague, manager = sign_in(site, Role.OPERATOR), sign_in(site, Role.OPERATOR), sign_in(site, Role.MANAGER)
    assert "console_theirs" not in operator.get(CALL).content.decode() and 'id="theirs"' not in operator.get(CALL).content.decode()
    assert manager.post(PAGE + "extensions/", {"agent": "SIP/201", "user": of(operator)}, follow=True).content.decode().count("SIP/201") >= 2
    assert 'id="theirs"' in operator.get(CALL).content.decode()
    made = book(site, phone="09012345678", now=now)
    happened(site, now, *OFFERED, ("ringing", 6, "SIP/201"))
    shown = operator.get(CALL + "theirs/").content.decode()
    assert 'data-state="ringing"' in shown and "呼び出し中" in shown and "予約" in shown and "090" not in shown
    assert "data-told" not in colleague.get(CALL + "theirs/").content.decode()
    with contract_scope(site):
        row = Call.objects.get()
    assert colleague.post(CALL + "caller/", {"told": row.pk}).status_code == 403
    html = operator.post(CALL + "caller/", {"told": row.pk, "waited": "12"}).content.decode()
    assert "090-1234-5678" in html and made.code in html and '<option value="book" selected>' in html
    happened(site, now, ("answered", 10, "SIP/201"))
    assert 'data-state="talking"' in operator.get(CALL + "theirs/").content.decode()
    sealed = html.split('name="sealed" value="')[1].split('"')[0]
    typed = {"sealed": sealed, "topic": Topic.BOOK, "result": Result.SOLVED, "question": "空きはあるか", "language": "ja", "source": "phone"}
    assert operator.post(CALL + "record/", typed).status_code == 200
    assert colleague.post(CALL + "record/", typed).status_code == 403, "another one's call"
    with contract_scope(site):
        row.refresh_from_db()
        assert (Contact.objects.get().call_id, row.operator_id, Call.objects.count()) == (row.pk, of(operator), 1)
        assert Entry.objects.filter(action="call.popped").count() == 1
    happened(site, now, ("ended", 20, {"by": "caller"}))
    assert "data-told" not in operator.get(CALL + "theirs/").content.decode()


@pytest.mark.req("CALL-03")
def test_who_did_not_take_it_sees_it_no_more_and_who_got_it_does(sign_in: SignIn, site: Contract, now: dt.datetime) -> None:
    first, second = sign_in(site, Role.OPERATOR), sign_in(site, Role.OPERATOR)
    with contract_scope(site):
        Extension.objects.create(contract=site, agent="SIP/201", user_id=of(first), named_at=now, named_by="x")

    def seen(client: Client) -> str:
        html = client.get(CALL + "theirs/").content.decode()
        return html.split('data-state="')[1].split('"')[0] if "data-state" in html else ""

    happened(site, now, *OFFERED, ("ringing", 6, "SIP/201"), caller="")
    assert (seen(first), seen(second)) == ("ringing", "")
    happened(site, now, ("not_answered", 12, "SIP/201", {"why": "timeout"}), ("ringing", 13, f"user:{of(second)}"))
    assert (seen(first), seen(second)) == ("", "ringing"), "an account of ours needs no extension"
    happened(site, now, ("answered", 14, f"user:{of(second)}"), ("transferred", 20, f"user:{of(second)}", {"to": "SIP/201"}))
    assert (seen(first), seen(second)) == ("talking", "")
    with contract_scope(site):
        row = Call.objects.get()
    assert "非通知の着信" in first.post(CALL + "caller/", {"told": row.pk}).content.decode()
    assert first.post(CALL + "caller/", {"told": "x"}).status_code == 403


@pytest.mark.req("CALL-03", "SEC-01")
def test_extensions_are_tied_and_untied(sign_in: SignIn, site: Contract, now: dt.datetime) -> None:
    manager, operator, city = sign_in(site, Role.MANAGER), sign_in(site, Role.OPERATOR), sign_in(site, Role.CITY)
    happened(site, now, *OFFERED, ("answered", 8, "SIP/203"), ("ended", 20))
    assert '<option value="SIP/203">' in manager.get(PAGE).content.decode(), "names that were heard of are offered"
    for typed, said in (
        ({"agent": "", "user": of(operator)}, "内線の名前を入力"), ({"agent": "SIP/203", "user": of(city)}, "正しく選択"),
        ({"agent": "SIP/203"}, "担当者を選んで"),
    ):  # fmt: skip
        refused = manager.post(PAGE + "extensions/", typed)
        assert refused.status_code == 422 and said in refused.content.decode()
    assert "登録しなくても" in manager.post(PAGE + "extensions/", {"agent": "user:1", "user": of(operator)}, follow=True).content.decode()
    manager.post(PAGE + "extensions/", {"agent": "SIP/203", "user": of(operator)})
    with contract_scope(site):
        row = Extension.objects.get()
    assert operator.post(PAGE + "extensions/", {"drop": row.pk}).status_code == 403
    assert "解きました" in manager.post(PAGE + "extensions/", {"drop": row.pk}, follow=True).content.decode()
    assert "すでに削除" in manager.post(PAGE + "extensions/", {"drop": row.pk}, follow=True).content.decode()
