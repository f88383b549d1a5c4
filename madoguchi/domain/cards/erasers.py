"""Erasure: reading and birth date of cards that have gone, and the words of old moves and counts; numbers, states and times stay."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

from madoguchi.ground.contracts.models import Contract

from .models import Card, Difference, Move

MOST = 5000


def erase_people(contract: Contract, now: dt.datetime) -> int:
    """Reading and birth date of cards that left the stock longer ago than the contract allows; how many cards."""
    terms = contract.profile.cards
    limit = now - dt.timedelta(days=terms.person_days if terms else 0)
    due = Card.objects.filter(Q(person__isnull=False) | Q(person_index__isnull=False), ended_at__lt=limit)
    return Card.objects.filter(pk__in=list(due.values_list("pk", flat=True)[:MOST])).update(person=None, person_index=None)


def erase_words(contract: Contract, now: dt.datetime) -> int:
    """What people wrote of a move or a difference, after the time for residents' data; how many rows."""
    limit = now - dt.timedelta(days=contract.profile.retention.resident_days_after_visit)
    moves = list(Move.objects.filter(words__isnull=False, at__lt=limit).values_list("pk", flat=True)[:MOST])
    return Move.objects.filter(pk__in=moves).update(words=None) + Difference.objects.filter(
        words__isnull=False, resolved_at__lt=limit
    ).update(words=None)
