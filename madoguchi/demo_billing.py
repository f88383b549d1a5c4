"""Synthetic money of the demo: invoices of the months gone by in every state, and a ledger, made by the same deeds as real ones."""

from __future__ import annotations

import datetime as dt
import random

from madoguchi.domain.billing import queries
from madoguchi.domain.billing.enums import Spending
from madoguchi.domain.billing.inspection import inspection_of
from madoguchi.domain.billing.rules import Period, due_on
from madoguchi.domain.billing.services.invoices import issue, mark_overdue, pay, prepare, receive, withdraw
from madoguchi.domain.billing.services.ledger import Spent, enter, reverse
from madoguchi.domain.booking.services.slots import CalendarChange, change_calendar
from madoguchi.ground.accounts.models import Assignment, Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor, ActorKind, Channel
from madoguchi.ground.kit.clock import JST

BOOKS = [
    (Spending.WAGES, "従事者給与", 640_000, 25), (Spending.LINES, "通信会社", 48_400, 20), (Spending.SUPPLIES, "文具店", 13_200, 8),
    (Spending.TRAVEL, "交通費の精算", 8_800, 28), (Spending.TRAINING, "研修の講師料", 55_000, 15),
]  # fmt: skip
MONTHS = 4


def fill(contract: Contract, now: dt.datetime, *, late: bool, typhoon: dt.date | None) -> str:
    """Invoices of all periods that have ended, the last ones still open, and some months of the ledger; what was made, in words.

    A period whose report the demo shows is drafted when the city accepts that, and otherwise waits for it.

    ``late``: one was not paid in time. ``typhoon``: that day was closed throughout, and the next one from noon.
    """
    user = Assignment.objects.select_related("user").filter(contract=contract, role=Role.MANAGER).latest("pk").user
    manager = Actor(ActorKind.CALL_CENTRE, Channel.COUNTER, f"user:{user.pk}", str(user))
    with contract_scope(contract):
        if typhoon is not None:
            _close(contract, typhoon, manager, now)
        ended = [one for one in queries.periods_of(contract) if _at(one.last, 11) <= now]
        for left, period in zip(reversed(range(len(ended))), ended, strict=True):
            if any(one.report for one in inspection_of(contract, period).reports):
                continue
            if period.number == 2 and left > 2:
                withdraw(contract, _issue(contract, period, manager), reason="宛名の誤り", by=manager, now=_at(_weekday(period.last, 7), 0))
            _follow(contract, _issue(contract, period, manager), period, manager, now, open_=late and left == 2)
        mark_overdue(contract, by=SYSTEM, now=now)
        lines = _books(contract, manager, now)
    return f"請求書 {len(ended)} 件・帳簿 {lines} 行"


def _at(day: dt.date, later: int) -> dt.datetime:
    return dt.datetime.combine(day + dt.timedelta(days=later), dt.time(10), JST)


def _close(contract: Contract, day: dt.date, by: Actor, now: dt.datetime) -> None:
    for on, hours in ((day, ()), (day + dt.timedelta(days=1), ((dt.time(12), dt.time(20)),))):
        change_calendar(contract, CalendarChange(on, "closed", "", "", hours, None, "台風による暴風警報"), by=by, now=now)


def _issue(contract: Contract, period: Period, by: Actor) -> int:
    passed = _weekday(period.last, 6)
    told = f"検査合格通知 {passed:%Y-%m}号"
    draft = prepare(contract, period.number, evidence=told, inspected_on=passed, by=by, now=_at(passed, 0))
    return issue(contract, draft.pk, by=by, now=_at(_weekday(period.last, 7), 0)).pk


def _weekday(day: dt.date, later: int) -> dt.date:
    return due_on(day, later, "after", queries.closed_for_payment)


def _follow(contract: Contract, invoice: int, period: Period, by: Actor, now: dt.datetime, *, open_: bool) -> None:
    """Received the day after, and paid on the last day to pay; as far as that has come."""
    if _at(period.last, 14) > now:
        return
    received = receive(contract, invoice, received_on=_weekday(period.last, 8), by=by, now=_at(period.last, 14))
    assert received.due_on is not None
    if not open_ and _at(received.due_on, 0) <= now:
        pay(contract, invoice, paid_on=received.due_on, by=by, now=_at(received.due_on, 0))


def _books(contract: Contract, by: Actor, now: dt.datetime) -> int:
    """Some months of spending up to today or the end of the service; one line was wrong and is taken back."""
    dice = random.Random(f"books-{contract.code}")  # noqa: S311
    last = min(now.date(), contract.profile.term.service_to)
    month, made = last.replace(day=1), 0
    for _ in range(MONTHS):
        for kind, payee, usual, day in BOOKS:
            amount = usual + 1_100 * dice.randint(0, 9)
            tax = 0 if kind == Spending.WAGES else amount // 11
            spent = Spent(month.replace(day=day), kind, payee, amount, tax, f"{month:%y%m}-{made + 1:02}")
            if contract.profile.term.service_from <= spent.on <= last:
                line, made = enter(contract, spent, by=by, now=min(now, _at(spent.on, 1))), made + 1
                if made == 3:
                    reverse(contract, line.pk, reason="金額の誤り。書き直します。", by=by, now=min(now, _at(spent.on, 2)))
        month = (month - dt.timedelta(days=1)).replace(day=1)
    return made
