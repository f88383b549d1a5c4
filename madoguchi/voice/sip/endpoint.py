"""The endpoint: one UDP socket, all transactions and dialogs, and the rules of who may do what.

INVITE is taken from the trunk's addresses only. REGISTER is taken from anybody who knows a telephone's password. Inside a dialog its tags, which
nobody else knows, are the right. Whatever arrives, nothing here raises: :attr:`Endpoint.faults` counts what should not have happened.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from aiosipua.utils import generate_call_id, generate_tag

from . import dialogs, offers
from .calls import Call, Incoming, Outgoing
from .dialogs import Dialog, Key
from .messages import (
    KNOWN_ELSEWHERE,
    METHODS,
    Address,
    Malformed,
    SipRequest,
    SipResponse,
    format_addr,
    parse,
    request,
    response,
    stamped,
    way_back,
)
from .transactions import Client, ClientInvite, Handle, Later, Outcome, Server, ServerInvite, Timers, key_of

log = logging.getLogger(__name__)

MOST_STRANGERS = 1000
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Registry(Protocol):
    """Who answers a REGISTER."""

    def register(self, request: SipRequest, source: Address) -> SipResponse: ...


class Endpoint:
    """All SIP of one process.

    ``here`` is the address that others reach us at. ``send`` and ``later`` are given by :func:`open_endpoint`, or by a test.
    ``on_invite`` gets every new call of the trunk; it must answer or refuse it.
    """

    def __init__(
        self,
        *,
        here: Address,
        trunks: Iterable[Network],
        send: Callable[[bytes, Address], None],
        later: Later,
        timers: Timers | None = None,
    ) -> None:
        self.here = here
        self.trunks = tuple(trunks)
        self.send = send
        self.later = later
        self.timers = timers or Timers()
        self.on_invite: Callable[[Incoming], None] = lambda call: call.refuse(503)
        self.registry: Registry | None = None
        self.faults = 0
        self.malformed = 0
        self._servers: dict[Any, Server | ServerInvite] = {}
        self._clients: dict[Any, Client | ClientInvite] = {}
        self._calls: dict[Key, Call] = {}
        self._strangers: set[str] = set()
        self._offered: dict[tuple[str, str, int], Incoming] = {}

    abilities = (("Allow", ", ".join(METHODS)), ("Accept", "application/sdp, application/dtmf-relay"))

    # What comes in.

    def receive(self, data: bytes, source: Address) -> None:
        """One datagram."""
        if not data.strip(b"\r\n\0 "):
            return
        try:
            message = parse(data)
            if isinstance(message, SipResponse):
                self._response(message)
            else:
                self._request(message, source)
        except Malformed as error:
            self.malformed += 1
            log.debug("%d bytes from %s: %s", len(data), source[0], error)
            if error.request is not None and error.request.method != "ACK" and self.trusts(source):
                self.send(bytes(response(error.request, 400)), source)
        except Exception:
            self.faults += 1
            log.exception("a message from %s could not be handled", source[0])

    def _response(self, answer: SipResponse) -> None:
        client = self._clients.get(key_of(answer, server=False))
        if client is not None:
            client.received(answer)

    def _request(self, request: SipRequest, source: Address) -> None:
        stamped(request, source)
        key = key_of(request, server=True)
        transaction = self._servers.get(key)
        call = self._calls.get(dialogs.key_of(request))
        if request.method == "ACK":
            if isinstance(transaction, ServerInvite) and transaction.state in ("completed", "confirmed"):
                transaction.acknowledged()
            elif call is not None:
                call.acknowledged(request)
            return
        if transaction is not None:
            transaction.repeated()
            return
        if request.method == "INVITE":
            self._invited(self._server_invite(request, source, key), source, call)
            return
        server = self._server(request, source, key)
        if request.method == "CANCEL":
            self._cancel(server, key)
        elif _has_tag(request):
            self._inside(server, call)
        else:
            server.respond(self._outside(request, source))

    def _server_invite(self, request: SipRequest, source: Address, key: Any) -> ServerInvite:
        made = ServerInvite(
            request, self._sender(way_back(request, source)), self.later, self.timers, lambda: self._close(key, request)
        )
        self._servers[key] = made
        return made

    def _server(self, request: SipRequest, source: Address, key: Any) -> Server:
        made = Server(request, self._sender(way_back(request, source)), self.later, self.timers, lambda: self._close(key, request))
        self._servers[key] = made
        return made

    def _close(self, key: Any, request: SipRequest) -> None:
        self._servers.pop(key, None)
        if request.method == "INVITE":
            self._offered.pop(_merge_key(request), None)

    def _sender(self, to: Address) -> Callable[[bytes], None]:
        return lambda data: self.send(data, to)

    def _invited(self, transaction: ServerInvite, source: Address, call: Call | None) -> None:
        request = transaction.request
        if _has_tag(request):
            if call is None or call.end is not None or call.dialog is None:
                transaction.respond(response(request, 481))
            elif not call.dialog.in_order(_seq(request)):
                transaction.respond(response(request, 500))
            else:
                transaction.lost = call.unacknowledged
                call.invited_again(transaction)
            return
        if not self.trusts(source):
            self._note_stranger(source[0])
            transaction.respond(response(request, 403, tag=generate_tag()))
        elif wanted := [value for value in request.headers.get("require") if value]:
            unsupported = [("Unsupported", value) for value in wanted]
            transaction.respond(response(request, 420, tag=generate_tag(), headers=unsupported))
        elif _merge_key(request) in self._offered:
            transaction.respond(response(request, 482, tag=generate_tag()))
        elif _foreign_body(request):
            transaction.respond(response(request, 415, tag=generate_tag(), headers=[("Accept", "application/sdp")]))
        else:
            transaction.respond(response(request, 100))
            incoming = Incoming(self, transaction, source)
            transaction.lost = incoming.unacknowledged
            self._offered[_merge_key(request)] = incoming
            assert incoming.dialog is not None
            self.remember(incoming.dialog, incoming)
            try:
                self.on_invite(incoming)
            except Exception:
                incoming.refuse(500)
                raise

    def _note_stranger(self, host: str) -> None:
        """One line per address: scanners call all day."""
        if len(self._strangers) >= MOST_STRANGERS:
            self._strangers.clear()
        if host not in self._strangers:
            self._strangers.add(host)
            log.warning("%s calls and is not of the trunk; it is refused", host)

    def _cancel(self, server: Server, key: Any) -> None:
        found = self._servers.get((*key[:-1], "INVITE"))
        if not isinstance(found, ServerInvite):
            server.respond(response(server.request, 481, tag=generate_tag()))
            return
        call = self._offered.get(_merge_key(found.request))
        tag = call.dialog.local_tag if call is not None and call.dialog is not None else generate_tag()
        server.respond(response(server.request, 200, tag=tag))
        if call is not None:
            call.cancelled()

    def _inside(self, server: Server, call: Call | None) -> None:
        request = server.request
        if call is None or call.dialog is None or call.dialog.over:
            server.respond(response(request, 481))
        elif not call.dialog.in_order(_seq(request)):
            server.respond(response(request, 500))
        elif request.method == "BYE":
            server.respond(response(request, 200))
            call.bye(request)
        elif request.method == "UPDATE":
            server.respond(call.updated(request))
        elif request.method == "INFO":
            server.respond(call.informed(request))
        elif request.method == "OPTIONS":
            server.respond(response(request, 200, headers=self.abilities))
        else:
            server.respond(self._unknown(request))

    def _outside(self, request: SipRequest, source: Address) -> SipResponse:
        if request.method == "REGISTER" and self.registry is not None:
            return self.registry.register(request, source)
        if request.method == "OPTIONS":
            return response(request, 200 if self.trusts(source) else 403, tag=generate_tag(), headers=self.abilities)
        if request.method in ("BYE", "UPDATE", "INFO"):
            return response(request, 481, tag=generate_tag())
        return self._unknown(request)

    def _unknown(self, request: SipRequest) -> SipResponse:
        code = 405 if request.method in (*METHODS, *KNOWN_ELSEWHERE) else 501
        return response(request, code, tag=generate_tag(), headers=self.abilities[:1])

    def trusts(self, source: Address) -> bool:
        """Whether an address belongs to the trunk."""
        address = ipaddress.ip_address(source[0].partition("%")[0])
        return any(address in network for network in self.trunks)

    # What goes out.

    def ask(self, request: SipRequest, to: Address, told: Callable[[Outcome], None] = lambda outcome: None) -> Client:
        """Send a request other than INVITE."""
        key = key_of(request, server=False)
        made = Client(request, self._sender(to), self.later, self.timers, lambda: self._done(key), told=told)
        self._clients[key] = made
        return made

    def invite(self, request: SipRequest, to: Address, told: Callable[[Outcome], None]) -> ClientInvite:
        """Send an INVITE."""
        key = key_of(request, server=False)
        made = ClientInvite(request, self._sender(to), self.later, self.timers, lambda: self._done(key), told=told)
        self._clients[key] = made
        return made

    def _done(self, key: Any) -> None:
        self._clients.pop(key, None)

    def call(
        self, uri: str, to: Address, *, number: str, name: str = "", rtp: Address, headers: Iterable[tuple[str, str]] = ()
    ) -> Outgoing:
        """A call of ours to ``uri``, sent to ``to``, from ``number``; set its callbacks, then :meth:`.Outgoing.begin`."""
        here = format_addr(*self.here)
        shown = f'"{name}" ' if name else ""
        invite = request(
            "INVITE", uri, local=self.here, sender=f"{shown}<sip:{number or 'anonymous'}@{here}>;tag={generate_tag()}", to=f"<{uri}>",
            call_id=generate_call_id(self.here[0]), cseq=1,
            headers=[("Contact", f"<sip:{here}>"), *self.abilities, *headers],
        )  # fmt: skip
        made = Outgoing(self, invite, to, rtp)
        invite.headers.set_single("Content-Type", "application/sdp")
        invite.body = offers.offered(here=rtp, session=made._session, version=0)
        return made

    def remember(self, dialog: Dialog, call: Call) -> None:
        """A dialog has begun."""
        self._calls[dialog.key] = call

    def forget(self, dialog: Dialog) -> None:
        """It is over: what still comes for it is answered 481."""
        self._calls.pop(dialog.key, None)

    @property
    def open_calls(self) -> int:
        """Dialogs that are not over."""
        return len(self._calls)

    def close(self) -> None:
        """Stop all timers."""
        for transaction in [*self._servers.values(), *self._clients.values()]:
            transaction.stop()


def _has_tag(request: SipRequest) -> bool:
    to = request.to_addr
    return to is not None and to.tag is not None


def _seq(request: SipRequest) -> int:
    cseq = request.cseq
    assert cseq is not None
    return cseq.seq


def _merge_key(request: SipRequest) -> tuple[str, str, int]:
    """The same call over another way (RFC 3261 §8.2.2.2)."""
    sender = request.from_addr
    return (request.call_id or "", (sender.tag if sender else "") or "", _seq(request))


def _foreign_body(request: SipRequest) -> bool:
    kind = (request.content_type or "application/sdp").partition(";")[0].strip().lower()
    return bool(request.body) and kind != "application/sdp"


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.endpoint: Endpoint | None = None

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self.endpoint is not None:
            self.endpoint.receive(data, (addr[0], addr[1]))


async def open_endpoint(
    bind: Address, *, trunks: Iterable[Network], advertised: str = "", timers: Timers | None = None
) -> tuple[Endpoint, asyncio.DatagramTransport]:
    """An endpoint on a UDP socket; close the transport when done."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(_Datagrams, local_addr=bind)

    def send(data: bytes, to: Address) -> None:
        if not transport.is_closing():
            transport.sendto(data, to)

    def later(seconds: float, then: Callable[[], None]) -> Handle:
        return loop.call_later(seconds, then)

    host, port = transport.get_extra_info("sockname")[:2]
    made = Endpoint(here=(advertised or host, port), trunks=trunks, send=send, later=later, timers=timers)
    protocol.endpoint = made
    return made, transport


__all__ = ["Endpoint", "Network", "Registry", "open_endpoint"]
