"""Reading ``queue_log`` on from where one was: only whole lines, across rotation, whatever copies the file.

A file is known by its first line, which begins with a time, not by its inode: a copy by rsync is the same file, and a log rotated by rename
or by copy is found again under its new name (``queue_log.1``, ``queue_log.1.gz``, ``queue_log-20261125``).
"""

from __future__ import annotations

import gzip
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

log = logging.getLogger(__name__)

MOST_BYTES: Final = 1 << 20
"""Read at once; the rest comes with the next call."""


@dataclass(frozen=True, slots=True)
class Position:
    """Which file (by its first line), since when it is written (seconds since 1970), and how many bytes of it are done."""

    first: str = ""
    since: int = 0
    done: int = 0

    def dump(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def load(cls, values: Mapping[str, Any]) -> Position:
        """What :meth:`dump` wrote."""
        return cls(str(values["first"]), int(values["since"]), int(values["done"]))


def read_on(path: Path, position: Position) -> tuple[list[str], Position]:
    """The next whole lines and the position behind them; no lines when there is nothing new. Raises :class:`OSError`.

    From the position's file the rest is read, then files begun later, oldest first, then ``path`` itself. When the position's file is nowhere
    any more the next younger one is read from its beginning, and the loss is logged.
    """
    files = sorted(_files(path), key=lambda found: found[0].since)
    if position.first:
        known = [place for place, (begin, _) in enumerate(files) if begin.first == position.first]
        if known:
            files = files[known[0] :]
        else:
            files = [found for found in files if found[0].since >= position.since]
            if files:
                log.warning("%s: the part that was being read is gone; what stood in it after byte %s is lost", path, position.done)
    for begin, file in files:
        done = position.done if begin.first == position.first else 0
        lines, done = _lines(file, done)
        if lines:
            return lines, Position(begin.first, begin.since, done)
    return [], position


def _files(path: Path) -> list[tuple[Position, Path]]:
    """The log and what it was rotated to, each with its beginning; a copy of another is left out."""
    found: dict[str, tuple[Position, Path]] = {}
    for file in [path, *sorted(path.parent.glob(f"{path.name}[.-]*"))]:
        try:
            with _open(file) as stream:
                first = stream.readline(4096)
        except FileNotFoundError:
            continue
        since = first.split(b"|", 1)[0].split(b".", 1)[0]
        if first.endswith(b"\n") and since.isdigit() and len(since) < 12:
            name = hashlib.sha256(first).hexdigest()[:32]
            found.setdefault(name, (Position(name, int(since)), file))
    return list(found.values())


def _lines(file: Path, done: int) -> tuple[list[str], int]:
    with _open(file) as stream:
        stream.seek(done)
        read = stream.read(MOST_BYTES)
    whole = read[: read.rfind(b"\n") + 1]
    if not whole and len(read) == MOST_BYTES:
        log.warning("%s: a line longer than %s bytes is passed over", file, MOST_BYTES)
        return [""], done + len(read)
    return whole.decode(errors="replace").split("\n")[:-1], done + len(whole)


def _open(file: Path) -> BinaryIO:
    return gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")  # type: ignore[return-value]
