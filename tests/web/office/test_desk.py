"""What waits for the city and what the contractor owes: on the first page of each, and by mail when it begins and when it is decided."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from madoguchi.domain.cases.services import flows
from madoguchi.domain.notices.models import Message, StaffKind
from madoguchi.domain.notices.recipients import Recipient, find
from madoguchi.domain.notices.texts import fill, shipped
from madoguchi.domain.obligations.services import open_ledger
from madoguchi.domain.papers import services as papers
from madoguchi.domain.reports.contents import content_of
from madoguchi.domain.reports.services import documents
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import SYSTEM, Actor, ActorKind, Channel
from tests.web.staff_site import SignIn

MANAGER, CITY = Actor(ActorKind.COUNTER, Channel.COUNTER, "user:1", "責任 太郎"), Actor(ActorKind.CITY, Channel.COUNTER, "user:2", "市役 花子")


@pytest.fixture
def place(contracts: dict[str, Contract], now: dt.datetime, monkeypatch: pytest.MonkeyPatch) -> Contract:
    monkeypatch.setattr(clock, "now", lambda: now)
    return contracts["izumi"]


def first_page(client: Client, contract: Contract) -> str:
    page = client.get(f"/staff/{contract.code}/").content.decode()
    return page.partition('id="desk-head"')[2].partition("</section>")[0]


def user_of(contract: Contract, role: Role) -> User:
    return User.objects.get(pk=Assignment.objects.get(contract=contract, role=role).user_id)


def mails(contract: Contract, kind: StaffKind) -> list[Recipient]:
    """What is sent of a kind, as its reader gets it."""
    with contract_scope(contract):
        waiting = Message.objects.filter(kind=kind, state=Message.State.QUEUED).order_by("pk")
        return [one for one in (find(contract, message, "ja") for message in waiting) if one is not None]


def october(contract: Contract, user: User, now: dt.datetime) -> int:
    """The monthly report of October, handed in."""
    doer = {"user": user, "by": MANAGER, "now": now}
    report = documents.make(contract, "monthly", dt.date(2026, 10, 1), by=SYSTEM, now=now)
    with contract_scope(contract):
        empty = [one["code"] for one in content_of(contract, report)["passages"] if not one["text"]]
    for code in empty:
        documents.write(contract, report.pk, code, "特になし", **doer)
    documents.sign(contract, report.pk, **doer)
    documents.submit(contract, report.pk, **doer)
    return report.pk


@pytest.mark.req("REP-03", "CON-04")
def test_a_report_waits_on_the_citys_first_page_and_by_mail_until_it_is_decided(place: Contract, sign_in: SignIn, now: dt.datetime) -> None:
    manager, city = sign_in(place, Role.MANAGER), sign_in(place, Role.CITY)
    assert "市の確認を待っているものはありません" in first_page(city, place)
    open_ledger(place, dt.date(2026, 7, 1), by=SYSTEM, now=now)
    made = documents.make(place, "monthly", dt.date(2026, 9, 1), by=SYSTEM, now=now)
    owed = first_page(manager, place)
    assert f"/staff/izumi/documents/{made.pk}/" in owed
    assert "下書きです（期限 10月" in owed
    assert "期限切れ" in owed.partition(f"/documents/{made.pk}/")[2], "the ledger says so"
    report = october(place, user_of(place, Role.MANAGER), now)
    page = first_page(city, place)
    assert f"/staff/izumi/documents/{report}/" in page
    assert "2026年10月" in page
    (asked,) = mails(place, StaffKind.ASKED)
    assert asked.address == user_of(place, Role.CITY).email
    assert "令和8年10月1日" in asked.context["what"]
    wording = shipped("asked", "ja")
    assert wording is not None
    subject, body = fill(wording, asked.context)
    assert (subject.startswith("【和泉市・窓口システム】確認のお願い：月次"), f"/staff/izumi/documents/{report}/" in body) == (True, True)
    documents.send_back(place, report, comments="数字を確かめてください。", user=user_of(place, Role.CITY), by=CITY, now=now)
    assert mails(place, StaffKind.ASKED) == []
    (answered,) = mails(place, StaffKind.ANSWERED)
    assert (answered.address, answered.context["answer"]) == (user_of(place, Role.MANAGER).email, "差し戻し")
    wording = shipped("answered", "ja")
    assert wording is not None
    subject, body = fill(wording, answered.context)
    assert subject.endswith("（差し戻し）")
    assert "数字を確かめて" not in subject + body
    assert "待っているものはありません" in first_page(city, place)
    assert "差し戻されました（期限 11月10日）" in first_page(manager, place)


@pytest.mark.req("REP-04")
def test_a_paper_is_asked_about_and_answered(contracts: dict[str, Contract], sign_in: SignIn, now: dt.datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: now)
    place = contracts["izunokuni"]
    manager, city = sign_in(place, Role.MANAGER), sign_in(place, Role.CITY)
    doer = {"user": user_of(place, Role.MANAGER), "by": MANAGER, "now": now}
    paper = papers.make(place, "business_plan", "start", by=MANAGER, now=now)
    papers.write(place, paper.pk, "contact", "平日は電話で連絡します。", **doer)
    assert f"/papers/{paper.pk}/" in first_page(manager, place)
    papers.submit(place, paper.pk, **doer)
    assert f"/papers/{paper.pk}/" in first_page(city, place)
    assert [one.context["what"] for one in mails(place, StaffKind.ASKED)] == ["業務計画書（第1版）"]
    papers.approve(place, paper.pk, user=user_of(place, Role.CITY), by=CITY, now=now)
    assert [one.context["answer"] for one in mails(place, StaffKind.ANSWERED)] == ["承認済み"]
    assert mails(place, StaffKind.ASKED) == []


@pytest.mark.req("DESK-02")
def test_a_change_of_a_flow_is_asked_about_and_one_taken_back_is_not(place: Contract, sign_in: SignIn, now: dt.datetime) -> None:
    city = sign_in(place, Role.CITY)
    sign_in(place, Role.MANAGER)
    change = {"documents": {"title": "カードと書類（確認）"}}

    def proposed() -> int:
        return flows.propose(place, "pin_reset", change, valid_from=now.date(), note="名称", by=MANAGER, now=now).pk

    first = proposed()
    assert "手続きの流れ" in first_page(city, place)
    assert [one.context["who"] for one in mails(place, StaffKind.ASKED)] == ["責任 太郎"]
    flows.turn_down(place, first, by=MANAGER, now=now)
    assert mails(place, StaffKind.ASKED) == mails(place, StaffKind.ANSWERED) == []
    flows.approve(place, proposed(), by=CITY, now=now)
    assert [one.context["answer"] for one in mails(place, StaffKind.ANSWERED)] == ["承認済み"]


@pytest.mark.req("REP-03")
def test_who_neither_inspects_nor_hands_in_has_no_such_list(place: Contract, sign_in: SignIn) -> None:
    operator = sign_in(place, Role.OPERATOR)
    assert "今日の状況" in operator.get("/staff/izumi/").content.decode()
    assert first_page(operator, place) == ""
