"""Four hours without a connection: the tablet leads the queue alone, its browser dies and is closed in between, and nothing is lost or doubled."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyotp
import pytest
from playwright.sync_api import expect

from madoguchi.ground.accounts.demo import PASSWORD, _secret

from .conftest import ARGUMENTS
from .journey import Installation, check, shot, shows, sign_in, titled

CITY, SITE = "hatsukaichi", "main"
S = f"/staff/{CITY}/counter/"
SLOW_MINUTES = 7
"""The clock of this tablet is wrong; what it tells must not be."""
HOURS = 4
SCENE = """
import json
from django.db.models import F
from madoguchi.domain.booking.models import Slot
from madoguchi.domain.booking.party import Contact, Person, clean_contact, clean_person
from madoguchi.domain.booking.rules import show_code
from madoguchi.domain.booking.services.reserve import Reservation, reserve
from madoguchi.domain.reception.services.tablets import add_tablet
from madoguchi.domain.reception.services.tickets import issue
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.actors import SYSTEM, Actor, ActorKind, Channel
contract = Contract.objects.get(code="hatsukaichi")
profile = contract.profile
with contract_scope(contract):
    tablet = add_tablet(contract, site="main", name="受付のタブレット1", by=SYSTEM, now=now)
    live = [issue(contract, site="main", parts={"pin_reset": 1}, key=f"e2e-live-{n}", by=SYSTEM, now=now).shown for n in range(2)]
    person = Person(clean_person(profile, "cert_renewal", {"name": "山田 太郎", "kana": "ヤマダ タロウ"}, today=now.date()).values)
    contact = Contact(clean_contact(profile, ["cert_renewal"], {"phone": "090-1111-9900"}, today=now.date()).values)
    free = Slot.objects.filter(pool__site__code="main", starts_at__gt=now, taken__lt=F("planned")).order_by("starts_at")
    starts = free.first().starts_at.astimezone(JST)
    staff = Actor(ActorKind.CITY, Channel.COUNTER, "user:1", "市")
    booked = reserve(contract, Reservation("main", starts, [("cert_renewal", person)], contact, "ja", "e2e-offline", over=True), by=staff, now=now)
    titles = {one.code: one.title for one in profile.procedures}
    print(json.dumps({"tablet": tablet.pk, "live": live, "booking": booked.code, "titles": titles, "now": now.timestamp()}))
"""
TOLD = """
import json
from madoguchi.domain.reception.models import LateDeed, Ticket
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
contract = Contract.objects.get(code="hatsukaichi")
with contract_scope(contract):
    deeds = [(one.verb, one.ticket.shown if one.ticket else "", one.happened_at.timestamp(), one.state) for one in
        LateDeed.objects.filter(tablet_id={tablet}).select_related("ticket").order_by("id")]
    tickets = [(one.shown, one.state, one.outcome) for one in Ticket.objects.filter(site__code="main", day=now.date())]
    print(json.dumps({{"deeds": deeds, "tickets": tickets}}))
"""


@dataclass
class Tablet:
    """The device at the reception: its browser with what it keeps, and what the person at it did when."""

    start: Callable[..., Any]
    booted: float
    page: Any = None
    done: list[tuple[str, str, int]] = field(default_factory=list)
    minute: int = 0

    def boot(self, *, offline: bool) -> None:
        context = self.start(offline=offline)
        context.clock.install(time=self.booted + self.minute * 60)
        self.page = context.pages[0]

    def at(self, minute: int) -> None:
        self.minute = minute
        self.page.clock.set_system_time(self.booted + minute * 60)

    def come(self, procedure: str, *, booking: str = "") -> str:
        """Somebody gets a number."""
        if booking:
            self.page.locator("#o-find").fill(booking)
            self.page.locator("[data-bookings] button").click()
        else:
            self.page.get_by_label(procedure, exact=True).fill("1")
        self.page.get_by_role("button", name="番号札を出す").click()
        slip = self.page.locator(".slip-number")
        expect(slip).to_be_visible()
        number = str(slip.inner_text())
        self.page.get_by_role("button", name="閉じる").click()
        self.done.append(("issue", number, self.minute))
        return number

    def window(self, number: int) -> Any:
        return self.page.locator(f'[data-window="{number}"]')

    def do(self, window: int, button: str, verb: str, says: str, number: str) -> None:
        """Press a button of a window, which then says something."""
        self.window(window).get_by_role("button", name=button).click()
        expect(self.window(window)).to_contain_text(says)
        self.done.append((verb, number, self.minute))

    def call(self, window: int, number: str) -> None:
        self.do(window, "次の方を呼び出す", "call", f"呼び出し中 {number}", number)

    def begin(self, window: int, number: str) -> None:
        self.do(window, "応対を始める", "begin", f"応対中 {number}", number)

    def finish(self, window: int, number: str) -> None:
        self.do(window, "手続きを終える", "finish", "空き", number)

    def looks(self) -> list[str]:
        """All that the person sees of the queue, and what is left to print."""
        return [self.page.locator(css).inner_text() for css in ("[data-line]", "[data-left]", "[data-waiting]", "[data-held-list]", "[data-windows]")]

    def kept(self) -> int:
        """Deeds in the outbox itself."""
        return int(self.page.evaluate(
            "async () => { const [one] = await indexedDB.databases(); const db = await new Promise(r => { const q = indexedDB.open(one.name);"
            " q.onsuccess = () => r(q.result); }); const n = await new Promise(r => { const q = db.transaction('deeds').objectStore('deeds')"
            ".count(); q.onsuccess = () => r(q.result); }); db.close(); return n; }"
        ))  # fmt: skip


@pytest.fixture
def start(
    browser: Any, chromium: str, installation: Installation, watched: Callable[[Any], Any], tmp_path: Path
) -> Iterator[Callable[..., Any]]:
    """Switches the tablet's browser on; what it kept in its folder is there again."""
    contexts: list[Any] = []

    def make(**options: Any) -> Any:
        context = browser.browser_type.launch_persistent_context(
            tmp_path / "tablet", executable_path=chromium, args=ARGUMENTS, base_url=installation.url,
            viewport={"width": 820, "height": 1180}, locale="ja-JP", timezone_id="Asia/Tokyo", bypass_csp=True, **options,
        )  # fmt: skip
        contexts.append(context)
        return watched(context)

    yield make
    contexts[-1].close()


