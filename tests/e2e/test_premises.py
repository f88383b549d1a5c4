"""A checklist in one hand, and a photo from Chromium's own camera to the city's folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from .journey import Installation, check, shows, sign_in

Visit = Callable[..., Any]
CASE = """
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.domain.cases.hands import hand_of
from madoguchi.domain.cases.services import work
from madoguchi.ground.accounts.models import Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
contract = Contract.objects.get(code="izumi")
set_up(contract, now=now)
hand = hand_of(User.objects.get(email="counter.izumi@demo.example.jp"), Role.COUNTER)
with contract_scope(contract):
    print(work.open_case(contract, "pin_reset", "pin_reset", work.Visit("honkan"), key=f"photo-{now.timestamp()}", hand=hand, now=now).pk)
"""


@pytest.mark.req("DESK-08")
def test_two_people_close_a_list_on_a_telephone(visit: Visit) -> None:
    page = visit(360, bypass_csp=True)
    sign_in(page, "counter.izumi")
    page.goto("/staff/izumi/premises/lists/closing/plaza/")
    check(page, "checklist-1-empty")
    page.locator("#item-devices .rooms-done").click()
    shows(page, "必要な項目 1／6")
    page.locator("#item-papers .rooms-done").click()
    shows(page, "数（袋）を入力してください")
    check(page, "checklist-2-error")
    papers = page.locator("#item-papers")
    papers.locator("input[name=reading]").fill("2")
    papers.locator(".rooms-done").click()
    shows(page, "2袋")
    systems = page.locator("#item-systems")
    systems.locator("summary").click()
    systems.get_by_label("理由").select_option("system")
    systems.get_by_role("button", name="できないとして記録する").click()
    shows(page, "できない（システムの停止・メンテナンス）")
    box = page.locator("#item-left .rooms-done").bounding_box()
    assert box["height"] >= 44
    check(page, "checklist-3-half")

    leader = visit(1280, bypass_csp=True)
    sign_in(leader, "supervisor.izumi")
    leader.goto("/staff/izumi/premises/lists/closing/plaza/")
    shows(leader, "必要な項目 3／6")
    for item in ("left", "room", "locked"):
        leader.locator(f"#item-{item} .rooms-done").click()
        expect(leader.locator(f"#item-{item}.is-done")).to_be_visible()
    shows(leader, "に終わりました。")
    leader.goto("/staff/izumi/premises/")
    shows(leader, "できない（システムの停止・メンテナンス）")
    check(leader, "rooms-today")
    page.reload()
    shows(page, "に終わりました。")
    page.goto("/staff/izumi/premises/day/")
    check(page, "rooms-day")


@pytest.mark.req("DESK-06")
def test_a_photo_goes_from_the_camera_to_the_citys_folder(visit: Visit, installation: Installation) -> None:
    case = installation.run(CASE).strip()
    share = installation.data / "photo-share" / "izumi"
    page = visit(820, bypass_csp=True)
    sign_in(page, "counter.izumi")
    page.goto(f"/staff/izumi/cases/{case}/")
    page.get_by_role("button", name="顔写真を撮る").click()
    shoot, send = page.get_by_role("button", name=re.compile("^撮影する")), page.get_by_role("button", name=re.compile("この写真を送る"))
    expect(shoot).to_be_enabled()
    expect(page.locator("[data-hint]:visible").first).to_be_visible()
    check(page, "photo-1-camera")
    shoot.click()
    expect(page.locator("[data-preview]")).to_be_visible()
    assert page.evaluate("[document.querySelector('[data-preview]').width, document.querySelector('[data-preview]').height]") == [840, 1080]
    assert page.evaluate("document.querySelector('video').srcObject") is None
    page.get_by_role("button", name=re.compile("撮り直す")).click()
    expect(shoot).to_be_enabled()
    shoot.click()
    send.click()
    shows(page, "確かめることすべてに印を")
    for rule in page.locator("[data-rule]").all():
        rule.check()
    check(page, "photo-2-preview")
    page.context.set_offline(True)
    send.click()
    shows(page, "写真はまだこの端末にあります")
    page.context.set_offline(False)
    send.click()
    shows(page, "サーバーで封じて預かり")
    assert not list(share.rglob("*.jpg"))
    assert page.evaluate("document.querySelector('[data-preview]').width") == 0
    page.reload()
    shows(page, "届け先の応答を待っています")
    check(page, "photo-3-waiting")

    share.mkdir(parents=True, exist_ok=True)
    page.get_by_role("button", name="もう一度撮影する").click()
    shoot.click()
    for rule in page.locator("[data-rule]").all():
        rule.check()
    send.click()
    shows(page, "届け先に保存し、端末から消しました")
    expect(page.locator("[data-photo][data-told]")).to_be_attached()
    found = next(iter(share.rglob(f"case{case}-2.jpg")))
    data = found.read_bytes()
    assert data[:3] == b"\xff\xd8\xff"
    assert b"Exif" not in data
    page.reload()
    shows(page, "端末から消去")
    check(page, "photo-4-record")
    leader = visit(1280, bypass_csp=True)
    sign_in(leader, "supervisor.izumi")
    leader.goto("/staff/izumi/photos/")
    row = leader.locator("tr").filter(has_text=f"case{case}-2.jpg")
    expect(row).to_contain_text("届け済み")
    expect(row.locator("td").nth(6)).not_to_have_text("−")
    expect(leader.locator("main img")).to_have_count(0)
    check(leader, "photo-5-day")


CHECKS = """async () => {
  const { crop, hints, luminance, measure } = await import("/static/app/counter/photo-checks.js");
  const width = 140, height = 180;
  const picture = colour => {
    const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
      const value = colour(x / width, y / height, (x + y) % 2);
      for (let n = 0; n < 3; n++) rgba[4 * (y * width + x) + n] = value;
    }
    return hints(measure(luminance(rgba), width));
  };
  const face = (x, y) => Math.hypot((x - 0.5) / 0.27, (y - 0.43) / 0.3) < 1;
  return {
    good: picture((x, y, odd) => face(x, y) ? 150 + 20 * odd : 200),
    dark: picture((x, y, odd) => face(x, y) ? 40 + 20 * odd : 60),
    bright: picture((x, y, odd) => face(x, y) ? 235 + 20 * odd : 250),
    blurred: picture((x, y) => 150),
    uneven: picture((x, y, odd) => face(x, y) ? 150 + 20 * odd : x < 0.5 ? 90 : 220),
    sided: picture((x, y, odd) => face(x, y) ? (x < 0.5 ? 110 : 200) + 20 * odd : 200),
    wide: crop(1600, 900, 35 / 45), tall: crop(600, 900, 35 / 45),
  };
}"""


@pytest.mark.req("DESK-06")
def test_the_hints_name_what_is_wrong_with_a_picture(visit: Visit) -> None:
    page = visit()
    page.goto("/")
    found = page.evaluate(CHECKS)
    for name in ("good", "dark", "bright", "blurred", "uneven", "sided"):
        assert found[name] == [name], found
    assert found["wide"] == {"x": 450, "y": 0, "width": 700, "height": 900}
    assert found["tall"]["x"] == 0
    assert found["tall"]["height"] == pytest.approx(600 * 45 / 35)
