"""Who may give and take which role."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.ground.accounts import rules
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.accounts.rules import invitation_problem, may_act_on_account, may_grant, may_manage

A, P, C, S, M, Y = Role.AUDITOR, Role.OPERATOR, Role.COUNTER, Role.SUPERVISOR, Role.MANAGER, Role.CITY
GIVES = {A: set(), P: set(), C: set(), S: set(), M: {A, P, C, S, M}, Y: {A, P, C, S, M, Y}}


@pytest.mark.req("SEC-01")
@pytest.mark.parametrize("giver", list(Role))
@pytest.mark.parametrize("role", list(Role))
def test_table_of_roles_one_may_give_and_manage(giver: Role, role: Role) -> None:
    assert may_grant(giver, role) is (role in GIVES[giver])
    assert may_manage(giver, role, self_change=False) is (role in GIVES[giver])
    assert may_manage(giver, role, self_change=True) is False


@pytest.mark.req("SEC-01")
@pytest.mark.parametrize(
    ("contracts", "admin", "allowed"),
    [({1}, False, True), (set(), False, True), ({1, 2}, False, False), ({2}, False, False), ({1}, True, False)],
)
def test_an_account_of_several_contracts_is_not_stopped_from_one(
    contracts: set[int], admin: bool, allowed: bool
) -> None:
    assert may_act_on_account(1, contracts, system_admin=admin) is allowed


@pytest.mark.req("SEC-01")
def test_an_invitation_ends_after_72_hours_after_use_and_when_withdrawn(now: dt.datetime) -> None:
    end = now + rules.INVITATION_VALID
    assert dt.timedelta(hours=72) == rules.INVITATION_VALID
    last = end - dt.timedelta(microseconds=1)
    assert invitation_problem(now=last, expires_at=end, accepted_at=None, withdrawn_at=None) == ""
    assert "72時間" in invitation_problem(now=end, expires_at=end, accepted_at=None, withdrawn_at=None)
    assert "すでに使われて" in invitation_problem(now=now, expires_at=end, accepted_at=now, withdrawn_at=None)
    assert "取り下げ" in invitation_problem(now=now, expires_at=end, accepted_at=None, withdrawn_at=now)
