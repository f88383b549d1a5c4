"""Who may enter what: the only way a view learns a user's rights."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel

from .models import ACTOR_KIND_OF_ROLE, Assignment, Role, User

DEMO_SESSION = "demo_sign_in"

READ_RESIDENTS = frozenset({Role.OPERATOR, Role.COUNTER, Role.SUPERVISOR, Role.MANAGER, Role.CITY, Role.AUDITOR})
WORK_ON_BOOKINGS = READ_RESIDENTS - {Role.AUDITOR}
OVERBOOK = frozenset({Role.SUPERVISOR, Role.MANAGER, Role.CITY})
EDIT_SLOTS = frozenset({Role.SUPERVISOR, Role.MANAGER, Role.CITY})
PLAN_STAFF = frozenset({Role.SUPERVISOR, Role.MANAGER, Role.CITY})
EDIT_TEXTS = frozenset({Role.MANAGER, Role.CITY})
EDIT_ANNOUNCEMENTS = frozenset({Role.MANAGER, Role.CITY})
MANAGE_TELEPHONES = frozenset({Role.MANAGER, Role.CITY})
CONFIRM_TEXTS = frozenset({Role.CITY})
ANSWER_CALLS = frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.MANAGER})
CALL_SUPERVISION = frozenset({Role.SUPERVISOR, Role.MANAGER})
MANAGE_STAFF = frozenset({Role.MANAGER, Role.CITY})
ORDER_LISTS = frozenset({Role.MANAGER, Role.CITY})
IMPORT_VISITS = frozenset({Role.SUPERVISOR, Role.MANAGER, Role.CITY})
SEE_AUDIT = frozenset({Role.AUDITOR, Role.MANAGER, Role.CITY})
WORK_ON_CALLS = frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.MANAGER, Role.CITY})
READ_CALLS = WORK_ON_CALLS | {Role.AUDITOR}
READ_CONTACTS = READ_RESIDENTS
LEAD_CALLS = frozenset({Role.SUPERVISOR, Role.MANAGER, Role.CITY})
WORK_ON_LISTS = frozenset({Role.COUNTER, Role.SUPERVISOR, Role.MANAGER})
WORK_AT_COUNTER = frozenset({Role.COUNTER, Role.SUPERVISOR, Role.MANAGER, Role.CITY})
LEAD_AT_COUNTER = WORK_AT_COUNTER - {Role.COUNTER}
READ_COUNTER = WORK_AT_COUNTER | {Role.AUDITOR}
READ_REPORTS = frozenset({Role.SUPERVISOR, Role.MANAGER, Role.CITY, Role.AUDITOR})
WRITE_REPORTS = frozenset({Role.SUPERVISOR, Role.MANAGER})
INSPECT_REPORTS = frozenset({Role.CITY})
EDIT_FORMS = frozenset({Role.MANAGER, Role.CITY})
KEEP_MONEY = frozenset({Role.MANAGER})
READ_MONEY = KEEP_MONEY | {Role.CITY, Role.AUDITOR}
READ_OBLIGATIONS = frozenset({Role.SUPERVISOR, Role.MANAGER, Role.CITY, Role.AUDITOR})
KEEP_OBLIGATIONS = frozenset({Role.SUPERVISOR, Role.MANAGER})
CONFIRM_OBLIGATIONS = frozenset({Role.CITY})
REPORT_INCIDENTS = frozenset(Role) - {Role.AUDITOR}
READ_INCIDENTS = frozenset({Role.SUPERVISOR, Role.MANAGER, Role.CITY, Role.AUDITOR})
WORK_ON_INCIDENTS = frozenset({Role.SUPERVISOR, Role.MANAGER})
FOLLOW_INCIDENTS = WORK_ON_INCIDENTS | {Role.CITY}
ACCEPT_INCIDENTS = frozenset({Role.CITY})
READ_SURVEY = frozenset({Role.MANAGER, Role.CITY, Role.AUDITOR})
GROUP_SURVEY = frozenset({Role.MANAGER, Role.CITY})
READ_FORECAST = frozenset({Role.SUPERVISOR, Role.MANAGER, Role.CITY, Role.AUDITOR})
PLAN_FORECAST = frozenset({Role.MANAGER, Role.CITY})
READ_HANDOVER = frozenset({Role.MANAGER, Role.CITY, Role.AUDITOR})
KEEP_HANDOVER = READ_HANDOVER - {Role.AUDITOR}
RECEIVE_PEOPLE = frozenset({Role.CITY})
ASK_ERASURE = frozenset({Role.MANAGER})
PROPOSE_FLOWS = frozenset({Role.MANAGER, Role.CITY})
APPROVE_FLOWS = frozenset({Role.CITY})
EVERYONE = frozenset(Role)


def assignment_for(user: User | AnonymousUser, contract: Contract) -> Assignment:
    """The user's assignment to a contract; a contract one is not assigned to does not exist for one: ``Http404``."""
    if user.is_authenticated:
        found = Assignment.objects.filter(user_id=user.pk, contract=contract).first()
        if found:
            return found
    raise Http404("この契約は見つかりません。")


def assignments_of(user: User) -> list[Assignment]:
    """All assignments of a user with their contracts."""
    return list(
        Assignment.objects.filter(user=user, contract__active=True).select_related("contract").order_by("contract_id")
    )


def second_factor_missing(user: User, session: SessionBase) -> bool:
    """True while a signed-in user has neither TOTP nor passkey. The one-click sign-in of the demo is excused."""
    if settings.DEMO and session.get(DEMO_SESSION):
        return False
    return not is_mfa_enabled(user)


def actor_of(request: HttpRequest, channel: Channel | None = None) -> Actor:
    """The acting party of a staff request; the channel is how the resident reached us (phone for the call centre)."""
    assignment: Assignment = request.assignment  # type: ignore[attr-defined]
    kind = ACTOR_KIND_OF_ROLE[Role(assignment.role)]
    usual = Channel.PHONE if kind is ActorKind.CALL_CENTRE else Channel.COUNTER
    user = request.user
    return Actor(kind, channel or usual, ref=f"user:{user.pk}", label=str(user))


def roles(allowed: frozenset[Role]) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Let a view be entered only by these roles of the contract; others get the no-permission page (403)."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if Role(request.assignment.role) not in allowed:  # type: ignore[attr-defined]
                raise PermissionDenied("この操作の権限がありません。")
            return view(request, *args, **kwargs)

        guarded.allowed_roles = allowed  # type: ignore[attr-defined]
        return guarded

    return decorate


def may(request: HttpRequest, allowed: frozenset[Role]) -> bool:
    """True when the signed-in role is among these: to show or hide a button."""
    return Role(request.assignment.role) in allowed  # type: ignore[attr-defined]
