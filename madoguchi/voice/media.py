"""The clock of all audio, and announcements ready to be sent."""

from __future__ import annotations

import asyncio
import logging
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from .legs import CODECS, FRAME, PCMA, PCMU, Leg

log = logging.getLogger(__name__)

TICK: Final = 0.02
FORGIVEN: Final = 0.2
"""Seconds of delay that are made up by frames in quick succession; after a longer stall the clock begins anew."""


class Clock:
    """One clock of 20 ms for every leg: ticks each in turn. ``late`` is the longest delay of a tick in seconds since it was last read."""

    def __init__(self) -> None:
        self._legs: dict[Leg, None] = {}
        self._late = 0.0
        self.ticks = 0

    def add(self, leg: Leg) -> None:
        """From now on the leg is ticked; adding it again changes nothing."""
        self._legs[leg] = None

    def remove(self, leg: Leg) -> None:
        self._legs.pop(leg, None)

    def __len__(self) -> int:
        return len(self._legs)

    def late(self) -> float:
        """The longest delay since the last question."""
        value, self._late = self._late, 0.0
        return value

    def tick(self) -> None:
        """20 ms have passed. A leg that fails is taken out; the others never notice."""
        self.ticks += 1
        for leg in tuple(self._legs):
            try:
                leg.tick()
            except Exception:
                log.exception("a leg failed and is taken off the clock")
                self.remove(leg)

    async def run(self) -> None:
        """Tick until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += TICK
            await asyncio.sleep(due - loop.time())
            delay = loop.time() - due
            self._late = max(self._late, delay)
            if delay > FORGIVEN:
                due = loop.time()
            self.tick()


class AudioError(ValueError):
    """A file that is no announcement: its name and the reason."""


class Announcement:
    """A text as audio, cut into frames of both laws. Made when a flow is loaded, never during a call."""

    __slots__ = ("_frames",)

    def __init__(self, samples: bytes) -> None:
        """``samples``: 8,000 Hz, mono, 16 bit, little-endian; the last frame is filled with silence."""
        samples += b"\0" * (-len(samples) % (2 * FRAME))
        self._frames = {law: _cut(CODECS[law].encode(samples)) for law in (PCMU, PCMA)}

    @classmethod
    def load(cls, path: Path) -> Announcement:
        """From a WAV file. Raises :class:`AudioError`."""
        try:
            with wave.open(str(path), "rb") as file:
                if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (8000, 1, 2):
                    raise AudioError(f"{path}: not 8,000 Hz, mono, 16 bit")
                return cls(file.readframes(file.getnframes()))
        except (OSError, EOFError, wave.Error) as error:
            raise AudioError(f"{path}: {error}") from None

    def frames(self, law: int) -> Sequence[bytes]:
        """The frames in a law."""
        return self._frames[law]

    @property
    def seconds(self) -> float:
        return len(self._frames[PCMU]) * TICK


def _cut(data: bytes) -> tuple[bytes, ...]:
    return tuple(data[at : at + FRAME] for at in range(0, len(data), FRAME))


def ringback() -> Announcement:
    """The tone a caller in Japan hears while it rings: 400 Hz trembling at 16 Hz, one second on, two off."""
    t = np.arange(8000) / 8000
    tone = 4000 * np.sin(2 * np.pi * 400 * t) * (0.6 + 0.4 * np.sin(2 * np.pi * 16 * t))
    return Announcement(np.concatenate([tone, np.zeros(16000)]).astype("<i2").tobytes())
