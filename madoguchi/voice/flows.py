"""The flows in a folder, with their announcements in memory. Read anew when a file changes; a broken file changes nothing."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .flow import Flow, FlowError, read
from .media import Announcement, AudioError

log = logging.getLogger(__name__)

EVERY: Final = 1.0


@dataclass(frozen=True, eq=False)
class Loaded:
    """A flow that callers can hear. A call keeps the one it began with."""

    flow: Flow
    audio: dict[str, Announcement]

    def frames(self, prompt: str, language: str, law: int) -> Sequence[bytes]:
        """The frames of a prompt; none where the flow has no such text."""
        name = self.flow.audio(prompt, language)
        return self.audio[name].frames(law) if name else ()


def national(number: str) -> str:
    """A Japanese number as it is dialled inside the country, digits only: ``+81 90-1234-5678`` is ``09012345678``."""
    kept = re.sub(r"[^\d+]", "", number)
    return "0" + kept[3:] if kept.startswith("+81") else kept


class Flows:
    """All flows of a folder, ``<folder>/<contract>/flow.json``; the last good one of each contract."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loaded: dict[str, Loaded] = {}
        self._numbers: dict[str, str] = {}
        self._seen: dict[Path, tuple[int, ...]] = {}

    def of(self, numbers: Sequence[str]) -> tuple[Loaded, str] | None:
        """The flow that answers for the first of these numbers that is known, and that number."""
        for number in numbers:
            if contract := self._numbers.get(national(number)):
                return self.loaded[contract], national(number)
        return None

    def refresh(self) -> list[str]:
        """Load what changed; the contracts whose flow is another one now. Blocks: from a thread once calls run."""
        changed = []
        for path in sorted(self.folder.glob("*/flow.json")):
            try:
                found = path.stat()
            except OSError:
                continue
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if self._seen.get(path) == stamp:
                continue
            self._seen[path] = stamp
            try:
                loaded = self._load(path)
            except (FlowError, AudioError) as error:
                log.error("refused, the flow before it stays: %s", error)
                continue
            self.loaded[loaded.flow.contract] = loaded
            changed.append(loaded.flow.contract)
            log.info("flow %s, version %d", loaded.flow.contract, loaded.flow.version)
        if changed:
            self._numbers = self._table()
        return changed

    def _load(self, path: Path) -> Loaded:
        flow = read(path)
        if flow.contract != path.parent.name:
            raise FlowError(f"{path}: contract: {flow.contract!r} is not the name of its folder")
        before = self.loaded.get(flow.contract)
        known = before.audio if before else {}
        names = {name for files in flow.prompts.values() for name in files.values()}
        return Loaded(flow, {name: known.get(name) or Announcement.load(path.parent / "audio" / name) for name in names})

    def _table(self) -> dict[str, str]:
        table: dict[str, str] = {}
        for contract, loaded in self.loaded.items():
            for number in loaded.flow.numbers:
                if table.setdefault(national(number), contract) != contract:
                    log.error("%s is a number of %s already; %s does not get it", number, table[national(number)], contract)
        return table

    async def watch(self, changed: Any) -> None:
        """Look every second, in a thread, until cancelled; ``changed`` is called with the contracts that have a new flow."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                if contracts := await asyncio.to_thread(self.refresh):
                    changed(contracts)
            except Exception:
                log.exception("the folder of flows could not be read")
