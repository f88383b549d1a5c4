"""A morning at the counter in real browsers: a booked family, a person without documents, windows by keyboard, the display of calls."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from .journey import Installation, check, press_key, sign_in, titled

Visit = Callable[..., Any]
CITY, SITE = "izumi", "plaza"
S = f"/staff/{CITY}/counter/"
SCENE = """
from django.db.models import F
from madoguchi.domain.booking.models import Slot
from madoguchi.domain.booking.party import Contact, Person, clean_contact, clean_person
from madoguchi.domain.booking.recipients import manage_path
from madoguchi.domain.booking.services.reserve import Reservation, reserve
from madoguchi.domain.reception.enums import TerminalKind
from madoguchi.domain.reception.services.terminals import add_terminal, terminal_path
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.actors import SYSTEM, Actor, ActorKind, Channel
contract = Contract.objects.get(code="izumi")
names = (("泉 太郎", "イズミ タロウ", "cert_renewal"), ("泉 花子", "イズミ ハナコ", "pin_reset"))
with contract_scope(contract):
    people = [(p, Person(clean_person(contract.profile, p, {"name": n, "kana": k}, today=now.date()).values)) for n, k, p in names]
    contact = Contact(clean_contact(contract.profile, ["cert_renewal"], {"phone": "090-1111-7788"}, today=now.date()).values)
    free = Slot.objects.filter(pool__site__code="plaza", starts_at__gt=now, taken__lt=F("planned") - 1).order_by("starts_at")
    starts = free.first().starts_at.astimezone(JST)
    staff = Actor(ActorKind.CITY, Channel.COUNTER, "user:1", "市")
    wanted = Reservation("plaza", starts, people, contact, "ja", "e2e-family", over=True)
    done = reserve(contract, wanted, by=staff, now=now)
    print(manage_path(contract, done.code))
    for kind in (TerminalKind.MACHINE, TerminalKind.DISPLAY):
        print(terminal_path(contract, add_terminal(contract, site="plaza", kind=kind, name="e2e", by=SYSTEM, now=now)))
"""


def work_on(page: Any, *, until: str) -> None:
    """Tick what is asked and take the first way, step by step, by keyboard."""
    for _ in range(12):
        if until in page.locator("main").inner_text():
            return
        for box in page.locator('.case-form input[name="ticked"]').all():
            box.check()
        version = page.locator('.case-form input[name="version"]').get_attribute("value")
        page.locator("h1").first.click()
        press_key(page, "1")
        page.wait_for_function(
            "version => document.querySelector('.case-form input[name=\"version\"]')?.value !== version", arg=version
        )
    raise AssertionError(f"{page.url} does not come to {until}")


def answer(page: Any) -> None:
    """The city's answer to the case on its page: yes."""
    page.locator(".case-form").wait_for()
    work_on(page, until="対応中")


def book_again(page: Any) -> None:
    """Reserve another day for who was sent home, on the screen that opened: the procedure and the site are chosen already."""
    expect(page.locator('[name="r1_procedure"]')).to_have_value("cert_renewal")
    expect(page.locator('select[name="site"]')).to_have_value(SITE)
    page.fill('[name="r1_name"]', "出直 花子")
    page.fill('[name="r1_kana"]', "デナオシ ハナコ")
    page.fill('[name$="phone"]', "090-1111-2299")
    day = page.locator('button[id^="day-"]').last.get_attribute("id")
    page.locator(f"#{day}").click()
    expect(page.locator(f"#{day}")).to_have_attribute("aria-pressed", "true")
    page.locator('input[name="at"]:not([disabled])').first.check()
    check(page, "counter-again")
    page.get_by_role("button", name="予約を確定").click()
    page.wait_for_url(re.compile("/desk/b/.*done=new"))
    expect(page.locator("main")).to_contain_text("出直 花子")
    expect(page.locator("main")).to_contain_text("予約番号")
    check(page, "counter-again-booked")
    page.close()


