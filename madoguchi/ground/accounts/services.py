"""Deeds on accounts: invite, accept, change role, take off a contract, stop, sign out, reset the second factor."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction

from madoguchi.ground.audit.services import record
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor, Channel
from madoguchi.ground.kit.clock import JST

from . import rules
from .adapters import StaffMFAAdapter
from .models import ACTOR_KIND_OF_ROLE, Assignment, Invitation, Role, User

_FORBIDDEN = "この操作の権限がありません。"


def actor_for(assignment: Assignment | None) -> Actor:
    """The acting party of account deeds; None is the system (command line)."""
    if assignment is None:
        return SYSTEM
    kind = ACTOR_KIND_OF_ROLE[Role(assignment.role)]
    return Actor(kind, Channel.COUNTER, ref=f"user:{assignment.user_id}", label=str(assignment.user))


def hash_of(token: str) -> str:
    """What is kept of an invitation's token (SHA-256, hex)."""
    return hashlib.sha256(token.encode()).hexdigest()


def invite(
    contract: Contract,
    *,
    email: str,
    name: str,
    role: Role,
    by: Assignment | None,
    now: dt.datetime,
    organisation: str = "",
) -> Invitation:
    """Invite somebody to a contract by mail: a single-use link, valid for 72 hours. ``by`` None: the command line.

    An older open invitation of the same address is withdrawn. Raises ``ValidationError`` by field; when the mail cannot
    be handed over, nothing is kept.
    """
    email = email.strip().lower()
    if by is not None and not rules.may_grant(Role(by.role), role):
        raise ValidationError({"role": f"「{role.label}」を招待する権限がありません。"})
    _check_address(contract, email)
    if not name.strip():
        raise ValidationError({"name": "氏名を入力してください。"})
    token = secrets.token_urlsafe(32)
    with contract_scope(contract):
        Invitation.objects.filter(contract=contract, email=email, accepted_at=None, withdrawn_at=None).update(
            withdrawn_at=now
        )
        invitation = Invitation.objects.create(
            contract=contract,
            email=email,
            name=name.strip(),
            organisation=organisation.strip(),
            role=role,
            token_hash=hash_of(token),
            invited_by=by.user if by else None,
            created_at=now,
            expires_at=now + rules.INVITATION_VALID,
        )
        _send_invitation(invitation, token)
        record(contract, "account.invited", f"invitation:{invitation.pk}", by=actor_for(by), now=now, role=str(role))
    return invitation


def _check_address(contract: Contract, email: str) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise ValidationError({"email": "メールアドレスを「name@example.jp」の形で入力してください。"}) from None
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        return
    if not user.is_active:
        raise ValidationError(
            {"email": "このメールアドレスのアカウントは停止されています。別のメールアドレスを使ってください。"}
        )
    if Assignment.objects.filter(user=user, contract=contract).exists():
        raise ValidationError(
            {"email": "この方はすでに担当者です。役割を変えるときは、一覧の「役割を変更」を使ってください。"}
        )


def _send_invitation(invitation: Invitation, token: str) -> None:
    until = invitation.expires_at.astimezone(JST)
    link = f"{settings.PUBLIC_URL.rstrip('/')}/accounts/invitation/{token}/"
    body = (
        f"{invitation.name} 様\n\n"
        f"{invitation.contract.name}の窓口業務システムに、「{Role(invitation.role).label}」として招待されました。\n"
        f"次のリンクを開いて、登録してください。リンクは1回だけ使えます。\n\n{link}\n\n"
        f"有効期限：{until:%Y年%m月%d日 %H:%M}\n\n"
        "登録のあと、サインインには認証アプリまたはパスキーによる二要素認証が必要です。\n"
        "お心当たりがないときは、このメールを削除してください。\n"
    )
    subject = f"【窓口】{invitation.contract.name}の業務システムへの招待"
    try:
        EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [invitation.email]).send()
    except OSError as error:
        raise ValidationError(
            "招待メールを送信できませんでした。招待は作成していません。しばらくしてからもう一度お試しください。"
        ) from error


