"""Reservations of the web path go into the database together (``ground.kit.groups``)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection
from pydantic_core import to_json

from madoguchi.ground.kit.groups import Busy as Busy
from madoguchi.ground.kit.groups import GroupWriter, lane_of_process
from madoguchi.ground.kit.groups import Unsure as Unsure


@dataclass(frozen=True, slots=True)
class Outcome:
    """``created``, ``full`` or ``replayed`` (the key was used before), with the code and id of the stored booking."""

    outcome: str
    code: str
    id: int | None
    fingerprint: str


def write(contract_id: int, now: dt.datetime, docs: list[dict[str, Any]], *, lane: int) -> list[Outcome]:
    """Write prepared reservations of one contract in one statement; all of them or, on an exception, none."""
    connection.ensure_connection()
    # psycopg's own cursor: the documents travel beside the statement instead of being quoted into it.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(
            "select * from booking_reserve_many(%s::smallint, %s, %s::smallint, %s::jsonb)",
            [contract_id, now, lane, to_json(docs).decode()],
        )
        return [Outcome(outcome, code, pk, print_) for _, outcome, code, pk, print_ in cursor.fetchall()]


def _together(contract_id: int, group: list[tuple[dt.datetime, dict[str, Any]]]) -> list[Outcome]:
    return write(contract_id, group[0][0], [doc for _, doc in group], lane=lane_of_process())


batcher = GroupWriter("reservations", _together, twin=lambda asked: str(asked[1]["key"]))
