"""The door: operators' pages come in here by WebSocket, with a pass of the web site.

Messages are JSON objects with a ``type``, listed in ``docs/operations/exchange-messages.md``. What a page may send is :data:`FIELDS`; anything else,
or a value of another kind, ends the connection. What the exchange tells (state, connected, held, ended) is carried on as it is; the door
itself speaks of ringing, of refusals and of the connection.

One operator, one page: who comes in takes over from who was there under that name, with the call that goes on. So a page that lost its way, or
was loaded anew, simply comes in again.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import logging
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, Final

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Origin

from .legs import Leg
from .offers import OfferError
from .operators import Exchange, NotAnswered, Operator, Refused, Ringing
from .passes import CallPass, Pass, PassError, seal, unseal
from .webrtc import WebRtcLeg, WebRtcPort

log = logging.getLogger(__name__)

Clock = Callable[[], dt.datetime]

LONGEST: Final = 32_768
"""Characters of a message from a page; an offer has about 3,000."""
HELLO_SECONDS: Final = 10.0
HEARTBEAT_SECONDS: Final = 10.0
"""A page that does not answer a ping for as long is gone."""
PER_SECOND, BURST = 10.0, 40.0
"""Messages a page may send: so many a second, and so many at once."""
UNREAD: Final = 500
"""Messages a page may leave unread before it is dropped."""
MOST_PAGES: Final = 300
CALL_PASS_HOURS: Final = 4
BOARD_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 10.0

FIELDS: Final[Mapping[str, Mapping[str, type]]] = {
    "hello": {"pass": str, "offer": str},
    "state": {"state": str},
    "answer": {"call": str},
    "decline": {"call": str},
    "hangup": {},
    "hold": {"on": bool},
    "transfer": {"to": str, "attended": bool},
    "complete": {},
    "takeback": {},
    "dial": {"pass": str},
    "board": {"on": bool},
}
NAME: Final = re.compile(r"[\w.:@-]{1,64}")
AT_THE_PHONE: Final = "電話機で操作してください。"
GONE_CALL: Final = "この着信は終わりました。"
NO_DIAL: Final = "この番号にかける許可がありません。画面を読み込み直してから、もう一度かけてください。"
NOT_SUPERVISOR: Final = "待ち状況を見られるのはリーダーだけです。"
FAILED: Final = "交換機で問題が起きました。もう一度操作してください。"


class Dismissed(Exception):
    """The connection ends: ``code`` for the page, ``message`` for the operator, ``close`` for WebSocket."""

    CLOSE: Final[Mapping[str, int]] = {
        "replaced": 4001, "pass": 4003, "offer": 4000, "protocol": 4000, "rate": 4029, "audio": 4010, "closing": 1001,
    }  # fmt: skip
    MESSAGES: Final[Mapping[str, str]] = {
        "replaced": "別の画面で電話を開いたため、この画面の電話を切り離しました。",
        "pass": "電話の許可の期限が切れました。",
        "offer": "ブラウザーの音声の設定を読めませんでした。ブラウザーを新しくしてください。",
        "protocol": "画面と交換機の版が合いません。画面を読み込み直してください。",
        "rate": "操作が多すぎます。少し待って、画面を読み込み直してください。",
        "audio": "音声がつながりません。",
        "closing": "交換機が停止します。",
    }

    def __init__(self, code: str, why: str = "") -> None:
        super().__init__(f"{code}: {why}" if why else code)
        self.code, self.message, self.close = code, self.MESSAGES[code], self.CLOSE[code]

    def text(self) -> str:
        """The message to the page."""
        return _text({"type": "error", "code": self.code, "message": self.message})


def read(text: str | bytes) -> dict[str, Any]:
    """A message of a page, with all its fields and no others. Raises :class:`Dismissed`."""
    if not isinstance(text, str):
        raise Dismissed("protocol", "bytes")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise Dismissed("protocol", "no JSON") from None
    kind = message.get("type") if isinstance(message, dict) else None
    fields = FIELDS.get(kind) if isinstance(kind, str) else None
    if fields is None or message.keys() != {"type", *fields}:
        raise Dismissed("protocol", "no message of ours")
    if any(type(message[name]) is not wanted for name, wanted in fields.items()):
        raise Dismissed("protocol", "a value of another kind")
    return message


def _text(message: Mapping[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


class Browser:
    """An operator's page: the :class:`~.operators.Device` that the exchange rings; without ``leg`` the :class:`~.operators.Screen` of the SIP
    telephone that its pass names."""

    def __init__(self, door: Door, socket: ServerConnection, leg: WebRtcLeg | None, admitted: Pass) -> None:
        self.leg = leg
        self.admitted = admitted
        self.operator = Operator(admitted.operator, admitted.contracts, device=self if leg else None, supervisor=admitted.supervisor)
        self._door, self._socket = door, socket
        self._unread: asyncio.Queue[str | Dismissed] = asyncio.Queue(UNREAD)
        self._ringing: tuple[str, asyncio.Future[None]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._board: asyncio.Task[None] | None = None
        self._allowance, self._counted = BURST, 0.0
        self._over: asyncio.TimerHandle | None = None

    # What the exchange asks

    async def ring(self, what: Ringing, *, seconds: float) -> Leg:
        """Ring until the operator takes it; see :class:`~.operators.Device`."""
        assert self.leg is not None
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ringing = (what.call, taken)
        self.ringing(what)
        why = "gone"
        try:
            async with asyncio.timeout(seconds):
                await taken
                await self.leg.ready.wait()
            why = "answered"
            return self.leg
        except TimeoutError:
            why = "timeout"
            raise NotAnswered("timeout") from None
        except NotAnswered as error:
            why = error.why
            raise
        finally:
            self._ringing = None
            self.stopped(what.call, why)

    def ringing(self, what: Ringing) -> None:
        self.say({"type": "ringing", **self._door.show(self.operator.name, what)})

    def stopped(self, call: str, why: str) -> None:
        self.say({"type": "stop_ringing", "call": call, "why": why})

    async def tell(self, message: Mapping[str, Any]) -> None:
        if message.get("type") == "ended":
            self._door.forget_call(self.operator.name)
        self.say(message)

    async def hang_up(self) -> None:
        """Nothing to do: the page's audio stays for the next call, and ``ended`` told the page."""

    # What the page asks

    def hear(self, text: str | bytes) -> None:
        """Do what a message asks. Raises :class:`Dismissed`."""
        self._count()
        message = read(text)
        exchange, operator = self._door.exchange, self.operator
        match message["type"]:
            case "state" if message["state"] in ("ready", "break"):
                self._try(lambda: exchange.set_state(operator, message["state"]))
            case "answer":
                self._settle(message["call"], None)
            case "decline":
                self._settle(message["call"], NotAnswered("declined"))
            case "hangup":
                self._do(exchange.hang_up(operator))
            case "hold":
                self._do(exchange.hold(operator, message["on"]))
            case "transfer" if NAME.fullmatch(message["to"]):
                self._do(exchange.transfer(operator, message["to"], attended=message["attended"]))
            case "complete":
                self._do(exchange.complete(operator))
            case "takeback":
                self._do(exchange.take_back(operator))
            case "dial":
                self._try(lambda: self._dial(message["pass"]))
            case "board":
                self._try(lambda: self._show_board(message["on"]))
            case _:
                raise Dismissed("protocol", f"{message['type']} at this time")

    def _count(self) -> None:
        now = asyncio.get_running_loop().time()
        self._allowance = min(BURST, self._allowance + (now - self._counted) * PER_SECOND) - 1
        self._counted = now
        if self._allowance < 0:
            raise Dismissed("rate")

    def _settle(self, call: str, outcome: NotAnswered | None) -> None:
        if self.leg is None:
            self.say({"type": "refused", "message": AT_THE_PHONE})
        elif self._ringing is None or self._ringing[0] != call:
            self.say({"type": "refused", "message": GONE_CALL})
        elif not self._ringing[1].done():
            if outcome is None:
                self._ringing[1].set_result(None)
            else:
                self._ringing[1].set_exception(outcome)

    def _dial(self, text: str) -> None:
        try:
            allowed = unseal(text, self._door.key, now=self._door.clock())
        except PassError:
            raise Refused(NO_DIAL) from None
        if allowed.operator != self.operator.name or not allowed.dial or len(allowed.contracts) != 1:
            raise Refused(NO_DIAL)
        self._do(
            self._door.exchange.dial(
                self.operator, allowed.dial, contract=allowed.contracts[0], callback=allowed.callback
            )
        )

    def _show_board(self, on: bool) -> None:
        if self._board is not None:
            self._board.cancel()
            self._board = None
        if on and not self.admitted.supervisor:
            raise Refused(NOT_SUPERVISOR)
        if on:
            self._board = asyncio.create_task(self._tell_board())

    async def _tell_board(self) -> None:
        while True:
            self.say({"type": "board", **self._door.exchange.board(self.admitted.contracts)})
            await asyncio.sleep(BOARD_SECONDS)

    def _try(self, wish: Callable[[], None]) -> None:
        try:
            wish()
        except Refused as error:
            self.say({"type": "refused", "message": str(error)})

    def _do(self, wish: Coroutine[Any, Any, None]) -> None:
        """Do it beside the connection, which hears on: a transfer may ring for a while and be taken back meanwhile."""
        task = asyncio.create_task(self._done(wish))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _done(self, wish: Coroutine[Any, Any, None]) -> None:
        try:
            await wish
        except Refused as error:
            self.say({"type": "refused", "message": str(error)})
        except Exception:
            log.exception("a wish of %s failed", self.operator.name)
            self.say({"type": "refused", "message": FAILED})

    # The connection

    def begin(self, operator: Operator, answer: str) -> None:
        """The exchange took the operator in: greet the page, and go back to the call that waits for it."""
        self.operator = operator
        if answer:
            self.say({"type": "sdp", "answer": answer})
        now = self._door.exchange.seconds()
        welcome = {"operator": operator.name, "state": operator.state, "since": operator.since, "now": now}
        shown = self._door.shown(operator)
        self.say({"type": "welcome", **welcome, **({"call": shown} if shown else {})})
        if self.leg is not None:
            self.leg.gone.add_done_callback(lambda _: self.dismiss("audio"))
            if operator.call and operator.state == "talking":
                self._do(self._return(self.leg))
        left = self.admitted.until - self._door.clock().timestamp()
        self._over = asyncio.get_running_loop().call_later(max(0.0, left), self._expire)

    async def _return(self, leg: WebRtcLeg) -> None:
        await leg.ready.wait()
        await self._door.exchange.returned(self.operator, leg)

    def _expire(self) -> None:
        """The pass is over. A call is talked to its end first."""
        if self.operator.state in ("ringing", "talking"):
            self._over = asyncio.get_running_loop().call_later(RETRY_SECONDS, self._expire)
        else:
            self.dismiss("pass")

    def say(self, message: Mapping[str, Any]) -> None:
        """Send when the page reads; a page that reads nothing is dropped. Never waits, never raises."""
        try:
            self._unread.put_nowait(_text(message))
        except asyncio.QueueFull:
            self._socket.transport.abort()

    def dismiss(self, code: str) -> None:
        """End the connection, with a word to the page."""
        try:
            self._unread.put_nowait(Dismissed(code))
        except asyncio.QueueFull:
            self._socket.transport.abort()

    async def write(self) -> None:
        """Send what was said, until dismissed or gone."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                said = await self._unread.get()
                if isinstance(said, Dismissed):
                    await self._socket.send(said.text())
                    await self._socket.close(said.close, said.code)
                    return
                await self._socket.send(said)

    async def end(self) -> None:
        """The connection is over, or another page has taken over: nothing of it stays."""
        if self._ringing is not None and not self._ringing[1].done():
            self._ringing[1].set_exception(NotAnswered("gone"))
        if self._over is not None:
            self._over.cancel()
        if self._board is not None:
            self._board.cancel()
        if self.leg is not None:
            await self.leg.close()


class Door:
    """All pages that are in, and what each was last told to ring. Made by :func:`open_door`."""

    def __init__(self, exchange: Exchange, media: WebRtcPort, *, key: bytes, clock: Clock) -> None:
        self.exchange, self.media, self.key, self.clock = exchange, media, key, clock
        self.pages: dict[str, Browser] = {}
        self._shown: dict[str, dict[str, Any]] = {}
        self.server: Server | None = None

    @property
    def port(self) -> int:
        """The port of the WebSocket."""
        assert self.server is not None
        return int(next(iter(self.server.sockets)).getsockname()[1])

    async def close(self) -> None:
        """Tell every page and close the port and all audio."""
        for page in list(self.pages.values()):
            page.dismiss("closing")
        if self.server is not None:
            self.server.close()
            await self.server.wait_closed()
        await self.media.close()

    def show(self, operator: str, what: Ringing) -> dict[str, Any]:
        """A ringing call in the words of the page, sealed for the site; remembered for a page that comes back."""
        until = int(self.clock().timestamp()) + CALL_PASS_HOURS * 3600
        call = CallPass(
            operator=operator, call=what.call, contract=what.contract, number=what.number, withheld=what.withheld,
            choice=what.choice, language=what.language, until=until,
        )  # fmt: skip
        self._shown[operator] = {**asdict(what), "sealed": seal(call, self.key)}
        return self._shown[operator]

    def shown(self, operator: Operator) -> dict[str, Any] | None:
        """The call that an operator is in, as it was shown."""
        found = self._shown.get(operator.name)
        return found if found and operator.call == found["call"] and operator.state == "talking" else None

    def forget_call(self, operator: str) -> None:
        """The operator's call is over."""
        self._shown.pop(operator, None)

    async def visit(self, socket: ServerConnection) -> None:
        """One connection from its first message to its end."""
        page: Browser | None = None
        writer: asyncio.Task[None] | None = None
        try:
            page = await self._admit(socket)
            writer = asyncio.create_task(page.write())
            async for text in socket:
                page.hear(text)
        except Dismissed as error:
            log.info("a page is dismissed: %s", error)
            with contextlib.suppress(ConnectionClosed):
                await socket.send(error.text())
                await socket.close(error.close, error.code)
        except (ConnectionClosed, TimeoutError):
            pass
        finally:
            if writer is not None:
                writer.cancel()
            if page is not None:
                await self._leave(page)

    async def _admit(self, socket: ServerConnection) -> Browser:
        async with asyncio.timeout(HELLO_SECONDS):
            hello = read(await socket.recv())
        if hello["type"] != "hello":
            raise Dismissed("protocol", "no hello")
        try:
            admitted = unseal(hello["pass"], self.key, now=self.clock())
        except PassError as error:
            raise Dismissed("pass", str(error)) from None
        leg, answer = None, ""
        if not admitted.phone:
            try:
                leg, answer = self.media.answer(hello["offer"])
            except OfferError as error:
                raise Dismissed("offer", str(error)) from None
        page = Browser(self, socket, leg, admitted)
        before = self.pages.get(admitted.operator)
        if before is not None and (before.leg is None) != (leg is None):
            self._out(before)
        operator = self.exchange.watch(page.operator, page) if leg is None else self.exchange.sign_in(page.operator)
        self.pages[admitted.operator] = page
        if before is not None:
            before.dismiss("replaced")
            await before.end()
        page.begin(operator, answer)
        return page

    def _out(self, page: Browser) -> None:
        if page.leg is None:
            self.exchange.unwatch(page.operator, page)
        else:
            self.exchange.sign_out(page.operator, page)

    async def _leave(self, page: Browser) -> None:
        if self.pages.get(page.operator.name) is page:
            del self.pages[page.operator.name]
            self._out(page)
        await page.end()


