"""What people do with cards: every change is a move of who, when and where; what the rules and the database refuse leaves no trace."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from madoguchi.domain.cards import erasers
from madoguchi.domain.cards.arrivals import Arrival
from madoguchi.domain.cards.enums import Fault, MoveKind, SetupStatus, Spot, State
from madoguchi.domain.cards.errors import CardsRefused
from madoguchi.domain.cards.models import Card, Disposal, Move, Setup
from madoguchi.domain.cards.queries import setups as setup_reads
from madoguchi.domain.cards.queries import stock as reads
from madoguchi.domain.cards.services import ends, setups
from madoguchi.domain.cards.services import stock as deeds
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.worklog.models import Fact

from .people import NINE, TODAY, Stock, numbers

ONE, TWO, THREE = numbers(3)


def facts(stock: Stock) -> dict[str, int]:
    """Quantity of work by kind."""
    found: dict[str, int] = {}
    with contract_scope(stock.contract):
        for fact in Fact.objects.filter(kind__startswith="card."):
            assert (fact.site, fact.procedure, fact.channel) == ("main", "card_pickup", "counter")
            found[fact.kind] = found.get(fact.kind, 0) + fact.quantity
    return found


@pytest.mark.req("DESK-03")
def test_a_card_from_the_maker_to_the_resident(stock: Stock) -> None:
    stock.told(ONE)
    stock.put(ONE, box=3)
    card = ends.issue(stock.contract, ONE, **stock.who("counter"))  # type: ignore[arg-type]
    assert (card.state, card.spot, card.ended_at) == (State.ISSUED, Spot.GONE, NINE)
    with contract_scope(stock.contract):
        lines = reads.history(stock.contract, card)
    assert [(line.n, line.label, line.who, line.source, line.target) for line in lines][::-1] == [
        (1, "登録した", "worker", "", "作業トレイ"),
        (2, "交付前設定をした", "worker", "作業トレイ", "作業トレイ"),
        (3, "設定を確認した", "checker", "作業トレイ", "作業トレイ"),
        (4, "交付通知を送った", "worker", "作業トレイ", "作業トレイ"),
        (5, "格納した", "worker", "作業トレイ", "A-03-01"),
        (6, "交付した", "counter", "A-03-01", "手元にない"),
    ]
    assert facts(stock) == {"card.registered": 1, "card.set_up": 1, "card.notified": 1, "card.issued": 1}


@pytest.mark.req("DESK-03")
def test_a_delivery_is_registered_whole_or_not_at_all(stock: Stock) -> None:
    stock.arrive(ONE)
    with pytest.raises(CardsRefused, match=f"すでに登録されています：{ONE}"):
        stock.arrive(TWO, ONE)
    with pytest.raises(CardsRefused, match="同じ管理番号"):
        stock.arrive(TWO, TWO)
    with pytest.raises(CardsRefused, match="マイナンバー"):
        stock.arrive(TWO, "123456789018")
    assert list(stock.states()) == [ONE]


@pytest.mark.req("SEC-04")
def test_the_database_itself_holds_no_twelve_digits(stock: Stock) -> None:
    with contract_scope(stock.contract):
        for number in ("123456789018", "1234-5678-9012"):
            with pytest.raises(IntegrityError, match="no_individual_number"), transaction.atomic():
                Card.objects.create(contract=stock.contract, number=number, state="registered", spot="tray", placed_at=NINE, arrived_on=TODAY)


@pytest.mark.req("DESK-03")
def test_the_database_lets_a_card_be_at_one_place_and_a_slot_hold_one_card(stock: Stock) -> None:
    stock.arrive(ONE, TWO)
    stock.put(ONE, slot=1)
    with contract_scope(stock.contract):
        for wrong, name in [
            ({"spot": "slot", "cabinet": "a", "box": 1, "slot": 1}, "card_slot_holds_one"),
            ({"spot": "slot"}, "card_at_one_place"),
            ({"cabinet": "a", "box": 1, "slot": 2}, "card_at_one_place"),
            ({"spot": "gone"}, "card_gone_when_ended"),
            ({"state": "issued", "ended_at": NINE}, "card_gone_when_ended"),
            ({"state": "issued", "spot": "gone"}, "card_gone_when_ended"),
            ({"number": ONE}, "card_number"),
        ]:
            with pytest.raises(IntegrityError, match=name), transaction.atomic():
                Card.objects.filter(number=TWO).update(**wrong)


@pytest.mark.req("DESK-03")
def test_moves_are_never_changed_and_form_one_line(stock: Stock) -> None:
    stock.told(ONE)
    ends.give_back(stock.contract, ONE, reason="moved_out", words="市民課の田中さんへ渡した", **stock.who("worker"))  # type: ignore[arg-type]
    with contract_scope(stock.contract):
        last = Move.objects.get(kind=MoveKind.RETURNED)
        assert "田中".encode() not in bytes(last.words)  # type: ignore[arg-type]
        assert list(Move.objects.values_list("n", flat=True)) == [1, 2, 3, 4, 5]
        for deed in (lambda: Move.objects.filter(pk=last.pk).update(kind="issued"), lambda: Move.objects.filter(pk=last.pk).delete()):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                deed()
        last.pk = None
        with pytest.raises(IntegrityError, match="card_moves_one_line"), transaction.atomic():
            last.save(force_insert=True)
        erased = erasers.erase_words(stock.contract, NINE + dt.timedelta(days=1000))
        assert erased == 1
        assert Move.objects.get(kind=MoveKind.RETURNED).words is None


@pytest.mark.req("DESK-03")
def test_cards_fill_a_box_from_its_first_free_slot(stock: Stock) -> None:
    stock.arrive(ONE, TWO, THREE)
    stock.put(ONE, slot=2)
    assert stock.put(TWO).place.code == "A-01-01"
    assert stock.put(THREE).place.code == "A-01-03"
    with pytest.raises(CardsRefused, match="A-01-02 には、別のカード"):
        stock.put(TWO, slot=2)
    with pytest.raises(CardsRefused, match="すでに A-01-03"):
        stock.put(THREE)
    assert stock.put(THREE, box=2).place.code == "A-02-01"
    assert deeds.lay_out(stock.contract, THREE, **stock.who("worker")).place.label == "作業トレイ"  # type: ignore[arg-type]
    for box, cabinet in ((21, "a"), (0, "a"), (1, "z")):
        with pytest.raises(CardsRefused, match="その置き場所はありません"):
            stock.put(THREE, box=box, cabinet=cabinet)
    with contract_scope(stock.contract):
        Card.objects.bulk_create([
            Card(contract=stock.contract, number=f"R07-{n:05}", state="registered", spot="slot", cabinet="a", box=9, slot=n, placed_at=NINE, arrived_on=TODAY)
            for n in range(1, 61)
        ])  # fmt: skip
    with pytest.raises(CardsRefused, match="A-09 は、いっぱい"):
        stock.put(THREE, box=9)


@pytest.mark.req("DESK-04")
def test_a_batch_plans_the_oldest_up_to_its_target_and_counts_what_was_checked(stock: Stock) -> None:
    old, new, extra = numbers(3, 90)
    stock.arrive(new, on=TODAY)
    stock.arrive(old, on=TODAY - dt.timedelta(days=9))
    batch = stock.batch(target=1)
    with contract_scope(stock.contract):
        assert [s.card.number for s in setup_reads.setups_of(batch)] == [old]
    with pytest.raises(CardsRefused, match="すでにあります"):
        stock.batch()
    stock.arrive(extra)
    for number in (old, extra):
        setups.set_up(stock.contract, batch.pk, number=number, **stock.who("worker"))  # type: ignore[arg-type]
    with pytest.raises(CardsRefused, match="設定待ちのカード"):
        setups.set_up(stock.contract, batch.pk, number=old, **stock.who("worker"))  # type: ignore[arg-type]
    with pytest.raises(CardsRefused, match="2枚あります"):
        setups.close_batch(stock.contract, batch.pk, by=stock.people["worker"][1], now=NINE)
    setups.check(stock.contract, old, **stock.who("checker"))  # type: ignore[arg-type]
    setups.check(stock.contract, extra, fault=Fault.CHIP, **stock.who("checker"))  # type: ignore[arg-type]
    assert stock.states() == {new: State.REGISTERED, old: State.CHECKED, extra: State.REGISTERED}
    with contract_scope(stock.contract):
        found = setup_reads.progress_of(batch.pk)
    assert found is not None
    assert (found.planned, found.waiting, found.done, found.failed, found.left) == (1, 0, 1, 1, 0), "what was sent back is planned again"
    setups.close_batch(stock.contract, batch.pk, by=stock.people["worker"][1], now=NINE)
    with pytest.raises(CardsRefused, match="終了しています"):
        setups.set_up(stock.contract, batch.pk, number=extra, **stock.who("worker"))  # type: ignore[arg-type]
    assert facts(stock) == {"card.registered": 3, "card.set_up": 1, "card.set_up_failed": 1}
    stock.set_up(extra, day=TODAY + dt.timedelta(days=1))
    assert stock.states()[extra] == State.CHECKED


@pytest.mark.req("DESK-04")
def test_who_checks_has_not_done_it(stock: Stock) -> None:
    stock.arrive(ONE)
    batch = stock.batch()
    setups.set_up(stock.contract, batch.pk, number=ONE, **stock.who("worker"))  # type: ignore[arg-type]
    for fault in ("", Fault.FACE):
        with pytest.raises(CardsRefused, match="あなたが設定したカード"):
            setups.check(stock.contract, ONE, fault=fault, **stock.who("worker"))  # type: ignore[arg-type]
    with pytest.raises(CardsRefused, match="理由を選んで"):
        setups.check(stock.contract, ONE, fault="bad", **stock.who("checker"))  # type: ignore[arg-type]
    with contract_scope(stock.contract), pytest.raises(IntegrityError, match="setup_four_eyes"), transaction.atomic():
        Setup.objects.update(checked_by=stock.people["worker"][0], status=SetupStatus.PASSED)
    assert stock.states()[ONE] == State.SET_UP


@pytest.mark.req("DESK-03")
def test_notices_are_recorded_for_all_or_for_none(stock: Stock) -> None:
    stock.arrive(ONE, TWO, THREE, on=TODAY - dt.timedelta(days=3))
    stock.set_up(ONE, TWO)
    who: Any = stock.who("worker")
    for cards, sent, says in [
        ([], TODAY, "選んでください"),
        ([ONE, THREE], TODAY, "設定の確認まで済んだ"),
        ([ONE], TODAY + dt.timedelta(days=1), "今日まで"),
        ([ONE], TODAY - dt.timedelta(days=4), "まだ到着していません"),
        ([ONE, "R08-09999"], TODAY, "R08-09999 は登録されていません"),
    ]:
        with pytest.raises(CardsRefused, match=says):
            ends.notify(stock.contract, cards, sent_on=sent, **who)
    assert stock.states()[ONE] == State.CHECKED
    ends.notify(stock.contract, [ONE, TWO, ONE], sent_on=TODAY - dt.timedelta(days=1), **who)
    with pytest.raises(CardsRefused, match="まだ通知を送っていません"):
        ends.notify(stock.contract, [ONE], sent_on=TODAY - dt.timedelta(days=2), second=True, **who)
    ends.notify(stock.contract, [ONE], sent_on=TODAY, second=True, **who)
    card = stock.card(ONE)
    assert (card.state, card.notified_on, card.renotified_on) == (State.RENOTIFIED, TODAY - dt.timedelta(days=1), TODAY)
    assert facts(stock)["card.notified"] == 2


@pytest.mark.req("DESK-03")
def test_a_card_is_destroyed_by_two_people(stock: Stock) -> None:
    stock.told(ONE, TWO)
    stock.put(TWO)
    leader: Any = stock.who("leader", Role.SUPERVISOR)
    city: Any = stock.who("city", Role.CITY)
    for number in (ONE, TWO):
        ends.propose_disposal(stock.contract, number, reason="expired", words="受取期限から1年", **leader)
    with pytest.raises(CardsRefused, match="承認待ち"):
        ends.propose_disposal(stock.contract, ONE, reason="expired", **city)
    with pytest.raises(CardsRefused, match="あなたが廃棄を提案"):
        ends.decide_disposal(stock.contract, ONE, approve=True, **leader)
    with contract_scope(stock.contract), pytest.raises(IntegrityError, match="disposal_four_eyes"), transaction.atomic():
        Disposal.objects.update(decided_at=NINE, decided_by=leader["user"], approved=True)
    ends.decide_disposal(stock.contract, ONE, approve=True, **city)
    ends.decide_disposal(stock.contract, TWO, approve=False, **city)
    with pytest.raises(CardsRefused, match="承認を待っている"):
        ends.decide_disposal(stock.contract, TWO, approve=False, **city)
    assert stock.states() == {ONE: State.DISPOSED, TWO: State.NOTIFIED}
    assert stock.card(TWO).place.code == "A-01-01", "it lies where it lay"
    assert facts(stock)["card.disposed"] == 1
    with pytest.raises(CardsRefused, match="理由を選んで"):
        ends.propose_disposal(stock.contract, TWO, reason="because", **leader)


@pytest.mark.req("DESK-03")
def test_a_wrong_hand_over_is_taken_back_with_its_fact(stock: Stock) -> None:
    stock.told(ONE)
    stock.put(ONE)
    leader: Any = stock.who("leader", Role.SUPERVISOR)
    ends.issue(stock.contract, ONE, **stock.who("worker"))  # type: ignore[arg-type]
    with pytest.raises(CardsRefused, match="理由を入力"):
        ends.take_back(stock.contract, ONE, words=" ", **leader)
    card = ends.take_back(stock.contract, ONE, words="隣のカードを読み取った", **leader)
    assert (card.state, card.spot, card.ended_at) == (State.NOTIFIED, Spot.TRAY, None)
    assert facts(stock)["card.issued"] == 0
    ends.issue(stock.contract, ONE, **stock.who("worker"))  # type: ignore[arg-type]
    assert facts(stock)["card.issued"] == 1


@pytest.mark.req("DESK-03")
def test_a_lost_card_stays_in_the_stock_until_it_is_found(stock: Stock) -> None:
    stock.told(ONE)
    stock.put(ONE)
    leader: Any = stock.who("leader", Role.SUPERVISOR)
    with pytest.raises(CardsRefused, match="報告した相手"):
        deeds.lose(stock.contract, ONE, words="", **leader)
    deeds.lose(stock.contract, ONE, words="A-01からA-05を探した。市へ電話で報告", **leader)
    with pytest.raises(CardsRefused, match="先に「格納」"):
        ends.issue(stock.contract, ONE, **stock.who("worker"))  # type: ignore[arg-type]
    with contract_scope(stock.contract):
        seen = reads.overview(NINE)
        assert {code: n for code, _, n in seen.aside} == {"proposed": 0, "lost": 1}
        assert seen.total == 1
    assert stock.put(ONE, box=7).place.code == "A-07-01"


@pytest.mark.req("DESK-03", "SEC-02")
def test_reading_and_birth_date_are_sealed_only_where_agreed_and_go_after_their_time(known_people: Stock, stock: Stock) -> None:
    born = dt.date(1980, 1, 2)
    for one, number in ((known_people, "2607-00001"), (stock, ONE)):
        arrival = Arrival(number, None, "やまだ　たろう", born)
        deeds.register_cards(one.contract, [arrival], **one.who("worker"))  # type: ignore[arg-type]
    assert stock.card(ONE).person is None
    with contract_scope(known_people.contract):
        card = Card.objects.get()
        assert "ヤマダ".encode() not in bytes(card.person) + bytes(card.person_index)  # type: ignore[arg-type]
        assert reads.person_of(known_people.contract, card) == ("ヤマダ　タロウ", born)
        assert reads.find_by_person(known_people.contract, "ヤマダタロー", born) == [card]
    ends.give_back(known_people.contract, "2607-00001", reason="moved_out", **known_people.who("worker"))  # type: ignore[arg-type]
    with contract_scope(known_people.contract):
        assert erasers.erase_people(known_people.contract, NINE + dt.timedelta(days=30)) == 0
        assert erasers.erase_people(known_people.contract, NINE + dt.timedelta(days=31)) == 1
        assert erasers.erase_people(known_people.contract, NINE + dt.timedelta(days=32)) == 0
        card.refresh_from_db()
        assert (card.person, card.person_index, card.number) == (None, None, "2607-00001")


@pytest.mark.req("DESK-03")
def test_the_list_by_age_says_what_is_due(stock: Stock) -> None:
    late, second, fresh = numbers(3)
    stock.arrive(late, on=TODAY - dt.timedelta(days=15))
    stock.told(second, on=TODAY - dt.timedelta(days=91))
    stock.arrive(fresh)
    with contract_scope(stock.contract):
        rows = reads.ageing(stock.contract, TODAY)
        assert [(row.card.number, row.due, row.days, row.notice_days) for row in rows] == [(late, "setup", 15, None), (second, "second", 91, 91)]
        assert [row.card.number for row in reads.ageing(stock.contract, TODAY, due="second")] == [second]
        assert len(reads.ageing(stock.contract, TODAY, due="all")) == 3


@pytest.mark.req("DESK-03")
def test_a_contract_without_a_stock_refuses(contracts: dict[str, Contract]) -> None:
    other = Stock(contracts["hatsukaichi"])
    with pytest.raises(CardsRefused, match="在庫を管理していません"):
        other.arrive(ONE)
