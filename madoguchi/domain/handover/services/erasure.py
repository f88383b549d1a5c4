"""Deeds of the erasure at a contract's end.

Two people of two sides begin it, a waiting time lies between, and the worker does it: first the contract's keys go (so nothing sealed opens any more,
here or in a copy of the data), then every column and row that can hold personal data is emptied, in batches, then the places outside of the tables.
What is left tells what is to be done: a batch looks for rows that still hold something. So it can be killed anywhere, and run again it changes nothing.
A last look after :data:`SETTLE` catches what another process, which trusted its keys for a minute, wrote meanwhile.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.db import models, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Cast, Coalesce, Concat

from madoguchi.domain.notices.models import Message
from madoguchi.domain.photos.enums import State as PhotoState
from madoguchi.domain.reports.contents import digest_of
from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import queries as audit_log
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.models import ContractKey
from madoguchi.ground.privacy.services import erase_contract_keys

from ..enums import Kind, Stage, Variant
from ..errors import HandoverRefused
from ..models import ErasedCount, Erasure, Package
from ..places import places
from ..tables import TABLES, Table

log = logging.getLogger(__name__)

WAIT: Final = dt.timedelta(days=14)
"""Between the city's confirmation and the beginning: time to look into the package, and to call it off."""
SETTLE: Final = dt.timedelta(minutes=5)
BATCH: Final = 2000
FAILED: Final = "消去の途中で失敗しました。1分おきに、続きから行います。続くときはシステム管理者に知らせてください。"
KEPT: Final = (
    "集計・業務の事実（だれの情報も含まない、行った業務の記録）",
    "報告書・請求書・経費の帳簿・義務の台帳（契約の書類。保存期間の定めによる）",
    "操作の記録（個人情報を含まない。連鎖を検証済み）",
    "予約・通話・番号札・案件などの日時・人数・種類（個人情報を除いたもの）",
    "受託者と市の担当者の氏名・アカウント（業務の証拠として）",
)
"""What an erasure leaves, for the certificate."""


@dataclass(frozen=True)
class Found:
    """Personal data of one kind that are there now."""

    code: str
    title: str
    columns: tuple[str, ...]
    way: str
    records: int


@transaction.atomic
def ask(contract: Contract, *, ends_on: dt.date, reason: str, copies_until: dt.date, user: User, by: Actor, now: dt.datetime) -> Erasure:
    """The contractor's manager asks for the erasure. Raises :class:`HandoverRefused` when it was asked for, or a day cannot be."""
    with contract_scope(contract):
        if Erasure.objects.select_for_update().exclude(stage=Stage.CALLED_OFF).exists():
            raise HandoverRefused("個人情報の消去は、すでに申し出てあります。")
        if not reason.strip():
            raise HandoverRefused("消去の根拠（契約書・仕様書の箇所や、市からの文書）を入力してください。")
        if copies_until < ends_on:
            raise HandoverRefused("バックアップの廃棄日は、契約の最終日以後の日にしてください。")
        asked = Erasure.objects.create(
            contract=contract, ends_on=ends_on, reason=reason.strip()[:200], copies_until=copies_until, asked_at=now, asked_by=user
        )
        audit.record(contract, "erasure.asked", _target(asked), by=by, now=now, ends_on=ends_on.isoformat())
        return asked


@transaction.atomic
def confirm(contract: Contract, *, typed_code: str, returned: bool, user: User, by: Actor, now: dt.datetime) -> Erasure:
    """The city confirms: ``returned`` says that it has received the data, else that it asks for no return.

    It begins after the contract's last day and :data:`WAIT`. Raises :class:`HandoverRefused` for the same person, a wrong code, or when the data
    are said to be returned and no package with them was fetched.
    """
    with contract_scope(contract):
        found = _at(Stage.ASKED)
        if found.asked_by_id == user.pk:
            raise HandoverRefused("申し出た人とは別の人が承認してください。")
        if typed_code.strip() != contract.code:
            raise HandoverRefused(f"確認のため、契約のコード「{contract.code}」を入力してください。")
        if returned and not Package.objects.filter(variant=Variant.FULL, fetched_at__isnull=False).exists():
            raise HandoverRefused("個人情報ありのパッケージを、まだ誰も受け取っていません。受け取ってから承認するか、「返還を求めない」を選んでください。")
        over = dt.datetime.combine(found.ends_on + dt.timedelta(days=1), dt.time(), JST)
        found.stage, found.returned, found.confirmed_at, found.confirmed_by = Stage.WAITING, returned, now, user
        found.begins_at = max(now + WAIT, over)
        found.save()
        audit.record(contract, "erasure.confirmed", _target(found), by=by, now=now, returned=returned, begins_at=found.begins_at.isoformat())
        return found


