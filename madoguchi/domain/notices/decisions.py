"""What waits for the city's decision, and what the city decided: the same two mails for reports, papers and flows.

They name the matter and its page, nothing else: comments and figures are read there.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from madoguchi.ground.accounts.models import Role
from madoguchi.ground.accounts.queries import people_in_role
from madoguchi.ground.contracts.models import Contract

from .models import StaffKind
from .recipients import Recipient
from .services import drop, queue

ANSWERED = (Role.MANAGER, Role.SUPERVISOR)
"""Who hears of the answer: they hand reports and papers in."""


def ask(contract: Contract, *, ref: str, now: dt.datetime) -> None:
    """A mail to each of the city's officials that ``ref`` (``<name>:<id>``) waits for them, inside the caller's transaction."""
    _tell(contract, ref, StaffKind.ASKED, (Role.CITY,), now)


def answer(contract: Contract, *, ref: str, now: dt.datetime) -> None:
    """A mail to managers and leaders that the city decided on ``ref``; what still asks the city is taken back."""
    drop(contract, ref=ref, kinds=[StaffKind.ASKED])
    _tell(contract, ref, StaffKind.ANSWERED, ANSWERED, now)


def withdraw(contract: Contract, *, ref: str) -> None:
    """Who handed ``ref`` in took it back: nobody is asked any more."""
    drop(contract, ref=ref, kinds=[StaffKind.ASKED])


def _tell(contract: Contract, ref: str, kind: StaffKind, roles: tuple[Role, ...], now: dt.datetime) -> None:
    for pk in {user.pk: user for role in roles for user in people_in_role(contract, role)}:
        queue(contract, ref=ref, kind=kind, language="ja", now=now, detail={"user": pk})


def recipient(contract: Contract, kind: str, user: int, *, what: str, who: str, answered: str, page: str) -> Recipient | None:
    """The mail about ``what`` to a person while still in a role that hears of it.

    ``who`` handed it in; ``answered`` is the city's answer in words, empty while it waits: a mail that asks for a decision already made,
    or tells of none, is not sent. ``page`` is its address below the contract's staff pages.
    """
    roles = (Role.CITY,) if kind == StaffKind.ASKED else ANSWERED
    person = next((one for role in roles for one in people_in_role(contract, role) if one.pk == user), None)
    if person is None or (kind == StaffKind.ASKED) == bool(answered):
        return None
    link = f"{settings.PUBLIC_URL}/staff/{contract.code}/{page}"
    return Recipient(person.email, {"city": contract.profile.city.name, "what": what, "who": who, "answer": answered, "link": link})
