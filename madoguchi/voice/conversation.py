"""One call from its first event to ``ended``: what the caller hears, who is rung, hold, transfer, and every way in which it can end."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import re
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from .acd import Waiting
from .events import CallEvent, Kind
from .flow import Queue, State
from .flows import Loaded
from .legs import Leg, join, part
from .operators import NotAnswered, Operator, Refused, Ringing
from .rtp import RtpLeg
from .sip.calls import Call

if TYPE_CHECKING:
    from .exchange import Exchange

log = logging.getLogger(__name__)

PROVIDER: Final = "exchange"
LEAD: Final = 0.2
"""Seconds between answering and the first word: trunks connect the audio a little after the answer."""
BREATH: Final = 3.0
"""Seconds between two announcements of a caller on hold."""
NUMBER: Final = re.compile(r"0[1-9]\d{8,9}")
BARRED: Final = ("0990", "0570")
"""Numbers that cost more than a call."""
TWICE_SECONDS: Final = 1.5
"""A key pressed so soon after the menu's is that one pressed twice: it asks for no call-back, and the text begins again."""
TRIES: Final = 3
"""How often a caller who shows no number may type one."""

By = Literal["caller", "operator", "system"]
End = tuple[By, str]


@dataclass(eq=False)
class Consult:
    """A transfer that is being made: to whom, and whether the first operator stays until they have talked."""

    giver: Operator
    to: Operator
    attended: bool
    task: asyncio.Task[None] | None = None
    leg: Leg | None = None
    missed: str = ""


