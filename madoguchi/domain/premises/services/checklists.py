"""Marking items of a checklist, one after another, by whoever stands there."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Checklist
from madoguchi.ground.contracts.queries import site_by_code
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog import services as worklog

from ..enums import Result, Standing, Why
from ..errors import PremisesRefused
from ..models import Mark, Run
from ..queries.checklists import due_of, items_of, serves
from ..rules import run_day, span_of, standing

LARGEST = 99_999


@dataclass(frozen=True)
class Hand:
    """Who marks: the member of staff, whether items of leaders are open to this person, and the actor."""

    user: User
    leads: bool
    by: Actor


@dataclass(frozen=True)
class Word:
    """What is said of an item: the number read off, or why it is not possible, and a note that names nobody."""

    reading: int | None = None
    why: str = ""
    note: str = ""


@transaction.atomic
def mark(contract: Contract, code: str, site: str, item: str, word: Word, *, hand: Hand, now: dt.datetime) -> tuple[Mark, bool]:
    """Mark an item of today's run; the mark, and whether it is new: somebody may have been faster, whose mark stays.

    The last required item closes the run and counts it. Raises :class:`PremisesRefused`.
    """
    with contract_scope(contract):
        terms = _terms(contract, code, site)
        run = open_run(contract, terms, site, now=now)
        wanted = next((one for one in run.items if one["code"] == item), None)
        if wanted is None:
            raise PremisesRefused("この項目は、今日の点検表にありません。画面を開き直してください。")
        there = Mark.objects.select_related("user").filter(run=run, item=item).first()
        if there is not None:
            return there, False
        _allowed(wanted, word, hand)
        made = Mark.objects.create(
            contract=contract, run=run, item=item, result=Result.IMPOSSIBLE if word.why else Result.DONE, reading=word.reading, why=word.why,
            note=word.note.strip(), at=now, user=hand.user,
        )  # fmt: skip
        if word.why:
            audit.record(contract, "premises.item_impossible", f"run:{run.pk}", by=hand.by, now=now, item=item, why=word.why)
        _close(contract, run, by=hand.by, now=now)
        return made, True


@transaction.atomic
def withdraw(contract: Contract, mark_id: int, *, hand: Hand, now: dt.datetime) -> Run:
    """Take a mark back while its run can be worked on: by who made it, or who leads. A closed run opens again and is counted no more.

    Raises :class:`PremisesRefused`.
    """
    with contract_scope(contract):
        found = Mark.objects.select_related("run").filter(pk=mark_id).first()
        if found is None:
            raise PremisesRefused("この印は、もう取り消されています。")
        run = Run.objects.select_for_update().select_related("site").get(pk=found.run_id)
        _, last = span_of(run.kind, run.day)
        if now.astimezone(JST).date() > last:
            raise PremisesRefused("過ぎた日の点検表は変えられません。")
        if found.user_id != hand.user.pk and not hand.leads:
            raise PremisesRefused("ほかの方の印を取り消せるのは、リーダー・業務責任者・市の方です。")
        item = found.item
        deleted, _ = Mark.objects.filter(pk=mark_id).delete()
        if deleted and run.closed_at is not None and item in _required(run):
            run.closed_at = None
            run.save(update_fields=["closed_at"])
            worklog.withdraw(f"premises.{run.kind}", ref=f"run:{run.pk}")
        audit.record(contract, "premises.mark_withdrawn", f"run:{run.pk}", by=hand.by, now=now, item=item)
        return run


def open_run(contract: Contract, terms: Checklist, site: str, *, now: dt.datetime) -> Run:
    """Today's run of a list at a site, locked; begun with the profile's items of today when nobody has (inside ``contract_scope``)."""
    today = now.astimezone(JST).date()
    day = run_day(terms.kind, today)
    place = site_by_code(site)
    fresh = Run(
        contract=contract, checklist=terms.code, kind=terms.kind, site=place, day=day, items=items_of(terms, today),
        due_at=due_of(contract, terms, site, today),
    )  # fmt: skip
    Run.objects.bulk_create([fresh], ignore_conflicts=True)
    return Run.objects.select_for_update(of=("self",)).select_related("site").get(checklist=terms.code, site=place, day=day)


def _terms(contract: Contract, code: str, site: str) -> Checklist:
    terms = contract.profile.checklist(code)
    if terms is None or not serves(contract, terms, site):
        raise PremisesRefused("この場所に、その点検表はありません。")
    return terms


def _allowed(item: dict[str, Any], word: Word, hand: Hand) -> None:
    if item["by"] == "leader" and not hand.leads:
        raise PremisesRefused("この項目は、リーダー・業務責任者・市の方が確かめます。")
    if word.why and word.why not in Why.values:
        raise PremisesRefused("できない理由を選んでください。")
    if word.why == Why.OTHER and not word.note.strip():
        raise PremisesRefused("「その他」のときは、理由をメモに書いてください。")
    if item["unit"] and not word.why and word.reading is None:
        raise PremisesRefused(f"「{item['label']}」の数（{item['unit']}）を入力してください。")
    if word.reading is not None and not 0 <= word.reading <= LARGEST:
        raise PremisesRefused(f"数は0から{LARGEST:,}までで入力してください。")


def _required(run: Run) -> set[str]:
    return {one["code"] for one in run.items if one["required"]}


def _close(contract: Contract, run: Run, *, by: Actor, now: dt.datetime) -> None:
    marked = set(Mark.objects.filter(run=run).values_list("item", flat=True))
    if run.closed_at is not None or not _required(run) <= marked:
        return
    run.closed_at = now
    run.save(update_fields=["closed_at"])
    late = standing(run.due_at, begun=True, closed_at=now, now=now) == Standing.DONE_LATE
    outcome = "late" if late else "in_time"
    worklog.note(contract, f"premises.{run.kind}", by=by, now=now, ref=f"run:{run.pk}", site=run.site.code, outcome=outcome)
    audit.record(contract, "premises.list_closed", f"run:{run.pk}", by=by, now=now, outcome=outcome)
