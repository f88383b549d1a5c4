"""A resident calls; an operator sees who it is, books for two, reads out what to bring, and closes the call with its record, without the mouse."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .journey import Installation, check, shot, shows, sign_in, tab_to

Visit = Callable[..., Any]
NUMBER = "0120000000"


@contextmanager
def calling(installation: Installation, caller: str) -> Iterator[subprocess.Popen[bytes]]:
    """A resident's telephone that calls until the other side hangs up."""
    sipp = shutil.which("sipp")
    if sipp is None:
        pytest.fail("sipp is missing: apt-get install sip-tester")
    scenario = installation.data / f"caller-{caller}.xml"
    (installation.data / "hum.ulaw").write_bytes(bytes(random.Random(1).randbytes(80_000)))
    scenario.write_text((Path(__file__).parent / "caller.xml").read_text().replace("[caller]", caller))
    port = (installation.data / "exchange.port").read_text()
    process = subprocess.Popen(
        [sipp, f"127.0.0.1:{port}", "-sf", str(scenario), "-s", NUMBER, "-i", "127.0.0.1", "-m", "1", "-nostdin", "-timeout", "120"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=installation.data,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_for_flow(installation: Installation) -> None:
    """Until the worker has put the announcements there."""
    until = time.monotonic() + 180
    while not (installation.data / "voice" / "hatsukaichi" / "flow.json").exists():
        assert time.monotonic() < until, "no call flow was published"
        time.sleep(0.3)
    time.sleep(2)


def a_number() -> str:
    """A telephone number nobody called from before."""
    return f"090{time.time_ns() // 10**6 % 10**8:08}"


def shown(number: str) -> str:
    """The number as pages write it."""
    return f"{number[:3]}-{number[3:7]}-{number[7:]}"


def at_the_telephone(visit: Visit, who: str, *, picture: str = "") -> Any:
    """The operator's page, ready for calls, without the mouse."""
    page = visit(1280, bypass_csp=True)
    page.add_init_script(path=Path(__file__).parent / "packets.js")
    sign_in(page, who)
    page.goto("/staff/hatsukaichi/desk/call/")
    page.locator("#work #desk-q").wait_for()
    if picture:
        shot(page, picture)
    tab_to(page, "電話を始める")
    page.keyboard.press("Enter")
    page.locator("[data-softphone][data-phase=break]").wait_for()
    page.keyboard.press("Control+F2")
    page.locator("[data-softphone][data-phase=ready]").wait_for()
    return page


def answered(page: Any) -> int:
    """Answered calls of this month, as the supervisor's page of figures says."""
    page.goto("/staff/hatsukaichi/phone/figures/")
    row = page.get_by_role("row", name="うち応答")
    return int(row.first.locator("td").inner_text().removesuffix("件")) if row.count() else 0


@pytest.mark.req("CALL-03", "CALL-06", "BOOK-11", "BOOK-12", "CALL-01")
def test_a_call_from_the_first_ring_to_the_record(visit: Visit, installation: Installation) -> None:
    wait_for_flow(installation)
    supervisor = visit(1280)
    sign_in(supervisor, "supervisor.hatsukaichi")
    before = answered(supervisor)
    page = at_the_telephone(visit, "operator.hatsukaichi", picture="telephone-1-waiting")
    caller = a_number()
    with calling(installation, caller) as resident:
        page.locator("[data-softphone][data-phase=ringing]").wait_for(timeout=60_000)
        page.locator("[data-popped]").wait_for()
        shows(page, shown(caller), "#caller")
        shows(page, "この番号の予約や記録はありません。", "#caller")
        shot(page, "telephone-2-ringing")
        page.keyboard.press("F2")
        page.locator("[data-softphone][data-phase=talking]").wait_for()

        page.evaluate("() => document.activeElement.blur()")
        page.keyboard.press("n")
        page.locator("#work #party-form").wait_for()
        page.wait_for_function("() => document.activeElement.id === 'id_r1_procedure'")
        for n, (name, kana) in enumerate((("電話 一郎", "でんわ いちろう"), ("電話 二葉", "でんわ ふたば")), start=1):
            if n > 1:
                page.evaluate("() => document.activeElement.blur()")
                page.keyboard.press("p")
                page.locator(f"#id_r{n}_name").wait_for()
            tab_to(page, f"r{n}_name")
            page.keyboard.type(name)
            tab_to(page, f"r{n}_kana")
            page.keyboard.type(kana)
        assert page.input_value("input[name=c_phone]") == shown(caller), "the caller's number is there already"
        page.locator("#day-2026-11-18").focus()
        page.keyboard.press("Enter")
        page.locator("#times-title").filter(has_text="11月18日").wait_for()
        page.locator("input[name=at]").first.focus()
        page.keyboard.press("Space")
        page.evaluate("() => document.activeElement.blur()")
        page.keyboard.press("b")
        page.locator("#work .desk-read").wait_for()
        said = page.locator("#work .desk-read").inner_text()
        for word in ("予約番号は", "11月18日", "持ち物"):
            assert word in said
        assert page.locator("[data-softphone][data-phase=talking]").count() == 1, "the work did not cut the call off"
        page.locator("#done .badge").wait_for()
        page.wait_for_function("() => document.querySelector('#id_topic').value === 'book'")
        assert page.input_value("#id_result") == "booked"
        assert page.url.endswith("/desk/call/"), "a page that is loaded anew is the same page"
        shot(page, "telephone-3-booked")
        page.keyboard.press("Shift+F2")
        page.locator("[data-softphone][data-phase=wrapup]").wait_for()
        assert resident.wait(20) == 0
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("r")
    page.wait_for_function("() => document.activeElement.id === 'id_topic'")
    tab_to(page, "question")
    page.keyboard.type("二人で受け取りたい")
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("k")
    shows(page, "保存しました", "#record")
    page.locator("[data-softphone][data-phase=ready]").wait_for()
    check(page, "telephone-4-recorded")
    made = installation.run(
        "import time\nfrom madoguchi.domain.calls.models import Call, Contact\nfrom madoguchi.ground.contracts.models import Contract\n"
        "from madoguchi.ground.contracts.tenancy import contract_scope\nfrom madoguchi.ground.privacy.sealing import keyring\n"
        "contract = Contract.objects.get(code='hatsukaichi')\n"
        f"index = keyring(contract).blind('phone', '{caller}')\n"
        "for _ in range(40):\n"
        "    with contract_scope(contract):\n"
        "        call = Call.objects.filter(number_index=index, ended_at__isnull=False).first()\n"
        "    if call: break\n"
        "    time.sleep(0.5)\n"
        "with contract_scope(contract):\n"
        "    contact = Contact.objects.get(call=call)\n"
        "print(call.outcome, contact.topic, contact.result, len(contact.bookings), call.operator_id == contact.operator_id)"
    )
    assert made.strip().splitlines()[-1] == "answered book booked 1 True"
    assert answered(supervisor) == before + 1
    check(supervisor, "telephone-5-figures")
    supervisor.goto("/staff/hatsukaichi/phone/calls/")
    supervisor.get_by_role("row", name=shown(caller)).get_by_role("link").first.click()
    shows(supervisor, "予約を受け付けた")
    check(supervisor, "telephone-6-call")


@pytest.mark.req("CALL-01", "CALL-03", "CALL-08")
def test_a_web_server_that_dies_cuts_nobody_off_and_the_next_call_waits_for_the_record(visit: Visit, installation: Installation) -> None:
    if installation.restart_web is None:
        pytest.skip("the installation is not ours to kill")
    wait_for_flow(installation)
    page = at_the_telephone(visit, "operator.hatsukaichi")
    first = a_number()
    second = f"080{first[3:]}"
    with calling(installation, first) as resident:
        page.locator("[data-softphone][data-phase=ringing]").wait_for(timeout=60_000)
        page.keyboard.press("F2")
        page.locator("[data-softphone][data-phase=talking]").wait_for()
        page.locator("#record-form").wait_for()
        tab_to(page, "question")
        page.keyboard.type("書きかけの")
        page.evaluate("window.listenFrom()")
        installation.restart_web()
        page.wait_for_timeout(1000)
        heard = page.evaluate("window.heard")
        assert page.locator("[data-softphone][data-phase=talking]").count() == 1
        assert heard["packets"] > 50 and heard["longest"] < 1000, heard
        page.keyboard.type("記録")
        page.keyboard.press("Shift+F2")
        page.locator("[data-softphone][data-phase=wrapup]").wait_for()
        assert resident.wait(20) == 0
    page.keyboard.press("Control+F2")
    page.locator("[data-softphone][data-phase=ready]").wait_for()
    with calling(installation, second):
        page.locator("[data-softphone][data-phase=ringing]").wait_for(timeout=60_000)
        shows(page, shown(second), "#caller")
        assert page.input_value("#id_question") == "書きかけの記録", "the record of the first call is still there"
        page.keyboard.press("F2")
        page.locator("[data-softphone][data-phase=talking]").wait_for()
        page.select_option("#id_topic", "other")
        page.select_option("#id_result", "solved")
        page.evaluate("() => document.activeElement.blur()")
        page.keyboard.press("k")
        page.wait_for_function("() => document.querySelector('#id_question')?.value === ''")
        page.keyboard.press("Shift+F2")
        page.locator("[data-softphone][data-phase=wrapup]").wait_for()
    made = installation.run(
        "import time\nfrom madoguchi.domain.calls.models import Contact\nfrom madoguchi.domain.calls.queries.contacts import words_of\n"
        "from madoguchi.ground.contracts.models import Contract\nfrom madoguchi.ground.contracts.tenancy import contract_scope\n"
        "from madoguchi.ground.privacy.sealing import keyring\n"
        "contract = Contract.objects.get(code='hatsukaichi')\n"
        "with contract_scope(contract):\n"
        f"    found = Contact.objects.filter(number_index=keyring(contract).blind('phone', '{first}'))\n"
        "    print([words_of(contract, one).question for one in found])"
    )
    assert made.strip().splitlines()[-1] == "['書きかけの記録']"
