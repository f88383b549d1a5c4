"""Recordings: what is taken, what is refused and why, and what comes out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madoguchi.domain.callflow import audio

from .conftest import record


@pytest.mark.req("CALL-02")
@settings(max_examples=25, deadline=None)
@given(
    rate=st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 96000]),
    channels=st.sampled_from([1, 2]),
    width=st.sampled_from([1, 2, 3, 4]),
    seconds=st.floats(0.5, 3),
    volume=st.floats(0.05, 1),
)
def test_any_good_recording_becomes_what_is_played(rate: int, channels: int, width: int, seconds: float, volume: float) -> None:
    sound = audio.convert(record(seconds, rate=rate, channels=channels, width=width, volume=volume))
    samples, played = audio.decode(sound)
    assert (played, sound[22], sound[34]) == (8000, 1, 16)
    assert abs(len(samples) / 8000 - seconds) < 0.01
    assert abs(audio.milliseconds(sound) - seconds * 1000) < 10
    spectrum = np.abs(np.fft.rfft(samples))
    assert abs(int(np.argmax(spectrum)) * 8000 / len(samples) - 440) < 3
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    assert 0.08 < float(np.sqrt(np.mean(middle**2))) < 0.12
    assert float(np.max(np.abs(samples))) <= 0.9


@pytest.mark.req("CALL-02")
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "WAVファイルではありません"),
        (b"ID3\x04" + b"\0" * 100, "MP3・M4Aは使えません"),
        (record()[:30], "「16ビットPCM」で書き出してください"),
        (record(0.1), "録音が短すぎます（0.1秒）"),
        (record(91, rate=8000), "録音が91秒あります。90秒まで"),
        (record(volume=0.001), "音が入っていません"),
        (record(rate=4000), "サンプリング周波数が4,000Hzです"),
        (record(rate=192000, seconds=0.5), "サンプリング周波数が192,000Hzです"),
        (record(channels=6), "チャンネルが6あります"),
        (record().replace(b"fmt \x10\0\0\0\x01", b"fmt \x10\0\0\0\x07"), "圧縮のない"),
        (record() + b"\0" * audio.MOST_BYTES, "ファイルが大きすぎます（20MBまで）"),
    ],
    ids=["empty", "mp3", "torn", "short", "long", "silent", "low-rate", "high-rate", "six-channels", "mu-law", "large"],
)
def test_what_cannot_be_an_announcement_is_refused_with_its_reason(data: bytes, says: str) -> None:
    with pytest.raises(audio.AudioError, match=says):
        audio.convert(data)


@pytest.mark.req("CALL-02")
@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for tried in (data, b"RIFF\0\0\0\0WAVE" + data, record(0.01)[:44] + data):
        try:
            audio.convert(tried)
        except audio.AudioError as refused:
            assert str(refused).endswith("。")


def test_parts_are_joined_with_a_pause() -> None:
    one, two = (audio.convert(record(seconds)) for seconds in (1, 2))
    assert audio.milliseconds(audio.join([one, two])) == 1000 + 600 + 2000
    assert audio.join([one]) == one
