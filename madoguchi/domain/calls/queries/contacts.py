"""Reads of contacts: lists and counts without words, one record with them. Inside ``contract_scope``; who shows words reports the look."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet

from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import keyring

from ..enums import Outcome, Topic
from ..models import Call, Contact
from ..services.contacts import Words
from ..words import CONTACT, NUMBER, plain_number

UNWRITTEN_DAYS = 14
MOST_UNWRITTEN = 100


@dataclass(frozen=True)
class Conditions:
    """Which contacts: days (both inclusive), and values; an empty value asks for nothing."""

    first: dt.date
    last: dt.date
    topic: str = ""
    result: str = ""
    source: str = ""
    language: str = ""
    operator: int | None = None


def contacts(conditions: Conditions) -> QuerySet[Contact]:
    """The contacts that meet the conditions, the latest first."""
    begin = dt.datetime.combine(conditions.first, dt.time(), JST)
    end = dt.datetime.combine(conditions.last + dt.timedelta(days=1), dt.time(), JST)
    values = {name: value for name in ("topic", "result", "source", "language") if (value := getattr(conditions, name))}
    if conditions.operator is not None:
        values["operator_id"] = conditions.operator
    return Contact.objects.filter(at__gte=begin, at__lt=end, **values).select_related("operator").order_by("-at", "-id")


def contacts_of_number(contract: Contract, number: str) -> QuerySet[Contact]:
    """The contacts of one telephone number in any spelling, the latest first."""
    index = keyring(contract).blind("phone", plain_number(number))
    return Contact.objects.filter(number_index=index).select_related("operator").order_by("-at", "-id")


def by_topic(conditions: Conditions) -> list[tuple[str, int]]:
    """Name of the topic and number of contacts, the most frequent first."""
    counted = contacts(conditions).order_by().values_list("topic").annotate(n=Count("id")).order_by("-n", "topic")
    return [(str(Topic(topic).label), n) for topic, n in counted]


def operators() -> QuerySet[User]:
    """Everybody who wrote a record of this contract."""
    return User.objects.filter(pk__in=Contact.objects.values("operator_id")).order_by("name", "pk")


def unwritten(now: dt.datetime) -> QuerySet[Call]:
    """Calls of the last ``UNWRITTEN_DAYS`` days that somebody answered and nobody recorded, the latest first; at most ``MOST_UNWRITTEN``."""
    since = now - dt.timedelta(days=UNWRITTEN_DAYS)
    written = Contact.objects.filter(call_id=OuterRef("pk"))
    answered = Call.objects.filter(outcome=Outcome.ANSWERED, ended_at__isnull=False, opened_at__gte=since)
    return answered.exclude(Exists(written)).select_related("operator").order_by("-opened_at", "-id")[:MOST_UNWRITTEN]


def words_of(contract: Contract, contact: Contact) -> Words:
    """What was said; empty once erased."""
    found: dict[str, Any] = keyring(contract).unseal_json(CONTACT, contact.words) if contact.words else {}
    return Words(**found)


def number_of(contract: Contract, call: Call) -> str:
    """The caller's number of a call, plain; empty when it was withheld or is erased."""
    return str(keyring(contract).unseal_json(NUMBER, call.number)["number"]) if call.number else ""
