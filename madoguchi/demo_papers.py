"""The demo's papers: of each contract some, at every step from the draft to the approval. All invented."""

from __future__ import annotations

import datetime as dt
from itertools import cycle
from typing import Any

from madoguchi.domain.obligations import rules
from madoguchi.domain.obligations.queries import book_of
from madoguchi.domain.obligations.services import record_event
from madoguchi.domain.papers import services as papers
from madoguchi.domain.papers.contents import content_of, papers_of
from madoguchi.domain.papers.models import Paper
from madoguchi.ground.accounts.models import ACTOR_KIND_OF_ROLE, Assignment, Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import ReportDuty
from madoguchi.ground.kit.actors import Actor, Channel
from madoguchi.ground.kit.clock import JST

EARLIER = dt.timedelta(days=9)
"""Before the service, when its papers were handed in."""
STEPS = ("submitted", "approved", "returned", "draft")
BY_HAND = {
    "changes": "12月1日から、窓口スタッフを1名増やします。ほかに変更はありません。",
    "contents": "接遇と、受取りに必要な書類の確かめ方を学びました。午前は講義、午後は窓口を想定した練習です。",
    "result": "対象の全員が受けました。確認テストは全員が合格点に達しました。",
    "proposal": "昼の時間帯に待ちが長くなるため、予約枠を30分ごとに分け、12時から13時の窓口を1つ増やします。",
    "effect": "12月から始め、平均の待ち時間を5分短くすることを目指します。翌月の月報で結果を報告します。",
    "contact": "平日は代表の電話、休日と夜間は業務責任者の携帯電話で連絡します。",
    "measures": "端末は施錠して保管し、記録の持ち出しを禁じます。操作はすべて記録し、毎月確かめます。",
}


def fill(contract: Contract, now: dt.datetime) -> str:
    """Papers from before the service, approved in time, and those that are asked for now at every step. Inside ``contract_scope``."""
    steps = cycle(STEPS)
    for duty in papers_of(contract.profile):
        before = duty.due.rule == "before_service"
        key = book_of(contract, now.date()).of(duty.code)[0].occasion.key if before else _asked(contract, duty, now)
        if key:
            at = dt.datetime.combine(contract.profile.term.service_from - EARLIER, dt.time(10), JST) if before else now
            _take(contract, duty.code, key, "approved" if before else "draft" if duty.due.rule == "end_of_term" else next(steps), at)
    return f"提出文書 {Paper.objects.count()} 件"


def _asked(contract: Contract, duty: ReportDuty, now: dt.datetime) -> str:
    """The key of an occasion that waits for its paper, after a request of the city where one is needed; empty when it lies ahead."""
    def waiting() -> list[str]:
        lines = book_of(contract, now.date()).of(duty.code)
        return [line.occasion.key for line in lines if line.evidence is None and line.occasion.opens <= now.date()]

    if duty.due.rule in rules.EVENT_RULES and not waiting():
        on = now.date() + dt.timedelta(days=0 if duty.due.rule == "on_change" else 7)
        record_event(contract, duty.code, on=on, note="市からの依頼", by=_doer(contract, Role.MANAGER, now)["by"], now=now)
    return next(iter(waiting()), "")


def _doer(contract: Contract, role: Role, now: dt.datetime) -> dict[str, Any]:
    user = Assignment.objects.select_related("user").get(contract=contract, role=role).user
    return {"user": user, "by": Actor(ACTOR_KIND_OF_ROLE[role], Channel.COUNTER, f"user:{user.pk}", str(user)), "now": now}


def _take(contract: Contract, code: str, key: str, step: str, now: dt.datetime) -> None:
    manager, city = _doer(contract, Role.MANAGER, now), _doer(contract, Role.CITY, now)
    paper = papers.make(contract, code, key, by=manager["by"], now=now)
    for part in content_of(contract, paper, now.date())["parts"]:
        if not part["text"] and (part["table"] is None or not part["table"]["rows"]):
            papers.write(contract, paper.pk, part["code"], BY_HAND.get(part["code"], "特になし"), **manager)
    if step == "draft":
        return
    papers.submit(contract, paper.pk, **manager)
    if step == "approved":
        papers.approve(contract, paper.pk, comments="確認しました。", **city)
    if step == "returned":
        papers.send_back(contract, paper.pk, comments="変更の理由も書いてください。", **city)
