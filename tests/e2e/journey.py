"""Steps that several journeys share, in the words of the person who takes them."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from madoguchi import mailbox

ROOT = Path(__file__).resolve().parents[2]
SHOTS = Path(__file__).parent / "shots"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WAY_NAMES = ["keyboard-320px", "mouse-200percent"]
"""Ways to go: keyboard on 320 px, or mouse on a desk computer that shows everything twice as large."""
FLOWING = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass(frozen=True)
class Installation:
    """A running system: its address, its data folder, and the environment of its processes."""

    url: str
    data: Path
    env: Mapping[str, str] = field(default_factory=dict)
    restart_web: Callable[[], None] | None = None
    """Kills the web server at once and starts another; None where the installation is not ours."""
    start: Callable[[str], None] | None = None
    """Starts one more of its programs, e.g. ``worker``; None where the installation is not ours."""

    def be_at(self, moment: dt.datetime) -> None:
        """Move its clock; what should have happened meanwhile, its worker makes up."""
        (self.data / "clock-offset").write_text(str((moment - dt.datetime.now(moment.tzinfo)).total_seconds()))

    def run(self, script: str) -> str:
        """Do something as a program of this installation would; what it prints."""
        begin = "import datetime as dt, django; django.setup()\nfrom madoguchi.ground.kit import clock; now = clock.now()\n"
        command = [sys.executable, "-c", begin + script]
        done = subprocess.run(command, cwd=ROOT, env=self.env or None, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def mail_to(self, address: str, about: str, *, seconds: float = 25) -> mailbox.StoredMail:
        """The newest mail to ``address`` whose subject holds ``about``; waits for the worker to send it."""
        folder = self.data / "mailbox"
        until = time.monotonic() + seconds
        seen: list[str] = []
        while time.monotonic() < until:
            found = [mail for name in mailbox.names(folder) if (mail := mailbox.stored(folder, name))]
            seen = [mail.subject for mail in found if mail.to == address]
            for mail in found:
                if mail.to == address and about in mail.subject:
                    return mail
            time.sleep(0.3)
        raise AssertionError(f"no mail about {about!r} to {address}; there are {seen}")


def shot(page: Any, name: str) -> None:
    """With ``E2E_SHOTS=1`` keep a picture of the whole page for people to look at; no test reads it."""
    if os.environ.get("E2E_SHOTS") != "1":
        return
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}-{page.viewport_size['width']}.png", full_page=True)


def faults(page: Any) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA (and serious against its best practices), and sideways scrolling."""
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        "async () => (({violations}) => ({violations}))(await axe.run(document, {resultTypes: ['violations'],"
        " runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}))"
    )
    bad = [
        f"{v['id']} ({v['impact']}): {v['help']}: {[n['html'][:160] for n in v['nodes']][:3]}"
        for v in found["violations"]
        if v["impact"] in ("serious", "critical") or "best-practice" not in v["tags"]
    ]
    return [*bad, *(["scrolls sideways"] if page.evaluate(FLOWING) > 0 else [])]


def check(page: Any, name: str = "") -> None:
    """The page has none of these ``faults``; with ``name`` a picture of it is kept."""
    found = faults(page)
    assert found == [], f"{page.url}: {found}"
    if name:
        shot(page, name)


def press_key(page: Any, key: str) -> None:
    """Press a key once the page that is shown also listens; what is seen may be a moment ahead of its scripts."""
    page.wait_for_load_state()
    page.keyboard.press(key)


def titled(page: Any, title: str) -> None:
    """The page the person is led to has this title; a click alone does not wait for it."""
    expect(page.locator("h1").first).to_have_text(title, use_inner_text=True)


def shows(page: Any, text: str, where: str = "main") -> None:
    """What the person is led to says ``text``; a click alone does not wait for it."""
    expect(page.locator(where).first).to_contain_text(text, use_inner_text=True)


def heading(page: Any) -> str:
    """The title a person reads on the page."""
    return str(page.locator("h1").first.inner_text()).strip()


def choose_day(page: Any, iso: str) -> None:
    """Press a day; the month is turned until it is shown.

    A click does not wait for the page it leads to, so what is counted is counted only once a calendar is there.
    """
    days = page.locator("td[data-day]")
    month = page.locator(f'td[data-day="{iso}"]')
    days.first.wait_for()
    for _ in range(2):
        if month.count():
            break
        shown = page.url
        page.locator('a.cal-nav[rel="next"]').click()
        page.wait_for_url(lambda url, shown=shown: url != shown)
        days.first.wait_for()
    page.locator(f'td[data-day="{iso}"] a').click()
    page.wait_for_url("**/day/**")


def choose_time(page: Any, time_of_day: str) -> None:
    """Mark a time of the day shown, e.g. ``10:00``."""
    label = page.locator("label.slot").filter(has_text=re.compile(rf"^\s*{time_of_day}\D"))
    label.first.click()


def fill_person(page: Any, number: int, name: str, kana: str, born: tuple[str, str, str, str] | None = None) -> None:
    """The fields of one person; ``born``: era code (empty: western), year, month, day."""
    page.fill(f"#id_person{number}-name", name)
    page.fill(f"#id_person{number}-kana", kana)
    if born:
        stem = f"#id_person{number}-birth_date"
        if born[0]:
            page.select_option(f"{stem}_era", born[0])
        for part, value in zip(("year", "month", "day"), born[1:], strict=True):
            page.fill(f"{stem}_{part}", value)


