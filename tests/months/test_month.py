"""A month of 長岡市 and of 和泉市 through the services: what the program says agrees with what the simulation decided.

The suite runs a small part of a month; ``make test-long`` (MADOGUCHI_MONTH=full) runs whole ones.
"""

from __future__ import annotations

import os
from collections import Counter
from itertools import pairwise

import pytest
from django.db.models import Sum

from madoguchi.domain.booking import availability
from madoguchi.domain.cards.models import Card
from madoguchi.domain.cards.models import Move as CardMove
from madoguchi.domain.cases.enums import End, State
from madoguchi.domain.cases.models import Case
from madoguchi.domain.reception import queries
from madoguchi.domain.reception.models import Period, Ticket
from madoguchi.domain.reports.queries import Period as Span
from madoguchi.domain.reports.queries import figures
from madoguchi.domain.reports.visitors import visitors_of_month
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog.models import Fact

from .simulation import IZUMI, NAGAOKA, Book, Month, Plan, bookings_marked

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
PART, DAYS = (1.0, 31) if os.environ.get("MADOGUCHI_MONTH") == "full" else (0.01, 8)


def facts(kind: str, *by: str) -> Counter[tuple[str, ...]]:
    """Quantities of a kind of fact."""
    rows = Fact.objects.filter(kind=kind).values_list(*by).annotate(n=Sum("quantity"))
    return Counter({tuple(row[:-1]): row[-1] for row in rows if row[-1]})


@pytest.mark.timeout(3600)
@pytest.mark.req("DESK-01", "DESK-02", "DESK-03", "DESK-04", "DESK-07", "DESK-10", "BOOK-15")
@pytest.mark.parametrize("plan", [NAGAOKA, IZUMI], ids=["nagaoka", "izumi"])
def test_a_month_adds_up(contracts: dict[str, Contract], plan: Plan) -> None:
    contract, plan = contracts[plan.contract], plan.share(PART, DAYS)
    availability.forget()
    queries.forget()
    book = Month(contract, plan).run()
    done = {code: book.guests[code, End.DONE] for code in plan.done}
    assert done == dict(plan.done), "the simulation did what was planned"
    with contract_scope(contract):
        every_visitor_has_one_outcome(contract, book)
        cases_and_facts_agree(book)
        every_card_is_at_one_place(book, plan)
        figures_agree(contract, book, plan)
    availability.forget()


def every_visitor_has_one_outcome(contract: Contract, book: Book) -> None:
    assert Counter(Ticket.objects.values_list("outcome", flat=True)) == Counter({k: n for k, n in book.visits.items() if n})
    assert not Ticket.objects.filter(closed_at=None).exists()
    assert not Period.objects.filter(ended_at=None).exists()
    assert bookings_marked(contract) == (book.arrived, book.no_shows)
    assert sum(facts("reception.ticket").values()) == book.heads


def cases_and_facts_agree(book: Book) -> None:
    ended = Counter(Case.objects.exclude(outcome=End.VOID).values_list("procedure__code", "outcome"))
    assert ended == Counter({key: n for key, n in book.guests.items() if n})
    assert not Case.objects.exclude(state=State.ENDED).exists()
    assert facts("case.ended", "procedure", "outcome") == ended
    assert sum(facts("case.examined").values()) == book.examined
    assert facts("reception.served", "procedure", "site") == book.served
    waited = Fact.objects.filter(kind="reception.served").aggregate(n=Sum("wait_seconds"))["n"]
    assert abs(waited - book.waited) <= Ticket.objects.count(), "to a second each"


def every_card_is_at_one_place(book: Book, plan: Plan) -> None:
    where = {card.number: "issued" if card.state == "issued" else card.spot for card in Card.objects.all()}
    assert where == book.cards
    issued = sum(place == "issued" for place in book.cards.values())
    assert sum(facts("card.issued").values()) == issued == Case.objects.filter(card__isnull=False, outcome=End.DONE).count() == plan.done["card_pickup"]
    assert sum(facts("card.set_up").values()) == len(book.cards)
    assert book.set_up == plan.setups
    for card in Card.objects.order_by("?")[:50]:
        moves = list(CardMove.objects.filter(card=card).order_by("n"))
        assert all(a.target == b.source for a, b in pairwise(moves))


def figures_agree(contract: Contract, book: Book, plan: Plan) -> None:
    table = visitors_of_month(contract, plan.month)
    told = {(code, day): n for code, counts, _ in table.rows for day, n in zip(table.days, counts, strict=True) if n}
    decided: Counter[tuple[str, object]] = Counter()
    for (code, day, _site), n in book.opened.items():
        decided[code, day] += n
    assert told == dict(decided)
    assert table.all == sum(book.opened.values())
    assert facts("call.ended", "outcome") == Counter({(how,): n for how, n in book.calls.items()})
    month = Span(plan.month, table.days[-1])
    reported = {one.key: one.top for one in figures(contract, ["cases_ended"], month, ["procedure"], {"outcome": "done"})}
    assert reported == {(code,): n for code, n in plan.done.items()}
    decided_totals = {
        "tickets": sum(book.visits.values()), "visitors": book.heads, "served": sum(book.served.values()), "examinations": book.examined,
        "cards_issued": plan.done["card_pickup"], "cards_set_up": plan.setups, "bookings_no_show": book.absent_heads,
        "calls": sum(book.calls.values()), "calls_answered": book.calls["answered"],
    }  # fmt: skip
    assert {one.measure: one.top for one in figures(contract, list(decided_totals), month)} == decided_totals
    days = {at.astimezone(JST).date() for at in Ticket.objects.values_list("issued_at", flat=True)}
    if plan.contract == "izumi" and PART == 1.0:
        assert any(day.weekday() == 6 for day in days), "the fourth Sunday"
