"""Deeds of the second line: hand over, take on, pass to the city, call back, close. Every step has a due time; none ends in silence."""

from __future__ import annotations

import datetime as dt

from madoguchi.domain.notices import services as notices
from madoguchi.domain.notices.models import StaffKind
from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, Channel
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.ground.worklog.services import note

from ..enums import Line, StepKind, Topic
from ..errors import CallsRefused
from ..models import Contact, Escalation, Step
from ..queries.deadlines import second_line_due
from ..words import ESCALATION, STEP, plain_number

LONGEST = 2000


def hand_over(
    contract: Contract, *, topic: Topic, summary: str, name: str = "", number: str = "", complaint: bool = False,
    call_back: bool = False, line: Line = Line.SUPERVISOR, contact: Contact | None = None, user: User, by: Actor, now: dt.datetime,
) -> Escalation:  # fmt: skip
    """Hand a matter over to a line. A complaint reaches the city at once by mail and on its page.

    Raises :class:`CallsRefused` without a summary, or where somebody has to be called back without a number.
    """
    if not summary.strip():
        raise CallsRefused("引き継ぐ内容を入力してください。")
    if len(summary) > LONGEST:
        raise CallsRefused(f"引き継ぐ内容は{LONGEST:,}文字までです。いまは{len(summary):,}文字です。")
    plain = plain_number(number) if number.strip() else ""
    if call_back and len(plain.lstrip("+")) < 9:
        raise CallsRefused("本人へ連絡が必要なときは、電話番号を市外局番から入力してください。")
    with contract_scope(contract):
        words = {"summary": summary.strip(), **({"name": name.strip()} if name.strip() else {}), **({"number": plain} if plain else {})}
        escalation = Escalation.objects.create(
            contract=contract,
            contact=contact,
            opened_at=now,
            opened_by=user,
            topic=topic,
            complaint=complaint or topic == Topic.COMPLAINT,
            call_back=call_back,
            line=line,
            due_at=second_line_due(contract, line, now),
            words=keyring(contract).seal_json(ESCALATION, words),
        )
        _step(contract, escalation, StepKind.OPENED, "", user=user, now=now)
        if escalation.complaint:
            _tell_city(contract, escalation, StaffKind.COMPLAINT, now)
        elif line == Line.CITY:
            _tell_city(contract, escalation, StaffKind.ESCALATED, now)
        note(contract, "escalation.opened", by=by.through(Channel.PHONE), now=now, ref=f"escalation:{escalation.pk}",
             outcome="complaint" if escalation.complaint else str(line))  # fmt: skip
        audit.record(contract, "escalation.opened", f"escalation:{escalation.pk}", by=by, now=now, line=line, topic=topic)
        return escalation


def take(
    contract: Contract, escalation_id: int, *, instead_of: int | None = None, user: User, by: Actor, now: dt.datetime
) -> Escalation:
    """Take a matter on; from somebody who has it only knowingly: ``instead_of`` is the account of that owner.

    Raises :class:`CallsRefused` when it is closed, or somebody else has it.
    """
    with contract_scope(contract):
        escalation = _locked(escalation_id)
        if escalation.owner_id == user.pk:
            return escalation
        if escalation.owner_id not in (None, instead_of):
            raise CallsRefused(f"{escalation.owner}さんが担当しています。")
        _step(contract, escalation, StepKind.TAKEN, "", user=user, now=now)
        escalation.owner = user
        return _saved(contract, escalation, StepKind.TAKEN, by=by, now=now)


def pass_on(contract: Contract, escalation_id: int, *, to: Line, text: str, user: User, by: Actor, now: dt.datetime) -> Escalation:
    """Pass a matter to the other line, with a new due time and nobody's name on it; the city is told by mail.

    Raises :class:`CallsRefused` when it is closed, stands there already, or nothing says why.
    """
    if not text.strip():
        raise CallsRefused("引き継ぐ理由を入力してください。")
    with contract_scope(contract):
        escalation = _locked(escalation_id)
        if escalation.line == to:
            raise CallsRefused(f"すでに{Line(to).label}が対応しています。")
        kind = StepKind.TO_CITY if to == Line.CITY else StepKind.BACK
        _step(contract, escalation, kind, text, user=user, now=now)
        escalation.line, escalation.owner, escalation.due_at = to, None, second_line_due(contract, to, now)
        if to == Line.CITY:
            _tell_city(contract, escalation, StaffKind.ESCALATED, now)
        return _saved(contract, escalation, kind, by=by, now=now)


def write(
    contract: Contract, escalation_id: int, *, text: str, called: bool = False, user: User, by: Actor, now: dt.datetime
) -> Escalation:
    """Add what was found out, or that the person was called. Raises :class:`CallsRefused` when it is closed or empty."""
    if not text.strip():
        raise CallsRefused("記録する内容を入力してください。")
    with contract_scope(contract):
        escalation = _locked(escalation_id)
        kind = StepKind.CALLED if called else StepKind.NOTED
        _step(contract, escalation, kind, text, user=user, now=now)
        if called:
            escalation.call_back = False
        return _saved(contract, escalation, kind, by=by, now=now)


def close(contract: Contract, escalation_id: int, *, text: str, user: User, by: Actor, now: dt.datetime) -> Escalation:
    """Close a matter with its result. Raises :class:`CallsRefused` without a result, or while the person still waits to be called."""
    if not text.strip():
        raise CallsRefused("対応の結果を入力してください。")
    with contract_scope(contract):
        escalation = _locked(escalation_id)
        if escalation.call_back:
            raise CallsRefused("本人への連絡がまだ記録されていません。連絡したことを記録してから完了してください。")
        _step(contract, escalation, StepKind.CLOSED, text, user=user, now=now)
        escalation.closed_at, escalation.owner = now, escalation.owner or user
        escalation.save()
        note(contract, "escalation.closed", by=by.through(Channel.PHONE), now=now, ref=f"escalation:{escalation.pk}",
             outcome=str(escalation.line), wait_seconds=round((now - escalation.opened_at).total_seconds()))  # fmt: skip
        audit.record(contract, "escalation.closed", f"escalation:{escalation.pk}", by=by, now=now)
        return escalation


def _locked(escalation_id: int) -> Escalation:
    found = Escalation.objects.select_for_update(of=("self",)).filter(pk=escalation_id).first()
    if found is None:
        raise CallsRefused("この引き継ぎは見つかりません。")
    if found.closed_at is not None:
        raise CallsRefused("この引き継ぎは、すでに完了しています。")
    return found


def _step(contract: Contract, escalation: Escalation, kind: StepKind, text: str, *, user: User, now: dt.datetime) -> None:
    if len(text) > LONGEST:
        raise CallsRefused(f"記録は{LONGEST:,}文字までです。いまは{len(text):,}文字です。")
    Step.objects.create(
        contract=contract,
        escalation=escalation,
        at=now,
        kind=kind,
        by=user,
        line=escalation.line,
        late=now > escalation.due_at,
        words=keyring(contract).seal_json(STEP, {"text": text.strip()}) if text.strip() else None,
    )


def _saved(contract: Contract, escalation: Escalation, kind: StepKind, *, by: Actor, now: dt.datetime) -> Escalation:
    escalation.save()
    audit.record(contract, "escalation.step", f"escalation:{escalation.pk}", by=by, now=now, kind=kind, line=escalation.line)
    return escalation


def _tell_city(contract: Contract, escalation: Escalation, kind: StaffKind, now: dt.datetime) -> None:
    notices.tell_city(contract, ref=f"escalation:{escalation.pk}", kind=kind, now=now)