def invitation_of(token: str) -> Invitation | None:
    """The invitation of a link, whatever its state; None for an unknown token."""
    return Invitation.objects.select_related("contract").filter(token_hash=hash_of(token)).first()


@transaction.atomic
def accept_invitation(token: str, *, password: str, now: dt.datetime) -> User:
    """Turn an invitation into an account, or add the contract to the existing account of that address; use the link up.

    ``password`` is needed for a new account only. Raises ``ValidationError`` when the link is no longer good or the
    password is weak.
    """
    invitation = Invitation.objects.select_for_update(of=("self",)).filter(token_hash=hash_of(token)).first()
    if invitation is None:
        raise ValidationError("招待のリンクが正しくありません。メールのリンクをもう一度開いてください。")
    problem = rules.invitation_problem(
        now=now,
        expires_at=invitation.expires_at,
        accepted_at=invitation.accepted_at,
        withdrawn_at=invitation.withdrawn_at,
    )
    if problem:
        raise ValidationError(problem)
    user = User.objects.filter(email__iexact=invitation.email).first()
    if user is None:
        user = User(email=invitation.email, name=invitation.name, organisation=invitation.organisation)
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise ValidationError({"password": error.messages}) from error
        user = User.objects.create_user(user.email, password, name=user.name, organisation=user.organisation)
    elif not user.is_active:
        raise ValidationError("このメールアドレスのアカウントは停止されています。招待した方にお問い合わせください。")
    assignment, _ = Assignment.objects.get_or_create(
        user=user, contract=invitation.contract, defaults={"role": invitation.role}
    )
    Invitation.objects.filter(pk=invitation.pk).update(accepted_at=now)
    with contract_scope(invitation.contract):
        record(
            invitation.contract,
            "account.joined",
            f"user:{user.pk}",
            by=actor_for(assignment),
            now=now,
            role=assignment.role,
            invitation=invitation.pk,
        )
    return user


def withdraw_invitation(contract: Contract, *, invitation_id: int, by: Assignment, now: dt.datetime) -> None:
    """Make an open invitation useless. Raises ``ValidationError`` without the right or when it is not open."""
    with contract_scope(contract):
        invitation = Invitation.objects.filter(
            pk=invitation_id, contract=contract, accepted_at=None, withdrawn_at=None
        ).first()
        if invitation is None:
            raise ValidationError("この招待は、すでに使われたか取り下げられています。")
        _require(rules.may_grant(Role(by.role), Role(invitation.role)))
        Invitation.objects.filter(pk=invitation.pk).update(withdrawn_at=now)
        record(contract, "account.invitation_withdrawn", f"invitation:{invitation.pk}", by=actor_for(by), now=now)


def change_role(contract: Contract, *, user_id: int, role: Role, by: Assignment, now: dt.datetime) -> None:
    """Give a member of staff another role under this contract. Old and new role must be the giver's to give."""
    with contract_scope(contract):
        subject = _subject(contract, user_id, by)
        if not rules.may_grant(Role(by.role), role):
            raise ValidationError({"role": f"「{role.label}」にする権限がありません。"})
        before = subject.role
        if before == role:
            return
        Assignment.objects.filter(pk=subject.pk).update(role=role)
        record(
            contract,
            "account.role_changed",
            f"user:{user_id}",
            by=actor_for(by),
            now=now,
            before=before,
            after=str(role),
        )


def remove_assignment(contract: Contract, *, user_id: int, by: Assignment, now: dt.datetime) -> None:
    """Take somebody off this contract and sign the person out. The account stays, for other contracts."""
    with contract_scope(contract):
        subject = _subject(contract, user_id, by)
        Assignment.objects.filter(pk=subject.pk).delete()
        end_sessions(subject.user)
        record(contract, "account.assignment_removed", f"user:{user_id}", by=actor_for(by), now=now, role=subject.role)


