"""Counting days."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection, transaction

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope

from .. import counting

AT_ONCE = 31
"""Days counted in one transaction."""


def count_days(contract: Contract) -> int:
    """Bring the counts of touched days in line with their facts; how many days. Days that were touched meanwhile stay touched."""
    counted = 0
    while days := _count_some(contract):
        counted += len(days)
        if len(days) < AT_ONCE:
            break
    return counted


@transaction.atomic
def _count_some(contract: Contract) -> list[dt.date]:
    """Marks are taken away first and facts are read later: a mark whose fact is not seen yet is not seen either, and stays."""
    with contract_scope(contract), connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('reports.count_days', %s))", [contract.pk])
        cursor.execute(
            "delete from worklog_touchedday where contract_id = %(contract)s and day in"
            " (select distinct day from worklog_touchedday where contract_id = %(contract)s order by day limit %(most)s) returning day",
            {"contract": contract.pk, "most": AT_ONCE},
        )
        days = sorted({day for (day,) in cursor.fetchall()})
        values: dict[str, Any] = {"contract": contract.pk, "days": days}
        for table, columns, kind in (("reports_daycount", counting.SUMS, "counts"), ("reports_dayspan", "of, upto, records", "spans")):
            cursor.execute(f"delete from {table} where contract_id = %(contract)s and day = any(%(days)s)", values)
            made = " union all ".join(f"({getattr(grain, kind)('live')})" for grain in (counting.DAYS, counting.HOURS))
            cursor.execute(
                f"with live as materialized ({counting.facts('(select unnest(%(days)s::date[]) as day)')})"
                f" insert into {table}(contract_id, {counting.COLUMNS}, {columns})"
                f" select %(contract)s, made.* from ({made}) made",
                values,
            )
        return days
