"""What a change of plans would do, as the preview shows it: codes, times, how each party will be told; no names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.contrib import messages
from django.http import HttpRequest

from madoguchi.domain.booking.rules import show_code
from madoguchi.domain.booking.services.slots import Effect, attempt
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.clock import JST

from .forms import fingerprint_of

E = TypeVar("E", bound=Effect)

REASON_HELP = "影響を受ける方へのメールと画面に、このまま出ます。"


def preview_or_do(request: HttpRequest, contract: Contract, deed: Callable[[], E], typed: object) -> tuple[E, str, bool]:
    """Do ``deed`` if exactly this was previewed and it still does the same; else only say what it would do.

    Returns the effect, what a confirmation has to carry as ``seen``, and whether the deed was done. ``typed`` identifies
    the input.
    """
    sent = request.POST.get("seen", "") if request.POST.get("step") == "confirm" else ""
    head = f"{fingerprint_of(typed)}_"
    effect, done = attempt(contract, deed, wanted=lambda found: sent == head + fingerprint_of(found.signature))
    if sent.startswith(head) and not done:
        messages.warning(request, "確かめたあとに枠か予約が変わったため、まだ変更していません。新しい影響を確かめてください。")
    return effect, head + fingerprint_of(effect.signature), done


def summary(effect: Effect) -> dict[str, Any]:
    """Context of ``office/_effect.html``."""
    return {
        "nothing": effect.nothing,
        "opened": len(effect.opened),
        "changed": len(effect.changed),
        "closed": len(effect.closed),
        "places": signed(
            sum(n for _, _, n in effect.opened) + sum(b - a for _, _, a, b in effect.changed)
            - sum(n for _, _, n in effect.closed)
        ),
        "lines": _lines("開く", ((p.name, at, f"{n}人") for p, at, n in effect.opened))
        + _lines("変わる", ((p.name, at, f"{a}人→{b}人") for p, at, a, b in effect.changed))
        + _lines("閉じる", ((p.name, at, f"{n}人") for p, at, n in effect.closed)),
        "broken": [
            {
                "code": booking.code,
                "shown_code": show_code(booking.code),
                "when": when(booking.starts_at),
                "people": booking.people,
                "told": f"{booking.medium.label}でお知らせ" if booking.medium else "電話が必要",
                "phone": booking.medium is None,
            }
            for booking in effect.broken
        ],
        "by_phone": sum(booking.medium is None for booking in effect.broken),
    }  # fmt: skip


def signed(number: int) -> str:
    """``＋12``, ``−400`` or ``0``."""
    return f"{'＋' if number > 0 else '−' if number < 0 else ''}{abs(number)}"


def when(moment: dt.datetime) -> str:
    """``11月10日(火) 10:00``."""
    local = moment.astimezone(JST)
    return f"{dates.show_short(local.date())} {local:%H:%M}"


def _lines(verb: str, rows: Iterable[tuple[str, dt.datetime, str]]) -> list[dict[str, str]]:
    """Rows of one day, pool and size joined: ``11月10日(火) 17:15〜18:45の4コマ``."""
    groups: dict[tuple[str, dt.date, str], list[dt.datetime]] = {}
    for pool, at, size in rows:
        local = at.astimezone(JST)
        groups.setdefault((pool, local.date(), size), []).append(local)
    return [
        {
            "verb": verb,
            "pool": pool,
            "when": f"{dates.show_short(date)} {moments[0]:%H:%M}"
            + (f"〜{moments[-1]:%H:%M}開始の{len(moments)}コマ" if len(moments) > 1 else "の1コマ"),
            "size": size,
        }
        for (pool, date, size), moments in groups.items()
    ]
