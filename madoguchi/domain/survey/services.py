"""Deeds of the survey: take an answer, write the facts of an hour, put a comment into groups, ask by mail."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.db.models import Q

from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Booking
from madoguchi.domain.notices import services as notices
from madoguchi.domain.notices.models import Message, TicketKind
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Survey
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.guard import refuse_individual_number
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.ground.worklog import services as worklog

from . import rules
from .enums import Way
from .errors import SurveyRefused
from .links import digest_of
from .models import Answer, Comment, UsedLink

WORDS = "survey.words"
LONGEST = 1000
ACTORS = {way: Actor(ActorKind.CITIZEN, Channel.COUNTER if way is Way.KIOSK else Channel.WEB) for way in Way}
"""Who answers, by the way they came."""


@dataclass(frozen=True)
class Sheet:
    """A filled sheet: scores and choices by question, and free text, which is not kept with them."""

    scores: Mapping[str, int] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
    """A link of a mail: its random part and its last day."""

    nonce: str
    until: dt.date


def terms_of(contract: Contract) -> Survey:
    """What was agreed. Raises :class:`SurveyRefused` where nothing was."""
    if contract.profile.survey is None:
        raise SurveyRefused("この契約では、来庁者アンケートを行っていません。")
    return contract.profile.survey


@transaction.atomic
def answer(
    contract: Contract, sheet: Sheet, *, way: Way, site: str, procedure: str, language: str, link: Link | None = None, now: dt.datetime
) -> None:
    """Take an answer. Nothing of who gave it is kept; a link of a mail is marked as used.

    Raises :class:`SurveyRefused` for an empty sheet, an answer that a question does not take, a link that was used or has ended, and
    ``ValidationError`` for free text with an individual number.
    """
    survey, moment = terms_of(contract), now.astimezone(JST)
    day = moment.date()
    asked = {one.code: one for one in survey.asked(day, procedure)}
    texts = {code: text.strip() for code, text in sheet.texts.items() if text.strip()}
    for code, score in sheet.scores.items():
        if code not in asked or asked[code].kind != "score" or score not in rules.SCORES:
            raise SurveyRefused("この答えは受け付けられません。")
    for code, choice in sheet.choices.items():
        if code not in asked or asked[code].kind != "choice" or choice not in asked[code].options:
            raise SurveyRefused("この答えは受け付けられません。")
    for code, text in texts.items():
        if code not in asked or asked[code].kind != "text" or len(text) > LONGEST:
            raise SurveyRefused("この答えは受け付けられません。")
        refuse_individual_number(text)
    given = {*sheet.scores, *sheet.choices, *texts}
    if not given or any(one.required and code not in given for code, one in asked.items()):
        raise SurveyRefused("答えていない質問があります。")
    if (link is None) == (way is Way.MAIL) or (link is not None and link.until < day):
        raise SurveyRefused("このリンクは使えません。")
    with contract_scope(contract):
        if link is not None:
            _use(contract, link)
        if sheet.scores or sheet.choices:
            Answer.objects.create(
                contract=contract, day=day, hour=moment.hour, way=way, site=site, procedure=procedure, language=language,
                scores=dict(sheet.scores), choices=dict(sheet.choices),
            )  # fmt: skip
        groups = [(one.code, one.words) for one in survey.groups]
        ring = keyring(contract)
        for code, text in texts.items():
            Comment.objects.create(
                contract=contract, day=day, question=code, language=language, words=ring.seal_json(WORDS, text),
                groups=rules.groups_of(text, groups),
            )  # fmt: skip


def _use(contract: Contract, link: Link) -> None:
    try:
        with transaction.atomic():
            UsedLink.objects.create(contract=contract, digest=digest_of(contract, link.nonce), until=link.until)
    except IntegrityError:
        raise SurveyRefused("このリンクは、もう使われています。") from None


def is_used(contract: Contract, nonce: str) -> bool:
    """Whether a link was used (inside the scope)."""
    return UsedLink.objects.filter(digest=digest_of(contract, nonce)).exists()


def count_answers(contract: Contract, *, now: dt.datetime) -> int:
    """Write the facts of answers whose hour is over, dated at its beginning, all at once and in no order. How many answers."""
    moment = now.astimezone(JST)
    with contract_scope(contract):
        over = Q(day__lt=moment.date()) | Q(day=moment.date(), hour__lt=moment.hour)
        found = list(Answer.objects.select_for_update().filter(over, counted=False))
        random.SystemRandom().shuffle(found)
        facts = []
        for one in found:
            at = dt.datetime.combine(one.day, dt.time(one.hour), JST)
            by, ref = ACTORS[Way(one.way)], f"survey:{one.day:%Y%m}"
            facts.append(worklog.fact(contract, "survey.answered", by=by, now=at, ref=ref, site=one.site, outcome=one.way))
            facts += [
                worklog.fact(contract, "survey.scored", by=by, now=at, ref=ref, site=one.site, outcome=code, quantity=score)
                for code, score in one.scores.items()
            ]
        worklog.note_all(facts)
        Answer.objects.filter(pk__in=[one.pk for one in found]).update(counted=True)
        return len(found)


@transaction.atomic
def group(contract: Contract, pk: int, groups: Collection[str], *, by: Actor, now: dt.datetime) -> Comment:
    """Put a comment into groups by hand. Raises :class:`SurveyRefused` for a group that is not agreed or a comment that is not there."""
    known = [one.code for one in terms_of(contract).groups]
    if not set(groups) <= set(known):
        raise SurveyRefused("この分類はありません。画面を開き直してください。")
    with contract_scope(contract):
        comment = Comment.objects.select_for_update().filter(pk=pk).first()
        if comment is None:
            raise SurveyRefused("この自由記述はありません。画面を開き直してください。")
        before, comment.groups = comment.groups, [code for code in known if code in groups]
        comment.by_hand = True
        comment.save(update_fields=["groups", "by_hand"])
        audit.record(contract, "survey.grouped", f"comment:{pk}", by=by, now=now, before=before, after=comment.groups)
        return comment


@transaction.atomic
def ask_by_mail(contract: Contract, *, now: dt.datetime) -> int:
    """Queue one mail to each party that came on the day before and left a mail address. How many. The link is made when the mail goes out."""
    survey = contract.profile.survey
    if survey is None or "mail" not in survey.ways:
        return 0
    today = dt.datetime.combine(now.astimezone(JST).date(), dt.time(), JST)
    with contract_scope(contract):
        came = Booking.objects.filter(
            state=State.BOOKED, has_mail=True, contact__isnull=False, arrived_at__gte=today - dt.timedelta(days=1), arrived_at__lt=today
        )
        wanted = {f"visit:{one.pk}": one.language for one in came.only("pk", "language")}
        told = set(Message.objects.filter(kind=TicketKind.SURVEY, ref__in=wanted).values_list("ref", flat=True))
        for ref, language in wanted.items():
            if ref not in told:
                notices.queue(contract, ref=ref, kind=TicketKind.SURVEY, language=language, now=now)
        return len(wanted) - len(told)


