"""For who leads the counter: the groups of this moment, the list of a day, closing it, the public screens."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from madoguchi.domain.premises.queries.checklists import late_sheets
from madoguchi.domain.reception import queries
from madoguchi.domain.reception.enums import LateState, Need, Outcome, Source, Stay, TerminalKind
from madoguchi.domain.reception.errors import ReceptionRefused
from madoguchi.domain.reception.models import LateDeed, Terminal, Ticket
from madoguchi.domain.reception.pack import next_day, pack_due, pack_of
from madoguchi.domain.reception.services.day import close_day, never_came
from madoguchi.domain.reception.services.terminals import add_terminal, revoke_terminal, terminal_path
from madoguchi.ground.accounts.access import EVERYONE, LEAD_AT_COUNTER, WORK_AT_COUNTER, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.clock import JST

from . import shared

EVERY_SECONDS = 5


@roles(EVERYONE)
def overview(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Groups, windows and the course of the day at a site (``?site=``). Holds no personal data."""
    sites = shared.sites_of(contract)
    if not sites:
        raise Http404("この契約では、窓口の受付を行っていません。")
    asked = request.GET.get("site", "")
    site = next((one for one in sites if one.code == asked), sites[0])
    now = request.now
    queue = queries.Queue(contract, site.code, now)
    rows = queries.group_rows(queue, now)
    paused = request.GET.get("pause") == "1"
    context: dict[str, Any] = {
        "sites": sites,
        "site": site,
        "rows": [(row, shared.wait_staff(row.place.wait, row.windows), (row.longest_seconds or 0)) for row in rows],
        "windows": [(window, queue.parties.get(window.pk), _group_names(queue, window.groups)) for window in queue.windows if window.is_open],
        "held": [ticket for ticket in queue.tickets if ticket.state == Stay.HOLD],
        "total": {
            "waiting": sum(row.waiting for row in rows),
            "longest": max((row.longest_seconds or 0 for row in rows), default=0),
            "windows": sum(window.is_open for window in queue.windows),
            "served": sum(row.served for row in rows),
        },
        "halves": _halves(site.code, now),
        "cares": _cares(contract, site.code, now),
        "now": now,
        "paused": paused,
        "every": EVERY_SECONDS,
        "live_url": f"{reverse('counter:overview', args=[contract.code])}?site={site.code}",
        "may_work": may(request, WORK_AT_COUNTER),
        "may_lead": may(request, LEAD_AT_COUNTER),
        "late_lists": [sheet for sheet in late_sheets(contract, now) if sheet.site == site.code] if may(request, LEAD_AT_COUNTER) else [],
    }
    return render(request, f"counter/overview/{'_live' if request.htmx else 'overview'}.html", context)


def _cares(contract: Contract, site: str, now: dt.datetime) -> list[str]:
    """What somebody has to do so that a failure finds the counter ready."""
    found = []
    clashes = LateDeed.objects.filter(tablet__site__code=site, state=LateState.CLASH).count()
    if clashes:
        found.append(f"つながらない間の操作で、確かめてから記録するものが {clashes}件あります。")
    if pack_due(contract, now):
        day = next_day(contract, site, now)
        pack = pack_of(site, day)
        if pack is None or pack.made_at is None:
            found.append(f"{day:%-m月%-d日}の非常時の用紙が、まだありません。")
        elif pack.opened_at is None:
            found.append(f"{day:%-m月%-d日}の非常時の用紙を、まだ誰も開いていません。印刷してください。")
    return found


def _group_names(queue: queries.Queue, codes: list[str]) -> str:
    return "・".join(queue.groups[code].name for code in codes if code in queue.groups)


def _halves(site: str, now: dt.datetime) -> list[tuple[str, int, int]]:
    """Half hours of today with parties that came and visits that ended."""
    came: dict[dt.datetime, int] = {}
    ended: dict[dt.datetime, int] = {}
    for issued, closed in queries.tickets_of(site, now.date()).values_list("issued_at", "closed_at"):
        came[_half(issued)] = came.get(_half(issued), 0) + 1
        if closed is not None:
            ended[_half(closed)] = ended.get(_half(closed), 0) + 1
    every = sorted({*came, *ended})
    if not every:
        return []
    count = round((every[-1] - every[0]) / dt.timedelta(minutes=30)) + 1
    halves = [every[0] + n * dt.timedelta(minutes=30) for n in range(count)]
    return [(f"{at:%H:%M}", ended.get(at, 0), came.get(at, 0)) for at in halves]


