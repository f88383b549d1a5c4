"""Figures of the telephone under a named definition. Pure: calls in, figures and the list of every excluded call out.

Words as the field uses them, and as they are printed beside each figure:

answer rate      応答率 = answered / offered. Offered leaves out what the definition excludes; each such call is listed with the reason.
service level    answered within ``service_level_seconds`` of waiting, of those offered
abandon rate     hung up before anybody answered (while waiting or before), of those offered
ASA              average speed of answer: mean wait of the answered, seconds
AHT              average handle time: mean of talk, hold and after-call work of the answered, seconds
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .enums import Outcome

Callbacks = Literal["answered_when_completed", "answered_at_once", "left_out", "not_answered"]


@dataclass(frozen=True, slots=True)
class Definition:
    """What counts. ``target`` is a share (0.8) or None where nothing was agreed.

    ``callbacks``: a call that ended in a wish to be called back counts as answered once the call-back was made, at once, is left out, or
    stays unanswered. ``short_seconds``: who hangs up sooner than that (counted from the offer) is left out if ``exclude_short``.
    """

    code: str = "standard"
    name: str = "標準の定義"
    exclude_closed: bool = True
    exclude_short: bool = False
    short_seconds: int = 0
    callbacks: Callbacks = "not_answered"
    service_level_seconds: int = 20
    target: float | None = None

    def sentence(self) -> str:
        """The definition as people read it."""
        parts = ["応答率＝応答した件数÷着信の件数。"]
        if self.exclude_closed:
            parts.append("受付時間外の着信は除く。")
        if self.exclude_short:
            parts.append(f"着信から{self.short_seconds}秒未満で切れた着信は除く。")
        parts.append(_CALLBACKS[self.callbacks])
        parts.append("通話中・待機中の着信は、終わるまで数えない。")
        return "".join(parts)


_CALLBACKS: dict[Callbacks, str] = {
    "answered_when_completed": "折り返し希望は、折り返して話せた時に応答に数える。",
    "answered_at_once": "折り返し希望は、受け付けた時に応答に数える。",
    "left_out": "折り返し希望は除く。",
    "not_answered": "折り返し希望は応答に数えない。",
}


@dataclass(frozen=True, slots=True)
class Counted:
    """What the figures need of a call. Seconds; None where there was none."""

    id: int
    opened_at: dt.datetime
    outcome: Outcome
    wait_seconds: int | None = None
    talk_seconds: int | None = None
    hold_seconds: int = 0
    wrapup_seconds: int | None = None
    total_seconds: int | None = None
    called_back: bool = False


@dataclass(frozen=True, slots=True)
class Excluded:
    """A call that does not count, and why."""

    call: Counted
    reason: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts, and rates as shares (None where nothing can be divided). Every call is in exactly one of the counts of ``received``."""

    definition: Definition
    received: int = 0
    closed: int = 0
    answered: int = 0
    abandoned: int = 0
    abandoned_menu: int = 0
    overflowed: int = 0
    callbacks: int = 0
    lost: int = 0
    ongoing: int = 0
    excluded: tuple[Excluded, ...] = field(default=())
    offered: int = 0
    counted_answered: int = 0
    answered_in_time: int = 0
    answer_rate: float | None = None
    service_level: float | None = None
    abandon_rate: float | None = None
    asa: float | None = None
    aht: float | None = None
    longest_wait: int | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target or without calls."""
        if self.definition.target is None or self.answer_rate is None:
            return None
        return self.answer_rate >= self.definition.target

    @property
    def unanswered(self) -> int:
        """Offered calls that nobody spoke with."""
        return self.offered - self.counted_answered


def figures(calls: Iterable[Counted], definition: Definition) -> Figures:
    """Count calls under a definition."""
    every = list(calls)
    kinds = {outcome: [c for c in every if c.outcome == outcome] for outcome in Outcome}
    excluded: list[Excluded] = []
    offered: list[Counted] = []
    for call in every:
        if call.outcome == Outcome.OPEN:
            continue
        reason = left_out(call, definition)
        if reason:
            excluded.append(Excluded(call, reason))
        else:
            offered.append(call)
    spoken = [c for c in offered if c.outcome == Outcome.ANSWERED]
    by_callback = [c for c in offered if c.outcome == Outcome.CALLBACK and _counts(c, definition)]
    in_time = sum((c.wait_seconds or 0) <= definition.service_level_seconds for c in spoken)
    gone = sum(c.outcome in (Outcome.ABANDONED, Outcome.ABANDONED_MENU) for c in offered)
    waits = [c.wait_seconds for c in every if c.wait_seconds is not None]
    handled = [(c.talk_seconds or 0) + c.hold_seconds + (c.wrapup_seconds or 0) for c in spoken if c.talk_seconds is not None]
    return Figures(
        definition=definition,
        received=len(every),
        closed=len(kinds[Outcome.CLOSED]),
        answered=len(kinds[Outcome.ANSWERED]),
        abandoned=len(kinds[Outcome.ABANDONED]),
        abandoned_menu=len(kinds[Outcome.ABANDONED_MENU]),
        overflowed=len(kinds[Outcome.OVERFLOWED]),
        callbacks=len(kinds[Outcome.CALLBACK]),
        lost=len(kinds[Outcome.LOST]),
        ongoing=len(kinds[Outcome.OPEN]),
        excluded=tuple(excluded),
        offered=len(offered),
        counted_answered=len(spoken) + len(by_callback),
        answered_in_time=in_time,
        answer_rate=_share(len(spoken) + len(by_callback), len(offered)),
        service_level=_share(in_time, len(offered)),
        abandon_rate=_share(gone, len(offered)),
        asa=_mean([c.wait_seconds or 0 for c in spoken]),
        aht=_mean(handled),
        longest_wait=max(waits, default=None),
    )


def left_out(call: Counted, definition: Definition) -> str:
    """Why a call does not count under a definition; empty when it counts."""
    if call.outcome == Outcome.CLOSED and definition.exclude_closed:
        return "受付時間外"
    if call.outcome == Outcome.CALLBACK and definition.callbacks == "left_out":
        return "折り返し希望"
    short = call.outcome in (Outcome.ABANDONED, Outcome.ABANDONED_MENU)
    if short and definition.exclude_short and (call.total_seconds or 0) < definition.short_seconds:
        return f"{definition.short_seconds}秒未満で切断"
    return ""


Verdict = Literal["ongoing", "excluded", "answered", "unanswered"]


def verdict(call: Counted, definition: Definition) -> Verdict:
    """What one call is under a definition, as :func:`figures` counts it."""
    if call.outcome == Outcome.OPEN:
        return "ongoing"
    if left_out(call, definition):
        return "excluded"
    by_callback = call.outcome == Outcome.CALLBACK and _counts(call, definition)
    return "answered" if call.outcome == Outcome.ANSWERED or by_callback else "unanswered"


def meanings(definition: Definition) -> dict[str, str]:
    """What each figure of :class:`Figures` means under a definition, in a sentence for people."""
    return {
        "answer_rate": definition.sentence(),
        "service_level": f"待ち始めてから{definition.service_level_seconds}秒以内に応答した件数÷対象の着信。折り返して話せた件数は入れない。",
        "abandon_rate": "人が応答する前に、相手が電話を切った件数（案内中と待機中）÷対象の着信。",
        "asa": "平均応答時間。人が応答した着信の待ち時間の平均。待ち時間は、呼び出しの列に入ってから応答まで。",
        "aht": "平均処理時間。人が応答した着信の、通話・保留・後処理の時間の合計の平均。後処理は、通話の終わりから応対の記録を保存するまで（30分まで）。",
        "longest_wait": "この期間に、応答・放棄・自動応答までに最も長く待った着信の待ち時間。",
        "offered": "対象の着信。受けた着信から、定義で除くものと、通話中・待機中のものを引いた件数。",
    }


def _counts(call: Counted, definition: Definition) -> bool:
    return definition.callbacks == "answered_at_once" or (definition.callbacks == "answered_when_completed" and call.called_back)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None
