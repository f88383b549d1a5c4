"""Deeds of call-backs: asked for, taken on, tried, ended. None is forgotten: it stays on the list until it ended with an outcome."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from django.db.models import F

from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, Channel
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.ground.worklog.services import note

from .. import rules
from ..enums import CallbackEnd, TryOutcome
from ..errors import CallsRefused
from ..fold import Folded
from ..models import Call, Callback, CallbackTry
from ..queries.deadlines import callback_due
from ..words import CALLBACK, plain_number

LONGEST = 500


def wish(contract: Contract, call: Call, folded: Folded, *, by: Actor, now: dt.datetime) -> Callback | None:
    """The call-back that a caller asked for at the telephone's keys; once per call. None when there is no number to call."""
    number = folded.callback_number or folded.caller
    if not number or Callback.objects.filter(call=call).exists():
        return None
    return _open(contract, call, number, "", "", folded.language, folded.choice, asked_at=folded.ended_at or now, by=by, now=now)


def promise(
    contract: Contract,
    *,
    number: str,
    name: str = "",
    about: str = "",
    language: str = "ja",
    call: Call | None = None,
    due_at: dt.datetime | None = None,
    by: Actor,
    now: dt.datetime,
) -> Callback:
    """A call-back that a member of staff promises, or takes from the list of unanswered calls.

    Raises :class:`CallsRefused` when the number cannot be called, the text is too long, the promise is for a time gone by, or the call
    has a call-back already.
    """
    plain = plain_number(number)
    if len(plain.lstrip("+")) < 9:
        raise CallsRefused("折り返す電話番号を、市外局番から入力してください。")
    if len(about) > LONGEST:
        raise CallsRefused(f"用件は{LONGEST}文字までです。いまは{len(about):,}文字です。")
    if due_at is not None and due_at <= now:
        raise CallsRefused("折り返す期限は、いまより後にしてください。")
    with contract_scope(contract):
        if call is not None:
            Call.objects.select_for_update(of=("self",)).get(pk=call.pk)
            if Callback.objects.filter(call=call).exists():
                raise CallsRefused("この着信の折り返しは、すでに一覧にあります。")
        return _open(contract, call, plain, name, about, language, "", asked_at=now, by=by, now=now, due_at=due_at)


def _open(
    contract: Contract, call: Call | None, number: str, name: str, about: str, language: str, choice: str, *,
    asked_at: dt.datetime, by: Actor, now: dt.datetime, due_at: dt.datetime | None = None,
) -> Callback:  # fmt: skip
    ring, plain = keyring(contract), plain_number(number)
    callback = Callback.objects.create(
        contract=contract,
        call=call,
        asked_at=asked_at,
        due_at=due_at or callback_due(contract, asked_at),
        words=ring.seal_json(CALLBACK, {"number": plain, "name": name.strip(), "about": about.strip()}),
        number_index=ring.blind("phone", plain),
        language=language,
        choice=choice,
    )
    audit.record(contract, "callback.asked", f"callback:{callback.pk}", by=by, now=now)
    return callback


def owed_numbers(calls: Sequence[Call]) -> set[bytes]:
    """Which of the calls' numbers (as blind indexes) somebody still has to call back."""
    indexes = {bytes(call.number_index) for call in calls if call.number_index}
    rows = Callback.objects.filter(ended_at=None, number_index__in=indexes) if indexes else Callback.objects.none()
    return {bytes(index) for index in rows.values_list("number_index", flat=True)}


def called_again(contract: Contract, call: Call, *, by: Actor, now: dt.datetime) -> int:
    """Who got through meanwhile needs no call-back: open ones of the same number, asked for before this call, end. How many."""
    due = list(
        Callback.objects.select_for_update()
        .filter(number_index=call.number_index, ended_at=None, asked_at__lt=call.opened_at)
        .order_by("pk")
    )
    for callback in due:
        _close(contract, callback, CallbackEnd.CALLED_AGAIN, at=call.answered_at or now, by=by, now=now)
    return len(due)


def take(contract: Contract, callback_id: int, *, user: User, by: Actor, now: dt.datetime) -> Callback:
    """Take a call-back on, so that no two call. Raises :class:`CallsRefused` when somebody else has it or it is over."""
    with contract_scope(contract):
        callback = _locked(callback_id)
        if callback.owner_id is not None and callback.owner_id != user.pk and rules.still_held(callback.taken_at, now):
            raise CallsRefused(f"{callback.owner}さんがこの折り返しを担当しています。")
        callback.owner, callback.taken_at = user, now
        callback.save(update_fields=["owner", "taken_at"])
        audit.record(contract, "callback.taken", f"callback:{callback.pk}", by=by, now=now)
        return callback


