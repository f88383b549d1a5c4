"""Decisions of the stock: pure, the day comes in."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from madoguchi.ground.contracts.profile import Cards

from .enums import DifferenceKind, MoveKind, Spot, State

LIVE = frozenset({State.REGISTERED, State.SET_UP, State.CHECKED, State.NOTIFIED, State.RENOTIFIED, State.PROPOSED})
"""States of cards that are in the stock."""
ENDED = frozenset(State) - LIVE
TOLD = frozenset({State.NOTIFIED, State.RENOTIFIED})
"""States in which the resident may come for the card."""
AT_HAND = frozenset({Spot.TRAY, Spot.SLOT, Spot.PICK})
BACK = "back"
"""The state before the last change, in the place of a fixed one."""


class Right(StrEnum):
    """Whose hand a step needs; ``ground/accounts/access.py`` and the profile say which roles have it."""

    WORK = "work"
    LEAD = "lead"
    DECIDE = "decide"


@dataclass(frozen=True)
class Step:
    """One line of the state machine: from which states and places, to what, by whom. ``to`` None keeps the state."""

    kind: MoveKind
    begins: frozenset[State]
    to: State | str | None
    right: Right = Right.WORK
    spots: frozenset[Spot] = AT_HAND
    lands: Spot | None = None


_K = MoveKind
_SETTLED = LIVE - {State.SET_UP, State.PROPOSED}
STEPS: dict[MoveKind, Step] = {
    step.kind: step
    for step in (
        Step(_K.SET_UP, frozenset({State.REGISTERED}), State.SET_UP, lands=Spot.TRAY),
        Step(_K.PASSED, frozenset({State.SET_UP}), State.CHECKED),
        Step(_K.FAILED, frozenset({State.SET_UP}), State.REGISTERED),
        Step(_K.NOTIFIED, frozenset({State.CHECKED}), State.NOTIFIED),
        Step(_K.RENOTIFIED, frozenset({State.NOTIFIED}), State.RENOTIFIED),
        Step(_K.PUT, LIVE, None, spots=AT_HAND | {Spot.LOST}, lands=Spot.SLOT),
        Step(_K.LAID_OUT, LIVE, None, spots=frozenset({Spot.SLOT, Spot.PICK, Spot.LOST}), lands=Spot.TRAY),
        Step(_K.PICKED, TOLD, None, spots=frozenset({Spot.TRAY, Spot.SLOT}), lands=Spot.PICK),
        Step(_K.LOST, LIVE, None, Right.LEAD, lands=Spot.LOST),
        Step(_K.ISSUED, TOLD, State.ISSUED, lands=Spot.GONE),
        Step(_K.RETURNED, _SETTLED, State.RETURNED, lands=Spot.GONE),
        Step(_K.PROPOSED, _SETTLED, State.PROPOSED),
        Step(_K.REJECTED, frozenset({State.PROPOSED}), BACK, Right.DECIDE, spots=frozenset(Spot)),
        Step(_K.DISPOSED, frozenset({State.PROPOSED}), State.DISPOSED, Right.DECIDE, lands=Spot.GONE),
        Step(_K.TAKEN_BACK, frozenset({State.ISSUED, State.RETURNED}), BACK, Right.LEAD, frozenset({Spot.GONE}), Spot.TRAY),
    )
}
"""Every step but the first (registration) and those that leave state and place alone (links to reservations)."""

_MAY = {
    _K.SET_UP: "交付前設定ができるのは、設定待ちのカードです。",
    _K.PASSED: "確認できるのは、交付前設定が済んだカードです。",
    _K.FAILED: "差し戻せるのは、確認待ちのカードです。",
    _K.NOTIFIED: "交付通知を記録できるのは、設定の確認まで済んだカードです。",
    _K.RENOTIFIED: "再通知を記録できるのは、交付通知を送ったカードです。",
    _K.RETURNED: "確認待ちと承認待ちのカードは、それを済ませてから返戻してください。",
    _K.PROPOSED: "確認待ちのカードは、確認を済ませてから廃棄を提案してください。",
    _K.PICKED: "取り出せるのは、通知済みで棚かトレイにあるカードです。",
    _K.ISSUED: "交付できるのは、通知済みのカードです。",
    _K.REJECTED: "承認を待っているカードではありません。",
    _K.DISPOSED: "廃棄できるのは、廃棄を提案されたカードです。",
    _K.TAKEN_BACK: "取り消せるのは、交付と返戻の記録です。",
}


def refusal(kind: MoveKind, state: State, spot: Spot) -> str | None:
    """Why a step cannot be taken from here; None when it can."""
    step = STEPS[kind]
    if state in step.begins and spot in step.spots:
        return None
    here = f"このカードは「{stage(state, spot)}」です。"
    if spot == Spot.LOST and state in step.begins:
        return f"{here}見つかったときは、先に「格納」で置き場所を読み取ってください。"
    if spot == Spot.PICK and kind == MoveKind.PICKED:
        return f"{here}すでに交付トレイにあります。"
    return here + _MAY.get(kind, "この操作はできません。")


def stage(state: State, spot: Spot) -> str:
    """Where a card stands, in one word for people: state and place together."""
    if spot == Spot.LOST:
        return str(Spot.LOST.label)
    if state in TOLD and spot == Spot.SLOT:
        return "保管中" if state == State.NOTIFIED else "保管中（再通知済み）"
    if state in TOLD and spot == Spot.PICK:
        return "取り出し中"
    if state == State.NOTIFIED:
        return "格納待ち"
    return str(state.label)


def may_follow(kind: MoveKind, before: State, after: State) -> bool:
    """Whether a move of this kind may lead from one state to the other."""
    step = STEPS[kind]
    if before not in step.begins:
        return False
    if step.to is None:
        return after == before
    return after in _SETTLED if step.to == BACK else after == step.to


@dataclass(frozen=True, order=True)
class Place:
    """Where a card lies. ``cabinet`` (its code), ``box`` and ``slot`` are set exactly for ``Spot.SLOT``."""

    spot: Spot
    cabinet: str = ""
    box: int = 0
    slot: int = 0

    @property
    def code(self) -> str:
        """``A-03-12`` for a slot, else the kind of place."""
        return f"{self.cabinet.upper()}-{self.box:02}-{self.slot:02}" if self.spot == Spot.SLOT else str(self.spot)

    @property
    def label(self) -> str:
        """The same for people."""
        return self.code if self.spot == Spot.SLOT else str(self.spot.label)


TRAY = Place(Spot.TRAY)


def show_place(code: str) -> str:
    """The words for a ``Place.code`` (also of a box) that was kept as text."""
    return str(Spot(code).label) if code in Spot.values else code


_PLACE = re.compile(r"([A-Z][A-Z0-9_]*)-(\d{1,3})(?:-(\d{1,3}))?")


def read_place(text: str, terms: Cards) -> tuple[str, int, int | None] | None:
    """(cabinet, box, slot or None) of a scanned label such as ``A-03`` or ``A-03-12``; None when it is none.

    Raises ``ValueError`` for a label of a cabinet that has no such box or slot.
    """
    found = _PLACE.fullmatch(unicodedata.normalize("NFKC", text).strip().upper())
    cabinet = terms.cabinet(found[1].lower()) if found else None
    if found is None or cabinet is None:
        return None
    box, slot = int(found[2]), int(found[3]) if found[3] else None
    if not 1 <= box <= cabinet.boxes:
        raise ValueError(f"{cabinet.name}の箱は1から{cabinet.boxes}までです。箱のラベルを確かめてください。")
    if slot is not None and not 1 <= slot <= cabinet.slots:
        raise ValueError(f"{cabinet.name}の箱の差込みは1から{cabinet.slots}までです。")
    return cabinet.code, box, slot


def show_box(cabinet: str, box: int) -> str:
    """``A-03``."""
    return f"{cabinet.upper()}-{box:02}"


class Due(StrEnum):
    """What a card waits for too long."""

    SETUP = "setup"
    SECOND = "second"
    DISPOSAL = "disposal"


DUE_LABELS = {Due.SETUP: "設定・通知が遅れている", Due.SECOND: "再通知の時期", Due.DISPOSAL: "廃棄を検討する時期"}
NEXT_LABELS = {**DUE_LABELS, Due.SETUP: "設定・通知の目安"}
"""The same while it is still to come."""


def due_on(state: State, *, arrived: dt.date, notified: dt.date | None, renotified: dt.date | None, terms: Cards) -> tuple[Due, dt.date] | None:
    """What comes next for a card and from which day on it is due; None where nothing is counted.

    A card may be destroyed from the later of two days: some time after the first notice and some time after the second.
    """

    def after(day: dt.date, days: int) -> dt.date:
        return day + dt.timedelta(days=days)

    if state in (State.REGISTERED, State.SET_UP, State.CHECKED):
        return Due.SETUP, after(arrived, terms.setup_within_days)
    if state == State.NOTIFIED and notified:
        return Due.SECOND, after(notified, terms.second_notice_days)
    if state == State.RENOTIFIED and notified and renotified:
        return Due.DISPOSAL, max(after(notified, terms.disposal_days_after_notice), after(renotified, terms.disposal_days_after_second))
    return None


@dataclass(frozen=True)
class Sighting:
    """A number that was scanned in a box, and what the record said of it at that moment (None: no such card)."""

    number: str
    box: str
    recorded: str | None
    moved_since: bool = False


def verdict(recorded: str | None, box: str, cabinet: str) -> DifferenceKind | None:
    """How the place on record (``Place.code``) differs from the box in which a card was seen; None: it does not.

    ``cabinet`` is the code of the cabinet that is counted, empty for all. Inside a box the slots are not compared: a scanner reads cards, not slots.
    """
    if recorded is None:
        return DifferenceKind.UNKNOWN
    if recorded.rpartition("-")[0] == box:
        return None
    inside = recorded not in Spot.values and (not cabinet or recorded.startswith(f"{cabinet.upper()}-"))
    return DifferenceKind.WRONG_PLACE if inside else DifferenceKind.UNEXPECTED


def differences(
    seen: Sequence[Sighting], unseen: Sequence[tuple[str, str]], cabinet: str
) -> list[tuple[DifferenceKind, str, str | None, str]]:
    """(kind, number, place on record, box where it was seen) of everything that does not fit.

    ``unseen`` are (number, place) of cards that have lain in the counted cabinet since before the count began and were not scanned.
    A card that somebody moved after it was scanned is where that move put it: no difference.
    """
    found = [
        (kind, one.number, one.recorded, one.box)
        for one in seen
        if not one.moved_since and (kind := verdict(one.recorded, one.box, cabinet)) is not None
    ]
    return found + [(DifferenceKind.MISSING, number, place, "") for number, place in unseen]
