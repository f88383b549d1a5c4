"""What waits on the first page: for an official what the city has to look at, for manager and leader what is to be handed in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from madoguchi.domain.billing.enums import State as Billed
from madoguchi.domain.billing.models import Invoice
from madoguchi.domain.cases.enums import Side, VersionState
from madoguchi.domain.cases.enums import State as Working
from madoguchi.domain.cases.models import Case, FlowVersion
from madoguchi.domain.obligations.queries import Book, Line, book_of
from madoguchi.domain.obligations.rules import Status
from madoguchi.domain.papers.contents import duty_of as paper_of
from madoguchi.domain.papers.contents import papers_of
from madoguchi.domain.papers.enums import State as Handed
from madoguchi.domain.papers.models import Paper
from madoguchi.domain.reports.contents import duty_of
from madoguchi.domain.reports.enums import State
from madoguchi.domain.reports.models import Report
from madoguchi.ground.accounts.access import INSPECT_REPORTS, KEEP_MONEY, WRITE_REPORTS, may
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST

from .documents import label_of


@dataclass(frozen=True)
class Waiting:
    """One line: what waits, a few words more, its page; ``late`` is drawn as such."""

    what: str
    note: str
    url: str
    late: bool = False


@dataclass(frozen=True)
class Desk:
    """A list with its title and the words that stand there while it is empty."""

    title: str
    empty: str
    lines: tuple[Waiting, ...]


def desk_of(request: HttpRequest, contract: Contract) -> Desk | None:
    """The list of the signed-in role; None for roles that neither inspect nor hand in."""
    today = request.now.date()  # type: ignore[attr-defined]
    if may(request, INSPECT_REPORTS):
        lines = _inspected(contract), _examined(contract), _confirmed(contract, book_of(contract, today))
        return Desk("市の確認を待っているもの", "市の確認を待っているものはありません。", tuple(line for part in lines for line in part))
    if may(request, WRITE_REPORTS):
        book = book_of(contract, today)
        parts = [_missed(contract, book), _handed_in(contract, book, today)]
        if may(request, KEEP_MONEY):
            parts.append(_billed(contract))
        return Desk("市へ出すもの・期限のあるもの", "出していないもの、期限が近いものはありません。", tuple(line for part in parts for line in part))
    return None


def _day(moment: dt.datetime | None) -> str:
    local = moment.astimezone(JST) if moment else None
    return f"{local.month}月{local.day}日に提出" if local else ""


def _reports(contract: Contract, states: Iterable[State]) -> tuple[list[Report], list[Report]]:
    """Reports of months and of days in these states, the oldest first."""
    found = list(Report.objects.filter(state__in=list(states)).defer("content").order_by("first", "code"))
    monthly = [one for one in found if one.first != one.last]
    return monthly, [one for one in found if one.first == one.last]


def _name(contract: Contract, report: Report) -> str:
    duty = duty_of(contract.profile, report.code)
    return f"{duty.name if duty else report.code} {label_of(report.period)}"


def _daily(contract: Contract, daily: list[Report], note: str) -> Iterator[Waiting]:
    if daily:
        url = f"{reverse('documents:documents', args=[contract.code])}?month={daily[0].first:%Y-%m}"
        yield Waiting(f"日報 {len(daily)}件", f"{note}。いちばん古いもの：{label_of(daily[0].period)}", url)


def _inspected(contract: Contract) -> Iterator[Waiting]:
    monthly, daily = _reports(contract, [State.SUBMITTED])
    for report in monthly:
        yield Waiting(_name(contract, report), _day(report.submitted_at), reverse("documents:report", args=[contract.code, report.pk]))
    yield from _daily(contract, daily, "提出済み")
    for paper in Paper.objects.filter(state=Handed.SUBMITTED).defer("content").order_by("submitted_at"):
        duty = paper_of(contract.profile, paper.code)
        yield Waiting(duty.name if duty else paper.code, _day(paper.submitted_at), reverse("papers:paper", args=[contract.code, paper.pk]))
    for version in FlowVersion.objects.filter(state=VersionState.PROPOSED).order_by("proposed_at"):
        url = reverse("cases:flow", args=[contract.code, version.code])
        yield Waiting(f"手続きの流れ「{version.body['name']}」の変更", _day(version.proposed_at), url)


def _examined(contract: Contract) -> Iterator[Waiting]:
    if count := Case.objects.filter(side=Side.CITY, state=Working.ACTIVE).count():
        yield Waiting(f"審査を待っている案件 {count}件", "窓口から渡されたものです", reverse("cases:city", args=[contract.code]))


def _confirmed(contract: Contract, book: Book) -> Iterator[Waiting]:
    of_papers = {one.code for one in papers_of(contract.profile)}
    if count := sum(line.unconfirmed and line.duty.code not in of_papers for line in book.lines):
        yield Waiting(f"確認していない義務の証拠 {count}件", "", reverse("obligations:ledger", args=[contract.code]))


def _missed(contract: Contract, book: Book) -> Iterator[Waiting]:
    url = reverse("obligations:ledger", args=[contract.code])
    if count := book.counts["open"]:
        yield Waiting(f"期限を過ぎた・基準に届かない義務 {count}件", "訳を記録して、市と確かめてください", url, late=True)
    coming = [line for line in book.lines if line.status is Status.DUE and not line.open_breach]
    if coming:
        first = min(line.occasion.due for line in coming)
        yield Waiting(f"期限が近い義務 {len(coming)}件", f"いちばん近い期限 {first.month}月{first.day}日", url)


def _handed_in(contract: Contract, book: Book, today: dt.date) -> Iterator[Waiting]:
    """What is begun and not with the city; the ledger of obligations says until when, and whether it is late."""
    owed = {(line.duty.code, line.occasion.key): line for line in book.lines}
    returned = set(Report.objects.filter(state=State.RETURNED).values_list("code", "first", "version"))
    monthly, daily = _reports(contract, [State.DRAFT, State.SIGNED])
    for report in monthly:
        if report.last < today:
            back = (report.code, report.first, report.version - 1) in returned
            stands = "提出していません" if report.state == State.SIGNED else "差し戻されました" if back else "下書きです"
            url = reverse("documents:report", args=[contract.code, report.pk])
            yield _owed(_name(contract, report), stands, url, owed.get((report.code, f"{report.first:%Y-%m}")))
    yield from _daily(contract, [one for one in daily if one.state == State.DRAFT and one.last < today], "確定していません")
    for paper in Paper.objects.filter(state=Handed.DRAFT).defer("content").order_by("made_at"):
        duty, url = paper_of(contract.profile, paper.code), reverse("papers:paper", args=[contract.code, paper.pk])
        yield _owed(duty.name if duty else paper.code, "下書きです", url, owed.get((paper.code, paper.key)))


def _owed(what: str, stands: str, url: str, line: Line | None) -> Waiting:
    if line is None:
        return Waiting(what, stands, url)
    due = line.occasion.due
    return Waiting(what, f"{stands}（期限 {due.month}月{due.day}日）", url, late=line.open_breach)


def _billed(contract: Contract) -> Iterator[Waiting]:
    if count := Invoice.objects.filter(state=Billed.DRAFT).count():
        yield Waiting(f"請求書の下書き {count}件", "確かめて発行してください", reverse("billing:invoices", args=[contract.code]))
