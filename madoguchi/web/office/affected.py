"""The work list of bookings that a change of slots broke: call, move, settle."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.models import Affected
from madoguchi.domain.booking.queries.lists import affected_rows
from madoguchi.domain.booking.services.slots import settle as settle_deed
from madoguchi.ground.accounts.access import READ_RESIDENTS, WORK_ON_BOOKINGS, actor_of, may, roles
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract

OUTCOMES = (
    "電話で伝えた（このまま来庁）",
    "電話で伝えた（後日連絡を待つ）",
    "メールの返事で了承",
    "連絡がつかない（文書を郵送）",
    "枠を戻したので対応不要",
)
SHOWN = {"moved": "日時を変更した", "cancelled": "取り消した"}


@roles(READ_RESIDENTS)
def affected(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Open lines, nearest visit first; ``?settled=1`` the settled ones."""
    settled = request.GET.get("settled") == "1"
    rows = affected_rows(contract, settled=settled)
    if rows:
        detail = {"kind": "affected", "bookings": [row.booking_id for row in rows]}
        request.audit_reads.append(Read("booking.listed", f"contract:{contract.code}", actor_of(request), detail))
    context = {
        "rows": [(row, SHOWN.get(row.outcome, row.outcome)) for row in rows],
        "settled": settled,
        "by_phone": sum(row.by_phone for row in rows),
        "outcomes": OUTCOMES,
        "may_work": may(request, WORK_ON_BOOKINGS),
        "tabs": [
            {
                "label": "対応が必要",
                "url": "?",
                "active": not settled,
                "count": Affected.objects.filter(settled_at=None).count(),
            },
            {"label": "対応済み", "url": "?settled=1", "active": settled, "count": None},
        ],
    }
    return render(request, "office/affected/affected.html", context)


@require_POST
@roles(WORK_ON_BOOKINGS)
def settle(request: HttpRequest, contract: Contract, affected: int) -> HttpResponse:
    """Take a line off the list with one of the outcomes."""
    outcome = request.POST.get("outcome", "")
    if outcome not in OUTCOMES:
        messages.error(request, "対応の結果を選んでから「対応済みにする」を押してください。")
    else:
        try:
            settle_deed(contract, affected, outcome=outcome, by=actor_of(request), now=request.now)
        except Affected.DoesNotExist:
            messages.warning(request, "この予約は、ほかの担当者がすでに対応済みにしています。")
        else:
            messages.success(request, "対応済みにしました。")
    return redirect("office:affected", contract.code)
