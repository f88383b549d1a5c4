"""Deeds of reports: make, correct, write, sign, submit, accept or send back, issue again.

Every deed locks the row of the report and looks at its state, so that of two who do the same at once one is refused. What was signed is never
changed: a later version says what is different.
"""

from __future__ import annotations

import datetime as dt
import math

from django.db import IntegrityError, transaction

from madoguchi.domain.notices import decisions
from madoguchi.ground.accounts.models import Assignment, User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import ReportDuty
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.privacy.guard import REFUSAL, find_individual_numbers

from ..contents import Content, Place, computed, content_of, differences, digest_of, duty_of, figures_in
from ..enums import State
from ..errors import ReportRefused
from ..events import accepted
from ..models import Correction, Passage, Report
from ..periods import Period, month_of

LONGEST = 4000


def _target(report: Report) -> str:
    return f"report:{report.pk}"


def _duty(contract: Contract, code: str) -> ReportDuty:
    duty = duty_of(contract.profile, code)
    if duty is None:
        raise ReportRefused("この契約には、この日報・月報の取り決めがありません。")
    return duty


def _locked(pk: int, *states: State) -> Report:
    report: Report | None = Report.objects.select_for_update(of=("self",)).filter(pk=pk).first()
    if report is None:
        raise ReportRefused("この報告書はありません。")
    if report.state not in states:
        needed = "・".join(state.label for state in states)
        raise ReportRefused(f"この報告書は「{State(report.state).label}」です。この操作ができるのは「{needed}」のときです。画面を開き直してください。")
    return report


def _is_told(contract: Contract, report: Report) -> bool:
    """Mails are for what comes seldom; daily reports stand on the city's first page."""
    duty = duty_of(contract.profile, report.code)
    return duty is None or duty.period != "day"


def text_of(words: str, *, needed: str = "", most: int = LONGEST) -> str:
    """Typed words, stripped. Raises :class:`ReportRefused` with ``needed`` when there are none, when they are too long, or hold an individual number."""
    words = words.replace("\r\n", "\n").strip()
    if not words and needed:
        raise ReportRefused(needed)
    if len(words) > most:
        raise ReportRefused(f"{most:,}文字以内で入力してください（いま{len(words):,}文字）。")
    if find_individual_numbers(words):
        raise ReportRefused(str(REFUSAL))
    return words


@transaction.atomic
def make(contract: Contract, code: str, first: dt.date, *, by: Actor, now: dt.datetime) -> Report:
    """Begin the report of a period; of a month any day of it will do. Raises :class:`ReportRefused` when there is one, or the period is to come."""
    duty = _duty(contract, code)
    period = month_of(first) if duty.period == "month" else Period(first, first)
    if period.first > now.date():
        raise ReportRefused("まだ始まっていない期間の報告書は作れません。")
    with contract_scope(contract):
        try:
            with transaction.atomic():
                report = Report.objects.create(contract=contract, code=code, first=period.first, last=period.last, made_at=now)
        except IntegrityError:
            raise ReportRefused("この期間の報告書は、もうあります。一覧から開いてください。") from None
        audit.record(contract, "report.made", _target(report), by=by, now=now, report=code, first=period.first.isoformat())
        return report


@transaction.atomic
def correct(contract: Contract, pk: int, place: Place, value: float, *, reason: str, user: User, by: Actor, now: dt.datetime) -> Correction:
    """Put one figure of a draft right, in the measure's unit (a share of 1 for ``%``), with the reason that the city will read.

    The value as computed takes a correction back. Raises :class:`ReportRefused`.
    """
    reason = text_of(reason, needed="訂正の理由を入力してください。市が読みます。", most=300)
    if not math.isfinite(value):
        raise ReportRefused("数字を入力してください。")
    with contract_scope(contract):
        report = _locked(pk, State.DRAFT)
        found = next(((column, cell) for at, column, cell in figures_in(content_of(contract, report)) if at == place), None)
        if found is None:
            raise ReportRefused("この数字は、この報告書にありません。")
        column, cell = found
        if column["unit"] == "%" and not 0 <= value <= 1:
            raise ReportRefused("割合は、0から100までの数で入力してください。")
        if column["unit"] == "点" and not 1 <= value <= 5:
            raise ReportRefused("平均点は、1から5までの数で入力してください。")
        if column["unit"] not in ("%", "点") and value != int(value):
            raise ReportRefused("整数で入力してください（時間は秒）。")
        measure, dimension, key = place
        if value == cell["value"]:
            Correction.objects.filter(report=report, measure=measure, by=dimension, key=key).delete()
        made = Correction(
            contract=contract, report=report, measure=measure, by=dimension, key=key, original=cell["value"], value=value, reason=reason,
            corrected_by=user, corrected_at=now,
        )  # fmt: skip
        if value != cell["value"]:
            made.save()
        audit.record(
            contract, "report.corrected", _target(report), by=by, now=now, figure="/".join(place), before=cell["value"], after=value, reason=reason
        )
        return made