def number_of(contract: Contract, callback: Callback) -> str:
    """The number to call. Raises :class:`CallsRefused` when it is erased."""
    if not callback.words:
        raise CallsRefused("保存期間を過ぎて電話番号を消去しました。")
    return str(keyring(contract).unseal_json(CALLBACK, callback.words)["number"])


def tried(contract: Contract, callback_id: int, *, outcome: TryOutcome, user: User, by: Actor, now: dt.datetime) -> Callback:
    """Note a try; reaching the person ends the call-back, with every other one that this number still waits for.

    Raises :class:`CallsRefused` when it is over already.
    """
    with contract_scope(contract):
        callback = _locked(callback_id)
        CallbackTry.objects.create(contract=contract, callback=callback, at=now, operator=user, outcome=outcome)
        callback.tries = F("tries") + 1
        callback.owner, callback.taken_at = user, now
        callback.save(update_fields=["tries", "owner", "taken_at"])
        audit.record(contract, "callback.tried", f"callback:{callback.pk}", by=by, now=now, outcome=outcome)
        callback.refresh_from_db()
        if outcome == TryOutcome.REACHED:
            same = Callback.objects.select_for_update().filter(number_index=callback.number_index, ended_at=None).order_by("pk")
            for one in same:
                _close(contract, one, CallbackEnd.REACHED, at=now, by=by, now=now)
            callback.refresh_from_db()
        return callback


def dialled(contract: Contract, call: Call, folded: Folded, *, operator: User | None, by: Actor, now: dt.datetime) -> None:
    """What became of a call-back that the exchange dialled, from its events: a try, and the end when they spoke. Told twice, noted once."""
    if operator is None or folded.ended_at is None or not re.fullmatch("[0-9]{1,15}", folded.callback_ref):
        return
    callback = Callback.objects.select_for_update().filter(pk=int(folded.callback_ref)).first()
    if callback is None or CallbackTry.objects.filter(call=call).exists():
        return
    spoke = folded.answered_at is not None
    outcome = TryOutcome.REACHED if spoke else TryOutcome.NO_ANSWER
    CallbackTry.objects.create(contract=contract, callback=callback, call=call, at=folded.opened_at, operator=operator, outcome=outcome)
    callback.tries += 1
    callback.save(update_fields=["tries"])
    audit.record(contract, "callback.tried", f"callback:{callback.pk}", by=by, now=now, outcome=outcome)
    if spoke and callback.ended_at is None:
        end(contract, callback.pk, outcome=CallbackEnd.REACHED, by=by, now=now)


def end(contract: Contract, callback_id: int, *, outcome: CallbackEnd, by: Actor, now: dt.datetime) -> Callback:
    """End a call-back with its outcome. Raises :class:`CallsRefused` when it is over, or is given up without a try."""
    with contract_scope(contract):
        callback = _locked(callback_id)
        if outcome == CallbackEnd.GIVEN_UP and callback.tries < rules.TRIES_BEFORE_GIVING_UP:
            raise CallsRefused(f"あきらめる前に、{rules.TRIES_BEFORE_GIVING_UP}回は電話をしてください。")
        _close(contract, callback, outcome, at=now, by=by, now=now)
        return callback


def _close(contract: Contract, callback: Callback, outcome: CallbackEnd, *, at: dt.datetime, by: Actor, now: dt.datetime) -> None:
    callback.ended_at, callback.outcome = at, outcome
    callback.save(update_fields=["ended_at", "outcome"])
    wait = round((at - callback.asked_at).total_seconds())
    note(contract, "callback.closed", by=by.through(Channel.PHONE), now=at, ref=f"callback:{callback.pk}", language=callback.language,
         outcome=outcome, wait_seconds=wait)  # fmt: skip
    audit.record(contract, "callback.ended", f"callback:{callback.pk}", by=by, now=now, outcome=outcome)


def _locked(callback_id: int) -> Callback:
    callback = Callback.objects.select_for_update(of=("self",)).filter(pk=callback_id).first()
    if callback is None:
        raise CallsRefused("この折り返しは見つかりません。")
    if callback.ended_at is not None:
        raise CallsRefused("この折り返しは、すでに終わっています。")
    return callback
