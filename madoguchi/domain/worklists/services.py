"""Deeds of work lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.db.models import F, Q

from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import WorkList
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog import services as worklog

from .enums import State, StepKind
from .errors import WorklistRefused
from .files import Wanted, new_and_known
from .models import Batch, Entry, EntryStep

LATEST = dt.timedelta(days=366)


def worklist_of(contract: Contract, code: str) -> WorkList:
    """The list agreed in the profile. Raises :class:`WorklistRefused`."""
    found = contract.profile.work_list(code)
    if found is None:
        raise WorklistRefused("この契約に、その作業リストはありません。")
    return found


@transaction.atomic
def import_entries(contract: Contract, code: str, entries: Sequence[Wanted], *, name: str, by: Actor, now: dt.datetime) -> Batch:
    """Take in a city's file: new numbers join the line, numbers already there stay as they are. Imports of a contract wait for each other.

    Raises :class:`WorklistRefused` for an empty file or a list that is not agreed.
    """
    worklist_of(contract, code)
    if not entries:
        raise WorklistRefused("取り込む行がありません。")
    with contract_scope(contract):
        Contract.objects.select_for_update(no_key=True).get(pk=contract.pk)
        there = Entry.objects.filter(worklist=code, key__in=[one.key for one in entries]).values_list("key", flat=True)
        new, known = new_and_known(entries, list(there))
        batch = Batch.objects.create(
            contract=contract, worklist=code, name=name[:120], added=len(new), known=len(known), imported_at=now, imported_by=by.label[:80]
        )
        Entry.objects.bulk_create(
            [Entry(contract=contract, worklist=code, key=one.key, batch=batch, line=one.line, due_on=one.due_on) for one in new], batch_size=1000
        )
        audit.record(contract, "worklist.imported", f"worklist:{code}", by=by, now=now, batch=batch.pk, added=len(new), known=len(known))
        return batch


@transaction.atomic
def claim_next(contract: Contract, code: str, *, user: User, by: Actor, now: dt.datetime) -> Entry | None:
    """Give this person the next entry: the one already in hand, else the most urgent nobody has. ``None`` when nothing is left for now.

    In the line stand untouched entries, deferred ones whose day has come, and claims that ran out; earliest due date first.
    """
    terms = worklist_of(contract, code)
    with contract_scope(contract):
        mine = Entry.objects.select_for_update().filter(worklist=code, state=State.CLAIMED, owner=user).first()
        if mine is not None:
            mine.claim_ends_at = now + dt.timedelta(minutes=terms.claim_minutes)
            mine.save(update_fields=["claim_ends_at"])
            return mine
        today = now.astimezone(JST).date()
        free = Q(state=State.WAITING) | Q(state=State.DEFERRED, again_on__lte=today) | Q(state=State.CLAIMED, claim_ends_at__lte=now)
        line = Entry.objects.filter(free, worklist=code).order_by(F("due_on").asc(nulls_last=True), "id")
        entry = line.select_for_update(skip_locked=True).first()
        if entry is None:
            return None
        entry.state, entry.owner, entry.claimed_at = State.CLAIMED, user, now
        entry.claim_ends_at = now + dt.timedelta(minutes=terms.claim_minutes)
        entry.reason, entry.again_on = "", None
        entry.save()
        _step(contract, entry, StepKind.CLAIMED, by=by, now=now)
        return entry


@transaction.atomic
def end(contract: Contract, entry_id: int, *, result: str, user: User, by: Actor, now: dt.datetime) -> Entry:
    """Write how the work ended. Said again by the same person with the same result, it changes and counts nothing.

    Raises :class:`WorklistRefused` when it is not in this person's hands, or the result is not agreed.
    """
    with contract_scope(contract):
        entry = _locked(entry_id)
        if entry.state == State.DONE and entry.owner_id == user.pk and entry.result == result:
            return entry
        _in_hand(entry, user)
        if worklist_of(contract, entry.worklist).result(result) is None:
            raise WorklistRefused("結果を選んでください。")
        seconds = _seconds(entry, now)
        entry.state, entry.result, entry.ended_at, entry.claim_ends_at = State.DONE, result, now, None
        entry.save()
        _step(contract, entry, StepKind.DONE, by=by, now=now, detail=result, seconds=seconds)
        worklog.note(contract, f"worklist.{entry.worklist}", by=by, now=now, ref=f"entry:{entry.pk}", outcome=result, handle_seconds=seconds)
        audit.record(contract, "worklist.ended", f"entry:{entry.pk}", by=by, now=now, result=result)
        return entry


@transaction.atomic
def defer(contract: Contract, entry_id: int, *, reason: str, again_on: dt.date, user: User, by: Actor, now: dt.datetime) -> Entry:
    """Put off to a later day. Raises :class:`WorklistRefused` when not in hand, without a reason of the profile, or for a day that is not to come."""
    with contract_scope(contract):
        entry = _locked(entry_id)
        _in_hand(entry, user)
        if worklist_of(contract, entry.worklist).reason(reason) is None:
            raise WorklistRefused("後日にする理由を選んでください。")
        today = now.astimezone(JST).date()
        if not today < again_on <= today + LATEST:
            raise WorklistRefused("次に作業する日は、明日から1年以内で入れてください。")
        seconds = _seconds(entry, now)
        entry.state, entry.owner, entry.claim_ends_at = State.DEFERRED, None, None
        entry.reason, entry.again_on = reason, again_on
        entry.save()
        _step(contract, entry, StepKind.DEFERRED, by=by, now=now, detail=reason, seconds=seconds)
        audit.record(contract, "worklist.deferred", f"entry:{entry.pk}", by=by, now=now, reason=reason, again_on=again_on)
        return entry


@transaction.atomic
def release(contract: Contract, entry_id: int, *, user: User, by: Actor, now: dt.datetime) -> Entry:
    """Put it back into the line untouched. Raises :class:`WorklistRefused` when it is not in this person's hands."""
    with contract_scope(contract):
        entry = _locked(entry_id)
        _in_hand(entry, user)
        seconds = _seconds(entry, now)
        entry.state, entry.owner, entry.claim_ends_at = State.WAITING, None, None
        entry.save()
        _step(contract, entry, StepKind.RELEASED, by=by, now=now, seconds=seconds)
        return entry


