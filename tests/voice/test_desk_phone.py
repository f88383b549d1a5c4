"""A SIP telephone on a desk: who sits at it is said by the flow, and the operator's page in a real Chromium is its screen."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from madoguchi.voice.flow import Phone, ha1_of
from madoguchi.voice.passes import unseal_call
from madoguchi.voice.phones import Telephones, password_of
from madoguchi.voice.sip.endpoint import open_endpoint
from madoguchi.voice.sip.registrar import Binding, Registrar

from . import test_softphone
from .scene import NETS, Caller, Town, make_flow, network, process, quick, town
from .test_process import SCENARIOS, Sipp, registered, scenario
from .test_softphone import desk
from .tiny import KEY, NOW, a_pass

DIGEST = ha1_of("desk1", "secret")
QUEUE = quick(ring_seconds=10, max_wait_seconds=20, wrapup_seconds=30)


def seated(folder: Path, operator: str, *, version: int = 1, ha1: str = DIGEST) -> None:
    phones = (Phone(user="desk1", ha1=ha1, operator=operator),) if ha1 else ()
    make_flow(folder, queues=(QUEUE,), phones=phones, version=version)


@pytest.mark.req("CALL-08")
def test_a_telephone_rings_for_who_sits_at_it_and_is_gone_when_it_is_switched_off(tmp_path: Path) -> None:
    seated(tmp_path, "")

    async def talk(address: tuple[str, int]) -> None:
        async with network() as net:
            caller = await Caller(net, tone=440).dial(address)
            assert abs(await caller.hears_tone(440, seconds=8) - 440) < 10
            assert await asyncio.wait_for(caller.ended, 10) == "bye"
            await caller.close()

    async def overflow(address: tuple[str, int]) -> None:
        async with network() as net:
            caller = await Caller(net).dial(address)
            assert await caller.hears("callback") >= 0.95
            await caller.close()

    with process(tmp_path) as here:
        port = registered(tmp_path, here, "desk1")
        desk1 = Sipp(tmp_path, scenario(tmp_path, "telephone", TALK=1500), "-rtp_echo", "-m", "1", port=port)
        asyncio.run(overflow(here.address))
        seated(tmp_path, "op-7", version=2)
        changed(here, 2)
        asyncio.run(talk(here.address))
        desk1.end(15)
        seated(tmp_path, "op-7", version=3, ha1=ha1_of("desk1", "another"))
        changed(here, 3)
        asyncio.run(overflow(here.address))
        refused = Sipp(tmp_path, SCENARIOS / "register.xml", f"127.0.0.1:{here.port}", "-s", "desk1", "-au", "desk1", "-ap", "secret", "-m", "1")
        assert refused.child.wait(15) != 0
        here.stop()
        talked = [e for e in here.events() if e.kind == "answered"]
        assert [e.agent for e in talked] == ["op-7"]
        assert [e.data["why"] for e in here.events() if e.kind == "overflowed"] == ["no_operator"] * 2
        assert "Traceback" not in here.log.read_text()


def changed(here: Any, version: int) -> None:
    until = time.monotonic() + 5
    while f"version {version}" not in here.log.read_text():
        assert time.monotonic() < until
        time.sleep(0.05)


class DeskPhone:
    """A telephone of ours on a desk, registered as ``desk1``: takes what rings, and hums."""

    def __init__(self, place: Town, endpoint: Any) -> None:
        self.ear = Caller(endpoint, tone=880)
        self.call: Any = None
        endpoint.on_invite = self._rung
        self.registrar = Registrar(secret=password_of(place.exchange.flows), seconds=time.monotonic)
        self.telephones = Telephones(place.exchange, self.registrar)
        found = Binding("desk1", f"sip:desk1@{endpoint.here[0]}:{endpoint.here[1]}", endpoint.here, time.monotonic() + 300, DIGEST)
        self.registrar.bindings["desk1"] = found

    def _rung(self, call: Any) -> None:
        self.call = call
        call.on_media = lambda media: setattr(self.ear, "media", media)

    def take(self) -> None:
        self.call.answer(self.ear.socket.getsockname()[:2])
        self.ear._task = asyncio.ensure_future(self._speak())

    async def _speak(self) -> None:
        while not hasattr(self.ear, "media"):
            await asyncio.sleep(0.02)
        await self.ear._speak()


@pytest.mark.req("CALL-03", "CALL-08")
def test_the_page_is_the_screen_of_the_telephone(
    loop: asyncio.Runner, browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seated(tmp_path, "op1")
    admitted = {"contracts": ("hatsukaichi", "town"), "phone": "desk1"}
    monkeypatch.setattr(test_softphone, "a_pass", lambda **_: a_pass(**admitted))  # type: ignore[arg-type]

    async def whole() -> None:
        async with asyncio.timeout(50), town(tmp_path) as place, desk(browser, place.exchange, telephone=True) as found:
            far, wire = await open_endpoint(("127.0.0.1", 0), trunks=NETS)
            page = await found.page()
            await page.get_by_text("電話機が交換機につながっていません").first.wait_for()
            telephone = DeskPhone(place, far)
            telephone.telephones.look()
            await page.get_by_text("休憩中", exact=True).first.wait_for()
            await page.get_by_role("button", name="受付可にする").click()
            await page.get_by_text("受付可", exact=True).first.wait_for()
            resident = await place.call(tone=440)
            await page.get_by_text("着信中。電話機で出てください").first.wait_for()
            await page.get_by_text("09012345678").wait_for()
            assert await page.get_by_role("button", name="応答").count() == 0
            telephone.take()
            await page.locator("[data-softphone][data-phase=talking]").wait_for()
            told = dict(await page.evaluate("window.told"))
            assert unseal_call(told["call:connected"]["sealed"], KEY, now=NOW).operator == "op1"
            assert abs(await resident.hears_tone(880) - 880) < 10
            await page.reload()
            await page.locator("[data-softphone][data-phase=talking]").wait_for()
            assert place.events.of("held") == [], "the telephone never noticed the page"
            await page.keyboard.press("F4")
            await page.get_by_text("保留中", exact=True).first.wait_for()
            resident.arrivals.clear()
            assert await resident.hears("hold") > 0.95
            await page.keyboard.press("F4")
            await page.get_by_text("通話中", exact=True).first.wait_for()
            telephone.call.hang_up()
            await page.get_by_text("後処理").first.wait_for()
            assert (await place.happened("ended")).data["by"] == "operator"
            assert [e.agent for e in place.events.of("answered")] == ["op1"]
            make_flow(tmp_path, queues=(QUEUE,), phones=(), version=2)
            place.exchange.flows.refresh()
            telephone.telephones.look()
            await page.get_by_text("電話機が交換機につながっていません").first.wait_for()
            await telephone.ear.close()
            far.close()
            wire.close()

    loop.run(whole())
