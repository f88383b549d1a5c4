"""What is known of who calls: for the operator's page, the moment it rings. Inside ``contract_scope``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from madoguchi.domain.booking.queries import desk
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import phones
from madoguchi.ground.privacy.sealing import Keyring, keyring

from ..enums import Outcome, Result, Topic
from ..models import Call, Callback, Contact, Escalation
from ..words import CALLBACK, CONTACT, ESCALATION, plain_number

LAST = 5
"""How many past contacts and calls are shown."""


@dataclass(frozen=True)
class PastContact:
    """One line of what was said before."""

    id: int
    at: dt.datetime
    topic: str
    result: str
    operator: str
    question: str
    answer: str
    bookings: tuple[str, ...]


@dataclass(frozen=True)
class PastCall:
    """One call before this one."""

    id: int
    at: dt.datetime
    outcome: str
    unanswered: bool
    wait_seconds: int | None


@dataclass(frozen=True)
class Owed:
    """Something still owed to the caller: a call-back, or a matter of the second line."""

    kind: str
    id: int
    since: dt.datetime
    due_at: dt.datetime
    late: bool
    text: str


@dataclass(frozen=True)
class Caller:
    """All of it. ``number`` is shown with hyphens, empty when withheld; every list is newest first, bookings to come first."""

    number: str
    withheld: bool
    bookings: list[desk.Found]
    contacts: list[PastContact]
    calls: list[PastCall]
    owed: list[Owed]

    @property
    def known(self) -> bool:
        """Whether anything is."""
        return bool(self.bookings or self.contacts or self.calls or self.owed)


def caller(contract: Contract, number: str, *, withheld: bool, besides: str = "", now: dt.datetime) -> Caller:
    """What is known of a number; ``besides`` is the reference of the call that rings. A withheld number is known to nobody."""
    if withheld or not number:
        return Caller("", True, [], [], [], [])
    ring = keyring(contract)
    plain = plain_number(number)
    index = ring.blind("phone", plain)
    contacts = []
    for row in Contact.objects.filter(number_index=index).select_related("operator").order_by("-at")[:LAST]:
        words = _words(ring, CONTACT, row.words)
        contacts.append(
            PastContact(
                row.pk, row.at, str(Topic(row.topic).label), str(Result(row.result).label), str(row.operator),
                words.get("question", ""), words.get("answer", ""), tuple(row.bookings),
            )
        )  # fmt: skip
    calls = [
        PastCall(row.pk, row.opened_at, str(Outcome(row.outcome).label), row.unanswered, row.wait_seconds)
        for row in Call.objects.filter(number_index=index).exclude(ref=besides).order_by("-opened_at")[:LAST]
    ]
    owed = [
        Owed("callback", row.pk, row.asked_at, row.due_at, row.due_at < now, _words(ring, CALLBACK, row.words).get("about", ""))
        for row in Callback.objects.filter(number_index=index, ended_at=None)
    ]
    open_matters = Escalation.objects.filter(contact__number_index=index, closed_at=None)
    owed += [
        Owed("escalation", row.pk, row.opened_at, row.due_at, row.due_at < now, _words(ring, ESCALATION, row.words).get("summary", ""))
        for row in open_matters
    ]
    found = desk.find(contract, desk.SearchKey("phone", phone=plain), now=now)
    return Caller(phones.show(plain), False, found, contacts, calls, owed)


def _words(ring: Keyring, purpose: str, sealed: bytes | memoryview | None) -> dict[str, str]:
    return dict(ring.unseal_json(purpose, sealed)) if sealed else {}
