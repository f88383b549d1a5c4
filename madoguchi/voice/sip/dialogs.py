"""Dialogs (RFC 3261 §12): who talks with whom, by which way, and in which order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aiosipua.utils import generate_tag

from .messages import Address, SipRequest, SipResponse, address_of, parse_address, parse_uri, request, user_of

Key = tuple[str, str, str]
"""Call-ID, our tag, their tag."""


@dataclass(eq=False)
class Dialog:
    """One end of a dialog. ``target`` is the other side's Contact, ``route`` the proxies between, ``source`` the address it talks from."""

    call_id: str
    local: str
    local_tag: str
    remote: str
    remote_tag: str
    target: str
    route: tuple[str, ...]
    source: Address
    here: Address
    local_seq: int = 0
    remote_seq: int = -1
    over: bool = False

    @classmethod
    def answering(cls, invite: SipRequest, *, source: Address, here: Address) -> Dialog:
        """The dialog that a response of ours to ``invite`` makes."""
        sender, cseq = invite.from_addr, invite.cseq
        assert sender is not None and cseq is not None
        tag = generate_tag()
        return cls(
            call_id=invite.call_id or "",
            local=f"{invite.headers.get_first('to')};tag={tag}",
            local_tag=tag,
            remote=invite.headers.get_first("from") or "",
            remote_tag=sender.tag or "",
            target=contact_uri(invite) or invite_uri(invite),
            route=tuple(invite.headers.get("record-route")),
            source=source,
            here=here,
            remote_seq=cseq.seq,
        )

    @classmethod
    def called(cls, invite: SipRequest, answer: SipResponse, *, source: Address, here: Address) -> Dialog:
        """The dialog that a 2xx to our ``invite`` made."""
        sender, to, cseq = invite.from_addr, answer.to_addr, invite.cseq
        assert sender is not None and to is not None and cseq is not None
        return cls(
            call_id=invite.call_id or "",
            local=invite.headers.get_first("from") or "",
            local_tag=sender.tag or "",
            remote=answer.headers.get_first("to") or "",
            remote_tag=to.tag or "",
            target=contact_uri(answer) or invite.uri,
            route=tuple(reversed(answer.headers.get("record-route"))),
            source=source,
            here=here,
            local_seq=cseq.seq,
        )

    @property
    def key(self) -> Key:
        return (self.call_id, self.local_tag, self.remote_tag)

    def request(
        self, method: str, *, cseq: int | None = None, headers: Iterable[tuple[str, str]] = (), body: bytes = b""
    ) -> SipRequest:
        """The next request inside the dialog; ACK is given the number of its INVITE. A first strict router gets its due (§12.2.1.1)."""
        if cseq is None:
            self.local_seq += 1
            cseq = self.local_seq
        uri, route = self.target, self.route
        if route and not self._loose:
            uri, route = _uri_of(route[0]), (*route[1:], f"<{self.target}>")
        return request(
            method, uri, local=self.here, sender=self.local, to=self.remote, call_id=self.call_id, cseq=cseq, route=route,
            headers=headers, body=body,
        )  # fmt: skip

    @property
    def _loose(self) -> bool:
        return "lr" in parse_uri(_uri_of(self.route[0])).params

    @property
    def next_hop(self) -> Address:
        """Where requests inside the dialog are sent: the first proxy, else the Contact."""
        return address_of(_uri_of(self.route[0]) if self.route else self.target, self.source)

    def in_order(self, seq: int) -> bool:
        """Whether a request of the other side is newer than all before; remembers it."""
        if seq <= self.remote_seq:
            return False
        self.remote_seq = seq
        return True


def key_of(message: SipRequest) -> Key:
    """The dialog a request belongs to, seen from us."""
    sender, to = message.from_addr, message.to_addr
    return (message.call_id or "", (to.tag if to else "") or "", (sender.tag if sender else "") or "")


def contact_uri(message: SipRequest | SipResponse) -> str:
    """The URI of the Contact; empty without one."""
    values = message.headers.get("contact")
    return _uri_of(values[0]) if values and values[0] != "*" else ""


def invite_uri(message: SipRequest) -> str:
    """The From URI, for callers who forget their Contact."""
    return _uri_of(message.headers.get_first("from") or "")


def _uri_of(value: str) -> str:
    if "<" in value:
        return value[value.index("<") + 1 :].partition(">")[0]
    return value.partition(";")[0].strip()


__all__ = ["Dialog", "Key", "contact_uri", "key_of", "parse_address", "user_of"]
