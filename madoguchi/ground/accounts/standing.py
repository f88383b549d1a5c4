"""A standing: what a signed-in person may do under a contract, together with the versions of the rows that say so.

A request of staff looks up its session, user, second factor and role one after another. For a deed that is done in one statement that
is the greater part of its cost. A standing remembers what the look-up found; the statement that does the deed asks in itself whether these rows
are still the same (``accounts_standing``, ``sql/functions.sql``). So whoever was locked out is out with the next statement, as without it,
and a standing may be kept in memory for a while.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, transaction
from django.http import HttpRequest

from madoguchi.ground.contracts.models import Contract

from .access import second_factor_missing
from .models import Assignment, Role, User


@dataclass(frozen=True, slots=True)
class Standing:
    """Who may act under a contract with this session, and the versions of the rows behind it."""

    session: str
    user_id: int
    role: Role
    versions: str


def standing_of(session_key: str, contract: Contract) -> Standing | None:
    """The standing of a session now; None for one with which nothing may be done here. Not inside a transaction.

    All of it is read in one snapshot, with the functions that every request uses.
    """
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read")
        request = HttpRequest()
        request.session = SessionStore(session_key)
        user = get_user(request)
        if not isinstance(user, User) or second_factor_missing(user, request.session):
            return None
        assignment = Assignment.objects.filter(user=user, contract=contract).first()
        if assignment is None:
            return None
        with connection.cursor() as cursor:
            cursor.execute("select accounts_standing(%s, %s, %s::smallint)", [session_key, user.pk, contract.pk])
            (versions,) = cursor.fetchone()
        return Standing(session_key, user.pk, Role(assignment.role), versions) if versions else None
