"""The transaction layer against RFC 3261, with a clock that tests move and a wire that is a list."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest
from aiosipua.message import SipMessage
from hypothesis import given, settings
from hypothesis import strategies as st

from madoguchi.voice.legs import Leg
from madoguchi.voice.sip.calls import Incoming
from madoguchi.voice.sip.endpoint import Endpoint, open_endpoint
from madoguchi.voice.sip.messages import SipRequest, SipResponse
from madoguchi.voice.sip.registrar import NONCE_SECONDS, REALM, Registrar

from .scene import NETS

HERE, THERE, STRANGER = ("127.0.0.1", 5060), ("127.0.0.2", 5080), ("192.0.2.9", 5060)
RTP = ("127.0.0.1", 20000)
SDP = "v=0\r\no=a 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP {formats}\r\n{lines}"
OFFER = SDP.format(formats="8 0 96", lines="a=rtpmap:96 telephone-event/8000\r\na=ptime:20\r\n")


class Wire:
    """An endpoint without a socket: ``sent`` is what it said, :meth:`wait` lets time pass."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sent: list[tuple[float, SipRequest | SipResponse, tuple[str, int]]] = []
        self.calls: list[Incoming] = []
        self._timers: list[tuple[float, int, Callable[[], None], list[bool]]] = []
        self._numbers = itertools.count()
        self.endpoint = Endpoint(here=HERE, trunks=NETS, send=self._send, later=self._later)
        self.endpoint.on_invite = self.calls.append

    def _send(self, data: bytes, to: tuple[str, int]) -> None:
        self.sent.append((self.now, SipMessage.parse(data), to))

    def _later(self, seconds: float, then: Callable[[], None]) -> Any:
        alive = [True]
        heapq.heappush(self._timers, (self.now + seconds, next(self._numbers), then, alive))

        class Handle:
            def cancel(self) -> None:
                alive[0] = False

        return Handle()

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while self._timers and self._timers[0][0] <= until:
            self.now, _, then, alive = heapq.heappop(self._timers)
            if alive[0]:
                then()
        self.now = until

    @property
    def timers(self) -> int:
        return sum(alive[0] for _, _, _, alive in self._timers)

    def take(self, text: str, source: tuple[str, int] = THERE) -> None:
        self.endpoint.receive(text.encode(), source)

    def codes(self) -> list[int]:
        return [m.status_code for _, m, _ in self.sent if isinstance(m, SipResponse)]

    def requests(self, method: str) -> list[tuple[float, SipRequest]]:
        return [(at, m) for at, m, _ in self.sent if isinstance(m, SipRequest) and m.method == method]

    @property
    def last(self) -> Any:
        return self.sent[-1][1]


def message(
    method: str = "INVITE", *, branch: str = "z9hG4bK1", call: str = "c1", tag: str = "", cseq: int = 1, body: str | None = None,
    uri: str = "sip:0120000001@127.0.0.1", extra: str = "", number: int | None = None,
) -> str:  # fmt: skip
    if body is None:
        body = OFFER if method == "INVITE" else ""
    kind = "Content-Type: application/sdp\r\n" if body else ""
    to = f";tag={tag}" if tag else ""
    return (
        f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2:5080;branch={branch};rport\r\nFrom: <sip:0312345678@127.0.0.2>;tag=them\r\n"
        f"To: <sip:0120000001@127.0.0.1>{to}\r\nCall-ID: {call}\r\nCSeq: {number or cseq} {method}\r\nContact: <sip:them@127.0.0.2:5080>\r\n"
        f"Max-Forwards: 70\r\n{extra}{kind}Content-Length: {len(body)}\r\n\r\n{body}"
    )


def tag_of(answer: SipResponse) -> str:
    return answer.to_addr.tag or ""


def up(wire: Wire, **values: Any) -> tuple[Incoming, str]:
    """A call that is answered and acknowledged; its tag."""
    wire.take(message(**values))
    wire.calls[-1].answer(RTP)
    tag = tag_of(wire.last)
    wire.take(message("ACK", branch="z9hG4bKack", tag=tag))
    return wire.calls[-1], tag


