"""Deeds on notices: queue, resend, edit the wording, take in what came back, plan stops. Sending itself is ``sending.Sender``."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from madoguchi.ground.accounts.models import Role
from madoguchi.ground.accounts.queries import people_in_role
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import contract_by_code
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor

from . import bounces, rules, texts
from .models import Attempt, Kind, Medium, Message, PlannedStop, StaffKind, Template, TicketKind
from .queries import forget_stops
from .sending import Sender

State = Message.State


class NoticeError(ValueError):
    """A deed that cannot be done; the message says why, in Japanese, for staff."""


class BadText(NoticeError):
    """A wording with mistakes; ``problems`` lists them by line."""

    def __init__(self, problems: list[texts.Problem]) -> None:
        super().__init__("文面に直すところがあります。")
        self.problems = problems


@transaction.atomic
def queue(
    contract: Contract,
    *,
    ref: str,
    kind: Kind | StaffKind | TicketKind,
    language: str,
    now: dt.datetime,
    medium: Medium = Medium.MAIL,
    due_at: dt.datetime | None = None,
    about_at: dt.datetime | None = None,
    detail: dict[str, Any] | None = None,
) -> Message:
    """Write a message to be sent at ``due_at`` (default: now) inside the transaction of the deed it tells of.

    ``ref`` is ``<name>:<id>`` with a name known to ``recipients``; ``detail`` holds no personal data. A reminder of the same
    record about the same moment (``about_at``, default: ``due_at``) is not written twice: the first one is returned.
    """
    due_at = due_at or now
    values = {"language": language, "medium": medium, "due_at": due_at, "created_at": now, "detail": detail}
    if kind == Kind.REMINDER:
        about_at = about_at or due_at
        found, _ = Message.objects.get_or_create(contract=contract, ref=ref, kind=kind, about_at=about_at, defaults=values)
        return found
    return Message.objects.create(contract=contract, ref=ref, kind=kind, about_at=about_at, **values)


@transaction.atomic
def drop(contract: Contract, *, ref: str, kinds: list[Kind] | list[StaffKind]) -> int:
    """Take back messages of a record that have not gone out; how many."""
    return Message.objects.filter(ref=ref, kind__in=kinds, state=State.QUEUED).update(state=State.DROPPED)


@transaction.atomic
def reroute(contract: Contract, *, ref: str, medium: Medium, to: Medium | None) -> int:
    """Let the messages of a record that wait for one way take another one, or none; how many."""
    waiting = list(Message.objects.select_for_update().filter(ref=ref, medium=medium, state=State.QUEUED))
    for message in waiting:
        message.detail = {key: value for key, value in (message.detail or {}).items() if key != "instead"} or None
        if to is None:
            message.state = State.DROPPED
        else:
            message.medium, message.attempts = to, 0
    Message.objects.bulk_update(waiting, ["detail", "state", "medium", "attempts"])
    return len(waiting)


@transaction.atomic
def resend(contract: Contract, pk: int, *, by: Actor, now: dt.datetime) -> Message:
    """Send a message again as a new one (with its own id, so that mailboxes keep both). Raises :class:`NoticeError`."""
    old = Message.objects.select_for_update().filter(pk=pk).first()
    if old is None:
        raise NoticeError("このメールの記録はありません。一覧を開き直してください。")
    if old.state in (State.QUEUED, State.SENDING):
        raise NoticeError("このメールはまだ送信待ちです。送り直さなくても自動で送ります。")
    new = Message.objects.create(
        contract=contract,
        ref=old.ref,
        kind=old.kind,
        medium=old.medium,
        language=old.language,
        due_at=now,
        created_at=now,
        detail={**(old.detail or {}), "resend_of": old.pk},
    )
    audit.record(contract, "notice.resent", f"message:{new.pk}", by=by, now=now, resend_of=old.pk, ref=old.ref)
    return new


@transaction.atomic
def edit_template(
    contract: Contract, *, kind: str, language: str, subject: str, body: str, by: Actor, now: dt.datetime
) -> Template:
    """Put the city's wording in force from the next mail on. Raises :class:`BadText` with each mistake and its line."""
    subject = subject.strip()
    body = "\n".join(line.rstrip() for line in body.splitlines()).strip("\n") + "\n"
    if problems := texts.check(subject, body):
        raise BadText(problems)
    before = Template.objects.select_for_update().filter(kind=kind, language=language).first()
    values = {"subject": subject, "body": body, "edited_at": now, "edited_by": by.label or by.ref}
    found, _ = Template.objects.update_or_create(contract=contract, kind=kind, language=language, defaults=values)
    shipped = texts.shipped(kind, language)
    audit.record(
        contract,
        "notice.template_edited",
        f"template:{kind}.{language}",
        by=by,
        now=now,
        before=[before.subject, before.body] if before else [shipped.subject, shipped.body] if shipped else None,
        after=[subject, body],
    )
    return found


