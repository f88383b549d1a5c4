"""The browser's leg: what a real Chromium hears and says, and what hostile bytes cannot do."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import struct

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.voice.legs import PCMA, PCMU
from madoguchi.voice.offers import Offer, OfferError
from madoguchi.voice.webrtc import MTU, Incoming, WebRtcPort, records

from .tiny import NOW

OFFER = "\r\n".join(
    [
        "v=0",
        "o=- 3647429006292577829 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=audio 51645 UDP/TLS/RTP/SAVPF 0 8",
        "c=IN IP4 127.0.0.1",
        "a=candidate:2603596875 1 udp 2122194687 127.0.0.1 51645 typ host generation 0",
        "a=ice-ufrag:T/4A",
        "a=ice-pwd:si+c7nC8dsXaC4vL0F9LvaXp",
        "a=fingerprint:sha-256 " + ":".join(["5A"] * 32),
        "a=setup:actpass",
        "a=mid:0",
        "a=sendrecv",
        "a=rtcp-mux",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "",
    ]
)


@pytest.mark.req("CALL-08")
def test_an_offer_is_read() -> None:
    offer = Offer.parse(OFFER)
    assert (offer.ufrag, offer.mid, offer.payload_type) == ("T/4A", "0", PCMU)
    assert offer.fingerprints == {"sha-256": b"\x5a" * 32}
    assert Offer.parse(OFFER, laws=(PCMA, PCMU)).payload_type == PCMA


@pytest.mark.req("CALL-08")
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("v=0", "v=1", "begin with v=0"),
        ("SAVPF 0 8", "SAVPF 111 9", "none of PCMU, PCMA"),
        ("m=audio", "m=video", "no audio"),
        ("s=-", "s=-\r\nm=video 9 UDP/TLS/RTP/SAVPF 96", "2 media"),
        ("a=ice-ufrag:T/4A\r\n", "", "a=ice-ufrag: 0 values"),
        ("a=ice-pwd:", "a=ice-pwd:another+password+of+22+chars\r\na=ice-pwd:", "a=ice-pwd: 2 values"),
        ("T/4A", "T/4A:", "a=ice-ufrag: not of its form"),
        ("sha-256", "sha-1", "sha-256, sha-384, sha-512"),
        ("5A:5A\r\n", "5A\r\n", "a=fingerprint: not of its form"),
        ("actpass", "passive", "a=setup"),
        ("sendrecv", "recvonly", "both ways"),
        ("a=rtcp-mux", "a=rtcp", "a=rtcp-mux is missing"),
        ("s=-", "s=\x00", "line 3 is no line"),
        ("s=-", "s=" + "-" * 16_000, "longer than"),
        ("s=-", "s=-" + "\r\na=x" * 400, "more than 400 lines"),
    ],
)
def test_what_is_wrong_with_an_offer_is_said(before: str, after: str, said: str) -> None:
    assert before in OFFER
    with pytest.raises(OfferError, match=said):
        Offer.parse(OFFER.replace(before, after, 1))


@given(st.text() | st.lists(st.sampled_from([*OFFER.split("\r\n"), "m=audio 1", "a=fingerprint:", "="])).map("\n".join))
def test_no_text_breaks_the_reader_of_offers(text: str) -> None:
    with contextlib.suppress(OfferError):
        Offer.parse(text)


def check(leg_ufrag: str, password: str, theirs: str = "T/4A", **attributes: object) -> bytes:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes.update({"USERNAME": f"{leg_ufrag}:{theirs}", "ICE-CONTROLLING": 1, **attributes})
    request.add_message_integrity(password.encode())
    return bytes(request)


class Answers(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.got: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.got.put_nowait(data)


@pytest.mark.req("CALL-08")
def test_only_who_knows_the_password_is_answered(loop: asyncio.Runner) -> None:
    async def run() -> None:
        port = await WebRtcPort.open("127.0.0.1", now=NOW)
        leg, answer = port.answer(OFFER)
        assert f"a=ice-ufrag:{leg.ufrag}\r\n" in answer
        assert "a=ice-lite\r\n" in answer
        transport, browser = await asyncio.get_running_loop().create_datagram_endpoint(
            Answers, remote_addr=("127.0.0.1", port.port)
        )
        transport.sendto(check(leg.ufrag, "wrong"))
        transport.sendto(check("nobody", leg.password))
        transport.sendto(check(leg.ufrag, leg.password, theirs="else"))
        transport.sendto(b"\x16 a record of DTLS from nobody")
        right = check(leg.ufrag, leg.password)
        transport.sendto(right)
        first = stun.parse_message(await asyncio.wait_for(browser.got.get(), 5))
        assert first.transaction_id == stun.parse_message(right).transaction_id, "the wrong ones got no answer"
        assert first.attributes["XOR-MAPPED-ADDRESS"] == transport.get_extra_info("sockname")
        assert first.check_message_integrity(leg.password.encode())
        controlled = check(leg.ufrag, leg.password, **{"ICE-CONTROLLED": 1})
        transport.sendto(controlled)
        second = stun.parse_message(await asyncio.wait_for(browser.got.get(), 5))
        assert second.error_code == 487
        await leg.close()
        transport.sendto(right)
        assert port.legs == {}
        transport.close()
        await port.close()

    loop.run(run())


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda end: struct.pack("!HHI", 1, len(end), 0x2112A442) + end))
def test_no_datagram_breaks_the_port(data: bytes) -> None:
    async def run() -> None:
        port = await WebRtcPort.open("127.0.0.1", now=NOW)
        leg, _ = port.answer(OFFER)
        port.datagram_received(data, ("127.0.0.1", 9))
        port.datagram_received(check(leg.ufrag, leg.password), ("127.0.0.1", 9))
        for first in (b"", b"\x16\xfe\xfd", b"\x80\xc8", b"\x80\x00"):
            port.datagram_received(first + data, ("127.0.0.1", 9))
        await port.close()

    asyncio.run(run())


@pytest.mark.req("CALL-08")
@given(
    start=st.integers(0, 0xFFFF),
    shift=st.lists(st.integers(0, 4), min_size=1, max_size=200),
    lost=st.sets(st.integers(1, 200), max_size=5),
)
def test_packets_are_put_in_order(start: int, shift: list[int], lost: set[int]) -> None:
    sent = [n for n in range(len(shift)) if n not in lost]
    arriving = sorted(sent, key=lambda n: (n + shift[n], n))
    first = arriving[0]
    stream = Incoming(1, (start + first) & 0xFFFF)
    heard: list[int] = []
    for at, number in enumerate(arriving):
        payload = number.to_bytes(2, "big")
        got = stream.push((start + number) & 0xFFFF, number * 160, payload, at=at * 0.02)
        heard += [int.from_bytes(frame, "big") for frame in got]
    assert heard == sorted(set(heard))
    assert set(heard) <= set(sent)
    waiting = [n for n in sent if n >= first and n not in heard]
    assert len(waiting) <= 5, "more than 100 ms are held back"
    if not lost:
        assert waiting == []
        assert stream.report(at=0).packets_lost == 0


def test_a_stream_that_jumps_begins_anew() -> None:
    stream = Incoming(1, 10)
    assert list(stream.push(10, 0, b"a", at=0)) == [b"a"]
    assert list(stream.push(20_000, 0, b"b", at=1)) == [b"b"]
    assert stream.report(at=1).packets_lost == 0


def test_loss_is_reported_to_the_sender() -> None:
    stream = Incoming(7, 100)
    for number in itertools.chain(range(100, 110), range(120, 130)):
        list(stream.push(number, number * 160, b"x", at=number * 0.02))
    told = stream.report(at=3)
    assert (told.ssrc, told.packets_lost, told.fraction_lost, told.highest_sequence) == (7, 10, 10 * 256 // 30, 129)
    assert told.jitter == 0
    assert stream.report(at=3).fraction_lost == 0


@given(st.lists(st.integers(0, 1500), max_size=20))
def test_records_are_never_cut(sizes: list[int]) -> None:
    whole = [b"\x16\xfe\xfd" + bytes(8) + size.to_bytes(2, "big") + bytes(size) for size in sizes]
    packed = list(records(b"".join(whole)))
    assert b"".join(packed) == b"".join(whole)
    assert all(len(datagram) <= MTU or datagram in whole for datagram in packed)
