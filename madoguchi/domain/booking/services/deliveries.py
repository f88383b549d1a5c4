"""Deeds on deliveries: order a list for a due hour, make its file in time, hand it over.

A file is made in one transaction with its row, its fact, its audit entry and the mails that tell of it: a crash in between
leaves nothing, and the next run of the worker makes it. The row is unique per order and due moment, so two workers make it
once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Sequence

from django.db import transaction
from django.db.models import F, Min

from madoguchi.domain.notices import services as notices
from madoguchi.domain.notices.models import StaffKind
from madoguchi.ground.accounts.models import Role, User
from madoguchi.ground.accounts.queries import people_in_role
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.ground.worklog import services as worklog

from ..enums import FileForm, Rhythm
from ..errors import ListError
from ..models import Delivery, Receipt, SavedList, StandingOrder
from ..queries.deliveries import Due, unmade
from ..queries.listfile import ListFile, list_file
from ..queries.lists import Conditions, people
from ..selection import Selection
from ..standing import NO_WORKER

log = logging.getLogger(__name__)

CONTENT = "booking.delivery"
FAILED = "ファイルを作れませんでした。5分おきに作り直します。続くときはシステム管理者に知らせてください。"
LACKING_KEPT = 200


@transaction.atomic
def order_list(
    contract: Contract,
    *,
    saved_list: int,
    form: FileForm,
    rhythm: Rhythm,
    due_time: dt.time,
    weekdays: Sequence[int] = (),
    month_day: int | None = None,
    by: Actor,
    now: dt.datetime,
) -> StandingOrder:
    """Order a shared list for a due hour, from the next due moment on. Raises :class:`ListError`."""
    with contract_scope(contract):
        kept = SavedList.objects.select_for_update(no_key=True).filter(pk=saved_list, shared=True, removed_at=None).first()
        if kept is None:
            raise ListError("受け渡せるのは、みんなに見せている一覧だけです。一覧を選び直してください。")
        if faults := Selection.of(kept.selection).faults():
            raise ListError(faults[0])
        if rhythm == Rhythm.WEEKDAYS and not weekdays:
            raise ListError("曜日を1つ以上選んでください。")
        if rhythm == Rhythm.MONTH_DAY and not (month_day and 1 <= month_day <= 31):
            raise ListError("毎月何日に受け渡すかを、1から31の数で入力してください。")
        order = StandingOrder.objects.create(
            contract=contract,
            saved_list=kept,
            form=form,
            rhythm=rhythm,
            weekdays=sorted(set(weekdays)) if rhythm == Rhythm.WEEKDAYS else [],
            month_day=month_day if rhythm == Rhythm.MONTH_DAY else None,
            due_time=due_time,
            created_at=now,
            created_by=by.label,
        )
        audit.record(
            contract, "list.ordered", f"order:{order.pk}", by=by, now=now, list=kept.pk, name=kept.name, form=form,
            rhythm=rhythm, weekdays=order.weekdays, month_day=order.month_day, due_time=f"{due_time:%H:%M}",
        )  # fmt: skip
        return order


@transaction.atomic
def end_order(contract: Contract, pk: int, *, by: Actor, now: dt.datetime) -> None:
    """End an order; what was delivered stays. Raises :class:`ListError` when it was ended before."""
    with contract_scope(contract):
        order = StandingOrder.objects.select_for_update(no_key=True).filter(pk=pk, ended_at=None).first()
        if order is None:
            raise ListError("この受け渡しは、すでに終わっています。")
        order.ended_at = now
        order.save(update_fields=["ended_at"])
        audit.record(contract, "list.order_ended", f"order:{pk}", by=by, now=now)


def deliver_due(contract: Contract, *, now: dt.datetime) -> int:
    """Make every file that is to be made now (see ``queries.deliveries.unmade``); how many. Call it outside of a transaction.

    One that fails keeps its reason and does not stop the others.
    """
    with contract_scope(contract):
        waiting = unmade(contract, now)
    made = 0
    for due in waiting:
        try:
            made += make_delivery(contract, due, now=now)
        except ListError as wrong:
            _note_failure(contract, due, str(wrong))
        except Exception:
            log.exception("delivery of order %s of %s failed", due.order.pk, contract.code)
            _note_failure(contract, due, FAILED)
    return made


@transaction.atomic
def make_delivery(contract: Contract, due: Due, *, now: dt.datetime) -> bool:
    """Make the file of one due moment and tell the city's people; False when it was made or its order ended meanwhile.

    The words of the list ("tomorrow") mean the days seen from the due day, also when the file is late. Raises
    :class:`ListError` when the list does not hold any more.
    """
    with contract_scope(contract):
        delivery = _lock(contract, due)
        if delivery.made_at is not None or delivery.order.ended_at is not None:
            return False
        order, kept = delivery.order, delivery.order.saved_list
        selection = Selection.of(kept.selection)
        if faults := selection.faults():
            raise ListError(faults[0])
        conditions = selection.on(contract, due.due_at.date())
        file = list_file(contract, conditions, form=FileForm(order.form), personal=selection.personal, now=now)
        _fill(contract, delivery, kept, selection, conditions, file, now=now)
        late = now > delivery.due_at
        for user in people_in_role(contract, Role.CITY):
            receipt = Receipt.objects.create(contract=contract, delivery=delivery, user=user, told=True)
            notices.queue(contract, ref=f"receipt:{receipt.pk}", kind=StaffKind.LIST_READY, language="ja", now=now)
        worklog.note(
            contract, "list.delivered", by=SYSTEM, now=now, ref=f"delivery:{delivery.pk}", outcome="late" if late else "in_time"
        )
        audit.record(
            contract, "list.delivered", f"delivery:{delivery.pk}", by=SYSTEM, now=now, order=order.pk,
            due_at=delivery.due_at.isoformat(), rows=file.rows, personal=selection.personal, sha256=delivery.sha256,
            conditions=delivery.conditions,
        )  # fmt: skip
        return True


def _lock(contract: Contract, due: Due) -> Delivery:
    """The row of a due moment, made if need be; waits for another worker that makes it."""
    row = Delivery(contract=contract, order=due.order, due_at=due.due_at)
    Delivery.objects.bulk_create([row], ignore_conflicts=True)
    found = Delivery.objects.select_for_update(of=("self",)).select_related("order__saved_list")
    return found.get(order=due.order, due_at=due.due_at)


def _fill(
    contract: Contract,
    delivery: Delivery,
    kept: SavedList,
    selection: Selection,
    conditions: Conditions,
    file: ListFile,
    *,
    now: dt.datetime,
) -> None:
    retention = contract.profile.retention
    delivery.made_at = now
    delivery.title = kept.name
    delivery.file_name = file.name
    delivery.conditions = conditions.as_dict()
    delivery.personal = selection.personal
    delivery.rows = file.rows
    delivery.sha256 = hashlib.sha256(file.content).hexdigest()
    delivery.lacking = [[one.code, one.column] for one in file.lacking[:LACKING_KEPT]]
    delivery.content = keyring(contract).seal(CONTENT, file.content)
    delivery.erase_at = now + dt.timedelta(days=retention.delivery_days)
    oldest = people(conditions).filter(booking__erased_at=None).order_by().aggregate(at=Min("booking__ends_at"))["at"]
    if selection.personal and oldest is not None:
        delivery.erase_at = min(delivery.erase_at, oldest + dt.timedelta(days=retention.resident_days_after_visit))
    delivery.attempts += 1
    delivery.problem = (delivery.problem or NO_WORKER) if now > delivery.due_at else ""
    delivery.save()


@transaction.atomic
def _note_failure(contract: Contract, due: Due, problem: str) -> None:
    with contract_scope(contract):
        delivery = _lock(contract, due)
        if delivery.made_at is None:
            Delivery.objects.filter(pk=delivery.pk).update(problem=problem[:200], attempts=F("attempts") + 1)


@transaction.atomic
def hand_over(contract: Contract, pk: int, *, user: User, by: Actor, now: dt.datetime) -> tuple[Delivery, bytes]:
    """The file of a delivery for a person who downloads it; each time is written down.

    Raises :class:`ListError` when there is no such file, or it is erased.
    """
    with contract_scope(contract):
        delivery = Delivery.objects.select_for_update(no_key=True, of=("self",)).select_related("order").filter(pk=pk).first()
        if delivery is None or delivery.content is None:
            raise ListError("このファイルは、もうありません。保存期間が過ぎたものは消去しています。")
        receipt, _ = Receipt.objects.get_or_create(contract=contract, delivery=delivery, user=user)
        receipt.downloads += 1
        receipt.first_at = receipt.first_at or now
        receipt.last_at = now
        receipt.save()
        content = keyring(contract).unseal(CONTENT, delivery.content)
        audit.record(
            contract, "list.downloaded", f"delivery:{pk}", by=by, now=now, personal=delivery.personal, rows=delivery.rows,
            sha256=delivery.sha256,
        )  # fmt: skip
        return delivery, content