def deactivate(contract: Contract, *, user_id: int, by: Assignment, now: dt.datetime) -> None:
    """Stop an account that serves only this contract: sessions end, no sign-in any more, the name stays in histories."""
    with contract_scope(contract):
        subject = _subject(contract, user_id, by)
        _require_whole_account(contract, subject.user)
        User.objects.filter(pk=user_id).update(is_active=False)
        Assignment.objects.filter(pk=subject.pk).delete()
        end_sessions(subject.user)
        record(contract, "account.deactivated", f"user:{user_id}", by=actor_for(by), now=now, role=subject.role)


def revoke_sessions(contract: Contract, *, user_id: int, by: Assignment, now: dt.datetime) -> int:
    """Sign somebody out on every device; returns how many sessions ended."""
    with contract_scope(contract):
        subject = _subject(contract, user_id, by)
        ended = end_sessions(subject.user)
        record(contract, "account.sessions_revoked", f"user:{user_id}", by=actor_for(by), now=now, sessions=ended)
    return ended


def reset_second_factor(contract: Contract, *, user_id: int, by: Assignment, now: dt.datetime) -> None:
    """Remove TOTP, passkeys and recovery codes of somebody who lost the device; the next sign-in asks to set up anew."""
    with contract_scope(contract):
        subject = _subject(contract, user_id, by)
        _require_whole_account(contract, subject.user)
        Authenticator.objects.filter(user=subject.user).delete()
        end_sessions(subject.user)
        record(contract, "account.second_factor_reset", f"user:{user_id}", by=actor_for(by), now=now)


def end_sessions(user: User) -> int:
    """End every session of a user."""
    sessions = list(UserSession.objects.filter(user=user))
    for session in sessions:
        session.end()
    return len(sessions)


def note_account_event(user: User, action: str, *, now: dt.datetime, **detail: Any) -> None:
    """Write what a person did with the own account (e.g. sign-in) to the log of each contract he works for."""
    for assignment in Assignment.objects.filter(user=user).select_related("contract", "user").order_by("contract_id"):
        with contract_scope(assignment.contract):
            record(assignment.contract, action, f"user:{user.pk}", by=actor_for(assignment), now=now, **detail)


def _subject(contract: Contract, user_id: int, by: Assignment) -> Assignment:
    subject = (
        Assignment.objects.select_for_update(of=("self",))
        .select_related("user")
        .filter(contract=contract, user_id=user_id)
        .first()
    )
    if subject is None:
        raise ValidationError("この担当者は、この契約から外れています。画面を読み込み直してください。")
    _require(rules.may_manage(Role(by.role), Role(subject.role), self_change=subject.user_id == by.user_id))
    return subject


def _require_whole_account(contract: Contract, user: User) -> None:
    others = Assignment.objects.filter(user=user).values_list("contract_id", flat=True)
    if not rules.may_act_on_account(contract.pk, list(others), system_admin=user.is_system_admin):
        raise ValidationError("この方は別の契約も担当しています。ここでできるのは「契約から外す」だけです。")


def _require(allowed: bool) -> None:
    if not allowed:
        raise ValidationError(_FORBIDDEN)


def reseal_second_factors() -> int:
    """Seal every second factor's secret under the newest master key; how many were under an older one.

    It may be interrupted and run again. Raises ``ImproperlyConfigured`` when no known master key opens one of them.
    """
    adapter = StaffMFAAdapter()
    count = 0
    for pk in Authenticator.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().get(pk=pk)
            old = {k: v for k, v in row.data.items() if isinstance(v, str) and adapter.is_under_older_key(v)}
            if old:
                row.data = {**row.data, **{k: adapter.encrypt(adapter.decrypt(v)) for k, v in old.items()}}
                row.save(update_fields=["data"])
                count += 1
    return count