@transaction.atomic
def call_off(contract: Contract, *, by: Actor, now: dt.datetime) -> None:
    """Either side calls it off, until it begins. Raises :class:`HandoverRefused` after that."""
    with contract_scope(contract):
        found = _at(Stage.ASKED, Stage.WAITING)
        found.stage = Stage.CALLED_OFF
        found.save(update_fields=["stage"])
        audit.record(contract, "erasure.called_off", _target(found), by=by, now=now)


def preview(contract: Contract) -> list[Found]:
    """What an erasure would take now, by kind; only kinds of which something is there. Inside ``contract_scope``."""
    found = [Found(one.label, one.title, columns_of(one), way_of(one), _filled(one).count()) for one in TABLES if one.rows or one.erasable()]
    found += [Found(one.code, one.title, (), one.way, one.count(contract)) for one in places()]
    return [one for one in found if one.records]


def advance(contract: Contract, *, now: dt.datetime) -> Stage | None:
    """Go on with the erasure of a contract as far as possible now; its stage, None when there is none. Call it outside of a transaction."""
    with contract_scope(contract):
        found = Erasure.objects.filter(stage__in=[Stage.WAITING, Stage.TABLES]).first()
    if found is None or found.begins_at is None or now < found.begins_at:
        return None if found is None else Stage(found.stage)
    try:
        if found.stage == Stage.WAITING:
            _begin(contract, now)
        sweep(contract, now=now)
        _certify(contract, now)
    except Exception:
        log.exception("the erasure of %s failed", contract.code)
        with contract_scope(contract):
            Erasure.objects.filter(pk=found.pk).update(problem=FAILED)
    with contract_scope(contract):
        return Stage(Erasure.objects.get(pk=found.pk).stage)


def sweep(contract: Contract, *, now: dt.datetime, batch: int = BATCH) -> int:
    """Empty everything that holds personal data, in batches of a transaction each; how many records. Only while an erasure runs."""
    total = 0
    for table in TABLES:
        if table.rows or table.erasable():
            while count := _batch(contract, table, now, batch):
                total += count
    for place in places():
        with _counted(contract) as erasure:
            count = place.erase(contract)
            _add(erasure, place.code, place.title, (), place.way, count)
            total += count
    return total


@transaction.atomic
def _begin(contract: Contract, now: dt.datetime) -> None:
    with contract_scope(contract):
        found = _at(Stage.WAITING)
        keys = ContractKey.objects.count()
        if keys:
            erase_contract_keys(contract, typed_code=contract.code, reason=found.reason, now=now)
        found.stage, found.begun_at, found.keys = Stage.TABLES, now, keys
        found.save(update_fields=["stage", "begun_at", "keys"])
        Package.objects.filter(erased_at=None).update(erased_at=now)
        Contract.objects.filter(pk=contract.pk).update(closed_at=now)
        audit.record(contract, "erasure.begun", _target(found), by=SYSTEM, now=now, keys=keys)


def _batch(contract: Contract, table: Table, now: dt.datetime, size: int) -> int:
    with _counted(contract) as erasure:
        rows = _filled(table)
        chosen = table.model._default_manager.filter(pk__in=list(rows.order_by("pk").values_list("pk", flat=True)[:size]))
        count = chosen.delete()[0] if table.rows else chosen.update(**_emptied(table, now))
        _add(erasure, table.label, table.title, columns_of(table), way_of(table), count)
        return count


@contextmanager
def _counted(contract: Contract) -> Iterator[Erasure]:
    """One transaction of a running erasure, which is locked, so that two workers never count one record twice."""
    with transaction.atomic(), contract_scope(contract):
        yield _at(Stage.TABLES)


def _add(erasure: Erasure, code: str, title: str, columns: tuple[str, ...], way: str, count: int) -> None:
    if not count:
        return
    values = {"title": title, "columns": list(columns), "way": way}
    row, _ = ErasedCount.objects.get_or_create(contract_id=erasure.contract_id, erasure=erasure, code=code, defaults=values)
    ErasedCount.objects.filter(pk=row.pk).update(records=F("records") + count)


def _empty(field: models.Field) -> Any:
    """What an emptied column holds."""
    if field.null:
        return None
    if field.has_default():
        return field.get_default()
    return {models.JSONField: {}, models.BinaryField: b""}.get(type(field), "")


def _replaced() -> Concat:
    """What takes the place of a number that must be unique: the row's own."""
    return Concat(Value("#"), Cast("pk", models.CharField()))


