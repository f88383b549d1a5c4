"""Checklists: how they stand today, one list for a telephone held in one hand, the days gone by."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from madoguchi.domain.premises.enums import Result, Standing, Why
from madoguchi.domain.premises.errors import PremisesRefused
from madoguchi.domain.premises.queries.checklists import Sheet, sheets, troubles_today
from madoguchi.domain.premises.queries.outings import coming
from madoguchi.domain.premises.queries.papers import kept, this_year, volume_text
from madoguchi.domain.premises.services.checklists import Hand, Word, mark, withdraw
from madoguchi.ground.accounts.access import LEAD_AT_COUNTER, READ_COUNTER, WORK_AT_COUNTER, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates

from ..shared import counter_actor

DAYS_SHOWN = 14
TONES = {
    Standing.NONE: "plain", Standing.COMING: "plain", Standing.BEGUN: "info", Standing.LATE: "bad", Standing.DONE: "ok", Standing.DONE_LATE: "warn",
}  # fmt: skip


def row_of(sheet: Sheet) -> dict[str, Any]:
    """A sheet with the tone of its badge."""
    return {"sheet": sheet, "tone": TONES[sheet.standing], "standing": sheet.standing.label}


@roles(READ_COUNTER)
def overview(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Today: every list of every site, what was not possible, papers, the coming days at other places."""
    today = request.now.date()
    rows = [row_of(sheet) for sheet in sheets(contract, [today], request.now)]
    places = [(site.short_name or site.name, [row for row in rows if row["sheet"].site == site.code]) for site in contract.profile.sites]
    context = {
        "today": today,
        "places": [(name, own) for name, own in places if own],
        "late": [row for row in rows if row["sheet"].standing == Standing.LATE],
        "troubles": troubles_today(contract, request.now),
        "ledger": this_year(contract, request.now),
        "kept": volume_text(kept()) if contract.profile.shredding else "",
        "outings": list(coming(today)[:5]) if contract.profile.outreach.enabled else [],
        "may_work": may(request, WORK_AT_COUNTER),
    }
    return render(request, "counter/rooms/overview.html", context)


@roles(READ_COUNTER)
def checklist(request: HttpRequest, contract: Contract, code: str, site: str) -> HttpResponse:
    """One list of a site as it stands now; items are marked one by one."""
    return _page(request, contract, code, site)


def _page(
    request: HttpRequest, contract: Contract, code: str, site: str, *, problem: str = "", typed: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    sheet = _sheet(request, contract, code, site)
    lines = sheet.lines
    following = next((line.item["code"] for line in lines if line.mark is None), "")
    lead = may(request, LEAD_AT_COUNTER)
    context = {
        **row_of(sheet),
        "terms": sheet.terms,
        "lines": [
            {"line": line, "own": line.mark is not None and (lead or line.mark.user_id == request.user.pk), "closed": line.item["by"] == "leader" and not lead}
            for line in lines
        ],
        "following": following,
        "why": Why.choices,
        "impossible": Result.IMPOSSIBLE,
        "problem": problem,
        "typed": typed or {},
        "may_work": may(request, WORK_AT_COUNTER),
    }
    return render(request, "counter/rooms/checklist.html", context, status=status)


def _sheet(request: HttpRequest, contract: Contract, code: str, site: str) -> Sheet:
    found = sheets(contract, [request.now.date()], request.now, site=site, code=code)
    if not found:
        raise Http404("この場所に、その点検表はありません。")
    return found[0]


def _hand(request: HttpRequest) -> Hand:
    return Hand(request.user, may(request, LEAD_AT_COUNTER), counter_actor(request))  # type: ignore[arg-type]


@require_POST
@roles(WORK_AT_COUNTER)
def tap(request: HttpRequest, contract: Contract, code: str, site: str) -> HttpResponse:
    """Mark an item; ``impossible`` says why it is not."""
    sheet = _sheet(request, contract, code, site)
    typed = {name: request.POST.get(name, "") for name in ("item", "reading", "why", "note", "impossible")}
    number = _number(typed["reading"])
    problem = "数を、0以上の数字で入力してください。" if typed["reading"].strip() and number is None else ""
    if typed["impossible"] and not typed["why"]:
        problem = "できない理由を選んでください。"
    if len(typed["note"]) > 200:
        problem = "メモは200文字までで入力してください。"
    if not problem:
        word = Word(None, typed["why"], typed["note"]) if typed["impossible"] else Word(number, "", typed["note"])
        try:
            made, new = mark(contract, code, site, typed["item"], word, hand=_hand(request), now=request.now)
        except PremisesRefused as refused:
            problem = refused.message
        else:
            if not new:
                messages.info(request, f"この項目は、{made.user}さんが{made.at.astimezone(request.now.tzinfo):%H:%M}に印を付けています。")
            after = _sheet(request, contract, code, site)
            if after.closed_at is not None and sheet.closed_at is None:
                messages.success(request, f"{sheet.terms.name}が終わりました。")
            following = next((line.item["code"] for line in after.lines if line.mark is None), "top")
            return redirect(f"{reverse('premises:checklist', args=[contract.code, code, site])}#item-{following}")
    return _page(request, contract, code, site, problem=problem, typed=typed, status=422)


def _number(text: str) -> int | None:
    plain = text.strip().replace(",", "").replace("，", "")
    return int(plain) if plain.isdecimal() and len(plain) <= 6 else None


@require_POST
@roles(WORK_AT_COUNTER)
def take_back(request: HttpRequest, contract: Contract, mark: int) -> HttpResponse:
    """Take a mark back."""
    try:
        run = withdraw(contract, mark, hand=_hand(request), now=request.now)
    except PremisesRefused as refused:
        messages.error(request, refused.message)
        return redirect("premises:overview", contract.code)
    messages.success(request, "印を取り消しました。")
    return redirect("premises:checklist", contract.code, run.checklist, run.site.code)


@roles(READ_COUNTER)
def history(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The lists of the last days up to ``?until=``, at a site (``?site=``)."""
    today = request.now.date()
    until = min(dates.read_iso(request.GET.get("until", "")) or today, today)
    site = request.GET.get("site", "")
    days = [until - dt.timedelta(days=n) for n in range(DAYS_SHOWN)]
    found = [row_of(sheet) for sheet in sheets(contract, days, request.now, site=site)]
    shown = [row for row in found if row["sheet"].standing != Standing.NONE]
    context = {
        "rows": sorted(shown, key=lambda row: row["sheet"].day, reverse=True),
        "until": until,
        "earlier": (until - dt.timedelta(days=DAYS_SHOWN)).isoformat(),
        "later": min(until + dt.timedelta(days=DAYS_SHOWN), today).isoformat() if until < today else "",
        "sites": contract.profile.sites,
        "site": site,
        "late": sum(row["sheet"].standing in (Standing.LATE, Standing.DONE_LATE) for row in shown),
    }
    return render(request, "counter/rooms/history.html", context)


@roles(READ_COUNTER)
def day(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Every list of a day (``?date=``) item by item, to be printed."""
    today = request.now.date()
    date = min(dates.read_iso(request.GET.get("date", "")) or today, today)
    context = {
        "date": date,
        "date_title": dates.show(date),
        "rows": [row_of(sheet) for sheet in sheets(contract, [date], request.now)],
        "earlier": (date - dt.timedelta(days=1)).isoformat(),
        "later": (date + dt.timedelta(days=1)).isoformat() if date < today else "",
    }
    return render(request, "counter/rooms/day.html", context)
