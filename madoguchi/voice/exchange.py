"""The exchange: takes calls from the trunk, keeps the desk, and does what operators wish (:class:`.operators.Exchange`)."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, Literal, Protocol

from .acd import Desk
from .conversation import BARRED, NUMBER, Conversation, End
from .events import LONGEST, CallEvent
from .flow import Queue
from .flows import Flows, Loaded, national
from .legs import Leg
from .media import Clock, ringback
from .operators import Device, Operator, Refused, Screen
from .rtp import Ports, RtpLeg
from .sip.calls import End as SipEnd
from .sip.calls import Incoming, Outgoing
from .sip.endpoint import Endpoint
from .sip.messages import Address, format_addr
from .sip.offers import Media

log = logging.getLogger(__name__)

GRACE: Final = 30.0
"""Seconds a caller waits for an operator whose browser was lost."""
SILENCE: Final = 120.0
"""Seconds without a packet from the outside after which a call counts as dead."""
ANSWER_SECONDS: Final = 60.0
"""How long a resident who is called back is rung."""


def settle(future: asyncio.Future[Any], value: Any) -> None:
    """Give a future its result unless it has one, or nobody waits any more."""
    if not future.done():
        future.set_result(value)


class Record(Protocol):
    """Where events go."""

    def put(self, event: CallEvent) -> None: ...

    async def safe(self) -> None: ...


class Exchange:
    """All calls of one process.

    ``clock`` tells the time of events and hours, ``run`` begins every call's name, ``capacity`` is the number of calls above which a new one
    hears the automatic answer at once, ``carrier`` is where calls to the outside are sent (without it none are made).
    """

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        flows: Flows,
        spool: Record,
        ports: Ports,
        clock: Callable[[], dt.datetime],
        run: str,
        advertised: str = "",
        capacity: int = 200,
        carrier: Address | None = None,
        grace: float = GRACE,
    ) -> None:
        self.endpoint = endpoint
        self.flows = flows
        self.spool = spool
        self.ports = ports
        self.clock = clock
        self.run = run
        self.advertised = advertised
        self.capacity = capacity
        self.carrier = carrier
        self.grace = grace
        self.media = Clock()
        self.desk = Desk()
        self.tone = ringback()
        self.calls: dict[str, Conversation] = {}
        self.screens: dict[str, Screen] = {}
        self.draining = False
        self._order = 0
        self._epoch = clock().timestamp() - time.monotonic()
        self._tasks: set[asyncio.Task[Any]] = set()
        endpoint.on_invite = self.incoming

    # Small things that conversations need.

    def next_order(self) -> int:
        self._order += 1
        return self._order

    def seconds(self) -> float:
        """Seconds since 1970 that never go back, whatever happens to the machine's clock."""
        return self._epoch + time.monotonic()

    @staticmethod
    def abroad(number: str) -> str:
        """E.164 of a number as it is dialled in Japan; any other stays."""
        return f"+81{number[1:]}" if number[:1] == "0" and number[:2] != "00" and number.isdigit() else number

    def no_place(self, contract: str, queue: Queue) -> Literal["no_operator", "queue_full"] | None:
        """Why a call cannot join the line, if it cannot."""
        if not self.desk.present(contract):
            return "no_operator"
        if self.desk.idle(contract) is None and self.desk.length(contract, queue.code) >= queue.max_waiting:
            return "queue_full"
        return None

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run beside; a failure is logged."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a task failed", exc_info=error)

    # Calls from the trunk.

    def incoming(self, call: Incoming) -> None:
        """Somebody calls."""
        if self.draining:
            call.refuse(503, [("Retry-After", "30")])
            return
        found = self.flows.of(call.dialled)
        answers = found or self._sorry(call.dialled)
        if answers is None:
            log.warning("a call to %s, which no flow answers", call.dialled)
            call.refuse(404)
            return
        if not call.acceptable():
            call.refuse(488)
            return
        try:
            leg = RtpLeg(self.ports, advertised=self.advertised)
        except OSError as error:
            log.error("a call was refused: %s", error)
            call.refuse(503, [("Retry-After", "30")])
            return
        loaded, dialled = answers
        number = national(call.caller)[:LONGEST["dialled"]]
        talk = Conversation(self, loaded, number=number, withheld=call.withheld or not number, dialled=dialled)
        talk.leg, talk.call = leg, call
        call.on_media = leg.agree
        call.on_end = lambda end: talk.finish("system" if end == "lost" else "caller", end)
        call.on_key = lambda key: leg.press(key, "info")
        self.calls[talk.name] = talk
        self.media.add(leg)
        call.answer(leg.address)
        crowded = len(self.calls) > self.capacity
        life = talk.apology() if found is None else talk.script(loaded.flow.state_at(self.clock()), crowded=crowded)
        self.spawn(self._live(talk, life))

    def _sorry(self, dialled: Sequence[str]) -> tuple[Loaded, str] | None:
        """What answers a number whose flow is missing, and that number."""
        number = national(dialled[0])[: LONGEST["dialled"]] if dialled else ""
        loaded = self.flows.out_of_order(number)
        return None if loaded is None else (loaded, number)

    async def _live(self, talk: Conversation, life: Coroutine[Any, Any, End]) -> None:
        try:
            await talk.run(life)
        finally:
            self.calls.pop(talk.name, None)

    def pump(self) -> None:
        """Ring for whoever can be served now."""
        for name, operator in self.desk.assign(self.seconds()):
            self.calls[name].ring(operator)
            self.tell_state(operator)

    def release(self, operator: Operator, wrapup: float) -> None:
        """An operator's call is over."""
        if operator.state in ("talking", "ringing"):
            self.desk.released(operator, self.seconds(), wrapup)
            if operator.state == "wrapup":
                asyncio.get_running_loop().call_later(wrapup + 0.005, self.due)
            self.tell_state(operator)
            self.pump()

    def due(self) -> None:
        """Wrap-ups end."""
        for operator in self.desk.due(self.seconds()):
            self.tell_state(operator)
        self.pump()

    def check(self) -> None:
        """Now and then: end calls whose outside fell silent."""
        for talk in list(self.calls.values()):
            if talk.leg is not None and talk.leg.silent > SILENCE:
                talk.finish("system", "silent")

    # Telling operators.

    def tell(self, operator: Operator, message: Mapping[str, Any]) -> None:
        for shown in (operator.device, self.screens.get(operator.name)):
            if shown is not None:
                self.spawn(shown.tell(message))

    def tell_state(self, operator: Operator) -> None:
        """The state of an operator, to that operator's device."""
        self.tell(operator, {"type": "state", "state": operator.state, "since": operator.since})

    # What operators wish.

    def sign_in(self, operator: Operator) -> Operator:
        known = self.desk.sign_in(operator, self.seconds())
        self.tell_state(known)
        self.pump()
        return known

    def sign_out(self, operator: Operator, device: Device) -> None:
        if operator.device is not device:
            return
        self.desk.sign_out(operator, self.seconds())
        self.tell_state(operator)
        if operator.state == "talking" and (talk := self.calls.get(operator.call)):
            self.spawn(talk.vanished(operator))

    def watch(self, operator: Operator, screen: Screen) -> Operator:
        self.screens[operator.name] = screen
        operator.since = self.seconds()
        known = self.desk.operators.setdefault(operator.name, operator)
        self.tell_state(known)
        return known

    def unwatch(self, operator: Operator, screen: Screen) -> None:
        if self.screens.get(operator.name) is screen:
            del self.screens[operator.name]

    def set_state(self, operator: Operator, state: Literal["ready", "break"]) -> None:
        self.desk.set_state(operator, state, self.seconds())
        self.tell_state(operator)
        self.pump()

    def _talk_of(self, operator: Operator) -> Conversation:
        talk = self.calls.get(operator.call)
        if talk is None or operator.state != "talking":
            raise Refused("通話中ではありません。")
        return talk

    async def returned(self, operator: Operator, leg: Leg) -> None:
        await self._talk_of(operator).returned(operator, leg)

    async def hang_up(self, operator: Operator) -> None:
        await self._talk_of(operator).hung_up_by(operator)

    def _own(self, operator: Operator) -> Conversation:
        """The conversation that this operator leads, not one in which a colleague asks."""
        talk = self._talk_of(operator)
        if talk.operator is not operator:
            raise Refused("この通話は別の担当者のものです。")
        return talk

    async def hold(self, operator: Operator, on: bool) -> None:
        await self._own(operator).hold(on)

    async def transfer(self, operator: Operator, to: str, *, attended: bool) -> None:
        talk = self._own(operator)
        found = self.desk.idle(talk.flow.contract, supervisor=True, but=operator)
        target = found if to == "supervisor" else self.desk.operators.get(to)
        if target is None or target is operator or talk.flow.contract not in target.contracts:
            raise Refused("転送先の担当者が見つからないか、電話を受けられません。")
        await talk.transfer(target, attended=attended)
        self.tell_state(target)

    async def complete(self, operator: Operator) -> None:
        await self._own(operator).complete()

    async def take_back(self, operator: Operator) -> None:
        await self._own(operator).take_back()

    async def dial(self, operator: Operator, number: str, *, contract: str, callback: str) -> None:
        number = national(number)
        if self.carrier is None:
            raise Refused("外線への発信は設定されていません。")
        if not NUMBER.fullmatch(number) or number.startswith(BARRED):
            raise Refused("この番号にはかけられません。")
        if contract not in operator.contracts or contract not in self.flows.loaded or self.draining:
            raise Refused("いまはかけられません。")
        loaded = self.flows.loaded[contract]
        try:
            leg = RtpLeg(self.ports, advertised=self.advertised)
        except OSError:
            raise Refused("回線がいっぱいです。少し待ってからかけてください。") from None
        talk = Conversation(
            self, loaded, number=number, withheld=False, dialled=national(loaded.flow.numbers[0]),
            extra={"callback": callback, "direction": "out"},
        )  # fmt: skip
        try:
            self.desk.seize(operator, talk.name, self.seconds())
        except ValueError:
            await leg.close()
            raise Refused("通話中はかけられません。") from None
        talk.leg = leg
        self.calls[talk.name] = talk
        self.media.add(leg)
        self.spawn(self._live(talk, self._dialling(talk, operator, leg, self.carrier)))

    async def _dialling(self, talk: Conversation, operator: Operator, leg: RtpLeg, carrier: Address) -> End:
        """Ring the operator's own device first, then the resident; then it is a conversation like any other."""
        talk.emit("offered", state="open")
        talk.emit("ringing", agent=operator.name)
        own = await talk.reach(operator, talk.shown("callback"), talk.flow.queue(talk.queue).ring_seconds)
        if own is None:
            return "operator", "not_answered"
        talk.operator, talk.partner = operator, own
        call = self.endpoint.call(
            f"sip:{talk.number}@{format_addr(*carrier)}", carrier, number=talk.dialled, rtp=leg.address
        )
        answered: asyncio.Future[Media | None] = asyncio.get_running_loop().create_future()
        call.on_answer = lambda media: settle(answered, media)
        call.on_media = leg.agree
        call.on_end = lambda end: self._outside_ended(talk, call, answered, end)
        talk.call = call
        call.begin()
        tone = self.spawn(self._tone(own))
        try:
            media = await asyncio.wait_for(answered, ANSWER_SECONDS)
        except TimeoutError:
            return "system", "no_answer"
        finally:
            tone.cancel()
        if media is None:
            return "system", {486: "busy", 600: "busy", 404: "no_such_number", 484: "no_such_number"}.get(call.code, "not_reached")
        leg.agree(media)
        talk.has_answered(operator, own)
        while True:
            await talk.talk()
            if (end := await talk.wait_and_talk(first=False)) is not None:
                return end

    async def _tone(self, leg: Leg) -> None:
        while True:
            await leg.play(self.tone.frames(leg.payload_type), until_digit=False)

    @staticmethod
    def _outside_ended(talk: Conversation, call: Outgoing, answered: asyncio.Future[Media | None], end: SipEnd) -> None:
        if not answered.done():
            answered.set_result(None)
        elif end != "hung_up":
            talk.finish("system" if end == "lost" else "caller", end)

    def board(self, contracts: tuple[str, ...]) -> dict[str, Any]:
        now = self.seconds()
        waiting: list[dict[str, Any]] = [
            {"call": w.call, "contract": w.contract, "queue": w.queue, "choice": self.calls[w.call].choice_label, "seconds": round(now - w.since, 1)}
            for w in self.desk.waiting if w.contract in contracts and w.call in self.calls
        ]  # fmt: skip
        return {
            "waiting": waiting,
            "longest": max((w["seconds"] for w in waiting), default=0.0),
            "operators": [
                {"name": o.name, "state": o.state, "seconds": round(now - o.since, 1), "supervisor": o.supervisor}
                for o in self.desk.operators.values() if set(o.contracts) & set(contracts)
            ],
            "flows": {contract: self.flows.standing(contract) for contract in contracts},
        }  # fmt: skip

    def load(self) -> dict[str, Any]:
        present = [o for o in self.desk.operators.values() if o.state != "offline"]
        return {"calls": len(self.calls), "operators": len(present), "waiting": len(self.desk.waiting), "flows": self.flows.standings()}

    # The end of the process.

    async def drain(self, seconds: float) -> None:
        """Take no new call; let those who talk finish, at most so long; then end what is left."""
        self.draining = True
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while self.calls and loop.time() < until:
            await asyncio.sleep(0.1)
        left = [t for t in self._tasks if not t.done()]
        for talk in list(self.calls.values()):
            talk.finish("system", "shut_down")
        if self.calls and left:
            await asyncio.wait(left, timeout=2.0)
