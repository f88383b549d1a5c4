"""The Japanese voice as a short-lived program of its own: texts in, WAVs out, so that no web process carries its dictionary.

Reads a JSON list of texts from standard input and writes one line of base64 per text. The voice is "Mei" of MMDAgent (HTS voice,
Creative Commons Attribution 3.0, Nagoya Institute of Technology), carried by the package ``pyopenjtalk-plus``.
"""

from __future__ import annotations

import base64
import json
import os
import sys

from madoguchi.domain.callflow import audio


def main() -> None:
    """Speak what comes in."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the library prints notes while it is imported
    import pyopenjtalk

    for text in json.load(sys.stdin):
        samples, rate = pyopenjtalk.tts(text)
        answers.write(base64.b64encode(audio.prepared(samples / 2**15, rate)).decode() + "\n")
    answers.close()


if __name__ == "__main__":
    main()
