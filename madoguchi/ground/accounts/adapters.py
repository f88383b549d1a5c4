"""How django-allauth behaves for staff: no sign-up, secrets of second factors sealed under the master key."""

from __future__ import annotations

import base64
import os
import time

from allauth.account import app_settings as account_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

_PREFIX = "m1:"
_BOUND = b"second factor"


class StaffAdapter(DefaultAccountAdapter):
    """Accounts are made by invitation only."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "メールアドレスかパスワードが違います。",
        "too_many_login_attempts": (
            "サインインの失敗が続いたため、このアカウントは一時的に使えません。15分ほど待ってからお試しください。"
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Always False: an account begins with an invitation."""
        return False

    def is_reauthentication_required(self, *, app: str, **kwargs: object) -> bool:
        """False within ten minutes of a sign-in: who has just proved himself is not asked again at once."""
        request = context.request
        records = get_authentication_records(request, request.user) if request else []
        fresh = any(time.time() - r["at"] < account_settings.REAUTHENTICATION_TIMEOUT for r in records)
        return not fresh and bool(super().is_reauthentication_required(app=app, **kwargs))


class StaffMFAAdapter(DefaultMFAAdapter):
    """Keeps TOTP secrets and recovery seeds as AES-256-GCM under the newest master key; older keys still open them."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "確認コードが違います。認証アプリに表示されている新しいコードを入れてください。",
    }

    def encrypt(self, text: str) -> str:
        """Seal a secret: ``m1:`` and base64 of nonce and ciphertext."""
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(settings.MASTER_KEYS[0]).encrypt(nonce, text.encode(), _BOUND)
        return _PREFIX + base64.b64encode(sealed).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Open a secret. ``ImproperlyConfigured`` when no known master key opens it."""
        sealed = base64.b64decode(encrypted_text.removeprefix(_PREFIX))
        for master in settings.MASTER_KEYS:
            try:
                return AESGCM(master).decrypt(sealed[:12], sealed[12:], _BOUND).decode()
            except InvalidTag:
                continue
        raise ImproperlyConfigured(
            "no master key opens this second factor: set MADOGUCHI_MASTER_KEYS_OLD to the former master key"
        )

    def is_under_older_key(self, text: str) -> bool:
        """True for a secret that ``encrypt`` made and the newest master key does not open."""
        if not text.startswith(_PREFIX):
            return False
        sealed = base64.b64decode(text.removeprefix(_PREFIX))
        try:
            AESGCM(settings.MASTER_KEYS[0]).decrypt(sealed[:12], sealed[12:], _BOUND)
        except InvalidTag:
            return True
        return False

    def generate_authenticator_name(self, user: object, type: object) -> str:
        """Suggested name of a new passkey."""
        from allauth.mfa.models import Authenticator

        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()  # type: ignore[attr-defined]
        return f"パスキー{count + 1}"
