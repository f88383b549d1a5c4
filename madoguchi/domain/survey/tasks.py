"""Doors without a person: what the worker calls on time."""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract

from .services import ask_by_mail, count_answers


def ask_visitors(now: dt.datetime) -> int:
    """Queue the mails to who came on the day before. How many."""
    return sum(ask_by_mail(contract, now=now) for contract in Contract.objects.filter(active=True))


def count_all(now: dt.datetime) -> int:
    """Write the facts of the answers of hours that are over. How many answers."""
    return sum(count_answers(contract, now=now) for contract in Contract.objects.all() if contract.profile.survey is not None)
