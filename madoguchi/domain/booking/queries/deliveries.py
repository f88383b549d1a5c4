"""Reads of standing orders and their deliveries. All run inside ``contract_scope``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import business_days
from madoguchi.ground.kit.clock import JST

from ..enums import Rhythm
from ..models import Delivery, Receipt, StandingOrder
from ..standing import CATCH_UP, LEAD, NO_WORKER, due_on

SHOWN_DAYS_AHEAD = 40


@dataclass(frozen=True)
class Due:
    """A due moment of an order for which no file was made yet; ``problem`` says why the last try failed, if there was one."""

    order: StandingOrder
    due_at: dt.datetime
    problem: str
    late: bool


def running_orders() -> list[StandingOrder]:
    """Orders that nobody ended, oldest first."""
    return list(StandingOrder.objects.filter(ended_at=None).select_related("saved_list"))


def due_moments(
    contract: Contract, orders: Iterable[StandingOrder], after: dt.datetime, until: dt.datetime
) -> list[tuple[StandingOrder, dt.datetime]]:
    """Due moments in (``after``, ``until``] by time; none before its order was made."""
    orders = list(orders)
    first, last = after.astimezone(JST).date(), until.astimezone(JST).date()
    days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    business: set[dt.date] = set()
    if any(order.rhythm == Rhythm.BUSINESS_DAYS for order in orders):
        business = set(business_days(contract, first, last))
    found = []
    for order in orders:
        for day in days:
            moment = dt.datetime.combine(day, order.due_time, JST)
            if max(after, order.created_at) < moment <= until and due_on(
                order.rhythm, day, weekdays=order.weekdays, month_day=order.month_day, business=business
            ):
                found.append((order, moment))
    return sorted(found, key=lambda pair: (pair[1], pair[0].pk))


def unmade(contract: Contract, now: dt.datetime) -> list[Due]:
    """What is to be made now, by due moment: late ones of the last month, and those due within ``LEAD``."""
    orders = running_orders()
    if not orders:
        return []
    moments = due_moments(contract, orders, now - CATCH_UP, now + LEAD)
    known = {(d.order_id, d.due_at): d for d in Delivery.objects.filter(due_at__gt=now - CATCH_UP, order__in=orders).defer("content")}
    found = []
    for order, moment in moments:
        tried = known.get((order.pk, moment))
        if tried is None or tried.made_at is None:
            late = now > moment
            problem = tried.problem if tried else NO_WORKER if late else ""
            found.append(Due(order, moment, problem, late))
    return found


def next_due(contract: Contract, orders: Iterable[StandingOrder], now: dt.datetime) -> dict[int, dt.datetime]:
    """The next due moment of each order (by its key) within the coming 40 days."""
    found: dict[int, dt.datetime] = {}
    for order, moment in due_moments(contract, orders, now, now + dt.timedelta(days=SHOWN_DAYS_AHEAD)):
        found.setdefault(order.pk, moment)
    return found


def made_deliveries() -> QuerySet[Delivery]:
    """Deliveries whose file was made, newest due moment first, without their content."""
    made: QuerySet[Delivery] = Delivery.objects.exclude(made_at=None).defer("content").select_related("order")
    return made.order_by("-due_at", "-pk")


def receipts_of(deliveries: Iterable[Delivery]) -> dict[int, list[Receipt]]:
    """Who was told of and who received each delivery (by its key), one query."""
    found: dict[int, list[Receipt]] = {}
    for receipt in Receipt.objects.filter(delivery__in=[d.pk for d in deliveries]).select_related("user").order_by("pk"):
        found.setdefault(receipt.delivery_id, []).append(receipt)
    return found
