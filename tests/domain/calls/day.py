"""A synthetic day of 200 calls whose figures were computed by hand, put on record as a telephone system would tell it."""

from __future__ import annotations

import datetime as dt
import random

from madoguchi.domain.calls.enums import CallbackEnd, TryOutcome
from madoguchi.domain.calls.figures import Definition
from madoguchi.domain.calls.models import Call, Callback
from madoguchi.domain.calls.services import callbacks
from madoguchi.domain.calls.services.contacts import Said, record
from madoguchi.domain.calls.services.record import record_events
from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.voice.events import CallEvent

from .told import NINE, abandoned, callback, closed, overflowed, told

EVENING = NINE + dt.timedelta(hours=10)
RECEIVED = 200
"""140 answered (105 after 10 s, 35 after 50 s; talk 200 s, hold 20 s; 70 of them with 40 s of after-call work), 22 abandoned while waiting (2 of
them within 4 s), 6 in the menu (3 s), 9 automatic answer, 8 call-backs asked for (4 reached, 1 called again), 12 closed, 1 lost, 2 going on."""
BY_HAND = [
    (Definition(code="standard", name="標準", target=0.8), 186, 140, "75.3%"),
    (Definition(code="all", name="時間外も数える", exclude_closed=False), 198, 140, "70.7%"),
    (Definition(code="short", name="短い着信を除く", exclude_short=True, short_seconds=5), 178, 140, "78.7%"),
    (Definition(code="done", name="折り返し完了", callbacks="answered_when_completed"), 186, 145, "78.0%"),
    (Definition(code="once", name="折り返し受付", callbacks="answered_at_once"), 186, 148, "79.6%"),
    (Definition(code="out", name="折り返しを除く", callbacks="left_out"), 178, 140, "78.7%"),
    (Definition(code="both", name="両方", exclude_short=True, short_seconds=5, callbacks="answered_when_completed"), 178, 145, "81.5%"),
]
"""(definition, offered, answered, answer rate): 140/186, 140/198, 140/178, 145/186, 148/186, 140/178, 145/178."""


CLEAR = {"state": "open"}
GONE = {"by": "caller"}
TOLD: dict[str, tuple[tuple[object, ...], ...]] = {
    "fast": (("offered", 0, CLEAR), ("queued", 5), ("answered", 15, "user:1"), ("held", 100), ("resumed", 120), ("ended", 235, GONE)),
    "slow": (("offered", 0, CLEAR), ("queued", 5), ("answered", 55, "user:1"), ("held", 100), ("resumed", 120), ("ended", 275, GONE)),
    "short": (("offered", 0), ("queued", 1), ("abandoned", 4), ("ended", 4)),
    "menu": (("offered", 0), ("ended", 3, GONE)),
    "lost": (("offered", 0), ("queued", 2), ("ended", 9, {"why": "lost", "by": "system"})),
    "open": (("offered", 0), ("queued", 2)),
}
MADE = {"gone": abandoned, "over": overflowed, "back": callback}


def events() -> list[CallEvent]:
    """The 200 calls between 9:00 and 15:14, two minutes apart, every tenth without a number; those of closed hours from 18:00."""
    made: list[CallEvent] = []
    kinds = ["fast"] * 105 + ["slow"] * 35 + ["gone"] * 20 + ["short"] * 2 + ["menu"] * 6 + ["over"] * 9 + ["back"] * 8 + ["lost"] + ["open"] * 2
    random.Random(3).shuffle(kinds)
    for n, kind in enumerate(kinds):
        start, call = NINE + dt.timedelta(minutes=2 * n), f"c{n}"
        caller = "" if n % 10 == 7 and kind != "back" else f"+8190{10_000_000 + n}"
        made += MADE[kind](call, start=start, caller=caller) if kind in MADE else told(call, *TOLD[kind], start=start, caller=caller)
    for n in range(12):
        made += closed(f"z{n}", start=NINE + dt.timedelta(hours=9, minutes=n), caller=f"+8170{10_000_000 + n}")
    return made


def record_day(contract: Contract) -> None:
    """Put the day on record in pieces and out of order, and do what people did afterwards."""
    every = events()
    random.Random(5).shuffle(every)
    for n in range(0, len(every), 150):
        record_events(contract, every[n : n + 150], by=SYSTEM, now=EVENING)
    user = User.objects.create_user("operator@example.jp", None, name="応対 花子")
    for one in list(Callback.objects.order_by("asked_at"))[:4]:
        callbacks.tried(contract, one.pk, outcome=TryOutcome.REACHED, user=user, by=SYSTEM, now=EVENING)
    again = Callback.objects.filter(ended_at=None).order_by("asked_at")[0]
    callbacks.end(contract, again.pk, outcome=CallbackEnd.CALLED_AGAIN, by=SYSTEM, now=EVENING)
    for call in Call.objects.filter(outcome="answered").order_by("opened_at")[:70]:
        assert call.ended_at is not None
        record(contract, Said("book", "solved"), call=call, user=user, by=SYSTEM, now=call.ended_at + dt.timedelta(seconds=40))
