"""Stock-taking: what is on the shelf against what the record says, also while people go on working."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from madoguchi.domain.cards.enums import DifferenceKind, Resolution, Spot, State
from madoguchi.domain.cards.errors import CardsRefused
from madoguchi.domain.cards.models import Difference, Stocktake
from madoguchi.domain.cards.queries import taking as reads
from madoguchi.domain.cards.services import ends, taking
from madoguchi.domain.cards.services import stock as deeds
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.tenancy import contract_scope

from .people import NINE, Stock, numbers

A, B, C, D, E, F = numbers(6)
MINUTE = dt.timedelta(minutes=1)


class Count:
    """One stock-take of cabinet A, and a clock that goes on."""

    def __init__(self, stock: Stock) -> None:
        self.stock, self.clock = stock, NINE + MINUTE
        self.row = taking.begin(stock.contract, cabinet="a", **self.who())

    def who(self, name: str = "counter", role: Role = Role.COUNTER) -> Any:
        self.clock += MINUTE
        return {**self.stock.who(name, role), "now": self.clock}

    def see(self, number: str, box: int) -> None:
        who = self.who()
        taking.see(self.stock.contract, self.row.pk, number=number, cabinet="a", box=box, user=who["user"], now=who["now"])

    def finish(self) -> dict[str, tuple[str, str, str]]:
        who = self.who()
        taking.finish(self.stock.contract, self.row.pk, by=who["by"], now=who["now"])
        with contract_scope(self.stock.contract):
            return {d.number: (d.kind, d.recorded, d.box) for d in reads.differences_of(self.row)}

    def settle(self, number: str, resolution: str, **values: str) -> Difference:
        with contract_scope(self.stock.contract):
            pk = Difference.objects.get(number=number).pk
        return taking.settle(self.stock.contract, pk, resolution=resolution, **values, **self.who())

    def close(self) -> Stocktake:
        return taking.close(self.stock.contract, self.row.pk, **self.who("leader", Role.SUPERVISOR))


@pytest.fixture
def shelf(stock: Stock) -> Stock:
    """A and B in A-01, C in A-02, D in cabinet B, E on the tray."""
    stock.told(A, B, C, D, E)
    for number, box, cabinet in ((A, 1, "a"), (B, 1, "a"), (C, 2, "a"), (D, 1, "b")):
        stock.put(number, box=box, cabinet=cabinet)
    return stock


@pytest.mark.req("DESK-03")
def test_every_kind_of_difference_is_found_settled_and_closed_by_a_leader(shelf: Stock) -> None:
    count = Count(shelf)
    assert count.row.expected == 3
    for number, box in ((A, 1), (C, 1), (D, 1), (F, 2)):
        count.see(number, box)
    assert count.finish() == {
        B: (DifferenceKind.MISSING, "A-01-02", ""),
        C: (DifferenceKind.WRONG_PLACE, "A-02-01", "A-01"),
        D: (DifferenceKind.UNEXPECTED, "B-01-01", "A-01"),
        F: (DifferenceKind.UNKNOWN, "", "A-02"),
    }
    with pytest.raises(CardsRefused, match="4件あります"):
        count.close()
    with pytest.raises(CardsRefused, match="読み取りは終わって"):
        count.see(E, 1)
    with pytest.raises(CardsRefused, match="だれに報告したか"):
        count.settle(B, Resolution.REPORTED)
    for number, resolution in ((C, Resolution.REPORTED), (F, Resolution.RECORD_CHANGED), (B, "anything")):
        with pytest.raises(CardsRefused, match="解決のしかた"):
            count.settle(number, resolution)
    count.settle(B, Resolution.REPORTED, words="キャビネットAを探した。市の山本さんへ報告")
    count.settle(C, Resolution.RECORD_CHANGED)
    count.settle(D, Resolution.AS_RECORDED)
    count.settle(F, Resolution.REPORTED, words="市の山本さんへ渡した")
    with pytest.raises(CardsRefused, match="すでに解決"):
        count.settle(D, Resolution.AS_RECORDED)
    assert shelf.card(B).place.spot == Spot.LOST
    assert shelf.card(C).place.code == "A-01-02", "the first free slot of the box where it stood, which the lost card left"
    assert shelf.card(D).place.code == "B-01-01"
    assert count.close().closed_by == shelf.people["leader"][0]
    with contract_scope(shelf.contract):
        assert "山本".encode() not in b"".join(bytes(d.words or b"") for d in Difference.objects.all())
        (listed,) = reads.takings()
        assert (listed.seen, listed.differences, listed.open) == (4, 4, 0)
    with pytest.raises(CardsRefused, match="閉じています"):
        count.close()


@pytest.mark.req("DESK-03")
def test_work_goes_on_while_people_count(shelf: Stock) -> None:
    count = Count(shelf)
    count.see(A, 1)
    ends.issue(shelf.contract, A, **count.who())
    ends.issue(shelf.contract, B, **count.who())


    deeds.put(shelf.contract, E, cabinet="a", box=5, **count.who())
    count.see(C, 3)
    deeds.put(shelf.contract, C, cabinet="a", box=3, **count.who())
    assert count.finish() == {}, "issued after its scan, issued before it, put there meanwhile, put right meanwhile"
    assert count.close().closed_at
    assert shelf.states()[A] == State.ISSUED


@pytest.mark.req("DESK-03")
def test_a_card_scanned_twice_is_where_it_was_scanned_last(shelf: Stock) -> None:
    count = Count(shelf)
    for number, box in ((A, 2), (B, 1), (C, 2), (A, 1)):
        count.see(number, box)
    with contract_scope(shelf.contract):
        assert [(b.label, b.expected, b.seen) for b in reads.box_counts(count.row)] == [("A-01", 2, 2), ("A-02", 1, 1)]
    assert count.finish() == {}


@pytest.mark.req("DESK-03")
def test_one_count_at_a_time_and_in_its_own_boxes(shelf: Stock) -> None:
    count = Count(shelf)
    with pytest.raises(CardsRefused, match="終わっていない棚卸"):
        taking.begin(shelf.contract, cabinet="b", **count.who())
    with pytest.raises(CardsRefused, match="箱のラベル"):
        count.see(A, 99)
    who = count.who()
    with pytest.raises(CardsRefused, match="箱のラベル"):
        taking.see(shelf.contract, count.row.pk, number=A, cabinet="b", box=1, user=who["user"], now=who["now"])
    with pytest.raises(CardsRefused, match="マイナンバー"):
        count.see("123456789018", 1)
    with pytest.raises(CardsRefused, match="読み取りを終えて"):
        count.close()
    count.finish()
    for number in (A, B):
        count.settle(number, Resolution.AS_RECORDED)
    count.settle(C, Resolution.RECORD_CHANGED, place="A-04-07")
    assert shelf.card(C).place.code == "A-04-07"
    count.close()
    assert taking.begin(shelf.contract, **count.who()).expected == 4
