"""What a mail server has accepted, noted on disk before the database knows.

Between the server's "250" and the commit of "sent" lies the only window in which a kill could make a mail go out
twice. The journal narrows it to the moment between reading the answer and one ``write``: after a crash of worker or
database the messages in hand that stand in a journal are sent, the others go out again under the same ``Message-ID``.

One file per worker process (``accepted-1.log`` …), held by a file lock; the files of dead workers are read by the
living.
"""

from __future__ import annotations

import fcntl
import os
import socket
from dataclasses import dataclass
from pathlib import Path

MAX_WORKERS = 64


@dataclass(frozen=True, slots=True)
class Key:
    """A message across database restores: contract, row, and the stamp of its making."""

    contract_id: int
    pk: int
    stamp: str


class Journal:
    """The journal of one worker process. ``name`` (host, folder, number) is the worker's name in the database."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        for number in range(1, MAX_WORKERS + 1):
            fd = os.open(folder / f"accepted-{number}.log", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                continue
            self._fd = fd
            self.name = f"{socket.gethostname()[:30]}:{str(folder)[-40:]}:{number}"
            return
        raise RuntimeError(f"more than {MAX_WORKERS} mail workers use {folder}: give each its own MADOGUCHI_DATA")

    def accepted(self, key: Key, answer: str) -> None:
        """Note that the server took responsibility for a message (one line, one write)."""
        os.write(self._fd, f"{key.contract_id} {key.pk} {key.stamp} {' '.join(answer.split())}\n".encode())

    def all_accepted(self) -> dict[Key, str]:
        """Everything noted by this worker and by others in this folder, with the server's answer."""
        found: dict[Key, str] = {}
        for path in sorted(self.folder.glob("accepted-*.log")):
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                contract_id, _, rest = line.partition(" ")
                pk, _, rest = rest.partition(" ")
                stamp, _, answer = rest.partition(" ")
                if contract_id.isdigit() and pk.isdigit() and stamp:
                    found[Key(int(contract_id), int(pk), stamp)] = answer
        return found

    def settled(self) -> None:
        """Everything of this worker is committed in the database: start an empty file."""
        os.ftruncate(self._fd, 0)

    def close(self) -> None:
        """Give the file (and the name) to the next worker."""
        os.close(self._fd)
