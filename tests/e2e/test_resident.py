"""Residents book, change, add and cancel in a real browser, on a telephone and at a desk."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from .journey import (
    WAY_NAMES,
    Installation,
    book_one,
    booking_code,
    check,
    choose,
    choose_day,
    choose_time,
    fill_person,
    focused,
    heading,
    link_in,
    narrow,
    person,
    phone_of,
    press,
    shot,
    shows,
    tab_to,
    titled,
    type_in,
)

Visit = Callable[..., Any]
JAPANESE = re.compile(r"[ぁ-ヿ一-鿿]")
WIDTHS = pytest.mark.parametrize("width", [360, 1280])


@WIDTHS
@pytest.mark.req("BOOK-03", "BOOK-04", "BOOK-08")
def test_a_resident_books_for_one(visit: Visit, installation: Installation, width: int) -> None:
    page = visit(width, bypass_csp=True)
    page.goto("/hatsukaichi/")
    titled(page, "マイナンバーカードの窓口を予約する")
    check(page, "one-1-start")
    page.get_by_role("link", name="予約する", exact=True).click()
    page.get_by_role("button", name="日を選ぶ").click()
    shows(page, "手続きを1つ選んでください。", ".error-summary")
    check(page, "one-2-who")
    page.locator("label.choice").filter(has_text="マイナンバーカードの受取り").first.click()
    page.get_by_role("button", name="日を選ぶ").click()
    titled(page, "日を選ぶ")
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
    titled(page, "来る人と連絡先")
    assert re.search(r"残り\s*(10:00|9:\d\d)", page.locator("[data-hold-left]").inner_text())
    page.fill("#id_person1-name", "山田 太郎")
    page.fill("#id_contact-phone", "09")
    page.get_by_role("button", name="確認へ進む").click()
    summary = page.locator(".error-summary").inner_text()
    assert "直すところが2か所あります。入力した内容は残っています。" in summary
    assert page.input_value("#id_person1-name") == "山田 太郎"
    check(page, "one-5-wrong")
    fill_person(page, 1, "山田 太郎", "やまだ たろう", ("showa", "55", "1", "2"))
    page.fill("#id_contact-phone", f"０９０－１２３４－{5678 + width}")
    page.fill("#id_contact-email", f"one{width}@example.jp")
    check(page, "one-6-details")
    page.get_by_role("button", name="確認へ進む").click()
    titled(page, "この内容で予約しますか")
    text = page.locator("main").inner_text()
    for said in ("ヤマダ　タロウ", "11月10日", "10:00", f"090-1234-{5678 + width}", f"one{width}@example.jp"):
        assert said in text
    check(page, "one-7-check")
    page.get_by_role("button", name="予約する", exact=True).click()
    titled(page, "予約ができました")
    number = page.locator(".booking-number").inner_text()
    assert re.fullmatch(r"[A-Z0-9]{4}-[A-Z0-9]{4}", number)
    assert page.locator(".bring li").count() >= 1
    check(page, "one-8-done")
    mail = installation.mail_to(f"one{width}@example.jp", "予約")
    assert number in mail.body
    assert "11月10日" in mail.body
    page.goto("/demo/mailbox/")
    page.get_by_role("link", name=mail.subject).first.click()
    shows(page, number)


@pytest.mark.parametrize("keyboard", [True, False], ids=WAY_NAMES)
@pytest.mark.req("BOOK-04", "BOOK-05")
def test_a_family_of_four_books_different_procedures_at_once(
    visit: Visit, installation: Installation, keyboard: bool
) -> None:
    page, way = person(visit, keyboard), narrow(keyboard)
    page.goto("/izumi/")
    press(page, "予約する", keyboard, role="link")
    titled(page, "手続きを選ぶ")
    procedures = ("card_pickup", "cert_renewal", "pin_reset", "card_application")
    for n, code in enumerate(procedures, start=1):
        if n > 1:
            press(page, "一緒に予約する人を増やす", keyboard)
            page.locator(f'input[name="p{n}"]').first.wait_for()
        choose(page, f"p{n}", code, keyboard)
    check(page, f"family-1-who-{way}")
    press(page, "日を選ぶ", keyboard)
    titled(page, "日を選ぶ")
    assert "和泉市役所本館1階" in page.locator("main").inner_text(), "the only place that does all four"
    day = "2026-11-12" if keyboard else "2026-11-13"
    if keyboard:
        tab_to(page, f"11月{day[-2:]}日")
        page.keyboard.press("Enter")
        page.wait_for_url("**/day/**")
        tab_to(page, f"{day}T")
        for _ in range(30):
            if "10:15" in focused(page):
                break
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
    else:
        choose_day(page, day)
        choose_time(page, "10:15")
    press(page, "この時間で進む", keyboard)
    titled(page, "来る人と連絡先")
    names = ("泉 一郎", "泉 二美", "泉 三太", "泉 四葉")
    address = f"family{way}@example.jp"
    boxes = [
        *((f"person{n}-{part}", value) for n, name in enumerate(names, start=1) for part, value in (("name", name), ("kana", "いずみ かぞく"))),
        ("contact-phone", phone_of(address)),
        ("contact-email", address),
    ]  # fmt: skip
    for box, value in boxes:
        type_in(page, box, value, keyboard)
    check(page, f"family-2-details-{way}")
    press(page, "確認へ進む", keyboard)
    titled(page, "この内容で予約しますか")
    press(page, "予約する", keyboard)
    titled(page, "予約ができました")
    text = page.locator("main").inner_text()
    for n, name in enumerate(names, start=1):
        assert f"{n}人目" in text
        assert name in text
    check(page, f"family-3-done-{way}")
    assert booking_code(page) in installation.mail_to(address, "予約").body


@WIDTHS
@pytest.mark.req("BOOK-06", "BOOK-08")
def test_a_resident_moves_adds_and_cancels_by_the_link_in_the_mail(
    visit: Visit, installation: Installation, width: int
) -> None:
    page = visit(width, bypass_csp=True)
    address = f"change{width}@example.jp"
    number = book_one(page, email=address, day="2026-11-16", at="9:30")
    link = link_in(installation.mail_to(address, "予約").body)
    page = visit(width, bypass_csp=True)
    page.goto(link)
    shows(page, number)
    check(page, "change-1-manage")
    page.get_by_role("link", name="日時を変更する").click()
    page.wait_for_url("**/when/**")
    check(page, "change-2-month")
    choose_day(page, "2026-11-17")
    choose_time(page, "13:00")
    page.get_by_role("button", name="この時間に変更する").click()
    shows(page, "11月17日", "dl.dl")
    check(page, "change-3-moved")
    assert "11月17日" in installation.mail_to(address, "変更").body
    page.get_by_role("link", name="人数を増やす").click()
    page.locator('input[type=radio][value="pin_reset"]').check()
    page.locator("input[name$=-name]").fill("山田 花子")
    page.locator("input[name$=-kana]").fill("ヤマダ ハナコ")
    page.get_by_role("button", name="この人を増やす").click()
    shows(page, "2人目")
    shows(page, "山田 花子")
    check(page, "change-4-added")
    page.get_by_role("link", name="予約を取り消す").click()
    titled(page, "この予約を取り消しますか")
    check(page, "change-5-cancel")
    page.get_by_role("button", name="取り消す", exact=True).click()
    shows(page, "この予約は取り消されています")
    check(page, "change-6-cancelled")
    assert number in installation.mail_to(address, "取り消し").body


@pytest.mark.parametrize(
    ("language", "lang", "title"),
    [("en", "en", "Book"), ("ja-easy", "ja", "")],
    ids=["english", "easy-japanese"],
)
@pytest.mark.req("BOOK-04")
def test_a_resident_books_in_another_language(
    visit: Visit, installation: Installation, language: str, lang: str, title: str
) -> None:
    page = visit(360, bypass_csp=True)
    page.goto(f"/hatsukaichi/?lang={language}")
    assert page.locator("html").get_attribute("lang") == lang
    assert title in heading(page)
    check(page, f"{language}-1-start")
    address = f"{language}@example.jp"
    number = book_one(page, email=address, day="2026-11-18", at="11:00")
    check(page, f"{language}-2-done")
    mail = installation.mail_to(address, "")
    assert number in mail.body
    if language == "en":
        assert not JAPANESE.search(page.locator("main h1").first.inner_text())
        assert "Your appointment is booked" in mail.subject


def test_english_pages_follow_the_browser(visit: Visit) -> None:
    page = visit(1280, locale="en-US")
    page.goto("/hatsukaichi/")
    assert page.locator("html").get_attribute("lang") == "en"


@WIDTHS
@pytest.mark.req("BOOK-04", "BOOK-06")
def test_everything_works_without_javascript(visit: Visit, width: int) -> None:
    page = visit(width, java_script_enabled=False)
    number = book_one(page, email=f"noscript{width}@example.jp", day="2026-11-19", at="10:00", phone="090-7777-0000")
    shot(page, "noscript-1-done")
    page.goto("/hatsukaichi/find/")
    page.fill("#id_code", number.lower())
    page.fill("#id_phone", "090 7777 0000")
    page.get_by_role("button", name="予約を開く").click()
    shows(page, number)
    page.get_by_role("link", name="日時を変更する").click()
    choose_day(page, "2026-11-20")
    choose_time(page, "11:00")
    page.get_by_role("button", name="この時間に変更する").click()
    shows(page, "11月20日")
    page.get_by_role("link", name="予約を取り消す").click()
    page.get_by_role("button", name="取り消す", exact=True).click()
    shows(page, "この予約は取り消されています")


@pytest.mark.req("BOOK-04")
def test_back_and_a_double_press_book_once(visit: Visit) -> None:
    page = visit(1280)
    page.goto("/hatsukaichi/book/?p=card_pickup")
    page.locator('button[name="next"]').click()
    choose_day(page, "2026-11-24")
    choose_time(page, "10:00")
    page.get_by_role("button", name="この時間で進む").dblclick()
    page.wait_for_url("**/details/")
    fill_person(page, 1, "山田 太郎", "ヤマダ タロウ")
    page.fill("#id_contact-phone", "090-1111-2222")
    page.get_by_role("button", name="確認へ進む").click()
    page.go_back()
    assert page.input_value("#id_person1-name") == "山田 太郎"
    page.get_by_role("button", name="確認へ進む").click()
    page.get_by_role("button", name="予約する", exact=True).dblclick()
    page.wait_for_url("**/done/")
    number = booking_code(page)
    page.go_back()
    page.wait_for_load_state()
    page.goto(page.url.replace("/done/", "/check/"))
    assert page.url.endswith("/done/")
    assert booking_code(page) == number
    page.reload()
    assert booking_code(page) == number


@pytest.mark.req("BOOK-04")
def test_two_tabs_make_two_bookings_that_do_not_mix(visit: Visit) -> None:
    first = visit(1280)
    second = first.context.new_page()
    for page, day in ((first, "2026-11-25"), (second, "2026-11-26")):
        page.goto("/hatsukaichi/book/?p=card_pickup")
        page.locator('button[name="next"]').click()
        choose_day(page, day)
        choose_time(page, "10:00")
        page.get_by_role("button", name="この時間で進む").click()
    numbers = set()
    for page, name in ((first, "第一 太郎"), (second, "第二 太郎")):
        fill_person(page, 1, name, "ヤマダ タロウ")
        page.fill("#id_contact-phone", f"090-1111-000{len(numbers)}")
        page.get_by_role("button", name="確認へ進む").click()
        shows(page, name)
    for page, day in ((first, "11月25日"), (second, "11月26日")):
        page.get_by_role("button", name="予約する", exact=True).click()
        page.wait_for_url("**/done/")
        shows(page, day)
        numbers.add(booking_code(page))
    assert len(numbers) == 2


@pytest.mark.req("BOOK-04")
def test_a_resident_books_by_keyboard_only(visit: Visit) -> None:
    page = visit(1280)
    page.goto("/hatsukaichi/")
    page.keyboard.press("Tab")
    assert focused(page) == "本文へ進む"
    page.keyboard.press("Enter")
    tab_to(page, "予約する")
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/")
    tab_to(page, "card_pickup")
    page.keyboard.press("Space")
    tab_to(page, "日を選ぶ")
    page.keyboard.press("Enter")
    page.wait_for_url("**/when/**")
    tab_to(page, "11月27日")
    page.keyboard.press("Enter")
    page.wait_for_url("**/day/**")
    tab_to(page, "2026-11-27T")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    shot(page, "keyboard-1-day")
    tab_to(page, "この時間で進む")
    page.keyboard.press("Enter")
    page.wait_for_url("**/details/")
    for field, value in (
        ("person1-name", "山田 太郎"),
        ("person1-kana", "やまだ たろう"),
        ("contact-phone", "0901112222"),
    ):
        tab_to(page, field)
        page.keyboard.type(value)
    page.keyboard.press("Enter")
    page.locator(".error-summary").wait_for()
    assert page.evaluate("() => document.activeElement.className") == "error-summary"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert focused(page) == "contact-phone", "the link of the summary leads to the box"
    page.keyboard.press("Control+a")
    page.keyboard.type("09011112222")
    page.keyboard.press("Enter")
    page.wait_for_url("**/check/")
    tab_to(page, "予約する")
    page.keyboard.press("Enter")
    page.wait_for_url("**/done/")
    titled(page, "予約ができました")
