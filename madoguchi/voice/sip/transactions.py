"""Transactions of RFC 3261 §17 over UDP, with the corrections of RFC 6026. No socket and no clock: both are given.

Each has ``send`` (bytes to the one address it talks to) and ``later`` (``loop.call_later`` or a test's clock). Times in seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from .messages import SipRequest, SipResponse, top_via

Send = Callable[[bytes], None]


class Handle(Protocol):
    """A timer that can be stopped."""

    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], None]], Handle]


@dataclass(frozen=True, slots=True)
class Timers:
    """T1 (round trip), T2 (longest pause between retransmissions), T4 (life of a message in the network)."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0

    @property
    def give_up(self) -> float:
        """64 × T1: timers B, F, H, J and L."""
        return 64 * self.t1


class Transaction:
    """What all four have: named timers, and an end that is told once."""

    def __init__(self, send: Send, later: Later, timers: Timers, over: Callable[[], None]) -> None:
        self.send = send
        self.timers = timers
        self._later = later
        self._over = over
        self._running: dict[str, Handle] = {}
        self.state: str = "begun"

    def start(self, name: str, seconds: float, then: Callable[[], None]) -> None:
        """Start a timer, in the place of a running one of that name."""
        self.stop(name)

        def fire() -> None:
            self._running.pop(name, None)
            then()

        self._running[name] = self._later(seconds, fire)

    def stop(self, *names: str) -> None:
        """Stop timers; all of them without a name."""
        for name in names or tuple(self._running):
            if handle := self._running.pop(name, None):
                handle.cancel()

    def repeat(self, name: str, first: float, most: float, data: bytes) -> None:
        """Send ``data`` after ``first`` seconds and again, each pause twice as long, at most ``most``."""

        def again() -> None:
            self.send(data)
            self.repeat(name, min(2 * first, most), most, data)

        self.start(name, first, again)

    def end(self) -> None:
        """Forget everything; may be called twice."""
        if self.state != "over":
            self.state = "over"
            self.stop()
            self._over()


class ServerInvite(Transaction):
    """An INVITE that came to us. A repeated INVITE gets the last response again and is told to nobody.

    ``lost`` is called when no ACK follows a 2xx.
    """

    def __init__(self, request: SipRequest, send: Send, later: Later, timers: Timers, over: Callable[[], None]) -> None:
        super().__init__(send, later, timers, over)
        self.request = request
        self.state = "proceeding"
        self.lost: Callable[[], None] = lambda: None
        self._last = b""

    def respond(self, answer: SipResponse) -> None:
        """Send a response; a final one only once."""
        if self.state != "proceeding":
            return
        self._last = bytes(answer)
        self.send(self._last)
        if answer.status_code >= 300:
            self.state = "completed"
            self.repeat("G", self.timers.t1, self.timers.t2, self._last)
            self.start("H", self.timers.give_up, self.end)
        elif answer.status_code >= 200:
            self.state = "accepted"
            self.repeat("2xx", self.timers.t1, self.timers.t2, self._last)
            self.start("L", self.timers.give_up, self._unacknowledged)

    def _unacknowledged(self) -> None:
        self.end()
        self.lost()

    def repeated(self) -> None:
        """The same INVITE again."""
        if self._last and self.state in ("proceeding", "completed"):
            self.send(self._last)

    def acknowledged(self) -> None:
        """The ACK came: to a refusal in this transaction, to a 2xx through the dialog."""
        if self.state == "completed":
            self.state = "confirmed"
            self.stop()
            self.start("I", self.timers.t4, self.end)
        elif self.state == "accepted":
            self.stop("2xx", "L")
            self.state = "confirmed"
            self.start("I", self.timers.give_up, self.end)


class Server(Transaction):
    """Any other request that came to us: answered once, the answer kept for repetitions."""

    def __init__(self, request: SipRequest, send: Send, later: Later, timers: Timers, over: Callable[[], None]) -> None:
        super().__init__(send, later, timers, over)
        self.request = request
        self.state = "trying"
        self._last = b""

    def respond(self, answer: SipResponse) -> None:
        """Send the final response."""
        if self.state == "trying":
            self.state = "completed"
            self._last = bytes(answer)
            self.send(self._last)
            self.start("J", self.timers.give_up, self.end)

    def repeated(self) -> None:
        """The same request again."""
        if self._last:
            self.send(self._last)


Outcome = SipResponse | Literal["timeout"]


