"""Slots of a pool: the week as it stands, weekly patterns, single days. Nothing changes before its effects were shown."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from madoguchi.domain.booking.models import DayPlan, Pool, Slot, WeekPattern
from madoguchi.domain.booking.services import slots as deeds
from madoguchi.domain.booking.services.days import bands_on
from madoguchi.domain.booking.services.slots import Effect, Pattern
from madoguchi.ground.accounts.access import EDIT_SLOTS, READ_RESIDENTS, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import clock_of, clock_text, minute_of
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.dates import read_time

from .calendar import at_midnight, told
from .effects import preview_or_do, summary
from .forms import day_of

DAYS = "月火水木金土日"
MOST = 500
_SPAN = re.compile(r"(.+?)\s*[-〜~]\s*(.+?)\s+(\d+)\s*人?")


@dataclass(frozen=True)
class LineError:
    """What is wrong with one line of a text of bands."""

    number: int
    text: str
    message: str


def read_bands(
    text: str, *, band_minutes: int | None = None
) -> tuple[list[tuple[dt.time, dt.time, int]], list[LineError]]:
    """Bands from lines like ``9:00-12:00 6`` or ``９：００〜１２：００　６人``, and what is wrong line by line.

    With ``band_minutes`` a line is cut into bands of that length (a single day is stored as it is cut); a rest that
    fills no band is an error. Overlaps are errors. Empty lines are skipped.
    """
    found: list[tuple[dt.time, dt.time, int]] = []
    errors: list[LineError] = []
    spans: list[tuple[dt.time, dt.time, int]] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", raw)).strip().replace("～", "〜").replace("–", "-")
        if not line:
            continue
        match = _SPAN.fullmatch(line)
        if not match:
            errors.append(LineError(number, raw, "「9:00-12:00 6」のように、時間帯・空白・人数の順で書いてください。"))
            continue
        try:
            begin, end = read_time(match[1]), read_time(match[2], end=True)
        except ValueError as wrong:
            errors.append(LineError(number, raw, str(wrong)))
            continue
        places = int(match[3])
        problem = _problem(begin, end, places, spans, band_minutes)
        if problem:
            errors.append(LineError(number, raw, problem))
            continue
        spans.append((begin, end, places))
        found += _cut(begin, end, places, band_minutes) if band_minutes else [(begin, end, places)]
    return sorted(found), errors


def _problem(
    begin: dt.time, end: dt.time, places: int, spans: list[tuple[dt.time, dt.time, int]], band_minutes: int | None
) -> str:
    if begin >= end:
        return "終了は開始より後の時刻にしてください。"
    if places > MOST:
        return f"人数は0から{MOST}までの数にしてください。"
    for first, last, _ in spans:
        if begin < last and first < end:
            return f"{clock_text(first)}-{clock_text(last)}の行と重なっています。"
    if band_minutes and (minute_of(end) - minute_of(begin)) % band_minutes:
        return f"1コマ{band_minutes}分で割り切れる長さにしてください。"
    return ""


def _cut(begin: dt.time, end: dt.time, places: int, minutes: int) -> list[tuple[dt.time, dt.time, int]]:
    starts = range(minute_of(begin), minute_of(end), minutes)
    return [(clock_of(m), clock_of(m + minutes), places) for m in starts]


def bands_text(bands: list[tuple[dt.time, dt.time, int]]) -> str:
    """The lines of bands; adjoining ones of one size are joined."""
    joined: list[list[Any]] = []
    for begin, end, places in bands:
        if joined and joined[-1][1] == begin and joined[-1][2] == places:
            joined[-1][1] = end
        else:
            joined.append([begin, end, places])
    return "\n".join(f"{clock_text(a)}-{clock_text(b)} {n}" for a, b, n in joined)


@roles(READ_RESIDENTS)
def slots(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The week of every pool: planned and taken per band; days with bands of their own are marked."""
    today = request.now.date()
    day = day_of(request.GET.get("week", ""), today)
    monday = day - dt.timedelta(days=day.weekday())
    pools = list(Pool.objects.select_related("site").order_by("pk"))
    week = [monday + dt.timedelta(days=n) for n in range(7)]
    rows = Slot.objects.filter(
        pool__in=pools, starts_at__gte=at_midnight(monday), starts_at__lt=at_midnight(monday) + dt.timedelta(days=7)
    )
    by_pool: dict[int, dict[tuple[dt.time, dt.date], Slot]] = {pool.pk: {} for pool in pools}
    for slot in rows.order_by("starts_at"):
        local = slot.starts_at.astimezone(JST)
        by_pool[slot.pool_id][local.time(), local.date()] = slot
    own = set(
        DayPlan.objects.filter(pool__in=pools, date__range=(week[0], week[6]), withdrawn_at=None).values_list(
            "pool_id", "date"
        )
    )
    context = {
        "tables": [_table(pool, week, by_pool[pool.pk], own, today) for pool in pools],
        "week": week,
        "title": f"{dates.show(week[0])}からの週",
        "earlier": (monday - dt.timedelta(days=7)).isoformat(),
        "later": (monday + dt.timedelta(days=7)).isoformat(),
        "may_edit": may(request, EDIT_SLOTS),
        "today": today,
    }
    return render(request, "office/slots/slots.html", context)


