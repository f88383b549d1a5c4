"""Operators as the exchange sees them, and what a device (browser, SIP telephone) and the exchange ask of each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from .legs import Leg

State = Literal["offline", "ready", "ringing", "talking", "wrapup", "break"]


@dataclass(frozen=True, slots=True)
class Ringing:
    """What an operator sees while it rings. ``number`` is empty when withheld; ``waited`` in seconds since the call came in.

    ``kind`` tells a caller from the trunk, a colleague who hands over (``text`` may say why), and a call-back that the operator started.
    """

    call: str
    contract: str
    number: str
    withheld: bool
    choice: str
    choice_label: str
    language: str
    queue: str
    waited: float
    kind: Literal["call", "transfer", "callback"] = "call"
    by: str = ""


class NotAnswered(Exception):
    """The operator did not take it: ``timeout``, ``declined``, or ``gone`` (the device vanished)."""

    def __init__(self, why: Literal["timeout", "declined", "gone"]) -> None:
        super().__init__(why)
        self.why = why


class Screen(Protocol):
    """A page that shows what an operator's SIP telephone does. Nothing here raises."""

    def ringing(self, what: Ringing) -> None:
        """The telephone rings."""

    def stopped(self, call: str, why: str) -> None:
        """It rings no more: ``answered``, ``timeout``, ``declined`` or ``gone``."""

    async def tell(self, message: Mapping[str, Any]) -> None:
        """As :meth:`Device.tell`."""


class Device(Protocol):
    """How an operator is reached."""

    async def ring(self, what: Ringing, *, seconds: float) -> Leg:
        """Ring; the leg once taken. Raises :class:`NotAnswered`. Cancelling the task stops the ringing."""

    async def tell(self, message: Mapping[str, Any]) -> None:
        """Show something (see ``docs/operations/exchange-messages.md``); a device without a screen ignores it. Never raises."""

    async def hang_up(self) -> None:
        """The call is over: end this device's part of it."""


@dataclass(eq=False)
class Operator:
    """Somebody who can be rung. ``idle_since`` orders who is rung next; ``call`` is the call that rings or is talked in."""

    name: str
    contracts: tuple[str, ...]
    device: Device | None = None
    supervisor: bool = False
    state: State = "offline"
    since: float = 0.0
    call: str = ""
    away_after_call: bool = field(default=False)


class Exchange(Protocol):
    """What a device may ask of the exchange. A wish that cannot be met raises :class:`Refused` with words for the operator."""

    def sign_in(self, operator: Operator) -> Operator:
        """Take an operator in, or give the new device to the one of that name who is there already (a browser that came back): the
        operator returned is the one to use. State stays what it was; ``offline`` becomes ``break``."""

    def sign_out(self, operator: Operator, device: Device) -> None:
        """That device is gone. Talking: the caller hears ``hold`` and the operator has 30 seconds to come back."""

    def watch(self, operator: Operator, screen: Screen) -> Operator:
        """Show on a page what the SIP telephone of an operator does. Who sits where is said by the flows; until the telephone is there the
        operator returned is ``offline``."""

    def unwatch(self, operator: Operator, screen: Screen) -> None:
        """That page is gone. The telephone goes on."""

    def set_state(self, operator: Operator, state: Literal["ready", "break"]) -> None:
        """Ready ends a wrap-up; a break while talking begins after the call."""

    async def returned(self, operator: Operator, leg: Leg) -> None:
        """The operator came back with a new leg: bridge it to the call that waits."""

    async def hang_up(self, operator: Operator) -> None: ...

    async def hold(self, operator: Operator, on: bool) -> None: ...

    async def transfer(self, operator: Operator, to: str, *, attended: bool) -> None:
        """To an operator's name, or ``supervisor`` for whichever is free. Blind: leave at once. Attended: the caller is on hold, the two
        talk, then :meth:`complete` or :meth:`take_back`."""

    async def complete(self, operator: Operator) -> None: ...

    async def take_back(self, operator: Operator) -> None: ...

    async def dial(self, operator: Operator, number: str, *, contract: str, callback: str) -> None:
        """Call back through the trunk; the events carry ``data.callback``."""

    def board(self, contracts: tuple[str, ...]) -> dict[str, Any]:
        """Who waits (call, since, choice), longest wait in seconds, operators with state and since, how each contract's flow stands; for the
        supervisor's page."""

    def seconds(self) -> float:
        """The clock of :attr:`Operator.since`."""

    def load(self) -> dict[str, Any]:
        """How many ``calls`` there are now, ``operators`` signed in and callers ``waiting``, and how each contract's ``flows`` stand
        (:data:`.flows.Standing`); for the health page."""


class Refused(Exception):
    """What was asked cannot be done now; the message says why, in Japanese, to the operator."""
