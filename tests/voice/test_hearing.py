"""What callers hear, by real SIP and RTP on loopback: the recording is compared with the announcement."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from pathlib import Path

import pytest

from madoguchi.voice.conversation import TWICE_SECONDS
from madoguchi.voice.flow import Menu
from madoguchi.voice.legs import PCMA, PCMU

from .scene import CLOSED, HOLIDAY, MENU, PROMPTS, YEAR_END, Caller, likeness, make_flow, noise, quick, read_back, town


@pytest.mark.req("CALL-01")
@pytest.mark.parametrize(("now", "prompt"), [(CLOSED, "closed"), (HOLIDAY, "holiday"), (YEAR_END, "year_end")])
@pytest.mark.parametrize("law", [PCMU, PCMA])
def test_who_calls_outside_the_hours_hears_why(tmp_path: Path, now: dt.datetime, prompt: str, law: int) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path, now=now) as here:
            caller = await here.call(law=law)
            assert await caller.hears(prompt) >= 0.95
            assert await asyncio.wait_for(caller.ended, 3) == "bye"
            await here.happened("ended")
            assert here.events.kinds() == ["offered", "announced", "ended"]
            assert here.events.of("offered")[0].data["state"] == prompt
            assert dict(here.events.of("ended")[0].data) == {"by": "system", "why": "announced"}
            assert here.events.of("offered")[0].caller == "+819012345678"

    asyncio.run(play())


@pytest.mark.req("CALL-01")
def test_a_caller_is_greeted_chooses_and_talks_with_an_operator(tmp_path: Path) -> None:
    make_flow(tmp_path, menu=MENU)

    async def play() -> None:
        async with town(tmp_path) as here:
            operator, device = here.operator("op-1", after=0.5)
            caller = await here.call(tone=440)
            assert await caller.hears("greeting") >= 0.95
            caller.press("1")
            assert await caller.hears("connect") >= 0.95
            await here.happened("answered")
            assert abs(await caller.hears_tone(660) - 660) < 10
            assert abs(device.leg.loudest - 440) < 10
            what = device.rung[0]
            assert (what.number, what.choice, what.choice_label, what.kind) == ("+819012345678", "booking", "予約", "call")
            await caller.hang_up()
            await here.happened("ended")
            assert here.events.kinds() == ["offered", "menu", "queued", "ringing", "answered", "ended"]
            assert here.events.of("menu")[0].data == {"key": "1", "choice": "booking", "language": "ja"}
            assert (operator.state, device.hung_up) == ("wrapup", 1)
            await here.until(lambda: operator.state == "ready")

    asyncio.run(play())


@pytest.mark.req("CALL-02")
def test_a_key_chooses_the_language_of_everything_after_it(tmp_path: Path) -> None:
    make_flow(tmp_path, menu=MENU, english=True, queues=(quick(max_waiting=0),))

    async def play() -> None:
        async with town(tmp_path) as here:
            here.operator("op-1", after=9)
            await here.call()
            await here.happened("ringing")
            caller = await here.call()
            caller.press("9")
            assert await caller.hears("callback.en") >= 0.95
            assert (await here.happened("overflowed")).data["why"] == "queue_full"

    asyncio.run(play())


def test_a_menu_is_repeated_and_silence_leads_to_the_queue(tmp_path: Path) -> None:
    make_flow(tmp_path, menu=MENU)

    async def play() -> None:
        async with town(tmp_path) as here:
            here.operator("op-1")
            caller = await here.call()
            await here.happened("queued")
            assert "menu" not in here.events.kinds()
            spoken = noise("menu", PROMPTS["menu"])
            assert likeness(caller.heard[: len(caller.heard) // 2 + 1600], spoken) >= 0.95
            assert likeness(caller.heard[-int(8000 * 1.2) :], spoken) >= 0.95

    asyncio.run(play())


@pytest.mark.req("CALL-01")
def test_nobody_at_work_is_an_automatic_answer_with_a_call_back(tmp_path: Path) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path) as here:
            caller = await here.call()
            assert await caller.hears("callback") >= 0.95
            caller.press("1")
            assert await caller.hears("callback_done") >= 0.95
            assert await asyncio.wait_for(caller.ended, 3) == "bye"
            await here.happened("ended")
            assert here.events.kinds() == ["offered", "overflowed", "callback_requested", "ended"]
            assert here.events.of("overflowed")[0].data["why"] == "no_operator"
            assert "number" not in here.events.of("callback_requested")[0].data

    asyncio.run(play())


@pytest.mark.req("CALL-01")
def test_a_busy_line_says_so_now_and_then_and_ends_with_the_automatic_answer(tmp_path: Path) -> None:
    make_flow(tmp_path, queues=(quick(max_wait_seconds=3.5, announce_every_seconds=1.2),))

    async def play() -> None:
        async with town(tmp_path) as here:
            here.operator("op-1")
            await here.call()
            await here.happened("answered")
            caller = await here.call()
            assert await caller.hears("full") >= 0.95
            assert await caller.hears("position", seconds=5) >= 0.95
            assert await caller.hears("callback", seconds=5) >= 0.95
            assert (await here.happened("overflowed")).data["why"] == "max_wait"
            await here.happened("ended")

    asyncio.run(play())


def test_the_call_back_key_works_while_waiting(tmp_path: Path) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path) as here:
            here.operator("op-1")
            await here.call()
            await here.happened("answered")
            caller = await here.call()
            await here.happened("queued", times=2)
            await asyncio.sleep(0.1)
            caller.press("1")
            await here.happened("callback_requested")
            assert await caller.hears("callback_done") >= 0.95
            assert here.exchange.desk.waiting == []

    asyncio.run(play())


WITHHELD = [("Privacy", "id"), ("P-Asserted-Identity", "<sip:09099998888@carrier.example>")]


async def types(caller: Caller, keys: str) -> None:
    for key in keys:
        caller.press(key)
        await asyncio.sleep(0.1)


async def hears_number(caller: Caller, number: str, language: str = "ja") -> float:
    """Wait until a number was read back; its likeness."""
    for _ in range(30):
        if (found := likeness(caller.heard, read_back(number, language))) >= 0.95:
            break
        await asyncio.sleep(0.1)
    return found


@pytest.mark.req("CALL-06", "CALL-02")
def test_who_withholds_the_number_types_one_hears_it_and_confirms_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_flow(tmp_path, menu=Menu(timeout_seconds=1))
    caplog.set_level(logging.DEBUG)

    async def play() -> None:
        async with town(tmp_path) as here:
            caller = await here.call(headers=WITHHELD)
            assert await caller.hears("callback") >= 0.95
            caller.press("1")
            assert await caller.hears("number") >= 0.95
            await types(caller, "0570123456#")
            assert await caller.hears("number_wrong") >= 0.95
            await types(caller, "999*09011112223")
            assert await hears_number(caller, "09011112223") >= 0.95
            assert await caller.hears("number_confirm") >= 0.95
            caller.arrivals.clear()
            await types(caller, "2")
            assert await caller.hears("number") >= 0.95
            await types(caller, "0829301111#")
            assert await hears_number(caller, "0829301111") >= 0.95
            assert here.events.of("callback_requested") == [], "nothing is promised before it is confirmed"
            await types(caller, "1")
            asked = await here.happened("callback_requested")
            assert (asked.caller, asked.withheld, asked.data["number"]) == ("", True, "+81829301111")
            assert await caller.hears("callback_done") >= 0.95

    asyncio.run(play())
    assert "0829301111" not in caplog.text and "829301111" not in caplog.text and "09011112223" not in caplog.text


@pytest.mark.req("CALL-06", "CALL-02")
def test_a_number_is_read_back_in_the_language_of_the_caller(tmp_path: Path) -> None:
    make_flow(tmp_path, english=True, menu=MENU)

    async def play() -> None:
        async with town(tmp_path) as here:
            caller = await here.call(caller="anonymous")
            assert await caller.hears("menu") >= 0.95
            caller.press("9")
            assert await caller.hears("callback.en") >= 0.95
            caller.press("1")
            assert await caller.hears("number.en") >= 0.95
            await types(caller, "09011112222")
            assert await hears_number(caller, "09011112222", "en") >= 0.95
            await types(caller, "1")
            assert (await here.happened("callback_requested")).data["number"] == "+819011112222"

    asyncio.run(play())


@pytest.mark.req("CALL-06")
def test_without_a_confirmed_number_nothing_is_promised(tmp_path: Path) -> None:
    make_flow(tmp_path, menu=Menu(timeout_seconds=0.1))

    async def play() -> None:
        async with town(tmp_path) as here:
            caller = await here.call(headers=WITHHELD)
            assert await caller.hears("callback") >= 0.95
            caller.press("1")
            assert await asyncio.wait_for(caller.ended, 10) == "bye"
            assert [e.data["why"] for e in here.events.of("overflowed")] == ["no_operator", "no_number"]
            assert here.events.of("callback_requested") == []

    asyncio.run(play())


def test_the_networks_word_counts_for_the_number(tmp_path: Path) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path, now=CLOSED) as here:
            await here.call(headers=[("P-Asserted-Identity", '"Taro" <sip:+819099998888@carrier.example>, <tel:+819099998888>')])
            assert (await here.happened("offered")).caller == "+819099998888"

    asyncio.run(play())


@pytest.mark.req("CALL-01")
def test_above_its_capacity_the_exchange_still_speaks(tmp_path: Path) -> None:
    make_flow(tmp_path, queues=(quick(callback_key=None),))

    async def play() -> None:
        async with town(tmp_path, capacity=1) as here:
            here.operator("op-1")
            first = await here.call()
            second = await here.call()
            assert await second.hears("callback") >= 0.95
            assert (await here.happened("overflowed")).data["why"] == "capacity"
            await asyncio.wait_for(second.ended, 3)
            assert not first.ended.done()

    asyncio.run(play())


def test_an_unknown_number_is_refused(tmp_path: Path) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path) as here:
            with pytest.raises(AssertionError, match="refused 404"):
                await here.call(number="0120999999")
            assert here.events.events == []

    asyncio.run(play())


@pytest.mark.req("CALL-02", "CALL-06")
def test_a_key_of_the_menu_pressed_twice_asks_for_no_call_back(tmp_path: Path) -> None:
    make_flow(tmp_path, menu=MENU, queues=(quick(callback_key="1"),))

    async def play() -> None:
        async with town(tmp_path) as here:
            here.operator("op-1")
            for text in ("connect", "full"):
                caller = await here.call()
                assert await caller.hears("menu") >= 0.95
                caller.press("1")
                await here.happened("menu", times=1 + (text == "full"))
                caller.press("1")
                if text == "connect":
                    await here.happened("answered")
                    continue
                assert await caller.hears(text) >= 0.95
                assert here.events.of("callback_requested") == []
                await asyncio.sleep(TWICE_SECONDS)
                caller.press("1")
                await here.happened("callback_requested")

    asyncio.run(play())
