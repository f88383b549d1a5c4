"""From "which procedure is mine" to the right papers in the bag, and the city's hand on the table, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from .journey import Installation, check, choose_day, choose_time, fill_person, phone_of, shows, sign_in, titled

Visit = Callable[..., Any]
WIDTHS = pytest.mark.parametrize("width", [360, 1280])


@WIDTHS
@pytest.mark.req("BOOK-12", "BOOK-04")
def test_a_resident_finds_the_procedure_and_what_to_bring(visit: Visit, installation: Installation, width: int) -> None:
    page = visit(width, bypass_csp=True)
    page.goto("/hatsukaichi/")
    page.get_by_role("link", name="どの手続きか分からないとき", exact=True).click()
    titled(page, "どんなご用件ですか")
    check(page, "bring-1-which")
    page.get_by_role("link", name="有効期限の通知が届いた").click()
    titled(page, "届いた封書の題名はどれですか")
    page.get_by_role("link", name="「電子証明書の有効期限通知書」", exact=True).click()
    titled(page, "電子証明書の更新・新規発行")
    check(page, "bring-2-found")
    page.get_by_role("link", name="持ってくるものを見る").click()
    titled(page, "持ってくるもの")
    assert "ほかの本人確認書類" not in page.locator("ul.bring").inner_text()
    check(page, "bring-3-answer")
    page.get_by_text("条件を変える").click()
    page.locator("label.choice").filter(has_text="暗証番号が分からない方").click()
    page.get_by_role("button", name="持ってくるものを見る").click()
    shows(page, "ほかの本人確認書類", "ul.bring")
    check(page, "bring-4-pin-unknown")
    page.get_by_role("link", name="この手続きを予約する").click()
    page.get_by_role("button", name="日を選ぶ").click()
    choose_day(page, f"2026-11-{25 if width == 360 else 26}")
    choose_time(page, "10:00")
    page.get_by_role("button", name="この時間で進む").click()
    titled(page, "来る人と連絡先")
    fill_person(page, 1, "山田 蓮", "ヤマダ レン", ("", "2018", "4", "1"))
    page.locator("label.choice").filter(has_text="法定代理人が来る").click()
    page.get_by_text("あてはまるもの").first.click()
    page.locator("label.choice").filter(has_text="暗証番号が分からない方").click()
    page.fill("#id_contact-phone", phone_of(f"bring{width}@example.jp"))
    page.fill("#id_contact-email", f"bring{width}@example.jp")
    check(page, "bring-5-details")
    page.get_by_role("button", name="確認へ進む").click()
    titled(page, "この内容で予約しますか")
    shows(page, "法定代理人が来る")
    shows(page, "暗証番号が分からない方")
    page.get_by_role("button", name="予約する", exact=True).click()
    titled(page, "予約ができました")
    shows(page, "法定代理人の顔写真付きの本人確認書類", "ul.bring")
    check(page, "bring-6-done")
    mail = installation.mail_to(f"bring{width}@example.jp", "予約").body
    assert "法定代理人の顔写真付きの本人確認書類" in mail
    assert not re.search(r"【.*15歳", mail), "the age is known"


@WIDTHS
@pytest.mark.req("BOOK-12")
def test_the_city_changes_a_row_and_approves_the_table(visit: Visit, width: int) -> None:
    page = visit(width, bypass_csp=True)
    sign_in(page, "city.nagaoka")
    page.goto("/staff/nagaoka/bring/?p=pin_reset")
    titled(page, "持ち物の表")
    check(page, "bring-table-1")
    page.get_by_role("link", name="マイナンバーカードのほかの本人確認書類").click()
    page.fill("#id_text_ja", f"顔写真付きの本人確認書類（{width}）")
    page.fill("#id_starts", "2026-12-01")
    check(page, "bring-table-2-row")
    page.get_by_role("button", name="保存する").click()
    titled(page, "持ち物の表")
    shows(page, "これからの表です")
    shows(page, f"顔写真付きの本人確認書類（{width}）")
    page.get_by_role("button", name=re.compile("上の.*行を確認済みにする")).click()
    shows(page, "行を確認済みにしました", "body")
    assert page.get_by_text("確認前").count() == 0
    check(page, "bring-table-3-approved")
    page.goto("/nagaoka/bring/?p=pin_reset&who=self&age=15")
    assert f"（{width}）" not in page.locator("main").inner_text(), "December's row is not November's"
