"""The demo's ledgers: what was handed in since the beginning of each contract, a little late here and forgotten there. Deterministic; all invented."""

from __future__ import annotations

import datetime as dt
import random

from madoguchi.domain.obligations import rules
from madoguchi.domain.obligations.enums import Source
from madoguchi.domain.obligations.models import Breach, Evidence
from madoguchi.domain.obligations.queries import Line, book_of
from madoguchi.domain.obligations.rules import Kind
from madoguchi.domain.obligations.services import close_breach, confirm, explain, meet, open_ledger, record_event, watch
from madoguchi.ground.accounts.models import Assignment, Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel
from madoguchi.ground.kit.clock import JST

PREPARED = dt.timedelta(days=60)
LATE, FORGOTTEN = 0.06, 0.03


def fill(contract: Contract, now: dt.datetime) -> str:
    """Evidence of nearly all that was due, two events, and what the worker finds then; it may have opened the ledger before. Inside ``contract_scope``."""
    if Evidence.objects.filter(source=Source.HAND).exists():
        return "義務の台帳"
    dice = random.Random(f"duties {contract.code}")  # noqa: S311
    people = {a.role: a.user for a in Assignment.objects.filter(contract=contract).select_related("user")}
    manager, city = people[Role.MANAGER], people[Role.CITY]
    by = Actor(ActorKind.CALL_CENTRE, Channel.PHONE, f"user:{manager.pk}", str(manager))
    by_city = Actor(ActorKind.CITY, Channel.COUNTER, f"user:{city.pk}", str(city))
    today = now.astimezone(JST).date()
    begin = contract.profile.term.service_from - PREPARED
    open_ledger(contract, begin, by=by, now=_at(begin))
    _events(contract, today, by)
    lines = [line for line in book_of(contract, today).lines if line.duty.threshold is None and rules.kind_of(line.duty) is not Kind.STANDING]
    past = [line for line in lines if line.occasion.due < today and line.occasion.opens <= today and not (line.event and line.event.ref)]
    for line in past:
        if line is not past[-1] and dice.random() >= FORGOTTEN:
            _hand_in(contract, line, dice, today, by, by_city)
    watch(contract, now=now)
    for breach in list(Breach.objects.order_by("due_on"))[:-1]:
        at = min(_at(breach.due_on + dt.timedelta(days=12)), now)
        explain(contract, breach.pk, text="担当者の交代で引き継ぎが漏れました。期限の一覧を毎週の打合せで確かめています。", by=by, now=at)
        if breach.due_on < today - dt.timedelta(days=40):
            close_breach(contract, breach.pk, by=by_city, now=at)
    return f"義務の証拠 {Evidence.objects.count()} 件"


def _events(contract: Contract, today: dt.date, by: Actor) -> None:
    """The first obligation that waits for events gets one of some weeks ago and one to come, within the term of the contract."""
    duty = next((one for one in rules.duties(contract.profile) if one.due.rule in ("before_change", "on_change")), None)
    term = contract.profile.term
    if duty is None:
        return
    last = min(today, term.service_to)
    for on, note in ((last - dt.timedelta(days=50), "担当者1名の交代"), (last + dt.timedelta(days=24), "年末に向けた変更")):
        if term.service_from <= on <= term.service_to:
            record_event(contract, duty.code, on=on, note=note, by=by, now=_at(min(on, last) - dt.timedelta(days=20)))


def _hand_in(contract: Contract, line: Line, dice: random.Random, today: dt.date, by: Actor, by_city: Actor) -> None:
    due = line.occasion.due
    early = due - dt.timedelta(days=dice.randint(0, 3))
    on = min(due + dt.timedelta(days=dice.randint(1, 4)), today) if dice.random() < LATE else max(early, line.occasion.opens)
    reference = f"{line.duty.name}（{line.occasion.label}）"
    held = meet(contract, line.duty.code, line.occasion.key, met_on=on, reference=reference, by=by, now=_at(on))
    if line.duty.approval or dice.random() < 0.5:
        confirm(contract, held.pk, by=by_city, now=_at(on + dt.timedelta(days=2)))


def _at(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(15), JST)
