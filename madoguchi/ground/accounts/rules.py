"""Who may give which role. Pure decisions over roles; the table is in ``tests/ground/accounts/test_rules.py``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from .models import Role

INVITATION_VALID = dt.timedelta(hours=72)

GRANTABLE: dict[Role, frozenset[Role]] = {
    Role.MANAGER: frozenset(Role) - {Role.CITY},
    Role.CITY: frozenset(Role),
}
"""A contractor's manager gives every role but the city's own; the city gives all. Other roles give none."""


def grantable(giver: Role) -> frozenset[Role]:
    """Roles that ``giver`` may hand out."""
    return GRANTABLE.get(giver, frozenset())


def may_grant(giver: Role, role: Role) -> bool:
    """True when ``giver`` may invite somebody as ``role``."""
    return role in grantable(giver)


def may_manage(giver: Role, subject: Role, *, self_change: bool) -> bool:
    """True when ``giver`` may change or remove somebody who is ``subject``. Nobody changes or removes himself."""
    return not self_change and may_grant(giver, subject)


def may_act_on_account(contract_id: int, subject_contract_ids: Collection[int], *, system_admin: bool) -> bool:
    """True when the whole account may be stopped or its second factor reset from one contract.

    An account that also serves another contract, or runs the installation, belongs to others too: it can only be taken
    off this contract.
    """
    return not system_admin and set(subject_contract_ids) <= {contract_id}


def invitation_problem(
    *, now: dt.datetime, expires_at: dt.datetime, accepted_at: dt.datetime | None, withdrawn_at: dt.datetime | None
) -> str:
    """Why an invitation cannot be accepted any more, as a sentence for the invited person; empty when it can."""
    if accepted_at is not None:
        return "この招待はすでに使われています。サインインしてください。"
    if withdrawn_at is not None:
        return "この招待は取り下げられました。招待した方にお問い合わせください。"
    if now >= expires_at:
        return "招待の有効期限（72時間）が過ぎています。招待した方に、もう一度招待するよう依頼してください。"
    return ""
