"""Deeds on the SIP telephones of a contract, and who sits at which.

A password is made here, shown once by the page that asked for it, and kept nowhere: what is sealed, and what the exchange gets in the flow
file, is its digest, which serves for nothing else. Who sits at a telephone takes calls there on that day, in the place of the browser.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from typing import Final

from django.db import transaction

from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.voice import flow as voice

from .models import PURPOSE, Telephone
from .queries import seated_today
from .services import FlowRefused, _lock, _telephone, deliver_soon

MOST: Final = 99
"""Telephones of a contract."""
LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters of a password: none that is taken for another when it is read from paper; 16 of them are 79 bits."""
GONE: Final = "この電話機はありません。画面を開き直してください。"
OFF: Final = "この電話機は止めてあります。業務責任者にたずねてください。"


@transaction.atomic
def add_telephone(contract: Contract, *, name: str, place: str, by: Actor, now: dt.datetime) -> tuple[Telephone, str]:
    """A new telephone and its password, which is told this once. Raises :class:`FlowRefused`."""
    _telephone(contract)
    name, place = name.strip(), place.strip()
    if not name:
        raise FlowRefused("名前を入力してください。")
    with contract_scope(contract):
        _lock(contract)
        if Telephone.objects.filter(name=name).exists():
            raise FlowRefused("この名前の電話機は、すでにあります。別の名前にしてください。")
        number = 1 + max((int(user.rpartition("-")[2]) for user in Telephone.objects.values_list("user", flat=True)), default=0)
        if number > MOST:
            raise FlowRefused(f"電話機は{MOST}台までです。止めてある電話機のパスワードを発行し直して使ってください。")
        user = f"{contract.code}-{number:02d}"
        password = _password()
        row = Telephone.objects.create(
            contract=contract, name=name, place=place, user=user, secret=_sealed(contract, user, password), issued_at=now, issued_by=by.label or by.ref
        )  # fmt: skip
        audit.record(contract, "telephone.added", _target(row), by=by, now=now, name=name, place=place)
        deliver_soon(contract, now=now)
        return row, password


@transaction.atomic
def issue_password(contract: Contract, telephone: int, *, by: Actor, now: dt.datetime) -> tuple[Telephone, str]:
    """A new password, told this once; the one before it holds no more, also where the telephone is registered. A telephone that was switched off
    is in service again. Raises :class:`FlowRefused`.
    """
    with contract_scope(contract):
        row = _locked(telephone)
        password = _password()
        row.secret, row.issued_at, row.issued_by = _sealed(contract, row.user, password), now, by.label or by.ref
        row.save(update_fields=["secret", "issued_at", "issued_by"])
        audit.record(contract, "telephone.password_issued", _target(row), by=by, now=now)
        deliver_soon(contract, now=now)
        return row, password


@transaction.atomic
def switch_off(contract: Contract, telephone: int, *, by: Actor, now: dt.datetime) -> Telephone:
    """End a telephone's registration, within seconds; a call that goes on there is talked to its end. Raises :class:`FlowRefused`."""
    with contract_scope(contract):
        row = _locked(telephone)
        if not row.in_service:
            raise FlowRefused("この電話機は、すでに止めてあります。")
        row.secret = row.operator = row.seated_at = None
        row.save(update_fields=["secret", "operator", "seated_at"])
        audit.record(contract, "telephone.switched_off", _target(row), by=by, now=now)
        deliver_soon(contract, now=now)
        return row


@transaction.atomic
def sit_down(contract: Contract, telephone: int, *, user: User, by: Actor, now: dt.datetime) -> Telephone:
    """An operator takes calls at a telephone for the rest of the day, and leaves the one before. Raises :class:`FlowRefused` where somebody else
    sits there today.
    """
    with contract_scope(contract):
        _lock(contract)
        row = _locked(telephone)
        if not row.in_service:
            raise FlowRefused(OFF)
        if row.operator_id not in (None, user.pk) and seated_today(row, now):
            raise FlowRefused(f"「{row.name}」は、きょうは{row.operator}さんが使っています。別の電話機を選んでください。")
        Telephone.objects.filter(operator=user).exclude(pk=row.pk).update(operator=None, seated_at=None)
        row.operator, row.seated_at = user, now
        row.save(update_fields=["operator", "seated_at"])
        audit.record(contract, "telephone.seated", _target(row), by=by, now=now)
        deliver_soon(contract, now=now)
        return row


@transaction.atomic
def get_up(contract: Contract, *, user: User, by: Actor, now: dt.datetime) -> None:
    """An operator takes calls in the browser again; nothing happens where the operator sits at no telephone."""
    with contract_scope(contract):
        row = Telephone.objects.select_for_update(of=("self",)).filter(operator=user).first()
        if row is None:
            return
        row.operator = row.seated_at = None
        row.save(update_fields=["operator", "seated_at"])
        audit.record(contract, "telephone.left", _target(row), by=by, now=now)
        deliver_soon(contract, now=now)


def _password() -> str:
    letters = "".join(secrets.choice(LETTERS) for _ in range(16))
    return "-".join(re.findall("....", letters))


def _sealed(contract: Contract, user: str, password: str) -> bytes:
    return keyring(contract).seal(PURPOSE, voice.ha1_of(user, password).encode())


def _locked(telephone: int) -> Telephone:
    row: Telephone | None = Telephone.objects.select_for_update(of=("self",)).filter(pk=telephone).first()
    if row is None:
        raise FlowRefused(GONE)
    return row


def _target(row: Telephone) -> str:
    return f"telephone:{row.user}"
