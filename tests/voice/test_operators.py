"""Operators at work: who is rung, hold, transfer, call-back, lost browsers, and hanging up at every stage."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from madoguchi.voice.operators import Refused
from madoguchi.voice.sip.endpoint import open_endpoint

from .scene import NETS, Caller, Headset, make_flow, quick, town


def test_a_caller_who_hangs_up_while_it_rings_frees_the_operator(tmp_path: Path) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path) as here:
            operator, device = here.operator("op-1", after=0.9)
            caller = await here.call()
            await here.happened("ringing")
            await caller.hang_up()
            await here.happened("ended")
            assert here.events.kinds() == ["offered", "queued", "ringing", "abandoned", "ended"]
            assert (operator.state, operator.call, device.stopped) == ("ready", "", 1)
            await here.call()
            await here.happened("answered")

    asyncio.run(play())


def test_who_does_not_answer_is_passed_over_and_sent_to_break_the_second_time(tmp_path: Path) -> None:
    make_flow(tmp_path, queues=(quick(ring_seconds=0.3),))

    async def play() -> None:
        async with town(tmp_path) as here:
            away, _ = here.operator("op-1", refuse="timeout")
            await here.call()
            await here.happened("not_answered", times=2)
            await here.until(lambda: away.state == "break")
            present, _ = here.operator("op-2")
            answered = await here.happened("answered")
            assert (answered.agent, present.state) == ("op-2", "talking")
            assert [e.data["why"] for e in here.events.of("not_answered")] == ["timeout", "timeout"]

    asyncio.run(play())


def test_the_operator_idle_longest_is_rung_first(tmp_path: Path) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path) as here:
            for name in ("op-b", "op-a"):
                here.operator(name)
            first = await here.call()
            await here.happened("answered")
            await first.hang_up()
            await here.until(lambda: here.exchange.desk.operators["op-b"].state == "ready")
            await here.call()
            await here.happened("answered", times=2)
            assert [e.agent for e in here.events.of("answered")] == ["op-b", "op-a"]

    asyncio.run(play())


def test_an_operator_hangs_up(tmp_path: Path) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path) as here:
            operator, _ = here.operator("op-1")
            caller = await here.call()
            await here.happened("answered")
            await here.exchange.hang_up(operator)
            assert await asyncio.wait_for(caller.ended, 2) == "bye"
            assert dict((await here.happened("ended")).data) == {"by": "operator", "why": "hung_up"}
            with pytest.raises(Refused):
                await here.exchange.hang_up(operator)

    asyncio.run(play())


def test_on_hold_the_caller_hears_that_somebody_is_there(tmp_path: Path) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path) as here:
            operator, _ = here.operator("op-1")
            caller = await here.call()
            await here.happened("answered")
            await here.exchange.hold(operator, True)
            assert await caller.hears("hold") >= 0.95
            await here.exchange.hold(operator, False)
            assert abs(await caller.hears_tone(660) - 660) < 10
            assert here.events.kinds()[-2:] == ["held", "resumed"]

    asyncio.run(play())


def test_a_break_asked_for_in_a_call_begins_after_it(tmp_path: Path) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path) as here:
            operator, _ = here.operator("op-1")
            caller = await here.call()
            await here.happened("answered")
            here.exchange.set_state(operator, "break")
            assert operator.state == "talking"
            await caller.hang_up()
            await here.until(lambda: operator.state == "break")

    asyncio.run(play())


def test_a_blind_transfer(tmp_path: Path) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path) as here:
            giver, device = here.operator("op-1")
            caller = await here.call()
            await here.happened("answered")
            taker, other = here.operator("sv-1", hertz=880, supervisor=True, after=0.3)
            await here.exchange.transfer(giver, "supervisor", attended=False)
            await here.until(lambda: giver.state == "wrapup" and device.hung_up == 1)
            moved = await here.happened("transferred")
            assert (moved.agent, dict(moved.data)) == ("op-1", {"to": "sv-1", "mode": "blind"})
            assert (other.rung[0].kind, other.rung[0].by) == ("transfer", "op-1")
            assert abs(await caller.hears_tone(880) - 880) < 10
            await here.exchange.hang_up(taker)
            await here.happened("ended")

    asyncio.run(play())


def test_a_blind_transfer_that_nobody_takes_brings_the_caller_back_to_the_head_of_the_line(tmp_path: Path) -> None:
    make_flow(tmp_path, queues=(quick(ring_seconds=0.3),))

    async def play() -> None:
        async with town(tmp_path) as here:
            giver, _ = here.operator("op-1")
            caller = await here.call()
            await here.happened("answered")
            await here.call()
            await here.happened("queued", times=2)
            here.exchange.set_state(giver, "break")
            away = here.exchange.sign_in(here.operator("sv-1", refuse="timeout", supervisor=True)[0])
            await here.happened("not_answered")
            here.exchange.set_state(away, "break")
            await here.until(lambda: away.state == "break")
            await here.exchange.transfer(giver, "sv-1", attended=False)
            back = await here.happened("queued", times=3)
            assert back.data["position"] == 1
            assert not caller.ended.done()

    asyncio.run(play())


def test_an_attended_transfer_is_talked_over_first(tmp_path: Path) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path) as here:
            giver, device = here.operator("op-1")
            caller = await here.call(tone=440)
            await here.happened("answered")
            taker, other = here.operator("op-2", hertz=880)
            await here.exchange.transfer(giver, "op-2", attended=True)
            await here.until(lambda: taker.state == "talking")
            assert await caller.hears("hold") >= 0.95
            await here.until(lambda: abs(device.leg.loudest - 880) < 10)
            await here.exchange.complete(giver)
            assert abs(await caller.hears_tone(880) - 880) < 10
            await here.until(lambda: abs(other.leg.loudest - 440) < 10)
            assert (await here.happened("transferred")).data["mode"] == "attended"
            assert giver.state in ("wrapup", "ready")

    asyncio.run(play())


@pytest.mark.parametrize("who", ["giver", "taker", "nobody answers"])
def test_an_attended_transfer_can_be_taken_back(tmp_path: Path, who: str) -> None:
    make_flow(tmp_path, queues=(quick(ring_seconds=0.3),))

    async def play() -> None:
        async with town(tmp_path) as here:
            giver, _ = here.operator("op-1")
            caller = await here.call()
            await here.happened("answered")
            taker, _ = here.operator("op-2", hertz=880, refuse="timeout" if who == "nobody answers" else "")
            await here.exchange.transfer(giver, "op-2", attended=True)
            if who == "nobody answers":
                await here.happened("not_answered")
            else:
                await here.until(lambda: taker.state == "talking")
                await (here.exchange.take_back(giver) if who == "giver" else here.exchange.hang_up(taker))
            await here.happened("resumed")
            assert abs(await caller.hears_tone(660) - 660) < 10
            await here.until(lambda: taker.state in ("ready", "break"))
            assert giver.state == "talking"

    asyncio.run(play())


@pytest.mark.parametrize("attended", [True, False])
def test_a_caller_who_hangs_up_in_a_transfer_frees_both_operators(tmp_path: Path, attended: bool) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path) as here:
            giver, _ = here.operator("op-1")
            caller = await here.call()
            await here.happened("answered")
            taker, _ = here.operator("op-2", after=0.9)
            await here.exchange.transfer(giver, "op-2", attended=attended)
            await caller.hang_up()
            await here.happened("ended")
            await here.until(lambda: giver.state == taker.state == "ready")
            assert giver.call == taker.call == ""

    asyncio.run(play())


def test_a_lost_browser_comes_back(tmp_path: Path) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path) as here:
            operator, device = here.operator("op-1")
            caller = await here.call()
            await here.happened("answered")
            here.exchange.sign_out(operator, device)
            assert await caller.hears("hold") >= 0.95
            again = Headset(hertz=880)
            back = here.exchange.sign_in(type(operator)("op-1", ("town",), again))
            assert back is operator and back.state == "talking"
            await here.exchange.returned(back, await again.ring(None, seconds=1))  # type: ignore[arg-type]
            assert abs(await caller.hears_tone(880) - 880) < 10
            assert [e.data.get("why") for e in here.events.of("held")] == ["lost"]
            here.exchange.sign_out(operator, device)
            assert operator.device is again

    asyncio.run(play())


def test_a_lost_browser_that_does_not_come_back_gives_the_caller_to_the_next(tmp_path: Path) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path, grace=0.4) as here:
            operator, device = here.operator("op-1")
            caller = await here.call()
            await here.happened("answered")
            here.exchange.sign_out(operator, device)
            await here.happened("queued", times=2)
            assert operator.state == "offline"
            here.operator("op-2", hertz=880)
            assert abs(await caller.hears_tone(880) - 880) < 10

    asyncio.run(play())


def test_a_browser_lost_while_it_rings(tmp_path: Path) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path) as here:
            operator, device = here.operator("op-1", after=0.3, refuse="gone")
            await here.call()
            await here.happened("ringing")
            here.exchange.sign_out(operator, device)
            assert (await here.happened("not_answered")).data["why"] == "gone"
            assert operator.state == "offline"

    asyncio.run(play())


@pytest.mark.req("CALL-03")
def test_a_resident_is_called_back_through_the_trunk(tmp_path: Path) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        resident, wire = await open_endpoint(("127.0.0.1", 0), trunks=NETS)
        carrier = resident.here
        async with town(tmp_path, carrier=carrier) as here:
            ear = Caller(resident, tone=440)
            calls = []

            def ring(call) -> None:  # type: ignore[no-untyped-def]
                calls.append(call)
                call.on_media = lambda media: setattr(ear, "media", media)
                call.on_end = lambda end: ear.ended.done() or ear.ended.set_result(end)
                call.answer(ear.socket.getsockname()[:2])

            resident.on_invite = ring
            operator, device = here.operator("op-1")
            with pytest.raises(Refused):
                await here.exchange.dial(operator, "09905551234", contract="town", callback="cb-1")
            await here.exchange.dial(operator, "090-1234-5678", contract="town", callback="cb-1")
            await here.happened("answered")
            ear._task = asyncio.ensure_future(ear._speak())
            assert (calls[0].dialled[0], calls[0].caller, device.rung[0].kind) == ("09012345678", "0120000001", "callback")
            assert abs(await ear.hears_tone(660) - 660) < 10
            await here.until(lambda: abs(device.leg.loudest - 440) < 10)
            calls[0].hang_up()
            await here.happened("ended")
            assert here.events.kinds() == ["offered", "ringing", "answered", "ended"]
            assert {e.data["callback"] for e in here.events.events} == {"cb-1"}
            await here.until(lambda: operator.state == "ready")
            resident.on_invite = lambda call: call.refuse(486)
            await here.exchange.dial(operator, "09012345678", contract="town", callback="cb-2")
            assert (await here.happened("ended", times=2)).data["why"] == "busy"
            await ear.close()
        resident.close()
        wire.close()

    asyncio.run(play())


def test_the_board_shows_who_waits_and_who_works(tmp_path: Path) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path) as here:
            here.operator("op-1")
            await here.call()
            await here.happened("answered")
            await here.call()
            await here.happened("queued", times=2)
            board = here.exchange.board(("town",))
            assert len(board["waiting"]) == 1 and board["longest"] >= 0
            assert [(o["name"], o["state"]) for o in board["operators"]] == [("op-1", "talking")]
            assert here.exchange.board(("other",)) == {"waiting": [], "longest": 0.0, "operators": [], "flows": {"other": "none"}}

    asyncio.run(play())
