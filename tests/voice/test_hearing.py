"""What callers hear, by real SIP and RTP on loopback: the recording is compared with the announcement."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import pytest

from madoguchi.voice.legs import PCMA, PCMU

from .scene import CLOSED, HOLIDAY, YEAR_END, make_flow, town


@pytest.mark.req("CALL-01")
@pytest.mark.parametrize(("now", "prompt"), [(CLOSED, "closed"), (HOLIDAY, "holiday"), (YEAR_END, "year_end")])
@pytest.mark.parametrize("law", [PCMU, PCMA])
def test_who_calls_outside_the_hours_hears_why(tmp_path: Path, now: dt.datetime, prompt: str, law: int) -> None:
    make_flow(tmp_path)

    async def play() -> None:
        async with town(tmp_path, now=now) as here:
            caller = await here.call(law=law)
            assert await caller.hears(prompt) >= 0.95
            assert await asyncio.wait_for(caller.ended, 3) == "bye"
            await here.happened("ended")
            assert here.events.kinds() == ["offered", "announced", "ended"]
            assert here.events.of("offered")[0].data["state"] == prompt
            assert dict(here.events.of("ended")[0].data) == {"by": "system", "why": "announced"}
            assert here.events.of("offered")[0].caller == "+819012345678"

    asyncio.run(play())
