"""The door: who comes in, what is heard, and that no message from a page does harm."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from madoguchi.voice import door as door_module
from madoguchi.voice.door import FIELDS, LONGEST, Dismissed, Door, open_door, read
from madoguchi.voice.operators import NotAnswered, Operator
from madoguchi.voice.passes import CallPass, PassError, seal, unseal, unseal_call

from .test_webrtc import OFFER
from .tiny import CALL, KEY, NOW, ORIGIN, TinyExchange, a_pass, clock

Said = dict[str, Any]


class Page:
    """An operator's page without audio."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, kind: str, **values: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **values}))

    async def hear(self, kind: str) -> Said:
        """The next message of that kind."""
        async with asyncio.timeout(5):
            while True:
                said: Said = json.loads(await self.socket.recv())
                if said["type"] == kind:
                    return said

    async def closed(self) -> int | None:
        """The code with which the door closed."""
        async with asyncio.timeout(5):
            try:
                while True:
                    await self.socket.recv()
            except ConnectionClosed:
                return self.socket.close_code


class House:
    def __init__(self, exchange: TinyExchange, door: Door) -> None:
        self.exchange, self.door = exchange, door
        self.pages: list[ClientConnection] = []

    async def connect(self, origin: str = ORIGIN, path: str = "/") -> Page:
        socket = await connect(f"ws://127.0.0.1:{self.door.port}{path}", origin=origin, compression=None)
        self.pages.append(socket)
        return Page(socket)

    async def enter(self, **values: Any) -> tuple[Page, Said]:
        page = await self.connect()
        await page.say("hello", **{"pass": a_pass(**values), "offer": OFFER})
        return page, await page.hear("welcome")

    def operator(self, name: str = "op1") -> Operator:
        return self.exchange.operators[name]


Play = Callable[[Callable[[House], Awaitable[None]]], None]


