"""Speaks ``madoguchi/voice/out_of_order.wav``, which callers hear when the exchange has no flow: ``python tools/out_of_order.py``."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from madoguchi.domain.callflow import audio

JAPANESE = (
    "お電話、ありがとうございます。ただいま、電話の設備の不具合のため、おつなぎすることができません。"
    "おそれいりますが、しばらくたってから、おかけ直しください。ご案内は、市のホームページでも、ご覧いただけます。"
)
ENGLISH = (
    "We are sorry. Our telephone service is temporarily out of order. Please call again later, or see the website of the city. Thank you."
)
PLACE = Path(__file__).resolve().parent.parent / "madoguchi" / "voice" / "out_of_order.wav"


def main() -> None:
    """Both texts, one after the other, at the loudness of all announcements."""
    spoken = subprocess.run(
        [sys.executable, "-m", "madoguchi.domain.callflow.mei"], input=json.dumps([JAPANESE]), text=True, capture_output=True, check=True
    )
    with tempfile.TemporaryDirectory() as folder:
        english = Path(folder) / "english.wav"
        subprocess.run(
            ["flite", "-voice", "slt", "-t", ENGLISH, "-o", str(english)],  # noqa: S607
            check=True,
        )
        parts = [base64.b64decode(spoken.stdout.strip()), audio.prepared(*audio.decode(english.read_bytes()))]
    PLACE.write_bytes(audio.join(parts))


if __name__ == "__main__":
    main()
