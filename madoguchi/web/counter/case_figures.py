"""Figures of cases, by what the work left behind: counts and times, and the city's table of visitors. Nothing personal is in them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from madoguchi.domain.cases.enums import End
from madoguchi.domain.cases.figures import Row, Work, grouped, total
from madoguchi.domain.cases.queries.figures import works
from madoguchi.domain.reports.visitors import MEASURE, visitors_of_month
from madoguchi.ground.accounts.access import READ_COUNTER, READ_REPORTS, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import CHANNEL_LABELS
from madoguchi.ground.kit.csvfile import write_csv

WIDEST = 366
EARLIEST, LATEST = 2020, 2100
GROUPS: dict[str, tuple[str, Callable[[Work], str]]] = {
    "procedure": ("手続き", lambda one: one.procedure),
    "site": ("場所", lambda one: one.site),
    "channel": ("来た経路", lambda one: one.channel),
    "language": ("ことば", lambda one: one.language),
    "hour": ("終わった時刻", lambda one: f"{one.at.hour:02d}"),
    "outcome": ("結果", lambda one: one.outcome),
}


def _period(request: HttpRequest) -> tuple[dt.date, dt.date, str]:
    """First and last day asked for (this month to today unless said), and what is wrong with what was typed."""
    today: dt.date = request.now.date()
    usual = (today.replace(day=1), today)
    try:
        first, last = (dt.date.fromisoformat(request.GET.get(name) or day.isoformat()) for name, day in zip(("first", "last"), usual, strict=True))
    except ValueError:
        return *usual, "日付を、例えば 2026-11-01 のように入力してください。"
    if not (EARLIEST <= first.year <= LATEST and EARLIEST <= last.year <= LATEST):
        return *usual, f"{EARLIEST}年から{LATEST}年までの日を入力してください。"
    if last < first:
        return *usual, "終わりの日を、始まりの日より後にしてください。"
    if (last - first).days > WIDEST:
        return *usual, f"一度に見られるのは{WIDEST}日までです。期間を短くしてください。"
    return first, last, ""


def _names(contract: Contract, group: str) -> dict[str, str]:
    profile = contract.profile
    return {
        "procedure": {one.code: one.title for one in profile.procedures},
        "site": {one.code: one.short_name or one.name for one in profile.sites},
        "channel": {str(code): "予約なし・窓口" if code == "counter" else label for code, label in CHANNEL_LABELS.items()},
        "language": dict(settings.LANGUAGES),
        "hour": {f"{hour:02d}": f"{hour}時" for hour in range(24)},
        "outcome": {str(code): str(label) for code, label in End.choices},
    }[group]


def _tables(contract: Contract, first: dt.date, last: dt.date) -> tuple[Row, Row, list[tuple[str, str, list[tuple[str, Row]]]]]:
    """All ended cases, all examinations, and the ended ones by each group."""
    found = works(["case.ended", "case.examined"], first, last)
    ended = [one for one in found if one.kind == "case.ended"]
    groups = []
    for code, (label, key) in GROUPS.items():
        names = _names(contract, code)
        groups.append((code, label, [(names.get(row.key, row.key), row) for row in grouped(ended, key)]))
    return total(ended), total([one for one in found if one.kind == "case.examined"]), groups


@roles(READ_COUNTER)
def figures(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Ended cases of a period: how many, how long, by procedure, place, channel, language, hour and outcome."""
    first, last, problem = _period(request)
    ended, examined, groups = _tables(contract, first, last)
    drawn = [(code, label, rows, [(name, row.count) for name, row in rows]) for code, label, rows in groups]
    context = {"first": first, "last": last, "problem": problem, "ended": ended, "examined": examined, "groups": drawn}
    return render(request, "cases/figures.html", context, status=422 if problem else 200)


@roles(READ_COUNTER)
def figures_csv(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The same figures as one file: a line per group and value."""
    first, last, problem = _period(request)
    if problem:
        return HttpResponse(problem, status=422, content_type="text/plain; charset=utf-8")
    _, _, groups = _tables(contract, first, last)
    head = ["分け方", "値", "件数", "完了", "平均の対応時間（秒）", "市の審査の平均の待ち（秒）", "最長の待ち（秒）"]
    rows: list[list[Any]] = [
        [label, name, row.count, row.done, _whole(row.handle), _whole(row.wait), row.longest if row.longest is not None else ""]
        for _, label, found in groups for name, row in found
    ]  # fmt: skip
    return _file(write_csv(head, rows).content, f"cases-{contract.code}-{first}-{last}.csv")


def _whole(seconds: float | None) -> int | str:
    return "" if seconds is None else round(seconds)


def _month(request: HttpRequest) -> tuple[dt.date, str]:
    """The month asked for (this one unless said) and what is wrong with what was typed."""
    today: dt.date = request.now.date()
    try:
        month = dt.date.fromisoformat(f"{request.GET.get('month') or f'{today:%Y-%m}'}-01")
    except ValueError:
        return today.replace(day=1), "月を、例えば 2026-11 のように入力してください。"
    if not EARLIEST <= month.year <= LATEST:
        return today.replace(day=1), f"{EARLIEST}年から{LATEST}年までの月を入力してください。"
    return month, ""


def _site(request: HttpRequest, contract: Contract) -> str:
    asked = request.GET.get("site", "")
    return asked if asked in {site.code for site in contract.profile.sites} else ""


@roles(READ_COUNTER)
def visitors(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The city's table: visitors by procedure and day of a month; prints on A4."""
    month, problem = _month(request)
    site = _site(request, contract)
    table = visitors_of_month(contract, month, site)
    names = _names(contract, "procedure")
    behind = {"measure": MEASURE, **({"site": site} if site else {})}
    context = {
        "month": month,
        "behind": f"{reverse('reports:records', args=[contract.code])}?{urlencode(behind)}" if may(request, READ_REPORTS) else "",
        "before": (month - dt.timedelta(days=1)).replace(day=1),
        "after": table.days[-1] + dt.timedelta(days=1),
        "table": table,
        "rows": [(code, names[code], list(zip(table.days, counts, strict=True)), n) for code, counts, n in table.rows],
        "sites": contract.profile.sites,
        "site": site,
        "site_name": next((one.name for one in contract.profile.sites if one.code == site), "すべての場所"),
        "problem": problem,
        "made_at": request.now,
    }
    return render(request, "cases/visitors.html", context, status=422 if problem else 200)


@roles(READ_COUNTER)
def visitors_csv(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The city's table as a file."""
    month, problem = _month(request)
    if problem:
        return HttpResponse(problem, status=422, content_type="text/plain; charset=utf-8")
    table = visitors_of_month(contract, month, _site(request, contract))
    names = _names(contract, "procedure")
    rows = [[names[code], *counts, n] for code, counts, n in table.rows]
    head = ["手続き", *(f"{day.day}日" for day in table.days), "計"]
    return _file(write_csv(head, [*rows, ["計", *table.sums, table.all]]).content, f"visitors-{contract.code}-{month:%Y-%m}.csv")


def _file(content: bytes, name: str) -> HttpResponse:
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'})
