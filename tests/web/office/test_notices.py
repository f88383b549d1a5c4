"""Screens of wording and log: who may, what is refused, what is kept."""

import pytest
from django.test import Client
from django.urls import reverse

from madoguchi.domain.notices import services
from madoguchi.domain.notices.models import Attempt, Kind, Message, Template
from madoguchi.ground.accounts.access import DEMO_SESSION
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.tenancy import contract_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("BOOK-08")]


@pytest.fixture
def enter(contracts, settings):
    settings.DEMO = True
    settings.ROOT_URLCONF = "tests.demo_urls"

    def sign_in(role: Role) -> Client:
        user = User.objects.create_user(f"{role}@example.jp", "x", name="試 験", organisation="市")
        Assignment.objects.create(user=user, contract=contracts["hatsukaichi"], role=role)
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        session = client.session
        session[DEMO_SESSION] = True
        session.save()
        return client

    return sign_in


URL = "/staff/hatsukaichi/mail/texts/created/ja/"


def test_an_official_edits_with_preview_and_goes_back(enter, contracts) -> None:
    client = enter(Role.CITY)
    assert client.get("/staff/hatsukaichi/mail/texts/").status_code == 200
    page = client.get(URL).content.decode()
    assert "【廿日市市】予約を受け付けました（予約番号 K7M29QXT）" in page
    preview = client.post(URL, {"subject": "新 {code}", "body": "{code} {when} ようこそ", "action": "preview"})
    assert "ようこそ" in preview.content.decode()
    with contract_scope(contracts["hatsukaichi"]):
        assert not Template.objects.exists()
    assert (
        client.post(URL, {"subject": "新 {code}", "body": "{code} {when} ようこそ", "action": "save"}).status_code
        == 302
    )
    with contract_scope(contracts["hatsukaichi"]):
        assert Template.objects.get().body == "{code} {when} ようこそ\n"
    assert "メールの文面を変更した" in client.get(URL).content.decode()
    assert client.post(URL, {"action": "restore"}).status_code == 302
    with contract_scope(contracts["hatsukaichi"]):
        assert not Template.objects.exists()


def test_mistakes_are_shown_and_nothing_typed_is_lost(enter, contracts) -> None:
    client = enter(Role.MANAGER)
    answer = client.post(URL, {"subject": "x", "body": "{code}{when}\n{oops} のこる文", "action": "save"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "2行目：差し込み「{oops}」はありません" in page
    assert "のこる文" in page
    answer = client.post(URL, {"subject": "x", "body": "{code}{when} 1234-5678-9018 のこる文", "action": "save"})
    assert answer.status_code == 422
    assert "9018" not in answer.content.decode()
    assert "のこる文" in answer.content.decode()
    with contract_scope(contracts["hatsukaichi"]):
        assert not Template.objects.exists()


@pytest.mark.parametrize(
    ("role", "texts", "log"), [(Role.OPERATOR, 403, 200), (Role.AUDITOR, 403, 200), (Role.CITY, 200, 200)]
)
def test_who_may(enter, role: Role, texts: int, log: int) -> None:
    client = enter(role)
    assert client.get(URL).status_code == texts
    assert client.get(reverse("office:messages", args=["hatsukaichi"])).status_code == log
    assert client.get("/staff/hatsukaichi/mail/texts/created/xx/").status_code in (403, 404)
    assert client.get("/staff/izumi/mail/log/").status_code == 404


def test_the_log_shows_answers_warns_and_resends(enter, contracts, now) -> None:
    city = contracts["hatsukaichi"]
    with contract_scope(city):
        message = services.queue(city, ref="probe:1", kind=Kind.CREATED, language="ja", now=now)
        Message.objects.update(state=Message.State.FAILED)
        Attempt.objects.create(contract=city, message=message, at=now, outcome="permanent", answer="5.1.1 no such user")
        services.queue(city, ref="probe:2", kind=Kind.CREATED, language="en", now=now.replace(year=2020))
    client = enter(Role.OPERATOR)
    page = client.get("/staff/hatsukaichi/mail/log/").content.decode()
    assert "5.1.1 no such user" in page
    assert "送信が遅れているメールが1件" in page
    only = client.get("/staff/hatsukaichi/mail/log/?state=queued&language=en").content.decode()
    assert "5.1.1 no such user" not in only
    assert "読み取れません" in client.get("/staff/hatsukaichi/mail/log/?first=きのう").content.decode()
    assert client.post(f"/staff/hatsukaichi/mail/log/{message.pk}/resend/").status_code == 302
    with contract_scope(city):
        assert Message.objects.filter(detail={"resend_of": message.pk}).count() == 1
    assert client.get(f"/staff/hatsukaichi/mail/log/{message.pk}/resend/").status_code == 405
    auditor = enter(Role.AUDITOR)
    assert auditor.post(f"/staff/hatsukaichi/mail/log/{message.pk}/resend/").status_code == 403


def test_the_log_asks_the_same_number_of_questions_for_one_and_for_many(
    enter, contracts, now, django_assert_max_num_queries
) -> None:
    city = contracts["hatsukaichi"]
    with contract_scope(city):
        for n in range(30):
            message = services.queue(city, ref=f"booking:{n}", kind=Kind.CREATED, language="ja", now=now)
            Attempt.objects.create(contract=city, message=message, at=now, outcome="sent", answer="250")
    client = enter(Role.OPERATOR)
    with django_assert_max_num_queries(20):
        assert client.get("/staff/hatsukaichi/mail/log/").status_code == 200


def test_the_demos_mailbox_lists_shows_and_searches(contracts, settings, tmp_path) -> None:
    from django.test import RequestFactory

    from madoguchi.mailbox import Mailbox
    from madoguchi.web.office import mailbox as views

    settings.DATA_DIR = tmp_path
    settings.ROOT_URLCONF = "tests.demo_urls"
    raw = (
        b"From: =?utf-8?b?5biC?= <no-reply@x.jp>\r\nTo: a@example.jp\r\nSubject: =?utf-8?b?5LqI57SE?=\r\n"
        b"Message-ID: <1@x>\r\nDate: Mon, 02 Nov 2026 09:00:00 +0900\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\nhttps://yoyaku.example.jp/r/1 <script>alert(1)</script>\r\n"
    )
    box = Mailbox(tmp_path / "mailbox")
    name = box.keep(raw, "a@example.jp")
    assert box.keep(raw, "A@example.jp") == name
    box.keep(raw.replace(b"<1@x>", b"<2@x>"), "b@example.jp")
    requests = RequestFactory()
    page = views.inbox(requests.get("/demo/mailbox/")).content.decode()
    assert page.count(">予約</a>") == 2
    assert "11/2 09:00" in page
    assert views.inbox(requests.get("/demo/mailbox/?q=b@ex")).content.decode().count(">予約</a>") == 1
    shown = views.mail(requests.get("/"), name).content.decode()
    assert 'href="https://yoyaku.example.jp/r/1"' in shown
    assert "<script>alert" not in shown