class Conversation:
    """A call and those who talk in it. ``leg`` is the outside's, ``partner`` the operator's."""

    def __init__(
        self, exchange: Exchange, loaded: Loaded, *, number: str, withheld: bool, dialled: str, extra: dict[str, Any] | None = None
    ) -> None:
        self.exchange = exchange
        self.loaded = loaded
        self.flow = loaded.flow
        self.order = exchange.next_order()
        self.name = f"{exchange.run}-{self.order}"
        self.number = number
        self.withheld = withheld
        self.dialled = dialled
        self.extra = extra or {}
        self.language = self.flow.languages[0]
        self.choice = self.choice_label = ""
        self._pressed = float("-inf")
        self.queue = self.flow.menu.otherwise
        self.began = exchange.seconds()
        self.queued_at = 0.0
        self.leg: RtpLeg | None = None
        self.call: Call | None = None
        self.operator: Operator | None = None
        self.partner: Leg | None = None
        self.consult: Consult | None = None
        self.on_hold = False
        self.lost: asyncio.TimerHandle | None = None
        self.over: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._turn: asyncio.Future[None] | None = None
        self._ring: asyncio.Task[None] | None = None
        self._sound: asyncio.Task[Any] | None = None
        self._taken: asyncio.Event = asyncio.Event()
        self._last = dt.datetime.min.replace(tzinfo=dt.UTC)
        self._state: State = "closed"
        self._tone_at = 0
        self._answered = self._overflowed = self._callback = self._connecting = False

    # Telling.

    def emit(self, kind: Kind, *, agent: str = "", queue: str = "", **data: Any) -> None:
        """Write an event; the times of one call never stand still nor go back."""
        at = self.exchange.clock()
        if at <= self._last:
            at = self._last + dt.timedelta(microseconds=1)
        self._last = at
        self.exchange.spool.put(
            CallEvent(
                PROVIDER, self.name, kind, at, contract=self.flow.contract, caller=self.exchange.abroad(self.number),
                withheld=self.withheld, dialled=self.dialled, agent=agent, queue=queue, data={**self.extra, **data},
            )
        )  # fmt: skip

    def finish(self, by: By, why: str) -> None:
        """End the call, whatever it is doing."""
        if not self.over.done():
            self.over.set_result((by, why))

    # The life of a call from the trunk.

    async def run(self, life: Coroutine[Any, Any, End]) -> None:
        """Live until the script ends or somebody ends the call; then leave nothing behind."""
        script = asyncio.ensure_future(life)
        end: End = ("system", "fault")
        try:
            await asyncio.wait({script, self.over}, return_when=asyncio.FIRST_COMPLETED)
            end = self.over.result() if self.over.done() else script.result()
        except Exception:
            log.exception("the call %s failed", self.name)
        finally:
            self.finish(*end)
            await self._clean(script, end)

    async def _clean(self, script: asyncio.Future[End], end: End) -> None:
        self.exchange.desk.leave(self.name)
        await self._stop(script)
        await self._quiet()
        await self._stop_ringing()
        if self.lost is not None:
            self.lost.cancel()
        if self.consult is not None:
            await self._drop_consult(self.consult, by=end[0])
        if self.operator is not None:
            await self._release(self.operator, by=end[0])
        if end[0] == "caller" and self._state == "open" and not (self._answered or self._overflowed or self._callback):
            self.emit("abandoned")
        self.emit("ended", by=end[0], why=end[1])
        if self.call is not None:
            self.call.hang_up()
        if self.leg is not None:
            self.exchange.media.remove(self.leg)
            await self.leg.close()
        self.exchange.pump()

    async def script(self, state: State, *, crowded: bool) -> End:
        """What the flow says, for a caller from outside; ``crowded``: there were too many calls when it came."""
        self._state = state
        self.emit("offered", state=state)
        await asyncio.sleep(LEAD)
        if state != "open":
            self.emit("announced", prompt=state, language=self.language)
            await self._say(state)
            await self._say("web_hint")
            return "system", "announced"
        if crowded:
            return await self._automatic("capacity")
        await self._choose()
        first = True
        while True:
            end = await self.wait_and_talk(first=first)
            if end is not None:
                return end
            first = False

    async def apology(self) -> End:
        """For a caller whose flow is missing: out of order, and where else to turn. What it is a call of, the dialled number says."""
        self._overflowed = True
        self.emit("offered")
        await asyncio.sleep(LEAD)
        self.emit("overflowed", why="no_flow")
        await self._say("greeting")
        return "system", "no_flow"

    async def _say(self, prompt: str, *, until_digit: bool = False) -> str | None:
        assert self.leg is not None
        return await self.leg.play(self.frames(prompt), until_digit=until_digit)

    def frames(self, prompt: str) -> Sequence[bytes]:
        """A text in the caller's language and law."""
        assert self.leg is not None
        return self.loaded.frames(prompt, self.language, self.leg.payload_type)

    async def _key(self, seconds: float) -> str | None:
        """The next key, waited for so long."""
        assert self.leg is not None
        try:
            return await asyncio.wait_for(self.leg.digits.get(), seconds)
        except TimeoutError:
            return None

    async def _choose(self) -> None:
        """Greeting and menu; a key may be pressed at any moment of it."""
        menu = self.flow.menu
        key = await self._say("greeting", until_digit=bool(menu.keys))
        if not menu.keys:
            return
        for _ in range(menu.repeats + 1):
            if key is None:
                key = await self._say("menu", until_digit=True) or await self._key(menu.timeout_seconds)
            if key in menu.keys:
                choice = menu.keys[key]
                self.choice, self.choice_label, self.queue = choice.code, choice.label, choice.queue
                self._pressed = asyncio.get_running_loop().time()
                self.language = choice.language or self.language
                self.emit("menu", key=key, choice=choice.code, language=self.language)
                return
            key = None

    # The line.

    async def wait_and_talk(self, *, first: bool = True) -> End | None:
        """Wait for an operator and talk; ``None`` when the call is to go back to the line."""
        settings = self.flow.queue(self.queue)
        if first and (why := self.exchange.no_place(self.flow.contract, settings)):
            return await self._automatic(why)
        await self._quiet()
        self.on_hold = False
        self._taken.clear()
        self.queued_at = self.queued_at or self.exchange.seconds()
        position = self.exchange.desk.enter(
            Waiting(self.order, self.name, self.flow.contract, settings.code, self.queued_at)
        )
        self.emit("queued", queue=settings.code, position=position)
        self.exchange.pump()
        outcome = await self._wait(settings)
        if outcome == "callback":
            return await self._called_back()
        if outcome == "max_wait":
            return await self._automatic("max_wait")
        await self.talk()
        return None

    async def _wait(self, settings: Queue) -> Literal["taken", "callback", "max_wait"]:
        """Wait in the line: texts, the call-back key, the longest wait. Who is being rung for waits until that is decided."""
        loop = asyncio.get_running_loop()
        texts = self._sound = asyncio.ensure_future(self._waiting_texts(settings))
        taken = asyncio.ensure_future(self._taken.wait())
        until = loop.time() + settings.max_wait_seconds
        try:
            while True:
                ringing = self._ring if self._ring is not None and not self._ring.done() else None
                left = None if ringing else max(0.0, until - loop.time())
                waited: set[asyncio.Future[Any]] = {texts, taken, *([ringing] if ringing else [])}
                await asyncio.wait(waited, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if self._taken.is_set():
                    return "taken"
                if texts.done():
                    texts.result()
                    return "callback" if await self._left_line() else "taken"
                if loop.time() >= until and (self._ring is None or self._ring.done()):
                    return "max_wait" if await self._left_line() else "taken"
        finally:
            await self._stop(texts)
            taken.cancel()

    async def _left_line(self) -> bool:
        """Leave the line; false when an operator answered in the last moment."""
        self.exchange.desk.leave(self.name)
        await self._stop_ringing()
        return not self._taken.is_set()

    async def _stop_ringing(self) -> None:
        """Stop the device first, then free its operator: who is free may be rung for somebody else at once."""
        await self._stop(self._ring)
        self._free_rung()

    def _free_rung(self) -> None:
        for operator in self.exchange.desk.rung_for(self.name):
            self.exchange.desk.freed(operator, self.exchange.seconds())
            self.exchange.tell_state(operator)
        self.exchange.pump()

    async def _waiting_texts(self, settings: Queue) -> None:
        """``full`` (or ``connect`` when somebody is rung at once), then the tone with ``position`` now and then; ends at the call-back key."""
        assert self.leg is not None
        loop = asyncio.get_running_loop()
        while not self.leg.digits.empty():
            self.leg.digits.get_nowait()
        self._connecting = self._connecting or self.ringing
        text = "connect" if self.ringing else "full"
        while True:
            key = await self._say(text, until_digit=True)
            if key is not None and loop.time() < self._pressed + TWICE_SECONDS:
                continue
            next_text = loop.time() + settings.announce_every_seconds
            while key is None and loop.time() < next_text:
                key = await self._tone()
                if self.ringing and not self._connecting:
                    self._connecting = True
                    key = key or await self._say("connect", until_digit=True)
            if key is not None and key == settings.callback_key:
                return
            text = "position" if self.loaded.flow.audio("position", self.language) else "full"

    async def _tone(self) -> str | None:
        """Half a second of the tone, going on where it stopped."""
        assert self.leg is not None
        tone = self.exchange.tone.frames(self.leg.payload_type)
        at, self._tone_at = self._tone_at, (self._tone_at + 25) % len(tone)
        return await self.leg.play(tone[at : at + 25], until_digit=True)

    @property
    def ringing(self) -> bool:
        """Whether an operator is being rung for it."""
        return self._ring is not None and not self._ring.done()

    def ring(self, operator: Operator) -> None:
        """The desk gave it to an operator."""
        self._ring = self.exchange.spawn(self._ringing(operator, self.flow.queue(self.queue)))

    async def _ringing(self, operator: Operator, settings: Queue) -> None:
        self.emit("ringing", agent=operator.name, queue=settings.code)
        leg = await self.reach(operator, self.shown("call"), settings.ring_seconds)
        if leg is not None:
            self.has_answered(operator, leg)
            self._taken.set()

    def shown(self, kind: Literal["call", "transfer", "callback"], by: str = "") -> Ringing:
        """What an operator sees of it."""
        return Ringing(
            call=self.name, contract=self.flow.contract, number=self.exchange.abroad(self.number), withheld=self.withheld,
            choice=self.choice, choice_label=self.choice_label, language=self.language, queue=self.queue,
            waited=self.exchange.seconds() - self.began, kind=kind, by=by,
        )  # fmt: skip

    async def reach(self, operator: Operator, what: Ringing, seconds: float) -> Leg | None:
        """Ring a device; its leg, or ``None`` after ``not_answered``. Who cancels it frees the operator."""
        desk, device = self.exchange.desk, operator.device
        try:
            await self.exchange.spool.safe()
            if device is None or operator.device is not device:
                raise NotAnswered("gone")
            leg = await device.ring(what, seconds=seconds)
        except NotAnswered as missed:
            if self.consult is not None and self.consult.to is operator:
                self.consult.missed = missed.why
            self.emit("not_answered", agent=operator.name, why=missed.why)
            desk.missed(operator, missed.why, self.exchange.seconds())
        except Exception:
            log.exception("the device of %s failed", operator.name)
            self.emit("not_answered", agent=operator.name, why="gone")
            desk.missed(operator, "gone", self.exchange.seconds())
        else:
            desk.taken(operator, self.exchange.seconds())
            self.exchange.media.add(leg)
            self.exchange.tell_state(operator)
            return leg
        self.exchange.tell_state(operator)
        self.exchange.pump()
        return None

    def has_answered(self, operator: Operator, leg: Leg) -> None:
        self.operator, self.partner, self._answered = operator, leg, True
        self._tell_connected(operator)
        self.emit("answered", agent=operator.name, queue=self.queue, waited=round(self.exchange.seconds() - self.began, 1))

    def _tell_connected(self, operator: Operator) -> None:
        self.exchange.tell(operator, {"type": "connected", "call": self.name, "since": operator.since})

    def _hold_event(self, operator: Operator, on: bool, **data: Any) -> None:
        self.emit("held" if on else "resumed", agent=operator.name, **data)
        self.exchange.tell(operator, {"type": "held" if on else "resumed", "call": self.name})

    # The automatic answer.

    async def _automatic(self, why: str) -> End:
        """Nobody can take it: the text of an overload, and the call-back on a key."""
        self._overflowed = True
        self.emit("overflowed", queue=self.queue, why=why)
        settings = self.flow.queue(self.queue)
        assert self.leg is not None
        while not self.leg.digits.empty():
            self.leg.digits.get_nowait()
        key = await self._say("callback", until_digit=True)
        while key is not None and asyncio.get_running_loop().time() < self._pressed + TWICE_SECONDS:
            key = await self._say("callback", until_digit=True)
        if key is None and settings.callback_key is not None:
            key = await self._key(self.flow.menu.timeout_seconds)
        if key is not None and key == settings.callback_key:
            return await self._called_back()
        await self._say("web_hint")
        return "system", "overflowed"

    async def _called_back(self) -> End:
        """The caller wants to be called back; who withholds the number types one, and it is promised once it was heard and confirmed."""
        typed = ""
        if self.withheld or not self.number:
            typed = await self._confirmed_number()
            if not typed:
                self._overflowed = True
                self.emit("overflowed", queue=self.queue, why="no_number")
                await self._say("web_hint")
                return "system", "no_number"
        self._callback = True
        self.emit("callback_requested", queue=self.queue, **({"number": self.exchange.abroad(typed)} if typed else {}))
        await self.exchange.spool.safe()
        await self._say("callback_done")
        return "system", "callback"

    async def _confirmed_number(self) -> str:
        """A number that can be called, read back to the caller and confirmed by 1; empty when that did not come about. It is never logged."""
        assert self.leg is not None
        for _ in range(TRIES):
            typed = await self._typed_number()
            if not NUMBER.fullmatch(typed) or typed.startswith(BARRED):
                await self._say("number_wrong")
                continue
            said = self.loaded.spoken(typed, self.language, self.leg.payload_type)
            key = await self.leg.play([*said, *self.frames("number_confirm")], until_digit=True)
            if (key or await self._key(2 * self.flow.menu.timeout_seconds)) == "1":
                return typed
        return ""

    async def _typed_number(self) -> str:
        """The keys after the question, up to # or a pause or the longest number there is; * begins anew."""
        pause = 2 * self.flow.menu.timeout_seconds
        typed = ""
        key = await self._say("number", until_digit=True) or await self._key(pause)
        while key is not None and key != "#":
            typed = "" if key == "*" else typed + key
            if len(typed) == 11:
                break
            key = await self._key(pause)
        return typed

    # Talking.

    async def talk(self) -> None:
        """Bridge until the call goes back to the line; every other end cancels this."""
        self._turn = asyncio.get_running_loop().create_future()
        if not self.on_hold:
            await self._together()
        await self._turn

    async def _together(self) -> None:
        """Outside and operator hear each other."""
        await self._quiet()
        self.on_hold = False
        assert self.leg is not None
        if self.partner is not None and not self.over.done():
            self._apart()
            join(self.leg, self.partner)

    def _apart(self) -> None:
        for leg in (self.leg, self.partner):
            if leg is not None:
                part(leg)

    async def _park(self) -> None:
        """The caller hears ``hold`` until :meth:`_together`."""
        self.on_hold = True
        await self._quiet()
        self._apart()
        if not self.over.done():
            self._sound = self.exchange.spawn(self._hold_text())

    async def _hold_text(self) -> None:
        while True:
            await self._say("hold")
            await asyncio.sleep(BREATH)

    async def _quiet(self) -> None:
        await self._stop(self._sound)
        self._sound = None

    async def _stop(self, task: asyncio.Future[Any] | None) -> None:
        """Cancel a task and wait for its end; its own failure is logged where it was begun."""
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait({task})

    async def _release(self, operator: Operator, *, by: By = "operator", wrapup: bool = True) -> None:
        """This operator's part is over, by whose will."""
        device = operator.device
        if operator is self.operator:
            self._apart()
            if self.partner is not None:
                self.exchange.media.remove(self.partner)
            self.operator = self.partner = None
        seconds = self.flow.queue(self.queue).wrapup_seconds if wrapup and not operator.away_after_call else 0.0
        self.exchange.tell(operator, {"type": "ended", "call": self.name, "by": by, "wrapup_seconds": seconds})
        if device is not None:
            await self._device_off(operator, device)
        self.exchange.release(operator, seconds)

    async def _device_off(self, operator: Operator, device: Any) -> None:
        try:
            await device.hang_up()
        except Exception:
            log.exception("the device of %s could not hang up", operator.name)

    def _to_the_line(self) -> None:
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(None)

    # What the operator wants.

    async def hung_up_by(self, operator: Operator) -> None:
        """An operator left."""
        consult = self.consult
        if consult is not None and operator is consult.to:
            await self._left_alone(consult)
        elif consult is not None and consult.attended and operator is consult.giver:
            if consult.leg is not None:
                await self.complete()
            else:
                await self._drop_consult(consult)
                await self._release(operator)
                self._to_the_line()
        elif operator is self.operator:
            self.finish("operator", "hung_up")

    async def hold(self, on: bool) -> None:
        """Put the caller on hold, or take them back."""
        if self.consult is not None:
            raise Refused("転送の途中です。")
        operator = self.operator
        if operator is None or on == self.on_hold:
            return
        self._hold_event(operator, on)
        if on:
            await self._park()
        else:
            await self._together()

    async def transfer(self, to: Operator, *, attended: bool) -> None:
        """Hand over to an operator who is free."""
        giver = self.operator
        if giver is None or self.consult is not None:
            raise Refused("いまは転送できません。")
        try:
            self.exchange.desk.seize(to, self.name, self.exchange.seconds())
        except ValueError:
            raise Refused("その担当者はいま電話を受けられません。") from None
        consult = self.consult = Consult(giver, to, attended)
        consult.task = self.exchange.spawn(self._transferring(consult))

    async def _transferring(self, consult: Consult) -> None:
        await self._park()
        if consult.attended:
            self._hold_event(consult.giver, True, why="transfer")
        else:
            await self._release(consult.giver)
        self._tell_consult(consult, "ringing")
        settings = self.flow.queue(self.queue)
        self.emit("ringing", agent=consult.to.name, queue=settings.code)
        leg = await self.reach(consult.to, self.shown("transfer", consult.giver.name), settings.ring_seconds)
        if leg is not None:
            consult.leg = leg
            if not consult.attended:
                await self._handed_over(consult, leg)
            elif self.partner is not None:
                join(self.partner, leg)
                self._tell_connected(consult.to)
                self._tell_consult(consult, "answered")
        elif not consult.attended:
            self.consult = None
            self._to_the_line()
        elif self.partner is not None:
            self.consult = None
            self._tell_consult(consult, consult.missed or "gone")
            await self._together()
            self._hold_event(consult.giver, False)

    def _tell_consult(self, consult: Consult, state: str) -> None:
        """How it stands with the colleague, to the first operator: ``ringing``, ``answered``, or why not."""
        if consult.attended:
            self.exchange.tell(consult.giver, {"type": "consult", "call": self.name, "to": consult.to.name, "state": state})

    async def _handed_over(self, consult: Consult, leg: Leg) -> None:
        self.consult = None
        self.operator, self.partner = consult.to, leg
        if not consult.attended:
            self._tell_connected(consult.to)
        self.emit("transferred", agent=consult.giver.name, to=consult.to.name, mode="attended" if consult.attended else "blind")
        await self._together()

    async def complete(self) -> None:
        """Both operators have talked: the second keeps the caller."""
        consult = self.consult
        if consult is None or not consult.attended or consult.leg is None:
            raise Refused("転送先がまだ出ていません。")
        await self._release(consult.giver)
        await self._handed_over(consult, consult.leg)

    async def take_back(self) -> None:
        """The first operator talks with the caller again."""
        consult = self.consult
        if consult is None or not consult.attended:
            raise Refused("転送の途中ではありません。")
        await self._drop_consult(consult)
        await self._together()
        self._hold_event(consult.giver, False)

    async def _left_alone(self, consult: Consult) -> None:
        """The colleague went away in the middle of the word with the first operator."""
        if consult.leg is not None:
            self._tell_consult(consult, "left")
            await self.take_back()

    async def _drop_consult(self, consult: Consult, *, by: By = "operator") -> None:
        self.consult = None
        await self._stop(consult.task)
        self._free_rung()
        if consult.leg is not None:
            part(consult.leg)
            self.exchange.media.remove(consult.leg)
            await self._release(consult.to, by=by, wrapup=False)

    async def vanished(self, operator: Operator) -> None:
        """An operator's device is gone in the middle of the talk: the caller hears ``hold`` for a while."""
        consult = self.consult
        if consult is not None and operator is consult.to:
            await self._left_alone(consult)
        elif consult is not None and operator is consult.giver and consult.leg is not None:
            await self.complete()
        elif operator is self.operator and self.lost is None:
            if consult is not None:
                await self._drop_consult(consult)
            await self._park()
            if self.partner is not None:
                self.exchange.media.remove(self.partner)
                self.partner = None
            self._hold_event(operator, True, why="lost")
            self.lost = asyncio.get_running_loop().call_later(self.exchange.grace, self._not_returned, operator)

    def _not_returned(self, operator: Operator) -> None:
        self.lost = None
        self.exchange.spawn(self._given_up(operator))

    async def _given_up(self, operator: Operator) -> None:
        await self._quiet()
        operator.away_after_call = True
        await self._release(operator, by="system", wrapup=False)
        self._to_the_line()

    async def returned(self, operator: Operator, leg: Leg) -> None:
        """The operator is back with another leg."""
        if operator is not self.operator:
            raise Refused("その通話はもう終わっています。")
        if self.lost is not None:
            self.lost.cancel()
            self.lost = None
        if self.partner is not None:
            part(self.partner)
            self.exchange.media.remove(self.partner)
        self.partner = leg
        self.exchange.media.add(leg)
        consult, was_held = self.consult, self.on_hold
        if consult is None:
            await self._together()
            if was_held:
                self._hold_event(operator, False)
            return
        if consult.leg is not None:
            join(leg, consult.leg)
        self.exchange.tell(operator, {"type": "held", "call": self.name})
        self._tell_consult(consult, "ringing" if consult.leg is None else "answered")
