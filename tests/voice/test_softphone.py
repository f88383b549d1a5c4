"""An operator's page in a real Chromium against the door: both hear each other, whatever breaks."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.template.loader import render_to_string
from playwright.async_api import Browser, Page

from madoguchi.voice.door import Door, open_door
from madoguchi.voice.legs import PCMU, join
from madoguchi.voice.passes import unseal_call
from madoguchi.voice.webrtc import WebRtcLeg

from .scene import make_flow, quick, town
from .tiny import CALL, KEY, NOW, Caller, TinyExchange, a_pass, clock, loudest

ROOT = Path(__file__).resolve().parent.parent.parent
STATIC = {"app": ROOT / "frontend", "callcentre": ROOT / "madoguchi/web/callcentre/static/callcentre"}
PAGE = """<!doctype html><html lang="ja"><title>電話</title><body class="staff"><label>メモ<textarea id="memo"></textarea></label>%s
<script type="module" src="/static/app/ui/page.js"></script>
<script type="module" src="/static/app/softphone/softphone-panel.js"></script>"""
WATCH = """
window.told = []; window.peers = [];
for (const name of ["call:ringing", "call:connected", "call:ended"])
  document.addEventListener(name, (event) => window.told.push([name, event.detail]));
const Peer = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Peer { constructor(...all) { super(...all); window.peers.push(this); } };
"""
LISTEN = """async () => {
  const sound = new AudioContext(), ear = new AnalyserNode(sound, {fftSize: 16384});
  const [receiver] = window.peers.at(-1).getReceivers();
  sound.createMediaStreamSource(new MediaStream([receiver.track])).connect(ear);
  const loud = new Float32Array(ear.frequencyBinCount);
  for (let turn = 0; turn < 60; turn += 1) {
    await new Promise((done) => setTimeout(done, 100));
    ear.getFloatFrequencyData(loud);
    const most = Math.max(...loud);
    const hertz = loud.indexOf(most) * sound.sampleRate / ear.fftSize;
    if (most > -60 && Math.abs(hertz - 440) < 10) { await sound.close(); return Math.round(hertz); }
  }
  return 0;
}"""


class Site(BaseHTTPRequestHandler):
    """The web site as far as the telephone needs it, on loopback as the door is: a page from elsewhere may not connect there."""

    protocol_version = "HTTP/1.1"
    page = b""
    signed_in = True

    def do_GET(self) -> None:
        path, _, _ = self.path.partition("?")
        if path == "/":
            self._answer("text/html; charset=utf-8", self.page)
        elif path == "/pass" and self.signed_in:
            self._answer("application/json", json.dumps({"pass": a_pass(contracts=("hatsukaichi", "town"))}).encode())
        elif path == "/pass":
            self.send_response(302)
            self.send_header("Location", "/accounts/login/")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path.startswith("/static/"):
            _, _, folder, name = path.split("/", 3)
            self._answer("text/javascript", (STATIC[folder] / name).read_bytes())
        else:
            self.send_error(404)

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Desk:
    """A door with an exchange, and operators' pages."""

    def __init__(self, browser: Browser, exchange: Any, door: Door, url: str) -> None:
        self.browser, self.exchange, self.door, self.url = browser, exchange, door, url
        self.errors: list[str] = []

    async def page(self) -> Page:
        context = await self.browser.new_context(permissions=["microphone"])
        page = await context.new_page()
        page.set_default_timeout(8_000)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        await page.add_init_script(WATCH)
        await page.goto(self.url)
        return page

    async def ready(self, page: Page) -> WebRtcLeg:
        """Begin, be ready, and be connected."""
        await page.get_by_role("button", name="電話を始める").click()
        await page.get_by_role("button", name="受付可にする").click()
        await page.get_by_text("受付可", exact=True).first.wait_for()
        leg = self.door.pages["op1"].leg
        await asyncio.wait_for(leg.ready.wait(), 10)
        return leg

    async def talk(self, page: Page) -> Caller:
        """A call comes and is taken by the key, while something is typed."""
        caller = Caller()
        call = asyncio.create_task(self.exchange.call(self.exchange.operators["op1"], caller))
        await page.get_by_role("button", name="応答").wait_for()
        await page.locator("#memo").focus()
        await page.keyboard.press("F2")
        await call
        await page.locator("[data-softphone][data-phase=talking]").wait_for()
        return caller


