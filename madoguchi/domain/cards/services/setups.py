"""Deeds of the pre-delivery setup: open a day's batch, work it off, check with a second pair of eyes, close it."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction

from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from ..enums import Fault, MoveKind, SetupStatus, State
from ..errors import CardsRefused
from ..models import Batch, Card, Setup
from .moving import locked, move, terms_of

MOST = 2000


def open_batch(contract: Contract, *, day: dt.date, target: int, user: User, by: Actor, now: dt.datetime) -> Batch:
    """Open the batch of a day and plan the cards that have waited longest, up to its target. Raises :class:`CardsRefused`."""
    terms_of(contract)
    if not 1 <= target <= MOST:
        raise CardsRefused(f"目標枚数は1から{MOST:,}までの数で入力してください。")
    with contract_scope(contract):
        try:
            with transaction.atomic():
                batch = Batch.objects.create(contract=contract, day=day, target=target, opened_at=now, opened_by=user)
        except IntegrityError:
            raise CardsRefused("この日の作業は、すでにあります。") from None
        taken = Setup.objects.filter(status__in=[SetupStatus.PLANNED, SetupStatus.WORKED]).values("card_id")
        waiting = Card.objects.filter(state=State.REGISTERED).exclude(pk__in=taken).order_by("arrived_on", "pk")
        rows = list(waiting.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True)[:target])
        Setup.objects.bulk_create([Setup(contract=contract, batch=batch, card_id=pk) for pk in rows])
        audit.record(contract, "stock.batch", f"batch:{batch.pk}", by=by, now=now, day=day, aim=target, planned=len(rows))
        return batch


def set_up(contract: Contract, batch_id: int, *, number: str, user: User, by: Actor, now: dt.datetime) -> Setup:
    """Say that a card was set up; a card that was not planned joins the batch. Raises :class:`CardsRefused`."""
    with contract_scope(contract):
        batch = _open(batch_id)
        card = locked(contract, number)
        move(contract, [card], MoveKind.SET_UP, user=user, by=by, now=now)
        setup = Setup.objects.filter(card=card, status=SetupStatus.PLANNED).first() or Setup(contract=contract, card=card)
        setup.batch, setup.status, setup.worked_by, setup.worked_at = batch, SetupStatus.WORKED, user, now
        setup.save()
        audit.record(contract, "stock.moved", f"card:{card.pk}", by=by, now=now, kind=MoveKind.SET_UP)
        return setup


def check(contract: Contract, number: str, *, fault: str = "", user: User, by: Actor, now: dt.datetime) -> Setup:
    """Check a setup: good without ``fault``, else the card goes back into the same batch.

    Raises :class:`CardsRefused` for the person who did it, and for a card that is not waiting for a check.
    """
    if fault and fault not in Fault.values:
        raise CardsRefused("差し戻す理由を選んでください。")
    with contract_scope(contract):
        card = locked(contract, number)
        setup = Setup.objects.filter(card=card, status=SetupStatus.WORKED).select_related("worked_by", "batch").first()
        if setup is not None and setup.worked_by_id == user.pk:
            raise CardsRefused(f"{card.number} は、あなたが設定したカードです。確認は別の人がしてください。")
        move(contract, [card], MoveKind.FAILED if fault else MoveKind.PASSED, user=user, by=by, now=now, reason=fault)
        assert setup is not None, "a card that waits for a check has a setup"
        setup.status = SetupStatus.FAILED if fault else SetupStatus.PASSED
        setup.checked_by, setup.checked_at, setup.fault = user, now, fault
        setup.save()
        if fault and setup.batch.closed_at is None:
            Setup.objects.create(contract=contract, batch=setup.batch, card=card)
        audit.record(contract, "stock.moved", f"card:{card.pk}", by=by, now=now, kind=MoveKind.FAILED if fault else MoveKind.PASSED)
        return setup


def close_batch(contract: Contract, batch_id: int, *, by: Actor, now: dt.datetime) -> Batch:
    """End a batch; what was planned and not begun is free for another day. Raises :class:`CardsRefused` while something waits for its check."""
    with contract_scope(contract):
        batch = _open(batch_id)
        waiting = Setup.objects.filter(batch=batch, status=SetupStatus.WORKED).count()
        if waiting:
            raise CardsRefused(f"確認を待っているカードが{waiting}枚あります。確認してから終了してください。")
        Setup.objects.filter(batch=batch, status=SetupStatus.PLANNED).delete()
        batch.closed_at = now
        batch.save(update_fields=["closed_at"])
        audit.record(contract, "stock.batch", f"batch:{batch.pk}", by=by, now=now, closed=True)
        return batch


def _open(batch_id: int) -> Batch:
    batch: Batch | None = Batch.objects.select_for_update(of=("self",), no_key=True).filter(pk=batch_id).first()
    if batch is None:
        raise CardsRefused("この作業は見つかりません。")
    if batch.closed_at is not None:
        raise CardsRefused("この作業は終了しています。今日の作業を開いてください。")
    return batch