class ClientInvite(Transaction):
    """An INVITE of ours. Every provisional response, every 2xx (also repeated ones) and one failure go to ``told``."""

    def __init__(
        self,
        request: SipRequest,
        send: Send,
        later: Later,
        timers: Timers,
        over: Callable[[], None],
        *,
        told: Callable[[Outcome], None],
    ) -> None:
        super().__init__(send, later, timers, over)
        self.request = request
        self.state = "calling"
        self._told = told
        self._ack = b""
        data = bytes(request)
        self.send(data)
        self.repeat("A", timers.t1, timers.give_up, data)
        self.start("B", timers.give_up, self._timeout)

    def _timeout(self) -> None:
        self.end()
        self._told("timeout")

    def received(self, answer: SipResponse) -> None:
        """A response to it."""
        if self.state == "over":
            return
        if answer.status_code < 200:
            if self.state in ("calling", "proceeding"):
                self.state = "proceeding"
                self.stop("A", "B")
                self._told(answer)
        elif answer.status_code < 300:
            if self.state in ("calling", "proceeding"):
                self.state = "accepted"
                self.stop()
                self.start("M", self.timers.give_up, self.end)
            if self.state == "accepted":
                self._told(answer)
        elif self.state in ("calling", "proceeding"):
            self.state = "completed"
            self.stop()
            self._ack = bytes(acknowledgement(self.request, answer))
            self.send(self._ack)
            self.start("D", self.timers.give_up, self.end)
            self._told(answer)
        elif self.state == "completed":
            self.send(self._ack)

    def give_up(self) -> None:
        """A CANCEL went out: should no final response follow, end after 64 × T1 (RFC 3261 §9.1)."""
        if self.state in ("calling", "proceeding"):
            self.start("B", self.timers.give_up, self._timeout)


class Client(Transaction):
    """Any other request of ours; ``told`` hears its final response, or ``timeout``, once."""

    def __init__(
        self,
        request: SipRequest,
        send: Send,
        later: Later,
        timers: Timers,
        over: Callable[[], None],
        *,
        told: Callable[[Outcome], None],
    ) -> None:
        super().__init__(send, later, timers, over)
        self.request = request
        self.state = "trying"
        self._told = told
        self._data = bytes(request)
        self.send(self._data)
        self.repeat("E", timers.t1, timers.t2, self._data)
        self.start("F", timers.give_up, self._timeout)

    def _timeout(self) -> None:
        self.end()
        self._told("timeout")

    def received(self, answer: SipResponse) -> None:
        """A response to it."""
        if self.state not in ("trying", "proceeding"):
            return
        if answer.status_code < 200:
            self.state = "proceeding"
            self.repeat("E", self.timers.t2, self.timers.t2, self._data)
            return
        self.state = "completed"
        self.stop()
        self.start("K", self.timers.t4, self.end)
        self._told(answer)


def acknowledgement(invite: SipRequest, refusal: SipResponse) -> SipRequest:
    """The ACK to a response 300–699: part of the INVITE's own transaction (RFC 3261 §17.1.1.3)."""
    return _within(invite, "ACK", refusal.headers.get_first("to") or "")


def cancellation(invite: SipRequest) -> SipRequest:
    """The CANCEL of an INVITE of ours (RFC 3261 §9.1)."""
    return _within(invite, "CANCEL", invite.headers.get_first("to") or "")


def _within(invite: SipRequest, method: str, to: str) -> SipRequest:
    made = SipRequest(method=method, uri=invite.uri)
    made.headers.append("Via", invite.headers.get("via")[0])
    for route in invite.headers.get("route"):
        made.headers.append("Route", route)
    made.headers.set_single("Max-Forwards", "70")
    made.headers.set_single("From", invite.headers.get_first("from") or "")
    made.headers.set_single("To", to)
    made.headers.set_single("Call-ID", invite.call_id or "")
    cseq = invite.cseq
    assert cseq is not None
    made.headers.set_single("CSeq", f"{cseq.seq} {method}")
    return made


def key_of(message: SipRequest | SipResponse, *, server: bool) -> tuple[Any, ...]:
    """What tells transactions apart. ACK counts as its INVITE. Requests without the magic cookie are told by RFC 2543's rule."""
    via, cseq = top_via(message), message.cseq
    assert cseq is not None
    method = "INVITE" if cseq.method == "ACK" else cseq.method
    branch = via.branch or ""
    if not server:
        return (branch, method)
    if branch.startswith("z9hG4bK"):
        return (branch, via.host.lower(), via.port, method)
    sender = message.from_addr
    return (message.call_id, sender.tag if sender else None, cseq.seq, via.host.lower(), via.port, branch, method)