async def open_door(
    exchange: Exchange,
    *,
    host: str,
    port: int,
    key: bytes,
    clock: Clock,
    origins: Sequence[str],
    media_host: str = "",
    media_port: int = 0,
    media_address: str = "",
) -> Door:
    """Let operators' pages in: a WebSocket at ``/``, ``/health`` for who watches over the process, ``/board`` for the site's own page (with a
    supervisor's pass as bearer).

    ``key`` seals passes (:func:`.passes.derive`); ``origins`` are the addresses of the web site, nobody else's page may connect. Audio comes to
    the UDP port ``media_port`` of ``media_host`` (``host`` when empty), told to browsers as ``media_address`` where they reach it at another
    address. Close the door by its ``close()``. Raises :class:`OSError` when a port is taken.
    """
    media = await WebRtcPort.open(media_host or host, media_port, address=media_address, now=clock())
    door = Door(exchange, media, key=key, clock=clock)

    def told(connection: ServerConnection, values: Mapping[str, Any]) -> Response:
        response = connection.respond(HTTPStatus.OK, _text(values) + "\n")
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        return response

    def first(connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == "/health":
            return told(connection, exchange.load())
        if path == "/board":
            try:
                shown = unseal(request.headers.get("Authorization", "").removeprefix("Bearer "), key, now=clock())
            except PassError:
                return connection.respond(HTTPStatus.UNAUTHORIZED, "A pass is needed.\n")
            if not shown.supervisor:
                return connection.respond(HTTPStatus.FORBIDDEN, "The pass of a supervisor is needed.\n")
            return told(connection, exchange.board(shown.contracts))
        if path != "/":
            return connection.respond(HTTPStatus.NOT_FOUND, "There is nothing here.\n")
        if door.server is not None and len(door.server.connections) >= MOST_PAGES:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Too many pages.\n")
        return None

    try:
        door.server = await serve(
            door.visit, host, port, origins=[Origin(origin) for origin in origins], process_request=first,
            max_size=LONGEST, max_queue=8, open_timeout=HELLO_SECONDS, close_timeout=2, compression=None,
            ping_interval=HEARTBEAT_SECONDS, ping_timeout=HEARTBEAT_SECONDS, server_header=None,
        )  # fmt: skip
    except OSError:
        await media.close()
        raise
    return door
