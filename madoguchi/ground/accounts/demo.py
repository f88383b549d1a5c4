"""Staff of the demo: one person per role and contract, one who works for two contracts, one system administrator.

Everything is derived from fixed tables, so that addresses, passwords and codes are the same after every start.
Never for real use.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.conf import settings
from django.contrib.auth import login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest

from madoguchi.ground.contracts.models import Contract

from .access import DEMO_SESSION
from .models import Assignment, Role, User

PASSWORD = "madoguchi-demo-2026"  # noqa: S105 - printed on the demo page
DOMAIN = "demo.example.jp"
TWO_CONTRACTS = ("hatsukaichi", "izunokuni")

_FAMILY = [
    "佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村", "小林", "加藤",
    "吉田", "山田", "佐々木", "松本", "井上", "木村", "林", "斎藤", "清水", "山崎",
    "森", "池田", "橋本", "阿部", "石川", "前田", "藤田", "小川", "岡田", "後藤",
]  # fmt: skip
_GIVEN = [
    "陽子", "健一", "美咲", "大輔", "由美", "翔太", "恵", "直樹", "さくら", "隆",
    "千尋", "拓也", "真由美", "浩二", "彩", "誠", "香織", "亮", "智子", "和也",
    "明日香", "修", "麻衣", "哲也", "結衣", "進", "奈緒", "剛", "久美子", "悠斗",
]  # fmt: skip


@dataclass(frozen=True)
class DemoLogin:
    """One way into the demo. ``contract`` is a contract's code, empty for several or none; ``role`` is a label."""

    contract: str
    contract_name: str
    role: str
    name: str
    email: str
    password: str
    totp_secret: str

    @property
    def code(self) -> str:
        """The TOTP code of this very moment (6 digits, RFC 6238)."""
        return format_hotp_value(hotp_value(self.totp_secret, int(time.time()) // 30))


def _secret(email: str) -> str:
    return base64.b32encode(hashlib.sha256(f"demo totp {email}".encode()).digest()[:20]).decode()


def demo_logins(contracts: Sequence[Contract]) -> list[DemoLogin]:
    """The people of the demo for these contracts, without touching the database."""
    found = []
    for c, contract in enumerate(contracts):
        for r, role in enumerate(reversed(Role)):
            n = c * len(Role) + r
            name = f"{_FAMILY[n % 30]} {_GIVEN[(n * 7 + c) % 30]}"
            found.append(_login(contract.code, contract.name, role.label, name, f"{role.value}.{contract.code}"))
    names = "・".join(c.name for c in contracts if c.code in TWO_CONTRACTS)
    if all(code in {c.code for c in contracts} for code in TWO_CONTRACTS):
        found.append(_login("", names, "オペレーター（2契約）", "三浦 春香", "operator.two"))
    found.append(_login("", "全体", "システム管理者", "村上 学", "admin"))
    return found


def _login(contract: str, contract_name: str, role: str, name: str, local: str) -> DemoLogin:
    email = f"{local}@{DOMAIN}"
    return DemoLogin(contract, contract_name, role, name, email, PASSWORD, _secret(email))


@transaction.atomic
def make_demo_staff(contracts: Sequence[Contract], now: dt.datetime) -> list[DemoLogin]:
    """Create the staff of the demo, or bring them back to their first state, and return their logins."""
    logins = demo_logins(contracts)
    by_code = {contract.code: contract for contract in contracts}
    for item in logins:
        user = User.objects.filter(email=item.email).first()
        organisation = (
            f"{item.contract_name}{'市民課' if item.role == Role.CITY.label else 'マイナンバーカード窓口（受託者）'}"
        )
        if user is None:
            user = User.objects.create_user(item.email, item.password, name=item.name, organisation=organisation)
        elif not user.check_password(item.password):
            user.set_password(item.password)
        user.name, user.is_active, user.is_system_admin = item.name, True, item.email == f"admin@{DOMAIN}"
        user.save()
        local = item.email.partition("@")[0].partition(".")
        codes = {"two": TWO_CONTRACTS, "": ()}.get(local[2], (local[2],))
        for code in codes:
            Assignment.objects.update_or_create(user=user, contract=by_code[code], defaults={"role": local[0]})
        if not Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists():
            TOTP.activate(user, item.totp_secret)
    return logins


def sign_in_demo(request: HttpRequest, email: str) -> User:
    """Sign in as one of the demo's people without password. ``PermissionDenied`` outside the demo or for others."""
    user = User.objects.filter(email=email, is_active=True).first() if settings.DEMO else None
    if user is None or not email.endswith(f"@{DOMAIN}"):
        raise PermissionDenied("この操作はデモの担当者だけのものです。")
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    request.session[DEMO_SESSION] = True
    return user