@pytest.mark.req("CALL-08")
def test_an_invite_that_comes_three_times_is_one_call() -> None:
    wire = Wire()
    for _ in range(3):
        wire.take(message())
    assert len(wire.calls) == 1
    assert wire.codes() == [100, 100, 100]


def test_a_2xx_is_repeated_until_its_ack() -> None:
    wire = Wire()
    wire.take(message())
    wire.calls[0].answer(RTP)
    wire.wait(4)
    assert [at for at, m, _ in wire.sent if isinstance(m, SipResponse) and m.status_code == 200] == [0, 0.5, 1.5, 3.5]
    wire.take(message("ACK", branch="z9hG4bKack", tag=tag_of(wire.last)))
    wire.take(message())
    wire.wait(60)
    assert wire.codes().count(200) == 4
    assert wire.calls[0].end is None


def test_without_an_ack_the_call_ends_with_a_bye() -> None:
    wire = Wire()
    ends: list[str] = []
    wire.take(message())
    wire.calls[0].on_end = ends.append
    wire.calls[0].answer(RTP)
    wire.wait(33)
    assert ends == ["lost"]
    assert len(wire.requests("BYE")) >= 1
    wire.wait(100)
    assert (wire.timers, wire.endpoint.open_calls) == (0, 0)


def test_a_refusal_is_repeated_by_timer_g_until_its_ack() -> None:
    wire = Wire()
    wire.take(message())
    wire.calls[0].refuse(404)
    wire.wait(8)
    assert [at for at, m, _ in wire.sent if isinstance(m, SipResponse) and m.status_code == 404] == [0, 0.5, 1.5, 3.5, 7.5]
    wire.take(message("ACK", tag=tag_of(wire.last)))
    wire.wait(60)
    assert wire.codes().count(404) == 5
    assert wire.timers == 0


def test_a_refusal_without_ack_ends_by_timer_h() -> None:
    wire = Wire()
    wire.take(message())
    wire.calls[0].refuse(503)
    wire.wait(40)
    assert 8 <= wire.codes().count(503) <= 12
    assert wire.timers == 0


def test_a_cancel_ends_a_call_that_rings() -> None:
    wire = Wire()
    wire.take(message())
    ends: list[str] = []
    wire.calls[0].on_end = ends.append
    wire.take(message("CANCEL"))
    assert ends == ["cancelled"]
    assert sorted(wire.codes()[1:]) == [200, 487]
    wire.take(message("CANCEL", branch="z9hG4bKother"))
    assert wire.last.status_code == 481


def test_a_cancel_after_the_answer_changes_nothing() -> None:
    wire = Wire()
    wire.take(message())
    wire.calls[0].answer(RTP)
    wire.take(message("CANCEL"))
    assert wire.last.status_code == 200
    assert wire.calls[0].end is None


def test_the_digits_payload_type_is_the_offered_one_and_the_law_the_first() -> None:
    wire = Wire()
    call, _ = up(wire)
    answer = next(m for _, m, _ in wire.sent if isinstance(m, SipResponse) and m.status_code == 200)
    assert "m=audio 20000 RTP/AVP 8 96" in answer.text
    assert "a=rtpmap:96 telephone-event/8000" in answer.text
    assert (call.media.payload_type, call.media.events, call.media.address) == (8, 96, ("127.0.0.2", 4000))


@pytest.mark.parametrize("body", [
    SDP.format(formats="9", lines=""), SDP.format(formats="0", lines="").replace("RTP/AVP", "RTP/SAVP"), "nonsense",
    SDP.format(formats="0", lines="").replace("127.0.0.2", "media.example.jp"),
])  # fmt: skip
def test_an_offer_we_cannot_take_is_said_so(body: str) -> None:
    wire = Wire()
    wire.take(message(body=body))
    assert not wire.calls[0].acceptable() or wire.calls[0].answer(RTP) is not None
    wire.calls[0].refuse(488)
    assert wire.last.status_code == 488