@pytest.fixture
def play(loop: asyncio.Runner) -> Play:
    def run(scene: Callable[[House], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with asyncio.timeout(20):
                exchange = TinyExchange()
                door = await open_door(exchange, host="127.0.0.1", port=0, key=KEY, clock=clock, origins=[ORIGIN])
                house = House(exchange, door)
                try:
                    await scene(house)
                finally:
                    for socket in house.pages:
                        await socket.close()
                    await door.close()

        loop.run(whole())

    return run


def test_every_message_is_described() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/operations/exchange-messages.md").read_text()
    for kind, fields in FIELDS.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{kind}` |"))
        assert re.findall(r"`(\w+)`", row.split("|")[2]) == list(fields)
    for code, close in Dismissed.CLOSE.items():
        assert re.search(rf"^\| .*`{code}`.* \| {close} \|", page, re.M), code


@pytest.mark.req("CALL-03")
def test_an_operator_comes_in(play: Play) -> None:
    async def scene(house: House) -> None:
        page = await house.connect()
        await page.say("hello", **{"pass": a_pass(supervisor=True), "offer": OFFER})
        assert (await page.hear("sdp"))["answer"].startswith("v=0\r\n")
        said = await page.hear("welcome")
        assert said == {
            "type": "welcome", "operator": "op1", "state": "break", "since": 0.0, "now": NOW.timestamp(),
        }  # fmt: skip
        assert house.operator().supervisor
        await page.say("state", state="ready")
        assert (await page.hear("state"))["state"] == "ready"
        await page.socket.close()
        assert await asyncio.wait_for(house.exchange.signed_out.get(), 5) is house.operator()
        assert house.door.pages == {}
        assert house.door.media.legs == {}

    play(scene)


@pytest.mark.req("CALL-03", "SEC-01")
@pytest.mark.parametrize(
    ("hello", "code", "close"),
    [
        ({"pass": "", "offer": OFFER}, "pass", 4003),
        ({"pass": "誰でも.い", "offer": OFFER}, "pass", 4003),
        ({"pass": "\ud800", "offer": OFFER}, "pass", 4003),
        ({"pass": a_pass()[:-1] + "_", "offer": OFFER}, "pass", 4003),
        ({"pass": a_pass(until=int(NOW.timestamp())), "offer": OFFER}, "pass", 4003),
        ({"pass": seal(CallPass("op1", "c", "x", "", True, "", "ja", 1 << 40), KEY), "offer": OFFER}, "pass", 4003),
        ({"pass": a_pass(), "offer": "v=0\r\nm=audio"}, "offer", 4000),
        ({"pass": a_pass()}, "protocol", 4000),
        ({"pass": a_pass(), "offer": 5}, "protocol", 4000),
    ],
)
def test_who_has_no_pass_stays_outside(play: Play, hello: Said, code: str, close: int) -> None:
    async def scene(house: House) -> None:
        page = await house.connect()
        await page.say("hello", **hello)
        assert (await page.hear("error"))["code"] == code
        assert await page.closed() == close
        assert house.exchange.operators == {}

    play(scene)


@pytest.mark.req("SEC-01")
def test_only_the_sites_own_pages_connect(play: Play) -> None:
    async def scene(house: House) -> None:
        for origin, path, status in (("http://evil.example", "/", 403), (ORIGIN, "/else", 404)):
            with pytest.raises(InvalidStatus) as refused:
                await house.connect(origin, path)
            assert refused.value.response.status_code == status

    play(scene)


def test_health_is_told_to_who_watches(play: Play) -> None:
    async def scene(house: House) -> None:
        await house.enter()
        url = f"http://127.0.0.1:{house.door.port}/health"
        with await asyncio.to_thread(urllib.request.urlopen, url) as answer:
            assert answer.headers.get_all("Content-Type") == ["application/json"]
            assert json.load(answer) == {"calls": 0, "operators": 1, "waiting": 0}

    play(scene)


@pytest.mark.req("CALL-06", "SEC-01")
def test_the_board_is_told_to_a_supervisor_only(play: Play) -> None:
    async def scene(house: House) -> None:
        url = f"http://127.0.0.1:{house.door.port}/board"

        def ask(given: str) -> Any:
            return urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Bearer {given}"}))

        with await asyncio.to_thread(ask, a_pass(supervisor=True)) as answer:
            assert set(json.load(answer)) >= {"waiting", "longest"}
        for shown, status in ((a_pass(supervisor=False), 403), ("x.y", 401), ("", 401)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                await asyncio.to_thread(ask, shown)
            assert refused.value.code == status

    play(scene)


@pytest.mark.req("CALL-01")
def test_a_call_that_is_not_taken_goes_on(play: Play) -> None:
    async def scene(house: House) -> None:
        page, _ = await house.enter()
        device = house.operator().device
        assert device is not None
        ringing = asyncio.create_task(device.ring(CALL, seconds=5))
        shown = await page.hear("ringing")
        assert (shown["number"], shown["choice_label"], shown["waited"]) == ("+81829301234", "予約", 12.0)
        await page.say("answer", call="another")
        assert (await page.hear("refused"))["message"] == door_module.GONE_CALL
        await page.say("decline", call="c1")
        with pytest.raises(NotAnswered, match="declined"):
            await ringing
        assert (await page.hear("stop_ringing"))["why"] == "declined"
        with pytest.raises(NotAnswered, match="timeout"):
            await device.ring(CALL, seconds=0.01)
        assert (await page.hear("stop_ringing"))["why"] == "timeout"
        ringing = asyncio.create_task(device.ring(CALL, seconds=5))
        await page.hear("ringing")
        ringing.cancel()
        assert (await page.hear("stop_ringing"))["why"] == "gone"
        ringing = asyncio.create_task(device.ring(CALL, seconds=5))
        await page.hear("ringing")
        await page.socket.close()
        with pytest.raises(NotAnswered, match="gone"):
            await ringing

    play(scene)


@pytest.mark.req("CALL-03")
def test_a_page_that_comes_back_is_told_its_call_once(play: Play) -> None:
    async def scene(house: House) -> None:
        first, _ = await house.enter()
        operator = house.operator()
        shown = house.door.show("op1", CALL)
        operator.call, operator.state = CALL.call, "talking"
        second, welcome = await house.enter()
        assert welcome["call"] == shown
        assert unseal_call(shown["sealed"], KEY, now=NOW).number == CALL.number
        assert (await first.hear("error"))["code"] == "replaced"
        assert await first.closed() == 4001
        assert operator.device is house.door.pages["op1"]
        assert house.exchange.signed_out.empty()
        await second.say("hangup")
        await second.hear("ended")
        _, welcome = await house.enter()
        assert "call" not in welcome

    play(scene)


@pytest.mark.req("CALL-03", "CALL-04")
def test_wishes_reach_the_exchange_and_refusals_the_operator(play: Play) -> None:
    async def scene(house: House) -> None:
        page, _ = await house.enter()
        await page.say("transfer", to="op2", attended=True)
        assert (await page.hear("refused"))["message"] == "op2さんは電話に出られません。"
        await page.say("takeback")
        assert (await page.hear("refused"))["message"] == door_module.FAILED
        await page.say("board", on=True)
        assert (await page.hear("refused"))["message"] == door_module.NOT_SUPERVISOR
        await page.say("dial", **{"pass": a_pass("op2", dial="+81829309999", callback="7")})
        assert (await page.hear("refused"))["message"] == door_module.NO_DIAL
        await page.say("dial", **{"pass": a_pass()})
        assert (await page.hear("refused"))["message"] == door_module.NO_DIAL
        await page.say("hold", on=True)
        await page.say("complete")
        await page.say("dial", **{"pass": a_pass(dial="+81829309999", callback="7")})
        await page.say("state", state="ready")
        await page.hear("state")
        assert house.exchange.wishes == [("hold", True), ("complete",), ("dial", "+81829309999", "hatsukaichi", "7")]

    play(scene)


@pytest.mark.req("CALL-06")
def test_supervisors_see_who_waits(play: Play) -> None:
    async def scene(house: House) -> None:
        page, _ = await house.enter(supervisor=True)
        await page.say("board", on=True)
        assert await page.hear("board") == {
            "type": "board", "waiting": [], "longest": 0, "contracts": ["hatsukaichi"],
        }  # fmt: skip
        await page.say("board", on=False)

    play(scene)


@pytest.mark.req("SEC-01")
def test_a_pass_that_is_over_ends_the_connection_after_the_call(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "RETRY_SECONDS", 0.05)

    async def scene(house: House) -> None:
        page, _ = await house.enter(until=int(NOW.timestamp()) + 1)
        house.operator().state = "talking"
        house.door.pages["op1"]._expire()
        await page.say("hold", on=True)
        await page.say("transfer", to="op2", attended=False)
        await page.hear("refused")
        house.operator().state = "wrapup"
        assert (await page.hear("error"))["code"] == "pass"
        assert await page.closed() == 4003

    play(scene)


@pytest.mark.req("SEC-01")
@pytest.mark.parametrize(
    ("text", "close"),
    [
        ("no JSON", 4000), (b"bytes", 4000), ("[]", 4000), ("[" * 20_000, 4000), ('{"type":[]}', 4000), ("{}", 4000),
        ('{"type":"hold"}', 4000), ('{"type":"hold","on":1}', 4000), ('{"type":"hold","on":true,"x":1}', 4000),
        ('{"type":"state","state":"talking"}', 4000), ('{"type":"hello","pass":"","offer":""}', 4000),
        ('{"type":"transfer","to":"\\ud800","attended":true}', 4000), ("x" * (LONGEST + 1), 1009),
    ],
)  # fmt: skip
def test_a_page_that_speaks_nonsense_is_dismissed(play: Play, text: str | bytes, close: int) -> None:
    async def scene(house: House) -> None:
        page, _ = await house.enter()
        await page.socket.send(text)
        assert await page.closed() == close
        await asyncio.wait_for(house.exchange.signed_out.get(), 5)
        await house.enter()

    play(scene)


@pytest.mark.req("SEC-01")
def test_a_page_that_shouts_is_dismissed(play: Play) -> None:
    async def scene(house: House) -> None:
        page, _ = await house.enter()
        for _ in range(60):
            await page.say("hold", on=True)
        assert (await page.hear("error"))["code"] == "rate"
        assert await page.closed() == 4029

    play(scene)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
MESSAGES = st.fixed_dictionaries({"type": st.sampled_from(sorted(FIELDS)) | JSON}).flatmap(
    lambda head: st.dictionaries(st.sampled_from(["pass", "offer", "call", "on", "to", "attended", "state"]), JSON).map(
        lambda body: {**body, **head}
    )
)


@pytest.mark.req("SEC-01")
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text() | JSON.map(json.dumps) | MESSAGES.map(json.dumps))
def test_no_text_breaks_the_reader_of_messages(text: str) -> None:
    try:
        message = read(text)
    except Dismissed:
        return
    assert message.keys() == {"type", *FIELDS[message["type"]]}


@pytest.mark.req("CALL-03", "SEC-01")
@given(st.text())
def test_no_text_is_a_pass(text: str) -> None:
    for reader in (unseal, unseal_call):
        with pytest.raises(PassError):
            reader(text, KEY, now=NOW)


@pytest.mark.req("CALL-03")
def test_a_call_is_vouched_for() -> None:
    call = CallPass("op1", "c1", "hatsukaichi", "+81829301234", False, "booking", "ja", int(NOW.timestamp()) + 1)
    assert unseal_call(seal(call, KEY), KEY, now=NOW) == call
    with pytest.raises(PassError):
        unseal_call(seal(call, b"another"), KEY, now=NOW)
    with pytest.raises(PassError):
        unseal_call(a_pass(), KEY, now=NOW)
    with pytest.raises(PassError):
        unseal(seal(call, KEY), KEY, now=NOW)
