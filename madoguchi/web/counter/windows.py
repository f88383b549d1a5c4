"""The page of one window: call, serve, hold, hand on, finish, by keyboard; who waits beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.cases.enums import End, Side, State
from madoguchi.domain.cases.errors import CaseRefused
from madoguchi.domain.cases.hands import hand_at
from madoguchi.domain.cases.queries import cases as case_reads
from madoguchi.domain.cases.queries.flows import offered_flows
from madoguchi.domain.cases.services import visits
from madoguchi.domain.procedures.enums import Who
from madoguchi.domain.reception import queries
from madoguchi.domain.reception.enums import Need, Outcome, Stay
from madoguchi.domain.reception.errors import ReceptionRefused
from madoguchi.domain.reception.models import Ticket, Window
from madoguchi.domain.reception.services import windows as deeds
from madoguchi.ground.accounts.access import EVERYONE, WORK_AT_COUNTER, may, roles
from madoguchi.ground.contracts.models import Contract

from . import shared


@roles(EVERYONE)
def windows(request: HttpRequest, contract: Contract, site: str) -> HttpResponse:
    """Choose the window one sits down at, and the groups it serves."""
    where = shared.site_of(contract, site)
    terms = contract.profile.reception
    assert terms is not None
    groups = terms.groups_at(site)
    rows = {window.number: window for window in Window.objects.filter(site__code=site).select_related("staff")}
    numbers = sorted({*rows, *(number for group in groups for number in group.windows)})
    choices = []
    for number in numbers:
        window = rows.get(number)
        served = window.groups if window else [group.code for group in groups if number in group.windows]
        choices.append((number, window, [(group, group.code in served) for group in groups]))
    context = {
        "site": where,
        "sites": shared.sites_of(contract),
        "choices": choices,
        "key": shared.new_key(),
        "may_work": may(request, WORK_AT_COUNTER),
    }
    return render(request, "counter/windows/windows.html", context)


@roles(WORK_AT_COUNTER)
def window(request: HttpRequest, contract: Contract, site: str, number: int) -> HttpResponse:
    """One window. A request of htmx gets the list of who waits alone."""
    where = shared.site_of(contract, site)
    found = Window.objects.filter(site__code=site, number=number).select_related("staff").first()
    if found is None:
        raise Http404("この窓口は、まだ開いていません。窓口の一覧から開けてください。")
    queue = queries.Queue(contract, site, request.now)
    party = queries.party_at(found)
    context: dict[str, Any] = {
        "site": where,
        "window": found,
        "mine": found.staff_id == request.user.pk,
        "groups": [queue.groups[code] for code in found.groups if code in queue.groups],
        "others": [group for code, group in queue.groups.items() if party is None or code != party.ticket.group],
        "waiting": [_waiting(ticket, queue) for ticket in queue.waiting if ticket.group in found.groups],
        "held": _held(queue),
        "key": shared.new_key(),
        "now": request.now,
    }
    if request.htmx:
        return render(request, "counter/windows/_waiting.html", context)
    if party is not None:
        context |= _party(contract, party.ticket, request) | {"period": party}
    return render(request, "counter/windows/window.html", context)


def _waiting(ticket: Ticket, queue: queries.Queue) -> dict[str, Any]:
    names = {one.code: one.title for one in queue.contract.profile.procedures}
    return {
        "ticket": ticket,
        "group": queue.groups[ticket.group].name if ticket.group in queue.groups else ticket.group,
        "procedures": "、".join(names.get(code, code) for code, _ in ticket.left),
        "seconds": round((queue.now - ticket.issued_at).total_seconds()),
        "needs": "・".join(str(Need(need).label) for need in ticket.needs if need in Need.values),
    }


def _held(queue: queries.Queue) -> list[dict[str, Any]]:
    """Who is on hold: those whose cases have all come back from the city first."""
    held = [ticket for ticket in queue.tickets if ticket.state == Stay.HOLD]
    standing = case_reads.standing_of([ticket.pk for ticket in held])
    rows = [_waiting(ticket, queue) | {"at_city": standing.get(ticket.pk, (0, 0))[0], "at_counter": standing.get(ticket.pk, (0, 0))[1]} for ticket in held]
    return sorted(rows, key=lambda row: bool(row["at_city"]))


def _cases(contract: Contract, ticket: Ticket, request: HttpRequest) -> list[dict[str, Any]]:
    names = {one.code: one.title for one in contract.profile.procedures}
    rows = []
    for n, listed in enumerate(case_reads.cases_of_ticket(contract, ticket.pk), 1):
        case = listed.case
        at_counter = case.state == State.ACTIVE and case.side == Side.COUNTER
        rows.append({
            "case": case,
            "n": n,
            "procedure": names.get(case.procedure.code, case.procedure.legal_name),
            "person": f"{case.position}人目" if case.position else "",
            "step": End(case.outcome).label if case.outcome else listed.step.title,
            "tone": "done" if case.outcome else "info" if case.side == Side.CITY else "warn" if case.state == State.INTERRUPTED else "ok",
            "state": "終了" if case.outcome else "市の審査中" if case.side == Side.CITY else State(case.state).label,
            "own": at_counter and case.owner == request.user,
            "to_take": at_counter and case.owner != request.user,
            "settled": not at_counter,
        })  # fmt: skip
    return rows


def _party(contract: Contract, ticket: Ticket, request: HttpRequest) -> dict[str, Any]:
    names = {one.code: one.title for one in contract.profile.procedures}
    cases = _cases(contract, ticket, request)
    open_ones = {row["case"].procedure.code for row in cases if not row["settled"]}
    ready = {row["case"].procedure.code for row in cases} - open_ones
    first = next((code for code, _ in ticket.left), "")
    ticked = ready or ({first} - open_ones)
    left = [(code, names.get(code, code), count, code in ticked) for code, count in ticket.left]
    flows = {code for one in offered_flows(contract, request.now.date()) for code in one.flow.procedures}
    return {
        "ticket": ticket,
        "left": left,
        "cases": cases,
        "has_flows": any(code in flows for code, _ in ticket.left),
        "finished": [names.get(code, code) for code in ticket.done],
        "needs": [Need(need).label for need in ticket.needs if need in Need.values],
        "language": dict(settings.LANGUAGES).get(ticket.language, ticket.language),
        "calls": queries.summons_count(ticket),
        "bring": [(names.get(code, code), one) for code, one in shared.briefings([c for c, _ in ticket.left], Who.SELF, (), request.now.date(), "ja")],
        "outcomes": [(Outcome.REFERRED.value, Outcome.REFERRED.label), (Outcome.LEFT.value, Outcome.LEFT.label)],
    }


def called(shown: str) -> str:
    """What the page says when a number was called."""
    return f"{shown} を呼び出しました。"


def _call(contract: Contract, common: dict[str, Any], request: HttpRequest) -> str:
    ticket = deeds.call_next(contract, **common)
    return called(ticket.shown) if ticket else "お待ちの方はいません。"


def _call_this(contract: Contract, common: dict[str, Any], request: HttpRequest) -> str:
    text = request.POST.get("ticket", "")
    ticket = deeds.call_this(contract, ticket=int(text) if text.isdecimal() and len(text) < 16 else 0, **common)
    return called(ticket.shown)


def _recall(contract: Contract, common: dict[str, Any], request: HttpRequest) -> str:
    return f"{deeds.recall(contract, **common).shown} をもう一度呼び出しました。"


def _missed(contract: Contract, common: dict[str, Any], request: HttpRequest) -> str:
    ticket = deeds.missed(contract, **common)
    after = "受付を終えました。" if ticket.closed_at else "少し後の順番に戻しました。"
    return f"{ticket.shown} はいらっしゃいませんでした。{after}"


def _begin(contract: Contract, common: dict[str, Any], request: HttpRequest) -> str:
    return f"{deeds.begin(contract, **common).shown} の応対を始めました。"


def _hold(contract: Contract, common: dict[str, Any], request: HttpRequest) -> str:
    return f"{deeds.hold(contract, **common).shown} を保留にしました。続けるときは「保留」の一覧から呼び出してください。"


def _redirect(contract: Contract, common: dict[str, Any], request: HttpRequest) -> str:
    return f"{deeds.redirect(contract, group=request.POST.get('group', ''), **common).shown} を引き継ぎました。"


def _finish(contract: Contract, common: dict[str, Any], request: HttpRequest) -> str:
    ticket = deeds.finish(contract, procedures=request.POST.getlist("done"), **common)
    return f"{ticket.shown} の手続きを記録しました。" if ticket.left else f"{ticket.shown} の来庁を終えました。"


def _go_on(contract: Contract, common: dict[str, Any], request: HttpRequest) -> str:
    text = request.POST.get("case", "").strip()
    window = Window.objects.get(site__code=common["site"], number=common["number"])
    party = queries.party_at(window)
    if party is None or party.kind != Stay.SERVE or window.staff_id != request.user.pk:
        raise ReceptionRefused("応対中の方はいません。来られたら「応対を始める」を押してください。")
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise ReceptionRefused("控えにある案件番号を、数字で入力してください。")
    hand = hand_at(contract, common["user"], common["by"])
    case = visits.go_on(contract, party.ticket, int(text), key=common["key"], hand=hand, now=common["now"])
    return f"案件{case.pk}を続けます。"


def _end(contract: Contract, common: dict[str, Any], request: HttpRequest) -> str:
    wanted = request.POST.get("outcome", "")
    if wanted not in Outcome.values:
        raise ReceptionRefused("来庁の結果を選んでください。")
    return f"{deeds.end_visit(contract, outcome=Outcome(wanted), **common).shown} の来庁を終えました。"


DEEDS: dict[str, Callable[[Contract, dict[str, Any], HttpRequest], str]] = {
    "next": _call, "this": _call_this, "recall": _recall, "missed": _missed, "begin": _begin, "hold": _hold, "redirect": _redirect,
    "finish": _finish, "end": _end, "go-on": _go_on,
}  # fmt: skip


@require_POST
@roles(WORK_AT_COUNTER)
def deed(request: HttpRequest, contract: Contract, site: str, number: int, deed: str) -> HttpResponse:
    """Do one thing at a window and show the window again."""
    shared.site_of(contract, site)
    key, by = request.POST.get("key", ""), shared.counter_actor(request)
    common = {"site": site, "number": number, "user": request.user, "key": key, "by": by, "now": request.now}
    try:
        if deed == "open":
            deeds.open_window(contract, groups=request.POST.getlist("group"), **common)
        elif deed == "close":
            deeds.close_window(contract, site=site, number=number, key=key, by=by, now=request.now)
            messages.success(request, f"{number}番窓口を閉めました。")
            return redirect("counter:windows", contract.code, site)
        elif deed in DEEDS:
            messages.success(request, DEEDS[deed](contract, common, request))
        else:
            raise Http404("この操作はありません。")
    except (ReceptionRefused, CaseRefused) as refused:
        messages.error(request, str(refused))
        if not Window.objects.filter(site__code=site, number=number).exists():
            return redirect("counter:windows", contract.code, site)
    return redirect("counter:window", contract.code, site, number)
