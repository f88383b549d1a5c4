"""Staff in a real browser: signing in the true way, the desk by keyboard, the city's calendar and what follows from it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pyotp
import pytest

from madoguchi.ground.accounts.demo import PASSWORD, _secret

from .journey import Installation, book_one, check, choose_day, shot, shows, sign_in, titled

Visit = Callable[..., Any]
KEYS = """
const count = n => { sessionStorage.keys = n + Number(sessionStorage.keys || 0) };
addEventListener("keydown", () => count(1), true);
addEventListener("beforeinput", event => { if (/[^\\x00-\\x7f]/.test(event.data || "")) count(3) }, true);
"""
"""Counts the keys that a person presses, from page to page; a sign of Japanese is three (letters and conversion)."""


def enter(page: Any, email: str, password: str) -> None:
    """Fill the sign-in page."""
    page.goto("/accounts/login/")
    page.fill("#id_login", email)
    page.fill("#id_password", password)
    page.get_by_role("button", name="サインイン", exact=True).click()


@pytest.mark.req("SEC-01")
@pytest.mark.parametrize("width", [360, 1280])
def test_signing_in_takes_a_password_and_a_code(visit: Visit, width: int) -> None:
    role = "supervisor" if width == 360 else "manager"
    page = visit(width, bypass_csp=True)
    page.goto("/staff/izumi/")
    assert "/accounts/login/" in page.url
    check(page, "sign-in-1")
    email = page_email(role)
    enter(page, email, PASSWORD)
    titled(page, "二要素認証")
    check(page, "sign-in-2-code")
    page.fill("#id_code", "000000")
    page.get_by_role("button", name="サインイン", exact=True).click()
    page.locator(".error-summary").wait_for()
    page.fill("#id_code", pyotp.TOTP(_secret(email)).now())
    page.get_by_role("button", name="サインイン", exact=True).click()
    page.wait_for_url("**/staff/**")
    check(page, "sign-in-3-home")


def page_email(role: str) -> str:
    """Address of one of the demo's people in 和泉市."""
    return f"{role}.izumi@demo.example.jp"


@pytest.mark.req("SEC-01")
def test_wrong_passwords_lock_the_account_for_a_while(visit: Visit) -> None:
    page = visit(1280)
    email = "operator.urasoe@demo.example.jp"
    for _ in range(5):
        enter(page, email, "wrong-password-1")
        page.locator(".error-summary").wait_for()
    enter(page, email, PASSWORD)
    assert "/accounts/login/" in page.url, "even the right password does not help now"
    shot(page, "lockout")
    assert page.locator(".error-summary, [role=alert], h1").first.is_visible()
    page.goto("/staff/urasoe/")
    assert "/accounts/login/" in page.url


@pytest.mark.req("SEC-01")
def test_a_passkey_is_added_and_used(visit: Visit, installation: Installation) -> None:
    page = visit(1280)
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    site = installation.url.replace("127.0.0.1", "localhost")
    email = "manager.nagaoka@demo.example.jp"
    page.goto(f"{site}/accounts/login/")
    page.fill("#id_login", email)
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="サインイン", exact=True).click()
    page.fill("#id_code", pyotp.TOTP(_secret(email)).now())
    page.get_by_role("button", name="サインイン", exact=True).click()
    page.wait_for_url("**/staff/**")
    page.goto(f"{site}/accounts/2fa/webauthn/add/")
    page.fill("#id_name", "業務用PC")
    page.get_by_role("button", name="追加する").click()
    page.wait_for_url(lambda url: "/add/" not in url)
    page.goto(f"{site}/accounts/2fa/webauthn/")
    shows(page, "業務用PC")
    page.context.clear_cookies()
    page.goto(f"{site}/accounts/login/")
    page.fill("#id_login", email)
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="サインイン", exact=True).click()
    page.get_by_role("button", name="パスキーで確認").click()
    page.wait_for_url("**/staff/**")