def booking_code(page: Any) -> str:
    """The number on the page of the finished reservation."""
    return str(page.locator(".booking-number").first.inner_text()).strip()


def phone_of(email: str) -> str:
    """A telephone number of its own for everybody: the contract limits the bookings of one."""
    number = zlib.crc32(email.encode()) % 10**7
    return f"090-1{number // 10**4:03}-{number % 10**4:04}"


def book_one(
    page: Any, *, email: str, day: str, at: str, city: str = "hatsukaichi", phone: str = "", name: str = "山田 太郎", kana: str = "ヤマダ タロウ"
) -> str:
    """A resident of a city books a card pick-up on the web; the booking's number. The page stays on the confirmation."""
    page.goto(f"/{city}/book/?p=card_pickup")
    page.locator('button[name="next"]').click()
    page.wait_for_url(re.compile(r"/(site|when)/"))
    if "/site/" in page.url:
        page.locator("a.card-link").first.click()
    choose_day(page, day)
    choose_time(page, at)
    page.locator("form[action*='hold'] button[type=submit]").click()
    fill_person(page, 1, name, kana)
    page.fill("#id_contact-phone", phone or phone_of(email))
    page.fill("#id_contact-email", email)
    page.locator("form[data-draft] .actions button").click()
    page.locator("main form button.button-large[type=submit]").first.click()
    page.wait_for_url("**/done/")
    return booking_code(page)


def link_in(body: str) -> str:
    """The address of the booking's own page in the text of a mail."""
    found = re.search(r"https?://\S+/r/\S+", body)
    assert found, body
    return found[0]


def sign_in(page: Any, local: str) -> None:
    """Become one of the demo's people by the button, e.g. ``operator.hatsukaichi``."""
    page.goto("/demo/")
    page.locator(f'button[value="{local}@demo.example.jp"]').click()
    page.wait_for_url("**/staff/**")


FOCUS = """() => {
  const e = document.activeElement;
  if (e === document.body) return ["", true];
  const own = e.type === "radio" ? e.value : e.name && e.tagName !== "BUTTON" ? e.name : e.innerText || e.textContent;
  const box = e.getClientRects()[0], top = Math.max(box.top, 0), bottom = Math.min(box.bottom, innerHeight);
  const at = document.elementFromPoint(box.left + box.width / 2, (top + bottom) / 2);
  const ringed = [e, e.closest("label")].some(one => {
    const style = one && getComputedStyle(one);
    return one && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  return [own.trim(), ringed && at !== null && (e.contains(at) || at.contains(e))];
}"""


def focused(page: Any) -> str:
    """What has the focus: its name in the form, or its text; empty for nothing. A ring and part of it must be in sight (2.4.7, 2.4.11)."""
    name, seen = page.evaluate(FOCUS)
    assert seen, f"{page.url}: the focus on {name!r} cannot be seen"
    return str(name)


def tab_to(page: Any, wanted: str, most: int = 90) -> None:
    """Press Tab until the thing is reached."""
    seen = []
    for _ in range(most):
        page.keyboard.press("Tab")
        seen.append(focused(page))
        if seen[-1] == wanted or (wanted[0].isdigit() and wanted in seen[-1]):
            return
    raise AssertionError(f"{wanted!r} cannot be reached by Tab: {seen}")


def tab_onto(page: Any, css: str, most: int = 90) -> None:
    """Press Tab until one of what a selector means is reached; for pages whose words are in any language."""
    seen = []
    for _ in range(most):
        page.keyboard.press("Tab")
        seen.append(focused(page))
        if page.evaluate("css => document.activeElement.matches(css)", css):
            return
    raise AssertionError(f"{css} cannot be reached by Tab: {seen}")


def person(visit: Callable[..., Any], keyboard: bool) -> Any:
    """Somebody with a narrow telephone and a keyboard, or a desk computer that shows everything twice as large."""
    return visit(320, bypass_csp=True) if keyboard else visit(640, bypass_csp=True, device_scale_factor=2)


def press(page: Any, name: str, keyboard: bool, *, role: str = "button") -> None:
    """Press a button or follow a link."""
    if keyboard:
        tab_to(page, name)
        page.keyboard.press("Enter")
    else:
        page.get_by_role(role, name=name, exact=True).click()


def press_on(page: Any, css: str, keyboard: bool) -> None:
    """Press what a selector means."""
    if keyboard:
        tab_onto(page, css)
        page.keyboard.press("Enter")
    else:
        page.locator(css).first.click()


def type_in(page: Any, box: str, value: str, keyboard: bool) -> None:
    """Write into the box of that name."""
    if keyboard:
        tab_to(page, box)
        page.keyboard.type(value)
    else:
        page.fill(f"#id_{box}", value)


def narrow(keyboard: bool) -> str:
    """A word for the names of pictures and addresses."""
    return "320" if keyboard else "zoom"


def choose(page: Any, group: str, value: str, keyboard: bool) -> None:
    """Mark one of several cards."""
    if not keyboard:
        page.locator(f'input[name="{group}"][value="{value}"]').check()
        return
    for _ in range(90):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.name") == group:
            break
    for _ in range(20):
        if page.evaluate("() => document.activeElement.value") == value:
            page.keyboard.press("Space")
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"{value} of {group} cannot be reached by keyboard")
