"""The flows in a folder, with their announcements in memory. Read anew when a file changes; a broken file changes nothing, also at a start:
the last flow that could be used is kept beside it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from .flow import GOOD, Flow, FlowError, keep, read
from .media import Announcement, AudioError

log = logging.getLogger(__name__)

EVERY: Final = 1.0
OUT_OF_ORDER: Final = Path(__file__).with_name("out_of_order.wav")
"""What callers hear when there is no flow for them; ``tools/out_of_order.py`` speaks it."""

Standing = Literal["current", "last_good", "none"]
"""How a contract is answered: by its file; by the flow before it, since the file cannot be used; by :data:`OUT_OF_ORDER`."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """A flow that callers can hear. A call keeps the one it began with."""

    flow: Flow
    audio: dict[str, Announcement]

    def frames(self, prompt: str, language: str, law: int) -> Sequence[bytes]:
        """The frames of a prompt; none where the flow has no such text."""
        name = self.flow.audio(prompt, language)
        return self.audio[name].frames(law) if name else ()

    def spoken(self, number: str, language: str, law: int) -> list[bytes]:
        """The frames of a number read out digit by digit."""
        return [frame for name in self.flow.spoken(number, language) for frame in self.audio[name].frames(law)]


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
        self._refused: set[str] = set()
        self._sorry = Announcement.load(OUT_OF_ORDER)

    def of(self, numbers: Sequence[str]) -> tuple[Loaded, str] | None:
        """The flow that answers for the first of these numbers that is known, and that number."""
        for number in numbers:
            if contract := self._numbers.get(national(number)):
                return self.loaded[contract], national(number)
        return None

    def standing(self, contract: str) -> Standing:
        """How a contract is answered now."""
        return "none" if contract not in self.loaded else "last_good" if contract in self._refused else "current"

    def standings(self) -> dict[str, Standing]:
        """The same of every contract that has a flow or should have one."""
        return {contract: self.standing(contract) for contract in sorted({*self.loaded, *self._refused})}

    def out_of_order(self, number: str) -> Loaded | None:
        """What answers a number that no flow knows, while a flow is missing: it may be the one of that number. It knows no contract."""
        if self.loaded and "none" not in self.standings().values():
            return None
        names = ("greeting", "closed", "holiday", "year_end", "full", "callback", "callback_done", "connect", "hold")
        sorry = {name: {"ja": OUT_OF_ORDER.name} for name in names}
        flow = Flow.model_validate({"contract": "", "version": 0, "name": "", "numbers": (number,), "days": {}, "prompts": sorry})
        return Loaded(flow, {OUT_OF_ORDER.name: self._sorry})

    def refresh(self) -> list[str]:
        """Load what changed; the contracts whose flow is another one now. Blocks: from a thread once calls run."""
        changed = []
        for home in sorted({path.parent for path in self.folder.glob("*/flow*.json")}):
            path = home / "flow.json"
            try:
                found = path.stat()
                stamp: tuple[int, ...] = (found.st_mtime_ns, found.st_size, found.st_ino)
            except OSError:
                stamp = ()
            if self._seen.get(path) == stamp:
                continue
            self._seen[path] = stamp
            loaded = self._usable(home)
            if loaded is None:
                continue
            self.loaded[home.name] = loaded
            changed.append(home.name)
            log.info("flow %s, version %d", home.name, loaded.flow.version)
        if changed:
            self._numbers = self._table()
        return changed

    def _usable(self, home: Path) -> Loaded | None:
        """The flow of a contract's file; else, when there is none yet, the last good one. ``None`` when nothing changes."""
        try:
            loaded = self._load(home / "flow.json")
        except (FlowError, AudioError) as error:
            self._refused.add(home.name)
            if home.name in self.loaded:
                log.error("refused, the flow before it stays: %s", error)
                return None
            try:
                loaded = self._load(home / GOOD)
            except (FlowError, AudioError) as other:
                log.error("refused, and there is none before it: %s; %s", error, other)
                return None
            log.error("refused, the last good one (version %d) answers: %s", loaded.flow.version, error)
            return loaded
        self._refused.discard(home.name)
        try:
            keep(home, loaded.flow)
        except OSError as error:
            log.warning("no copy of the flow can be kept, which a start with a broken file would need: %s", error)
        return loaded

    def _load(self, path: Path) -> Loaded:
        flow = read(path)
        if flow.contract != path.parent.name:
            raise FlowError(f"{path}: contract: {flow.contract!r} is not the name of its folder")
        before = self.loaded.get(flow.contract)
        known = before.audio if before else {}
        return Loaded(flow, {name: known.get(name) or Announcement.load(path.parent / "audio" / name) for name in flow.files()})

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