@asynccontextmanager
async def desk(browser: Browser, exchange: Any, *, telephone: bool = False) -> AsyncIterator[Desk]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    origin = f"http://127.0.0.1:{server.server_port}"
    door = await open_door(exchange, host="127.0.0.1", port=0, key=KEY, clock=clock, origins=[origin])
    context = {"door_url": f"ws://127.0.0.1:{door.port}/", "pass_url": "/pass", "colleagues": [("op2", "佐藤")]}
    if telephone:
        context |= {"telephone": {"pk": 1, "user": "desk1", "name": "1番席"}, "contract": {"code": "town"}}
    Site.page = (PAGE % await asyncio.to_thread(render_to_string, "callcentre/_softphone.html", context)).encode()
    Thread(target=server.serve_forever, daemon=True).start()
    found = Desk(browser, exchange, door, f"{origin}/")
    try:
        yield found
        assert found.errors == []
    finally:
        for visited in browser.contexts:
            await visited.close()
        await door.close()
        await asyncio.to_thread(server.shutdown)
        server.server_close()


async def hears(caller: Caller, hertz: int) -> bool:
    """Whether the caller hears that tone within some seconds."""
    for _ in range(100):
        caller.heard.clear()
        while len(caller.heard) < 20:
            await asyncio.sleep(0.02)
        if abs(loudest(caller.heard) - hertz) <= 5:
            return True
    return False


Play = Callable[[Callable[[Desk], Awaitable[None]]], None]


@pytest.fixture
def play(loop: asyncio.Runner, browser: Browser) -> Play:
    def run(scene: Callable[[Desk], Awaitable[None]]) -> None:
        async def whole() -> None:
            exchange = TinyExchange()
            try:
                async with asyncio.timeout(30), desk(browser, exchange) as found:
                    await scene(found)
            finally:
                if exchange.caller is not None:
                    await exchange.caller.close()

        loop.run(whole())

    return run


@pytest.mark.req("CALL-03", "CALL-08")
def test_operator_and_caller_hear_each_other(play: Play) -> None:
    async def scene(desk: Desk) -> None:
        page = await desk.page()
        leg = await desk.ready(page)
        caller = await desk.talk(page)
        assert await page.evaluate(LISTEN) in range(430, 451)
        assert await hears(caller, 660)
        assert leg.payload_type == PCMU
        told = dict(await page.evaluate("window.told"))
        sealed = unseal_call(told["call:ringing"]["sealed"], KEY, now=NOW)
        assert (sealed.call, sealed.number, sealed.operator) == (CALL.call, CALL.number, "op1")
        assert told["call:connected"]["sealed"] == told["call:ringing"]["sealed"]
        assert await page.locator("#memo").input_value() == ""
        await page.get_by_role("button", name="切断").click()
        await page.get_by_text("後処理").first.wait_for()
        assert dict(await page.evaluate("window.told"))["call:ended"]["wrapup_seconds"] == 60
        sent = (
            "async () => { for (const s of (await peers.at(-1).getStats()).values())"
            " if (s.type === 'outbound-rtp') return s.packetsSent }"
        )
        before = await page.evaluate(sent)
        await asyncio.sleep(0.3)
        assert await page.evaluate(sent) <= before + 3, "outside of a call the microphone is not sent"

    play(scene)


@pytest.mark.req("CALL-03")
def test_a_page_loaded_anew_is_back_in_its_call(play: Play) -> None:
    async def scene(desk: Desk) -> None:
        page = await desk.page()
        await desk.ready(page)
        caller = await desk.talk(page)
        await page.reload()
        assert (await asyncio.wait_for(desk.exchange.signed_out.get(), 5)).name == "op1"
        await asyncio.wait_for(desk.exchange.returns.get(), 10)
        await page.get_by_text("通話中", exact=True).first.wait_for()
        (name, detail), *_ = await page.evaluate("window.told")
        assert (name, detail["returned"], detail["number"]) == ("call:connected", True, CALL.number)
        assert unseal_call(detail["sealed"], KEY, now=NOW).call == CALL.call
        assert await page.evaluate(LISTEN) in range(430, 451)
        assert await hears(caller, 660)

    play(scene)


