"""Deeds of a stock-take: begin, scan, end the scanning, settle what differs, close."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction

from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.privacy.sealing import keyring

from ..enums import DifferenceKind, MoveKind, Resolution, Spot, State
from ..errors import CardsRefused
from ..models import Card, Difference, Seen, Stocktake
from ..queries.taking import expected_cards, sightings, unseen_cards
from ..rules import differences, read_place, refusal, show_box
from ..words import DIFFERENCE
from .moving import LONGEST, locked, move, number_of, terms_of
from .stock import put

RESOLUTIONS = {
    DifferenceKind.MISSING: (Resolution.AS_RECORDED, Resolution.RECORD_CHANGED, Resolution.REPORTED),
    DifferenceKind.WRONG_PLACE: (Resolution.AS_RECORDED, Resolution.RECORD_CHANGED),
    DifferenceKind.UNEXPECTED: (Resolution.AS_RECORDED, Resolution.RECORD_CHANGED, Resolution.REPORTED),
    DifferenceKind.UNKNOWN: (Resolution.REPORTED,),
}
"""How each kind of difference may be settled."""


def begin(contract: Contract, *, cabinet: str = "", user: User, by: Actor, now: dt.datetime) -> Stocktake:
    """Begin to count a cabinet, or all. Raises :class:`CardsRefused` while another count is open."""
    terms = terms_of(contract)
    if cabinet and terms.cabinet(cabinet) is None:
        raise CardsRefused("キャビネットを選んでください。")
    with contract_scope(contract):
        expected = expected_cards(cabinet).count()
        try:
            with transaction.atomic():
                taking = Stocktake.objects.create(contract=contract, cabinet=cabinet, begun_at=now, begun_by=user, expected=expected)
        except IntegrityError:
            raise CardsRefused("終わっていない棚卸があります。それを閉じてから始めてください。") from None
        audit.record(contract, "stock.stocktake", f"stocktake:{taking.pk}", by=by, now=now, begun=cabinet or "all", expected=expected)
        return taking


def see(contract: Contract, taking_id: int, *, number: str, cabinet: str, box: int, user: User, now: dt.datetime) -> Seen:
    """A card was scanned in a box; scanned again, the last box counts. Raises :class:`CardsRefused`.

    A scan is no deed on the card and writes no audit entry of its own: the count does, when its scanning ends.
    """
    terms = terms_of(contract)
    with contract_scope(contract):
        taking = _locked(taking_id, counting=True)
        found = terms.cabinet(cabinet)
        if found is None or not 1 <= box <= found.boxes or (taking.cabinet and taking.cabinet != cabinet):
            raise CardsRefused("棚卸をしている箱のラベルを、先に読み取ってください。")
        read = number_of(contract, number)
        card = Card.objects.filter(number=read).first()
        values = {"card": card, "box": show_box(cabinet, box), "recorded": card.place.code if card else "", "at": now, "by": user}
        seen: Seen
        seen, _ = Seen.objects.update_or_create(contract=contract, stocktake=taking, number=read, defaults=values)
        return seen


def finish(contract: Contract, taking_id: int, *, by: Actor, now: dt.datetime) -> list[Difference]:
    """End the scanning and write down what differs. Raises :class:`CardsRefused`."""
    with contract_scope(contract):
        taking = _locked(taking_id, counting=True)
        cards = {card.number: card for card in Card.objects.filter(number__in=Seen.objects.filter(stocktake=taking).values("number"))}
        unseen = unseen_cards(taking)
        cards |= {card.number: card for card in unseen}
        found = differences(sightings(taking), [(card.number, card.place.code) for card in unseen], taking.cabinet)
        rows = Difference.objects.bulk_create([
            Difference(contract=contract, stocktake=taking, kind=kind, number=number, card=cards.get(number), recorded=recorded or "", box=box)
            for kind, number, recorded, box in found
        ])  # fmt: skip
        taking.counted_at = now
        taking.save(update_fields=["counted_at"])
        seen = Seen.objects.filter(stocktake=taking).count()
        audit.record(contract, "stock.stocktake", f"stocktake:{taking.pk}", by=by, now=now, seen=seen, differences=len(rows))
        return list(rows)


def settle(
    contract: Contract, difference_id: int, *, resolution: str, place: str = "", words: str = "", user: User, by: Actor, now: dt.datetime
) -> Difference:
    """Settle a difference: the card is where the record says, the record is put right (``place``: ``A-03`` or ``A-03-12``), or it is reported.

    Raises :class:`CardsRefused` when that does not fit the kind of difference, or nothing says to whom it was reported.
    """
    with contract_scope(contract):
        row: Difference | None = Difference.objects.filter(pk=difference_id).first()
        if row is None:
            raise CardsRefused("この違いは見つかりません。")
        _locked(row.stocktake_id, counting=False)
        row = Difference.objects.select_for_update(of=("self",)).get(pk=difference_id)
        if row.resolution:
            raise CardsRefused(f"{row.number} の違いは、すでに解決しています。")
        if resolution not in RESOLUTIONS[DifferenceKind(row.kind)]:
            raise CardsRefused("解決のしかたを選んでください。")
        if len(words) > LONGEST:
            raise CardsRefused(f"メモは{LONGEST}文字までです。いまは{len(words)}文字です。")
        if resolution == Resolution.REPORTED:
            if not words.strip():
                raise CardsRefused("探した場所と、市のだれに報告したかを入力してください。")
            if row.kind == DifferenceKind.MISSING:
                card = locked(contract, row.number)
                if refusal(MoveKind.LOST, State(card.state), Spot(card.spot)) is None:
                    move(contract, [card], MoveKind.LOST, user=user, by=by, now=now, words=words)
        if resolution == Resolution.RECORD_CHANGED:
            _put_right(contract, row, place or row.box, user=user, by=by, now=now)
        row.resolution, row.resolved_at, row.resolved_by = resolution, now, user
        row.words = keyring(contract).seal_json(DIFFERENCE, {"text": words.strip()}) if words.strip() else None
        row.save()
        audit.record(contract, "stock.stocktake", f"stocktake:{row.stocktake_id}", by=by, now=now, settled=row.pk, resolution=resolution)
        return row


def _put_right(contract: Contract, row: Difference, place: str, *, user: User, by: Actor, now: dt.datetime) -> None:
    try:
        found = read_place(place, terms_of(contract))
    except ValueError as wrong:
        raise CardsRefused(str(wrong)) from None
    if found is None:
        raise CardsRefused("カードが実際にある箱のラベルを読み取ってください。例：A-03")
    cabinet, box, slot = found
    put(contract, row.number, cabinet=cabinet, box=box, slot=slot, user=user, by=by, now=now)


def close(contract: Contract, taking_id: int, *, user: User, by: Actor, now: dt.datetime) -> Stocktake:
    """Close a count whose differences are all settled. Raises :class:`CardsRefused`."""
    with contract_scope(contract):
        taking = _locked(taking_id, counting=False)
        left = Difference.objects.filter(stocktake=taking, resolution="").count()
        if left:
            raise CardsRefused(f"解決していない違いが{left}件あります。すべて解決してから閉じてください。")
        taking.closed_at, taking.closed_by = now, user
        taking.save(update_fields=["closed_at", "closed_by"])
        audit.record(contract, "stock.stocktake", f"stocktake:{taking.pk}", by=by, now=now, closed=True)
        return taking


def _locked(taking_id: int, *, counting: bool) -> Stocktake:
    found: Stocktake | None = Stocktake.objects.select_for_update(of=("self",), no_key=True).filter(pk=taking_id).first()
    if found is None:
        raise CardsRefused("この棚卸は見つかりません。")
    if found.closed_at is not None:
        raise CardsRefused("この棚卸は閉じています。")
    if counting and found.counted_at is not None:
        raise CardsRefused("読み取りは終わっています。違いの解決に進んでください。")
    if not counting and found.counted_at is None:
        raise CardsRefused("読み取りを終えてから、違いを解決してください。")
    return found
