"""Papers handed in to the city: which are owed, who has each of them now, one paper with its parts, and the steps to the city's approval."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.obligations import rules
from madoguchi.domain.obligations.queries import Line, book_of
from madoguchi.domain.papers import services as deeds
from madoguchi.domain.papers.contents import compared, content_of, digest_of, duty_of, papers_of
from madoguchi.domain.papers.enums import State
from madoguchi.domain.papers.errors import PaperRefused
from madoguchi.domain.papers.models import Paper
from madoguchi.domain.papers.printed import pdf_of
from madoguchi.ground.accounts.access import INSPECT_REPORTS, READ_REPORTS, WRITE_REPORTS, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import ReportDuty
from madoguchi.ground.kit import typeset
from madoguchi.ground.privacy.guard import cut_individual_numbers
from madoguchi.web.ui.middleware import handles_individual_number

from .bookings import attachment
from .versions import Steps, doer

TONES = {State.DRAFT: "plain", State.SUBMITTED: "warn", State.APPROVED: "ok", State.RETURNED: "bad"}
NEVER = "この文書は見つかりません。"


@dataclass(frozen=True)
class Row:
    """One occasion of a paper: the newest version if it was begun, and how the obligation stands."""

    line: Line
    paper: Paper | None
    late: bool

    @property
    def tone(self) -> str:
        return TONES[State(self.paper.state)] if self.paper else "bad" if self.late else "plain"


@dataclass(frozen=True)
class Group:
    """A paper of the profile with its occasions. ``by_event``: occasions come from events that are recorded in the ledger."""

    duty: ReportDuty
    rule: str
    by_event: bool
    rows: list[Row]


@roles(READ_REPORTS)
def papers(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Every paper that was agreed, its occasions, and who has it now."""
    today = request.now.date()
    book = book_of(contract, today)
    newest = {(one.code, one.key): one for one in Paper.objects.defer("content").order_by("version")}
    groups = []
    for duty in papers_of(contract.profile):
        rows = [
            Row(line, newest.get((duty.code, line.occasion.key)), line.open_breach)
            for line in book.of(duty.code)
        ]
        groups.append(Group(duty, rules.rule_text(duty), duty.due.rule in rules.EVENT_RULES, rows))
    rows = [row for group in groups for row in group.rows]
    context = {
        "groups": groups, "may_write": may(request, WRITE_REPORTS), "may_decide": may(request, INSPECT_REPORTS),
        "ours": sum(bool(row.paper and row.paper.state == State.DRAFT) for row in rows),
        "theirs": sum(bool(row.paper and row.paper.state == State.SUBMITTED) for row in rows), "late": sum(row.late for row in rows),
    }  # fmt: skip
    return render(request, "office/papers/papers.html", context)


@require_POST
@roles(WRITE_REPORTS)
def make(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Begin the paper of an occasion."""
    try:
        made = deeds.make(contract, request.POST.get("code", ""), request.POST.get("key", ""), by=actor_of(request), now=request.now)
    except PaperRefused as refused:
        messages.error(request, str(refused))
        return redirect("papers:papers", contract.code)
    return redirect("papers:paper", contract.code, made.pk)


def paper_of(contract: Contract, pk: int) -> Paper:
    """A paper with the names of those who handled it. Raises ``Http404``, also for a draft of what is agreed no longer."""
    found: Paper | None = Paper.objects.select_related("submitted_by", "decided_by").filter(pk=pk).first()
    if found is None or (found.content is None and duty_of(contract.profile, found.code) is None):
        raise Http404(NEVER)
    return found


@roles(READ_REPORTS)
def paper(request: HttpRequest, contract: Contract, paper: int) -> HttpResponse:
    """One version of a paper: its parts, what the next step is and whose, and what differs from the version before."""
    return _page(request, contract, paper_of(contract, paper))


def _page(request: HttpRequest, contract: Contract, found: Paper, problem: str = "", typed: dict[str, str] | None = None, status: int = 200) -> HttpResponse:
    today = request.now.date()
    try:
        content = content_of(contract, found, today)
    except PaperRefused as gone:
        raise Http404(str(gone)) from None
    may_write, state = may(request, WRITE_REPORTS), State(found.state)
    versions = list(Paper.objects.filter(code=found.code, key=found.key).defer("content").order_by("-version"))
    newest = versions[0].pk == found.pk
    before = Paper.objects.filter(code=found.code, key=found.key, version=found.version - 1).first()
    typed = {name: cut_individual_numbers(text) for name, text in (typed or {}).items()}
    context = {
        "paper": found, "content": content, "state": state, "tone": TONES[state], "problem": problem, "typed": typed,
        "parts": [one | {"text": typed.get(one["code"], one["text"])} for one in content["parts"]],
        "due": dt.date.fromisoformat(content["due"]), "versions": versions, "newest": newest, "before": before,
        "changed": compared(before.content, content) if before is not None and before.content is not None else [],
        "sound": found.content is None or digest_of(found.content) == found.digest,
        "editing": may_write and state == State.DRAFT,
        "may_submit": may_write and state == State.DRAFT and deeds.may_submit(contract, found.code, request.user),
        "may_decide": may(request, INSPECT_REPORTS) and state == State.SUBMITTED,
        "may_again": may_write and newest and state == State.APPROVED,
        "known": duty_of(contract.profile, found.code) is not None,
    }  # fmt: skip
    return render(request, "office/papers/paper.html", context, status=status)


STEPS = Steps(
    "papers:paper",
    lambda request, contract, pk, problem, typed: _page(request, contract, paper_of(contract, pk), problem, typed, status=409),
)


@handles_individual_number
@require_POST
@roles(WRITE_REPORTS)
def write(request: HttpRequest, contract: Contract, paper: int, part: str) -> HttpResponse:
    """Write a text of a draft."""
    return STEPS.write(request, contract, paper, part, deeds.write)


@require_POST
@roles(WRITE_REPORTS)
def submit(request: HttpRequest, contract: Contract, paper: int) -> HttpResponse:
    """Hand a paper in."""
    done = "市へ提出しました。義務の台帳に、提出の証拠を記録しました。"
    return STEPS.take(request, contract, paper, lambda: deeds.submit(contract, paper, **doer(request)), done)


@handles_individual_number
@require_POST
@roles(INSPECT_REPORTS)
def approve(request: HttpRequest, contract: Contract, paper: int) -> HttpResponse:
    """The city agrees."""
    return STEPS.decide(request, contract, paper, deeds.approve, "承認しました。")


@handles_individual_number
@require_POST
@roles(INSPECT_REPORTS)
def send_back(request: HttpRequest, contract: Contract, paper: int) -> HttpResponse:
    """The city returns a paper with comments."""
    return STEPS.decide(request, contract, paper, deeds.send_back, "差し戻しました。次の版の下書きができました。")


@handles_individual_number
@require_POST
@roles(WRITE_REPORTS)
def again(request: HttpRequest, contract: Contract, paper: int) -> HttpResponse:
    """Begin the next version of what was approved."""
    return STEPS.again(request, contract, paper, deeds.issue_again, "承認された版")


@roles(READ_REPORTS)
def as_pdf(request: HttpRequest, contract: Contract, paper: int) -> HttpResponse:
    """A paper set for printing. Without fonts its page says what is missing."""
    found = paper_of(contract, paper)
    try:
        name = f"{found.code}-{contract.code}-{found.key}-v{found.version}.pdf"
        return attachment(pdf_of(contract, found, request.now.date()), typeset.MEDIA_TYPE, name)
    except typeset.FontsMissing as missing:
        return _page(request, contract, found, str(missing), status=503)
