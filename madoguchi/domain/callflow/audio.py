"""Sound as the exchange plays it: WAV, 8,000 Hz, mono, 16 bit, at one loudness. Pure functions over bytes and arrays."""

from __future__ import annotations

import hashlib
import io
import wave
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RATE = 8000
LONGEST_SECONDS = 90
SHORTEST_SECONDS = 0.3
MOST_BYTES = 20_000_000
RATES = (8000, 96000)
PAUSE_SECONDS = 0.6
SPEECH_RMS = 10 ** (-20 / 20)
PEAK = 10 ** (-1 / 20)
SILENT_PEAK = 0.01

Samples = NDArray[np.float64]


class AudioError(ValueError):
    """A recording that cannot be used; the message says in Japanese why, and what to do."""


def decode(data: bytes) -> tuple[Samples, int]:
    """Samples (−1…1, channels mixed) and rate of an uncompressed WAV. Raises :class:`AudioError`."""
    if len(data) > MOST_BYTES:
        raise AudioError(f"ファイルが大きすぎます（{MOST_BYTES // 1_000_000}MBまで）。短く録音するか、8,000Hz・モノラルで書き出してください。")
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise AudioError("WAVファイルではありません。録音アプリで「WAV（非圧縮）」を選んで書き出してください。MP3・M4Aは使えません。")
    try:
        with wave.open(io.BytesIO(data)) as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            raw = file.readframes(file.getnframes())
    except (wave.Error, EOFError):
        raise AudioError("このWAVは読めません。圧縮のない「16ビットPCM」で書き出してください。") from None
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(f"サンプリング周波数が{rate:,}Hzです。{RATES[0]:,}Hz以上{RATES[1]:,}Hz以下で書き出してください。")
    if channels not in (1, 2):
        raise AudioError(f"チャンネルが{channels}あります。モノラルかステレオで書き出してください。")
    raw = raw[: len(raw) // (width * channels) * width * channels]
    return _numbers(raw, width).reshape(-1, channels).mean(axis=1), rate


def _numbers(raw: bytes, width: int) -> Samples:
    if width == 1:
        return (np.frombuffer(raw, np.uint8).astype(np.float64) - 128) / 128
    if width == 2:
        return np.frombuffer(raw, "<i2") / 2.0**15
    if width == 3:
        parts = np.frombuffer(raw, np.uint8).reshape(-1, 3).astype(np.int32)
        return ((parts[:, 0] << 8 | parts[:, 1] << 16 | parts[:, 2] << 24) >> 8) / 2.0**23
    if width == 4:
        return np.frombuffer(raw, "<i4") / 2.0**31
    raise AudioError(f"{width * 8}ビットのWAVは読めません。「16ビットPCM」で書き出してください。")


def resample(samples: Samples, rate: int) -> Samples:
    """The same sound at :data:`RATE`, without what a telephone cannot carry (a fade from 3,600 to 4,000 Hz)."""
    size = round(len(samples) * RATE / rate)
    if rate == RATE or not size:
        return samples
    spectrum = np.fft.rfft(samples)[: size // 2 + 1]
    hertz = np.arange(len(spectrum)) * RATE / size
    spectrum = spectrum * np.clip((4000 - hertz) / 400, 0, 1)
    return np.fft.irfft(spectrum, size) * (size / len(samples))


def level(samples: Samples) -> Samples:
    """The same sound with its speech at −20 dB, so that no announcement is louder than another; never clipped."""
    peak = float(np.max(np.abs(samples), initial=0))
    if peak < SILENT_PEAK:
        return samples
    spoken = samples[np.abs(samples) > peak / 20]
    rms = float(np.sqrt(np.mean(spoken**2)))
    return samples * min(SPEECH_RMS / rms, PEAK / peak)


def encode(samples: Samples) -> bytes:
    """A WAV of samples at :data:`RATE`."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.clip(np.rint(samples * 2**15), -(2**15), 2**15 - 1).astype("<i2").tobytes())
    return out.getvalue()


def prepared(samples: Samples, rate: int) -> bytes:
    """The WAV that is played, from a voice at any rate."""
    return encode(level(resample(samples, rate)))


def convert(data: bytes) -> bytes:
    """An uploaded recording as it is played. Raises :class:`AudioError` for what cannot be an announcement."""
    samples, rate = decode(data)
    seconds = len(samples) / rate
    if seconds < SHORTEST_SECONDS:
        raise AudioError(f"録音が短すぎます（{seconds:.1f}秒）。案内の全部が入っているか、確かめてください。")
    if seconds > LONGEST_SECONDS:
        raise AudioError(f"録音が{seconds:.0f}秒あります。{LONGEST_SECONDS}秒までにしてください。")
    if float(np.max(np.abs(samples))) < SILENT_PEAK:
        raise AudioError("音が入っていません。マイクの音量を上げて、録音し直してください。")
    return prepared(samples, rate)


def milliseconds(data: bytes) -> int:
    """The length of a WAV that :func:`encode` wrote."""
    return round((len(data) - 44) / 2 / RATE * 1000)


def join(parts: Sequence[bytes]) -> bytes:
    """WAVs of :func:`encode` one after the other, with a pause between."""
    pause = np.zeros(int(PAUSE_SECONDS * RATE))
    sounds: list[Samples] = []
    for part in parts:
        sounds += [decode(part)[0], pause]
    return encode(np.concatenate(sounds[:-1]))


def name_of(sound: bytes) -> str:
    """The file name of a recording: the same sound has the same name."""
    return hashlib.sha256(sound).hexdigest()[:32] + ".wav"
