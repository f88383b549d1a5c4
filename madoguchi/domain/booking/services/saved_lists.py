"""Deeds on saved lists: keep conditions under a name, change name, conditions or who sees them, remove."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction
from django.db.models import Q

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from ..errors import ListError
from ..models import SavedList, StandingOrder
from ..selection import Selection

NAME_MAX = 40
_TAKEN = "同じ名前の一覧がすでにあります。別の名前にしてください。"


@transaction.atomic
def save_list(
    contract: Contract, *, name: str, selection: Selection, shared: bool, by: Actor, now: dt.datetime
) -> SavedList:
    """Keep a selection under a name. Raises :class:`ListError` for an empty or taken name or a selection that does not hold."""
    with contract_scope(contract):
        if faults := selection.faults():
            raise ListError(faults[0])
        kept = SavedList(
            contract=contract,
            name=_name(name),
            owner=by.ref,
            owner_label=by.label,
            shared=shared,
            selection=selection.stored(),
            created_at=now,
        )
        _write(kept)
        audit.record(
            contract, "list.saved", f"list:{kept.pk}", by=by, now=now, name=kept.name, shared=shared, selection=kept.selection
        )
        return kept


@transaction.atomic
def change_list(
    contract: Contract,
    pk: int,
    *,
    name: str,
    shared: bool,
    selection: Selection | None = None,
    manages: bool,
    by: Actor,
    now: dt.datetime,
) -> SavedList:
    """Give a list another name, other people who see it or other conditions (``selection`` None: as they are).

    ``manages`` lets the actor change other people's shared lists, and the conditions of one that is delivered to the city. Raises
    :class:`ListError` for a list that is gone or not the actor's, a taken name, or a selection that does not hold.
    """
    with contract_scope(contract):
        kept = _lock(pk, manages=manages, by=by)
        before = [kept.name, kept.shared, kept.selection]
        kept.name, kept.shared = _name(name), shared
        if not shared:
            _refuse_ordered(kept, "先に「受け渡し」でその予定を終えてください。")
        if selection is not None and selection.stored() != kept.selection:
            if faults := selection.faults():
                raise ListError(faults[0])
            if not manages:
                _refuse_ordered(kept, "条件は、業務責任者か市職員に変えてもらってください。")
            kept.selection = selection.stored()
        after = [kept.name, kept.shared, kept.selection]
        if after != before:
            _write(kept)
            audit.record(contract, "list.changed", f"list:{pk}", by=by, now=now, before=before, after=after)
        return kept


@transaction.atomic
def remove_list(contract: Contract, pk: int, *, manages: bool, by: Actor, now: dt.datetime) -> None:
    """Take a list away. Raises :class:`ListError` for one that is gone or not the actor's."""
    with contract_scope(contract):
        kept = _lock(pk, manages=manages, by=by)
        _refuse_ordered(kept, "先に「受け渡し」でその予定を終えてください。")
        kept.removed_at = now
        kept.save(update_fields=["removed_at"])
        audit.record(contract, "list.removed", f"list:{pk}", by=by, now=now, name=kept.name)


def _name(typed: str) -> str:
    name = " ".join(typed.split())
    if not name:
        raise ListError("一覧の名前を入力してください。例：明日の受取り")
    if len(name) > NAME_MAX:
        raise ListError(f"名前は{NAME_MAX}文字までです。いまは{len(name)}文字です。")
    return name


def _refuse_ordered(kept: SavedList, what_to_do: str) -> None:
    if StandingOrder.objects.filter(saved_list=kept, ended_at=None).exists():
        raise ListError(f"「{kept.name}」は定期の受け渡しに使われています。{what_to_do}")


def _write(kept: SavedList) -> None:
    try:
        with transaction.atomic():
            kept.save()
    except IntegrityError:
        raise ListError(_TAKEN) from None


def _lock(pk: int, *, manages: bool, by: Actor) -> SavedList:
    mine = Q(owner=by.ref) | Q(shared=True) if manages else Q(owner=by.ref)
    kept = SavedList.objects.select_for_update(no_key=True).filter(mine, pk=pk, removed_at=None).first()
    if kept is None:
        raise ListError("この一覧は、削除されたか、ほかの担当者のものです。ページを開き直してください。")
    return kept
