"""The month of the telephone under every definition, with every call that does not count and why."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from madoguchi.ground.contracts.models import Contract

from .. import rules
from ..figures import Counted, Definition, Figures, figures, left_out, verdict
from .board import by_day
from .calls import Unanswered, counted, unanswered

VERDICTS = {"answered": "応答", "unanswered": "不応答", "excluded": "除外", "ongoing": "通話・待機中"}


@dataclass(frozen=True)
class Month:
    """One month, from its first to its last day. ``days`` is counted under the contract's own definition, the first."""

    first: dt.date
    last: dt.date
    calls: tuple[Counted, ...]
    figures: tuple[Figures, ...]
    days: tuple[tuple[dt.date, Figures], ...]
    unanswered: tuple[Unanswered, ...]


def month_of(contract: Contract, day: dt.date) -> Month:
    """The month of a day; three statements for any number of calls. Inside ``contract_scope``."""
    first = day.replace(day=1)
    last = (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
    calls = counted(contract, first, last)
    definitions = rules.definitions(contract.profile)
    return Month(
        first=first,
        last=last,
        calls=tuple(calls),
        figures=tuple(figures(calls, one) for one in definitions),
        days=by_day(calls, definitions[0]),
        unanswered=tuple(unanswered(contract, first, last)),
    )


def columns(definitions: tuple[Definition, ...]) -> list[str]:
    """The head of the list of calls for checking by hand: two columns per definition after those of the call."""
    return ["番号", "着信", "結果", "待ち（秒）", "通話（秒）", "保留（秒）", "後処理（秒）", "全体（秒）", "折り返して話せた"] + [
        text for one in definitions for text in (f"{one.name}：数え方", f"{one.name}：除いた理由")
    ]


def lines(month: Month) -> list[list[str | int | dt.datetime | None]]:
    """One line per call in the order of :func:`columns`, without anything that names the caller."""
    found: list[list[str | int | dt.datetime | None]] = []
    for call in month.calls:
        line: list[str | int | dt.datetime | None] = [
            call.id, call.opened_at, str(call.outcome.label), call.wait_seconds, call.talk_seconds, call.hold_seconds,
            call.wrapup_seconds, call.total_seconds, "はい" if call.called_back else "",
        ]  # fmt: skip
        for one in month.figures:
            line += [VERDICTS[verdict(call, one.definition)], left_out(call, one.definition)]
        found.append(line)
    return found
