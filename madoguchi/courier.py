"""Carries what the telephone exchange wrote to its spool into the database.

It runs in the worker, or beside the exchange where that stands on another machine (``madoguchi courier``). Events wait in the spool while the
database is away; what was carried twice changes nothing.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from django.conf import settings

from madoguchi.domain.calls.services.record import close_half_open, record_events
from madoguchi.domain.calls.words import plain_number
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel
from madoguchi.ground.privacy.sealing import SealError
from madoguchi.voice import spool
from madoguchi.voice.events import CallEvent
from madoguchi.voice.passes import derive

log = logging.getLogger("madoguchi.courier")

PROVIDER = "exchange"
EXCHANGE = Actor(ActorKind.SYSTEM, Channel.PHONE, label="電話交換機")
GROUP = 500
"""Events carried in one round; each contract's in one transaction."""


class Courier:
    """Remembers which run of the exchange it saw last, so that calls of an earlier one are closed once."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder = folder
        self.key = key
        self._run = ""

    def carry(self, now: dt.datetime) -> int:
        """Carry what waits; how many events. Raises ``DatabaseError`` when the database is away: they stay in the spool."""
        if not self.folder.is_dir():
            return 0
        carried = 0
        while group := list(islice(spool.pending(self.folder, self.key), GROUP)):
            self._record([event for _, event in group], now)
            spool.done(self.folder, group[-1][0])
            carried += len(group)
        self._close_former(now)
        return carried

    def _record(self, events: list[CallEvent], now: dt.datetime) -> None:
        contracts = {contract.code: contract for contract in Contract.objects.all()}
        by_contract: dict[str, list[CallEvent]] = {}
        for event in events:
            by_contract.setdefault(event.contract or _of_number(contracts.values(), event.dialled), []).append(event)
        for code, told in by_contract.items():
            if code not in contracts:
                log.error("courier: %d events of the unknown contract %r were left out", len(told), code)
                continue
            try:
                record_events(contracts[code], told, by=EXCHANGE, now=now)
            except SealError:
                log.error("courier: %d events of %s were left out: its keys are erased, so nothing of its callers is kept", len(told), code)

    def _close_former(self, now: dt.datetime) -> None:
        runs = spool.runs(self.folder)
        if not runs or runs[-1] == self._run:
            return
        for contract in Contract.objects.all():
            closed = close_half_open(contract, now=now, provider=PROVIDER, run=runs[-1])
            if closed:
                log.warning("courier: %d calls of %s ended with a former exchange; they are closed as lost", closed, contract.code)
        self._run = runs[-1]


def _of_number(contracts: Iterable[Contract], dialled: str) -> str:
    """The contract whose profile names a number, for a call for which the exchange had no flow; empty when it is nobody's."""
    for contract in contracts:
        telephone = contract.profile.telephone if contract.active else None
        if telephone and plain_number(dialled) in map(plain_number, telephone.numbers):
            return contract.code
    return ""


_courier: Courier | None = None


def carry(now: dt.datetime) -> int:
    """Carry what waits in this installation's spool."""
    global _courier
    if not settings.VOICE_SECRET:
        return 0
    if _courier is None:
        _courier = Courier(Path(settings.VOICE_DIR) / "spool", derive(settings.VOICE_SECRET, "spool"))
    return _courier.carry(now)
