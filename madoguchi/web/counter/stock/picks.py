"""The cards to fetch for a day's reservations: a list in the order of the shelves, ticked off by scanner."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from madoguchi.domain.cards.errors import CardsRefused
from madoguchi.domain.cards.queries import stock as reads
from madoguchi.domain.cards.services import stock
from madoguchi.ground.accounts.access import READ_COUNTER, actor_of, roles
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import next_business_day
from madoguchi.ground.kit import dates
from madoguchi.web.ui.middleware import handles_individual_number

from .shared import Heard, doer, posted, rights, scanned, terms_of

AHEAD = 5
"""Cards that are named beside the scanner as the next to fetch."""


@handles_individual_number
@roles(READ_COUNTER)
def picks(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What to fetch for ``?day=`` (the next business day); a scan ticks a card off."""
    terms = terms_of(contract)
    today = request.now.date()
    asked = request.POST if request.method == "POST" else request.GET
    try:
        day = dates.parse(asked.get("day", ""))
    except ValueError:
        day = next_business_day(contract, today)
    heard = None
    if posted(request):
        try:
            card = stock.pick(contract, request.POST.get("code", ""), day=day, **doer(request))
            heard = Heard(True, f"{card.number} を取り出しました。", "交付トレイに入れてください。", card)
        except CardsRefused as refused:
            heard = Heard(False, refused.message)
    rows = reads.picks(day)
    cards = [row for row in rows if row.card]
    if rows:
        request.audit_reads.append(Read("stock.picks_viewed", f"contract:{contract.code}", actor_of(request), {"day": day.isoformat()}))
    done = sum(row.picked for row in cards)
    context = {
        "day": day, "day_title": dates.show(day), "today": today, "rows": cards, "lacking": [row for row in rows if row.card is None],
        "done": done, "count": len(cards), "left_over": reads.left_over(request.now), "printed_at": request.now, "counting": True,
        "progress": f"{done} / {len(cards)}枚", "ahead": [row for row in cards if not row.picked][:AHEAD], **rights(request, terms),
    }  # fmt: skip
    return scanned(request, "counter/stock/picks.html", context, heard)