@pytest.fixture
def four_hours_ago(installation: Installation) -> Iterator[Callable[[], None]]:
    """The installation lives four hours before its time until somebody says that they have passed."""
    clock = installation.data / "clock-offset"
    usual = clock.read_text()

    def move(offset: str) -> None:
        part = clock.with_suffix(".part")
        part.write_text(offset)
        part.replace(clock)

    move(str(float(usual) - HOURS * 3600))
    yield lambda: move(usual)
    move(usual)


def power_fails(folder: Path) -> None:
    """The browser of that folder is gone at once, without a word to anybody."""
    mine = psutil.Process().children(recursive=True)
    running = [one for one in mine if any(str(folder) in word for word in one.cmdline())]
    assert running
    for process in running:
        process.kill()
    psutil.wait_procs(running, timeout=10)


def signs_in(page: Any, local: str) -> None:
    """With password and code, as every morning: this session ends with the browser."""
    email = f"{local}.{CITY}@demo.example.jp"
    titled(page, "サインイン")
    page.fill("#id_login", email)
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="サインイン", exact=True).click()
    page.fill("#id_code", pyotp.TOTP(_secret(email)).now())
    page.get_by_role("button", name="サインイン", exact=True).click()


@pytest.mark.req("SEC-06", "DESK-01")
def test_four_hours_without_a_connection(
    start: Callable[..., Any], four_hours_ago: Callable[[], None], installation: Installation, tmp_path: Path
) -> None:
    scene = json.loads(installation.run(SCENE))
    title, live, began = scene["titles"], scene["live"], scene["now"]
    address = f"{S}{SITE}/offline/{scene['tablet']}/"
    tablet = Tablet(start, began - SLOW_MINUTES * 60)

    def starts_again(minute: int, before: list[str], picture: str) -> None:
        tablet.minute = minute
        tablet.boot(offline=True)
        tablet.page.goto(address)
        titled(tablet.page, "つながらない間の受付")
        expect(tablet.page.locator("[data-waiting-count]")).not_to_be_empty()
        assert tablet.looks() == before
        shot(tablet.page, picture)

    # In the morning the tablet is opened once with a connection.
    tablet.boot(offline=False)
    tablet.page.goto(address)
    signs_in(tablet.page, "counter")
    expect(tablet.page.locator("[data-line]")).to_contain_text("つながっています")
    expect(tablet.page.locator("[data-left]")).to_contain_text("A 80・B 40")
    tablet.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    tablet.page.context.set_offline(True)

    # The first hour: those who waited and those who come, one of them has to fill in a form.
    for n, number in enumerate(live):
        tablet.at(2 + 3 * n)
        tablet.call(n + 1, number)
    tablet.at(8)
    first = tablet.come(title["card_pickup"])
    assert first == "A401"
    tablet.at(11)
    tablet.begin(1, live[0])
    tablet.do(2, "いらっしゃらない", "missed", "空き", live[1])
    tablet.at(19)
    second, other = tablet.come(title["pin_reset"]), tablet.come(title["card_application"])
    tablet.at(25)
    tablet.finish(1, live[0])
    tablet.call(1, first)
    tablet.begin(1, first)
    tablet.call(4, other)
    tablet.at(31)
    tablet.do(1, "保留", "hold", "空き", first)
    expect(tablet.page.locator("[data-held-list]")).to_contain_text(first)
    tablet.call(1, second)
    tablet.call(2, live[1])
    tablet.at(33)
    for window, number in ((1, second), (2, live[1]), (4, other)):
        tablet.begin(window, number)
    check(tablet.page, "offline-hold")

    # The power fails in the middle of it, and there is still no network when the tablet starts again.
    before = tablet.looks()
    power_fails(tmp_path / "tablet")
    starts_again(50, before, "offline-restarted")
    tablet.do(3, "保留の方を呼び出す", "call", f"呼び出し中 {first}", first)
    tablet.at(52)
    tablet.begin(3, first)
    for window, number in ((1, second), (2, live[1]), (3, first), (4, other)):
        tablet.at(52 + 2 * window)
        tablet.finish(window, number)
    tablet.at(65)
    numbers = [first, second, other, tablet.come("", booking=scene["booking"])]
    tablet.call(2, numbers[-1])
    tablet.begin(2, numbers[-1])

    def served(window: int, minute: int) -> None:
        tablet.at(minute)
        numbers.append(tablet.come(title["card_pickup"]))
        tablet.call(window, numbers[-1])
        tablet.at(minute + 1)
        tablet.begin(window, numbers[-1])
        tablet.at(minute + 8)
        tablet.finish(window, numbers[-1])

    for n in range(5):
        served(1 + 2 * (n % 2), 70 + 10 * n)

    # The browser is closed and opened again, still without a network.
    before = tablet.looks()
    tablet.page.context.close()
    starts_again(155, before, "offline-reopened")
    tablet.finish(2, numbers[3])
    for n in range(5):
        served(1 + n % 3, 160 + 10 * n)
    tablet.at(233)
    numbers += [tablet.come(title["pin_reset"]) for _ in range(2)]
    tablet.call(1, numbers[-2])
    assert tablet.kept() == len(tablet.done) > 60

    # The network is back after four hours, the sign-in of the morning is gone: nothing is lost, and work goes on.
    four_hours_ago()
    tablet.at(236)
    tablet.page.context.set_offline(False)
    tablet.page.get_by_role("button", name="いま送る").click()
    shows(tablet.page, f"サインインすると、この端末の {len(tablet.done)}件の操作を送ります")
    expect(tablet.page.locator("[data-line]")).to_contain_text("から送っていません（サインインが必要です）")
    tablet.at(238)
    numbers.append(tablet.come(title["pin_reset"]))
    check(tablet.page, "offline-signed-out")
    assert tablet.kept() == len(tablet.done)

    # A colleague who may not send signs in first, then somebody who may.
    colleague = tablet.page.context.new_page()
    sign_in(colleague, f"operator.{CITY}")
    colleague.close()
    tablet.page.get_by_role("button", name="いま送る").click()
    shows(tablet.page, f"いまサインインしている方は、この端末の操作（{len(tablet.done)}件）を送れません")
    tablet.page.get_by_role("link", name="サインアウトする").click()
    tablet.page.get_by_role("button", name="サインアウト").click()
    signs_in(tablet.page, "supervisor")
    titled(tablet.page, "つながらない間の受付")
    line = tablet.page.locator("[data-line]")
    expect(line).to_contain_text("送っていない操作はありません", timeout=30_000)
    expect(line).to_contain_text("つながっています")
    check(tablet.page, "offline-sent")
    assert tablet.kept() == 0

    # Every deed is there once, on its ticket and at its time; no number is there twice.
    known = json.loads(installation.run(TOLD.format(tablet=scene["tablet"])))
    assert [(verb, number, state) for verb, number, _, state in known["deeds"]] == [(verb, number, "done") for verb, number, _ in tablet.done]
    for (verb, number, at, _), (_, _, minute) in zip(known["deeds"], tablet.done, strict=True):
        assert 0 <= at - began - 60 * minute < 120, f"{verb} {number} is told at another time"
    tickets = {number: (state, outcome) for number, state, outcome in known["tickets"]}
    assert len(tickets) == len(known["tickets"]) == len({*numbers, *live}) == len(numbers) + len(live)
    assert set(tickets) == {*numbers, *live}
    still = {numbers[-3]: ("walk", ""), numbers[-2]: ("wait", ""), numbers[-1]: ("wait", "")}
    assert tickets == {number: still.get(number, ("", "served")) for number in tickets}
    assert [one.split("\n")[0] for one in tablet.page.locator("[data-waiting] li").all_inner_texts()] == numbers[-2:]
    tablet.page.goto(f"{S}{SITE}/day/")
    shows(tablet.page, f"後から記録（つながらない間の端末）{len(numbers)}")
    check(tablet.page, "offline-day")
