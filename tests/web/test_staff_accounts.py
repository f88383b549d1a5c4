"""The staff side's doors through HTTP: sign-in with a second factor, lock-out, sessions, invitation, demo, staff and log pages."""

from __future__ import annotations

import datetime as dt
import re

import pyotp
import pytest
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.cache import cache
from django.test import Client

from madoguchi.ground.accounts.demo import DOMAIN, DemoLogin, make_demo_staff
from madoguchi.ground.accounts.models import Assignment, User
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.web.ui.middleware import SessionActivity


@pytest.fixture
def logins(contracts: dict[str, Contract], now: dt.datetime) -> dict[str, DemoLogin]:
    cache.clear()
    return {item.email.partition("@")[0]: item for item in make_demo_staff(list(contracts.values()), now)}


def enter(login: DemoLogin) -> Client:
    client = Client()
    client.force_login(User.objects.get(email=login.email))
    return client


def actions(contract: Contract) -> list[str]:
    with contract_scope(contract):
        return list(Entry.objects.order_by("id").values_list("action", flat=True))


@pytest.mark.req("SEC-01")
def test_sign_in_needs_password_and_code(contracts: dict[str, Contract], logins: dict[str, DemoLogin]) -> None:
    login, client = logins["operator.hatsukaichi"], Client()
    response = client.post("/accounts/login/", {"login": login.email, "password": login.password})
    assert (response.status_code, response["Location"].partition("?")[0]) == (302, "/accounts/2fa/authenticate/")
    assert client.get("/staff/hatsukaichi/")["Location"].startswith("/accounts/login/")
    wrong = client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert "確認コードが違います" in wrong.content.decode()
    code = pyotp.TOTP(login.totp_secret).now()
    response = client.post("/accounts/2fa/authenticate/", {"code": code})
    assert (response.status_code, response["Location"]) == (302, "/staff/")
    assert client.get("/staff/hatsukaichi/").status_code == 200
    assert client.get("/staff/izumi/").status_code == 404
    assert actions(contracts["hatsukaichi"]) == ["account.second_factor_failed", "account.signed_in"]
    again = Client()
    again.post("/accounts/login/", {"login": login.email, "password": login.password})
    assert again.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 200, "a code works once"


@pytest.mark.req("SEC-01", "SEC-05")
def test_answers_do_not_tell_whether_an_account_exists(logins: dict[str, DemoLogin]) -> None:
    client = Client()
    texts = set()
    for email in (logins["city.izumi"].email, "nobody@example.jp"):
        response = client.post("/accounts/login/", {"login": email, "password": "wrong"})
        found = re.search(r"メールアドレスかパスワードが違います。", response.content.decode())
        assert found
        texts.add((response.status_code, found[0]))
        reset = client.post("/accounts/password/reset/", {"email": email})
        assert (reset.status_code, reset["Location"]) == (302, "/accounts/password/reset/done/")
    assert len(texts) == 1
    assert [m.to for m in mail.outbox] == [[logins["city.izumi"].email]]


@pytest.mark.req("SEC-01", "SEC-05")
def test_five_failures_lock_an_account_for_a_while(
    logins: dict[str, DemoLogin], contracts: dict[str, Contract]
) -> None:
    login, client = logins["city.izumi"], Client()
    for _ in range(5):
        client.post("/accounts/login/", {"login": login.email, "password": "wrong"})
    response = client.post("/accounts/login/", {"login": login.email, "password": login.password})
    assert response.status_code == 200
    assert "15分ほど待って" in response.content.decode()
    other = logins["city.urasoe"]
    assert client.post("/accounts/login/", {"login": other.email, "password": other.password}).status_code == 302
    assert actions(contracts["izumi"]) == ["account.sign_in_failed"] * 5


@pytest.mark.req("SEC-01")
@pytest.mark.parametrize("path", ["/accounts/signup/", "/accounts/email/", "/accounts/password/set/"])
def test_there_is_no_sign_up(logins: dict[str, DemoLogin], path: str) -> None:
    assert Client().get(path).status_code == 404
    assert enter(logins["city.izumi"]).post(path, {"email": "x@example.jp"}).status_code == 404


@pytest.mark.req("SEC-01")
def test_an_invitation_from_the_page_to_the_second_factor(
    logins: dict[str, DemoLogin], contracts: dict[str, Contract]
) -> None:
    manager = enter(logins["manager.hatsukaichi"])
    form = {"name": "新人 一郎", "email": "new@example.jp", "organisation": "", "role": "operator"}
    refused = manager.post("/staff/hatsukaichi/people/", {**form, "role": "city"})
    assert refused.status_code == 422
    assert "新人 一郎" in refused.content.decode(), "nothing typed is lost"
    assert manager.post("/staff/hatsukaichi/people/", form).status_code == 302
    link = re.search(r"(/accounts/invitation/\S+)", str(mail.outbox[-1].body))
    assert link
    invited = Client()
    assert "廿日市市" in invited.get(link[1]).content.decode()
    mismatch = invited.post(link[1], {"password": "takai-yama-9-kawa", "again": "other"})
    assert "同じではありません" in mismatch.content.decode()
    password = {"password": "takai-yama-9-kawa", "again": "takai-yama-9-kawa"}
    assert invited.post(link[1], password)["Location"] == "/accounts/login/"
    assert invited.get(link[1]).status_code == 410
    assert invited.get("/accounts/invitation/unknown/").status_code == 404
    invited.post("/accounts/login/", {"login": "new@example.jp", "password": password["password"]})
    assert invited.get("/staff/hatsukaichi/")["Location"] == "/accounts/second-factor/"


