"""The wallboard and the month's figures of the telephone. Neither shows a caller's number, so every role may look and nobody's look is logged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from madoguchi.domain.calls.figures import Figures, meanings
from madoguchi.domain.calls.queries import reports
from madoguchi.domain.calls.queries.board import Board
from madoguchi.domain.calls.queries.board import board as read_board
from madoguchi.ground.accounts.access import EVERYONE, READ_RESIDENTS, WORK_ON_BOOKINGS, may, roles
from madoguchi.ground.accounts.queries import names_of
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.csvfile import write_csv

from .exchange import told_by_exchange

EVERY_SECONDS = 5
STATES = {
    "ready": ("待機", "ok"), "ringing": ("呼び出し中", "warn"), "talking": ("通話中", "info"), "wrapup": ("後処理", "plain"), "break": ("休憩・離席", "plain"),
    "offline": ("未接続", "done"),
}  # fmt: skip
FLOW_TROUBLES = {
    "last_good": "電話の流れのファイルを交換機が読めません。前の版で応答しています。管理者に連絡してください。",
    "none": "交換機に電話の流れがありません。かけた方には「不具合のため、おつなぎできません」と流れています。管理者に連絡してください。",
}
LABELS = {
    "answer_rate": "応答率", "service_level": "サービスレベル", "abandon_rate": "放棄率", "asa": "平均応答時間（ASA）", "aht": "平均処理時間（AHT）",
    "longest_wait": "最長の待ち", "offered": "対象の着信",
}  # fmt: skip


@roles(EVERYONE)
def board(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The board as the records tell it, with what the exchange says of this moment."""
    return board_page(request, contract, exchange=told_by_exchange(contract, request.now))


def board_page(request: HttpRequest, contract: Contract, *, exchange: Mapping[str, Any] | None) -> HttpResponse:
    """The board; ``exchange`` is what :meth:`madoguchi.voice.operators.Exchange.board` says, None while no exchange is connected.

    ``?wall=1`` is the big screen, ``?pause=1`` stands still. A request of htmx gets the live part alone; ``?said=`` is what the page
    last told screen readers, so that they hear changes only.
    """
    found = read_board(contract, request.now)
    wall, paused = request.GET.get("wall") == "1", request.GET.get("pause") == "1"
    here = reverse("phone:board", args=[contract.code])
    said = said_of(found)
    context: dict[str, Any] = {
        "board": found,
        "own": found.both[0],
        "labels": LABELS,
        "meanings": [(LABELS[name], name, text) for name, text in meanings(found.both[0].definition).items()],
        "halves": [(f"{at:%H:%M}", one.counted_answered, one.offered) for at, one in found.halves],
        "days": [(f"{day.month}/{day.day}", one.counted_answered, one.offered) for day, one in found.days],
        "day_rates": [one.answer_rate for _, one in found.days],
        "operators": operators(exchange),
        "flow_trouble": FLOW_TROUBLES.get(exchange.get("flows", {}).get(contract.code, ""), "") if exchange else "",
        "wall": wall,
        "paused": paused,
        "every": EVERY_SECONDS,
        "said": said,
        "speak": request.GET.get("said", said) != said,
        "live_url": f"{here}?said={said}{'&wall=1' if wall else ''}",
        "may_read": may(request, READ_RESIDENTS),
        "may_work": may(request, WORK_ON_BOOKINGS),
    }
    name = "_live" if request.htmx else "wall" if wall else "board"
    return render(request, f"callcentre/board/{name}.html", context)


def said_of(found: Board) -> str:
    """What of the board is worth interrupting a listener, as a short word: whether somebody waits, whether the target is met."""
    met = {True: "met", False: "missed", None: "open"}[found.both[0].today.met]
    return f"{'waiting' if found.waiting else 'quiet'}-{met}"


def operators(exchange: Mapping[str, Any] | None) -> dict[str, Any]:
    """The operators' states in words; ``connected`` is False without an exchange."""
    if exchange is None:
        return {"connected": False, "rows": []}
    people = exchange["operators"]
    names = names_of({one["name"] for one in people})
    order = list(STATES)
    rows = [
        {
            "name": names.get(one["name"], one["name"]),
            "supervisor": one["supervisor"],
            "state": STATES[one["state"]][0],
            "tone": STATES[one["state"]][1],
            "seconds": round(one["seconds"]),
        }
        for one in sorted(people, key=lambda one: (order.index(one["state"]), -one["seconds"]))
    ]
    return {"connected": True, "rows": rows}


@roles(EVERYONE)
def figures(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The month under every definition, every call that does not count with the reason, and the unanswered ones."""
    today: dt.date = request.now.date()
    month = reports.month_of(contract, _asked(request, today))
    context = {
        "month": month,
        "before": (month.first - dt.timedelta(days=1)).replace(day=1),
        "after": month.last + dt.timedelta(days=1) if month.last < today else None,
        "running": month.first <= today <= month.last,
        "made_at": request.now,
        "rows": [(one, _parts(one), meanings(one.definition)) for one in month.figures],
        "days": [(f"{day.month}/{day.day}", one.counted_answered, one.offered) for day, one in month.days],
        "day_rates": [one.answer_rate for _, one in month.days],
        "labels": LABELS,
        "may_read": may(request, READ_RESIDENTS),
    }
    return render(request, "callcentre/board/figures.html", context)


@roles(EVERYONE)
def figures_file(request: HttpRequest, contract: Contract, form: str) -> HttpResponse:
    """The same figures as JSON, or every call with what each definition makes of it as CSV, to be checked by hand."""
    month = reports.month_of(contract, _asked(request, request.now.date()))
    if form == "json":
        body = {
            "contract": contract.code, "first": month.first.isoformat(), "last": month.last.isoformat(),
            "definitions": [_as_json(one) for one in month.figures],
        }  # fmt: skip
        return JsonResponse(body, json_dumps_params={"ensure_ascii": False, "indent": 1})
    definitions = tuple(one.definition for one in month.figures)
    file = write_csv(reports.columns(definitions), reports.lines(month))
    name = f"calls-{contract.code}-{month.first:%Y%m}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(file.content, content_type="text/csv; charset=utf-8", headers=headers)


def _asked(request: HttpRequest, today: dt.date) -> dt.date:
    """The first day of ``?month=2026-11``; this month when it is missing, no month, or still to come."""
    try:
        day = dt.date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        return today.replace(day=1)
    return min(day, today.replace(day=1))


def _parts(one: Figures) -> list[tuple[str, int]]:
    """The counts that add up to what was received."""
    return [
        ("応答", one.answered), ("待機中に放棄", one.abandoned), ("案内中に切断", one.abandoned_menu), ("自動応答", one.overflowed),
        ("折り返し希望", one.callbacks), ("時間外案内", one.closed), ("不明（システム障害）", one.lost), ("通話・待機中", one.ongoing),
    ]  # fmt: skip


def _as_json(one: Figures) -> dict[str, Any]:
    names = (
        "received", "closed", "answered", "abandoned", "abandoned_menu", "overflowed", "callbacks", "lost", "ongoing", "offered", "counted_answered",
        "unanswered", "answered_in_time", "answer_rate", "service_level", "abandon_rate", "asa", "aht", "longest_wait", "met",
    )  # fmt: skip
    found: dict[str, Any] = {name: getattr(one, name) for name in names}
    return {
        "code": one.definition.code, "name": one.definition.name, "sentence": one.definition.sentence(), "target": one.definition.target,
        **found, "excluded": [{"call": x.call.id, "at": x.call.opened_at.isoformat(), "reason": x.reason} for x in one.excluded],
    }  # fmt: skip
