"""Being ready for a failure and coming back from it: packs of paper, tablets that go on alone, deeds in question, sheets entered afterwards."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.rules import read_code
from madoguchi.domain.reception.enums import Choice, LateState, Outcome
from madoguchi.domain.reception.errors import ReceptionRefused
from madoguchi.domain.reception.models import LateDeed, NumberBlock, Tablet
from madoguchi.domain.reception.pack import booked_ahead, next_day, pack_due, pack_of
from madoguchi.domain.reception.rules import show_number
from madoguchi.domain.reception.services import late, packs, paper, tablets
from madoguchi.domain.reception.services.tickets import PAPER
from madoguchi.ground.accounts.access import LEAD_AT_COUNTER, READ_COUNTER, WORK_AT_COUNTER, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.clock import JST

from . import shared

ROWS = 12
BLANK_LINES = 18
NUMBER = re.compile(r"([A-Z])(\d{1,5})", re.ASCII)
CELLS = ("number", "came", "procedure", "people", "booking", "begun", "ended", "outcome")


@roles(READ_COUNTER)
def failure(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What is ready at a site (``?site=``), and what waits for a decision."""
    return _page(request, contract, request.GET.get("site", ""))


def _page(request: HttpRequest, contract: Contract, asked: str, *, problem: str = "", typed: str = "", status: int = 200) -> HttpResponse:
    sites = shared.sites_of(contract)
    if not sites or contract.profile.reception is None:
        raise Http404("この契約では、窓口の受付を行っていません。")
    site = next((one for one in sites if one.code == asked), sites[0])
    now = request.now
    devices = Tablet.objects.filter(site__code=site.code, revoked_at=None)
    clashes = LateDeed.objects.filter(tablet__site__code=site.code, state=LateState.CLASH).select_related("tablet", "ticket").order_by("id")
    context = {
        "site": site,
        "sites": sites,
        "pack_at": contract.profile.reception.pack_at,
        "packs": [_pack_row(contract, site.code, day, now) for day in (now.date(), next_day(contract, site.code, now))],
        "tablets": [(one, LateDeed.objects.filter(tablet=one).count()) for one in devices],
        "clashes": [_clash_row(contract, row) for row in clashes],
        "problem": problem,
        "typed": typed,
        "may_lead": may(request, LEAD_AT_COUNTER),
    }
    return render(request, "counter/failure/failure.html", context, status=status)


def _pack_row(contract: Contract, site: str, day: dt.date, now: dt.datetime) -> tuple[Any, ...]:
    pack = pack_of(site, day)
    booked = booked_ahead(site, day)
    tone, state = pack_state(contract, pack, day, now)
    return day, pack, booked if pack and pack.made_at and pack.bookings != booked else 0, tone, state


def pack_state(contract: Contract, pack: Any, day: dt.date, now: dt.datetime) -> tuple[str, str]:
    """Tone and word for how a day's pack stands; what needs somebody is never plain."""
    if pack is None or pack.made_at is None:
        if pack is not None and pack.problem:
            return "bad", "作れていません"
        return ("bad", "まだありません") if day == now.date() or pack_due(contract, now) else ("plain", "これから作ります")
    return ("warn", "まだ開いていません") if pack.opened_at is None else ("ok", "開きました")


def _clash_row(contract: Contract, row: LateDeed) -> tuple[Any, ...]:
    titles = {one.code: one.title for one in contract.profile.procedures}
    first = LateDeed.objects.filter(key=row.about).select_related("ticket").first()
    letters = {group.code: group.letter for group in (contract.profile.reception.groups if contract.profile.reception else ())}
    body = first.body if first else row.body
    known = first.ticket if first else None
    shown = known.shown if known else show_number(letters.get(body.get("group", ""), ""), body["number"]) if body.get("number") else ""
    detail = [f"{titles.get(code, code)} {count}人" for code, count in body.get("parts", {}).items()]
    if row.body.get("window"):
        detail.append(f"{row.body['window']}番窓口")
    behind = LateDeed.objects.filter(about=row.about, state=LateState.BEHIND).count()
    return row, shown, "、".join(detail), [(one.value, one.label) for one in late.CHOICES[row.clash]], behind