@pytest.mark.req("SEC-01")
@pytest.mark.parametrize("role", ["operator", "counter", "supervisor", "auditor"])
def test_other_roles_do_not_manage_staff(logins: dict[str, DemoLogin], role: str) -> None:
    client = enter(logins[f"{role}.hatsukaichi"])
    for path in ("/staff/hatsukaichi/people/", "/staff/hatsukaichi/keys/"):
        assert client.get(path).status_code == 403
        assert client.post(path, {}).status_code == 403


@pytest.mark.req("SEC-01")
def test_a_manager_signs_somebody_out_everywhere(logins: dict[str, DemoLogin]) -> None:
    login = logins["operator.hatsukaichi"]
    victim = Client()
    victim.post("/accounts/login/", {"login": login.email, "password": login.password})
    victim.post("/accounts/2fa/authenticate/", {"code": pyotp.TOTP(login.totp_secret).now()})
    assert victim.get("/staff/hatsukaichi/").status_code == 200
    assert "127.0.0.1" in victim.get("/accounts/sessions/").content.decode()
    user = User.objects.get(email=login.email)
    manager = enter(logins["manager.hatsukaichi"])
    assert manager.get(f"/staff/hatsukaichi/people/{user.pk}/").status_code == 200
    manager.post(f"/staff/hatsukaichi/people/{user.pk}/deed/", {"deed": "sessions"})
    assert victim.get("/staff/hatsukaichi/")["Location"].startswith("/accounts/login/")


@pytest.mark.req("SEC-01")
def test_a_change_of_role_works_at_once(logins: dict[str, DemoLogin]) -> None:
    operator = enter(logins["operator.hatsukaichi"])
    user = User.objects.get(email=logins["operator.hatsukaichi"].email)
    assert operator.get("/staff/hatsukaichi/audit/").status_code == 403
    enter(logins["city.hatsukaichi"]).post(
        f"/staff/hatsukaichi/people/{user.pk}/deed/", {"deed": "role", "role": "auditor"}
    )
    assert operator.get("/staff/hatsukaichi/audit/").status_code == 200


@pytest.mark.req("SEC-02", "SEC-05")
def test_the_log_is_searched_and_exported_and_the_export_is_in_the_log(
    logins: dict[str, DemoLogin], contracts: dict[str, Contract]
) -> None:
    client = enter(logins["auditor.hatsukaichi"])
    page = client.get("/staff/hatsukaichi/audit/", {"action": "account.signed_in"}).content.decode()
    assert page.count("<code>user:") == 1
    assert (
        "当てはまる記録はありません"
        in client.get("/staff/hatsukaichi/audit/", {"target": "booking:1"}).content.decode()
    )
    wrong = client.get("/staff/hatsukaichi/audit/", {"first": "2026-12-01", "last": "2026-11-01"})
    assert wrong.status_code == 422
    export = client.get("/staff/hatsukaichi/audit/export/", {"action": "account.signed_in"})
    assert export["Content-Type"] == "text/csv; charset=utf-8"
    lines = export.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("日時,")
    assert actions(contracts["hatsukaichi"])[-1] == "audit.exported"
    assert actions(contracts["izumi"]) == []


@pytest.mark.req("SEC-01")
def test_one_contract_opens_at_once_two_are_offered(logins: dict[str, DemoLogin]) -> None:
    assert enter(logins["operator.izumi"]).get("/staff/")["Location"] == "/staff/izumi/"
    page = enter(logins["operator.two"]).get("/staff/").content.decode()
    assert "/staff/hatsukaichi/" in page
    assert "/staff/izunokuni/" in page
    assert "/staff/izumi/" not in page
    assert "担当する契約はありません" in enter(logins["admin"]).get("/staff/").content.decode()


@pytest.mark.req("CON-01")
def test_one_click_sign_in_exists_only_in_the_demo(logins: dict[str, DemoLogin], settings: object) -> None:
    from django.core.exceptions import PermissionDenied
    from django.test import RequestFactory

    from madoguchi.ground.accounts.demo import sign_in_demo

    assert Client().post("/demo/sign-in/", {"email": logins["city.izumi"].email}).status_code == 404
    with pytest.raises(PermissionDenied):
        sign_in_demo(RequestFactory().post("/"), logins["city.izumi"].email)
    settings.DEMO = True  # type: ignore[attr-defined]
    User.objects.create_user("real@example.jp", "takai-yama-9-kawa", name="本物")
    with pytest.raises(PermissionDenied):
        sign_in_demo(RequestFactory().post("/"), "real@example.jp")
    assert DOMAIN == "demo.example.jp"


@pytest.mark.req("SEC-03")
def test_secrets_of_second_factors_are_sealed(logins: dict[str, DemoLogin]) -> None:
    from allauth.mfa.models import Authenticator

    login = logins["city.izumi"]
    stored = Authenticator.objects.get(user__email=login.email).data["secret"]
    assert stored.startswith("m1:")
    assert login.totp_secret not in stored
    assert Assignment.objects.filter(user__email=login.email).count() == 1


@pytest.mark.req("SEC-01")
def test_a_device_in_use_is_noted_once_a_minute_and_when_it_changes(logins: dict[str, DemoLogin], monkeypatch: pytest.MonkeyPatch) -> None:
    client = enter(logins["auditor.hatsukaichi"])

    def noted(**headers: str) -> tuple[dt.datetime, str]:
        assert client.get("/staff/hatsukaichi/audit/", headers=headers).status_code == 200
        return UserSession.objects.values_list("last_seen_at", "user_agent").get()

    first = noted()
    assert noted() == first
    moved = noted(user_agent="another browser")
    assert moved[0] > first[0]
    assert moved[1] == "another browser"
    monkeypatch.setattr(SessionActivity, "SECONDS", 0.0)
    assert noted(user_agent="another browser")[0] > moved[0], "its minute is over"
