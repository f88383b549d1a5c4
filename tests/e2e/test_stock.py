"""The stock of cards in a real browser: three hundred cards counted by a scanner that types faster than the network answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from .journey import Installation, check, shows, sign_in, titled

Visit = Callable[..., Any]
BASE = "/staff/nagaoka/stock/"
BOXES, PER_BOX = 5, 60
SHELF = """
from madoguchi.domain.cards.arrivals import Arrival
from madoguchi.domain.cards.models import Card
from madoguchi.domain.cards.services import stock
from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel
contract = Contract.objects.get(code="CITY")
user = User.objects.get(email="counter.CITY@demo.example.jp")
who = dict(user=user, by=Actor(ActorKind.COUNTER, Channel.COUNTER, f"user:{user.pk}", user.name), now=now - dt.timedelta(hours=1))
with contract_scope(contract):
    if not Card.objects.exists():
        numbers = [f"PREFIX-{n:05}" for n in range(1, 301)]
        stock.register_cards(contract, [Arrival(n) for n in numbers], **who)
        for n, number in enumerate(numbers):
            stock.put(contract, number, cabinet="a", box=1 + n // 60, **who)
"""


def number(n: int) -> str:
    """The label of the n-th card."""
    return f"R08-{n:05}"


def scan(page: Any, code: str) -> None:
    """What a scanner does: the signs at once, then Enter; wherever the focus is."""
    page.keyboard.insert_text(code)
    page.keyboard.press("Enter")


@pytest.mark.req("DESK-03")
def test_three_hundred_cards_are_counted_on_a_tablet(visit: Visit, installation: Installation) -> None:
    installation.run(SHELF.replace("CITY", "nagaoka").replace("PREFIX", "R08"))
    page = visit(820, bypass_csp=True)
    page.set_viewport_size({"width": 820, "height": 1180})
    sign_in(page, "counter.nagaoka")
    page.goto(f"{BASE}takings/")
    page.select_option("#t-cabinet", "a")
    page.get_by_role("button", name="始める").click()
    expect(page.locator("#scan-code")).to_be_focused()
    check(page, "stock-taking-1-begin")
    begun = time.monotonic()
    for box in range(1, BOXES + 1):
        scan(page, f"A-{box:02}")
        for n in range(1 + (box - 1) * PER_BOX, 1 + box * PER_BOX):
            if n not in (7, 100):
                scan(page, number(n))
    expect(page.locator("[data-heard]")).to_contain_text("298枚を読み取りました", timeout=120_000)
    print(f"298 cards and {BOXES} boxes: {time.monotonic() - begun:.1f} s")
    expect(page.locator(".stock-said.is-good")).to_contain_text(number(300))
    scan(page, number(100))
    expect(page.locator(".stock-said.is-bad")).to_contain_text("記録では別の箱です")
    scan(page, "R07-55555")
    expect(page.locator(".stock-said.is-bad")).to_contain_text("登録のないカード")
    expect(page.locator("#scan-code")).to_be_focused()
    check(page, "stock-taking-2-bad")
    page.reload()
    shows(page, "60 / 60枚")
    page.get_by_role("button", name="読み取りを終えて比べる").click()
    shows(page, "違い　3件")
    check(page, "stock-taking-3-differences")
    row = page.locator("tr").filter(has_text=number(7))
    row.get_by_label("記録を実際の場所に直した").check()
    row.get_by_label("見つかった箱").fill("A-05")
    row.get_by_role("button", name="解決する").click()
    shows(page, "A-05 は、いっぱいです")
    row.get_by_label("見つかった箱").fill("A-06")
    row.get_by_role("button", name="解決する").click()
    shows(page, "残り 2件")
    row = page.locator("tr").filter(has_text=number(100))
    row.get_by_label("記録の場所にあった").check()
    row.get_by_role("button", name="解決する").click()
    shows(page, "残り 1件")
    address = page.url
    leader = visit(1280, bypass_csp=True)
    sign_in(leader, "supervisor.nagaoka")
    leader.goto(address)
    leader.get_by_label("市へ報告した").check()
    leader.get_by_label("メモ").fill("市民課の窓口担当へ渡した。")
    leader.get_by_role("button", name="解決する").click()
    leader.get_by_role("button", name="棚卸を閉じる").click()
    shows(leader, "閉じた")
    check(leader, "stock-taking-4-closed")


@pytest.mark.req("DESK-03", "DESK-04")
@pytest.mark.parametrize("width", [820, 1280])
def test_a_day_at_the_stock(visit: Visit, installation: Installation, width: int) -> None:
    installation.run(SHELF.replace("CITY", "izumi").replace("PREFIX", "2607"))
    base = "/staff/izumi/stock/"
    page = visit(width, bypass_csp=True)
    sign_in(page, "counter.izumi")
    page.goto(f"{base}scan/?do=register")
    new = f"2609-{width:05}"
    scan(page, new)
    expect(page.locator(".stock-said.is-good")).to_contain_text(f"{new} を登録しました")
    scan(page, new)
    expect(page.locator(".stock-said.is-bad")).to_contain_text("すでに登録されています")
    check(page, "stock-scan")
    page.get_by_role("link", name="格納", exact=True).click()
    expect(page.locator("#scan-code")).to_be_focused()
    scan(page, "B-01")
    scan(page, new)
    expect(page.locator(".stock-said.is-good")).to_contain_text(f"{new} は B-01-0")
    scan(page, "1234-5678-9018")
    expect(page.locator(".stock-said.is-bad")).to_contain_text("マイナンバーはお預かりできません")
    expect(page.locator("#scan-code")).to_have_value("")
    page.goto(f"{base}batches/")
    if page.get_by_role("button", name="開く", exact=True).count() and not page.locator("tbody tr").count():
        page.get_by_role("button", name="開く", exact=True).click()
    else:
        page.locator("tbody a").first.click()
    card = page.locator("tbody tr").filter(has_text="未着手").first.locator("a").inner_text()
    scan(page, card)
    expect(page.locator(".stock-said.is-good")).to_contain_text("設定を記録しました")
    check(page, "stock-batch")
    page.goto(f"{base}check/")
    scan(page, card)
    expect(page.locator(".stock-said.is-bad")).to_contain_text("確認は別の人")
    other = visit(width, bypass_csp=True)
    sign_in(other, "supervisor.izumi")
    other.goto(f"{base}check/")
    scan(other, card)
    expect(other.locator(".stock-said.is-good")).to_contain_text("確認が済みました")
    rest = ("shelves/a/1/", "ageing/", "notices/", "picks/", "arrivals/", "find/", "disposals/", "takings/")
    for name in ("", "shelves/", *(rest if width == 820 else ())):
        page.goto(f"{base}{name}")
        check(page, f"stock-{name.replace('/', '-').strip('-') or 'overview'}")
    page.goto(base)
    titled(page, "カードの在庫")
    page.locator(".stock-flow a").first.click()
    page.locator("tbody a").first.click()
    shows(page, "このカードにすること")
    check(page, "stock-card")
