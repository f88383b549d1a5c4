"""The conditions of a list in words that outlast a day: "the bookings of next week, card pick-up, with names"."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.contracts.queries import next_business_day
from madoguchi.ground.kit.actors import ACTOR_KIND_LABELS, CHANNEL_LABELS

from .periods import Period, span
from .queries.lists import Conditions, StateFilter

STATES: dict[StateFilter, str] = {
    "": "予約済み（来庁・不来庁を含む）",
    "arrived": "来庁済み",
    "no_show": "不来庁",
    "cancelled": "取消済み",
    "held": "仮押さえ",
    "all": "すべて",
}
SEARCH_DAYS = 400
"""A search by day of making or change looks over the visits of so many days before and after today."""


@dataclass(frozen=True)
class Selection:
    """Which people of which bookings, and whether with their personal data; empty means no condition.

    ``visit``, ``created`` and ``changed`` are codes of :class:`.periods.Period`. Without any of them: today and the six
    days after; with ``created`` or ``changed`` alone: all visits.
    """

    visit: str = ""
    created: str = ""
    changed: str = ""
    hour: int | None = None
    procedure: str = ""
    site: str = ""
    actor: str = ""
    channel: str = ""
    state: StateFilter = ""
    personal: bool = False

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Selection:
        """The selection that ``stored`` wrote."""
        return cls(**stored)

    def stored(self) -> dict[str, Any]:
        """What is set, as JSON."""
        return {key: value for key, value in asdict(self).items() if value not in (None, "", False)}

    def on(self, contract: Contract, today: dt.date) -> Conditions:
        """The conditions with the days that the words mean on ``today`` (inside ``contract_scope``)."""

        def days(period: str) -> tuple[dt.date, dt.date]:
            return span(Period(period), today, lambda day: next_business_day(contract, day))

        wide = dt.timedelta(days=SEARCH_DAYS)
        if self.visit or not (self.created or self.changed):
            first, last = days(self.visit or Period.NEXT_7)
        else:
            first, last = today - wide, today + wide
        created = days(self.created) if self.created else (None, None)
        changed = days(self.changed) if self.changed else (None, None)
        return Conditions(
            first=first, last=last, hour=self.hour, procedure=self.procedure, site=self.site, actor=self.actor,
            channel=self.channel, state=self.state, created_first=created[0], created_last=created[1],
            changed_first=changed[0], changed_last=changed[1],
        )  # fmt: skip

    def faults(self) -> list[str]:
        """What of it does not exist any more in the contract in scope, each with what to do."""
        found = []
        if self.procedure and not Procedure.objects.filter(code=self.procedure).exists():
            found.append(f"手続き「{self.procedure}」は今はありません。手続きを選び直して、保存し直してください。")
        if self.site and not Site.objects.filter(code=self.site).exists():
            found.append(f"場所「{self.site}」は今はありません。場所を選び直して、保存し直してください。")
        return found

    def words(self) -> str:
        """The conditions for people: ``来庁日：来週・手続き：暗証番号の再設定・個人情報を含む`` (inside ``contract_scope``)."""
        parts = [f"来庁日：{Period(self.visit or Period.NEXT_7).label}"]
        if not self.visit and (self.created or self.changed):
            parts = []
        parts += [f"{label}：{Period(code).label}" for label, code in (("予約した日", self.created), ("変更した日", self.changed)) if code]
        if self.hour is not None:
            parts.append(f"{self.hour}時台")
        if self.procedure:
            name = Procedure.objects.filter(code=self.procedure).values_list("legal_name", flat=True).first()
            parts.append(f"手続き：{name or self.procedure}")
        if self.site:
            parts.append(f"場所：{Site.objects.filter(code=self.site).values_list('name', flat=True).first() or self.site}")
        if self.actor:
            parts.append(f"入力した人：{dict(ACTOR_KIND_LABELS)[self.actor]}")  # type: ignore[index]
        if self.channel:
            parts.append(f"経路：{dict(CHANNEL_LABELS)[self.channel]}")  # type: ignore[index]
        if self.state:
            parts.append(f"状態：{STATES[self.state]}")
        if self.personal:
            parts.append("個人情報を含む")
        return "・".join(parts)
