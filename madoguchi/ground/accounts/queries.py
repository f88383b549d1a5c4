"""Reads for the page of staff and keys."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings

from madoguchi.ground.contracts.models import Contract

from . import rules
from .models import ApiKey, Assignment, Invitation, Role, User

FACTOR_LABELS = {"totp": "認証アプリ", "webauthn": "パスキー"}


@dataclass(frozen=True)
class StaffLine:
    """One member of staff of a contract, as its managers see it."""

    assignment: Assignment
    user: User
    factors: tuple[str, ...]
    sessions: int
    may_manage: bool
    whole_account: bool

    @property
    def role_label(self) -> str:
        return Role(self.assignment.role).label


def staff_of(contract: Contract, viewer: Assignment, now: dt.datetime) -> list[StaffLine]:
    """Everybody assigned to a contract, by role from the widest, then by name; five queries for any number of people."""
    assignments = list(Assignment.objects.filter(contract=contract).select_related("user"))
    ids = [a.user_id for a in assignments]
    factors: dict[int, set[str]] = {}
    found = Authenticator.objects.filter(user_id__in=ids, type__in=list(FACTOR_LABELS)).values_list("user_id", "type")
    for user_id, kind in found:
        factors.setdefault(user_id, set()).add(kind)
    since = now - dt.timedelta(seconds=settings.SESSION_COOKIE_AGE)
    sessions = Counter(
        UserSession.objects.filter(user_id__in=ids, last_seen_at__gte=since).values_list("user_id", flat=True)
    )
    contracts: dict[int, set[int]] = {}
    for user_id, contract_id in Assignment.objects.filter(user_id__in=ids).values_list("user_id", "contract_id"):
        contracts.setdefault(user_id, set()).add(contract_id)
    lines = [
        StaffLine(
            assignment=a,
            user=a.user,
            factors=tuple(label for kind, label in FACTOR_LABELS.items() if kind in factors.get(a.user_id, ())),
            sessions=sessions[a.user_id],
            may_manage=rules.may_manage(Role(viewer.role), Role(a.role), self_change=a.user_id == viewer.user_id),
            whole_account=rules.may_act_on_account(
                contract.pk, contracts[a.user_id], system_admin=a.user.is_system_admin
            ),
        )
        for a in assignments
    ]
    order = list(reversed(Role))
    return sorted(lines, key=lambda line: (order.index(Role(line.assignment.role)), line.user.name))


def people_in_role(contract: Contract, role: Role) -> list[User]:
    """Active people with a role under a contract, by id."""
    found = Assignment.objects.filter(contract=contract, role=role, user__is_active=True).select_related("user")
    return [assignment.user for assignment in found.order_by("user_id")]


def open_invitations(contract: Contract, now: dt.datetime) -> list[Invitation]:
    """Invitations that still can be accepted, newest first."""
    return list(
        Invitation.objects.filter(contract=contract, accepted_at=None, withdrawn_at=None, expires_at__gt=now)
        .select_related("invited_by")
        .order_by("-created_at")
    )


def keys_of(contract: Contract) -> list[ApiKey]:
    """All keys of the contract in scope, live ones first."""
    return sorted(ApiKey.objects.filter(contract=contract), key=lambda key: (key.revoked_at is not None, -key.pk))


def names_of(refs: set[str]) -> dict[str, str]:
    """Names for actor references such as ``user:12`` and ``key:3`` (keys of the contract in scope only)."""
    users = {ref: int(ref[5:]) for ref in refs if ref.startswith("user:") and ref[5:].isdigit()}
    keys = {ref: int(ref[4:]) for ref in refs if ref.startswith("key:") and ref[4:].isdigit()}
    people = dict(User.objects.filter(pk__in=users.values()).values_list("pk", "name"))
    named = dict(ApiKey.objects.filter(pk__in=keys.values()).values_list("pk", "name")) if keys else {}
    return {ref: people[pk] for ref, pk in users.items() if pk in people} | {
        ref: named[pk] for ref, pk in keys.items() if pk in named
    }
