"""Recording what the telephone systems tell."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor, Channel
from madoguchi.ground.privacy.sealing import Keyring, keyring
from madoguchi.ground.worklog.services import correct, note
from madoguchi.voice.events import CallEvent as Told

from ..enums import Direction, Outcome
from ..fold import LOST, Folded, fold_one
from ..models import Call, CallEvent
from ..words import EVENT, NUMBER, plain_number
from . import callbacks

HALF_OPEN_AFTER = dt.timedelta(hours=4)
"""A call of which nothing was heard for so long is over, whatever its telephone system says."""
_PERSONAL = ("number",)


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many events were new, and how many were known already; ``calls`` are the ids of the calls concerned."""

    new: int
    known: int
    calls: tuple[int, ...]


def record_events(contract: Contract, events: Iterable[Told], *, by: Actor, now: dt.datetime) -> Recorded:
    """Put events of one contract on record, all or none. Known ones change nothing, so that a sender may repeat itself.

    ``by`` is the telephone system (a key, or the system). The calls concerned are folded anew; a call that ends leaves a fact of work, and a wish
    to be called back becomes a call-back.
    """
    told = list({event.key: event for event in events}.values())
    if not told:
        return Recorded(0, 0, ())
    ring = keyring(contract)
    with contract_scope(contract):
        calls = _locked_calls(contract, told, now)
        rows = [
            CallEvent(
                contract=contract,
                call=calls[event.provider, event.call],
                kind=event.kind,
                at=event.at,
                agent=event.agent,
                queue=event.queue,
                data=_open_part(event),
                sealed=_sealed_part(ring, event),
                recorded_at=now,
            )
            for event in sorted(told, key=lambda e: (e.at, e.call))
        ]
        before = CallEvent.objects.filter(call__in=calls.values()).count()
        CallEvent.objects.bulk_create(rows, ignore_conflicts=True)
        new = CallEvent.objects.filter(call__in=calls.values()).count() - before
        if new:
            by_call = _events_of(contract, ring, list(calls.values()))
            for call in calls.values():
                _refold(contract, ring, call, by_call[call.pk], by=by, now=now)
        return Recorded(new, len(told) - new, tuple(call.pk for call in calls.values()))


def close_half_open(contract: Contract, *, now: dt.datetime, provider: str = "", run: str = "") -> int:
    """Close calls that nobody ended: with ``provider`` and ``run``, all of that telephone system but those of its present run (their names
    begin with it), since their process is dead; else those of which nothing was heard for ``HALF_OPEN_AFTER``.

    They end as lost by the system at the time of their last event; a true end that arrives later wins. How many.
    """
    with contract_scope(contract):
        open_calls = Call.objects.filter(ended_at=None)
        if provider:
            open_calls = open_calls.filter(provider=provider).exclude(ref__startswith=f"{run}-")
        closing: list[Told] = []
        for call in open_calls:
            last = CallEvent.objects.filter(call=call).order_by("-at", "-id").first()
            if last is None or (not provider and last.at > now - HALF_OPEN_AFTER):
                continue
            closing.append(Told(call.provider, call.ref, "ended", last.at, data={"by": "system", "why": LOST}))
        if closing:
            record_events(contract, closing, by=SYSTEM, now=now)
            audit.record(contract, "call.closed_lost", f"contract:{contract.code}", by=SYSTEM, now=now, calls=len(closing))
        return len(closing)


def call_of(contract: Contract, provider: str, ref: str, *, now: dt.datetime) -> Call:
    """The call of a telephone system's name, locked; made empty when its events are still on their way."""
    with contract_scope(contract):
        return _locked_calls(contract, [Told(provider, ref, "offered", now)], now)[provider, ref]


def told_events(contract: Contract, call: Call) -> list[Told]:
    """The events of a call as they were told, oldest first; numbers are empty once erased."""
    return _events_of(contract, keyring(contract), [call])[call.pk]


