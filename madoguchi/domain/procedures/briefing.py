"""What to bring in the reader's words: the answer of the table for one person, ready for a page, a mail or a call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from .enums import Situation, Who
from .rules.bring import OLDEST, Answer, Condition, Line, Row, Visitor, answer


@dataclass(frozen=True)
class Item:
    """One line: its wording, the language it is in, and for whom it counts (empty: for everybody)."""

    code: str
    text: str
    language: str
    only_for: str = ""
    confirmed: bool = False


@dataclass(frozen=True)
class Briefing:
    """What one person brings, does and minds, first what counts for sure, then what counts only for some.

    ``call`` is True when the city must be asked before the visit; ``confirmed`` when the city has approved every line.
    """

    documents: tuple[Item, ...]
    steps: tuple[Item, ...]
    warnings: tuple[Item, ...]
    asks: tuple[Item, ...]
    references: tuple[Item, ...]
    perhaps: tuple[Item, ...]
    silent: bool
    confirmed: bool

    @property
    def call(self) -> bool:
        return self.silent or bool(self.asks)

    @property
    def essential(self) -> tuple[Item, ...]:
        """All that counts for sure, without the lists of documents: what is read out on the phone."""
        return (*self.steps, *self.documents, *self.warnings, *self.asks)


def brief(rows: Iterable[Row], visitor: Visitor, on: dt.date, language: str) -> Briefing:
    """The briefing of one person for a visit on ``on``, worded in ``language`` (which must be active for the conditions)."""
    found = answer(rows, visitor, on)
    return Briefing(
        documents=_sure(found.documents, language),
        steps=_sure(found.steps, language),
        warnings=_sure(found.warnings, language),
        asks=_sure(found.asks, language),
        references=_sure(found.references, language),
        perhaps=_perhaps(found, language),
        silent=found.silent,
        confirmed=found.confirmed,
    )


def _sure(lines: Sequence[Line], language: str) -> tuple[Item, ...]:
    return tuple(_item(line, language) for line in lines if not line.conditions)


def _perhaps(found: Answer, language: str) -> tuple[Item, ...]:
    """Conditional lines; those of one condition stand together, in the order in which the conditions first appear."""
    groups: dict[str, list[Item]] = {}
    for line in (*found.steps, *found.documents, *found.warnings, *found.asks):
        if line.conditions:
            item = _item(line, language)
            groups.setdefault(item.only_for, []).append(item)
    return tuple(item for items in groups.values() for item in items)


def _item(line: Line, language: str) -> Item:
    text, found = line.row.text(language)
    only_for = _("、").join(condition_text(one) for one in line.conditions)
    return Item(line.row.code, text, found, only_for, line.row.confirmed)


def condition_text(condition: Condition) -> str:
    """Whom a line counts for, in the active language."""
    if condition.situation is not None:
        return situation_text(condition.situation)
    return age_text(*condition.ages)


def age_text(low: int, high: int) -> str:
    """People of an age from ``low`` to ``high`` whole years, in the active language."""
    if low <= 0:
        return _("%(age)s歳未満の方") % {"age": high + 1}
    if high >= OLDEST:
        return _("%(age)s歳以上の方") % {"age": low}
    return _("%(low)s歳から%(high)s歳までの方") % {"low": low, "high": high}


def situation_text(situation: Situation) -> str:
    """A situation as people say it of themselves, in the active language."""
    return {
        Situation.PIN_UNKNOWN: _("暗証番号が分からない方"),
        Situation.EXPIRED: _("有効期限が切れている方"),
        Situation.INQUIRY_FORM: _("ご本人が書いて封をした照会書兼回答書がある方"),
        Situation.NOTICE_LOST: _("はがき（交付通知書）が見つからない方"),
        Situation.NO_PHOTO_ID: _("顔写真付きの本人確認書類がない方"),
        Situation.LOST: _("カードをなくした方"),
        Situation.DAMAGED: _("カードが壊れた方"),
        Situation.MOVED: _("引っ越した方・氏名が変わった方"),
        Situation.FOREIGN: _("在留期間のある方"),
        Situation.FACE_AUTH: _("顔認証マイナンバーカードの方"),
        Situation.LICENCE: _("マイナ免許証をお持ちの方"),
        Situation.ADULT_WARD: _("成年被後見人の方"),
    }[situation]


def who_text(who: Who) -> str:
    """Who stands at the counter, in the active language."""
    return {
        Who.SELF: _("本人が来る"),
        Who.LEGAL: _("法定代理人が来る（15歳未満の方の親権者、成年後見人など）"),
        Who.PROXY: _("そのほかの代理人が来る"),
    }[who]
