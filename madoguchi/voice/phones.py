"""SIP telephones as operators' devices. Alone a telephone is ready while it is registered, and a break ends with its next registration; where
the operator's page is its screen, the operator says so there."""

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
        screen = self.exchange.screens.get(self.operator.name) if self.operator else None
        if screen is None:
            return await self._ring(what, seconds)
        screen.ringing(what)
        why = "gone"
        try:
            leg = await self._ring(what, seconds)
            why = "answered"
            return leg
        except NotAnswered as missed:
            why = missed.why
            raise
        finally:
            screen.stopped(what.call, why)

    async def _ring(self, what: Ringing, seconds: float) -> Leg:
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
        if end != "hung_up" and self.operator is not None and self.operator.device is self:
            self.exchange.spawn(self._hung_up(self.operator))

    async def _hung_up(self, operator: Operator) -> None:
        try:
            await self.exchange.hang_up(operator)
        except Refused:
            log.debug("%s was not talking any more", operator.name)

    async def tell(self, message: Mapping[str, Any]) -> None:
        """A telephone shows nothing; its screen is told by the exchange."""

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
    """Signs operators in and out as their telephones register and as people sit down at them, which the flows say. A browser of the same
    operator has precedence; what ends in the middle of a talk counts from its end."""

    def __init__(self, exchange: Exchange, registrar: Registrar) -> None:
        self.exchange = exchange
        self.registrar = registrar
        self._devices: dict[str, Telephone] = {}
        registrar.on_change = self._changed

    def look(self) -> None:
        """Bring telephones in line with the flows: now and then, and when a flow is another one."""
        self.registrar.expire()
        for user in list(self.registrar.bindings):
            self._follow(user)

    def _changed(self, user: str, binding: Binding | None) -> None:
        device = self._follow(user)
        if device is None or device.operator is None or device.operator.device is not device:
            return
        operator = device.operator
        if operator.state == "break" and operator.name not in self.exchange.screens:
            self.exchange.set_state(operator, "ready")

    def _owner(self, user: str) -> Operator | None:
        """Who sits at a telephone now, with all contracts for which somebody of that name does."""
        named = [(loaded.flow, phone) for loaded in self.exchange.flows.loaded.values() for phone in loaded.flow.phones if phone.operator]
        name = next((phone.operator for _, phone in named if phone.user == user), "")
        mine = [(flow, phone) for flow, phone in named if phone.operator == name]
        contracts = dict.fromkeys(code for flow, phone in mine for code in phone.contracts or (flow.contract,))
        return Operator(name, tuple(contracts), supervisor=any(phone.supervisor for _, phone in mine)) if name else None

    def _follow(self, user: str) -> Telephone | None:
        """The device of a telephone that is registered and at which somebody sits; else it is taken away."""
        binding, owner = self.registrar.bindings.get(user), self._owner(user)
        device = self._devices.get(user)
        if device is not None and (binding is None or owner is None or (device.operator and device.operator.name != owner.name)):
            del self._devices[user]
            device.gone = True
            if device.operator is not None and not device.busy:
                self.exchange.sign_out(device.operator, device)
            device = None
        if binding is None or owner is None:
            return None
        if device is None:
            device = self._devices[user] = Telephone(self.exchange, binding)
        device.binding = binding
        known = self.exchange.desk.operators.get(owner.name)
        if known is None or known.device is None:
            owner.device = device
            device.operator = self.exchange.sign_in(owner)
            if owner.name not in self.exchange.screens:
                self.exchange.set_state(device.operator, "ready")
        elif known.device is device:
            known.contracts, known.supervisor = owner.contracts, owner.supervisor
        return device
