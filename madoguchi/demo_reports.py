"""Synthetic reports of the demo: last month at every step between draft and acceptance, the last days, this month's draft, and some requests."""

from __future__ import annotations

import datetime as dt
from typing import Any

from madoguchi.domain.reports import tasks
from madoguchi.domain.reports.contents import content_of, figures_in
from madoguchi.domain.reports.enums import Answer, State
from madoguchi.domain.reports.models import Report
from madoguchi.domain.reports.periods import month_of
from madoguchi.domain.reports.services import documents, requests
from madoguchi.domain.reports.services.days import count_days
from madoguchi.ground.accounts.models import ACTOR_KIND_OF_ROLE, Assignment, Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import SYSTEM, Actor, Channel

BACK = 52
"""Days for which daily reports are made: all that the demo shows."""
BY_HAND = {
    "enquiries": "受取りに必要な書類についての質問が最も多く、次いで予約の変更、電子証明書の更新でした。",
    "online": "オンライン申請 41件、支援 56件（申請サポートの記録簿による）。",
    "improvement": "昼の時間帯に待ちが長くなるため、翌月から予約枠を30分ごとに分けます。事故はありませんでした。",
    "maintenance": "毎週日曜に点検しました。異常はありませんでした。",
}


def fill(contract: Contract, now: dt.datetime, *, end: str) -> str:
    """Reports and requests of one contract; ``end``: how far last month's has come, empty for a draft. Inside ``contract_scope``."""
    count_days(contract)
    manager, city = _doer(contract, Role.MANAGER, now), _doer(contract, Role.CITY, now)
    documents.make_missing(contract, tasks.due_to_make(contract, now.date(), BACK), by=SYSTEM, now=now)
    for report in Report.objects.filter(state=State.DRAFT).exclude(last__gte=now.date() - dt.timedelta(days=2)).order_by("first"):
        if report.first == report.last:
            _signed(contract, report, manager)
            documents.submit(contract, report.pk, **manager)
    last_month = month_of(month_of(now.date()).first - dt.timedelta(days=1))
    for report in Report.objects.filter(code="monthly", first=last_month.first):
        _take(contract, report, end, manager, city)
        words = "10日の件数が、窓口の控えより少ないようです。確かめてください。"
        asked = requests.ask(contract, f"report:{report.pk}", words, **city)
        if end == "accepted":
            requests.answer(contract, asked.pk, Answer.DECLINED, "控えは取消しを含む数でした。報告書の数が正しいことを確かめました。", **manager)
    documents.make(contract, "monthly", now.date(), by=SYSTEM, now=now)
    return f"報告書 {Report.objects.count()} 件"


def _doer(contract: Contract, role: Role, now: dt.datetime) -> dict[str, Any]:
    user = Assignment.objects.select_related("user").get(contract=contract, role=role).user
    return {"user": user, "by": Actor(ACTOR_KIND_OF_ROLE[role], Channel.COUNTER, f"user:{user.pk}", str(user)), "now": now}


def _signed(contract: Contract, report: Report, manager: dict[str, Any]) -> None:
    for passage in content_of(contract, report)["passages"]:
        if not passage["text"]:
            documents.write(contract, report.pk, passage["code"], BY_HAND.get(passage["code"], "特になし"), **manager)
    documents.sign(contract, report.pk, **manager)


def _take(contract: Contract, report: Report, end: str, manager: dict[str, Any], city: dict[str, Any]) -> None:
    """Bring last month's report to its step, with one corrected figure where there is one to correct."""
    if not end:
        return
    calls = next((cell["value"] for place, _, cell in figures_in(content_of(contract, report)) if place == ("enquiries", "", "")), None)
    if calls is not None:
        reason = "回線の点検中に、紙に書いて受けた3件を加えました。"
        documents.correct(contract, report.pk, ("enquiries", "", ""), calls + 3, reason=reason, **manager)
    _signed(contract, report, manager)
    if end != "signed":
        documents.submit(contract, report.pk, **manager)
    if end == "accepted":
        documents.accept(contract, report.pk, comments="検査しました。", **city)
    if end == "returned":
        documents.send_back(contract, report.pk, comments="手続きごとの件数に、市が別に受けた分が入っていないか確かめてください。", **city)
