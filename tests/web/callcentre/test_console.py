"""The operator's page: who calls, what was done, the record."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from madoguchi.domain.calls.enums import Line, Result, Topic
from madoguchi.domain.calls.models import Call, Callback, Contact, Escalation
from madoguchi.domain.calls.services.record import record_events
from madoguchi.domain.notices.models import Message
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.voice.passes import CallPass, derive, seal, unseal
from tests.domain.calls.told import answered, callback
from tests.web.staff_site import SignIn, book

CALL = "/staff/hatsukaichi/desk/call/"
RUN = "20261102T090000-aa"


def sealed(client: Client, now: dt.datetime, **changes: Any) -> str:
    user = client.session["_auth_user_id"]
    given = {
        "operator": f"user:{user}", "call": f"{RUN}-1", "contract": "hatsukaichi", "number": "+819012345678", "withheld": False, "choice": "book",
        "language": "ja", "until": int(now.timestamp()) + 3600,
    }  # fmt: skip
    return seal(CallPass(**{**given, **changes}), derive(settings.VOICE_SECRET, "pass"))


@pytest.mark.req("CALL-03")
def test_the_page_has_the_telephone_the_work_and_the_record(sign_in: SignIn, site: Contract) -> None:
    page = sign_in(site, Role.OPERATOR).get(CALL)
    html = page.content.decode()
    assert page.status_code == 200
    for part in ("data-console", 'id="caller"', 'id="work"', 'id="record"'):
        assert part in html
    assert "microphone=(self)" in page["Permissions-Policy"]
    assert sign_in(site, Role.AUDITOR).get(CALL).status_code == 403


@pytest.mark.req("CALL-03", "SEC-02")
def test_a_pass_for_the_exchange(sign_in: SignIn, site: Contract, now: dt.datetime) -> None:
    client = sign_in(site, Role.SUPERVISOR)
    answer = client.get(CALL + "pass/").json()
    given = unseal(answer["pass"], derive(settings.VOICE_SECRET, "pass"), now=now)
    assert given.operator == f"user:{client.session['_auth_user_id']}"
    assert (given.contracts, given.supervisor) == (("hatsukaichi",), True)


@pytest.mark.req("CALL-03", "BOOK-11")
def test_who_calls(sign_in: SignIn, site: Contract, now: dt.datetime) -> None:
    client = sign_in(site, Role.OPERATOR)
    made = book(site, phone="09012345678", now=now)
    earlier = now - dt.timedelta(days=1)
    record_events(site, callback("old", start=earlier), by=SYSTEM, now=now)
    html = client.post(CALL + "caller/", {"sealed": sealed(client, now), "choice_label": "予約", "waited": "12.4"}).content.decode()
    assert "090-1234-5678" in html
    assert made.code in html
    assert "折り返しの約束" in html
    assert "12秒お待ち" in html
    assert '<option value="book" selected>' in html, "the menu suggests the topic"
    with contract_scope(site):
        assert Entry.objects.filter(action="call.popped").count() == 1


@pytest.mark.req("SEC-02", "CALL-03")
@pytest.mark.parametrize("change", [{"operator": "user:999"}, {"contract": "nagaoka"}, {"until": 1}])
def test_another_call_is_not_shown(sign_in: SignIn, site: Contract, now: dt.datetime, change: dict[str, Any]) -> None:
    client = sign_in(site, Role.OPERATOR)
    assert client.post(CALL + "caller/", {"sealed": sealed(client, now, **change)}).status_code == 403
    assert client.post(CALL + "caller/", {"sealed": "x.y"}).status_code == 403


@pytest.mark.req("CALL-03")
def test_a_withheld_number_is_nobody(sign_in: SignIn, site: Contract, now: dt.datetime) -> None:
    client = sign_in(site, Role.OPERATOR)
    book(site, phone="09012345678", now=now)
    html = client.post(CALL + "caller/", {"sealed": sealed(client, now, number="", withheld=True)}).content.decode()
    assert "非通知の着信" in html
    assert "予約　" not in html


@pytest.mark.req("CALL-03")
def test_the_record_comes_before_the_events(sign_in: SignIn, site: Contract, now: dt.datetime) -> None:
    client = sign_in(site, Role.OPERATOR)
    given = {
        "sealed": sealed(client, now), "topic": "bring", "result": "solved", "language": "ja", "question": "持ち物は", "answer": "通知書",
        "source": "phone",
    }  # fmt: skip
    assert "保存しました" in client.post(CALL + "record/", given).content.decode()
    user = client.session["_auth_user_id"]
    record_events(site, answered(f"{RUN}-1", agent=f"user:{user}", start=now - dt.timedelta(minutes=4)), by=SYSTEM, now=now)
    with contract_scope(site):
        call = Call.objects.get()
        contact = Contact.objects.get()
        assert (contact.call_id, contact.topic, contact.result) == (call.pk, Topic.BRING, Result.SOLVED)
        assert (call.outcome, str(call.operator_id)) == ("answered", user)
    again = client.post(CALL + "record/", {**given, "result": "referred"})
    assert again.status_code == 200
    with contract_scope(site):
        assert Contact.objects.get().result == Result.REFERRED


@pytest.mark.req("CALL-03", "BOOK-11")
def test_what_was_done_suggests_the_record(sign_in: SignIn, site: Contract, now: dt.datetime) -> None:
    client = sign_in(site, Role.OPERATOR)
    user = client.session["_auth_user_id"]
    record_events(site, answered(f"{RUN}-1", agent=f"user:{user}", start=now - dt.timedelta(seconds=30))[:-1], by=SYSTEM, now=now)
    html = client.post(CALL + "done/", {"sealed": sealed(client, now)}).content.decode()
    assert "data-topic" not in html
    from madoguchi.ground.kit.actors import Actor, ActorKind, Channel

    made = book(site, by=Actor(ActorKind.CALL_CENTRE, Channel.PHONE, ref=f"user:{user}", label="電話 花子"), now=now)
    html = client.post(CALL + "done/", {"sealed": sealed(client, now)}).content.decode()
    assert 'data-topic="book" data-result="booked"' in html
    assert made.code in html


@pytest.mark.req("CALL-04", "CALL-05")
def test_a_complaint_goes_to_the_city_with_the_record(sign_in: SignIn, site: Contract, now: dt.datetime) -> None:
    sign_in(site, Role.CITY)
    client = sign_in(site, Role.OPERATOR)
    given = {
        "sealed": sealed(client, now), "topic": "complaint", "result": "escalated", "language": "ja", "question": "待ち時間が長い", "answer": "",
        "source": "phone", "complaint": "on", "call_back": "on", "line": "supervisor", "number": "090-1234-5678",
    }  # fmt: skip
    assert client.post(CALL + "record/", given).status_code == 200
    with contract_scope(site):
        matter = Escalation.objects.get()
        assert (matter.complaint, matter.line, matter.call_back) == (True, Line.SUPERVISOR, True)
        assert Message.objects.get(ref=f"escalation:{matter.pk}").kind == "complaint"


@pytest.mark.req("CALL-03")
def test_what_is_wrong_is_said_and_nothing_is_lost(sign_in: SignIn, site: Contract, now: dt.datetime) -> None:
    client = sign_in(site, Role.OPERATOR)
    answer = client.post(CALL + "record/", {"sealed": sealed(client, now), "question": "長い話", "language": "ja", "source": "phone"})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "種類を選んでください。" in html
    assert "長い話" in html
    lost = client.post(
        CALL + "record/",
        {"sealed": sealed(client, now, number="", withheld=True), "topic": "book", "result": "call_again", "language": "ja", "source": "phone"},
    )
    assert lost.status_code == 422
    assert "電話番号を" in lost.content.decode()
    with contract_scope(site):
        assert not Contact.objects.exists(), "one deed, one transaction"
        assert not Callback.objects.exists()
    number = client.post(CALL + "record/", {"topic": "other", "result": "solved", "question": "1234 5678 9018", "language": "ja", "source": "phone"})
    assert number.status_code == 422
