"""Days at other places: planned, equipped, reported, handed over to the city."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog import services as worklog

from ..enums import OutingStage
from ..errors import PremisesRefused
from ..models import Outing

LARGEST = 9_999
CHANGEABLE = (OutingStage.PLANNED, OutingStage.REPORTED)


@dataclass(frozen=True)
class Plan:
    """Where, when, with how many people, for how many applications. ``site`` is the code of a site whose reservations are this day's."""

    place: str
    address: str
    on: dt.date
    starts: dt.time
    ends: dt.time
    staff: int
    target: int
    site: str = ""
    note: str = ""


@transaction.atomic
def plan_outing(contract: Contract, plan: Plan, *, by: Actor, now: dt.datetime) -> Outing:
    """Make a day with the profile's equipment. Raises :class:`PremisesRefused`."""
    if not contract.profile.outreach.enabled:
        raise PremisesRefused("この契約では、出張申請を行っていません。")
    if plan.on < now.astimezone(JST).date():
        raise PremisesRefused("出張の日は、今日より前にはできません。")
    equipment = [{"label": label, "out": "", "back": ""} for label in contract.profile.outreach.equipment]
    with contract_scope(contract):
        try:
            with transaction.atomic():
                made = Outing.objects.create(contract=contract, equipment=equipment, **_values(plan))
        except IntegrityError:
            raise PremisesRefused("同じ日、同じ場所の出張がもうあるか、終わりの時刻が始まりより前です。") from None
        audit.record(contract, "premises.outing_planned", f"outing:{made.pk}", by=by, now=now, place=plan.place, on=plan.on)
        return made


@transaction.atomic
def change_outing(contract: Contract, outing_id: int, plan: Plan, *, by: Actor, now: dt.datetime) -> Outing:
    """Change a day that has not been reported. Raises :class:`PremisesRefused`."""
    with contract_scope(contract):
        outing = _locked(outing_id, (OutingStage.PLANNED,))
        for name, value in _values(plan).items():
            setattr(outing, name, value)
        try:
            with transaction.atomic():
                outing.save()
        except IntegrityError:
            raise PremisesRefused("同じ日、同じ場所の出張がもうあるか、終わりの時刻が始まりより前です。") from None
        audit.record(contract, "premises.outing_changed", f"outing:{outing.pk}", by=by, now=now, place=plan.place, on=plan.on)
        return outing


@transaction.atomic
def cancel_outing(contract: Contract, outing_id: int, reason: str, *, by: Actor, now: dt.datetime) -> Outing:
    """Call a day off, e.g. for a disaster. Raises :class:`PremisesRefused` without a reason."""
    with contract_scope(contract):
        outing = _locked(outing_id, (OutingStage.PLANNED,))
        if not 0 < len(reason.strip()) <= 120:
            raise PremisesRefused("中止の理由を、120文字までで入力してください。")
        outing.stage, outing.reason = OutingStage.CANCELLED, reason.strip()
        outing.save(update_fields=["stage", "reason"])
        audit.record(contract, "premises.outing_cancelled", f"outing:{outing.pk}", by=by, now=now, reason=outing.reason)
        return outing


@transaction.atomic
def tick(contract: Contract, outing_id: int, position: int, way: str, *, now: dt.datetime) -> Outing:
    """Tick a piece of equipment as taken along (``out``) or brought back (``back``); a second time takes the tick away.

    Raises :class:`PremisesRefused`.
    """
    with contract_scope(contract):
        outing = _locked(outing_id, CHANGEABLE)
        if way not in ("out", "back") or not 0 <= position < len(outing.equipment):
            raise PremisesRefused("この持ち物は、一覧にありません。画面を開き直してください。")
        row = outing.equipment[position]
        row[way] = "" if row[way] else now.isoformat()
        outing.save(update_fields=["equipment"])
        return outing


@transaction.atomic
def add_equipment(contract: Contract, outing_id: int, label: str) -> Outing:
    """Add something to take along. Raises :class:`PremisesRefused`."""
    with contract_scope(contract):
        outing = _locked(outing_id, (OutingStage.PLANNED,))
        text = label.strip()
        if not 0 < len(text) <= 80 or any(row["label"] == text for row in outing.equipment):
            raise PremisesRefused("一覧にない持ち物の名前を、80文字までで入力してください。")
        outing.equipment.append({"label": text, "out": "", "back": ""})
        outing.save(update_fields=["equipment"])
        return outing


@transaction.atomic
def report(contract: Contract, outing_id: int, results: Mapping[str, int], papers: int, *, by: Actor, now: dt.datetime) -> Outing:
    """Write how many people came for which procedure, and how many paper applications were taken; said again, it replaces what was counted.

    Raises :class:`PremisesRefused` before the day, for unknown procedures or numbers.
    """
    with contract_scope(contract):
        outing = _locked(outing_id, CHANGEABLE)
        if now.astimezone(JST).date() < outing.on:
            raise PremisesRefused("出張の日が、まだ来ていません。")
        known = {procedure.code for procedure in contract.profile.procedures}
        if not set(results) <= known or any(not 0 <= n <= LARGEST for n in (*results.values(), papers)):
            raise PremisesRefused(f"人数と枚数は、0から{LARGEST:,}までで入力してください。")
        outing.results = {code: n for code, n in results.items() if n}
        outing.papers, outing.reported_at, outing.stage = papers, now, OutingStage.REPORTED
        outing.save(update_fields=["results", "papers", "reported_at", "stage"])
        ref, site = f"outing:{outing.pk}", outing.site.code if outing.site else ""
        worklog.withdraw("premises.outreach", ref=ref)
        at = min(now, dt.datetime.combine(outing.on, outing.ends, JST))
        worklog.note_all(
            [worklog.fact(contract, "premises.outreach", by=by, now=at, ref=ref, site=site, procedure=code, quantity=n)
             for code, n in outing.results.items()]
        )  # fmt: skip
        audit.record(contract, "premises.outing_reported", ref, by=by, now=now, people=sum(outing.results.values()), papers=papers)
        return outing


@transaction.atomic
def hand_over(contract: Contract, outing_id: int, receipt: str, *, user: User, by: Actor, now: dt.datetime) -> Outing:
    """Write that the paper applications were handed over to the city under the number of its receipt. Raises :class:`PremisesRefused`."""
    with contract_scope(contract):
        outing = _locked(outing_id, (OutingStage.REPORTED,))
        number = receipt.strip()
        if not 0 < len(number) <= 80:
            raise PremisesRefused("市の受領番号を、80文字までで入力してください。")
        outing.stage, outing.receipt, outing.handed_over_at, outing.handed_over_by = OutingStage.HANDED_OVER, number, now, user
        outing.save(update_fields=["stage", "receipt", "handed_over_at", "handed_over_by"])
        audit.record(contract, "premises.outing_handed_over", f"outing:{outing.pk}", by=by, now=now, papers=outing.papers, receipt=number)
        return outing


def _values(plan: Plan) -> dict[str, object]:
    site = Site.objects.filter(code=plan.site).first() if plan.site else None
    return {
        "site": site, "place": plan.place, "address": plan.address, "on": plan.on, "starts": plan.starts, "ends": plan.ends,
        "staff": plan.staff, "target": plan.target, "note": plan.note,
    }  # fmt: skip


def _locked(outing_id: int, stages: tuple[OutingStage, ...]) -> Outing:
    outing = Outing.objects.select_for_update(of=("self",)).select_related("site").filter(pk=outing_id).first()
    if outing is None or outing.stage not in stages:
        raise PremisesRefused("この出張の日では、その操作はもうできません。画面を開き直してください。")
    return outing
