"""One event loop for a module's exchange, door and browser; Chromium as operators have it, with a microphone that hums 660 Hz."""

from __future__ import annotations

import asyncio
import math
import os
import shutil
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def browser(loop: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        message = "Chromium is missing: apt-get install chromium, or set CHROMIUM to its path"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    microphone = tmp_path_factory.mktemp("microphone") / "660.wav"
    hum(microphone)
    playwright = loop.run(async_playwright().start())
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}",
        "--allow-loopback-in-peer-connection",
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        "--autoplay-policy=no-user-gesture-required",
    ]
    found = loop.run(playwright.chromium.launch(executable_path=path, args=arguments))
    yield found
    loop.run(found.close())
    loop.run(playwright.stop())


def hum(path: Path, hertz: int = 660, rate: int = 48_000) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        samples = (int(12_000 * math.sin(2 * math.pi * hertz * i / rate)) for i in range(rate))
        file.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))
