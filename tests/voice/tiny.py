"""The smallest exchange that keeps to :class:`madoguchi.voice.operators.Exchange`: one call at a time, and a note of every wish."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
from typing import Any, Literal

from madoguchi.voice.legs import CODECS, FRAME, PCMU, Leg, join, part
from madoguchi.voice.operators import Device, Operator, Refused, Ringing
from madoguchi.voice.passes import Pass, seal

KEY = b"k" * 32
ORIGIN = "http://127.0.0.1:15200"
NOW = dt.datetime(2026, 11, 25, 10, 0, tzinfo=dt.timezone(dt.timedelta(hours=9)))
CALL = Ringing(
    call="c1", contract="hatsukaichi", number="+81829301234", withheld=False, choice="booking", choice_label="予約",
    language="ja", queue="main", waited=12.0,
)  # fmt: skip


def clock() -> dt.datetime:
    return NOW


def a_pass(operator: str = "op1", **values: Any) -> str:
    until = int(NOW.timestamp()) + 600
    return seal(Pass(**{"operator": operator, "contracts": ("hatsukaichi",), "until": until, **values}), KEY)


def tone(hertz: int, frame: int) -> bytes:
    """A frame of 20 ms in µ-law; ``frame`` counts, so that one follows the other without a click."""
    samples = (int(8000 * math.sin(2 * math.pi * hertz * (frame * FRAME + i) / 8000)) for i in range(FRAME))
    return CODECS[PCMU].encode(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))


def loudest(frames: list[bytes]) -> int:
    """The frequency in hertz that is strongest in frames of µ-law."""
    import numpy as np

    samples = np.frombuffer(b"".join(CODECS[PCMU].decode(frame) for frame in frames), "<i2").astype(float)
    return round(float(np.abs(np.fft.rfft(samples)).argmax() * 8000 / len(samples)))


class Caller(Leg):
    """Somebody on the trunk who hums 440 Hz and remembers what he hears."""

    def __init__(self) -> None:
        super().__init__(PCMU)
        self.heard: list[bytes] = []
        self._humming = asyncio.create_task(self._hum())

    def transmit(self, payload: bytes) -> None:
        self.heard.append(payload)

    async def close(self) -> None:
        self._humming.cancel()

    async def _hum(self) -> None:
        begun = asyncio.get_running_loop().time()
        for frame in range(100_000):
            await asyncio.sleep(max(0, begun + frame * 0.02 - asyncio.get_running_loop().time()))
            self.receive(tone(440, frame), PCMU)


class TinyExchange:
    def __init__(self) -> None:
        self.operators: dict[str, Operator] = {}
        self.wishes: list[tuple[Any, ...]] = []
        self.returns: asyncio.Queue[Leg] = asyncio.Queue()
        self.signed_out: asyncio.Queue[Operator] = asyncio.Queue()
        self.caller: Leg | None = None

    def sign_in(self, operator: Operator) -> Operator:
        known = self.operators.setdefault(operator.name, operator)
        known.device = operator.device
        if known.state == "offline":
            known.state = "break"
        return known

    def sign_out(self, operator: Operator, device: Device) -> None:
        if operator.device is device:
            operator.device = None
            if self.caller is not None:
                part(self.caller)
            self.signed_out.put_nowait(operator)

    def set_state(self, operator: Operator, state: Literal["ready", "break"]) -> None:
        operator.state, operator.since = state, NOW.timestamp()
        self._tell(operator, {"type": "state", "state": state, "since": operator.since})

    def _tell(self, operator: Operator, message: dict[str, Any]) -> None:
        assert operator.device is not None
        self._telling = asyncio.ensure_future(operator.device.tell(message))

    async def call(self, operator: Operator, caller: Leg, *, seconds: float = 10) -> Leg:
        """Ring and talk."""
        assert operator.device is not None
        self.caller, operator.call, operator.state = caller, CALL.call, "ringing"
        leg = await operator.device.ring(CALL, seconds=seconds)
        operator.state, operator.since = "talking", NOW.timestamp()
        join(caller, leg)
        await operator.device.tell({"type": "connected", "call": CALL.call, "since": operator.since})
        return leg

    async def returned(self, operator: Operator, leg: Leg) -> None:
        assert self.caller is not None
        part(self.caller)
        join(self.caller, leg)
        self.returns.put_nowait(leg)

    async def hang_up(self, operator: Operator) -> None:
        assert operator.device is not None
        if self.caller is not None:
            part(self.caller)
        operator.call, operator.state = "", "wrapup"
        await operator.device.tell({"type": "ended", "call": CALL.call, "by": "operator", "wrapup_seconds": 60})
        await operator.device.tell({"type": "state", "state": "wrapup", "since": NOW.timestamp()})

    async def hold(self, operator: Operator, on: bool) -> None:
        self.wishes.append(("hold", on))

    async def transfer(self, operator: Operator, to: str, *, attended: bool) -> None:
        raise Refused(f"{to}さんは電話に出られません。")

    async def complete(self, operator: Operator) -> None:
        self.wishes.append(("complete",))

    async def take_back(self, operator: Operator) -> None:
        raise RuntimeError("as if")

    async def dial(self, operator: Operator, number: str, *, contract: str, callback: str) -> None:
        self.wishes.append(("dial", number, contract, callback))

    def board(self, contracts: tuple[str, ...]) -> dict[str, Any]:
        return {"waiting": [], "longest": 0, "contracts": contracts}

    def seconds(self) -> float:
        return NOW.timestamp()

    def load(self) -> dict[str, int]:
        return {"calls": 0, "operators": len(self.operators), "waiting": 0}
