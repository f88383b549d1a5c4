"""When places are scarce: a fifth person on a full time, an earlier time for who waits, a typhoon. By keyboard on 320 px, by mouse at 200 %."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from typing import Any

import pytest

from .journey import (
    WAY_NAMES,
    Installation,
    book_one,
    check,
    fill_person,
    link_in,
    narrow,
    person,
    phone_of,
    press,
    shows,
    sign_in,
    tab_to,
    titled,
    type_in,
)

Visit = Callable[..., Any]
FULL = os.environ.get("MADOGUCHI_E2E") == "full"


def by(*ways: bool) -> pytest.MarkDecorator:
    """By keyboard (True) on 320 px, by mouse (False) at 200 %: each of the two in the usual run, both journeys both ways in the long one."""
    ways = (True, False) if FULL else ways
    return pytest.mark.parametrize("keyboard", ways, ids=[WAY_NAMES[not way] for way in ways])


DAY = """
from madoguchi.domain.booking.models import Pool
from madoguchi.domain.booking.services.slots import set_day
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM
contract = Contract.objects.get(code={city!r})
with contract_scope(contract):
    pool = Pool.objects.get(code={pool!r})
    for day in {days!r}:
        bands = [(dt.time.fromisoformat(a), dt.time.fromisoformat(b), n) for a, b, n in {bands!r}]
        set_day(contract, pool, dt.date.fromisoformat(day), bands, reason="会議", by=SYSTEM, now=now)