@transaction.atomic
def reopen(contract: Contract, entry_id: int, *, by: Actor, now: dt.datetime) -> Entry:
    """Put an ended entry back into the line: a slip, or the city answered. What was counted for it is counted no more.

    Raises :class:`WorklistRefused` for an entry that has not ended.
    """
    with contract_scope(contract):
        entry = _locked(entry_id)
        if entry.state != State.DONE:
            raise WorklistRefused("まだ終わっていない1件です。")
        worklog.withdraw(f"worklist.{entry.worklist}", ref=f"entry:{entry.pk}")
        before = entry.result
        entry.state, entry.owner, entry.result, entry.ended_at = State.WAITING, None, "", None
        entry.save()
        _step(contract, entry, StepKind.REOPENED, by=by, now=now, detail=before)
        audit.record(contract, "worklist.reopened", f"entry:{entry.pk}", by=by, now=now, result=before)
        return entry


def record_export(contract: Contract, code: str, *, rows: int, by: Actor, now: dt.datetime) -> None:
    """Write that the list's results were taken out."""
    with contract_scope(contract):
        audit.record(contract, "worklist.exported", f"worklist:{code}", by=by, now=now, rows=rows)


def _locked(entry_id: int) -> Entry:
    entry = Entry.objects.select_for_update(of=("self",)).select_related("owner").filter(pk=entry_id).first()
    if entry is None:
        raise WorklistRefused("この1件は見つかりません。")
    return entry


def _in_hand(entry: Entry, user: User) -> None:
    if entry.state == State.CLAIMED and entry.owner_id == user.pk:
        return
    if entry.state == State.CLAIMED:
        raise WorklistRefused(f"時間が過ぎたため、{entry.owner}さんが作業しています。次の1件に進んでください。")
    if entry.state == State.DONE:
        raise WorklistRefused("この1件は、もう終わっています。次の1件に進んでください。")
    raise WorklistRefused("この1件は、手元にありません。次の1件に進んでください。")


def _seconds(entry: Entry, now: dt.datetime) -> int:
    assert entry.claimed_at is not None
    return max(round((now - entry.claimed_at).total_seconds()), 0)


def _step(
    contract: Contract, entry: Entry, kind: StepKind, *, by: Actor, now: dt.datetime, detail: str = "", seconds: int | None = None
) -> None:
    EntryStep.objects.create(contract=contract, entry=entry, kind=kind, at=now, by=by.label[:80], detail=detail, seconds=seconds)