@require_POST
@roles(LEAD_AT_COUNTER)
def pack_make(request: HttpRequest, contract: Contract, site: str) -> HttpResponse:
    """Make a pack now, or anew with the bookings of now."""
    shared.site_of(contract, site)
    day = dates.read_iso(request.POST.get("day", ""))
    try:
        if day is None or day > request.now.date() + dt.timedelta(days=31):
            raise ReceptionRefused("日にちを確かめてください。")
        packs.make_pack(contract, site=site, day=day, by=shared.counter_actor(request), now=request.now)
    except ReceptionRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "非常時の用紙を作りました。開いて印刷してください。")
    return redirect(f"{reverse('counter:failure', args=[contract.code])}?site={site}")


@require_POST
@roles(READ_COUNTER)
def pack_open(request: HttpRequest, contract: Contract, pack: int) -> HttpResponse:
    """The pack, to be printed (``as=file``: to be kept; it needs no other file). Who opens it is written down."""
    try:
        found, content = packs.open_pack(contract, pack, by=shared.counter_actor(request), now=request.now)
    except ReceptionRefused as refused:
        messages.error(request, str(refused))
        return redirect("counter:failure", contract.code)
    kept = request.POST.get("as") == "file"
    context = {
        "contract": contract,
        "pack": found,
        "content": content,
        "day": found.day,
        "made_at": dt.datetime.fromisoformat(content["made_at"]).astimezone(JST),
        "numbers": [
            {**row, "shown": [show_number(row["letter"], number) for number in range(row["first"], row["last"] + 1)]}
            for row in content["numbers"]
        ],
        "blank": range(BLANK_LINES),
        "kept": kept,
        "home": f"{reverse('counter:failure', args=[contract.code])}?site={found.site.code}",
    }
    text = render_to_string("counter/failure/pack.html", context)
    response = HttpResponse(_with_style(text) if kept else text)
    if kept:
        response.headers["Content-Disposition"] = f'attachment; filename="hijou-{found.site.code}-{found.day:%Y%m%d}.html"'
    return response


def _with_style(page: str) -> str:
    """The page with its style inside: it is opened from a folder, when no server answers."""
    place = finders.find("counter/pack.css")
    style = Path(place).read_text(encoding="utf-8") if place else ""
    return page.replace("</head>", f"<style>{style}</style></head>", 1)


