"""Calls: an INVITE, the dialog it makes, and its end. One object per call and side; told to its owner by three callbacks."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

from . import offers
from .dialogs import Dialog, contact_uri
from .messages import KEYS, Address, SipRequest, SipResponse, caller_of, format_addr, key_of, numbers_dialled, response
from .offers import Media, Unacceptable
from .transactions import ClientInvite, Outcome, ServerInvite, cancellation

if TYPE_CHECKING:
    from .endpoint import Endpoint

End = Literal["bye", "cancelled", "refused", "no_answer", "lost", "hung_up"]
"""How a call ended: ``bye`` the other side hung up; ``cancelled`` before we answered; ``refused`` with :attr:`Call.code`; ``no_answer`` to the
INVITE at all; ``lost`` nothing came back in the middle; ``hung_up`` by ourselves."""


class Call:
    """What both directions share once there is a dialog.

    ``rtp`` is where our audio is received. ``media`` is what was agreed; ``on_media`` is called when that changes, ``on_end`` once,
    ``on_key`` for a key that is told in an INFO (RTP tells most, see ``rtp.py``).
    """

    def __init__(self, endpoint: Endpoint, rtp: Address | None = None) -> None:
        self.endpoint = endpoint
        self.rtp = rtp
        self.dialog: Dialog | None = None
        self.media: Media | None = None
        self.code = 0
        self.end: End | None = None
        self.on_media: Callable[[Media], None] = lambda media: None
        self.on_end: Callable[[End], None] = lambda end: None
        self.on_key: Callable[[str], None] = lambda key: None
        self._session = secrets.randbelow(2**31)
        self._version = 0
        self._invite: ServerInvite | None = None
        self._offering = False
        self._leaving = False

    # What the other side asks inside the dialog.

    def bye(self, request: SipRequest) -> None:
        """It hung up; the answer was sent by the endpoint."""
        self._ended("bye")

    def invited_again(self, transaction: ServerInvite) -> None:
        """A re-INVITE: hold, another address, or only a sign of life."""
        if self._invite is not None and self._invite.state in ("proceeding", "accepted"):
            transaction.respond(response(transaction.request, 500, headers=[("Retry-After", "2")]))
            return
        self._invite = transaction
        self._agree(transaction, transaction.request)

    def updated(self, request: SipRequest) -> SipResponse:
        """An UPDATE (RFC 3311), with or without an offer: the answer to it."""
        if not request.body:
            return response(request, 200, headers=self._headers())
        try:
            body, media = self._answer(request.body)
        except Unacceptable:
            return response(request, 488)
        self._remote_target(request)
        self._take(media)
        return response(request, 200, headers=self._headers(), body=body)

    def informed(self, request: SipRequest) -> SipResponse:
        """An INFO: a key in one of the two ways in use (``application/dtmf-relay``, ``application/dtmf``), or a sign of life."""
        if not request.body:
            return response(request, 200)
        key = key_of(request)
        if key is None:
            return response(request, 415, headers=[("Accept", ", ".join(KEYS))])
        self.on_key(key)
        return response(request, 200)

    def acknowledged(self, ack: SipRequest) -> None:
        """The ACK to a 2xx of ours; with the answer when the offer was ours."""
        if self._invite is not None:
            self._invite.acknowledged()
        if self._offering and ack.body:
            self._offering = False
            try:
                self._take(offers.understood(ack.body))
            except Unacceptable:
                self.hang_up()
                return
        if self._leaving:
            self._leave()

    def unacknowledged(self) -> None:
        """No ACK in 64 × T1: the call is ended (RFC 3261 §13.3.1.4)."""
        self._leave()
        self._ended("lost")

    # What both directions do.

    def hang_up(self) -> None:
        """End an answered call. May be called twice; nothing is sent after the other side's BYE."""
        if self.end is not None or self.dialog is None:
            return
        if self._invite is not None and self._invite.state == "accepted":
            self._leaving = True
        else:
            self._say_bye()
        self._ended("hung_up")

    def _leave(self) -> None:
        self._say_bye()
        if self.dialog is not None:
            self.endpoint.forget(self.dialog)

    def _say_bye(self) -> None:
        dialog = self.dialog
        if dialog is None or dialog.over:
            return
        dialog.over = True
        self.endpoint.ask(dialog.request("BYE"), dialog.next_hop)

    def _ended(self, end: End) -> None:
        if self.end is not None:
            return
        self.end = end
        if self.dialog is not None and not self._leaving:
            self.dialog.over = True
            self.endpoint.forget(self.dialog)
        self.on_end(end)

    def _headers(self) -> list[tuple[str, str]]:
        return [("Contact", f"<sip:{format_addr(*self.endpoint.here)}>"), *self.endpoint.abilities]

    def _answer(self, offer: bytes) -> tuple[bytes, Media]:
        assert self.rtp is not None
        self._version += 1
        return offers.answered(offer, here=self.rtp, session=self._session, version=self._version)

    def _agree(self, transaction: ServerInvite, request: SipRequest) -> bool:
        """Answer an INVITE's offer, or offer ourselves where it has none; False when it was refused with 488."""
        assert self.dialog is not None and self.rtp is not None
        media = None
        if request.body:
            try:
                body, media = self._answer(request.body)
            except Unacceptable:
                transaction.respond(response(request, 488, tag=self.dialog.local_tag))
                return False
        else:
            self._version += 1
            self._offering = True
            body = offers.offered(here=self.rtp, session=self._session, version=self._version)
        self._remote_target(request)
        transaction.respond(response(request, 200, tag=self.dialog.local_tag, headers=self._headers(), body=body))
        if media is not None:
            self._take(media)
        return True

    def _remote_target(self, request: SipRequest) -> None:
        """A target refresh (RFC 3261 §12.2.2)."""
        if self.dialog is not None and (uri := contact_uri(request)):
            self.dialog.target = uri

    def _take(self, media: Media) -> None:
        if media != self.media:
            self.media = media
            self.on_media(media)


