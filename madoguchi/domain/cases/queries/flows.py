"""Reads of flows: which version counts on a day. Inside ``contract_scope``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Max

from madoguchi.ground.contracts.models import Contract

from ..enums import VersionState
from ..models import FlowVersion
from ..rules import Flow
from ..shipped import shipped_flows


def version_on(code: str, day: dt.date) -> FlowVersion | None:
    """The approved version that counts on a day; None while the shipped flow does. An approved one of the city's own goes before shipped ones."""
    found = FlowVersion.objects.filter(code=code, state=VersionState.APPROVED, valid_from__lte=day)
    return found.order_by("shipped", "-valid_from", "-number").first()


def latest_number(code: str) -> int:
    """The highest number of a flow's versions; 0 without any."""
    return FlowVersion.objects.filter(code=code).aggregate(most=Max("number"))["most"] or 0


def body_of(version: FlowVersion) -> Flow:
    """A version as a flow."""
    return Flow.model_validate(version.body)


def worked(contract: Contract, version: FlowVersion) -> Flow:
    """A version as it is worked under the contract: rights of the profile, steps that are off left out."""
    return body_of(version).fitted(contract.profile.cases.city_decides).active


def flow_of(contract: Contract, code: str, day: dt.date) -> Flow | None:
    """The flow that counts on a day, as it was written; None for an unknown code."""
    version = version_on(code, day)
    shipped = shipped_flows().get(code)
    if version is None or (version.shipped and shipped is not None):
        return shipped
    return body_of(version)


@dataclass(frozen=True)
class Offered:
    """A flow that a contract works by: the code, what counts today, its version's number (None: as shipped), whether a proposal waits."""

    flow: Flow
    number: int | None
    waiting: bool

    @property
    def confirmed(self) -> bool:
        """Whether the city has confirmed every step."""
        return all(step.confirmed for step in self.flow.steps)


def offered_flows(contract: Contract, day: dt.date) -> list[Offered]:
    """Flows for procedures of the contract, in the order of its procedures."""
    return _offered(contract, day, set(FlowVersion.objects.filter(state=VersionState.PROPOSED).values_list("code", flat=True)))


def _offered(contract: Contract, day: dt.date, waiting: Collection[str] = ()) -> list[Offered]:
    profile = contract.profile
    order = [procedure.code for procedure in profile.procedures]
    found = []
    own: dict[str, FlowVersion] = {}
    for version in FlowVersion.objects.filter(state=VersionState.APPROVED, shipped=False, valid_from__lte=day).order_by("-valid_from", "-number"):
        own.setdefault(version.code, version)
    for code, shipped in shipped_flows().items():
        if not set(shipped.procedures) & set(order) or (code == "outreach_application" and not profile.outreach.enabled):
            continue
        mine = own.get(code)
        found.append(Offered(body_of(mine) if mine else shipped, mine.number if mine else None, code in waiting))
    return sorted(found, key=lambda one: min(order.index(p) for p in one.flow.procedures if p in order))


def usual_flows(contract: Contract, day: dt.date) -> dict[str, str]:
    """The flow of each procedure that a case is opened by when nobody chooses: the only one there is, or of several the one that the profile names."""
    found: dict[str, list[str]] = {}
    for one in _offered(contract, day):
        for procedure in one.flow.procedures:
            found.setdefault(procedure, []).append(one.flow.code)
    named = contract.profile.cases.usual
    return {
        procedure: codes[0] if len(codes) == 1 else named[procedure]
        for procedure, codes in found.items() if len(codes) == 1 or named.get(procedure) in codes
    }  # fmt: skip