@require_POST
@roles(WORK_AT_COUNTER)
def tablet_add(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Register a device of the reception."""
    site, name = request.POST.get("site", ""), request.POST.get("name", "")
    shared.site_of(contract, site)
    try:
        tablets.add_tablet(contract, site=site, name=name, by=shared.counter_actor(request), now=request.now)
    except ReceptionRefused as refused:
        return _page(request, contract, site, problem=str(refused), typed=name, status=422)
    messages.success(request, "端末を登録しました。その端末で「この端末で開く」を押してください。")
    return redirect(f"{reverse('counter:failure', args=[contract.code])}?site={site}")


@require_POST
@roles(LEAD_AT_COUNTER)
def tablet_revoke(request: HttpRequest, contract: Contract, tablet: int) -> HttpResponse:
    """Take a device away; what it still keeps can be sent."""
    try:
        found = tablets.revoke_tablet(contract, tablet, by=shared.counter_actor(request), now=request.now)
    except Tablet.DoesNotExist:
        raise Http404("この端末は、すでに外してあるか、ありません。") from None
    messages.success(request, f"{found.name} を外しました。端末に残っている操作は、つながると送れます。")
    return redirect("counter:failure", contract.code)


@require_POST
@roles(WORK_AT_COUNTER)
def late_decide(request: HttpRequest, contract: Contract, late_deed: int) -> HttpResponse:
    """Settle one deed in question."""
    wanted = request.POST.get("choice", "")
    try:
        if wanted not in Choice.values:
            raise ReceptionRefused("扱いを選んでください。")
        row = late.decide(
            contract, late_deed, Choice(wanted), user=request.user, by=shared.counter_actor(request), now=request.now
        )
    except ReceptionRefused as refused:
        messages.error(request, str(refused))
    else:
        if row.state == LateState.CLASH:
            messages.warning(request, f"まだ記録できません。{row.message}")
        else:
            messages.success(request, f"決めました：{Choice(wanted).label}")
    site = request.POST.get("site", "")
    query = f"?site={site}" if site in {one.code for one in shared.sites_of(contract)} else ""
    return redirect(f"{reverse('counter:failure', args=[contract.code])}{query}")


@roles(WORK_AT_COUNTER)
def paper_sheets(request: HttpRequest, contract: Contract, site: str) -> HttpResponse:
    """Enter the sheets of a failure, many at once."""
    where = shared.site_of(contract, site)
    data = request.POST if request.method == "POST" else request.GET
    day = dates.read_iso(data.get("day", "")) or request.now.date()
    rows = [dict.fromkeys(CELLS, "") for _ in range(ROWS)]
    problem, status, wrong = "", 200, {}
    key = shared.new_key()
    if request.method == "POST":
        key = request.POST.get("key", "")
        columns = {name: request.POST.getlist(name) for name in CELLS}
        count = max(ROWS, min(100, len(columns["number"])))
        rows = [{name: columns[name][n] if n < len(columns[name]) else "" for name in CELLS} for n in range(count)]
        sheets, places, wrong = _read(rows)
        try:
            if not wrong:
                done = paper.enter_sheets(
                    contract, site=site, day=day, sheets=sheets, key=key, by=shared.counter_actor(request), now=request.now
                )
                messages.success(request, f"紙の記録を {len(done)}件 入力しました。" if done else "この入力は、すでに記録してあります。")
                return redirect(f"{reverse('counter:paper', args=[contract.code, site])}?day={day.isoformat()}")
        except paper.SheetsRefused as refused:
            wrong = {places[n]: text for n, text in refused.problems.items()}
        except ReceptionRefused as refused:
            problem = str(refused)
        status = 422
    context = {
        "site": where,
        "day": day,
        "today": request.now.date(),
        "rows": [{**row, "wrong": wrong.get(n, "")} for n, row in enumerate(rows)],
        "wrong": "・".join(str(n + 1) for n in wrong),
        "problem": problem,
        "key": key,
        "blocks": NumberBlock.objects.filter(site__code=site, day=day, device=PAPER).order_by("letter", "first"),
        "procedures": contract.profile.procedures_at(site),
        "outcomes": Outcome.choices,
    }
    return render(request, "counter/failure/paper.html", context, status=status)


def _read(rows: list[dict[str, str]]) -> tuple[list[paper.Sheet], list[int], dict[int, str]]:
    """Sheets, the row each comes from, and row → what is wrong in it."""
    sheets, places, wrong = [], [], {}
    for place, row in enumerate(rows):
        if not any(row[name].strip() for name in CELLS if name != "outcome"):
            continue
        try:
            sheets.append(_sheet(row))
            places.append(place)
        except ValueError as problem:
            wrong[place] = str(problem)
    return sheets, places, wrong


def _sheet(row: dict[str, str]) -> paper.Sheet:
    number = NUMBER.fullmatch(unicodedata.normalize("NFKC", row["number"]).strip().upper())
    if number is None:
        raise ValueError("番号札を、英字と数字で入力してください。例：A801")
    people = unicodedata.normalize("NFKC", row["people"]).strip() or "1"
    if not (people.isdecimal() and people.isascii() and 1 <= int(people[:3]) <= 20):
        raise ValueError("人数を、1から20までの数で入力してください。")
    if row["outcome"] not in Outcome.values:
        raise ValueError("結果を選んでください。")
    came, ended = _time(row["came"], "来た時刻"), _time(row["ended"], "終わった時刻")
    return paper.Sheet(
        letter=number[1], number=int(number[2]), came=came, begun=_time(row["begun"], "始めた時刻") if row["begun"].strip() else None,
        ended=ended, parts={row["procedure"]: int(people)} if row["procedure"] else {}, outcome=Outcome(row["outcome"]),
        booking=read_code(row["booking"]),
    )  # fmt: skip


def _time(text: str, what: str) -> dt.time:
    plain = unicodedata.normalize("NFKC", text).strip()
    plain = f"{plain[:-2]}:{plain[-2:]}" if re.fullmatch(r"\d{3,4}", plain, re.ASCII) else plain
    try:
        return dates.read_time(plain)
    except ValueError:
        raise ValueError(f"{what}を、「930」か「9:30」のように入力してください。") from None
