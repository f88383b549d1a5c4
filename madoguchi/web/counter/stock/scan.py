"""One input that keeps the focus: look up, register, put away, lay out, hand over, by scanner."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponse

from madoguchi.domain.cards.arrivals import Arrival
from madoguchi.domain.cards.enums import MoveKind
from madoguchi.domain.cards.errors import CardsRefused
from madoguchi.domain.cards.models import Card
from madoguchi.domain.cards.queries import stock as reads
from madoguchi.domain.cards.rules import read_place, show_box
from madoguchi.domain.cards.services import ends, stock
from madoguchi.domain.cards.services.moving import number_of
from madoguchi.ground.accounts.access import WORK_AT_COUNTER, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Cards
from madoguchi.web.ui.middleware import handles_individual_number

from .shared import Heard, doer, scanned, terms_of

JOBS = {
    "find": ("調べる", "カードのバーコードを読み取ると、状態と置き場所を示します。", ()),
    "register": ("登録", "届いたカードを1枚ずつ読み取ります。", (MoveKind.REGISTERED,)),
    "put": ("格納", "箱のラベル（例：A-03）を読み取り、続けてカードを読み取ります。入れる差込みを示します。", (MoveKind.PUT,)),
    "lay_out": ("棚から出す", "棚から作業トレイへ出すカードを読み取ります。", (MoveKind.LAID_OUT,)),
    "issue": ("交付", "本人に渡したカードを読み取ります。", (MoveKind.ISSUED,)),
}
"""The jobs of the page: name, what to do, the moves that its list of the last scans shows."""


@handles_individual_number
@roles(WORK_AT_COUNTER)
def scan(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Do the chosen job with what was scanned; labels of boxes set where cards are put."""
    terms = terms_of(contract)
    asked = request.POST if request.method == "POST" else request.GET
    job = asked.get("do", "find")
    job = job if job in JOBS else "find"
    box = place_in(asked.get("box", ""), terms)
    heard = None
    if request.method == "POST":
        heard, box = _hear(request, contract, terms, job, request.POST.get("code", ""), box)
    since = request.now - dt.timedelta(hours=12)  # type: ignore[attr-defined]
    kinds = JOBS[job][2]
    recent = reads.recent_moves(request.user.pk, kinds, since) if kinds else []  # type: ignore[arg-type]
    context: dict[str, Any] = {
        "job": job,
        "jobs": [{"label": label, "url": f"?do={code}", "active": code == job} for code, (label, _, _) in JOBS.items()],
        "title": JOBS[job][0],
        "what": JOBS[job][1],
        "box": show_box(*box) if box else "",
        "wants_box": job == "put",
        "recent": recent,
        "example": terms.number_example,
    }
    return scanned(request, "counter/stock/scan.html", context, heard)


def place_in(text: str, terms: Cards) -> tuple[str, int] | None:
    """The box that a page carries from scan to scan; None for nothing or nonsense."""
    try:
        found = read_place(text, terms)
    except ValueError:
        return None
    return found[:2] if found else None


def _hear(
    request: HttpRequest, contract: Contract, terms: Cards, job: str, code: str, box: tuple[str, int] | None
) -> tuple[Heard, tuple[str, int] | None]:
    try:
        place = read_place(code, terms)
        if place is not None and job == "put":
            label = show_box(place[0], place[1])
            return Heard(True, f"{label} に格納します。", "カードを読み取ってください。"), place[:2]
        if place is not None:
            return Heard(False, "箱のラベルです。", "カードのバーコードを読み取ってください。"), box
        return _do(request, contract, job, code, box), box
    except (CardsRefused, ValueError) as refused:
        return Heard(False, str(refused)), box


def _do(request: HttpRequest, contract: Contract, job: str, code: str, box: tuple[str, int] | None) -> Heard:
    who = doer(request)
    if job == "find":
        card = Card.objects.filter(number=number_of(contract, code)).first()
        if card is None:
            return Heard(False, f"{number_of(contract, code)} は登録されていません。")
        return Heard(True, f"{card.number}：{card.stage}", f"置き場所：{card.place.label}", card)
    if job == "register":
        (card,) = stock.register_cards(contract, [Arrival(code)], **who)
        return Heard(True, f"{card.number} を登録しました。", "", card)
    if job == "put":
        if box is None:
            return Heard(False, "先に、箱のラベルを読み取ってください。", "例：A-03")
        card = stock.put(contract, code, cabinet=box[0], box=box[1], **who)
        return Heard(True, f"{card.number} は {card.place.label} に入れてください。", "", card)
    if job == "lay_out":
        card = stock.lay_out(contract, code, **who)
        return Heard(True, f"{card.number} を作業トレイへ出しました。", "", card)
    card = ends.issue(contract, code, **who)
    return Heard(True, f"{card.number} の交付を記録しました。", "", card)