def _locked_calls(contract: Contract, told: Sequence[Told], now: dt.datetime) -> dict[tuple[str, str], Call]:
    """The rows of these calls, locked. New rows come first, in the order of their names, and only then are rows locked: so nobody who holds a
    lock waits for somebody's new row."""
    keys = sorted({(event.provider, event.call) for event in told})
    known = {(call.provider, call.ref) for call in _of(keys)}
    first = {key: min(e.at for e in told if (e.provider, e.call) == key) for key in keys if key not in known}
    Call.objects.bulk_create(
        [
            Call(
                contract=contract, provider=provider, ref=ref, direction=Direction.IN, opened_at=opened_at, state="open", outcome=Outcome.OPEN,
            )
            for (provider, ref), opened_at in first.items()
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    return {(call.provider, call.ref): call for call in _of(keys, locked=True)}


def _of(keys: Sequence[tuple[str, str]], *, locked: bool = False) -> list[Call]:
    rows = Call.objects.filter(provider__in={provider for provider, _ in keys}, ref__in={ref for _, ref in keys}).order_by("pk")
    wanted = set(keys)
    return [row for row in (rows.select_for_update(of=("self",)) if locked else rows) if (row.provider, row.ref) in wanted]


def _open_part(event: Told) -> dict[str, Any]:
    data = {key: value for key, value in event.data.items() if key not in _PERSONAL}
    return {**data, **({"dialled": event.dialled} if event.dialled else {}), **({"withheld": True} if event.withheld else {})}


def _sealed_part(ring: Keyring, event: Told) -> bytes | None:
    private = {key: str(event.data[key]) for key in _PERSONAL if event.data.get(key)}
    if event.caller and not event.withheld:
        private["caller"] = event.caller
    return ring.seal_json(EVENT, private) if private else None


def _events_of(contract: Contract, ring: Keyring, calls: Sequence[Call]) -> dict[int, list[Told]]:
    by_call: dict[int, list[Told]] = {call.pk: [] for call in calls}
    names = {call.pk: (call.provider, call.ref) for call in calls}
    for row in CallEvent.objects.filter(call__in=calls).order_by("at", "id"):
        private = ring.unseal_json(EVENT, row.sealed) if row.sealed else {}
        provider, ref = names[row.call_id]
        data = {**row.data, **({"number": private["number"]} if "number" in private else {})}
        by_call[row.call_id].append(
            Told(
                provider, ref, row.kind, row.at, contract=contract.code, caller=private.get("caller", ""), withheld=bool(data.pop("withheld", False)),
                dialled=str(data.pop("dialled", "")), agent=row.agent, queue=row.queue, data=data,
            )
        )  # fmt: skip
    return by_call


def _refold(contract: Contract, ring: Keyring, call: Call, events: list[Told], *, by: Actor, now: dt.datetime) -> None:
    folded = fold_one(events)
    was_over = call.ended_at is not None
    _project(ring, call, folded)
    call.save()
    if folded.callback_number or folded.outcome == Outcome.CALLBACK:
        callbacks.wish(contract, call, folded, by=by, now=now)
    if folded.direction == Direction.IN and call.number_index and folded.outcome == Outcome.ANSWERED and call.answered_at:
        callbacks.called_again(contract, call, by=by, now=now)
    if folded.direction == Direction.BACK:
        callbacks.dialled(contract, call, folded, operator=call.operator, by=by, now=now)
    if call.ended_at is None:
        return
    work = note if not was_over else correct
    work(
        contract,
        "call.ended" if folded.direction == Direction.IN else "callback.ended",
        by=replace(by, channel=Channel.PHONE),
        now=call.opened_at,
        ref=f"call:{call.pk}",
        language=call.language,
        outcome=folded.outcome,
        wait_seconds=folded.wait_seconds,
        handle_seconds=None if folded.talk_seconds is None else folded.talk_seconds + folded.hold_seconds,
    )


def _project(ring: Keyring, call: Call, folded: Folded) -> None:
    call.direction = folded.direction
    call.opened_at = folded.opened_at
    call.dialled = folded.dialled
    call.withheld = folded.withheld
    if folded.caller and not folded.withheld and call.erased_at is None:
        number = plain_number(folded.caller)
        call.number = ring.seal_json(NUMBER, {"number": number})
        call.number_index = ring.blind("phone", number)
    for name in ("state", "choice", "queue", "language", "queued_at", "answered_at", "ended_at", "outcome", "why", "agent",
                 "transfers", "wait_seconds", "talk_seconds", "hold_seconds", "total_seconds"):  # fmt: skip
        setattr(call, name, getattr(folded, name))
    call.ended_by = folded.by
    call.missed = list(folded.missed)
    call.operator = operator_of(folded.agent or (folded.first_agent if folded.direction == Direction.BACK else ""))


def operator_of(agent: str) -> User | None:
    """The account that a telephone system names ``user:<id>``; None for other names."""
    named = re.fullmatch(r"user:([0-9]{1,15})", agent)
    return User.objects.filter(pk=int(named[1])).first() if named else None
