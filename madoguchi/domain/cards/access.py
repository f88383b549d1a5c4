"""Who may take a step in the stock."""

from __future__ import annotations

from madoguchi.ground.accounts.access import LEAD_AT_COUNTER, WORK_AT_COUNTER
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.profile import Cards

from .rules import Right


def roles_for(right: Right, terms: Cards) -> frozenset[Role]:
    """The roles that have a right; who decides disposals was agreed with the city."""
    if right == Right.DECIDE:
        return frozenset({Role.CITY} if terms.disposal_approver == "city" else {Role.SUPERVISOR, Role.MANAGER})
    return LEAD_AT_COUNTER if right == Right.LEAD else WORK_AT_COUNTER
