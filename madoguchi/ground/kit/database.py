"""Reading PostgreSQL's errors."""

from __future__ import annotations

TRANSIENT = frozenset({"40P01", "40001", "55P03"})
"""SQLSTATE of deadlock, serialisation failure, lock timeout: nothing was written, trying again is right."""


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's code of an error that Django wrapped, or an empty text."""
    return getattr(error.__cause__, "sqlstate", None) or ""
