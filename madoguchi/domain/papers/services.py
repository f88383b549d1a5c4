"""Deeds of papers: begin, write, hand in, approve or send back, begin again.

Each locks the row of the paper and looks at its state. The ledger of obligations follows in the same transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction

from madoguchi.domain.notices import decisions
from madoguchi.domain.obligations import services as ledger
from madoguchi.domain.obligations.errors import ObligationRefused
from madoguchi.domain.obligations.queries import Book, book_of
from madoguchi.domain.reports.services.documents import text_of
from madoguchi.ground.accounts.models import Assignment, User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST

from .contents import content_of, digest_of, duty_of, line_of
from .enums import State
from .errors import PaperRefused
from .models import Paper, PaperText


@contextmanager
def _deed(contract: Contract) -> Iterator[None]:
    with transaction.atomic(), contract_scope(contract), audit.held_back():
        try:
            yield
        except ObligationRefused as wrong:
            raise PaperRefused(str(wrong)) from wrong


def _locked(pk: int, *states: State) -> Paper:
    paper: Paper | None = Paper.objects.select_for_update(of=("self",)).filter(pk=pk).first()
    if paper is None:
        raise PaperRefused("この文書はありません。")
    if paper.state not in states:
        needed = "・".join(state.label for state in states)
        raise PaperRefused(f"この文書は「{State(paper.state).label}」です。この操作ができるのは「{needed}」のときです。画面を開き直してください。")
    return paper


def _book(contract: Contract, now: dt.datetime) -> Book:
    return book_of(contract, now.astimezone(JST).date())


def _target(paper: Paper) -> str:
    return f"paper:{paper.pk}"


def make(contract: Contract, code: str, key: str, *, by: Actor, now: dt.datetime) -> Paper:
    """Begin the paper of an occasion. Raises :class:`PaperRefused` when there is one, or no such occasion."""
    with _deed(contract):
        if duty_of(contract.profile, code) is None:
            raise PaperRefused("この契約には、この文書の取り決めがありません。")
        line_of(_book(contract, now), code, key)
        try:
            with transaction.atomic():
                paper: Paper = Paper.objects.create(contract=contract, code=code, key=key, made_at=now)
        except IntegrityError:
            raise PaperRefused("この回の文書は、もうあります。一覧から開いてください。") from None
        audit.record(contract, "paper.made", _target(paper), by=by, now=now, paper=code, key=key)
        return paper


def write(contract: Contract, pk: int, code: str, words: str, *, user: User, by: Actor, now: dt.datetime) -> None:
    """Write a text of a draft; nothing brings the draft's own words back. Raises :class:`PaperRefused`."""
    words = text_of(words)
    with _deed(contract):
        paper = _locked(pk, State.DRAFT)
        duty = duty_of(contract.profile, paper.code)
        if duty is None or code not in {one.code for one in duty.passages}:
            raise PaperRefused("この欄は、この文書にありません。")
        if words:
            PaperText.objects.update_or_create(contract=contract, paper=paper, code=code, defaults={"text": words, "written_by": user, "written_at": now})
        else:
            PaperText.objects.filter(paper=paper, code=code).delete()
        audit.record(contract, "paper.written", _target(paper), by=by, now=now, part=code)


def may_submit(contract: Contract, code: str, user: User) -> bool:
    """Whether this member of staff may hand the paper in: by the roles that the profile names."""
    duty = duty_of(contract.profile, code)
    return duty is not None and Assignment.objects.filter(user=user, contract=contract, role__in=duty.signed_by).exists()