@pytest.mark.req("DESK-01", "DESK-02", "DESK-07", "DESK-09")
def test_a_morning_at_the_counter(visit: Visit, installation: Installation) -> None:
    link, machine, display = installation.run(SCENE).split()

    screen = visit(1920, bypass_csp=True)
    screen.set_viewport_size({"width": 1920, "height": 1080})
    screen.goto(display)
    screen.locator("[data-start]").click()
    expect(screen.locator("[data-now]")).to_contain_text("お待ちください")

    tablet = visit(820, bypass_csp=True)
    tablet.set_viewport_size({"width": 820, "height": 1180})
    sign_in(tablet, f"counter.{CITY}")

    # Somebody comes without documents: questions, the procedure, the list of what is missing, gone without a ticket.
    tablet.goto(f"{S}{SITE}/reception/")
    check(tablet, "counter-reception")
    tablet.get_by_role("link", name="電子証明書の更新・新規発行").click()
    titled(tablet, "予約のない方")
    check(tablet, "counter-party")
    tablet.get_by_role("button", name="足りない書類の一覧").click()
    titled(tablet, "足りない書類の一覧")
    expect(tablet.locator(".counter-sheet")).to_contain_text("マイナンバーカード")
    check(tablet, "counter-missing")
    with tablet.context.expect_page() as opened:
        tablet.get_by_role("link", name="この場で予約を入れる").click()
    book_again(opened.value)
    tablet.get_by_role("button", name="番号札を出さずに終える").click()
    titled(tablet, re.compile("受付"))

    # Another one without a booking takes a ticket at the machine, in English.
    kiosk = visit(820, bypass_csp=True)
    kiosk.set_viewport_size({"width": 820, "height": 1180})
    kiosk.goto(machine)
    check(kiosk, "machine")
    kiosk.get_by_role("link", name="English").click()
    kiosk.get_by_role("link", name="I have no appointment").click()
    check(kiosk, "machine-which")
    kiosk.locator("a.machine-line").first.click()
    check(kiosk, "machine-bring")
    kiosk.get_by_role("button", name="I have everything (take a ticket)").click()
    expect(kiosk.locator(".slip-number")).to_have_text("C001")
    check(kiosk, "machine-ticket")

    # The family comes with the QR code of its booking, which a scanner types.
    tablet.locator("#q").fill(f"{installation.url}{link}")
    tablet.keyboard.press("Enter")
    titled(tablet, re.compile("予約"))
    expect(tablet.locator("#main")).to_contain_text("泉 花子")
    tablet.get_by_label("車いす").check()
    check(tablet, "counter-booked")
    tablet.get_by_role("button", name="番号札を出す").click()
    expect(tablet.locator(".slip-number")).to_have_text("C002")
    check(tablet, "counter-slip")
    expect(screen.locator('[data-letter="C"]')).to_have_text("2")

    # The window, by keyboard.
    desk = visit(1280, bypass_csp=True)
    sign_in(desk, f"supervisor.{CITY}")
    desk.goto(f"{S}{SITE}/windows/")
    check(desk, "counter-windows")
    desk.get_by_role("button", name="1番窓口を開ける").click()
    titled(desk, "1番窓口")
    press_key(desk, "n")
    expect(desk.locator(".counter-number")).to_have_text("C002")  # near its time, the family goes before who came a little earlier
    expect(screen.locator(".display-number")).to_have_text("C002")
    expect(screen.locator(".display-window b")).to_have_text("1")
    check(screen, "display")
    expect(desk.locator(".counter-needs")).to_contain_text("車いす")
    press_key(desk, "r")
    expect(desk.locator(".counter-head")).to_contain_text("2回")
    press_key(desk, "b")
    expect(desk.locator(".counter-head")).to_contain_text("応対中")
    check(desk, "counter-window")

    # Each of the two has a case. The first goes to the city; meanwhile the window is free for who came by herself.
    expect(desk.locator(".counter-cases li")).to_have_count(2)
    press_key(desk, "1")
    titled(desk, re.compile("電子証明書"))
    work_on(desk, until="市の回答を待っています")
    check(desk, "counter-case-city")
    press_key(desk, "w")
    titled(desk, "1番窓口")
    press_key(desk, "h")
    expect(desk.locator(".counter-none")).to_be_visible()
    expect(desk.locator("#waiting")).to_contain_text("市の審査中")
    press_key(desk, "n")
    expect(desk.locator(".counter-number")).to_have_text("C001")
    press_key(desk, "b")
    expect(desk.locator(".counter-head")).to_contain_text("応対中")
    desk.get_by_role("button", name="手続きせずに終える").click()
    expect(desk.locator(".counter-none")).to_be_visible()

    office = visit(1280, bypass_csp=True)
    sign_in(office, f"city.{CITY}")
    office.goto(f"/staff/{CITY}/cases/city/")
    office.locator("table a, .case-rows a").last.click()
    titled(office, re.compile("電子証明書"))
    check(office, "city-case")
    press_key(office, "t")
    answer(office)

    expect(desk.locator("#waiting")).to_contain_text("続けられます", timeout=15_000)
    check(desk, "counter-window-answered")
    desk.locator('button[aria-label="保留のC002を呼ぶ"]').click()
    expect(desk.locator(".counter-number")).to_have_text("C002")
    expect(screen.locator(".display-number")).to_have_text("C002")
    press_key(desk, "b")
    expect(desk.locator(".counter-head")).to_contain_text("応対中")
    press_key(desk, "1")
    titled(desk, re.compile("電子証明書"))
    work_on(desk, until="この案件は終わっています")
    check(desk, "counter-case-done")
    press_key(desk, "c")
    titled(desk, re.compile("暗証番号"))
    work_on(desk, until="市の回答を待っています")
    office.goto(f"/staff/{CITY}/cases/city/")
    office.locator("table a, .case-rows a").last.click()
    titled(office, re.compile("暗証番号"))
    press_key(office, "t")
    answer(office)
    desk.reload()
    work_on(desk, until="この案件は終わっています")
    press_key(desk, "w")
    titled(desk, "1番窓口")
    check(desk, "counter-window-done")
    press_key(desk, "f")
    expect(desk.locator(".counter-none")).to_be_visible()
    desk.goto(f"{S}?site={SITE}&pause=1")
    check(desk, "counter-overview")
    desk.goto(f"{S}{SITE}/day/")
    expect(desk.locator("main")).to_contain_text("手続きを終えた 1")
    check(desk, "counter-day")

    tablet.goto(f"{S}{SITE}/reception/")
    tablet.get_by_role("link", name="電子証明書の更新・新規発行").click()
    tablet.get_by_role("button", name="番号札を出す").click()
    expect(tablet.locator(".slip-number")).to_have_text("C003")

    # The network goes: the picture stays and says since when; what was called meanwhile is shown afterwards and not spoken again.
    expect(screen.locator("[data-display]")).to_have_attribute("data-said", re.compile(r"\d+"), timeout=30_000)
    screen.context.set_offline(True)
    expect(screen.locator("[data-lost]")).to_be_visible(timeout=15_000)
    expect(screen.locator(".display-number")).to_have_text("C002")
    desk.goto(f"{S}{SITE}/windows/1/")
    press_key(desk, "n")
    expect(desk.locator(".counter-number")).to_have_text("C003")
    screen.context.set_offline(False)
    expect(screen.locator(".display-number")).to_have_text("C003")
    expect(screen.locator("[data-lost]")).to_be_hidden()
    screen.set_viewport_size({"width": 1080, "height": 1920})
    check(screen, "display-upright")
