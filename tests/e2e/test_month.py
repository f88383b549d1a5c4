"""The work accounts for itself, in real browsers: a month is closed, returned once, accepted, billed and issued again; an incident reaches the city."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from .journey import Installation, check, press_key, shows, sign_in

Visit = Callable[..., Any]
CITY = "hatsukaichi"
S = f"/staff/{CITY}/"
CALLS = """
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog.services import note
contract = Contract.objects.get(code="hatsukaichi")
with contract_scope(contract):
    for day, outcome in {days}:
        at = dt.datetime(2026, 10, day, 10, tzinfo=JST)
        note(contract, "call.ended", by=SYSTEM.through(Channel.PHONE), now=at, ref="call:1", outcome=outcome, wait_seconds=5, handle_seconds=60)
"""


def write_what_is_missing(page: Any) -> None:
    """Every text that a person has to write."""
    while (empty := page.locator(".doc-passage textarea[placeholder]")).count():
        empty.first.fill("特になし")
        with page.expect_navigation():
            page.locator(".doc-passage", has=page.locator("textarea[placeholder]")).first.get_by_role("button", name="保存する").click()


def signed_and_handed_in(page: Any) -> None:
    write_what_is_missing(page)
    page.get_by_role("button", name="確定する").click()
    page.get_by_role("button", name="市へ提出する").click()
    shows(page, "提出済み", ".doc-state")


@pytest.mark.req("REP-02", "REP-03", "REP-07", "BILL-01")
def test_a_month_is_closed_returned_once_accepted_billed_and_issued_again(visit: Visit, installation: Installation) -> None:
    installation.run(CALLS.format(days='((5, "answered"), (6, "answered"), (7, "abandoned"))'))
    manager, city = visit(1280, bypass_csp=True), visit(1280, bypass_csp=True)
    sign_in(manager, f"manager.{CITY}")
    sign_in(city, f"city.{CITY}")

    begun = time.monotonic()
    manager.goto(f"{S}documents/?month=2026-10")
    row = manager.locator("tr", has_text="月次報告")
    row.get_by_role("button", name=re.compile("作る")).or_(row.get_by_role("link")).first.click()
    shows(manager, "下書き", ".doc-state")
    check(manager, "month-draft")
    address = manager.url
    signed_and_handed_in(manager)
    assert time.monotonic() - begun < 300, "a month is closed in less than five minutes"
    for ending, head in (("report.pdf", b"%PDF-"), ("report.xlsx", b"PK"), ("report.csv", b"\xef\xbb\xbf")):
        assert manager.request.get(f"{address}{ending}").body().startswith(head)

    city.goto(address)
    city.get_by_role("button", name="差し戻す").click()
    shows(city, "差し戻す理由")
    city.get_by_label("コメント").fill("電話の件数を確かめてください。")
    city.get_by_role("button", name="差し戻す").click()
    manager.goto(address)
    manager.get_by_role("link", name=re.compile("第2版")).first.click()
    shows(manager, "電話の件数を確かめてください。")
    check(manager, "month-returned")
    second = manager.url
    signed_and_handed_in(manager)
    city.goto(second)
    city.get_by_role("button", name="合格とする").click()
    shows(city, "合格", ".doc-state")

    manager.goto(f"{S}billing/?year=2026")
    line = manager.locator("tr", has_text="令和8年10月分")
    expect(line).to_contain_text("下書き")
    check(manager, "month-billed")

    installation.run(CALLS.format(days='((8, "answered"),)'))
    manager.goto(second)
    shows(manager, "確定した後に変わった数字")
    manager.get_by_label("出し直す理由").fill("着信が1件遅れて届いたため")
    manager.get_by_role("button", name="新しい版を作る").click()
    signed_and_handed_in(manager)
    shows(manager, "第2版との違い")
    check(manager, "month-again")
    city.goto(second)
    shows(city, "これは前の版です")


@pytest.mark.req("REP-05")
def test_an_incident_is_known_to_the_city_within_a_minute(visit: Visit, installation: Installation) -> None:
    operator, city = visit(1280, bypass_csp=True), visit(360, bypass_csp=True)
    sign_in(operator, f"operator.{CITY}")
    operator.get_by_role("link", name="報告する").first.click()
    check(operator, "incident-form")
    operator.get_by_role("button", name="報告する").click()
    shows(operator, "種類を選んでください")
    operator.locator('input[name="kind"]').first.check(force=True)
    operator.locator('input[name="seriousness"]').first.check(force=True)
    operator.locator('textarea[name="what"]').fill("受付機の画面が消え、番号札を出せなくなった。")
    operator.get_by_role("button", name="報告する").click()
    shows(operator, "受付機の画面が消え", "body")

    mail = installation.mail_to(f"city.{CITY}@demo.example.jp", "至急", seconds=60)
    assert "受付機" not in mail.body
    sign_in(city, f"city.{CITY}")
    link = re.search(r"https?://\S+/incidents/\d+/", mail.body)
    assert link
    city.goto(link[0])
    press_key(city, "a")
    shows(city, "お知らせを止めました", "body")
    check(city, "incident-known")
