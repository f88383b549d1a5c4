"""The cabinets: which boxes are how full, and what lies in a box."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from madoguchi.domain.cards.queries import stock as reads
from madoguchi.domain.cards.rules import show_box
from madoguchi.ground.accounts.access import READ_COUNTER, roles
from madoguchi.ground.contracts.models import Contract

from .shared import terms_of


@roles(READ_COUNTER)
def shelves(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Every box of every cabinet."""
    terms_of(contract)
    found = [(code, name, boxes, sum(b.cards for b in boxes), sum(b.slots for b in boxes)) for code, name, boxes in reads.boxes(contract)]
    return render(request, "counter/stock/shelves.html", {"cabinets": found})


@roles(READ_COUNTER)
def box(request: HttpRequest, contract: Contract, cabinet: str, box: int) -> HttpResponse:
    """What lies in box Y, slot by slot."""
    found = terms_of(contract).cabinet(cabinet)
    if found is None or not 1 <= box <= found.boxes:
        raise Http404("この箱はありません。")
    cards = list(reads.in_box(cabinet, box))
    by_slot = {card.slot: card for card in cards}
    slots = [(n, by_slot.get(n)) for n in range(1, found.slots + 1)]
    context = {
        "label": show_box(cabinet, box), "cabinet": found, "slots": slots, "count": len(cards),
        "earlier": box - 1 if box > 1 else None, "later": box + 1 if box < found.boxes else None,
    }  # fmt: skip
    return render(request, "counter/stock/box.html", context)
