"""Call-backs, records of conversations and the second line at the screen: what operators, leaders and the city see and do."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client

from madoguchi.domain.calls.enums import CallbackEnd, Line, Result, Source, Topic, TryOutcome
from madoguchi.domain.calls.models import Call, Callback, Contact, Escalation
from madoguchi.domain.calls.services import callbacks, contacts, escalations
from madoguchi.domain.calls.services.record import record_events
from madoguchi.ground.accounts.models import Role, User
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import SYSTEM
from tests.domain.calls.people import member
from tests.domain.calls.told import NINE, abandoned, answered, callback
from tests.web.citizen.resident import text_of
from tests.web.staff_site import SignIn, book

PHONE = "/staff/hatsukaichi/phone/"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def later(site: Contract, monkeypatch: pytest.MonkeyPatch) -> dt.datetime:
    """Three hours after the calls began."""
    moment = NINE + 180 * MINUTE
    monkeypatch.setattr(clock, "now", lambda: moment)
    return moment


def looks(contract: Contract, action: str) -> list[dict[str, object]]:
    with contract_scope(contract):
        return list(Entry.objects.filter(action=action).order_by("seq").values_list("detail", flat=True))


@pytest.mark.req("CALL-03")
def test_the_call_back_list_from_the_wish_to_the_record(site: Contract, at_desk: Client, sign_in: SignIn, later: dt.datetime) -> None:
    record_events(site, callback(), by=SYSTEM, now=later)
    with contract_scope(site):
        owed = Callback.objects.get()
    page = at_desk.get(f"{PHONE}callbacks/")
    text, html = text_of(page), page.content.decode()
    assert "090-1234-5678" in text and "期限切れ" in text and f'data-dial="{owed.pk}"' in html
    assert looks(site, "callback.listed") == [{"callbacks": [owed.pk]}]
    went = at_desk.post(f"{PHONE}callbacks/{owed.pk}/take/", follow=True)
    html = went.content.decode()
    assert 'href="tel:09012345678"' in html and f'data-dial="{owed.pk}"' in html
    assert "つながらないまま終えるのは、2回電話をした後" in text_of(went)
    other = sign_in(site, Role.SUPERVISOR).post(f"{PHONE}callbacks/{owed.pk}/take/")
    assert other.status_code == 409 and "担当しています" in text_of(other)
    assert at_desk.post(f"{PHONE}callbacks/{owed.pk}/tried/", {"outcome": "what"}).status_code == 409
    once = at_desk.post(f"{PHONE}callbacks/{owed.pk}/tried/", {"outcome": TryOutcome.NO_ANSWER}, follow=True)
    assert "応答なし" in text_of(once) and "1回目" in once.content.decode()
    assert at_desk.post(f"{PHONE}callbacks/{owed.pk}/end/", {"outcome": "reached"}).status_code == 409
    assert at_desk.post(f"{PHONE}callbacks/{owed.pk}/end/", {"outcome": "given_up"}).status_code == 409
    reached = at_desk.post(f"{PHONE}callbacks/{owed.pk}/tried/", {"outcome": TryOutcome.REACHED})
    assert reached.url == f"{PHONE}contacts/new/?callback={owed.pk}"
    form = at_desk.get(reached.url).content.decode()
    assert 'value="090-1234-5678"' in form and re.search(r'value="back" selected', form)
    listed = text_of(at_desk.get(f"{PHONE}callbacks/"))
    assert "折り返す方はいません" in listed and "話せた" in listed
    assert "すでに終わって" in text_of(at_desk.post(f"{PHONE}callbacks/{owed.pk}/take/"))


@pytest.mark.req("CALL-03")
def test_a_promise_keeps_what_was_typed_and_says_what_is_wrong(site: Contract, at_desk: Client, later: dt.datetime) -> None:
    new = f"{PHONE}callbacks/new/"
    typed = {"number": "12-34", "name": "山田", "about": "受取りの相談", "language": "ja", "day": "", "time": ""}
    wrong = at_desk.post(new, typed)
    assert wrong.status_code == 422 and "受取りの相談" in wrong.content.decode()
    good = typed | {"number": "0829-30-9100"}
    assert "いまより後" in text_of(at_desk.post(new, good | {"time": "11:59"}))
    assert "時刻も入力" in text_of(at_desk.post(new, good | {"day": "2026-11-04"}))
    assert at_desk.post(new, good | {"about": "番号は 1234 5678 9018"}).status_code == 422
    assert at_desk.post(new, good | {"time": "16:30"}).status_code == 302
    record_events(site, abandoned(), by=SYSTEM, now=later)
    with contract_scope(site):
        assert Callback.objects.get().due_at == NINE.replace(hour=16, minute=30)
        call = Call.objects.get()
    assert 'value="09012345678"' in at_desk.get(f"{new}?call={call.pk}").content.decode()
    assert at_desk.post(f"{new}?call={call.pk}", good).status_code == 302
    again = at_desk.post(f"{new}?call={call.pk}", good)
    assert again.status_code == 409 and "すでに一覧に" in text_of(again)
    assert at_desk.get(f"{new}?call=99999").status_code == 404
    assert at_desk.get(f"{new}?call=x").status_code == 404


SAID = {
    "topic": "bring", "result": "solved", "source": "phone", "language": "ja", "question": "持ち物は", "answer": "通知書", "name": "山田",
    "number": "090-1234-5678",
}  # fmt: skip


@pytest.mark.req("CALL-03")
def test_answered_calls_without_a_record_stand_on_top_until_they_are_written(
    site: Contract, at_desk: Client, later: dt.datetime
) -> None:
    user = User.objects.get(pk=at_desk.session["_auth_user_id"])
    record_events(site, [*answered(agent=f"user:{user.pk}"), *abandoned()], by=SYSTEM, now=later)
    with contract_scope(site):
        call = Call.objects.get(ref="a")
    page = at_desk.get(f"{PHONE}contacts/")
    write = f"{PHONE}contacts/new/?call={call.pk}"
    assert "記録のない通話 1件" in text_of(page).replace("　", " ") and write in page.content.decode()
    form = at_desk.get(write).content.decode()
    assert 'value="090-1234-5678"' in form and 'name="time"' not in form
    wrong = at_desk.post(write, SAID | {"topic": "", "bookings": "ABCD-2345"})
    assert wrong.status_code == 422
    assert "見つからない予約番号があります：ABCD-2345" in text_of(wrong) and "「種類」を選んで" in text_of(wrong)
    assert "通知書" in wrong.content.decode()
    made = book(site, now=NINE)
    done = at_desk.post(write, SAID | {"bookings": made.code.lower()}, follow=True)
    assert "応対を記録しました" in done.content.decode() and "通知書" in text_of(done)
    assert f"/desk/b/{made.code}/" in done.content.decode()
    assert "記録のない通話" not in text_of(at_desk.get(f"{PHONE}contacts/"))
    with contract_scope(site):
        contact = Contact.objects.get()
    assert (contact.call_id, contact.operator_id, contact.bookings) == (call.pk, user.pk, [made.code])
    own = f"{PHONE}contacts/{contact.pk}/"
    assert at_desk.post(own, SAID | {"result": ""}).status_code == 422
    assert at_desk.post(own, SAID | {"answer": "通知書と本人確認書類"}).status_code == 302
    assert "通知書と本人確認書類" in text_of(at_desk.get(own))
    assert len(looks(site, "contact.viewed")) == 3


@pytest.mark.req("CALL-03")
def test_records_are_found_by_day_topic_person_and_number(site: Contract, at_desk: Client, later: dt.datetime) -> None:
    user, by = member(site, Role.OPERATOR)
    with contract_scope(site):
        for topic, days in ((Topic.BRING, 0), (Topic.BRING, 1), (Topic.BOOK, 20)):
            words = contacts.Words(question="ひみつ", number="0829309100")
            said = contacts.Said(topic, Result.SOLVED, source=Source.RELAY, words=words)
            contacts.record(site, said, at=NINE - dt.timedelta(days=days), user=user, by=by, now=later)
        every = list(Contact.objects.order_by("-at").values_list("pk", flat=True))

    def count(query: str = "") -> int:
        page = at_desk.get(f"{PHONE}contacts/{query}")
        assert "ひみつ" not in page.content.decode()
        found = re.search(r"(\d+)件", text_of(page).partition("〜")[2])
        return int(found[1]) if found else -1

    assert count() == 2
    assert count("?first=2026-10-01") == 3
    assert count("?first=2026-10-01&topic=book") == 1
    assert count(f"?operator={user.pk}&source=relay&result=solved&language=ja") == 2
    assert count("?source=fax") == 0
    assert at_desk.get(f"{PHONE}contacts/?first=2026-11-02&last=2026-11-01").status_code == 422
    found = at_desk.post(f"{PHONE}contacts/", {"number": "０８２９−３０−９１００"})
    assert "0829-30-9100 の応対 3件" in text_of(found).replace("　", " ")
    assert looks(site, "contact.searched") == [{"contacts": every}]
    wrong = at_desk.post(f"{PHONE}contacts/", {"number": "12"})
    assert wrong.status_code == 422 and 'value="12"' in wrong.content.decode()
    file = at_desk.post(f"{PHONE}contacts/export/", {"first": "2026-11-01", "topic": "bring"}).content.decode("utf-8-sig")
    assert (file.count("ひみつ"), "0829309100" in file) == (2, False)
    assert looks(site, "contact.exported") == [{"contacts": every[:2]}]
    assert at_desk.post(f"{PHONE}contacts/export/", {"first": "2026-11-02", "last": "2026-11-01"}).status_code == 422


@pytest.mark.req("CALL-04", "CALL-05")
def test_a_complaint_goes_from_the_record_to_the_city(site: Contract, at_desk: Client, sign_in: SignIn, later: dt.datetime) -> None:
    city, leader = sign_in(site, Role.CITY), sign_in(site, Role.SUPERVISOR)
    typed = SAID | {"source": "relay", "topic": "complaint", "result": "escalated", "question": "説明がなかった", "day": "", "time": ""}
    went = at_desk.post(f"{PHONE}contacts/new/", typed)
    start = at_desk.get(went.url).content.decode()
    assert "説明がなかった" in start and 'name="complaint" id="id_complaint" checked' in start
    sent = {"topic": "complaint", "summary": "説明がなかった", "complaint": "on", "call_back": "on", "name": "山田", "number": "", "line": "supervisor"}
    refused = at_desk.post(went.url, sent)
    assert refused.status_code == 422 and "本人へ連絡する電話番号" in text_of(refused) and "説明がなかった" in refused.content.decode()
    made = at_desk.post(went.url, sent | {"number": "090-1234-5678"}, follow=True)
    assert "市職員にメールで知らせます" in made.content.decode()
    with contract_scope(site):
        matter = Escalation.objects.get()
    page, step = f"{PHONE}second/{matter.pk}/", f"{PHONE}second/{matter.pk}/step/"
    assert matter.contact_id is not None and "苦情・トラブル" in text_of(at_desk.get(page))
    assert at_desk.post(step, {"deed": "take"}).status_code == 403
    assert at_desk.post(step, {"deed": "close", "text": "済"}).status_code == 403
    assert city.post(step, {"deed": "take"}).status_code == 403, "it does not stand with the city yet"
    assert leader.post(step, {"deed": "take"}).status_code == 302
    second_leader = sign_in(site, Role.MANAGER)
    assert "担当を代わる" in text_of(second_leader.get(page))
    assert second_leader.post(step, {"deed": "take"}).status_code == 409
    empty = leader.post(step, {"deed": "city", "text": " "})
    assert empty.status_code == 409 and "理由を入力" in text_of(empty)
    assert leader.post(step, {"deed": "nothing", "text": "書いたこと"}).status_code == 409
    assert leader.post(step, {"deed": "city", "text": "市の判断が必要"}).status_code == 302
    again = second_leader.post(step, {"deed": "city", "text": "書いたことは残る"})
    assert again.status_code == 409 and "書いたことは残る" in again.content.decode()
    home = text_of(city.get("/staff/hatsukaichi/"))
    assert "市の対応待ち 1件（うち期限切れ 0件）" in home
    assert "対応待ち" not in text_of(leader.get("/staff/hatsukaichi/"))
    listed = text_of(city.get(f"{PHONE}second/"))
    assert listed.index("市の対応待ち") < listed.index("業務責任者・リーダーの対応待ち")
    assert city.post(step, {"deed": "take"}).status_code == 302
    unfinished = city.post(step, {"deed": "close", "text": "説明した"})
    assert unfinished.status_code == 409 and "本人への連絡がまだ" in text_of(unfinished)
    assert city.post(step, {"deed": "called", "text": "電話で説明した"}).status_code == 302
    assert city.post(step, {"deed": "close", "text": "納得された"}).status_code == 302
    closed = text_of(city.get(page))
    assert "完了" in closed and "納得された" in closed and "対応を記録する" not in closed
    assert "市の対応待ち" not in text_of(city.get("/staff/hatsukaichi/"))


@pytest.mark.req("CALL-04")
def test_what_is_late_is_marked_in_words_and_counted_on_the_first_page(
    site: Contract, sign_in: SignIn, later: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, by = member(site, Role.OPERATOR)
    escalations.hand_over(site, topic=Topic.BRING, summary="確認", user=user, by=by, now=NINE)
    callbacks.promise(site, number="0829309100", by=by, now=NINE)
    leader = sign_in(site, Role.SUPERVISOR)
    page = text_of(leader.get(f"{PHONE}second/"))
    assert "業務責任者・リーダーの対応待ち 1件（うち期限切れ 1件）" in page.replace("　", " ") and "2時間30分超過" in page
    home = text_of(leader.get("/staff/hatsukaichi/"))
    assert "業務責任者・リーダーの対応待ち 1件（うち期限切れ 1件）" in home
    assert "折り返す電話が1件あります（うち期限切れ 1件）" in home


@pytest.mark.req("CALL-03", "CALL-04", "SEC-01")
def test_who_may_read_and_who_may_work(site: Contract, sign_in: SignIn, later: dt.datetime) -> None:
    user, by = member(site, Role.OPERATOR)
    with contract_scope(site):
        contact = contacts.record(site, contacts.Said(Topic.BRING, Result.SOLVED), user=user, by=by, now=NINE)
        owed = callbacks.promise(site, number="0829309100", by=by, now=NINE)
        matter = escalations.hand_over(site, topic=Topic.BRING, summary="確認", user=user, by=by, now=NINE)
    pages = {
        "callbacks/": "cw", f"callbacks/{owed.pk}/": "cw", "callbacks/new/": "w", "contacts/": "rcw", f"contacts/{contact.pk}/": "rcw",
        "contacts/new/": "w", "second/": "cw", f"second/{matter.pk}/": "cw", "second/new/": "w",
    }  # fmt: skip
    who = {Role.COUNTER: "r", Role.AUDITOR: "c", Role.OPERATOR: "w", Role.SUPERVISOR: "w", Role.MANAGER: "w", Role.CITY: "w"}
    for role, right in who.items():
        client = sign_in(site, role)
        for page, allowed in pages.items():
            assert client.get(PHONE + page).status_code == (200 if right in allowed else 403), (role, page)
    auditor = sign_in(site, Role.AUDITOR)
    for deed in (f"callbacks/{owed.pk}/take/", f"contacts/{contact.pk}/", f"second/{matter.pk}/step/"):
        assert auditor.post(PHONE + deed, {"deed": "note", "text": "x"}).status_code == 403
    assert "記録を直す" not in text_of(auditor.get(f"{PHONE}contacts/{contact.pk}/"))
    assert "担当する" not in text_of(auditor.get(f"{PHONE}second/{matter.pk}/"))


@pytest.mark.req("CALL-03", "SEC-05")
def test_pages_of_what_was_erased_say_so(site: Contract, at_desk: Client, later: dt.datetime) -> None:
    user, by = member(site, Role.OPERATOR)
    with contract_scope(site):
        contact = contacts.record(site, contacts.Said(Topic.BRING, Result.SOLVED), user=user, by=by, now=NINE)
        owed = callbacks.promise(site, number="0829309100", by=by, now=NINE)
        callbacks.end(site, owed.pk, outcome=CallbackEnd.NEEDLESS, by=by, now=NINE)
        matter = escalations.hand_over(site, topic=Topic.BRING, summary="確認", line=Line.CITY, user=user, by=by, now=NINE)
        escalations.close(site, matter.pk, text="済", user=user, by=by, now=NINE)
        for row in (contact, owed, matter):
            type(row).objects.filter(pk=row.pk).update(words=None, erased_at=later)
    for page in (f"contacts/{contact.pk}/", f"callbacks/{owed.pk}/", f"second/{matter.pk}/", "second/", "callbacks/"):
        answer = at_desk.get(PHONE + page)
        assert answer.status_code == 200 and "消去" in text_of(answer), page
