"""Texts read by a machine: Japanese by the voice "Mei", English by ``flite``; other languages need a recording.

Both run as programs of their own. What was spoken once on a machine is kept in its data folder, named by words and voice.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import logging
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from django.conf import settings

from . import audio

log = logging.getLogger(__name__)

VOICES = {"ja": "mei-1", "ja-easy": "mei-1", "en": "flite-slt-1"}
"""Language → voice. The name changes when the same words would sound otherwise."""
ATTRIBUTION = "日本語の音声：HTS Voice “Mei”（MMDAgent、名古屋工業大学）CC BY 3.0"
NO_FLITE = "英語の音声合成（flite）が、このサーバーにありません。管理者が「apt-get install flite」で入れるまで、英語の代わりに日本語が流れます。"
LONGEST_TEXT = 600
TIMEOUT_SECONDS = 120
AT_ONCE = 24
SHORTEST_MILLISECONDS = 100

Words = tuple[str, str]
"""Language and text."""


class SpeechError(RuntimeError):
    """A voice that did not speak; the message is for people."""


def speakable(language: str) -> bool:
    """True when a text of the language can be spoken on this machine."""
    voice = VOICES.get(language, "")
    return voice.startswith("mei") or (voice.startswith("flite") and shutil.which("flite") is not None)


def pronounced(text: str, readings: Mapping[str, str]) -> str:
    """A Japanese text with the readings in the place of words, longest first, on one line."""
    if readings:
        pattern = "|".join(re.escape(surface) for surface in sorted(readings, key=len, reverse=True))
        text = re.sub(pattern, lambda match: readings[match[0]], text)
    return " ".join(text.split())


def name_of(words: Words) -> str:
    """The file name of spoken words: the same words in the same voice have the same name."""
    language, text = words
    return hashlib.sha256(f"{VOICES[language]}\0{text}".encode()).hexdigest()[:32] + ".wav"


def speak(wanted: Iterable[Words]) -> Iterator[tuple[Words, bytes]]:
    """Each text whose language is :func:`speakable`, with its WAV, a few at a time as they are ready. Raises :class:`SpeechError`.

    Processes of a machine speak one after the other, so that none speaks what another is about to.
    """
    kept = Path(settings.DATA_DIR) / "speech"
    kept.mkdir(parents=True, exist_ok=True)
    waiting = list(dict.fromkeys(wanted))
    for first in range(0, len(waiting), AT_ONCE):
        some = waiting[first : first + AT_ONCE]
        if any(not (kept / name_of(words)).is_file() for words in some):
            with (kept / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                _fill(kept, some)
        for words in some:
            sound = (kept / name_of(words)).read_bytes()
            if audio.milliseconds(sound) < SHORTEST_MILLISECONDS:
                raise SpeechError(f"「{words[1][:40]}」は読み上げられません。読み上げる言葉を入れてください。文面は保存していません。")
            yield words, sound


def _fill(kept: Path, wanted: Sequence[Words]) -> None:
    missing = [words for words in wanted if not (kept / name_of(words)).is_file()]
    japanese = [words for words in missing if VOICES[words[0]].startswith("mei")]
    made = dict(zip(japanese, _mei([text for _, text in japanese]), strict=True)) if japanese else {}
    made |= {words: _flite(words[1]) for words in missing if words not in made}
    for words, sound in made.items():
        part = kept / f"{name_of(words)}.part"
        part.write_bytes(sound)
        part.replace(kept / name_of(words))


def _mei(texts: list[str]) -> list[bytes]:
    done = _run([sys.executable, "-m", "madoguchi.domain.callflow.mei"], json.dumps(texts))
    return [base64.b64decode(line) for line in done.stdout.split()]


def _flite(text: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        words = Path(folder) / "text"
        words.write_text(text)
        _run(["flite", "-voice", "slt", "-f", str(words), "-o", str(spoken)], "")
        return audio.prepared(*audio.decode(spoken.read_bytes()))


def _run(command: list[str], typed: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603
            command, input=typed, text=True, capture_output=True, check=True, timeout=TIMEOUT_SECONDS
        )
    except (subprocess.SubprocessError, OSError) as error:
        log.error("speech: %s: %s", error, (getattr(error, "stderr", "") or "")[-2000:])
        raise SpeechError("音声を作れませんでした。文面は保存していません。もう一度試し、続くときは管理者に連絡してください。") from None
