"""Headers, cookies and addresses of every kind of page: nothing comes from elsewhere, nothing may be framed or kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from config import env
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.web.ui.middleware import CONTENT_SECURITY_POLICY
from tests.web.staff_site import SignIn, sign_in, site  # noqa: F401

PUBLIC = [
    "/",
    "/hatsukaichi/",
    "/hatsukaichi/?lang=en",
    "/hatsukaichi/book/",
    "/hatsukaichi/book/when/?p=card_pickup&site=main",
    "/hatsukaichi/book/day/?p=card_pickup&site=main&day=2026-11-10",
    "/hatsukaichi/find/",
    "/hatsukaichi/privacy/",
    "/hatsukaichi/accessibility/",
    "/izunokuni/",
    "/accounts/login/",
    "/accounts/password/reset/",
    "/nothing/here/",
]
STAFF = ["/staff/", "/staff/hatsukaichi/", "/staff/hatsukaichi/desk/", "/staff/hatsukaichi/desk/new/"]
STAFF += [
    f"/staff/hatsukaichi/{p}/" for p in ("calendar", "slots", "people", "keys", "audit", "mail/log", "mail/texts")
]
LOADS = re.compile(r"""<(?:script|link|img|iframe|source|object|embed)\b[^>]*\b(?:src|href|data)=["']([^"']+)""", re.I)
INLINE = re.compile(
    r"""<script(?![^>]*\bsrc=)(?![^>]*type="application/json")|<style|\son[a-z]+=["']|\sstyle=["']|javascript:""", re.I
)
CSS_LOADS = re.compile(r"""url\(\s*["']?([^)"']+)|@import\s+["']([^"']+)""")
JS_LOADS = re.compile(r"""(?:import\s*\(|from\s+|fetch\(|new WebSocket\()\s*["'`]([^"'`]+)""")


def assert_guarded(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (200, 302, 404), f"{path}: {answer.status_code}"
    headers = answer.headers
    assert headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "no-store" in headers["Cache-Control"]
    html = answer.content.decode()
    assert [url for url in LOADS.findall(html) if not url.startswith("/")] == []
    assert INLINE.findall(html) == []


@pytest.mark.req("SEC-05")
@pytest.mark.parametrize("path", PUBLIC)
def test_public_pages_are_guarded(site: Contract, client: Client, path: str) -> None:  # noqa: F811
    assert_guarded(client, path)


@pytest.mark.req("SEC-05")
def test_staff_pages_are_guarded(site: Contract, sign_in: SignIn) -> None:  # noqa: F811
    manager = sign_in(site, Role.MANAGER)
    for path in STAFF:
        assert_guarded(manager, path)


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    rules = dict(rule.split(" ", 1) for rule in CONTENT_SECURITY_POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == rules["form-action"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY


@pytest.mark.req("SEC-05")
def test_cookies_are_kept_from_scripts_and_other_sites(site: Contract, client: Client) -> None:  # noqa: F811
    client.get("/hatsukaichi/find/?lang=en")
    client.post("/hatsukaichi/book/hold/", {"p": "card_pickup", "site": "main", "starts": "2026-11-10T10:00:00+09:00"})
    assert {"lang", "csrftoken"} <= set(client.cookies)
    for name, cookie in client.cookies.items():
        assert cookie["httponly"], name
        assert cookie["samesite"] == "Lax", name


def test_production_sends_cookies_over_https_only() -> None:
    text = (env.BASE / "config/settings/production.py").read_text()
    for line in ("SESSION_COOKIE_SECURE = True", "CSRF_COOKIE_SECURE = True", "SECURE_SSL_REDIRECT = True"):
        assert line in text.splitlines()


@pytest.mark.req("SEC-05")
def test_static_files_load_nothing_from_elsewhere() -> None:
    wrong = []
    for finder in finders.get_finders():
        for path, storage in finder.list([]):
            patterns = {".css": CSS_LOADS, ".js": JS_LOADS}.get(Path(path).suffix)
            if patterns is None or not path.startswith(("app/", "ui/", "vendor/", "callcentre/", "office/")):
                continue
            with storage.open(path) as file:
                text = file.read().decode()
            urls = [
                next(u for u in found if u) if isinstance(found, tuple) else found for found in patterns.findall(text)
            ]
            wrong += [f"{path}: {url}" for url in urls if url.startswith(("http:", "https:", "//", "ws:", "wss:"))]
    assert wrong == []


@pytest.mark.req("SEC-05")
def test_a_form_without_its_token_is_refused(site: Contract) -> None:  # noqa: F811
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/hatsukaichi/find/", {"code": "AAAA-AAAA", "phone": "0901234567"})
    assert answer.status_code == 403
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
