"""Deeds of flows: take the shipped one over, propose a change, approve it, turn it down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, connection, transaction
from pydantic import ValidationError

from madoguchi.domain.notices import decisions
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, ActorKind

from ..enums import VersionState
from ..errors import CaseRefused
from ..models import FlowVersion
from ..queries.flows import flow_of, latest_number, version_on
from ..rules import edited, lint
from ..shipped import shipped_flows


def version_in_force(contract: Contract, code: str, *, now: dt.datetime) -> FlowVersion:
    """The version that a case opened now begins with (inside ``contract_scope``); the shipped flow is taken over when none is approved.

    A shipped flow that an upgrade changed becomes a new version as long as the city has approved none of its own.
    Raises :class:`CaseRefused` for a flow that does not exist.
    """
    shipped = shipped_flows().get(code)
    body = shipped.model_dump(mode="json") if shipped else None

    def standing() -> FlowVersion | None:
        found = version_on(code, now.date())
        return found if found is not None and (not found.shipped or body is None or found.body == body) else None

    if (found := standing()) is not None:
        return found
    if body is None:
        raise CaseRefused("この手続きの流れはありません。")
    _numbering(contract, code)
    return standing() or FlowVersion.objects.create(
        contract=contract, code=code, number=latest_number(code) + 1, body=body, state=VersionState.APPROVED, shipped=True,
        valid_from=now.date(), proposed_at=now,
    )  # fmt: skip


def _numbering(contract: Contract, code: str) -> None:
    """One at a time gives the versions of a flow their numbers, until its transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, %s))", [f"flow:{code}", contract.pk])


@transaction.atomic
def propose(
    contract: Contract, code: str, values: Mapping[str, Mapping[str, Any]], *, valid_from: dt.date, note: str, by: Actor, now: dt.datetime
) -> FlowVersion:
    """Propose a version: what stands now with ``values`` changed (see :func:`.rules.edited`), from a day on.

    Raises :class:`CaseRefused` when a proposal waits already, the day is over, or the flow would not hold.
    """
    if valid_from < now.date():
        raise CaseRefused("過ぎた日からは変更できません。今日か、これからの日を選んでください。")
    if not note.strip():
        raise CaseRefused("変更の理由を入力してください。市が承認するときに読みます。")
    with contract_scope(contract):
        before = flow_of(contract, code, now.date())
        if before is None:
            raise CaseRefused("この手続きの流れはありません。")
        try:
            flow = edited(before, values)
        except ValidationError as wrong:
            raise CaseRefused("手順の名称・説明・項目に、空のものか長すぎるものがあります。名称は120文字、説明は600文字までです。") from wrong
        if faults := lint(flow, contract.profile.cases.city_decides):
            raise CaseRefused(f"この変更では流れが成り立ちません：{faults[0]}")
        try:
            _numbering(contract, code)
            with transaction.atomic():
                made = FlowVersion.objects.create(
                    contract=contract, code=code, number=latest_number(code) + 1, body=flow.model_dump(mode="json"),
                    state=VersionState.PROPOSED, valid_from=valid_from, note=note.strip(), proposed_at=now, proposed_by=by.label,
                )  # fmt: skip
        except IntegrityError:
            raise CaseRefused("この流れには、市の承認を待っている版があります。承認か差し戻しの後で変更してください。") from None
        decisions.ask(contract, ref=f"flow:{made.pk}", now=now)
        audit.record(contract, "flow.proposed", f"flow:{code}", by=by, now=now, number=made.number, valid_from=valid_from.isoformat())
        return made


@transaction.atomic
def approve(contract: Contract, version_id: int, *, by: Actor, now: dt.datetime) -> FlowVersion:
    """The city approves a proposal; every step of it is confirmed by that. A first day that has gone by becomes today.

    Raises :class:`CaseRefused` when it was decided already, or does not hold any more.
    """
    with contract_scope(contract):
        version = _proposal(version_id)
        version.body = {**version.body, "steps": [{**step, "confirmed": True} for step in version.body["steps"]]}
        version.valid_from = max(version.valid_from, now.date())
        return _decide(contract, version, VersionState.APPROVED, "flow.approved", by=by, now=now)


@transaction.atomic
def turn_down(contract: Contract, version_id: int, *, by: Actor, now: dt.datetime) -> FlowVersion:
    """The city turns a proposal down, or who proposed it takes it back. Raises :class:`CaseRefused` when it was decided already."""
    with contract_scope(contract):
        return _decide(contract, _proposal(version_id), VersionState.TURNED_DOWN, "flow.turned_down", by=by, now=now)


def _proposal(version_id: int) -> FlowVersion:
    found = FlowVersion.objects.select_for_update().filter(pk=version_id, state=VersionState.PROPOSED).first()
    if found is None:
        raise CaseRefused("この版は、すでに承認されたか、取り下げられています。")
    return found


def _decide(contract: Contract, version: FlowVersion, state: VersionState, action: str, *, by: Actor, now: dt.datetime) -> FlowVersion:
    version.state, version.decided_at, version.decided_by = state, now, by.label
    version.save()
    if by.kind is ActorKind.CITY:
        decisions.answer(contract, ref=f"flow:{version.pk}", now=now)
    else:
        decisions.withdraw(contract, ref=f"flow:{version.pk}")
    audit.record(contract, action, f"flow:{version.code}", by=by, now=now, number=version.number)
    return version
