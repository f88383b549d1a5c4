"""Invitations and deeds on accounts: what they change, what they refuse, what the log says."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.exceptions import ValidationError

from madoguchi.ground.accounts import services
from madoguchi.ground.accounts.demo import DOMAIN, make_demo_staff
from madoguchi.ground.accounts.models import Assignment, Invitation, Role, User
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.audit.queries import verify
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope

PASSWORD = "takai-yama-9-kawa"


@pytest.fixture
def city(contracts: dict[str, Contract]) -> Contract:
    return contracts["hatsukaichi"]


@pytest.fixture
def staff(contracts: dict[str, Contract], now: dt.datetime) -> dict[str, Assignment]:
    make_demo_staff(list(contracts.values()), now)
    return {
        a.user.email.removesuffix(f"@{DOMAIN}"): a
        for a in Assignment.objects.select_related("user", "contract")
        if a.contract.code == "hatsukaichi"
    }


def link_token() -> str:
    found = re.search(r"/accounts/invitation/([\w-]+)/", str(mail.outbox[-1].body))
    assert found
    return found[1]


def log(contract: Contract) -> list[tuple[str, str]]:
    with contract_scope(contract):
        return list(Entry.objects.order_by("id").values_list("action", "target"))


@pytest.mark.req("SEC-01")
def test_an_invited_person_joins_once(city: Contract, staff: dict[str, Assignment], now: dt.datetime) -> None:
    manager = staff["manager.hatsukaichi"]
    invitation = services.invite(
        city, email=" New@Example.JP ", name="新人 一郎", role=Role.OPERATOR, by=manager, now=now
    )
    token = link_token()
    assert mail.outbox[-1].to == ["new@example.jp"]
    assert token not in invitation.token_hash
    assert services.invitation_of(token) == invitation
    with pytest.raises(ValidationError) as weak:
        services.accept_invitation(token, password="password", now=now)
    assert "password" in weak.value.message_dict
    assert not User.objects.filter(email="new@example.jp").exists()
    user = services.accept_invitation(token, password=PASSWORD, now=now)
    assert user.check_password(PASSWORD)
    assert [(a.contract.code, a.role) for a in Assignment.objects.filter(user=user)] == [("hatsukaichi", "operator")]
    with pytest.raises(ValidationError, match="すでに使われて"):
        services.accept_invitation(token, password=PASSWORD, now=now)
    assert log(city) == [("account.invited", f"invitation:{invitation.pk}"), ("account.joined", f"user:{user.pk}")]
    assert verify(city) == []


@pytest.mark.req("SEC-01")
def test_a_known_person_gets_the_second_contract_and_keeps_the_password(
    city: Contract, staff: dict[str, Assignment], contracts: dict[str, Contract], now: dt.datetime
) -> None:
    other = Assignment.objects.get(contract=contracts["izumi"], role=Role.CITY)
    services.invite(
        contracts["izumi"],
        email=staff["operator.hatsukaichi"].user.email,
        name="x",
        role=Role.COUNTER,
        by=other,
        now=now,
    )
    user = services.accept_invitation(link_token(), password="", now=now)
    assert user == staff["operator.hatsukaichi"].user
    assert sorted(Assignment.objects.filter(user=user).values_list("contract__code", "role")) == [
        ("hatsukaichi", "operator"),
        ("izumi", "counter"),
    ]


@pytest.mark.req("SEC-01")
@pytest.mark.parametrize(
    ("email", "name", "role", "field"),
    [
        ("no address", "x", Role.OPERATOR, "email"),
        (f"operator.hatsukaichi@{DOMAIN}", "x", Role.OPERATOR, "email"),
        ("a@example.jp", " ", Role.OPERATOR, "name"),
        ("a@example.jp", "x", Role.CITY, "role"),
    ],
)
def test_wrong_invitations_are_refused_by_field(
    city: Contract, staff: dict[str, Assignment], now: dt.datetime, email: str, name: str, role: Role, field: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        services.invite(city, email=email, name=name, role=role, by=staff["manager.hatsukaichi"], now=now)
    assert list(refused.value.message_dict) == [field]
    assert Invitation.objects.count() == 0
    assert mail.outbox == []


@pytest.mark.req("SEC-01")
def test_a_second_invitation_makes_the_first_link_useless(
    city: Contract, staff: dict[str, Assignment], now: dt.datetime
) -> None:
    for _ in range(2):
        services.invite(
            city, email="a@example.jp", name="a", role=Role.COUNTER, by=staff["manager.hatsukaichi"], now=now
        )
    first = re.search(r"invitation/([\w-]+)/", str(mail.outbox[0].body))
    assert first
    with pytest.raises(ValidationError, match="取り下げ"):
        services.accept_invitation(first[1], password=PASSWORD, now=now)


@pytest.mark.req("SEC-01")
def test_without_mail_server_nothing_is_kept(
    city: Contract, staff: dict[str, Assignment], now: dt.datetime, settings: object
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
    settings.EMAIL_PORT = 9  # type: ignore[attr-defined]
    with pytest.raises(ValidationError, match="送信できませんでした"):
        services.invite(
            city, email="a@example.jp", name="a", role=Role.COUNTER, by=staff["manager.hatsukaichi"], now=now
        )
    assert Invitation.objects.count() == 0
    assert log(city) == []


@pytest.mark.req("SEC-01")
def test_the_command_line_can_invite_the_first_person(city: Contract, now: dt.datetime) -> None:
    services.invite(city, email="first@example.jp", name="最初", role=Role.CITY, by=None, now=now)
    assert services.accept_invitation(link_token(), password=PASSWORD, now=now).name == "最初"
    with contract_scope(city):
        assert Entry.objects.order_by("id").values_list("actor_kind", "actor").first() == ("system", "")


@pytest.mark.req("SEC-01")
def test_role_change_removal_and_their_limits(city: Contract, staff: dict[str, Assignment], now: dt.datetime) -> None:
    manager, official = staff["manager.hatsukaichi"], staff["city.hatsukaichi"]
    operator = staff["operator.hatsukaichi"]
    services.change_role(city, user_id=operator.user_id, role=Role.SUPERVISOR, by=manager, now=now)
    assert Assignment.objects.get(pk=operator.pk).role == "supervisor"
    for attempt in (
        lambda: services.change_role(city, user_id=operator.user_id, role=Role.CITY, by=manager, now=now),
        lambda: services.change_role(city, user_id=official.user_id, role=Role.OPERATOR, by=manager, now=now),
        lambda: services.change_role(city, user_id=manager.user_id, role=Role.OPERATOR, by=manager, now=now),
        lambda: services.remove_assignment(city, user_id=official.user_id, by=manager, now=now),
        lambda: services.remove_assignment(city, user_id=operator.user_id, by=operator, now=now),
        lambda: services.deactivate(city, user_id=official.user_id, by=official, now=now),
    ):
        with pytest.raises(ValidationError):
            attempt()
    services.remove_assignment(city, user_id=operator.user_id, by=manager, now=now)
    assert not Assignment.objects.filter(pk=operator.pk).exists()
    assert User.objects.get(pk=operator.user_id).is_active
    assert log(city) == [
        ("account.role_changed", f"user:{operator.user_id}"),
        ("account.assignment_removed", f"user:{operator.user_id}"),
    ]


@pytest.mark.req("SEC-01")
def test_stopping_an_account_and_resetting_its_factor(
    city: Contract, staff: dict[str, Assignment], now: dt.datetime
) -> None:
    manager, two, counter = (staff[k] for k in ("manager.hatsukaichi", "operator.two", "counter.hatsukaichi"))
    for deed in (services.deactivate, services.reset_second_factor):
        with pytest.raises(ValidationError, match="別の契約も担当"):
            deed(city, user_id=two.user_id, by=manager, now=now)
    services.reset_second_factor(city, user_id=counter.user_id, by=manager, now=now)
    assert not Authenticator.objects.filter(user=counter.user).exists()
    services.deactivate(city, user_id=counter.user_id, by=manager, now=now)
    assert not User.objects.get(pk=counter.user_id).is_active
    with pytest.raises(ValidationError, match="停止されています"):
        services.invite(city, email=counter.user.email, name="x", role=Role.COUNTER, by=manager, now=now)


@pytest.mark.req("SEC-01")
def test_demo_staff_are_the_same_after_every_start(contracts: dict[str, Contract], now: dt.datetime) -> None:
    first = make_demo_staff(list(contracts.values()), now)
    User.objects.filter(email=first[0].email).update(is_active=False)
    assert make_demo_staff(list(contracts.values()), now) == first
    assert len(first) == 5 * 6 + 2 == User.objects.filter(is_active=True).count()
    two = User.objects.get(email=f"operator.two@{DOMAIN}")
    assert set(Assignment.objects.filter(user=two).values_list("contract__code", flat=True)) == {
        "hatsukaichi",
        "izunokuni",
    }
    admin = User.objects.get(email=f"admin@{DOMAIN}")
    assert admin.is_system_admin
    assert not Assignment.objects.filter(user=admin).exists()
