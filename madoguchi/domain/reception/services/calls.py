"""Calls of several windows in one statement: what "next, please" costs when many press it in the same instant.

Nothing here is another rule. What a call mostly is (the window is one's own and free, somebody waits, nobody wishes to be told) is done by
``reception_call_many``; everything else is left undone and answered with an empty text, and the caller does it by ``windows.call_next``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import psycopg
from django.db import connection
from pydantic_core import to_json

from madoguchi.ground.accounts.models import ACTOR_KIND_OF_ROLE
from madoguchi.ground.accounts.standing import Standing
from madoguchi.ground.audit.actions import require_registered
from madoguchi.ground.kit.groups import GroupWriter, lane_of_process

from .deeds import day_of

_MANY = "select o_call, o_shown from reception_call_many(%s::smallint, %s::smallint, %s, %s::date, %s, %s::jsonb)"


@dataclass(frozen=True, slots=True)
class Call:
    """One press of "next": from which window, under which key, by whom. ``near``: so many of the next are told, if they wish (``near_places``)."""

    site: str
    number: int
    key: str
    standing: Standing
    near: int
    now: dt.datetime


def call_together(contract_id: int, calls: list[Call], *, lane: int) -> list[str]:
    """Do these calls in one transaction; for each the number that was called, or an empty text for one that was left undone.

    No two of them may come from one window.
    """
    require_registered("ticket.called")
    now = calls[0].now
    docs = [
        {
            "session": call.standing.session, "standing": call.standing.versions, "site": call.site, "number": call.number,
            "user": call.standing.user_id, "key": call.key, "kind": str(ACTOR_KIND_OF_ROLE[call.standing.role]),
        }
        for call in calls
    ]  # fmt: skip
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(_MANY, [contract_id, lane, now, day_of(now), max(call.near for call in calls), to_json(docs).decode()])
        shown = dict(cursor.fetchall())
    return [shown.get(place, "") for place in range(1, len(calls) + 1)]


def _together(contract_id: int, calls: list[Call]) -> list[str]:
    return call_together(contract_id, calls, lane=lane_of_process())


writer = GroupWriter("calls", _together, twin=lambda call: (call.site, call.number))
"""Gathers the calls of this process. ``submit`` answers as :func:`call_together` does for one."""
