"""The one place where a card changes: lock, ask the rules, change, write the move and the fact."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Cards
from madoguchi.ground.kit.actors import Actor, Channel
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.ground.worklog.services import fact, note_all

from ..enums import MoveKind, Spot, State
from ..errors import CardsRefused
from ..models import Card, Move
from ..rules import BACK, ENDED, STEPS, Place, refusal
from ..words import MOVE, read_number

PROCEDURE = "card_pickup"
LONGEST = 500
FACTS = {
    MoveKind.PASSED: "card.set_up",
    MoveKind.FAILED: "card.set_up_failed",
    MoveKind.NOTIFIED: "card.notified",
    MoveKind.RENOTIFIED: "card.renotified",
    MoveKind.ISSUED: "card.issued",
    MoveKind.RETURNED: "card.returned",
    MoveKind.DISPOSED: "card.disposed",
}
"""Moves that count as work."""


def terms_of(contract: Contract) -> Cards:
    """What was agreed about cards. Raises :class:`CardsRefused` for a contract without a stock."""
    if contract.profile.cards is None:
        raise CardsRefused("この契約では、カードの在庫を管理していません。")
    return contract.profile.cards


def number_of(contract: Contract, text: str) -> str:
    """A typed or scanned number in its one form. Raises :class:`CardsRefused`."""
    try:
        return read_number(text, terms_of(contract))
    except ValueError as wrong:
        raise CardsRefused(str(wrong)) from None


def locked(contract: Contract, text: str) -> Card:
    """The card of a number, locked until the end of the transaction. Raises :class:`CardsRefused`."""
    number = number_of(contract, text)
    card: Card | None = Card.objects.select_for_update(of=("self",)).filter(number=number).first()
    if card is None:
        raise CardsRefused(f"{number} は登録されていません。先に登録してください。")
    return card


def locked_all(contract: Contract, texts: Sequence[str]) -> list[Card]:
    """The cards of several numbers, locked in the order of their ids. Raises :class:`CardsRefused`."""
    numbers = list(dict.fromkeys(number_of(contract, text) for text in texts))
    cards = list(Card.objects.select_for_update(of=("self",)).filter(number__in=numbers).order_by("pk"))
    missing = sorted(set(numbers) - {card.number for card in cards})
    if missing:
        raise CardsRefused(f"{'、'.join(missing[:5])} は登録されていません。")
    return cards


def site_of(contract: Contract) -> str:
    """The site to whose work the stock counts: the one of the first cabinet."""
    return terms_of(contract).cabinets[0].site


def move(
    contract: Contract, cards: Sequence[Card], kind: MoveKind, *, user: User, by: Actor, now: dt.datetime, to: Place | None = None,
    reason: str = "", words: str = "", quantity: int = 1, undone: MoveKind | None = None, changes: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Take one step with every (locked) card, or with none. ``to`` is the slot of a step that ends in one; ``changes`` are further columns.

    ``undone`` with ``quantity`` -1 balances the fact of the move that is taken back. Raises :class:`CardsRefused`.
    """
    step = STEPS[kind]
    for card in cards:
        wrong = refusal(kind, State(card.state), Spot(card.spot))
        if wrong:
            raise CardsRefused(f"{card.number}：{wrong}")
    if len(words) > LONGEST:
        raise CardsRefused(f"理由は{LONGEST}文字までです。いまは{len(words)}文字です。")
    backs = _states_before(cards) if step.to == BACK else {}
    moves = []
    for card in cards:
        before, source = card.state, card.place
        card.state = backs[card.pk] if step.to == BACK else step.to or card.state
        place = to or (Place(step.lands) if step.lands else source)
        if place != source:
            card.spot, card.cabinet, card.box, card.slot, card.placed_at = place.spot, place.cabinet, place.box or None, place.slot or None, now
        card.ended_at = (card.ended_at or now) if State(card.state) in ENDED else None
        for name, value in (changes or {}).items():
            setattr(card, name, value)
        moves.append(record(contract, card, kind, user=user, now=now, before=before, source=source, reason=reason, words=words))
        card.save()
    Move.objects.bulk_create(moves)
    work = FACTS.get(undone or kind)
    if work:
        site = site_of(contract)
        note_all([
            fact(contract, work, by=by.through(Channel.COUNTER), now=now, ref=f"card:{card.pk}", site=site, procedure=PROCEDURE,
                 quantity=quantity, outcome=reason)
            for card in cards
        ])  # fmt: skip


def record(
    contract: Contract, card: Card, kind: MoveKind, *, user: User, now: dt.datetime, before: str, source: Place | None, reason: str = "", words: str = "",
) -> Move:  # fmt: skip
    """The next move of a card, not written yet; the card counts it."""
    card.moves += 1
    return Move(
        contract=contract, card=card, n=card.moves, at=now, kind=kind, by=user, before=before, after=card.state,
        source=source.code if source else "", target=card.place.code, reason=reason,
        words=keyring(contract).seal_json(MOVE, {"text": words.strip()}) if words.strip() else None,
    )  # fmt: skip


def _states_before(cards: Sequence[Card]) -> dict[int, str]:
    """The state of each card before its last change of state."""
    found: dict[int, str] = {}
    for one in Move.objects.filter(card__in=cards).order_by("card_id", "n"):
        if one.before and one.before != one.after:
            found[one.card_id] = one.before
    return found
