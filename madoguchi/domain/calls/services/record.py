"""Recording what the telephone systems tell."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor, Channel
from madoguchi.ground.privacy.sealing import Keyring, keyring
from madoguchi.ground.worklog.models import Fact
from madoguchi.ground.worklog.services import correct, fact, note_all
from madoguchi.voice.events import CallEvent as Told

from ..enums import Direction, Outcome
from ..fold import LOST, Folded, fold_one
from ..models import Call, CallEvent, Extension
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
        calls = _locked_calls(contract, ring, told)
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
        known = CallEvent.objects.filter(call__in=calls.values())
        before, over = known.count(), set(known.filter(kind="ended").values_list("call_id", flat=True))
        CallEvent.objects.bulk_create(rows, ignore_conflicts=True)
        new = CallEvent.objects.filter(call__in=calls.values()).count() - before
        if new:
            _refold(contract, ring, list(calls.values()), over, by=by, now=now)
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
        return _locked_calls(contract, keyring(contract), [Told(provider, ref, "offered", now)])[provider, ref]


def told_events(contract: Contract, call: Call) -> list[Told]:
    """The events of a call as they were told, oldest first; numbers are empty once erased."""
    return _events_of(contract, keyring(contract), [call])[call.pk]


def _locked_calls(contract: Contract, ring: Keyring, told: Sequence[Told]) -> dict[tuple[str, str], Call]:
    """The calls of these events, locked. New ones are made first, as their events so far tell them, in the order of their names; only then are
    rows locked: so nobody who holds a lock waits for somebody's new row."""
    by_key: dict[tuple[str, str], list[Told]] = {}
    for event in told:
        by_key.setdefault((event.provider, event.call), []).append(event)
    keys = sorted(by_key)
    known = {(call.provider, call.ref) for call in _of(keys)}
    missing = [key for key in keys if key not in known]
    if missing:
        folded = {key: fold_one(by_key[key]) for key in missing}
        operators = _operators(folded.values())
        fresh = [Call(contract=contract, provider=provider, ref=ref) for provider, ref in missing]
        for call in fresh:
            _project(ring, call, folded[call.provider, call.ref], operators)
        Call.objects.bulk_create(fresh, ignore_conflicts=True)
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


def _refold(contract: Contract, ring: Keyring, calls: Sequence[Call], over: Set[int], *, by: Actor, now: dt.datetime) -> None:
    """Bring calls to what all their events say, and do what follows from it. ``over``: calls that had ended before."""
    by_call = _events_of(contract, ring, calls)
    folded = {call.pk: fold_one(by_call[call.pk]) for call in calls}
    operators = _operators(folded.values())
    facts: list[Fact] = []
    for call in calls:
        one = folded[call.pk]
        if _project(ring, call, one, operators):
            call.save()
        if one.callback_number or one.outcome == Outcome.CALLBACK:
            callbacks.wish(contract, call, one, by=by, now=now)
        if one.direction == Direction.BACK:
            callbacks.dialled(contract, call, one, operator=call.operator, by=by, now=now)
        if call.ended_at is None:
            continue
        work = _work(contract, call, one, by)
        if call.pk in over:
            correct(**work)
        else:
            facts.append(fact(**work))
    note_all(facts)
    spoken = [call for call in calls if call.direction == Direction.IN and call.number_index and call.outcome == Outcome.ANSWERED]
    owed = callbacks.owed_numbers(spoken)
    for call in sorted(spoken, key=lambda call: call.opened_at):
        if call.number_index is not None and bytes(call.number_index) in owed:
            callbacks.called_again(contract, call, by=by, now=now)


def _work(contract: Contract, call: Call, folded: Folded, by: Actor) -> dict[str, Any]:
    """The fact of work of a call that is over."""
    return {
        "contract": contract,
        "kind": "call.ended" if folded.direction == Direction.IN else "callback.ended",
        "by": replace(by, channel=Channel.PHONE),
        "now": call.opened_at,
        "ref": f"call:{call.pk}",
        "language": call.language,
        "outcome": folded.outcome,
        "wait_seconds": folded.wait_seconds,
        "handle_seconds": None if folded.talk_seconds is None else folded.talk_seconds + folded.hold_seconds,
    }


_COPIED = (
    "direction", "opened_at", "dialled", "withheld", "state", "choice", "queue", "language", "queued_at", "answered_at", "ended_at", "outcome",
    "why", "agent", "transfers", "wait_seconds", "talk_seconds", "hold_seconds", "total_seconds",
)  # fmt: skip


def _project(ring: Keyring, call: Call, folded: Folded, operators: Mapping[str, int]) -> bool:
    """Put what the events say into the row; whether that changed it."""
    values = {name: getattr(folded, name) for name in _COPIED}
    values |= {"ended_by": folded.by, "missed": list(folded.missed), "operator_id": operators.get(_who(folded))}
    if folded.caller and not folded.withheld and call.erased_at is None:
        number = plain_number(folded.caller)
        index = ring.blind("phone", number)
        if call.number_index is None or bytes(call.number_index) != index:
            values |= {"number": ring.seal_json(NUMBER, {"number": number}), "number_index": index}
    changed = {name: value for name, value in values.items() if getattr(call, name) != value}
    for name, value in changed.items():
        setattr(call, name, value)
    return bool(changed)


def _operators(folded: Iterable[Folded]) -> dict[str, int]:
    """The accounts that telephone systems name ``user:<id>`` or by an extension, by that name; other names have none. Inside the scope."""
    folded = list(folded)
    others = {agent for one in folded if (agent := _who(one)) and not agent.startswith("user:")}
    extensions = dict(Extension.objects.filter(agent__in=others).values_list("agent", "user_id")) if others else {}
    named = {agent: re.fullmatch(r"user:([0-9]{1,15})", agent) for one in folded if (agent := _who(one))}
    wanted = {agent: int(match[1]) for agent, match in named.items() if match}
    there = set(User.objects.filter(pk__in=wanted.values()).values_list("pk", flat=True)) if wanted else set()
    return extensions | {agent: pk for agent, pk in wanted.items() if pk in there}


def _who(folded: Folded) -> str:
    """Who answered; of a call-back, else who dialled."""
    return folded.agent or (folded.first_agent if folded.direction == Direction.BACK else "")
