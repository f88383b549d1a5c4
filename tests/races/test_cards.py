"""Several people reach for the same card or the same slot at one moment: a card is at one place, a slot holds one card, always."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection

from madoguchi.domain.cards.enums import MoveKind, Spot
from madoguchi.domain.cards.errors import CardsRefused
from madoguchi.domain.cards.models import Card, Move
from madoguchi.domain.cards.services import ends
from madoguchi.domain.cards.services import stock as deeds
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.worklog.models import Fact

from ..domain.cards.people import Stock, numbers
from .crowd import run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
CROWD = 6


@pytest.fixture
def stock(contracts: dict[str, Contract]) -> Stock:
    made = Stock(contracts["nagaoka"])
    made.told(*numbers(CROWD))
    for n in range(CROWD):
        made.who(f"p{n}")
    return made


def race(deed: Callable[[int], object], crowd: int = CROWD) -> list[str]:
    """The crowd does the deed at once; what the refused were told."""
    told: list[str] = []

    def act(number: int) -> None:
        try:
            deed(number)
        except CardsRefused as refused:
            told.append(refused.message)

    outcome = run([lambda _, n=n: act(n) for n in range(crowd)])  # type: ignore[misc]
    assert outcome.failures == []
    return told


def proof(stock: Stock) -> None:
    """Every slot holds one card, every card's row says what its last move says, and its moves have no gap."""
    with contract_scope(stock.contract), connection.cursor() as cursor:
        cursor.execute("select count(*), count(distinct (cabinet, box, slot)) from cards_card where spot = 'slot'")
        cards, slots = cursor.fetchone()
        assert cards == slots
        for card in Card.objects.all():
            moves = list(Move.objects.filter(card=card))
            assert [one.n for one in moves] == list(range(1, card.moves + 1))
            assert (moves[-1].after, moves[-1].target) == (card.state, card.place.code)
            assert all(a.target == b.source for a, b in pairwise(moves)), "each move begins where the one before ended"


@pytest.mark.req("DESK-03")
def test_a_crowd_that_fills_one_box_gives_each_card_a_slot_of_its_own(stock: Stock) -> None:
    cards = numbers(CROWD)
    who: list[Any] = [stock.who(f"p{n}") for n in range(CROWD)]
    assert race(lambda n: deeds.put(stock.contract, cards[n], cabinet="a", box=1, **who[n])) == []
    with contract_scope(stock.contract):
        assert sorted(Card.objects.values_list("slot", flat=True)) == list(range(1, CROWD + 1))
    proof(stock)


@pytest.mark.req("DESK-03")
def test_two_cards_for_one_slot_and_one_card_for_many_slots(stock: Stock) -> None:
    cards = numbers(CROWD)
    who: list[Any] = [stock.who(f"p{n}") for n in range(CROWD)]
    told = race(lambda n: deeds.put(stock.contract, cards[n], cabinet="a", box=2, slot=5, **who[n]))
    assert told == ["A-02-05 には、別のカードが入っています。ほかの差込みに入れてください。"] * (CROWD - 1)
    proof(stock)
    told = race(lambda n: deeds.put(stock.contract, cards[0], cabinet="b", box=1, slot=n + 1, **who[n]))
    assert told == []
    with contract_scope(stock.contract):
        assert Card.objects.filter(spot=Spot.SLOT, cabinet="b").count() == 1
        assert Move.objects.filter(card__number=cards[0], kind=MoveKind.PUT, target__startswith="B-01").count() == CROWD
    proof(stock)


@pytest.mark.req("DESK-03")
def test_a_card_is_handed_over_once_and_not_destroyed_too(stock: Stock) -> None:
    card, other = numbers(2)
    who: list[Any] = [stock.who(f"p{n}") for n in range(CROWD)]
    told = race(lambda n: ends.issue(stock.contract, card, **who[n]))
    assert told == [f"{card}：このカードは「交付済み」です。交付できるのは、通知済みのカードです。"] * (CROWD - 1)
    ends.propose_disposal(stock.contract, other, reason="expired", **who[0])
    city: list[Any] = [stock.who(f"city{n}", Role.CITY) for n in range(CROWD)]
    told = race(lambda n: ends.decide_disposal(stock.contract, other, approve=n % 2 == 0, **city[n]))
    assert len(told) == CROWD - 1
    with contract_scope(stock.contract):
        assert Fact.objects.filter(kind="card.issued").count() == 1
        assert Fact.objects.filter(kind="card.disposed").count() <= 1
    proof(stock)


@pytest.mark.req("DESK-03")
def test_without_the_constraint_two_cards_would_share_a_slot(stock: Stock) -> None:
    """The same crowd on one box with the constraint taken away: the choice of a free slot alone does not keep them apart."""
    cards = numbers(CROWD)
    who: list[Any] = [stock.who(f"p{n}") for n in range(CROWD)]
    with connection.cursor() as cursor:
        cursor.execute("drop index card_slot_holds_one")
    try:
        shared = 0
        for box in range(1, 9):
            race(lambda n, box=box: deeds.put(stock.contract, cards[n], cabinet="a", box=box, **who[n]))  # type: ignore[misc]
            with contract_scope(stock.contract):
                shared += CROWD - len(set(Card.objects.values_list("slot", flat=True)))
            if shared:
                break
        assert shared > 0
    finally:
        with contract_scope(stock.contract):
            Card.objects.update(spot=Spot.TRAY, cabinet="", box=None, slot=None)
        with connection.cursor() as cursor:
            cursor.execute("create unique index card_slot_holds_one on cards_card (contract_id, cabinet, box, slot) where spot = 'slot'")