def test_an_invite_without_an_offer_gets_ours_and_the_ack_answers_it() -> None:
    wire = Wire()
    wire.take(message(body=""))
    call = wire.calls[0]
    heard: list[Any] = []
    call.on_media = heard.append
    call.answer(RTP)
    assert "m=audio 20000 RTP/AVP 0 8 101" in wire.last.text
    assert heard == []
    wire.take(message("ACK", branch="z9hG4bKack", tag=tag_of(wire.last), body=SDP.format(formats="0", lines="")))
    assert heard[0].address == ("127.0.0.2", 4000)


def test_a_bye_ends_the_call_and_a_second_one_finds_nothing() -> None:
    wire = Wire()
    call, tag = up(wire)
    wire.take(message("BYE", branch="z9hG4bKb", tag=tag, cseq=2))
    assert (wire.last.status_code, call.end) == (200, "bye")
    wire.take(message("BYE", branch="z9hG4bKb", tag=tag, cseq=2))
    assert wire.last.status_code == 200
    wire.take(message("BYE", branch="z9hG4bKc", tag=tag, cseq=3))
    assert wire.last.status_code == 481
    call.hang_up()
    wire.wait(100)
    assert wire.requests("BYE") == []
    assert wire.timers == 0


def test_our_bye_goes_by_route_to_the_contact_and_is_repeated() -> None:
    wire = Wire()
    call, _ = up(wire, extra="Record-Route: <sip:127.0.0.7:5070;lr>, <sip:127.0.0.8;lr>\r\n")
    call.hang_up()
    _, bye, to = wire.sent[-1]
    assert (bye.uri, to) == ("sip:them@127.0.0.2:5080", ("127.0.0.7", 5070))
    assert bye.headers.get("route") == ["<sip:127.0.0.7:5070;lr>", "<sip:127.0.0.8;lr>"]
    wire.wait(40)
    assert [at for at, _ in wire.requests("BYE")][:5] == [0, 0.5, 1.5, 3.5, 7.5]
    assert wire.timers == 0


def test_we_do_not_hang_up_before_the_ack() -> None:
    wire = Wire()
    wire.take(message())
    wire.calls[0].answer(RTP)
    wire.calls[0].hang_up()
    assert wire.requests("BYE") == []
    wire.take(message("ACK", branch="z9hG4bKack", tag=tag_of(wire.last)))
    assert len(wire.requests("BYE")) == 1
    assert wire.endpoint.open_calls == 0


def test_the_other_side_may_hold_and_refresh() -> None:
    wire = Wire()
    call, tag = up(wire)
    heard: list[Any] = []
    call.on_media = heard.append
    wire.take(message(branch="z9hG4bKh", tag=tag, cseq=2, body=OFFER + "a=sendonly\r\n"))
    assert wire.last.status_code == 200 and "a=recvonly" in wire.last.text
    assert [m.wanted for m in heard] == [False]
    wire.take(message("ACK", branch="z9hG4bKh2", tag=tag, number=2))
    wire.take(message(branch="z9hG4bKr", tag=tag, cseq=3))
    assert [m.wanted for m in heard] == [False, True]
    wire.take(message("ACK", branch="z9hG4bKr2", tag=tag, number=3))
    wire.take(message(branch="z9hG4bKs", tag=tag, cseq=4))
    assert len(heard) == 2
    wire.take(message("ACK", branch="z9hG4bKs2", tag=tag, number=4))
    wire.take(message("UPDATE", branch="z9hG4bKu", tag=tag, cseq=5))
    assert wire.last.status_code == 200
    wire.take(message(branch="z9hG4bKold", tag=tag, cseq=2))
    assert wire.last.status_code == 500
    wire.take(message(branch="z9hG4bKx", tag=tag, cseq=6, body="nonsense"))
    assert wire.last.status_code == 488
    assert call.end is None and len(wire.calls) == 1