@pytest.mark.req("CALL-03")
def test_a_lost_way_is_found_again(play: Play) -> None:
    async def scene(desk: Desk) -> None:
        page = await desk.page()
        leg = await desk.ready(page)
        caller = await desk.talk(page)
        leg.lose("as if the network had gone")
        back = await asyncio.wait_for(desk.exchange.returns.get(), 10)
        assert back is not leg
        assert await hears(caller, 660)

    play(scene)


@pytest.mark.req("CALL-01", "CALL-03", "CALL-08")
def test_a_resident_on_the_trunk_talks_with_a_page(loop: asyncio.Runner, browser: Browser, tmp_path: Path) -> None:
    """Nothing stands in for anything: SIP, the exchange, the door, Chromium."""
    make_flow(tmp_path, queues=(quick(ring_seconds=10, max_wait_seconds=20, wrapup_seconds=30),))

    async def whole() -> None:
        async with asyncio.timeout(40), town(tmp_path) as place, desk(browser, place.exchange) as found:
            page = await found.page()
            await found.ready(page)
            resident = await place.call(tone=440)
            await page.get_by_text("09012345678").wait_for()
            await page.keyboard.press("F2")
            assert await resident.hears_tone(660) == pytest.approx(660, abs=10)
            assert await page.evaluate(LISTEN) in range(430, 451)
            resident.arrivals.clear()
            await page.keyboard.press("F4")
            await page.get_by_text("保留中", exact=True).first.wait_for()
            assert await resident.hears("hold") > 0.95
            await page.keyboard.press("F4")
            await page.get_by_text("通話中", exact=True).first.wait_for()
            await place.happened("resumed")
            await page.reload()
            await place.happened("resumed", times=2, seconds=10)
            resident.arrivals.clear()
            assert await resident.hears_tone(660) == pytest.approx(660, abs=10)
            await page.keyboard.press("Shift+F2")
            await page.get_by_text("残り").wait_for()
            assert (await place.happened("ended")).data["by"] == "operator"
            held = [event.data.get("why") for event in place.events.of("held")]
            assert held == [None, "lost"]

    loop.run(whole())


@pytest.mark.req("CALL-03", "CALL-04")
def test_a_call_is_handed_over_after_a_word_with_the_colleague(
    loop: asyncio.Runner, browser: Browser, tmp_path: Path
) -> None:
    make_flow(tmp_path, queues=(quick(ring_seconds=10, max_wait_seconds=20, wrapup_seconds=30),))

    async def whole() -> None:
        async with asyncio.timeout(40), town(tmp_path) as place, desk(browser, place.exchange) as found:
            page = await found.page()
            await found.ready(page)
            resident = await place.call(tone=440)
            await page.get_by_role("button", name="応答").wait_for()
            await page.keyboard.press("F2")
            await place.happened("answered")
            await page.locator("[data-softphone][data-phase=talking]").wait_for()
            colleague, device = place.operator("op2", hertz=880.0, after=0.5, refuse="declined")

            async def ask() -> None:
                await page.keyboard.press("Shift+F4")
                await page.get_by_label("転送先").select_option("op2")
                await page.get_by_role("button", name="転送する").click()
                await page.get_by_text("転送先を呼び出しています").first.wait_for()

            await ask()
            assert await page.get_by_role("button", name="転送を完了する").count() == 0, "nobody to hand over to yet"
            await page.get_by_role("alert").get_by_text("転送先が「出ない」を選びました。お客様との通話に戻りました。").wait_for()
            await page.get_by_text("通話中", exact=True).first.wait_for()
            device.refuse, device.after = "", 5
            await ask()
            await page.keyboard.press("F4")
            await page.get_by_text("通話中", exact=True).first.wait_for()
            device.after = 0.5
            await ask()
            await page.get_by_text("転送先が出ました").first.wait_for()
            resident.arrivals.clear()
            assert await resident.hears("hold") > 0.95
            await place.exchange.hang_up(colleague)
            await page.get_by_role("alert").get_by_text("転送先が電話を切りました。").wait_for()
            resident.arrivals.clear()
            assert await resident.hears_tone(660) == pytest.approx(660, abs=10)
            await ask()
            await page.get_by_text("転送先が出ました").first.wait_for()
            await page.get_by_role("button", name="転送を完了する").click()
            await page.get_by_text("後処理").first.wait_for()
            resident.arrivals.clear()
            assert await resident.hears_tone(880) == pytest.approx(880, abs=10)
            assert (await place.happened("transferred")).data["mode"] == "attended"

    loop.run(whole())


