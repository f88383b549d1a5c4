"""What django-allauth reports about sign-in, as audit entries of every contract the person works for."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account_signals
from allauth.mfa import signals as mfa_signals
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

from madoguchi.ground.kit import clock

from .models import User
from .services import note_account_event


def _note(action: str, user: Any, **detail: Any) -> None:
    if isinstance(user, User):
        note_account_event(user, action, now=clock.now(), **detail)


def _signed_in(sender: Any, user: Any, **kwargs: Any) -> None:
    _note("account.signed_in", user)


def _signed_out(sender: Any, user: Any, **kwargs: Any) -> None:
    _note("account.signed_out", user)


def _sign_in_failed(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    email = credentials.get("email") or credentials.get("username") or ""
    _note("account.sign_in_failed", User.objects.filter(email__iexact=str(email)).first())


def _second_factor_failed(sender: Any, user: Any, **kwargs: Any) -> None:
    _note("account.second_factor_failed", user)


def _password_changed(sender: Any, user: Any, **kwargs: Any) -> None:
    _note("account.password_changed", user)


def _factor_added(sender: Any, user: Any, authenticator: Any, **kwargs: Any) -> None:
    _note("account.second_factor_added", user, type=authenticator.type)


def _factor_removed(sender: Any, user: Any, authenticator: Any, **kwargs: Any) -> None:
    _note("account.second_factor_removed", user, type=authenticator.type)


def connect() -> None:
    """Listen; called once when the app is ready."""
    for signal, receiver in (
        (user_logged_in, _signed_in),
        (user_logged_out, _signed_out),
        (user_login_failed, _sign_in_failed),
        (mfa_signals.authentication_failed, _second_factor_failed),
        (account_signals.password_changed, _password_changed),
        (account_signals.password_reset, _password_changed),
        (account_signals.password_set, _password_changed),
        (mfa_signals.authenticator_added, _factor_added),
        (mfa_signals.authenticator_removed, _factor_removed),
    ):
        signal.connect(receiver, dispatch_uid=f"audit {receiver.__name__} {id(signal)}")
