"""A delivery list from the maker: checked line by line, then registered whole or not at all."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import zlib
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from madoguchi.domain.cards.arrivals import ARRIVED, BORN, MOST_LINES, NUMBER, READING, Arrival, columns, read_arrivals
from madoguchi.domain.cards.errors import CardsRefused
from madoguchi.domain.cards.models import Card
from madoguchi.domain.cards.services.stock import register_cards
from madoguchi.ground.accounts.access import WORK_AT_COUNTER, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.privacy.sealing import SealError, keyring

from .shared import doer, terms_of

LARGEST_FILE = 2_000_000
PROBLEMS_SHOWN = 200
CHECKED = "cards.arrivals_checked"


@roles(WORK_AT_COUNTER)
def arrivals(request: HttpRequest, contract: Contract) -> HttpResponse:
    """First the file is checked and what it would do is shown; on the second press it is registered."""
    terms = terms_of(contract)
    if request.method == "POST" and "checked" in request.POST:
        return _register(request, contract)
    holds = {NUMBER: f"カードのラベルの番号。例：{terms.number_example}", ARRIVED: "2026-12-01、R8.12.1 など。空なら今日",
             READING: "カタカナ。生年月日と両方を書くか、両方を空にする", BORN: "1980-01-02、昭和55年1月2日 など"}  # fmt: skip
    context: dict[str, Any] = {"columns": [(title, title == NUMBER, holds[title]) for title in columns(terms)], "most": MOST_LINES}
    status = 200
    if request.method == "POST":
        context |= _check(request, contract)
        status = 422 if context.get("problem") or context.get("problems") else 200
    return render(request, "counter/stock/arrivals.html", context, status=status)


def _check(request: HttpRequest, contract: Contract) -> dict[str, Any]:
    file = request.FILES.get("file")
    if file is None:
        return {"problem": "CSVファイルを選んでください。"}
    if file.size is None or file.size > LARGEST_FILE:
        return {"problem": "ファイルが大きすぎます（2MBまで）。ファイルを分けてください。"}
    known = frozenset(Card.objects.values_list("number", flat=True))
    found = read_arrivals(file.read(), terms_of(contract), today=request.now.date(), known=known)  # type: ignore[attr-defined]
    if found.problems:
        return {"problems": found.problems[:PROBLEMS_SHOWN], "total": len(found.problems), "good": len(found.arrivals), "ignored": found.ignored}
    cards = [arrival for _, arrival in found.arrivals]
    named = sum(bool(one.reading) for one in cards)
    return {"good": len(cards), "shown": cards[:10], "named": named, "checked": _pack(contract, cards), "ignored": found.ignored}


def _pack(contract: Contract, found: Sequence[Arrival]) -> str:
    """Checked cards for the way over the page and back, sealed: what was checked is what is registered."""
    rows = [[one.number, *(day.isoformat() if day else None for day in (one.arrived_on, one.born)), one.reading] for one in found]
    return base64.b64encode(keyring(contract).seal(CHECKED, zlib.compress(json.dumps(rows).encode()))).decode()


def _unpack(contract: Contract, text: str) -> list[Arrival]:
    try:
        rows = json.loads(zlib.decompress(keyring(contract).unseal(CHECKED, base64.b64decode(text, validate=True))))
    except (SealError, binascii.Error, ValueError):
        raise CardsRefused("確かめた内容を読み取れません。もう一度ファイルを選んでください。") from None
    day = dt.date.fromisoformat
    return [Arrival(number, day(arrived) if arrived else None, reading, day(born) if born else None) for number, arrived, born, reading in rows]


def _register(request: HttpRequest, contract: Contract) -> HttpResponse:
    try:
        done = register_cards(contract, _unpack(contract, request.POST["checked"]), **doer(request))
    except CardsRefused as refused:
        messages.error(request, refused.message)
        return redirect("stock:arrivals", contract.code)
    messages.success(request, f"{len(done)}枚のカードを登録しました。")
    return redirect("stock:overview", contract.code)