@transaction.atomic
def restore_template(contract: Contract, *, kind: str, language: str, by: Actor, now: dt.datetime) -> bool:
    """Go back to the shipped wording; False when it was in force already."""
    before = Template.objects.select_for_update().filter(kind=kind, language=language).first()
    if before is None:
        return False
    audit.record(
        contract,
        "notice.template_restored",
        f"template:{kind}.{language}",
        by=by,
        now=now,
        before=[before.subject, before.body],
    )
    before.delete()
    return True


def take_bounce(raw: bytes, *, now: dt.datetime) -> Message | None:
    """Take in a returned mail: its message becomes ``bounced`` (or the delay is noted). None when it is not about one
    of ours.

    The same report twice changes nothing.
    """
    bounce = bounces.parse(raw)
    if bounce is None:
        return None
    try:
        contract = contract_by_code(bounce.contract_code)
    except Contract.DoesNotExist:
        return None
    with contract_scope(contract):
        message = Message.objects.select_for_update().filter(pk=bounce.pk).first()
        if message is None or rules.stamp(message.created_at) != bounce.stamp:
            return None
        answer = f"{bounce.status} {bounce.diagnostic}".strip()[: rules.ANSWER_MAX]
        if bounce.action == "failed" and message.state != State.BOUNCED:
            Attempt.objects.create(
                contract=contract, message=message, at=now, outcome=rules.Outcome.BOUNCED, answer=answer
            )
            message.state = State.BOUNCED
            message.claimed_by = message.lease_until = None
            message.save(update_fields=["state", "claimed_by", "lease_until"])
            audit.record(
                contract,
                "notice.bounced",
                f"message:{message.pk}",
                by=SYSTEM,
                now=now,
                ref=message.ref,
                status=bounce.status,
            )
        elif bounce.action == "delayed":
            Attempt.objects.create(
                contract=contract, message=message, at=now, outcome=rules.Outcome.DELAYED, answer=answer
            )
        return message


_sender: Sender | None = None


def send_due(now: dt.datetime, limit: int = 500) -> int:
    """Send what is due with this process's sender (see :meth:`.sending.Sender.send_due`); the number handed over."""
    global _sender
    _sender = _sender or Sender()
    return _sender.send_due(now, limit)


@transaction.atomic
def plan_stop(
    contract: Contract,
    *,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    announce_at: dt.datetime,
    reason: str,
    by: Actor,
    now: dt.datetime,
) -> PlannedStop:
    """Plan a stop, and tell the city's officials by mail at once.

    Raises :class:`NoticeError` for one in the past, backwards, too long, or beside another one.
    """
    with contract_scope(contract):
        _check_stop(starts_at, ends_at, now)
        stop = PlannedStop.objects.create(
            contract=contract,
            starts_at=starts_at,
            ends_at=ends_at,
            announce_at=min(announce_at, starts_at),
            reason=reason,
            created_at=now,
            created_by=by.label,
        )
        audit.record(
            contract, "stop.planned", f"stop:{stop.pk}", by=by, now=now,
            starts_at=starts_at.isoformat(), ends_at=ends_at.isoformat(), reason=reason,
        )  # fmt: skip
        _tell_city(contract, stop, StaffKind.STOP_PLANNED, now)
    transaction.on_commit(forget_stops)
    return stop