def _table(
    pool: Pool,
    week: list[dt.date],
    found: dict[tuple[dt.time, dt.date], Slot],
    own: set[tuple[int, dt.date]],
    today: dt.date,
) -> dict[str, Any]:
    times = sorted({clock for clock, _ in found})
    lines = []
    for clock in times:
        cells = []
        for day in week:
            slot = found.get((clock, day))
            if slot is None or (slot.closed and not slot.taken):
                cells.append({"text": "", "tone": "closed", "label": "受付なし"})
                continue
            planned = 0 if slot.closed else slot.planned
            tone = "over" if slot.taken > planned else "full" if slot.taken == planned else ""
            cells.append({"text": f"{slot.taken}/{planned}", "tone": tone, "label": ""})
        lines.append({"time": clock, "cells": cells})
    open_slots = [s for s in found.values() if not s.closed]
    return {
        "pool": pool,
        "lines": lines,
        "days": [
            {"date": day, "label": dates.show_short(day), "own": (pool.pk, day) in own, "editable": day >= today}
            for day in week
        ],
        "planned": sum(s.planned for s in open_slots),
        "taken": sum(s.taken for s in found.values()),
    }


def pool_of(code: str) -> Pool:
    """A pool of the contract in scope. ``Http404``."""
    found = Pool.objects.select_related("site").filter(code=code).first()
    if found is None:
        raise Http404("この枠はありません。")
    return found


def _must_edit(request: HttpRequest) -> None:
    if not may(request, EDIT_SLOTS):
        raise PermissionDenied("予約枠の変更は、リーダー・業務責任者・市職員だけができます。")


@roles(READ_RESIDENTS)
def patterns(request: HttpRequest, contract: Contract, pool: str) -> HttpResponse:
    """Weekly patterns of a pool from a day on: one text per weekday."""
    found = pool_of(pool)
    today = request.now.date()
    if request.method != "POST":
        now_valid = WeekPattern.objects.filter(pool=found, valid_from__lte=max(today, _newest(found) or today))
        rows = [p for p in now_valid if p.valid_to is None or p.valid_to >= today]
        newest = [p for p in rows if p.valid_to is None] or rows
        texts = [bands_text(sorted((p.starts, p.ends, p.capacity) for p in newest if p.weekday == n)) for n in range(7)]
        return _pattern_page(request, found, texts, (today + dt.timedelta(days=1)).isoformat())
    _must_edit(request)
    texts = [request.POST.get(f"day{n}", "") for n in range(7)]
    start_text = request.POST.get("valid_from", "")
    wanted: list[Pattern] = []
    errors: list[dict[str, str]] = []
    for n, text in enumerate(texts):
        bands, wrong = read_bands(text)
        wanted += [Pattern(n, a, b, places) for a, b, places in bands]
        errors += [
            {"href": f"#id_day{n}", "text": f"{DAYS[n]}曜日の{e.number}行目「{e.text.strip()}」：{e.message}"}
            for e in wrong
        ]
    valid_from = None
    try:
        valid_from = dates.parse(start_text)
    except ValueError as wrong_date:
        errors.append({"href": "#id_valid_from", "text": f"いつから：{wrong_date}"})
    if valid_from and valid_from < today:
        errors.append({"href": "#id_valid_from", "text": "いつから：今日以後の日を選んでください。"})
    if errors or valid_from is None:
        return _pattern_page(request, found, texts, start_text, errors=errors, status=422)
    start, by = valid_from, actor_of(request)

    def deed() -> Effect:
        return deeds.set_patterns(contract, found, wanted, valid_from=start, by=by, now=request.now)

    return _deed(
        request, contract, deed, start,
        lambda effect, seen: _pattern_page(request, found, texts, start_text, effect=effect, seen=seen),
        f"{dates.show_short(start)}からの曜日ごとの枠を変更しました。",
        (start, wanted),
    )  # fmt: skip


