"""Residents book, change, add and cancel in a real browser, on a telephone and at a desk."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from .journey import (
    Installation,
    check,
    choose_day,
    choose_time,
    fill_person,
    heading,
)

Visit = Callable[..., Any]
WIDTHS = pytest.mark.parametrize("width", [360, 1280])


@WIDTHS
@pytest.mark.req("BOOK-03", "BOOK-04", "BOOK-08")
def test_a_resident_books_for_one(visit: Visit, installation: Installation, width: int) -> None:
    page = visit(width, bypass_csp=True)
    page.goto("/hatsukaichi/")
    assert heading(page) == "マイナンバーカードの窓口を予約する"
    check(page, "one-1-start")
    page.get_by_role("link", name="予約する", exact=True).click()
    page.get_by_role("button", name="日を選ぶ").click()
    assert "手続きを1つ選んでください。" in page.locator(".error-summary").inner_text()
    check(page, "one-2-who")
    page.locator("label.choice").filter(has_text="マイナンバーカードの受取り").first.click()
    page.get_by_role("button", name="日を選ぶ").click()
    assert heading(page) == "日を選ぶ"
    assert page.locator("#cal-title").inner_text() == "令和8年11月"
    cell = page.locator('td[data-day="2026-11-10"]')
    assert "○" in cell.inner_text()
    assert "空き" in cell.locator("a").text_content()
    assert page.locator('td[data-day="2026-11-08"] a').count() == 0, "Sunday is closed"
    assert page.locator('td[data-day="2026-11-02"] a').count() == 0, "the day itself is too late"
    check(page, "one-3-month")
    choose_day(page, "2026-11-10")
    assert "11月10日" in heading(page)
    page.get_by_role("button", name="この時間で進む").click()
    assert "/day/" in page.url, "the browser asks for a time first"
    choose_time(page, "10:00")
    check(page, "one-4-day")
    page.get_by_role("button", name="この時間で進む").click()
    assert heading(page) == "来る人と連絡先"
    assert re.search(r"残り\s*(10:00|9:\d\d)", page.locator("[data-hold-left]").inner_text())
    page.fill("#id_person1-name", "山田 太郎")
    page.fill("#id_contact-phone", "09")
    page.get_by_role("button", name="確認へ進む").click()
    summary = page.locator(".error-summary").inner_text()
    assert "直すところが2か所あります。入力した内容は残っています。" in summary
    assert page.input_value("#id_person1-name") == "山田 太郎"
    check(page, "one-5-wrong")
    fill_person(page, 1, "山田 太郎", "やまだ たろう", ("showa", "55", "1", "2"))
    page.fill("#id_contact-phone", "０９０－１２３４－５６７８")
    page.fill("#id_contact-email", f"one{width}@example.jp")
    check(page, "one-6-details")
    page.get_by_role("button", name="確認へ進む").click()
    assert heading(page) == "この内容で予約しますか"
    text = page.locator("main").inner_text()
    for said in ("ヤマダ　タロウ", "11月10日", "10:00", "090-1234-5678", f"one{width}@example.jp"):
        assert said in text
    check(page, "one-7-check")
    page.get_by_role("button", name="予約する", exact=True).click()
    assert heading(page) == "予約ができました"
    number = page.locator(".booking-number").inner_text()
    assert re.fullmatch(r"[A-Z0-9]{4}-[A-Z0-9]{4}", number)
    assert page.locator(".bring li").count() >= 1
    check(page, "one-8-done")
    mail = installation.mail_to(f"one{width}@example.jp", "予約")
    assert number in mail.body
    assert "11月10日" in mail.body
    page.goto("/demo/mailbox/")
    page.get_by_role("link", name=mail.subject).first.click()
    assert number in page.locator("main").inner_text()
