"""Papers: drafts say what the data says, what was handed in stays, and the ledger of obligations follows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pypdfium2
import pytest
from django.db import IntegrityError, transaction

from madoguchi.domain.obligations import services as ledger
from madoguchi.domain.obligations.queries import book_of
from madoguchi.domain.obligations.rules import Status
from madoguchi.domain.papers import services as deeds
from madoguchi.domain.papers.contents import compared, content_of, digest_of, papers_of
from madoguchi.domain.papers.enums import State
from madoguchi.domain.papers.errors import PaperRefused
from madoguchi.domain.papers.models import Paper
from madoguchi.domain.papers.printed import pdf_of
from madoguchi.domain.reports.errors import ReportRefused
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.audit import queries as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM

pytestmark = pytest.mark.req("REP-04")
START = ("business_plan", "start")
Doing = dict[str, Any]


@pytest.fixture
def place(contracts: dict[str, Contract], now: dt.datetime):
    """伊豆の国市, whose ledger counts from before its service."""
    contract = contracts["izunokuni"]
    with contract_scope(contract):
        ledger.open_ledger(contract, dt.date(2026, 1, 1), by=SYSTEM, now=now)
        yield contract


@pytest.fixture
def member(place: Contract, now: dt.datetime) -> Callable[[Role, str], Doing]:
    def made(role: Role, name: str) -> Doing:
        user = User.objects.create_user(f"{role}@example.jp", None, name=name)
        Assignment.objects.create(user=user, contract=place, role=role)
        return {"user": user, "by": SYSTEM, "now": now}

    return made


@pytest.fixture
def manager(member: Callable[[Role, str], Doing]) -> Doing:
    return member(Role.MANAGER, "責任 太郎")


@pytest.fixture
def city(member: Callable[[Role, str], Doing]) -> Doing:
    return member(Role.CITY, "市役 花子")


def written(contract: Contract, manager: Doing, now: dt.datetime) -> Paper:
    paper = deeds.make(contract, *START, by=SYSTEM, now=now)
    deeds.write(contract, paper.pk, "contact", "平日は電話で、休日は業務責任者の携帯電話で連絡します。", **manager)
    return paper


def evidence(contract: Contract, now: dt.datetime) -> Any:
    return next(line for line in book_of(contract, now.date()).of("business_plan") if line.occasion.key == "start")


def test_a_draft_is_filled_from_the_contracts_data(place: Contract, manager: Doing, now: dt.datetime) -> None:
    content = content_of(place, deeds.make(place, *START, by=SYSTEM, now=now), now.date())
    parts = {one["code"]: one for one in content["parts"]}
    assert ["業務の名称", place.profile.title] in parts["outline"]["table"]["rows"]
    assert parts["structure"]["table"]["rows"] == [["業務責任者", "責任 太郎"]]
    assert [row[0] for row in parts["staffing"]["table"]["rows"]] == [one.name for one in place.profile.staffing]
    assert [row[0] for row in parts["duties"]["table"]["rows"]] == [one.name for one in place.profile.reports]
    assert any(row[0] == "業務開始前の研修" for row in parts["education"]["table"]["rows"])
    assert (parts["contact"]["text"], content["due"]) == ("", "2026-03-31")


def test_handing_in_meets_the_obligation_and_approval_confirms_it(place: Contract, manager: Doing, city: Doing, now: dt.datetime) -> None:
    paper = written(place, manager, now)
    assert (evidence(place, now).status, paper.holder) == (Status.BREACHED, "受託者")
    handed_in = deeds.submit(place, paper.pk, **manager)
    line = evidence(place, now)
    assert (line.status, line.unconfirmed, line.late, handed_in.holder) == (Status.MET, True, True, "市")
    assert (line.evidence.reference, line.evidence.file_hash) == ("業務計画書 第1版", handed_in.digest)
    approved = deeds.approve(place, paper.pk, **city)
    assert (evidence(place, now).done, approved.holder, approved.state) == (True, "", State.APPROVED)
    assert {one.action for one in audit.search(target=f"paper:{paper.pk}")} == {"paper.made", "paper.written", "paper.submitted", "paper.approved"}


def test_a_returned_paper_is_evidence_no_longer_and_its_texts_go_on(place: Contract, manager: Doing, city: Doing, now: dt.datetime) -> None:
    paper = written(place, manager, now)
    deeds.submit(place, paper.pk, **manager)
    with pytest.raises(ReportRefused, match="差し戻す理由"):
        deeds.send_back(place, paper.pk, comments=" ", **city)
    second = deeds.send_back(place, paper.pk, comments="休日の連絡先を書いてください。", **city)
    assert evidence(place, now).status is Status.BREACHED
    deeds.write(place, second.pk, "contact", "平日は電話で、休日は0120で連絡します。次の行。", **manager)
    paper.refresh_from_db()
    (change,) = compared(paper.content, content_of(place, second, now.date()))
    assert change.title == "連絡体制"
    assert change.pieces == (
        ("gone", "平日は電話で、休日は業務責任者の携帯電話で連絡します。"), ("new", "平日は電話で、休日は0120で連絡します。次の行。"),
    )  # fmt: skip
    deeds.submit(place, second.pk, **manager)
    assert evidence(place, now).evidence.reference == "業務計画書 第2版"


def test_a_version_after_the_approval_leaves_the_citys_confirmation(place: Contract, manager: Doing, city: Doing, now: dt.datetime) -> None:
    paper = written(place, manager, now)
    deeds.submit(place, paper.pk, **manager)
    deeds.approve(place, paper.pk, **city)
    second = deeds.issue_again(place, paper.pk, reason="担当者の交代", by=SYSTEM, now=now)
    deeds.submit(place, second.pk, **manager)
    third = deeds.send_back(place, second.pk, comments="図が古いままです。", **city)
    assert (evidence(place, now).done, evidence(place, now).evidence.reference, third.version) == (True, "業務計画書 第1版", 3)
    with pytest.raises(PaperRefused, match="もっと新しい版"):
        deeds.issue_again(place, paper.pk, reason="もう一度", by=SYSTEM, now=now)


def test_what_was_handed_in_never_changes(place: Contract, manager: Doing, now: dt.datetime, member: Callable[[Role, str], Doing]) -> None:
    paper = written(place, manager, now)
    draft = pdf_of(place, paper, now.date())
    handed_in = deeds.submit(place, paper.pk, **manager)
    first = pdf_of(place, handed_in, now.date())
    member(Role.SUPERVISOR, "後から 来た人")
    later = now.date() + dt.timedelta(days=300)
    paper.refresh_from_db()
    assert digest_of(content_of(place, paper, later)) == paper.digest
    assert pdf_of(place, paper, later) == first != draft
    text = "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(first))
    for told in ("業務計画書", "伊豆の国市長　様", "責任 太郎", "平日は電話で、休日は業務責任者の携帯電話で連絡します。", f"SHA-256 {paper.digest}"):
        assert told in text, told
    assert "後から" not in text


def test_what_is_not_possible_is_said(place: Contract, manager: Doing, city: Doing, now: dt.datetime) -> None:
    paper = deeds.make(place, *START, by=SYSTEM, now=now)
    for refused, words in (
        (lambda: deeds.make(place, *START, by=SYSTEM, now=now), "もうあります"),
        (lambda: deeds.make(place, "monthly", "2026-04", by=SYSTEM, now=now), "取り決めがありません"),
        (lambda: deeds.make(place, "business_plan", "2026-04", by=SYSTEM, now=now), "義務の台帳にありません"),
        (lambda: deeds.submit(place, paper.pk, **manager), "「連絡体制」が空です"),
        (lambda: deeds.submit(place, paper.pk, **city), "提出できる役割ではありません"),
        (lambda: deeds.approve(place, paper.pk, **city), "「下書き」です"),
        (lambda: deeds.write(place, paper.pk, "weather", "晴れ", **manager), "この欄は"),
        (lambda: deeds.write(place, paper.pk, "contact", "番号は 1234 5678 9018", **manager), "マイナンバー"),
    ):
        with pytest.raises(ReportRefused, match=words):
            refused()
    with pytest.raises(IntegrityError), transaction.atomic():
        Paper.objects.filter(pk=paper.pk).update(state=State.SUBMITTED)


def test_every_contracts_papers_can_be_begun_and_printed(contracts: dict[str, Contract], now: dt.datetime) -> None:
    for contract in contracts.values():
        assert papers_of(contract.profile), contract.code
        with contract_scope(contract):
            for duty in papers_of(contract.profile):
                lines = book_of(contract, now.date()).of(duty.code)
                if not lines:
                    ledger.record_event(contract, duty.code, on=now.date(), note="依頼", by=SYSTEM, now=now)
                    lines = book_of(contract, now.date()).of(duty.code)
                paper = deeds.make(contract, duty.code, lines[0].occasion.key, by=SYSTEM, now=now)
                assert pypdfium2.PdfDocument(pdf_of(contract, paper, now.date()))[0].get_textpage().get_text_range().count(duty.name) >= 2