"""
PARTIES = """
import json
from madoguchi.domain.booking.party import Contact, Person
from madoguchi.domain.booking.recipients import manage_path
from madoguchi.domain.booking.services.reserve import Reservation, reserve
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import CITIZEN_WEB
from madoguchi.ground.kit.clock import JST
contract, links = Contract.objects.get(code={city!r}), []
for n in range({count}):
    start = dt.datetime.fromisoformat({first!r}).astimezone(JST) + dt.timedelta(minutes=30 * (n // {each}))
    own = f"{{start:%m%d}}{{n:04}}"
    values = {{"phone": f"+8180{{own}}", **({{"email": f"typhoon{{own}}@example.jp"}} if n % 3 else {{}})}}
    person = Person({{"name": f"台風 {{n}}郎", "kana": "タイフウ タロウ"}})
    wanted = Reservation(contract.profile.sites[0].code, start, [("card_pickup", person)], Contact(values), "ja", f"typhoon-{{own}}")
    done = reserve(contract, wanted, by=CITIZEN_WEB, now=now)
    with contract_scope(contract):
        links.append(manage_path(contract, done.code))
print(json.dumps(links))
"""


@by(False)
@pytest.mark.req("BOOK-05", "BOOK-06", "BOOK-04")
def test_a_fifth_person_on_a_full_time(visit: Visit, installation: Installation, keyboard: bool) -> None:
    day = "2026-12-09" if keyboard else "2026-12-10"
    bands = [("10:00", "10:30", 4), ("13:00", "13:30", 4), ("14:00", "14:30", 5)]
    installation.run(DAY.format(city="nagaoka", pool="terminal", days=[day], bands=bands))
    page = person(visit, keyboard)
    page.goto(f"/nagaoka/book/day/?p={','.join(['card_pickup'] * 4)}&site=main&date={day}")
    page.locator("label.slot").filter(has_text="10:00").click()
    page.get_by_role("button", name="この時間で進む").click()
    titled(page, "来る人と連絡先")
    shows(page, "全員が同じ時刻に、並んで手続きをします。")
    for n in range(1, 5):
        fill_person(page, n, f"長岡 {n}子", "ナガオカ カゾク")
    address = f"five{narrow(keyboard)}@example.jp"
    page.fill("#id_contact-phone", phone_of(address))
    page.fill("#id_contact-email", address)
    page.locator("form[data-draft] .actions button").click()
    page.locator("main form button.button-large[type=submit]").first.click()
    page.wait_for_url("**/done/")

    page.goto(link_in(installation.mail_to(address, "予約").body))
    press(page, "人数を増やす", keyboard, role="link")
    titled(page, "人数を増やす")
    if keyboard:
        tab_to(page, "card_pickup")
        page.keyboard.press("Space")
    else:
        page.locator('input[type=radio][value="card_pickup"]').check()
    for box, value in (("person5-name", "長岡 五子"), ("person5-kana", "ながおか いつこ")):
        type_in(page, box, value, keyboard)
    press(page, "この人を増やす", keyboard)
    shows(page, "全員が入れる空きがありません")
    assert page.input_value("#id_person5-name") == "長岡 五子"
    check(page, f"scarce-1-full-{narrow(keyboard)}")
    wanted = page.locator("button[name=starts]").filter(has_text="14:00").first
    text = wanted.inner_text().strip()
    if keyboard:
        page.evaluate("() => document.activeElement.blur()")
    press(page, text, keyboard)
    shows(page, "5人目")
    shows(page, "14:00〜14:30")
    check(page, f"scarce-2-five-{narrow(keyboard)}")


@by(True)
@pytest.mark.req("BOOK-06", "BOOK-16", "BOOK-04")
def test_who_waits_is_offered_an_earlier_time(visit: Visit, installation: Installation, keyboard: bool) -> None:
    free, visit_day = ("2026-11-11", "2026-12-02") if keyboard else ("2026-11-12", "2026-12-03")
    before = [f"2026-11-{n:02}" for n in range(3, 31)] + [f"2026-12-{n:02}" for n in range(1, int(visit_day[-2:]))]
    installation.run(DAY.format(city="nagaoka", pool="terminal", days=before, bands=[]))
    installation.run(DAY.format(city="nagaoka", pool="terminal", days=[visit_day], bands=[("10:00", "10:30", 2)]))
    address = f"earlier{narrow(keyboard)}@example.jp"
    page = person(visit, keyboard)
    book_one(page, email=address, day=visit_day, at="10:00", city="nagaoka")
    page.goto(link_in(installation.mail_to(address, "予約").body))
    press(page, "もっと早い日時を待つ", keyboard, role="link")
    titled(page, "もっと早い日時を待つ")
    check(page, f"earlier-1-wish-{narrow(keyboard)}")
    if keyboard:
        tab_to(page, "from_date")
        page.keyboard.press("ArrowDown")
        tab_to(page, "parts")
        page.keyboard.press("Space")
    else:
        page.select_option("#from_date", "2026-11-04")
        page.locator("label.choice").filter(has_text="午前").click()
    press(page, "空きを待つ", keyboard)
    shows(page, "早い日時の空きを待っています")
    check(page, f"earlier-2-waiting-{narrow(keyboard)}")
    bands = [("10:30", "11:00", 1), ("15:00", "15:30", 2)]
    installation.run(DAY.format(city="nagaoka", pool="terminal", days=[free], bands=bands))
    mail = installation.mail_to(address, "早い日時が空きました", seconds=60)
    day = f"11月{free[-2:]}日"
    assert f"令和8年{day}" in mail.body
    assert "10:30" in mail.body
    page.goto(link_in(mail.body))
    shows(page, "早い日時が空きました")
    check(page, f"earlier-3-offer-{narrow(keyboard)}")
    other = visit(1280)
    other.goto(f"/nagaoka/book/day/?p=card_pickup&site=main&date={free}")
    assert other.locator(f'input[value^="{free}T10:30"]:not([disabled])').count() == 0, "kept for who waits"
    assert other.locator(f'input[value^="{free}T15:00"]:not([disabled])').count() == 1
    press(page, "この日時に変える", keyboard)
    shows(page, "早い日時に変更しました。", "body")
    shows(page, "10:30〜11:00")
    assert day in installation.mail_to(address, "変更").body
    check(page, f"earlier-4-moved-{narrow(keyboard)}")


@pytest.mark.req("CAL-05", "BOOK-04", "BOOK-06", "BOOK-08")
def test_a_typhoon_closes_a_day_of_sixty_and_forty_move_by_one_press(visit: Visit, installation: Installation) -> None:
    """Of the forty, twenty go each of the two ways."""
    day = "2026-12-15"
    made = installation.run(PARTIES.format(city="hatsukaichi", count=60, first=f"{day}T09:00:00+09:00", each=6))
    links = json.loads(made.splitlines()[-1])
    assert len(links) == 60
    city = visit(1280, bypass_csp=True)
    sign_in(city, "city.hatsukaichi")
    city.goto(f"/staff/hatsukaichi/calendar/?month=2026-12&date={day}")
    city.select_option("#id_kind", "closed")
    city.fill("#id_reason", "台風のため")
    city.get_by_role("button", name="影響を見る").click()
    shows(city, "この変更をすると", "body")
    check(city, "typhoon-1-preview")
    city.get_by_role("button", name="この内容で変更する").click()
    shows(city, "影響を受けた予約が60件あります", "body")

    for keyboard, some in ((True, links[:40:2]), (False, links[1:40:2])):
        page, way = person(visit, keyboard), narrow(keyboard)
        for n, link in enumerate(some):
            page.goto(link)
            if n == 0:
                shows(page, "台風のため")
                check(page, f"typhoon-2-others-{way}")
            moved = page.locator("button[name=starts]").first.inner_text().strip()
            press(page, moved, keyboard)
            shows(page, "日時を変更しました。", "body")
            assert re.sub(r"[^0-9:]", "", moved) in re.sub(r"[^0-9:]", "", page.locator("dl.dl").first.inner_text())
        check(page, f"typhoon-3-moved-{way}")
    city.goto("/staff/hatsukaichi/affected/")
    assert city.locator("main tbody tr").filter(has_text=f"12月{day[-2:]}日").count() == 20
    shows(city, "電話が必要")
    check(city, "typhoon-4-call-list")
    assert installation.run(
        "from madoguchi.domain.booking.capacity import verify\nfrom madoguchi.ground.contracts.models import Contract\n"
        "print(len(verify(Contract.objects.get(code='hatsukaichi'))))"
    ).strip() == "0"
