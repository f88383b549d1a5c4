"""Reads of saved lists. All run inside ``contract_scope``."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from ..models import SavedList


def lists_of(owner: str) -> QuerySet[SavedList]:
    """The lists that a person sees: the own ones and the shared ones, by name; ``owner`` is an actor reference."""
    found: QuerySet[SavedList] = SavedList.objects.filter(Q(owner=owner) | Q(shared=True), removed_at=None)
    return found


def may_change(kept: SavedList, who: str, *, manages: bool) -> bool:
    """Whether an actor reference may change a list: its owner, and one that ``manages`` also what others share."""
    return kept.owner == who or (kept.shared and manages)
