"""The report of slots with more people than planned."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from madoguchi.domain.booking.queries.excess import excess as exceeded
from madoguchi.ground.accounts.access import READ_RESIDENTS, actor_of, roles
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract

SPANS = (7, 14, 60)


@require_GET
@roles(READ_RESIDENTS)
def excess(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Bands of the coming days with people beyond the plan: how many, by whom, why."""
    text = request.GET.get("days", "")
    days = int(text) if text in {str(span) for span in SPANS} else SPANS[0]
    rows = exceeded(contract, now=request.now, days=days)
    codes = sorted({one.code for row in rows for one in row.beyond})
    if codes:
        detail = {"kind": "excess", "bookings": codes}
        request.audit_reads.append(Read("booking.listed", f"contract:{contract.code}", actor_of(request), detail))
    context = {
        "rows": rows,
        "total": sum(row.over for row in rows),
        "tabs": [
            {"label": f"{span}日先まで", "url": f"?days={span}", "active": span == days, "count": None} for span in SPANS
        ],
    }
    return render(request, "office/excess/excess.html", context)