@transaction.atomic
def change_stop(
    contract: Contract,
    pk: int,
    *,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    announce_at: dt.datetime,
    reason: str,
    by: Actor,
    now: dt.datetime,
) -> PlannedStop:
    """Change a stop that is not over, and tell the city's officials. Raises :class:`NoticeError` like :func:`plan_stop`."""
    with contract_scope(contract):
        stop = _coming_stop(pk, now)
        _check_stop(starts_at, ends_at, now, but=pk)
        before = [stop.starts_at.isoformat(), stop.ends_at.isoformat(), stop.reason]
        stop.starts_at, stop.ends_at, stop.reason = starts_at, ends_at, reason
        stop.announce_at = min(announce_at, starts_at)
        stop.save(update_fields=["starts_at", "ends_at", "announce_at", "reason"])
        after = [starts_at.isoformat(), ends_at.isoformat(), reason]
        audit.record(contract, "stop.changed", f"stop:{pk}", by=by, now=now, before=before, after=after)
        _tell_city(contract, stop, StaffKind.STOP_CHANGED, now)
    transaction.on_commit(forget_stops)
    return stop


@transaction.atomic
def withdraw_stop(contract: Contract, pk: int, *, by: Actor, now: dt.datetime) -> None:
    """Take a stop back; the site works again at once, and the city's officials are told.

    Raises :class:`NoticeError` when it is gone or over.
    """
    with contract_scope(contract):
        stop = _coming_stop(pk, now)
        stop.withdrawn_at = now
        stop.save(update_fields=["withdrawn_at"])
        audit.record(contract, "stop.withdrawn", f"stop:{pk}", by=by, now=now)
        _tell_city(contract, stop, StaffKind.STOP_DROPPED, now)
    transaction.on_commit(forget_stops)


def _coming_stop(pk: int, now: dt.datetime) -> PlannedStop:
    stop = PlannedStop.objects.select_for_update().filter(pk=pk, withdrawn_at=None, ends_at__gt=now).first()
    if stop is None:
        raise NoticeError("この予定は、すでに終わったか取り下げられています。")
    return stop


def _check_stop(starts_at: dt.datetime, ends_at: dt.datetime, now: dt.datetime, *, but: int | None = None) -> None:
    if ends_at <= starts_at:
        raise NoticeError("終わりは始まりより後にしてください。")
    if ends_at <= now:
        raise NoticeError("すでに終わった時間です。これからの時間を入力してください。")
    if ends_at - starts_at > rules.LONGEST_STOP:
        raise NoticeError("停止は7日以内にしてください。長いときは分けて入力してください。")
    beside = PlannedStop.objects.filter(withdrawn_at=None, starts_at__lt=ends_at, ends_at__gt=starts_at)
    if beside.exclude(pk=but).exists():
        raise NoticeError("同じ時間に別の停止の予定があります。先にそれを取り下げてください。")


def _tell_city(contract: Contract, stop: PlannedStop, kind: StaffKind, now: dt.datetime) -> None:
    drop(contract, ref=f"stop:{stop.pk}", kinds=[StaffKind.STOP_PLANNED, StaffKind.STOP_CHANGED, StaffKind.STOP_DROPPED])
    tell_city(contract, ref=f"stop:{stop.pk}", kind=kind, now=now)


def tell_city(contract: Contract, *, ref: str, kind: StaffKind, now: dt.datetime) -> int:
    """A mail to each of the city's officials of the contract, inside the caller's transaction; how many."""
    people = people_in_role(contract, Role.CITY)
    for user in people:
        queue(contract, ref=ref, kind=kind, language="ja", now=now, detail={"user": user.pk})
    return len(people)