def submit(contract: Contract, pk: int, *, user: User, by: Actor, now: dt.datetime) -> Paper:
    """Freeze a draft and hand it in; its obligation is met by it from today on. Raises :class:`PaperRefused`."""
    with _deed(contract):
        paper, today = _locked(pk, State.DRAFT), now.astimezone(JST).date()
        if not may_submit(contract, paper.code, user):
            raise PaperRefused("この文書を提出できる役割ではありません。契約で決めた役割の方が提出してください。")
        content = content_of(contract, paper, today)
        empty = [one["title"] for one in content["parts"] if not one["text"] and not (one["table"] and one["table"]["rows"])]
        if empty:
            raise PaperRefused(f"「{'」「'.join(empty)}」が空です。書くことがなければ「特になし」と入力してください。")
        paper.content, paper.digest = content, digest_of(content)
        paper.state, paper.submitted_by, paper.submitted_at = State.SUBMITTED, user, now
        paper.save()
        if line_of(_book(contract, now), paper.code, paper.key).evidence is None:
            reference = f"{content['title']} 第{paper.version}版"
            ledger.meet(contract, paper.code, paper.key, met_on=today, reference=reference, file_hash=paper.digest, by=by, now=now)
        decisions.ask(contract, ref=_target(paper), now=now)
        audit.record(contract, "paper.submitted", _target(paper), by=by, now=now, sha256=paper.digest)
        return paper


def _decided(paper: Paper, state: State, comments: str, user: User, now: dt.datetime) -> None:
    paper.state, paper.decided_by, paper.decided_at, paper.comments = state, user, now, comments
    paper.save()


def approve(contract: Contract, pk: int, *, user: User, by: Actor, now: dt.datetime, comments: str = "") -> Paper:
    """The city agrees with a paper, and with the evidence that it is. Raises :class:`PaperRefused`."""
    comments = text_of(comments, most=2000)
    with _deed(contract):
        paper = _locked(pk, State.SUBMITTED)
        _decided(paper, State.APPROVED, comments, user, now)
        held = line_of(_book(contract, now), paper.code, paper.key).evidence
        if held is not None and held.confirmed_at is None:
            ledger.confirm(contract, held.pk, by=by, now=now)
        decisions.answer(contract, ref=_target(paper), now=now)
        audit.record(contract, "paper.approved", _target(paper), by=by, now=now, sha256=paper.digest)
        return paper


def send_back(contract: Contract, pk: int, *, comments: str, user: User, by: Actor, now: dt.datetime) -> Paper:
    """The city returns a paper with comments: it is evidence no longer, and the next version begins, which is returned. Raises :class:`PaperRefused`."""
    comments = text_of(comments, needed="差し戻す理由と、直してほしいところを入力してください。", most=2000)
    with _deed(contract):
        paper = _locked(pk, State.SUBMITTED)
        _decided(paper, State.RETURNED, comments, user, now)
        held = line_of(_book(contract, now), paper.code, paper.key).evidence
        if held is not None and held.file_hash == paper.digest and held.confirmed_at is None:
            ledger.withdraw(contract, held.pk, reason="市が文書を差し戻した", by=by, now=now)
        following = _next(contract, paper, "市の差し戻し", now)
        decisions.answer(contract, ref=_target(paper), now=now)
        audit.record(contract, "paper.returned", _target(paper), by=by, now=now, following=following.pk)
        return following


def issue_again(contract: Contract, pk: int, *, reason: str, by: Actor, now: dt.datetime) -> Paper:
    """Begin a new version of what the city approved, because something changed; the approved one stays. Raises :class:`PaperRefused`."""
    reason = text_of(reason, needed="新しい版を作る理由を入力してください。", most=500)
    with _deed(contract):
        paper = _locked(pk, State.APPROVED)
        if Paper.objects.filter(code=paper.code, key=paper.key, version__gt=paper.version).exists():
            raise PaperRefused("もっと新しい版があります。最新の版を開いてください。")
        following = _next(contract, paper, reason, now)
        audit.record(contract, "paper.issued_again", _target(following), by=by, now=now, before=paper.pk, reason=reason)
        return following


def _next(contract: Contract, paper: Paper, reason: str, now: dt.datetime) -> Paper:
    following: Paper = Paper.objects.create(
        contract=contract, code=paper.code, key=paper.key, version=paper.version + 1, reason=reason, made_at=now
    )
    for text in PaperText.objects.filter(paper=paper):
        text.pk, text.paper = None, following
        text.save()
    return following