@pytest.mark.parametrize(("width", "zoom"), [(1280, 1), (640, 2), (320, 1)], ids=["desk", "200percent", "320px"])
@pytest.mark.req("BOOK-11")
def test_an_operator_books_by_keyboard_only_and_reads_out(visit: Visit, width: int, zoom: int) -> None:
    page = visit(width, bypass_csp=True, device_scale_factor=zoom)
    page.add_init_script(KEYS)
    sign_in(page, "operator.hatsukaichi")
    page.goto("/staff/hatsukaichi/desk/")
    check(page, "desk-1-search")
    assert page.evaluate("() => document.activeElement.name") == "q"
    page.keyboard.type("ヤマダ ハナヨ S55.1.2")
    page.keyboard.press("Enter")
    page.get_by_text("当てはまる予約はありません").wait_for()
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("n")
    page.wait_for_url("**/desk/new/")
    assert page.evaluate("() => document.activeElement.id") == "id_r1_procedure"
    check(page, "desk-2-new")
    for field, value in (("r1_name", "山田 花代"), ("r1_kana", "やまだ はなよ")):
        reach(page, field)
        page.keyboard.type(value)
    reach(page, "phone")
    page.keyboard.type(f"090{int(time.time()) % 10**8:08}")
    page.evaluate("() => document.activeElement.blur()")
    page.locator("#day-2026-11-12").focus()
    page.keyboard.press("Enter")
    page.locator("#times-title").filter(has_text="11月12日").wait_for()
    page.wait_for_load_state("networkidle")
    page.locator("input[name=at]").first.focus()
    page.keyboard.press("Space")
    assert page.locator("input[name=at]:checked").count() == 1
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.input_value("input[name=r1_name]") == "山田 花代", "Enter shows times; nothing typed is lost"
    assert page.locator("input[name=at]:checked").count() == 1
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("b")
    page.wait_for_url("**/desk/b/**")
    keys = int(page.evaluate("() => sessionStorage.keys"))
    assert 40 < keys < 150, "at five keys a second this is less than 30 seconds of typing"
    said = page.locator(".desk-read").inner_text()
    assert "予約番号は" in said
    assert "11月12日" in said
    assert "廿日市市役所" in said
    assert "持ち物" in said
    check(page, "desk-3-read-out")


def reach(page: Any, name: str, most: int = 80) -> None:
    """Press Tab until the box of that name, or one that ends so, has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if str(page.evaluate("() => document.activeElement.name || ''")).endswith(name):
            return
    raise AssertionError(f"{name} cannot be reached by Tab")


@pytest.mark.req("CAL-05", "BOOK-08")
def test_the_city_opens_an_evening_and_closes_a_day(visit: Visit, installation: Installation) -> None:
    resident = visit(360)
    number = book_one(resident, email="closed@example.jp", day="2026-12-02", at="10:00", phone="090-5555-6666")
    page = visit(1280, bypass_csp=True)
    sign_in(page, "city.hatsukaichi")

    page.goto("/staff/hatsukaichi/calendar/?month=2026-11&date=2026-11-27")
    check(page, "city-1-calendar")
    page.select_option("#id_kind", "open")
    page.fill("#id_starts", "17:30")
    page.fill("#id_ends", "19:00")
    page.fill("#id_reason", "臨時の夜間開庁")
    page.locator("input[name^=places_]").first.fill("2")
    page.get_by_role("button", name="影響を見る").click()
    shows(page, "この変更をすると", "body")
    assert "17:30" in page.get_by_text("この変更をすると").locator("xpath=../..").inner_text()
    check(page, "city-2-evening-preview")
    page.get_by_role("button", name="この内容で変更する").click()
    shows(page, "11月27日")
    later = visit(360)
    later.goto("/hatsukaichi/book/?p=card_pickup")
    later.locator('button[name="next"]').click()
    choose_day(later, "2026-11-27")
    shows(later, "17:30")

    page.goto("/staff/hatsukaichi/calendar/?month=2026-12&date=2026-12-02")
    page.select_option("#id_kind", "closed")
    page.fill("#id_reason", "台風のため")
    page.get_by_role("button", name="影響を見る").click()
    shows(page, "この変更をすると", "body")
    told = page.locator("main").inner_text()
    assert number in told or number.replace("-", "") in told or re.search(r"1\s*件", told)
    check(page, "city-3-closure-preview")
    page.get_by_role("button", name="この内容で変更する").click()
    shows(page, "影響を受けた予約が1件あります", "body")
    page.goto("/staff/hatsukaichi/affected/")
    shows(page, number)
    check(page, "city-4-work-list")
    mails = installation.mail_to("closed@example.jp", number)
    assert "台風のため" in mails.body or "12月2日" in mails.body
    resident.goto("/hatsukaichi/book/?p=card_pickup")
    resident.locator('button[name="next"]').click()
    resident.locator('a.cal-nav[rel="next"]').click()
    resident.locator('td[data-day="2026-12-02"]').wait_for()
    assert resident.locator('td[data-day="2026-12-02"] a').count() == 0, "nobody can book the closed day"
