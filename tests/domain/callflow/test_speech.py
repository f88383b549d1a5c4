"""The voices really speak: sound of the length that the words need, in the band of a telephone."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest

from madoguchi.domain.callflow import audio, building, speech
from madoguchi.ground.contracts.models import Contract

JA = ("ja", "お電話ありがとうございます。受付時間は、月曜日から金曜日の、午前8時30分から午後5時までです。")
EN = ("en", "Thank you for calling. Our telephone hours are Monday to Friday, from 8:30 AM to 5 PM.")
flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed: tools/telephony.sh installs it")


def assert_speech(sound: bytes, shortest: float, longest: float) -> None:
    samples, rate = audio.decode(sound)
    assert rate == 8000 and shortest < len(samples) / rate < longest
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    loud = np.sqrt(np.mean(frames**2, axis=1))
    assert 0.3 < float(np.mean(loud > 0.02)) < 0.98, "a voice has pauses, and is not silence"
    assert 0.07 < float(np.sqrt(np.mean(samples[np.abs(samples) > np.max(np.abs(samples)) / 20] ** 2))) < 0.12
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / rate)
    assert float(spectrum[(hertz > 80) & (hertz < 3600)].sum() / spectrum.sum()) > 0.9


@pytest.mark.req("CALL-02")
@pytest.mark.parametrize(
    ("words", "shortest", "longest"), [(JA, 6, 15), pytest.param(EN, 3, 10, marks=flite)], ids=["ja", "en"]
)
def test_words_become_speech_of_a_plausible_length(words: speech.Words, shortest: float, longest: float) -> None:
    assert_speech(dict(speech.speak([words]))[words], shortest, longest)


@pytest.mark.req("CALL-02")
def test_what_was_spoken_once_is_not_spoken_again(settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DATA_DIR = tmp_path
    words = ("ja", "はい。")
    first = dict(speech.speak([words, words]))
    assert list(first) == [words] and (tmp_path / "speech" / speech.name_of(words)).read_bytes() == first[words]
    monkeypatch.setattr(speech.sys, "executable", "/nowhere/python")
    assert dict(speech.speak([words])) == first
    with pytest.raises(speech.SpeechError, match="音声を作れませんでした"):
        list(speech.speak([("ja", "いいえ。")]))


@pytest.mark.req("CALL-02")
def test_names_of_the_cities_are_read_as_the_profile_says(contracts: dict[str, Contract]) -> None:
    import pyopenjtalk

    for contract in contracts.values():
        profile = contract.profile
        hints = building.readings(profile, {})
        for text in (profile.city.name, f"{profile.city.name}役所です", f"{profile.city.name}民課"):
            said = pyopenjtalk.g2p(speech.pronounced(text, hints), kana=True)
            assert said.startswith(profile.city.kana), (text, said)


def test_readings_replace_the_longest_word_first() -> None:
    assert speech.pronounced("廿日市と廿日", {"廿日": "ハツカ", "廿日市": "ハツカイチ"}) == "ハツカイチとハツカ"
    assert speech.pronounced("一\n二", {}) == "一 二"
