"""Deeds on the table of what to bring: make it, change a row from a day on, add, end and confirm rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Max, Q

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from ..enums import Kind
from ..models import BringRule
from ..rules.bring import OLDEST, Row
from ..shipped import shipped_rows

BEGINNING = dt.date(2016, 1, 1)
"""First day of the shipped rows: the first cards were issued in January 2016."""


class RuleRefused(Exception):
    """A change of the table that was not made; the message says what to do next."""


@dataclass(frozen=True)
class RuleValues:
    """What a version of a row says. ``texts``: wording by language, ``ja`` always."""

    kind: Kind
    procedure: str
    texts: Mapping[str, str]
    source: str
    who: Collection[str] = ()
    age_from: int = 0
    age_to: int = OLDEST
    when: Collection[str] = ()
    unless: Collection[str] = ()
    becomes: str = ""
    position: int = field(default=0, compare=False)

    def columns(self) -> dict[str, Any]:
        """Values by column, lists sorted, so that equal meanings are equal."""
        return {
            "kind": str(self.kind),
            "procedure": self.procedure,
            "texts": {language: text for language, text in self.texts.items() if text},
            "source": self.source,
            "who": sorted(self.who),
            "age_from": self.age_from,
            "age_to": self.age_to,
            "when": sorted(self.when),
            "unless": sorted(self.unless),
            "becomes": self.becomes,
        }


def values_of(row: Row) -> RuleValues:
    """A plain row as values."""
    return RuleValues(
        kind=row.kind,
        procedure=row.procedure,
        texts=dict(row.texts),
        source=row.source,
        who=[str(one) for one in row.who],
        age_from=row.ages[0],
        age_to=row.ages[1],
        when=[str(one) for one in row.when],
        unless=[str(one) for one in row.unless],
        becomes=str(row.becomes or ""),
        position=row.position,
    )


@transaction.atomic
def ensure_rules(contract: Contract, *, now: dt.datetime) -> int:
    """Bring the contract's table in line with the shipped one; returns how many rows were made or renewed.

    Rows that somebody of the contract has edited or confirmed stay as they are; untouched ones follow the shipped wording.
    """
    done = 0
    with contract_scope(contract):
        there: dict[str, list[BringRule]] = {}
        for rule in BringRule.objects.select_for_update():
            there.setdefault(rule.code, []).append(rule)
        fresh = []
        for row in shipped_rows():
            columns = {**values_of(row).columns(), "position": row.position * 10}
            versions = there.get(row.code, [])
            if not versions:
                fresh.append(
                    BringRule(contract=contract, code=row.code, valid_from=BEGINNING, edited_at=now, **columns)
                )
                continue
            only = versions[0]
            untouched = len(versions) == 1 and not only.edited_by and not only.confirmed and only.valid_to is None
            if untouched and any(getattr(only, name) != value for name, value in columns.items()):
                for name, value in columns.items():
                    setattr(only, name, value)
                only.edited_at = now
                only.save()
                done += 1
        BringRule.objects.bulk_create(fresh)
        return done + len(fresh)


@transaction.atomic
def change_rule(
    contract: Contract, code: str, values: RuleValues, *, starts: dt.date, by: Actor, now: dt.datetime
) -> BringRule:
    """Let a row read otherwise from the day ``starts`` on; answers for earlier days stay as they were.

    Translations that were not changed together with the Japanese wording are dropped: readers then get the Japanese text rather than
    an old rule. Raises ``RuleRefused`` for a day that is over, or when no version is valid on that day.
    """
    _not_over(starts, now)
    with contract_scope(contract):
        found = _valid_on(code, starts)
        before = found.texts
        texts = dict(values.texts)
        if texts.get("ja") != before.get("ja"):
            texts = {language: text for language, text in texts.items() if language == "ja" or text != before.get(language)}
        columns = {**values.columns(), "texts": {language: text for language, text in texts.items() if text}}
        if all(getattr(found, name) == value for name, value in columns.items()):
            raise RuleRefused("何も変わっていません。文面か条件を変えてから保存してください。")
        changed = [name for name, value in columns.items() if getattr(found, name) != value]
        stamp = {"edited_at": now, "edited_by": by.label, "confirmed_at": None, "confirmed_by": ""}
        if found.valid_from == starts:
            made = found
            for name, value in (columns | stamp).items():
                setattr(made, name, value)
            made.save()
        else:
            last = found.valid_to
            found.valid_to = starts - dt.timedelta(days=1)
            found.save(update_fields=["valid_to"])
            made = BringRule.objects.create(
                contract=contract, code=code, position=found.position, valid_from=starts, valid_to=last, **columns, **stamp
            )
        audit.record(
            contract, "bring.changed", f"bring:{code}", by=by, now=now,
            starts=starts.isoformat(), changed=changed, before=before.get("ja", ""), after=columns["texts"].get("ja", ""),
        )  # fmt: skip
        return made


@transaction.atomic
def add_rule(contract: Contract, values: RuleValues, *, starts: dt.date, by: Actor, now: dt.datetime) -> BringRule:
    """A row of the city's own, valid from ``starts`` on. Raises ``RuleRefused`` for a day that is over."""
    _not_over(starts, now)
    with contract_scope(contract):
        BringRule.objects.select_for_update().order_by("pk").first()  # two who add at once get two numbers
        own = BringRule.objects.filter(code__startswith="city-").values_list("code", flat=True)
        number = max((int(code.removeprefix("city-")) for code in own if code.removeprefix("city-").isdigit()), default=0)
        place = BringRule.objects.filter(procedure=values.procedure, kind=values.kind).aggregate(last=Max("position"))
        if place["last"] is None:
            place = BringRule.objects.aggregate(last=Max("position"))
        made = BringRule.objects.create(
            contract=contract,
            code=f"city-{number + 1}",
            valid_from=starts,
            position=(place["last"] or 0) + 1,
            edited_at=now,
            edited_by=by.label,
            **values.columns(),
        )
        audit.record(
            contract, "bring.added", f"bring:{made.code}", by=by, now=now,
            starts=starts.isoformat(), after=values.texts.get("ja", ""),
        )  # fmt: skip
        return made


