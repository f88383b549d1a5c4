"""RTP: digits told once, audio taken from the agreed host only, timestamps that follow time; and flows read from a folder."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.voice.flows import Flows, national
from madoguchi.voice.legs import FRAME, PCMA, PCMU
from madoguchi.voice.media import Announcement, AudioError, Clock, ringback
from madoguchi.voice.rtp import Digits, Ports, RtpLeg
from madoguchi.voice.sip.offers import Media

from .scene import make_flow, noise, write_wav


@given(
    keys=st.lists(st.sampled_from("0123456789*#"), min_size=1, max_size=6),
    kept=st.lists(st.lists(st.booleans(), min_size=8, max_size=8).filter(any), min_size=6, max_size=6),
    seed=st.randoms(use_true_random=False),
)
def test_a_key_is_one_digit_whatever_is_lost_repeated_or_late(keys: list[str], kept: list[list[bool]], seed: object) -> None:
    digits = Digits()
    heard = ""
    for n, key in enumerate(keys):
        packets = [
            struct.pack("!BBH", "0123456789*#".index(key), 0x8A if at >= 5 else 0x0A, 160 * at) for at, there in enumerate(kept[n]) if there
        ]
        seed.shuffle(packets)  # type: ignore[attr-defined]
        for payload in packets * 2:
            heard += digits.heard(payload, timestamp=(0xFFFFF000 + n * 1600) & 0xFFFFFFFF, source=1) or ""
    assert heard == "".join(keys)


def test_a_late_packet_of_the_key_before_and_a_very_long_key_are_nothing_new() -> None:
    digits = Digits()
    one, two = struct.pack("!BBH", 1, 10, 160), struct.pack("!BBH", 2, 10, 160)
    assert digits.heard(one, timestamp=1000, source=1) == "1"
    assert digits.heard(two, timestamp=3000, source=1) == "2"
    assert digits.heard(one, timestamp=1000, source=1) is None
    assert digits.heard(two, timestamp=3000 + 0xFFFF, source=1) is None
    assert digits.heard(one, timestamp=500, source=2) == "1"
    assert digits.heard(b"\x10\x00\x00\x00", timestamp=9000, source=2) is None
    assert digits.heard(b"", timestamp=9999, source=2) is None


def packet(payload: bytes = b"\xff" * FRAME, *, kind: int = 0, sequence: int = 1, stamp: int = 160, first: int = 0x80) -> bytes:
    return struct.pack("!BBHII", first, kind, sequence, stamp, 7) + payload


def test_audio_is_taken_from_the_agreed_host_and_answered_where_it_comes_from() -> None:
    async def play() -> None:
        leg = RtpLeg(Ports("127.0.0.1", 21000, 21998))
        leg.tick()
        leg.agree(Media(("127.0.0.1", 9), PCMU, 96))
        leg.took(packet(), ("127.0.0.9", 9))
        assert leg.received == 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            other.settimeout(1)
            leg.took(packet(), other.getsockname())
            assert leg.received == 1
            leg.tick()
            leg.tick()
            first, second = other.recv(500), other.recv(500)
            assert len(first) == 12 + FRAME and first[1] == 0x80 and second[1] == 0
            assert struct.unpack_from("!HI", second, 2)[1] - struct.unpack_from("!HI", first, 2)[1] == FRAME
            leg.took(packet(), ("127.0.0.1", 12345))
            assert leg.received == 1, "another port of the host while the first still speaks"
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agreed:
                agreed.bind(("127.0.0.1", 0))
                agreed.settimeout(1)
                leg.agree(Media(agreed.getsockname(), PCMU, 96))
                leg.took(packet(), other.getsockname())
                leg.took(packet(), agreed.getsockname())
                leg.took(packet(), other.getsockname())
                assert leg.received == 3, "a stream of a former call never wins against the agreed address"
                leg.tick()
                assert len(agreed.recv(500)) == 12 + FRAME
            leg.agree(Media(other.getsockname(), PCMU, 96))
            leg.took(packet(b"\x05\x8a\x01\x40", kind=96), other.getsockname())
            assert leg.digits.get_nowait() == "5"
            leg.agree(Media(("127.0.0.1", 9), PCMU, 96, wanted=False))
            leg.tick()
            other.settimeout(0.05)
            with pytest.raises(TimeoutError):
                other.recv(500)
        await leg.close()
        await leg.close()

    asyncio.run(play())


@given(st.binary(max_size=60))
def test_no_datagram_does_harm(data: bytes) -> None:
    async def play() -> None:
        leg = RtpLeg(Ports("127.0.0.1", 21000, 21998))
        leg.agree(Media(("127.0.0.1", 9), PCMU, 96))
        leg.took(data, ("127.0.0.1", 9))
        await leg.close()

    asyncio.run(play())


def test_headers_with_sources_extension_and_padding_are_understood() -> None:
    async def play() -> None:
        leg = RtpLeg(Ports("127.0.0.1", 21000, 21998))
        leg.agree(Media(("127.0.0.1", 9), PCMU, 96))
        heard: list[bytes] = []
        leg.receive = lambda payload, kind: heard.append(payload)  # type: ignore[method-assign]
        source = b"\0\0\0\1"
        extension = struct.pack("!HH", 1, 1) + b"\0" * 4
        leg.took(packet(source + extension + b"abc" + b"\0\2", first=0x80 | 0x20 | 0x10 | 1), ("127.0.0.1", 9))
        assert heard == [b"abc"]
        await leg.close()

    asyncio.run(play())


def test_ports_are_handed_out_in_turn_and_run_out() -> None:
    ports = Ports("127.0.0.1", 21100, 21104)
    taken = [ports.take() for _ in range(3)]
    assert sorted(s.getsockname()[1] for s in taken) == [21100, 21102, 21104]
    with pytest.raises(OSError, match="every RTP port"):
        ports.take()
    for found in taken:
        found.close()


def test_the_clock_goes_on_when_a_leg_fails() -> None:
    class Broken:
        def tick(self) -> None:
            raise RuntimeError

    clock = Clock()
    clock.add(Broken())  # type: ignore[arg-type]
    clock.tick()
    clock.tick()
    assert len(clock) == 0


def test_an_announcement_is_cut_into_frames_of_both_laws(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", noise("a", 0.05))
    made = Announcement.load(tmp_path / "a.wav")
    assert [len(f) for f in made.frames(PCMU)] == [FRAME] * 3
    assert made.frames(PCMA)[0] != made.frames(PCMU)[0]
    assert ringback().seconds == 3.0
    (tmp_path / "b.wav").write_bytes(b"RIFF")
    with pytest.raises(AudioError, match=r"b\.wav"):
        Announcement.load(tmp_path / "b.wav")


def test_numbers_are_compared_as_dialled_in_japan() -> None:
    assert {national(n) for n in ("0120-000-001", "+81120000001", "0120000001")} == {"0120000001"}
    assert national("anonymous") == ""


@pytest.mark.req("CALL-01")
def test_a_changed_flow_is_read_and_a_broken_one_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_flow(tmp_path)
    flows = Flows(tmp_path)
    assert flows.refresh() == ["town"]
    assert flows.refresh() == []
    first, number = flows.of(("unknown", "+81120000001"))
    assert number == "0120000001"
    path = tmp_path / "town" / "flow.json"
    good = path.read_text()
    for broken in ("{", json.dumps({**json.loads(good), "contract": "other"}), good.replace("greeting.wav", "missing.wav")):
        path.write_text(broken)
        os.utime(path, ns=(1, len(broken)))
        assert flows.refresh() == []
        assert flows.of(("0120000001",))[0] is first
    assert caplog.text.count("refused, the flow before it stays") == 3
    make_flow(tmp_path, version=2, numbers=("0120000002",))
    assert flows.refresh() == ["town"]
    assert flows.of(("0120000001",)) is None
    second, _ = flows.of(("0120000002",))
    assert (second.flow.version, second.audio["hold.wav"]) == (2, first.audio["hold.wav"])
    make_flow(tmp_path, contract="village", numbers=("0120000002",))
    flows.refresh()
    assert flows.of(("0120000002",))[0] is second
    assert np.frombuffer(b"".join(second.frames("hold", "fr", PCMU)), "u1").size == 4000
