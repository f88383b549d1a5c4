"""A counter for tests of cases: hands of every role, and short ways through a flow."""

from __future__ import annotations

import datetime as dt
import itertools

from madoguchi.domain.cases.enums import Side, State
from madoguchi.domain.cases.hands import Hand, hand_of
from madoguchi.domain.cases.models import Case
from madoguchi.domain.cases.queries.flows import worked
from madoguchi.domain.cases.services import work
from madoguchi.domain.procedures.services import ensure_procedures
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope

MINUTE = dt.timedelta(minutes=1)
_numbers = itertools.count(1)


def key() -> str:
    return f"key-{next(_numbers)}"


def hand(contract: Contract, role: Role = Role.COUNTER) -> Hand:
    """A new member of staff at work."""
    n = next(_numbers)
    user = User.objects.create_user(f"{role}-case{n}@example.jp", None, name=f"{Role(role).label}{n}")
    Assignment.objects.create(user=user, contract=contract, role=role)
    return hand_of(user, role)


def opened(
    contract: Contract, by: Hand, now: dt.datetime, flow: str = "pin_reset", procedure: str = "pin_reset", visit: work.Visit | None = None
) -> Case:
    with contract_scope(contract):
        ensure_procedures(contract, now=now)
        return work.open_case(contract, flow, procedure, visit or work.Visit(contract.profile.sites[0].code), key=key(), hand=by, now=now)


def step(contract: Contract, case: Case, by: Hand, way: str, now: dt.datetime, **values: object) -> Case:
    """Leave the step of a case by a way, everything ticked unless said otherwise."""
    with contract_scope(contract):
        fresh = Case.objects.select_related("flow").get(pk=case.pk)
        items = [item.code for item in worked(contract, fresh.flow).step(fresh.step).items]
        given = {"ticked": [code for code in items if code not in values.get("missing", ())], "version": fresh.moves, "key": key(), **values}  # type: ignore[operator]
        return work.finish_step(contract, case.pk, way, hand=by, now=now, **given)  # type: ignore[arg-type]


def walk(contract: Contract, case: Case, clerk: Hand, city: Hand, now: dt.datetime, *, card: str = "", until: str = "") -> Case:
    """Work a case on by the first way of every step, a minute each, to its end or to the step ``until``."""
    for n in range(30):
        with contract_scope(contract):
            fresh = Case.objects.select_related("flow").get(pk=case.pk)
            if fresh.state != State.ACTIVE or fresh.step == until:
                return fresh
            at = worked(contract, fresh.flow).step(fresh.step)
        way = at.ways[0]
        step(contract, fresh, city if at.line == Side.CITY else clerk, way.code, now + n * MINUTE, card=card if way.hands_over else "")
    raise AssertionError(f"case {case.pk} does not end")