class Incoming(Call):
    """A call from the trunk. :meth:`refuse` it, or :meth:`answer` it."""

    def __init__(self, endpoint: Endpoint, transaction: ServerInvite, source: Address) -> None:
        super().__init__(endpoint)
        self.request = transaction.request
        self.source = source
        self._invite = transaction
        self.dialog = Dialog.answering(self.request, source=source, here=endpoint.here)
        self.caller, self.withheld = caller_of(self.request)
        self.dialled = numbers_dialled(self.request)
        self.answered = False

    def refuse(self, code: int, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Say no."""
        assert self._invite is not None and self.dialog is not None
        self.code = code
        self._invite.respond(response(self.request, code, tag=self.dialog.local_tag, headers=headers))
        self._ended("refused")

    def acceptable(self) -> bool:
        """Whether there is audio we speak in its offer (or no offer, then ours counts)."""
        if not self.request.body:
            return True
        try:
            offers.understood(self.request.body)
        except Unacceptable:
            return False
        return True

    def answer(self, rtp: Address) -> None:
        """Take the call; audio is received at ``rtp``. ``media`` is known at once, or with the ACK when the caller left the offer to us."""
        assert self._invite is not None
        self.rtp = rtp
        self.answered = self._agree(self._invite, self.request)
        if not self.answered:
            self.code = 488
            self._ended("refused")

    def cancelled(self) -> None:
        """A CANCEL came in time."""
        assert self._invite is not None and self.dialog is not None
        if self._invite.state == "proceeding":
            self._invite.respond(response(self.request, 487, tag=self.dialog.local_tag))
            self._ended("cancelled")

    def hang_up(self) -> None:
        if self.answered:
            super().hang_up()
        elif self.end is None:
            self.refuse(503)


class Outgoing(Call):
    """A call of ours, to a telephone or through the trunk. ``on_answer`` is called once with the media; ``on_ringing`` at 180."""

    def __init__(self, endpoint: Endpoint, invite: SipRequest, to: Address, rtp: Address) -> None:
        super().__init__(endpoint, rtp)
        self.request = invite
        self.to = to
        self.on_answer: Callable[[Media], None] = lambda media: None
        self.on_ringing: Callable[[], None] = lambda: None
        self._cancel = False
        self._ack: SipRequest | None = None
        self._calling: ClientInvite | None = None

    def begin(self) -> None:
        """Send the INVITE."""
        self._calling = self.endpoint.invite(self.request, self.to, self._told)

    def _told(self, outcome: Outcome) -> None:
        if outcome == "timeout":
            self._ended("no_answer")
        elif outcome.status_code < 200:
            if self._cancel:
                self._send_cancel()
            elif outcome.status_code in (180, 183):
                self.on_ringing()
        elif outcome.status_code < 300:
            self._accepted(outcome)
        else:
            self.code = outcome.status_code
            self._ended("refused")

    def _accepted(self, answer: SipResponse) -> None:
        """A 2xx: acknowledge it, each time it comes; leave a second branch of a forked call at once."""
        found = Dialog.called(self.request, answer, source=self.to, here=self.endpoint.here)
        if self.dialog is not None and self.dialog.remote_tag == found.remote_tag:
            assert self._ack is not None
            self.endpoint.send(bytes(self._ack), self.dialog.next_hop)
            return
        cseq = self.request.cseq
        assert cseq is not None
        ack = found.request("ACK", cseq=cseq.seq)
        self.endpoint.send(bytes(ack), found.next_hop)
        if self.dialog is not None:
            self.endpoint.ask(found.request("BYE"), found.next_hop)
            return
        self.dialog, self._ack = found, ack
        self.endpoint.remember(found, self)
        if self.end is not None:
            self._leave()
            return
        try:
            media = offers.understood(answer.body)
        except Unacceptable:
            self.hang_up()
            return
        self.media = media
        self.on_answer(media)

    def hang_up(self) -> None:
        """Stop ringing, or end the call."""
        if self.dialog is not None:
            super().hang_up()
        elif self.end is None:
            self._cancel = True
            if self._calling is not None and self._calling.state == "proceeding":
                self._send_cancel()
            self._ended("hung_up")

    def _send_cancel(self) -> None:
        assert self._calling is not None
        self._cancel = False
        self._calling.give_up()
        self.endpoint.ask(cancellation(self.request), self.to)


__all__ = ["Call", "End", "Incoming", "Outgoing"]