@pytest.mark.req("CALL-03")
def test_a_second_page_takes_over(play: Play) -> None:
    async def scene(desk: Desk) -> None:
        first = await desk.page()
        await desk.ready(first)
        second = await desk.page()
        await second.get_by_role("button", name="電話を始める").click()
        await second.get_by_text("受付可", exact=True).first.wait_for()
        await first.get_by_text("別の画面で電話を開いたため").first.wait_for()
        await first.get_by_role("button", name="電話を始める").wait_for()
        assert desk.exchange.signed_out.empty()
        await desk.talk(second)

    play(scene)


@pytest.mark.req("CALL-03")
def test_a_refused_wish_is_told_in_words(play: Play) -> None:
    async def scene(desk: Desk) -> None:
        page = await desk.page()
        await desk.ready(page)
        await desk.talk(page)
        await page.keyboard.press("Shift+F4")
        await page.get_by_label("転送先").select_option("op2")
        await page.get_by_label("そのまま渡す").check()
        await page.get_by_role("button", name="転送する").click()
        await page.get_by_role("alert").get_by_text("op2さんは電話に出られません。").wait_for()

    play(scene)


@pytest.mark.req("CALL-03")
def test_who_is_no_longer_signed_in_is_told_so(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Site, "signed_in", False)

    async def scene(desk: Desk) -> None:
        page = await desk.page()
        await page.get_by_role("button", name="電話を始める").click()
        await page.get_by_role("alert").get_by_text("サインインの期限が切れました。").wait_for()
        assert desk.exchange.operators == {}

    play(scene)


@pytest.mark.req("CALL-08")
def test_another_browser_than_the_offers_hears_nothing(play: Play) -> None:
    async def scene(desk: Desk) -> None:
        page = await desk.page()
        offer: str = await page.evaluate(OFFER)
        digest = offer.split("a=fingerprint:sha-256 ")[1][:5]
        other = "00:11" if digest != "00:11" else "22:33"
        leg, answer = desk.door.media.answer(offer.replace(digest, other))
        await page.evaluate("(sdp) => window.peers.at(-1).setRemoteDescription({type: 'answer', sdp})", answer)
        assert "another certificate" in await asyncio.wait_for(leg.gone, 10)
        assert not leg.ready.is_set()

    play(scene)


OFFER = """async () => {
  const peer = new RTCPeerConnection(), [track] = (await navigator.mediaDevices.getUserMedia({audio: true})).getTracks();
  const codecs = RTCRtpReceiver.getCapabilities("audio").codecs.filter((codec) => /PCM[UA]/.test(codec.mimeType));
  peer.addTransceiver(track).setCodecPreferences(codecs);
  await peer.setLocalDescription();
  while (peer.iceGatheringState !== "complete") await new Promise((done) => setTimeout(done, 20));
  return peer.localDescription.sdp;
}"""


@pytest.mark.req("CALL-08")
def test_twelve_operators_cost_less_than_half_a_core(play: Play) -> None:
    """Six bridges between twelve browsers, all talking; what is measured is this process, which also hosts the test."""

    async def scene(desk: Desk) -> None:
        page = await desk.page()
        legs: list[WebRtcLeg] = []
        for _ in range(12):
            leg, answer = desk.door.media.answer(await page.evaluate(OFFER))
            await page.evaluate("(sdp) => window.peers.at(-1).setRemoteDescription({type: 'answer', sdp})", answer)
            legs.append(leg)
        await asyncio.gather(*(asyncio.wait_for(leg.ready.wait(), 10) for leg in legs))
        for one, other in zip(legs[::2], legs[1::2], strict=True):
            join(one, other)
        before, begun = sum(leg.received for leg in legs), time.monotonic()
        spent = time.process_time()
        await asyncio.sleep(3)
        spent, lasted = time.process_time() - spent, time.monotonic() - begun
        frames = sum(leg.received for leg in legs) - before
        print(f"12 browser legs: {spent / lasted:.0%} of a core, {frames / lasted / 12:.0f} frames a second each")
        assert frames > 12 * 40 * lasted
        assert spent / lasted < 0.5

    play(scene)