@transaction.atomic
def write(contract: Contract, pk: int, code: str, words: str, *, user: User, by: Actor, now: dt.datetime) -> None:
    """Write a text of a draft; nothing brings the draft's own words back. Raises :class:`ReportRefused`."""
    words = text_of(words)
    with contract_scope(contract):
        report = _locked(pk, State.DRAFT)
        if code not in {one.code for one in _duty(contract, report.code).passages}:
            raise ReportRefused("この欄は、この報告書にありません。")
        if words:
            values = {"text": words, "written_by": user, "written_at": now}
            Passage.objects.update_or_create(contract=contract, report=report, code=code, defaults=values)
        else:
            Passage.objects.filter(report=report, code=code).delete()
        audit.record(contract, "report.written", _target(report), by=by, now=now, passage=code)


def may_sign(contract: Contract, code: str, user: User) -> bool:
    """Whether this member of staff may sign the report: by the roles that the profile names."""
    duty = duty_of(contract.profile, code)
    return duty is not None and Assignment.objects.filter(user=user, contract=contract, role__in=duty.signed_by).exists()


@transaction.atomic
def sign(contract: Contract, pk: int, *, user: User, by: Actor, now: dt.datetime) -> Report:
    """Freeze a draft: figures with their definitions, corrections and texts, and their SHA-256. Raises :class:`ReportRefused`."""
    with contract_scope(contract):
        report = _locked(pk, State.DRAFT)
        if not may_sign(contract, report.code, user):
            raise ReportRefused("この報告書を確定できる役割ではありません。契約で決めた役割の方が確定してください。")
        if report.last >= now.date() and _duty(contract, report.code).period == "month":
            raise ReportRefused("月がまだ終わっていません。翌月になってから確定してください。")
        content = content_of(contract, report)
        empty = [one["title"] for one in content["passages"] if not one["text"]]
        if empty:
            raise ReportRefused(f"「{'」「'.join(empty)}」が空です。書くことがなければ「特になし」と入力してください。")
        report.content, report.digest = content, digest_of(content)
        report.state, report.signed_by, report.signed_at, report.drift = State.SIGNED, user, now, 0
        report.save()
        audit.record(contract, "report.signed", _target(report), by=by, now=now, sha256=report.digest)
        return report


@transaction.atomic
def submit(contract: Contract, pk: int, *, user: User, by: Actor, now: dt.datetime) -> Report:
    """Hand a signed report in to the city, whose officials get a mail when it is no daily one. Raises :class:`ReportRefused`."""
    with contract_scope(contract):
        report = _locked(pk, State.SIGNED)
        report.state, report.submitted_by, report.submitted_at = State.SUBMITTED, user, now
        report.save()
        if _is_told(contract, report):
            decisions.ask(contract, ref=_target(report), now=now)
        audit.record(contract, "report.submitted", _target(report), by=by, now=now, sha256=report.digest)
        return report


@transaction.atomic
def accept(contract: Contract, pk: int, *, user: User, by: Actor, now: dt.datetime, comments: str = "") -> Report:
    """The city inspected a report and accepts it. Receivers of :data:`.events.accepted` may refuse. Raises :class:`ReportRefused`."""
    comments = text_of(comments, most=2000)
    with contract_scope(contract):
        report = _locked(pk, State.SUBMITTED)
        report.state, report.decided_by, report.decided_at, report.comments = State.ACCEPTED, user, now, comments
        report.save()
        accepted.send(Report, contract=contract, report=report, period=report.period, by=by, now=now)
        if _is_told(contract, report):
            decisions.answer(contract, ref=_target(report), now=now)
        audit.record(contract, "report.accepted", _target(report), by=by, now=now, sha256=report.digest)
        return report


