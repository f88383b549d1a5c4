"""Callers of 廿日市市, with files written under a folder of the test's own."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from madoguchi.ground.kit.actors import Actor, ActorKind, Channel

CITY = Actor(ActorKind.CITY, Channel.COUNTER, "user:1", "市職員 花子")


@pytest.fixture(autouse=True)
def voice_dir(settings: Any, tmp_path: Path) -> Path:
    """Where the exchange would read."""
    settings.VOICE_DIR = tmp_path / "voice"
    return settings.VOICE_DIR  # type: ignore[no-any-return]


Recorder = Callable[..., bytes]


def record(seconds: float = 2.0, *, rate: int = 44100, channels: int = 1, width: int = 2, volume: float = 0.5) -> bytes:
    """A WAV of a 440 Hz tone."""
    times = np.arange(int(seconds * rate)) / rate
    tone = volume * np.sin(2 * np.pi * 440 * times)
    samples = np.repeat(tone[:, None], channels, axis=1)
    if width == 1:
        raw = (samples * 127 + 128).astype(np.uint8).tobytes()
    elif width == 3:
        numbers = (samples * (2**23 - 1)).astype("<i4")
        raw = numbers.reshape(-1, 1).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    else:
        raw = (samples * (2 ** (8 * width - 1) - 1)).astype(f"<i{width}").tobytes()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(raw)
    return out.getvalue()
