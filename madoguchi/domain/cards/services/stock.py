"""Deeds on single cards: register, put away, lay out, fetch for a reservation, say that it is lost, tie to a reservation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import IntegrityError, transaction

from madoguchi.domain.booking.enums import State as BookingState
from madoguchi.domain.booking.models import Attendee, Booking
from madoguchi.domain.booking.party import person_index
from madoguchi.domain.booking.rules import read_code, show_code
from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import kana
from madoguchi.ground.kit.actors import Actor, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.ground.worklog.services import fact, note_all

from ..arrivals import Arrival
from ..enums import MoveKind, Spot, State
from ..errors import CardsRefused
from ..models import Card, Move
from ..rules import LIVE, Place
from ..words import PERSON
from .moving import PROCEDURE, locked, move, number_of, record, site_of, terms_of

TRIES = 12


def register_cards(contract: Contract, arrivals: Sequence[Arrival], *, user: User, by: Actor, now: dt.datetime) -> list[Card]:
    """Take cards into the stock, all of them or none. Raises :class:`CardsRefused` naming the numbers that are there already."""
    terms = terms_of(contract)
    with contract_scope(contract):
        numbers = [number_of(contract, one.number) for one in arrivals]
        known = sorted(Card.objects.filter(number__in=numbers).values_list("number", flat=True))
        if known or len(set(numbers)) < len(numbers):
            raise CardsRefused(f"すでに登録されています：{'、'.join(known[:5])}" if known else "同じ管理番号が2つあります。")
        ring = keyring(contract)
        cards = []
        for one, number in zip(arrivals, numbers, strict=True):
            card = Card(
                contract=contract, number=number, state=State.REGISTERED, spot=Spot.TRAY, placed_at=now,
                arrived_on=one.arrived_on or now.astimezone(JST).date(),
            )  # fmt: skip
            if terms.person == "kana_birth" and one.reading and one.born:
                reading = kana.to_katakana(one.reading)
                card.person = ring.seal_json(PERSON, {"kana": reading, "born": one.born.isoformat()})
                card.person_index = person_index(ring, reading, one.born)
            cards.append(card)
        try:
            with transaction.atomic():
                Card.objects.bulk_create(cards)
        except IntegrityError:
            raise CardsRefused("ほかの人が同時に登録した番号があります。もう一度確かめてください。") from None
        Move.objects.bulk_create([record(contract, card, MoveKind.REGISTERED, user=user, now=now, before="", source=None) for card in cards])
        Card.objects.filter(pk__in=[card.pk for card in cards]).update(moves=1)
        site, through = site_of(contract), by.through(Channel.COUNTER)
        note_all([
            fact(contract, "card.registered", by=through, now=now, ref=f"card:{card.pk}", site=site, procedure=PROCEDURE) for card in cards
        ])  # fmt: skip
        audit.record(contract, "stock.registered", f"contract:{contract.code}", by=by, now=now, cards=len(cards), first=numbers[:1])
        return cards


def put(
    contract: Contract, number: str, *, cabinet: str, box: int, slot: int | None = None, user: User, by: Actor, now: dt.datetime
) -> Card:
    """Put a card into a slot, or into the first free one of the box. Raises :class:`CardsRefused` when there is none or it is taken."""
    terms = terms_of(contract)
    found = terms.cabinet(cabinet)
    if found is None or not 1 <= box <= found.boxes or (slot is not None and not 1 <= slot <= found.slots):
        raise CardsRefused("その置き場所はありません。箱のラベルを読み取ってください。")
    with contract_scope(contract):
        for _ in range(TRIES):
            card = locked(contract, number)
            if slot is None and (card.cabinet, card.box) == (cabinet, box):
                raise CardsRefused(f"{card.number} は、すでに {card.place.label} に入っています。")
            place = Place(Spot.SLOT, cabinet, box, slot or _first_free(cabinet, box, found.slots))
            if place == card.place:
                raise CardsRefused(f"{card.number} は、すでに {place.label} に入っています。")
            try:
                with transaction.atomic():
                    move(contract, [card], MoveKind.PUT, user=user, by=by, now=now, to=place)
            except IntegrityError:
                if slot is not None:
                    raise CardsRefused(f"{place.label} には、別のカードが入っています。ほかの差込みに入れてください。") from None
                continue
            audit.record(contract, "stock.moved", f"card:{card.pk}", by=by, now=now, to=place.code)
            return card
    raise CardsRefused("同時に格納する人が多く、場所を決められませんでした。もう一度読み取ってください。")


def _first_free(cabinet: str, box: int, slots: int) -> int:
    taken = set(Card.objects.filter(spot=Spot.SLOT, cabinet=cabinet, box=box).values_list("slot", flat=True))
    free = next((n for n in range(1, slots + 1) if n not in taken), None)
    if free is None:
        raise CardsRefused(f"{cabinet.upper()}-{box:02} は、いっぱいです。ほかの箱のラベルを読み取ってください。")
    return free


def lay_out(contract: Contract, number: str, *, user: User, by: Actor, now: dt.datetime) -> Card:
    """Take a card out of its slot onto the working tray. Raises :class:`CardsRefused`."""
    with contract_scope(contract):
        card = locked(contract, number)
        move(contract, [card], MoveKind.LAID_OUT, user=user, by=by, now=now)
        audit.record(contract, "stock.moved", f"card:{card.pk}", by=by, now=now, to=Spot.TRAY)
        return card


def pick(contract: Contract, number: str, *, day: dt.date, user: User, by: Actor, now: dt.datetime) -> Card:
    """Fetch a card for its reservation of a day. Raises :class:`CardsRefused` when no reservation of that day waits for it."""
    with contract_scope(contract):
        card = locked(contract, number)
        visit = card.booking
        if visit is None or visit.state != BookingState.BOOKED or visit.starts_at.astimezone(JST).date() != day:
            raise CardsRefused(f"{card.number} は、この日の予約と結び付いていません。棚に戻すか、予約の画面で結び付けてください。")
        move(contract, [card], MoveKind.PICKED, user=user, by=by, now=now)
        audit.record(contract, "stock.moved", f"card:{card.pk}", by=by, now=now, to=Spot.PICK)
        return card


def lose(contract: Contract, number: str, *, words: str, user: User, by: Actor, now: dt.datetime) -> Card:
    """Say that a card cannot be found: it keeps its state and lies nowhere until somebody puts it away. Raises :class:`CardsRefused`."""
    if not words.strip():
        raise CardsRefused("探した場所と、報告した相手を入力してください。")
    with contract_scope(contract):
        card = locked(contract, number)
        move(contract, [card], MoveKind.LOST, user=user, by=by, now=now, words=words)
        audit.record(contract, "stock.moved", f"card:{card.pk}", by=by, now=now, to=Spot.LOST)
        return card


def link(contract: Contract, number: str, *, code: str, user: User, by: Actor, now: dt.datetime) -> Card:
    """Keep a card ready for a reservation to pick up a card. Raises :class:`CardsRefused` when one of the two is not fit for it."""
    number_of(contract, number)
    with contract_scope(contract):
        booking = Booking.objects.filter(code=read_code(code)).first()
        if booking is None or booking.state != BookingState.BOOKED:
            raise CardsRefused("有効な予約が見つかりません。予約番号（8文字）を確かめてください。")
        people = Attendee.objects.filter(booking=booking, procedure__code=PROCEDURE).count()
        if not people:
            raise CardsRefused(f"予約 {show_code(booking.code)} は、カードの受取りの予約ではありません。")
        card = locked(contract, number)
        if State(card.state) not in LIVE:
            raise CardsRefused(f"{card.number} は「{card.stage}」です。予約と結び付けられるのは、手元にあるカードです。")
        if card.booking_id == booking.pk:
            return card
        Booking.objects.select_for_update(no_key=True).get(pk=booking.pk)
        if Card.objects.filter(booking=booking).count() >= people:
            raise CardsRefused(f"予約 {show_code(booking.code)} の受取りは{people}人で、もう{people}枚が結び付いています。")
        return _tie(contract, card, booking, MoveKind.LINKED, user=user, by=by, now=now)


def unlink(contract: Contract, number: str, *, user: User, by: Actor, now: dt.datetime) -> Card:
    """Take a card away from its reservation. Raises :class:`CardsRefused`."""
    with contract_scope(contract):
        card = locked(contract, number)
        if card.booking_id is None:
            raise CardsRefused(f"{card.number} は、予約と結び付いていません。")
        return _tie(contract, card, None, MoveKind.UNLINKED, user=user, by=by, now=now)


def _tie(contract: Contract, card: Card, booking: Booking | None, kind: MoveKind, *, user: User, by: Actor, now: dt.datetime) -> Card:
    card.booking = booking
    record(contract, card, kind, user=user, now=now, before=card.state, source=card.place).save()
    card.save(update_fields=["booking", "moves"])
    detail = {"booking": booking.pk} if booking else {}
    audit.record(contract, "stock.linked", f"card:{card.pk}", by=by, now=now, **detail)
    return card
