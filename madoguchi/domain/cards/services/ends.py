"""Deeds that lead a card out of the stock: notices, hand-over, return, destruction by four eyes; and taking a wrong record back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST

from ..enums import MoveKind, Reason, SetupStatus, State
from ..errors import CardsRefused
from ..models import Card, Disposal, Move, Setup
from .moving import locked, locked_all, move


def notify(
    contract: Contract, numbers: Sequence[str], *, sent_on: dt.date, second: bool = False, user: User, by: Actor, now: dt.datetime
) -> list[Card]:
    """Say that notices (or second notices) were sent on a day, for all of these cards or for none. Raises :class:`CardsRefused`."""
    if not numbers:
        raise CardsRefused("通知を送ったカードを選んでください。")
    if sent_on > now.astimezone(JST).date():
        raise CardsRefused("発送日は、今日までの日にしてください。")
    with contract_scope(contract):
        cards = locked_all(contract, numbers)
        early = [card.number for card in cards if sent_on < (card.notified_on or card.arrived_on)]
        if early:
            raise CardsRefused(f"{'、'.join(early[:5])} は、この日にはまだ{'通知を送っていません' if second else '到着していません'}。")
        day = {"renotified_on" if second else "notified_on": sent_on}
        move(contract, cards, MoveKind.RENOTIFIED if second else MoveKind.NOTIFIED, user=user, by=by, now=now, changes=day)
        audit.record(
            contract, "stock.notified", f"contract:{contract.code}", by=by, now=now, cards=[card.pk for card in cards], second=second, sent_on=sent_on
        )  # fmt: skip
        return cards


def issue(contract: Contract, number: str, *, user: User, by: Actor, now: dt.datetime) -> Card:
    """Say that a card was handed over. Raises :class:`CardsRefused`."""
    return _end(contract, number, MoveKind.ISSUED, "", "", user=user, by=by, now=now)


def give_back(contract: Contract, number: str, *, reason: str, words: str = "", user: User, by: Actor, now: dt.datetime) -> Card:
    """Say that a card went back to the city because it cannot be handed over. Raises :class:`CardsRefused`."""
    return _end(contract, number, MoveKind.RETURNED, _reason(reason), words, user=user, by=by, now=now)


def _end(contract: Contract, number: str, kind: MoveKind, reason: str, words: str, *, user: User, by: Actor, now: dt.datetime) -> Card:
    with contract_scope(contract):
        card = locked(contract, number)
        move(contract, [card], kind, user=user, by=by, now=now, reason=reason, words=words)
        _drop_plans(card)
        audit.record(contract, "stock.ended", f"card:{card.pk}", by=by, now=now, kind=kind, reason=reason)
        return card


def take_back(contract: Contract, number: str, *, words: str, user: User, by: Actor, now: dt.datetime) -> Card:
    """Take a wrong hand-over or return back: the card lies on the working tray again as it was before. Raises :class:`CardsRefused`."""
    if not words.strip():
        raise CardsRefused("取り消す理由を入力してください。")
    with contract_scope(contract):
        card = locked(contract, number)
        undone = MoveKind.RETURNED if card.state == State.RETURNED else MoveKind.ISSUED
        reason = Move.objects.filter(card=card, kind=undone).order_by("-n").values_list("reason", flat=True).first() or ""
        move(
            contract, [card], MoveKind.TAKEN_BACK, user=user, by=by, now=now, words=words, undone=undone, quantity=-1, reason=reason
        )  # fmt: skip
        audit.record(contract, "stock.taken_back", f"card:{card.pk}", by=by, now=now, kind=undone)
        return card


def propose_disposal(contract: Contract, number: str, *, reason: str, words: str = "", user: User, by: Actor, now: dt.datetime) -> Disposal:
    """Ask that a card be destroyed; another person decides. Raises :class:`CardsRefused`."""
    chosen = _reason(reason)
    with contract_scope(contract):
        card = locked(contract, number)
        move(contract, [card], MoveKind.PROPOSED, user=user, by=by, now=now, reason=chosen, words=words)
        _drop_plans(card)
        disposal = Disposal.objects.create(contract=contract, card=card, reason=chosen, proposed_at=now, proposed_by=user)
        audit.record(contract, "stock.disposal", f"card:{card.pk}", by=by, now=now, reason=chosen)
        return disposal


def decide_disposal(contract: Contract, number: str, *, approve: bool, user: User, by: Actor, now: dt.datetime) -> Disposal:
    """Let a card be destroyed, or not: then it is as it was. Raises :class:`CardsRefused` for the person who proposed it."""
    with contract_scope(contract):
        card = locked(contract, number)
        disposal: Disposal | None = Disposal.objects.filter(card=card, decided_at=None).first()
        if disposal is not None and disposal.proposed_by_id == user.pk:
            raise CardsRefused(f"{card.number} は、あなたが廃棄を提案したカードです。別の人が決めてください。")
        move(
            contract, [card], MoveKind.DISPOSED if approve else MoveKind.REJECTED, user=user, by=by, now=now,
            reason=disposal.reason if disposal else "",
        )  # fmt: skip
        assert disposal is not None, "a proposed card has an open disposal"
        disposal.decided_at, disposal.decided_by, disposal.approved = now, user, approve
        disposal.save()
        audit.record(contract, "stock.disposal", f"card:{card.pk}", by=by, now=now, approved=approve)
        return disposal


def _reason(reason: str) -> str:
    if reason not in Reason.values:
        raise CardsRefused("理由を選んでください。")
    return reason


def _drop_plans(card: Card) -> None:
    """A card that leaves the ordinary way is no longer planned for a setup."""
    Setup.objects.filter(card=card, status=SetupStatus.PLANNED).delete()
