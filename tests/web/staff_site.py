"""Shared by tests of staff screens: a contract with slots at a fixed moment, and clients signed in with a second factor."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.party import Contact, Person, clean_contact, clean_person
from madoguchi.domain.booking.services.reserve import Reservation, Reserved, reserve
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import CITIZEN_WEB, Actor
from madoguchi.ground.kit.clock import JST

_numbers = itertools.count(1)
SignIn = Callable[..., Client]
TUESDAY_10 = dt.datetime(2026, 11, 10, 10, 0, tzinfo=JST)


@pytest.fixture
def site(contracts: dict[str, Contract], now: dt.datetime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Contract]:
    """廿日市市 with its slots; the screens live at ``now``."""
    monkeypatch.setattr(clock, "now", lambda: now)
    availability.forget()
    set_up(contracts["hatsukaichi"], now=now)
    yield contracts["hatsukaichi"]
    availability.forget()


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """``sign_in(contract, role)`` gives a client of a new member of staff with a second factor."""

    def make(contract: Contract, role: Role = Role.OPERATOR) -> Client:
        user = User.objects.create_user(f"staff{next(_numbers)}@example.jp", None, name=f"{role.label} 花子")
        Assignment.objects.create(user=user, contract=contract, role=role)
        TOTP.activate(user, generate_totp_secret())
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return make


@pytest.fixture
def at_desk(site: Contract, sign_in: SignIn) -> Client:
    """An operator of 廿日市市."""
    return sign_in(site, Role.OPERATOR)


def book(
    contract: Contract,
    starts_at: dt.datetime = TUESDAY_10,
    *,
    names: tuple[tuple[str, str, str], ...] = (("山田 太郎", "ヤマダ タロウ", "1980-01-02"),),
    procedure: str = "card_pickup",
    phone: str = "090-1234-5678",
    email: str = "",
    by: Actor = CITIZEN_WEB,
    now: dt.datetime,
) -> Reserved:
    """A booking as a resident would make it."""
    people = [
        (procedure, Person(clean_person(contract.profile, procedure, {"name": n, "kana": k, "birth_date": b}, today=now.date()).values))
        for n, k, b in names
    ]  # fmt: skip
    typed = {"phone": phone, "email": email}
    contact = Contact(clean_contact(contract.profile, [procedure], typed, today=now.date()).values)
    wanted = Reservation(contract.profile.sites[0].code, starts_at, people, contact, "ja", f"key-{next(_numbers)}")
    with contract_scope(contract):
        return reserve(contract, wanted, by=by, now=now)