def _newest(pool: Pool) -> dt.date | None:
    newest: dt.date | None = (
        WeekPattern.objects.filter(pool=pool).order_by("-valid_from").values_list("valid_from", flat=True).first()
    )
    return newest


def _pattern_page(
    request: HttpRequest, pool: Pool, texts: list[str], valid_from: str, *, errors: list[dict[str, str]] | None = None,
    effect: Effect | None = None, seen: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    history = (
        WeekPattern.objects.filter(pool=pool).values_list("valid_from", "valid_to").distinct().order_by("-valid_from")
    )
    context = {
        "pool": pool,
        "days": [{"n": n, "label": f"{DAYS[n]}曜日", "text": text} for n, text in enumerate(texts)],
        "valid_from": valid_from,
        "errors": errors,
        "effect": summary(effect) if effect is not None else None,
        "seen": seen,
        "history": list(dict.fromkeys(history)),
        "may_edit": may(request, EDIT_SLOTS),
    }
    return render(request, "office/slots/patterns.html", context, status=status)


@roles(READ_RESIDENTS)
def day(request: HttpRequest, contract: Contract, pool: str, date: str) -> HttpResponse:
    """One day of a pool with bands of its own; an empty text closes it; it can go back to the weekly patterns."""
    found = pool_of(pool)
    chosen = day_of(date, dt.date.min)
    if chosen == dt.date.min:
        raise Http404("この日付はありません。")
    plan = DayPlan.objects.filter(pool=found, date=chosen, withdrawn_at=None).first()
    if request.method != "POST":
        return _day_page(request, found, chosen, plan, bands_text(bands_on(found, chosen)), plan.reason if plan else "")
    _must_edit(request)
    by = actor_of(request)
    text, reason = request.POST.get("bands", ""), request.POST.get("reason", "").strip()
    action = request.POST.get("action", "set")
    errors: list[dict[str, str]] = []
    bands: list[tuple[dt.time, dt.time, int]] = []
    if action == "close":
        text = ""
    elif action == "set":
        bands, wrong = read_bands(text, band_minutes=found.band_minutes)
        errors = [{"href": "#id_bands", "text": f"{e.number}行目「{e.text.strip()}」：{e.message}"} for e in wrong]
        if not bands and not wrong:
            errors.append(
                {
                    "href": "#id_bands",
                    "text": "時間帯を1行以上書いてください。受付をしない日は「この日を閉じる」を押します。",
                }
            )
    if action != "withdraw" and not reason:
        errors.append({"href": "#id_reason", "text": "理由を入力してください。"})
    if len(reason) > 120:
        errors.append(
            {"href": "#id_reason", "text": f"理由は120文字以内で入力してください。いまは{len(reason)}文字です。"}
        )
    if chosen < request.now.date():
        errors.append({"href": "#id_bands", "text": "過ぎた日の枠は変更できません。"})
    if errors:
        return _day_page(request, found, chosen, plan, request.POST.get("bands", ""), reason, errors=errors, status=422)

    def deed() -> Effect:
        if action == "withdraw":
            return deeds.withdraw_day(contract, found, chosen, by=by, now=request.now)
        return deeds.set_day(contract, found, chosen, bands, reason=reason, by=by, now=request.now)

    return _deed(
        request, contract, deed, chosen,
        lambda effect, seen: _day_page(request, found, chosen, plan, text, reason, action=action, effect=effect, seen=seen),
        f"{dates.show_short(chosen)}の枠を変更しました。",
        (action, bands, reason),
    )  # fmt: skip


def _day_page(
    request: HttpRequest, pool: Pool, date: dt.date, plan: DayPlan | None, text: str, reason: str, *, action: str = "set",
    errors: list[dict[str, str]] | None = None, effect: Effect | None = None, seen: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    context = {
        "pool": pool,
        "date": date,
        "title": dates.show(date),
        "plan": plan,
        "text": text,
        "reason": reason,
        "action": action,
        "errors": errors,
        "effect": summary(effect) if effect is not None else None,
        "seen": seen,
        "may_edit": may(request, EDIT_SLOTS),
    }
    return render(request, "office/slots/day.html", context, status=status)


def _deed(
    request: HttpRequest,
    contract: Contract,
    deed: Callable[[], Effect],
    day: dt.date,
    page: Callable[[Effect, str], HttpResponse],
    done: str,
    what: object,
) -> HttpResponse:
    """Preview, or the deed when exactly this was previewed."""
    effect, seen, done_now = preview_or_do(request, contract, deed, what)
    if done_now:
        messages.success(request, done + told(effect))
        return redirect(f"{reverse('office:slots', args=[contract.code])}?week={day.isoformat()}")
    return page(effect, seen)
