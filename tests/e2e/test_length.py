"""Residents' pages in all ten languages: by mouse on the narrowest telephone (320 px), by keyboard there, and by mouse at 200 %.

Nothing scrolls sideways, no text is cut off, the focus is always seen."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from .journey import (
    FLOWING,
    WAY_NAMES,
    booking_code,
    check,
    choose,
    person,
    phone_of,
    press_on,
    shot,
    tab_onto,
    type_in,
)

Visit = Callable[..., Any]
LANGUAGES = [code for code, _ in settings.LANGUAGES]
FULL = os.environ.get("MADOGUCHI_E2E") == "full"
WAYS = [
    pytest.param(code, keyboard, id=f"{code}-{WAY_NAMES[not keyboard]}")
    for n, code in enumerate(LANGUAGES)
    for keyboard in (True, False)
    if FULL or keyboard is (n % 2 == 0)
]
CUT = """() => [...document.querySelectorAll(
  "button, .button, label, legend, summary, h1, h2, h3, th, td, dt, dd, li, p, select, .badge, .req, .choice span"
)].filter(one => {
  const box = one.getBoundingClientRect(), style = getComputedStyle(one);
  if (!box.width || one.closest(".vh, .table-scroll, [hidden]") || style.position === "absolute") return false;
  const wider = one.clientWidth > 0 && style.display !== "inline" && one.scrollWidth > one.clientWidth + 1;
  const lower = one.clientHeight > 0 && /hidden|clip/.test(style.overflowY) && one.scrollHeight > one.clientHeight + 1;
  return wider || lower || box.right > document.documentElement.clientWidth + 1 || box.left < -1;
}).map(one => `${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 60)} (${one.scrollWidth} > ${one.clientWidth})`)"""


class Reader:
    """One reader of a language; every page looked at is measured and kept as a picture."""

    def __init__(self, page: Any, language: str) -> None:
        self.page, self.language, self.faults = page, language, []  # type: ignore[var-annotated]

    def look(self, name: str) -> None:
        self.page.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
        shot(self.page, f"length-{self.language}-{name}")
        self.measure(name)

    def measure(self, name: str) -> None:
        self.page.evaluate("document.fonts.ready")
        if self.page.evaluate(FLOWING) > 0:
            self.faults.append(f"{name}: scrolls sideways")
        self.faults += [f"{name}: {cut}" for cut in self.page.evaluate(CUT)]

    def open(self, path: str, name: str) -> None:
        assert self.page.goto(path).ok
        self.look(name)


@pytest.mark.req("BOOK-04")
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_cut_off(visit: Visit, language: str) -> None:
    page = visit(320)
    reader = Reader(page, language)
    reader.open(f"/?lang={language}", "01-index")
    reader.open(f"/hatsukaichi/?lang={language}", "02-start")
    reader.open("/hatsukaichi/which/", "03-which")
    reader.open("/hatsukaichi/which/?at=letter", "04-which-letter")
    reader.open("/hatsukaichi/bring/", "05-bring-choose")
    reader.open("/hatsukaichi/bring/?p=card_pickup", "06-bring")
    page.goto("/hatsukaichi/book/?next=1&has1=1")
    reader.look("07-who")
    reader.open("/hatsukaichi/book/when/?p=cert_renewal,card_pickup&site=main", "08-when")
    page.locator('a[href*="/book/day/"]').nth(2 + LANGUAGES.index(language)).click()
    reader.look("09-day")
    page.locator("input[name=starts]:not([disabled])").nth(LANGUAGES.index(language)).check(force=True)
    page.locator('form[action$="/book/hold/"] button[type=submit]').last.click()
    page.wait_for_url("**/details/")
    reader.look("10-details")
    page.fill("#id_contact-postal_code", "452-0961")
    page.click("button[name=fill]")
    page.wait_for_selector("#id_contact-area")
    reader.look("11-several-areas")
    page.locator("form[data-draft] .actions button").click()
    page.wait_for_selector(".error-summary")
    reader.look("12-details-wrong")
    for number, name in ((1, "MARIA APARECIDA DOS SANTOS-CAVALCANTI"), (2, "Wolfeschlegelsteinhausenbergerdorff")):
        page.fill(f"#id_person{number}-name", name)
        page.fill(f"#id_person{number}-kana", name)
    page.fill("#id_contact-phone", phone_of(f"length-{language}@example.jp"))
    page.fill("#id_contact-email", f"a.rather.long.address.of.somebody.{language}@department.example.jp")
    page.locator("form[data-draft] .actions button").click()
    page.wait_for_url("**/check/")
    reader.look("13-check")
    page.locator("main form[method=post] .actions button").first.click()
    page.wait_for_url("**/done/")
    reader.look("14-done")
    link = page.locator('main a[href$="calendar.ics"]').first.get_attribute("href").removesuffix("calendar.ics")
    reader.open(link, "15-manage")
    reader.open(f"{link}contact/", "16-contact")
    reader.open(f"{link}add/", "17-add")
    reader.open(f"{link}earlier/", "17-earlier")
    reader.open(f"{link}cancel/", "17-cancel")
    reader.open("/hatsukaichi/find/", "18-find")
    reader.open("/hatsukaichi/privacy/", "19-privacy")
    assert reader.faults == []


@pytest.mark.req("BOOK-04")
@pytest.mark.parametrize(("language", "keyboard"), WAYS)
def test_everybody_books_in_their_language(visit: Visit, language: str, keyboard: bool) -> None:
    """By turns with the keyboard and with a pointer; ``make test-long`` does both in every language."""
    page = person(visit, keyboard)
    reader = Reader(page, language)
    assert page.goto(f"/hatsukaichi/?lang={language}").ok
    press_on(page, '.hero a[href$="/book/"]', keyboard)
    page.wait_for_url("**/book/")
    choose(page, "p1", "card_pickup", keyboard)
    reader.measure("who")
    press_on(page, 'button[name="next"]', keyboard)
    page.wait_for_url("**/when/**")
    reader.measure("when")
    press_on(page, f'td[data-day="{"2026-11-04" if keyboard else "2026-11-05"}"] a', keyboard)
    page.wait_for_url("**/day/**")
    times = page.locator("input[name=starts]")
    if keyboard:
        tab_onto(page, "input[name=starts]")
        page.keyboard.press("Space")
        page.keyboard.press("ArrowDown")
        assert times.nth(1).is_checked()
    else:
        times.nth(1).check()
    reader.measure("day")
    press_on(page, 'form[action$="/book/hold/"] .actions button', keyboard)
    page.wait_for_url("**/details/")
    address = f"language-{language}-{keyboard}@example.jp".lower()
    for box, value in (
        ("person1-name", "MARIA SANTOS"),
        ("person1-kana", "マリア サントス"),
        ("contact-phone", phone_of(address)),
        ("contact-email", address),
    ):
        type_in(page, box, value, keyboard)
    reader.measure("details")
    check(page)
    press_on(page, "form[data-draft] .actions button", keyboard)
    page.wait_for_url("**/check/")
    reader.measure("check")
    press_on(page, "main form[method=post] .actions button", keyboard)
    page.wait_for_url("**/done/")
    assert booking_code(page)
    assert page.locator("html").get_attribute("lang").startswith(language[:2])
    reader.measure("done")
    check(page)
    assert reader.faults == []