@pytest.mark.req("CALL-08")
def test_a_key_may_be_told_in_an_info() -> None:
    wire = Wire()
    call, tag = up(wire)
    keys: list[str] = []
    call.on_key = keys.append

    def tell(cseq: int, kind: str, body: str) -> int:
        said = message("INFO", branch=f"z9hG4bKi{cseq}", tag=tag, cseq=cseq, body=body).replace("application/sdp", kind)
        wire.take(said)
        wire.take(said)
        return int(wire.last.status_code)

    assert tell(3, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n") == 200
    assert tell(4, "application/dtmf-relay; charset=x", "Duration=160\nsignal= *\n") == 200
    assert tell(5, "application/dtmf", "#") == 200
    assert tell(6, "application/dtmf-relay", "Signal=77\n") == 415
    assert tell(7, "text/plain", "5") == 415
    assert tell(8, "application/sdp", "") == 200
    assert keys == ["5", "*", "#"], "sent again it is the same press"
    wire.take(message("INFO", branch="z9hG4bKno", tag="nobody", cseq=9))
    assert wire.last.status_code == 481


def test_who_tells_a_key_in_both_ways_has_pressed_it_once() -> None:
    leg = Leg()
    for key, by in (("1", "rtp"), ("1", "info"), ("2", "rtp")):
        leg.press(key, by)
    assert [leg.digits.get_nowait() for _ in range(leg.digits.qsize())] == ["1", "2"]


@pytest.mark.parametrize(
    ("method", "code"),
    [("OPTIONS", 200), ("BYE", 481), ("INFO", 481), ("SUBSCRIBE", 405), ("REFER", 405), ("TEAPOT", 501), ("REGISTER", 405)],
)
def test_what_is_not_a_call(method: str, code: int) -> None:
    wire = Wire()
    wire.take(message(method))
    assert wire.codes() == [code]
    wire.take(message(method))
    assert wire.codes() == [code, code]


def test_only_the_trunk_may_call() -> None:
    wire = Wire()
    wire.take(message(), STRANGER)
    assert (wire.codes(), wire.calls) == ([403], [])
    wire.take(message("OPTIONS", branch="z9hG4bKo"), STRANGER)
    assert wire.codes() == [403, 403]
    assert wire.sent[-1][2] == STRANGER


def test_the_same_call_over_another_way_is_a_loop_and_an_extension_we_lack_is_named() -> None:
    wire = Wire()
    wire.take(message())
    wire.take(message(branch="z9hG4bKother"))
    assert wire.last.status_code == 482
    wire.take(message(branch="z9hG4bK100", call="c2", extra="Require: 100rel\r\n"))
    assert (wire.last.status_code, wire.last.headers.get("unsupported")) == (420, ["100rel"])
    wire.take(message(branch="z9hG4bKmp", call="c3", extra="").replace("application/sdp", "multipart/mixed;boundary=x"))
    assert wire.last.status_code == 415
    assert len(wire.calls) == 1


# As a caller.


def out(wire: Wire) -> Any:
    call = wire.endpoint.call("sip:0901@127.0.0.2", THERE, number="0120", rtp=RTP)
    call.log = []
    call.on_answer = lambda media: call.log.append("answer")
    call.on_end = call.log.append
    call.begin()
    return call


def reply(wire: Wire, code: int, *, tag: str = "far", extra: str = "", body: str = "", to: SipRequest | None = None) -> None:
    request = to or wire.requests("INVITE")[-1][1]
    head = "".join(f"Via: {v}\r\n" for v in request.headers.get("via"))
    kind = "Content-Type: application/sdp\r\n" if body else ""
    to_value = request.get_header("to")
    tagged = to_value if ";tag=" in to_value else f"{to_value};tag={tag}"
    wire.take(
        f"SIP/2.0 {code} Whatever\r\n{head}From: {request.get_header('from')}\r\nTo: {tagged}\r\nCall-ID: {request.call_id}\r\n"
        f"CSeq: {request.get_header('cseq')}\r\nContact: <sip:far@127.0.0.5:5099>\r\n{extra}{kind}Content-Length: {len(body)}\r\n\r\n{body}"
    )


ANSWER = SDP.format(formats="0 101", lines="a=rtpmap:101 telephone-event/8000\r\n")


def test_our_invite_is_repeated_by_timer_a_and_given_up_by_timer_b() -> None:
    wire = Wire()
    call = out(wire)
    wire.wait(4)
    assert [at for at, _ in wire.requests("INVITE")] == [0, 0.5, 1.5, 3.5]
    wire.wait(30)
    assert call.log == ["no_answer"]
    assert wire.timers == 0


def test_a_provisional_response_ends_the_repetition() -> None:
    wire = Wire()
    call = out(wire)
    reply(wire, 100)
    reply(wire, 180)
    wire.wait(60)
    assert len(wire.requests("INVITE")) == 1
    assert call.log == []


def test_the_ack_and_the_bye_follow_contact_and_record_route() -> None:
    wire = Wire()
    call = out(wire)
    reply(wire, 200, body=ANSWER, extra="Record-Route: <sip:127.0.0.9;lr>, <sip:127.0.0.8:5070;lr>\r\n")
    _, ack, to = wire.sent[-1]
    assert (ack.method, ack.uri, to) == ("ACK", "sip:far@127.0.0.5:5099", ("127.0.0.8", 5070))
    assert ack.headers.get("route") == ["<sip:127.0.0.8:5070;lr>", "<sip:127.0.0.9;lr>"]
    reply(wire, 200, body=ANSWER, extra="Record-Route: <sip:127.0.0.9;lr>, <sip:127.0.0.8:5070;lr>\r\n")
    assert len(wire.requests("ACK")) == 2
    assert call.log == ["answer"]
    call.hang_up()
    bye = wire.requests("BYE")[0][1]
    assert (bye.uri, bye.cseq.seq) == ("sip:far@127.0.0.5:5099", 2)
    reply(wire, 200, to=bye)
    wire.wait(60)
    assert len(wire.requests("BYE")) == 1 and wire.timers == 0


def test_a_strict_router_gets_the_contact_as_its_last_route() -> None:
    wire = Wire()
    call = out(wire)
    reply(wire, 200, body=ANSWER, extra="Record-Route: <sip:127.0.0.8:5070>\r\n")
    call.hang_up()
    bye = wire.requests("BYE")[0][1]
    assert (bye.uri, bye.headers.get("route")) == ("sip:127.0.0.8:5070", ["<sip:far@127.0.0.5:5099>"])


def test_a_failure_is_acknowledged_each_time_it_comes() -> None:
    wire = Wire()
    call = out(wire)
    reply(wire, 486)
    reply(wire, 486)
    acks = wire.requests("ACK")
    assert len(acks) == 2 and acks[0][1].via[0].branch == wire.requests("INVITE")[0][1].via[0].branch
    assert (call.log, call.code) == (["refused"], 486)
    wire.wait(40)
    assert wire.timers == 0


def test_a_cancel_waits_for_the_first_provisional_response() -> None:
    wire = Wire()
    call = out(wire)
    call.hang_up()
    assert wire.requests("CANCEL") == []
    reply(wire, 180)
    cancel = wire.requests("CANCEL")[0][1]
    assert cancel.via[0].branch == wire.requests("INVITE")[0][1].via[0].branch
    reply(wire, 200, to=cancel)
    reply(wire, 487)
    assert len(wire.requests("ACK")) == 1
    assert call.log == ["hung_up"]
    wire.wait(60)
    assert wire.timers == 0


def test_an_answer_that_crosses_our_cancel_is_hung_up() -> None:
    wire = Wire()
    call = out(wire)
    reply(wire, 180)
    call.hang_up()
    reply(wire, 200, body=ANSWER)
    assert len(wire.requests("ACK")) == 1 and len(wire.requests("BYE")) == 1
    assert call.log == ["hung_up"]
    assert wire.endpoint.open_calls == 0


def test_the_second_branch_of_a_forked_call_is_left() -> None:
    wire = Wire()
    call = out(wire)
    reply(wire, 200, body=ANSWER, tag="one")
    reply(wire, 200, body=ANSWER, tag="two")
    assert len(wire.requests("ACK")) == 2
    assert [b.to_addr.tag for _, b in wire.requests("BYE")] == ["two"]
    assert call.log == ["answer"]


# Whatever comes.


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_nothing_that_arrives_does_harm(data: st.DataObject) -> None:
    wire = Wire()
    wire.endpoint.on_invite = lambda call: call.answer(RTP)
    wire.endpoint.registry = Registrar(secret=lambda user: "0" * 32, seconds=lambda: wire.now)
    method = data.draw(st.sampled_from(["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "UPDATE"]))
    text = message(method, body=data.draw(st.sampled_from(["", OFFER])), extra='Authorization: Digest username="a", nonce="1.2.3"\r\n').encode()
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 30))
        text = text[:at] + data.draw(st.binary(max_size=12)) + text[at + cut :]
        wire.endpoint.receive(text, data.draw(st.sampled_from([THERE, STRANGER])))
    wire.wait(200)
    assert wire.endpoint.faults == 0


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_dropped(data: bytes) -> None:
    wire = Wire()
    wire.endpoint.receive(data, THERE)
    assert (wire.endpoint.faults, wire.calls) == (0, [])


def test_a_broken_request_of_the_trunk_is_told_so() -> None:
    wire = Wire()
    wire.endpoint.receive(message().replace("CSeq: 1 INVITE", "CSeq: one INVITE").encode(), THERE)
    wire.endpoint.receive(b"\r\n\r\n", THERE)
    assert (wire.codes(), wire.endpoint.malformed) == ([400], 1)
    assert wire.endpoint.faults == 0


# Registrations.


def register(nonce: str, *, count: int = 1, password: str = "secret", user: str = "desk1", expires: int = 300, extra: str = "") -> str:
    ha1 = hashlib.md5(f"{user}:{REALM}:{password}".encode()).hexdigest()
    ha2 = hashlib.md5(b"REGISTER:sip:127.0.0.1").hexdigest()
    nc = f"{count:08x}"
    response = hashlib.md5(f"{ha1}:{nonce}:{nc}:xyz:auth:{ha2}".encode()).hexdigest()
    given = (
        f'Authorization: Digest username="{user}", realm="{REALM}", nonce="{nonce}", uri="sip:127.0.0.1", response="{response}", '
        f'qop=auth, nc={nc}, cnonce="xyz", algorithm=MD5\r\n'
    ) if nonce else ""  # fmt: skip
    register.number = getattr(register, "number", 0) + 1  # type: ignore[attr-defined]
    return (
        f"REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKr{register.number}\r\n"  # type: ignore[attr-defined]
        f"From: <sip:{user}@127.0.0.1>;tag=p\r\nTo: <sip:{extra or user}@127.0.0.1>\r\nCall-ID: reg\r\nCSeq: {register.number} REGISTER\r\n"  # type: ignore[attr-defined]
        f"Contact: <sip:{user}@192.0.2.9:5090>\r\nExpires: {expires}\r\n{given}Content-Length: 0\r\n\r\n"
    )


def nonce_of(answer: SipResponse) -> str:
    return re.search(r'nonce="([^"]+)"', answer.get_header("www-authenticate")).group(1)


@pytest.fixture
def desk() -> tuple[Wire, Registrar, list[Any]]:
    wire = Wire()
    secrets = {"desk1": hashlib.md5(f"desk1:{REALM}:secret".encode()).hexdigest(), "desk2": "0" * 32}
    registrar = Registrar(secret=secrets.get, seconds=lambda: wire.now)
    changes: list[Any] = []
    registrar.on_change = lambda user, binding: changes.append((user, binding and binding.uri))
    wire.endpoint.registry = registrar
    return wire, registrar, changes


def test_a_telephone_registers_with_its_password_only(desk: tuple[Wire, Registrar, list[Any]]) -> None:
    wire, registrar, changes = desk
    wire.take(register(""), STRANGER)
    assert wire.last.status_code == 401
    nonce = nonce_of(wire.last)
    wire.take(register(nonce, password="guess"), STRANGER)
    assert wire.last.status_code == 403
    wire.take(register(nonce, user="nobody"), STRANGER)
    assert wire.last.status_code == 403
    wire.take(register(nonce, extra="desk2"), STRANGER)
    assert (wire.last.status_code, changes) == (403, [])
    wire.take(register(nonce, count=2), STRANGER)
    assert wire.last.status_code == 200
    assert changes == [("desk1", "sip:desk1@192.0.2.9:5090")]
    assert registrar.bindings["desk1"].source == STRANGER
    wire.take(register(nonce, count=3, expires=0), STRANGER)
    assert changes[-1] == ("desk1", None)


def test_a_nonce_serves_once_per_count_and_grows_stale(desk: tuple[Wire, Registrar, list[Any]]) -> None:
    wire, _, changes = desk
    wire.take(register(""), STRANGER)
    nonce = nonce_of(wire.last)
    wire.take(register(nonce), STRANGER)
    wire.take(register(nonce), STRANGER)
    assert wire.last.status_code == 401 and "stale=TRUE" in wire.last.get_header("www-authenticate")
    wire.wait(NONCE_SECONDS + 1)
    wire.take(register(nonce, count=2), STRANGER)
    assert "stale=TRUE" in wire.last.get_header("www-authenticate")
    wire.take(register("1.2.forged"), STRANGER)
    assert wire.last.status_code == 401 and "stale" not in wire.last.get_header("www-authenticate")
    assert len(changes) == 1


def test_a_binding_ends_with_its_time(desk: tuple[Wire, Registrar, list[Any]]) -> None:
    wire, registrar, changes = desk
    wire.take(register(""), STRANGER)
    nonce = nonce_of(wire.last)
    wire.take(register(nonce, expires=10), STRANGER)
    assert (wire.last.status_code, wire.last.get_header("min-expires")) == (423, "30")
    wire.take(register(nonce, count=2, expires=60), STRANGER)
    wire.wait(61)
    registrar.expire()
    assert changes[-1] == ("desk1", None)


def test_over_a_real_socket() -> None:
    """The same on loopback: a call is made, taken, and ended from both sides."""

    async def play() -> None:
        ours, wire = await open_endpoint(("127.0.0.1", 0), trunks=NETS)
        theirs, far = await open_endpoint(("127.0.0.1", 0), trunks=NETS)
        ended: list[str] = []
        taken: list[Incoming] = []

        def take(call: Incoming) -> None:
            call.on_end = lambda end: ended.append(f"callee {end}")
            call.answer(RTP)
            taken.append(call)

        ours.on_invite = take
        for who in ("caller", "callee"):
            call = theirs.call(f"sip:0120@127.0.0.1:{ours.here[1]}", ours.here, number="090", rtp=RTP)
            answered = asyncio.get_running_loop().create_future()
            over = asyncio.get_running_loop().create_future()
            call.on_answer = answered.set_result
            call.on_end = over.set_result
            call.begin()
            await asyncio.wait_for(answered, 2)
            await asyncio.sleep(0.05)
            (call if who == "caller" else taken[-1]).hang_up()
            await asyncio.wait_for(over, 2)
            await asyncio.sleep(0.05)
        assert ended == ["callee bye", "callee hung_up"]
        assert (ours.open_calls, theirs.open_calls) == (0, 0)
        for endpoint, transport in ((ours, wire), (theirs, far)):
            endpoint.close()
            transport.close()

    asyncio.run(play())