@transaction.atomic
def end_rule(contract: Contract, code: str, *, last: dt.date, by: Actor, now: dt.datetime) -> None:
    """Let a row be valid for the last time on ``last``; versions still to come are withdrawn with it.

    Raises ``RuleRefused`` when that day is before yesterday, or no version is valid on it.
    """
    _not_over(last + dt.timedelta(days=1), now)
    with contract_scope(contract):
        BringRule.objects.filter(code=code, valid_from__gt=last).delete()
        found = BringRule.objects.select_for_update().filter(code=code).order_by("-valid_from").first()
        if found is not None and (found.valid_to is None or found.valid_to > last):
            found.valid_to = last
            found.save(update_fields=["valid_to"])
        audit.record(contract, "bring.ended", f"bring:{code}", by=by, now=now, last=last.isoformat())


@transaction.atomic
def confirm_rules(
    contract: Contract, shown: Mapping[str, dt.date], *, on: dt.date, by: Actor, now: dt.datetime
) -> int:
    """Note that the city has approved rows; ``shown``: first day of the version that was on the screen, by code.

    Versions that changed since they were shown stay unconfirmed. Returns how many were confirmed now.
    """
    with contract_scope(contract):
        versions = [
            rule
            for rule in BringRule.objects.select_for_update()
            .filter(Q(valid_to=None) | Q(valid_to__gte=on), valid_from__lte=on, code__in=list(shown), confirmed_at=None)
            if shown[rule.code] == rule.valid_from
        ]
        for rule in versions:
            rule.confirmed_at, rule.confirmed_by = now, by.label
        BringRule.objects.bulk_update(versions, ["confirmed_at", "confirmed_by"])
        if versions:
            audit.record(
                contract, "bring.confirmed", "bring:table", by=by, now=now, rows=sorted(rule.code for rule in versions)
            )
        return len(versions)


def _not_over(day: dt.date, now: dt.datetime) -> None:
    if day < now.date():
        raise RuleRefused("過ぎた日からは変更できません。今日か、これからの日を選んでください。")


def _valid_on(code: str, day: dt.date) -> BringRule:
    found = (
        BringRule.objects.select_for_update()
        .filter(Q(valid_to=None) | Q(valid_to__gte=day), code=code, valid_from__lte=day)
        .first()
    )
    if found is None:
        raise RuleRefused("この日に有効な行がありません。新しい行として追加してください。")
    return found
