"""A failure in the middle of the morning: the tablet goes on alone, is reloaded, comes back, and nothing is lost or counted twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from .journey import Installation, check, shows, sign_in, titled

Visit = Callable[..., Any]
CITY, SITE = "nagaoka", "main"
S = f"/staff/{CITY}/counter/"
SCENE = """
from madoguchi.domain.reception.services.tickets import issue
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM
contract = Contract.objects.get(code="nagaoka")
with contract_scope(contract):
    group = contract.profile.reception.groups_at("main")[0]
    made = [issue(contract, site="main", parts={group.procedures[0]: 1}, key=f"e2e-before-{n}", by=SYSTEM, now=now) for n in range(2)]
    print(*[one.shown for one in made], contract.profile.procedure(group.procedures[0]).title, sep="|")
"""


def kept(page: Any) -> Any:
    return page.locator("[data-line-more]")


@pytest.mark.req("SEC-06", "DESK-01")
def test_a_failure_in_the_morning(visit: Visit, installation: Installation) -> None:
    # The leader has the pack made and printed, and names the tablet.
    leader = visit(1280, bypass_csp=True)
    sign_in(leader, f"supervisor.{CITY}")
    leader.goto(f"{S}failure/?site={SITE}")
    leader.get_by_role("button", name="いま作る").first.click()
    shows(leader, "まだ開いていません")
    leader.get_by_label("端末の名前").fill("受付のタブレット1")
    leader.get_by_role("button", name="登録する").click()
    shows(leader, "まだ開いていません")
    check(leader, "failure")
    leader.get_by_role("button", name="開いて印刷する").first.click()
    titled(leader, "非常時の用紙")
    expect(leader.locator("body")).to_contain_text("A801")
    check(leader, "failure-pack")

    first, second, title = installation.run(SCENE).strip().split("|")
    tablet = visit(820, bypass_csp=True)
    tablet.set_viewport_size({"width": 820, "height": 1180})
    tablet.clock.install()
    sign_in(tablet, f"counter.{CITY}")
    tablet.goto(f"{S}failure/?site={SITE}")
    tablet.get_by_role("link", name="この端末で開く").last.click()
    expect(tablet.locator("[data-line]")).to_contain_text("つながっています")
    expect(tablet.locator("[data-waiting]")).to_contain_text(first)
    expect(tablet.locator("[data-left]")).to_contain_text("A 120")
    tablet.evaluate("navigator.serviceWorker.ready.then(() => true)")

    # Another device that is opened under the same name gets no numbers: two that print the same ones are found out too late.
    leader.goto(tablet.url)
    shows(leader, "この機器には番号を渡していません")
    expect(leader.locator("[data-left]")).to_contain_text("A 0")
    check(leader, "offline-elsewhere")
    check(tablet, "offline-online")

    # The network goes. What is done now happens ten minutes long; the clock is set back so that none of it lies in the server's future.
    tablet.context.set_offline(True)
    began = tablet.evaluate("Date.now()") / 1000 - 600
    tablet.clock.set_system_time(began)

    def later(minutes: int) -> None:
        tablet.clock.set_system_time(began + minutes * 60)

    tablet.get_by_label(title, exact=True).fill("2")
    tablet.get_by_label("筆談").check()
    tablet.get_by_role("button", name="番号札を出す").click()
    mine = tablet.locator(".slip-number")
    expect(mine).to_be_visible()
    number = mine.inner_text()
    assert number not in (first, second)
    check(tablet, "offline-slip")
    tablet.get_by_role("button", name="閉じる").click()
    expect(tablet.locator("[data-line]")).to_contain_text("からつながっていません")
    expect(kept(tablet)).to_contain_text("1件")

    # The tablet is restarted without a network: the page, the queue and the deed are there.
    later(3)
    tablet.reload()
    titled(tablet, "つながらない間の受付")
    expect(kept(tablet)).to_contain_text("1件")
    expect(tablet.locator("[data-waiting] li")).to_have_count(3)
    window = tablet.locator('[data-window="1"]')
    window.get_by_role("button", name="次の方を呼び出す").click()
    expect(window).to_contain_text(f"呼び出し中 {number}")  # it came ten minutes earlier by the tablet's clock
    later(4)
    window.get_by_role("button", name="応対を始める").click()
    check(tablet, "offline-window")
    later(9)
    window.get_by_role("button", name="手続きを終える").click()
    expect(window).to_contain_text("空き")
    window.get_by_role("button", name="次の方を呼び出す").click()
    expect(window).to_contain_text(f"呼び出し中 {first}")
    expect(kept(tablet)).to_contain_text("5件")
    for width in (360, 1280):
        tablet.set_viewport_size({"width": width, "height": 900})
        check(tablet, "offline-alone")

    # Meanwhile a window with a connection calls the same party.
    leader.goto(f"{S}{SITE}/windows/")
    leader.get_by_role("button", name="2番窓口を開ける").click()
    titled(leader, "2番窓口")
    leader.keyboard.press("n")
    expect(leader.locator(".counter-number")).to_have_text(first)

    # The network is back: all is sent, one call is in question, and the leader decides.
    tablet.context.set_offline(False)
    tablet.get_by_role("button", name="いま送る").click()
    expect(kept(tablet)).to_contain_text("送っていない操作はありません")
    expect(tablet.locator("[data-notices]")).to_contain_text("1件")
    leader.goto(f"{S}failure/?site={SITE}")
    shows(leader, f"{first} は、2番窓口がすでに呼び出しています。")
    check(leader, "failure-question")
    leader.get_by_role("button", name="先にある記録を残し、これは記録しない").click()
    expect(leader.locator(".failure-clash")).to_have_count(0)

    # The sheets that were written before the tablet was found are typed in.
    leader.goto(f"{S}{SITE}/paper/")
    leader.get_by_label("1行目 番号札", exact=True).fill("A801")
    for cell, typed in (("来た時刻", "850"), ("始めた時刻", "855"), ("終わった時刻", "859")):
        leader.get_by_label(f"1行目 {cell}", exact=True).fill(typed)
    check(leader, "failure-paper")
    leader.get_by_role("button", name="記録する").click()
    shows(leader, "手続きを選んでください")
    check(leader, "failure-paper-wrong")
    leader.get_by_label("1行目 手続き", exact=True).select_option(index=1)
    leader.get_by_role("button", name="記録する").click()
    expect(leader.locator(".paper-wrong")).to_have_count(0)

    leader.goto(f"{S}{SITE}/day/")
    for text in (number, first, second, "A801"):
        shows(leader, text)
    shows(leader, "後から記録（つながらない間の端末）1")
    shows(leader, "後から記録（紙）1")
    shows(leader, re.compile("手続きを終えた 2").pattern)
    check(leader, "failure-day")
