"""SIP telephones: their passwords, their end, and who sits at them, up to the file that the exchange reads."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from madoguchi.domain.callflow import services
from madoguchi.domain.callflow.models import Telephone
from madoguchi.domain.callflow.services import FlowRefused
from madoguchi.domain.callflow.telephones import add_telephone, get_up, issue_password, sit_down, switch_off
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel
from madoguchi.voice import flow as voice

from .conftest import CITY

Commit = Any


@pytest.fixture
def here(contract: Contract, now: dt.datetime) -> Contract:
    """廿日市市 with a published flow."""
    services.publish_flow(contract, by=CITY, now=now)
    return contract


def person(contract: Contract, role: Role = Role.OPERATOR) -> tuple[User, Actor]:
    user = User.objects.create_user(f"{role}{User.objects.count()}@example.jp", None, name="山本 花")
    Assignment.objects.create(user=user, contract=contract, role=role)
    return user, Actor(ActorKind.CALL_CENTRE, Channel.PHONE, f"user:{user.pk}", str(user))


def phones(voice_dir: Path, contract: Contract, now: dt.datetime) -> tuple[voice.Phone, ...]:
    services.deliver(contract, now=now)
    return voice.read(voice_dir / "hatsukaichi" / "flow.json").phones


@pytest.mark.req("CALL-08", "SEC-04")
def test_a_password_is_told_once_and_the_exchange_gets_its_digest(
    here: Contract, now: dt.datetime, voice_dir: Path, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        row, password = add_telephone(here, name="1番席", place="2階", by=CITY, now=now)
    file = voice_dir / "hatsukaichi" / "flow.json"
    (phone,) = voice.read(file).phones
    assert (row.user, phone.user, phone.operator) == ("hatsukaichi-01", "hatsukaichi-01", "")
    assert phone.ha1 == voice.ha1_of("hatsukaichi-01", password)
    assert password not in file.read_text() and file.stat().st_mode & 0o007 == 0
    with contract_scope(here):
        kept = bytes(Telephone.objects.get().secret)
        assert phone.ha1.encode() not in kept and password.encode() not in kept
        assert password not in str(list(Entry.objects.filter(action__startswith="telephone.").values()))
    _, second = issue_password(here, row.pk, by=CITY, now=now)
    assert second != password
    assert phones(voice_dir, here, now)[0].ha1 == voice.ha1_of("hatsukaichi-01", second)
    other, _ = add_telephone(here, name="2番席", place="", by=CITY, now=now)
    assert other.user == "hatsukaichi-02"
    with pytest.raises(FlowRefused, match="すでにあります"):
        add_telephone(here, name="2番席", place="", by=CITY, now=now)


@pytest.mark.req("CALL-08")
def test_a_telephone_that_was_switched_off_is_not_delivered(here: Contract, now: dt.datetime, voice_dir: Path) -> None:
    row, _ = add_telephone(here, name="1番席", place="", by=CITY, now=now)
    user, by = person(here)
    sit_down(here, row.pk, user=user, by=by, now=now)
    switch_off(here, row.pk, by=CITY, now=now)
    assert phones(voice_dir, here, now) == ()
    with pytest.raises(FlowRefused, match="すでに止めて"):
        switch_off(here, row.pk, by=CITY, now=now)
    with pytest.raises(FlowRefused, match="止めてあります"):
        sit_down(here, row.pk, user=user, by=by, now=now)
    issue_password(here, row.pk, by=CITY, now=now)
    assert [phone.operator for phone in phones(voice_dir, here, now)] == [""]


@pytest.mark.req("CALL-03")
def test_who_sits_at_a_telephone_takes_calls_there_until_the_end_of_the_day(
    here: Contract, contracts: dict[str, Contract], now: dt.datetime, voice_dir: Path
) -> None:
    first, second = (add_telephone(here, name=name, place="", by=CITY, now=now)[0] for name in ("1番席", "2番席"))
    user, by = person(here, Role.SUPERVISOR)
    Assignment.objects.create(user=user, contract=contracts["izumi"], role=Role.OPERATOR)
    Assignment.objects.create(user=user, contract=contracts["nagaoka"], role=Role.AUDITOR)
    sit_down(here, first.pk, user=user, by=by, now=now)
    at = phones(voice_dir, here, now)[0]
    assert (at.operator, at.contracts, at.supervisor) == (f"user:{user.pk}", ("hatsukaichi", "izumi"), True)
    colleague, theirs = person(here)
    with pytest.raises(FlowRefused, match="山本 花さんが使っています"):
        sit_down(here, first.pk, user=colleague, by=theirs, now=now)
    sit_down(here, second.pk, user=user, by=by, now=now)
    assert [phone.operator for phone in phones(voice_dir, here, now)] == ["", f"user:{user.pk}"]
    tomorrow = now + dt.timedelta(days=1)
    assert [phone.operator for phone in phones(voice_dir, here, tomorrow)] == ["", ""]
    sit_down(here, second.pk, user=colleague, by=theirs, now=tomorrow)
    Assignment.objects.filter(user=colleague).delete()
    assert phones(voice_dir, here, tomorrow)[1].operator == "", "who answers calls no more sits nowhere"
    get_up(here, user=colleague, by=theirs, now=tomorrow)
    get_up(here, user=colleague, by=theirs, now=tomorrow)
    with contract_scope(here):
        assert not Telephone.objects.filter(operator__isnull=False).exists()
        assert list(Entry.objects.filter(action__in=("telephone.seated", "telephone.left")).order_by("pk").values_list("action", flat=True)) == [
            "telephone.seated", "telephone.seated", "telephone.seated", "telephone.left",
        ]  # fmt: skip