@transaction.atomic
def send_back(contract: Contract, pk: int, *, comments: str, user: User, by: Actor, now: dt.datetime) -> Report:
    """The city returns a report with comments; the next version begins at once, and is returned here. Raises :class:`ReportRefused`."""
    comments = text_of(comments, needed="差し戻す理由と、直してほしいところを入力してください。", most=2000)
    with contract_scope(contract):
        report = _locked(pk, State.SUBMITTED)
        report.state, report.decided_by, report.decided_at, report.comments = State.RETURNED, user, now, comments
        report.save()
        following = _next(contract, report, "市の差し戻し", now)
        decisions.answer(contract, ref=_target(report), now=now)
        audit.record(contract, "report.returned", _target(report), by=by, now=now, following=following.pk)
        return following


@transaction.atomic
def issue_again(contract: Contract, pk: int, *, reason: str, by: Actor, now: dt.datetime) -> Report:
    """Begin a new version of what was signed, because facts or texts changed; the old one stays as it is. Raises :class:`ReportRefused`."""
    reason = text_of(reason, needed="出し直す理由を入力してください。", most=500)
    with contract_scope(contract):
        report = _locked(pk, State.SIGNED, State.SUBMITTED, State.ACCEPTED)
        if Report.objects.filter(code=report.code, first=report.first, version__gt=report.version).exists():
            raise ReportRefused("もっと新しい版があります。最新の版を開いてください。")
        if report.state != State.ACCEPTED:
            report.state = State.REPLACED
            report.save(update_fields=["state"])
        following = _next(contract, report, reason, now)
        audit.record(contract, "report.issued_again", _target(following), by=by, now=now, before=report.pk, reason=reason)
        return following


def _next(contract: Contract, report: Report, reason: str, now: dt.datetime) -> Report:
    """The next version as a draft: texts are carried over, and corrections of figures whose computed value is still the same."""
    following: Report = Report.objects.create(
        contract=contract, code=report.code, first=report.first, last=report.last, version=report.version + 1, reason=reason, made_at=now
    )
    for passage in Passage.objects.filter(report=report):
        passage.pk, passage.report = None, following
        passage.save()
    values = {place: cell["value"] for place, _, cell in figures_in(content_of(contract, following))}
    for correction in Correction.objects.filter(report=report):
        place = (correction.measure, correction.by, correction.key)
        if place in values and values[place] == correction.original:
            correction.pk, correction.report = None, following
            correction.save()
    return following


def changed_since(contract: Contract, report: Report) -> tuple[Content, int]:
    """What the facts say now of a signed report, and how many of its figures they say otherwise (inside ``contract_scope``)."""
    live = computed(contract, _duty(contract, report.code), report.period, report.version)
    return live, len(differences(content_of(contract, report), live, corrected=False))


def notice_changes(contract: Contract, *, since: dt.date, by: Actor, now: dt.datetime) -> int:
    """Look at the newest signed versions of periods since a day, and mark those whose facts changed; how many marks changed."""
    with contract_scope(contract):
        newest = Report.objects.filter(first__gte=since, content__isnull=False).order_by("code", "first", "-version").distinct("code", "first")
        return sum(_notice(contract, report.pk, by, now) for report in newest if duty_of(contract.profile, report.code))


@transaction.atomic
def _notice(contract: Contract, pk: int, by: Actor, now: dt.datetime) -> bool:
    report = Report.objects.select_for_update(of=("self",)).get(pk=pk)
    _, drift = changed_since(contract, report)
    if drift == report.drift:
        return False
    report.drift = drift
    report.save(update_fields=["drift"])
    audit.record(contract, "report.drifted", _target(report), by=by, now=now, figures=drift)
    return True


def make_missing(contract: Contract, periods: list[tuple[str, Period]], *, by: Actor, now: dt.datetime) -> list[Report]:
    """Begin those reports of these that do not exist."""
    with contract_scope(contract):
        there = set(Report.objects.filter(first__in=[period.first for _, period in periods]).values_list("code", "first"))
    made = []
    for code, period in periods:
        if (code, period.first) not in there:
            try:
                made.append(make(contract, code, period.first, by=by, now=now))
            except ReportRefused:
                continue
    return made