def _fields(table: Table) -> dict[models.Field, bool]:
    """The columns to empty; true for those that get a number in the place of nothing."""
    found = {}
    for name, kind in table.erasable().items():
        field = table.model._meta.get_field(name)
        assert isinstance(field, models.Field)
        found[field] = kind is Kind.NUMBER or (kind is Kind.HIDDEN and isinstance(field, models.CharField))
    return found


def _filled(table: Table) -> models.QuerySet[Any]:
    """Rows that still hold something."""
    rows = table.model._default_manager.all()
    if table.rows:
        return rows
    holds = Q()
    for field, numbered in _fields(table).items():
        if numbered:
            holds |= ~Q(**{field.name: _replaced()})
        elif field.null:
            holds |= Q(**{f"{field.name}__isnull": False})
        else:
            holds |= ~Q(**{field.name: _empty(field)})
    return rows.filter(holds)


def _emptied(table: Table, now: dt.datetime) -> dict[str, Any]:
    values: dict[str, Any] = {field.name: _replaced() if numbered else _empty(field) for field, numbered in _fields(table).items()}
    for moment in ("erased_at", "revoked_at"):
        if any(field.name == moment for field in table.model._meta.concrete_fields):
            values[moment] = Coalesce(moment, Value(now))
    return values | _with_it(now).get(table.label, {})


def _with_it(now: dt.datetime) -> dict[str, dict[str, Any]]:
    """Columns that say what is gone, and change with it."""
    queued = [Message.State.QUEUED, Message.State.SENDING]
    waiting = When(state=PhotoState.WAITING, then=Value(str(PhotoState.LOST)))
    return {
        "booking.Booking": {"has_mail": False, "by_sms": False},
        "notices.Message": {"state": Case(When(state__in=queued, then=Value(str(Message.State.DROPPED))), default=F("state"))},
        "photos.Photo": {
            "state": Case(waiting, default=F("state")),
            "server_deleted_at": Case(When(state=PhotoState.WAITING, then=Value(now)), default=F("server_deleted_at")),
        },
    }


def columns_of(table: Table) -> tuple[str, ...]:
    """The columns that go; none when rows go whole."""
    return () if table.rows else tuple(table.erasable())


def way_of(table: Table) -> str:
    """What is done, in words."""
    return "行を削除" if table.rows else "空にする"


@transaction.atomic
def _certify(contract: Contract, now: dt.datetime) -> None:
    """Freeze the certificate once nothing is left and every process has noticed that the keys are gone."""
    with contract_scope(contract):
        found = Erasure.objects.select_for_update().get(stage=Stage.TABLES)
        if found.begun_at is None or now - found.begun_at < SETTLE or preview(contract):
            return
        found.certificate = _certificate(contract, found, now)
        found.stage, found.done_at, found.digest, found.problem = Stage.DONE, now, digest_of(found.certificate), ""
        found.save()
        audit.record(contract, "erasure.done", _target(found), by=SYSTEM, now=now, sha256=found.digest)


def _certificate(contract: Contract, found: Erasure, now: dt.datetime) -> dict[str, Any]:
    profile = contract.profile
    assert found.confirmed_by is not None and found.confirmed_at is not None and found.begun_at is not None
    counts = ErasedCount.objects.filter(erasure=found).order_by("pk")
    return {
        "number": f"{contract.code}-{found.pk}", "city": profile.city.name, "contractor": profile.contractor.name, "contract": profile.title,
        "ends_on": found.ends_on.isoformat(), "reason": found.reason, "returned": found.returned,
        "asked": {"at": _moment(found.asked_at), "by": found.asked_by.name}, "confirmed": {"at": _moment(found.confirmed_at), "by": found.confirmed_by.name},
        "begun_at": _moment(found.begun_at), "done_at": _moment(now), "keys": found.keys, "copies_until": found.copies_until.isoformat(),
        "erased": [{"code": one.code, "title": one.title, "columns": one.columns, "way": one.way, "records": one.records} for one in counts],
        "kept": list(KEPT), "audit": {"broken": [str(one) for one in audit_log.verify(contract)], "heads": audit_log.heads(contract)},
    }  # fmt: skip


def _moment(at: dt.datetime) -> str:
    return at.astimezone(JST).isoformat(timespec="seconds")


def _at(*stages: Stage) -> Erasure:
    found = Erasure.objects.select_for_update().filter(stage__in=stages).first()
    if found is None:
        raise HandoverRefused("消去の状態が変わっています。画面を開き直して、確かめてください。")
    return found


def _target(found: Erasure) -> str:
    return f"erasure:{found.pk}"