def _half(moment: dt.datetime) -> dt.datetime:
    local = moment.astimezone(JST)
    return local.replace(minute=local.minute // 30 * 30, second=0, microsecond=0)


@roles(EVERYONE)
def day(request: HttpRequest, contract: Contract, site: str) -> HttpResponse:
    """Every ticket of a day (``?date=``) with what became of it; today can be closed by who leads."""
    where = shared.site_of(contract, site)
    today = request.now.date()
    date = dates.read_iso(request.GET.get("date", "")) or today
    tickets = list(queries.tickets_of(site, date))
    names = {one.code: one.title for one in contract.profile.procedures}
    needs = dict(Need.choices)
    absent = never_came(site, date, request.now).count()
    outcomes = [(label, sum(ticket.outcome == value for ticket in tickets)) for value, label in Outcome.choices]
    context = {
        "site": where,
        "sites": shared.sites_of(contract),
        "date": date,
        "date_title": dates.show(date),
        "earlier": (date - dt.timedelta(days=1)).isoformat(),
        "later": (date + dt.timedelta(days=1)).isoformat(),
        "is_today": date == today,
        "rows": [_row(ticket, names, needs) for ticket in tickets],
        "open": sum(ticket.closed_at is None for ticket in tickets),
        "people": sum(ticket.people for ticket in tickets),
        "outcomes": outcomes,
        "overran": sum(ticket.overran for ticket in tickets),
        "absent": absent,
        "entered": [(one.label, n) for one in (Source.TABLET, Source.PAPER) if (n := sum(ticket.source == one for ticket in tickets))],
        "key": shared.new_key(),
        "may_lead": may(request, LEAD_AT_COUNTER),
    }
    return render(request, "counter/overview/day.html", context)


def _row(ticket: Ticket, names: dict[str, str], needs: dict[str, str]) -> dict[str, Any]:
    return {
        "ticket": ticket,
        "procedures": [(names.get(code, code), count, code in ticket.done) for code, count in zip(ticket.procedures, ticket.counts, strict=True)],
        "needs": "・".join(needs.get(need, need) for need in ticket.needs),
        "language": dict(settings.LANGUAGES).get(ticket.language, ticket.language) if ticket.language != "ja" else "",
        "source": {Source.TABLET: "端末", Source.PAPER: "紙"}.get(Source(ticket.source), ""),
        "state": Stay(ticket.state).label if ticket.state else Outcome(ticket.outcome).label,
    }


@require_POST
@roles(LEAD_AT_COUNTER)
def close(request: HttpRequest, contract: Contract, site: str) -> HttpResponse:
    """Close today."""
    shared.site_of(contract, site)
    try:
        done = close_day(
            contract, site=site, no_shows="no_shows" in request.POST, key=request.POST.get("key", ""), by=shared.counter_actor(request),
            now=request.now,
        )  # fmt: skip
    except ReceptionRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"一日を締めました。残っていた番号 {done.tickets}件、不来庁 {done.no_shows}件を記録しました。")
    return redirect("counter:day", contract.code, site)


@roles(LEAD_AT_COUNTER)
def terminals(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Ticket machines and displays: their links, a new one, taking one back."""
    sites = shared.sites_of(contract)
    typed = {"name": "", "kind": TerminalKind.DISPLAY.value, "site": sites[0].code if sites else ""}
    problem, status = "", 200
    if request.method == "POST":
        typed = {name: request.POST.get(name, "") for name in typed}
        kind = typed["kind"]
        if kind not in TerminalKind.values:
            raise Http404("この種類の画面はありません。")
        try:
            add_terminal(
                contract, site=typed["site"], kind=TerminalKind(kind), name=typed["name"], by=shared.counter_actor(request), now=request.now
            )
        except ReceptionRefused as refused:
            problem, status = str(refused), 422
        else:
            messages.success(request, "追加しました。この画面を出す端末で、リンクを開いてください。")
            return redirect("counter:terminals", contract.code)
    rows = [
        (one, terminal_path(contract, one), shared.qr(f"{settings.PUBLIC_URL}{terminal_path(contract, one)}"))
        for one in Terminal.objects.filter(revoked_at=None).select_related("site")
    ]
    context = {"rows": rows, "sites": sites, "kinds": TerminalKind.choices, "typed": typed, "problem": problem}
    return render(request, "counter/overview/terminals.html", context, status=status)


@require_POST
@roles(LEAD_AT_COUNTER)
def revoke(request: HttpRequest, contract: Contract, terminal: int) -> HttpResponse:
    """Take a screen's link back."""
    try:
        revoke_terminal(contract, terminal, by=shared.counter_actor(request), now=request.now)
    except Terminal.DoesNotExist:
        raise Http404("この画面は、すでに止めてあるか、ありません。") from None
    messages.success(request, "リンクを止めました。この画面は、もう開けません。")
    return redirect("counter:terminals", contract.code)
