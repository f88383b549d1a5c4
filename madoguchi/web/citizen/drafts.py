"""What residents typed and did not send yet lies sealed in their sessions; it goes with the contract's personal data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction

from madoguchi.domain.handover.places import Place, register
from madoguchi.ground.contracts.models import Contract

from .flow import SESSION_KEY

PAGE = 500


def _holding(contract: Contract) -> Iterator[tuple[Session, dict[str, Any], set[str]]]:
    """Sessions with flows of a contract: the session, what it holds, the names of those flows."""
    last = ""
    while page := list(Session.objects.filter(session_key__gt=last).order_by("session_key")[:PAGE]):
        for session in page:
            values = session.get_decoded()
            names = {name for name in values.get(SESSION_KEY, {}) if name.startswith(f"{contract.code}:")}
            if names:
                yield session, values, names
        last = page[-1].session_key


def count(contract: Contract) -> int:
    """How many reservations in the making of a contract lie in sessions."""
    return sum(len(names) for _, _, names in _holding(contract))


def erase(contract: Contract) -> int:
    """Take them out of the sessions, which stay; how many."""
    taken = 0
    with transaction.atomic():
        for session, values, names in _holding(contract):
            values[SESSION_KEY] = {name: flow for name, flow in values[SESSION_KEY].items() if name not in names}
            session.session_data = Session.objects.encode(values)
            session.save(update_fields=["session_data"])
            taken += len(names)
    return taken


register(Place("drafts", "住民が入力の途中だった予約（セッション）", "取り除く", count, erase))
