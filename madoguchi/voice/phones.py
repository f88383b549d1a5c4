"""SIP telephones as operators' devices. A telephone has no screen: it is ready while it is registered, and a break ends with its next registration."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from .exchange import Exchange, settle
from .flows import Flows
from .legs import Leg
from .operators import NotAnswered, Operator, Refused, Ringing
from .rtp import RtpLeg
from .sip.calls import End, Outgoing
from .sip.registrar import Binding, Registrar

log = logging.getLogger(__name__)

BUSY = (480, 486, 600, 603)


class Telephone:
    """The device of one registered telephone."""

    def __init__(self, exchange: Exchange, binding: Binding) -> None:
        self.exchange = exchange
        self.binding = binding
        self.operator: Operator | None = None
        self.gone = False
        self._call: Outgoing | None = None
        self._leg: RtpLeg | None = None

    async def ring(self, what: Ringing, *, seconds: float) -> Leg:
        leg = self._leg = RtpLeg(self.exchange.ports, advertised=self.exchange.advertised)
        call = self._call = self.exchange.endpoint.call(
            self.binding.uri, self.binding.source, number=what.number, name=shown(what), rtp=leg.address
        )
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[End | None] = loop.create_future()
        rang: asyncio.Future[None] = loop.create_future()
        call.on_media = leg.agree
        call.on_answer = lambda media: settle(ended, None)
        call.on_ringing = lambda: settle(rang, None)
        call.on_end = lambda end: settle(ended, end)
        call.begin()
        try:
            end = await asyncio.wait_for(ended, seconds)
        except TimeoutError:
            await self.hang_up()
            raise NotAnswered("timeout" if rang.done() else "gone") from None
        except asyncio.CancelledError:
            await self.hang_up()
            raise
        if end is not None or call.media is None:
            await self.hang_up()
            raise NotAnswered("declined" if call.code in BUSY else "gone")
        leg.agree(call.media)
        call.on_end = lambda end: self._left(end)
        return leg

    def _left(self, end: End) -> None:
        """The telephone hung up, or its line died."""
        if end != "hung_up" and self.operator is not None:
            self.exchange.spawn(self._hung_up(self.operator))

    async def _hung_up(self, operator: Operator) -> None:
        try:
            await self.exchange.hang_up(operator)
        except Refused:
            log.debug("%s was not talking any more", operator.name)

    async def tell(self, message: Mapping[str, Any]) -> None:
        """A telephone shows nothing."""

    @property
    def busy(self) -> bool:
        """Whether it rings or talks."""
        return self._call is not None

    async def hang_up(self) -> None:
        call, leg = self._call, self._leg
        self._call = self._leg = None
        if call is not None:
            call.hang_up()
        if leg is not None:
            await leg.close()
        if self.gone and self.operator is not None:
            self.exchange.sign_out(self.operator, self)


def shown(what: Ringing) -> str:
    """The name on the telephone's display: what the caller chose, and who hands over."""
    text = f"{what.by} → {what.choice_label}" if what.by else what.choice_label
    return "".join(c for c in text if c.isprintable() and c not in '"\\<>')[:40]


def password_of(flows: Flows) -> Callable[[str], str | None]:
    """The HA1 of a telephone's user, from the flows as they are when it is asked."""

    def find(user: str) -> str | None:
        phones = (phone for loaded in flows.loaded.values() for phone in loaded.flow.phones)
        return next((phone.ha1 for phone in phones if phone.user == user), None)

    return find


class Telephones:
    """Signs operators in and out as their telephones register. A browser of the same operator has precedence; a registration that ends
    in the middle of a talk counts from its end."""

    def __init__(self, exchange: Exchange, registrar: Registrar) -> None:
        self.exchange = exchange
        self._devices: dict[str, Telephone] = {}
        registrar.on_change = self._changed

    def _owner(self, user: str) -> tuple[str, tuple[str, ...]] | None:
        """The operator of a telephone and the contracts that name it."""
        flows = [loaded.flow for loaded in self.exchange.flows.loaded.values()]
        names = [phone.operator for flow in flows for phone in flow.phones if phone.user == user]
        if not names:
            return None
        return names[0], tuple(flow.contract for flow in flows if any(p.operator == names[0] for p in flow.phones))

    def _changed(self, user: str, binding: Binding | None) -> None:
        owner = self._owner(user)
        if binding is None or owner is None:
            device = self._devices.pop(user, None)
            if device is not None:
                device.gone = True
                if device.operator is not None and not device.busy:
                    self.exchange.sign_out(device.operator, device)
            return
        name, contracts = owner
        device = self._devices.setdefault(user, Telephone(self.exchange, binding))
        device.binding = binding
        known = self.exchange.desk.operators.get(name)
        if known is None or known.device is None or known.device is device:
            device.operator = self.exchange.sign_in(Operator(name, contracts, device))
            if device.operator.state == "break":
                self.exchange.set_state(device.operator, "ready")
