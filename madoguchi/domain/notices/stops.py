"""Planned stops of the residents' site: planned and withdrawn by staff, announced to residents, obeyed by every page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.remember import Remembered

from .models import PlannedStop
from .services import NoticeError

LONGEST = dt.timedelta(days=7)
_coming: Remembered[int, tuple[PlannedStop, ...]] = Remembered(5.0)


@transaction.atomic
def plan_stop(
    contract: Contract,
    *,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    announce_at: dt.datetime,
    reason: str,
    by: Actor,
    now: dt.datetime,
) -> PlannedStop:
    """Plan a stop. Raises :class:`NoticeError` for one in the past, backwards, too long, or beside another one."""
    if ends_at <= starts_at:
        raise NoticeError("終わりは始まりより後にしてください。")
    if ends_at <= now:
        raise NoticeError("すでに終わった時間です。これからの時間を入力してください。")
    if ends_at - starts_at > LONGEST:
        raise NoticeError("停止は7日以内にしてください。長いときは分けて入力してください。")
    with contract_scope(contract):
        beside = PlannedStop.objects.filter(withdrawn_at=None, starts_at__lt=ends_at, ends_at__gt=starts_at).first()
        if beside is not None:
            raise NoticeError("同じ時間に別の停止の予定があります。先にそれを取り下げてください。")
        stop = PlannedStop.objects.create(
            contract=contract,
            starts_at=starts_at,
            ends_at=ends_at,
            announce_at=min(announce_at, starts_at),
            reason=reason,
            created_at=now,
            created_by=by.label,
        )
        audit.record(
            contract, "stop.planned", f"stop:{stop.pk}", by=by, now=now,
            starts_at=starts_at.isoformat(), ends_at=ends_at.isoformat(), reason=reason,
        )  # fmt: skip
    transaction.on_commit(forget_stops)
    return stop


@transaction.atomic
def withdraw_stop(contract: Contract, pk: int, *, by: Actor, now: dt.datetime) -> None:
    """Take a stop back; the site works again at once. Raises :class:`NoticeError` when it is gone or over."""
    with contract_scope(contract):
        stop = PlannedStop.objects.select_for_update().filter(pk=pk, withdrawn_at=None, ends_at__gt=now).first()
        if stop is None:
            raise NoticeError("この予定は、すでに終わったか取り下げられています。")
        stop.withdrawn_at = now
        stop.save(update_fields=["withdrawn_at"])
        audit.record(contract, "stop.withdrawn", f"stop:{pk}", by=by, now=now)
    transaction.on_commit(forget_stops)


def coming_stops(contract: Contract, now: dt.datetime) -> Sequence[PlannedStop]:
    """Stops that are not over (inside ``contract_scope``), remembered for 5 s per process."""
    kept = _coming.get(
        contract.pk, lambda: tuple(PlannedStop.objects.filter(withdrawn_at=None, ends_at__gt=now).order_by("starts_at"))
    )
    return [stop for stop in kept if stop.ends_at > now]


def stop_now(contract: Contract, now: dt.datetime) -> PlannedStop | None:
    """The stop that is on at ``now``."""
    return next((stop for stop in coming_stops(contract, now) if stop.starts_at <= now), None)


def announced(contract: Contract, now: dt.datetime) -> list[PlannedStop]:
    """Stops that residents are told of and that have not begun."""
    return [stop for stop in coming_stops(contract, now) if stop.announce_at <= now < stop.starts_at]


def forget_stops() -> None:
    """Drop what is remembered."""
    _coming.forget()
