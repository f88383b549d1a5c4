"""The line of those who wait for an earlier time, and how offers ended."""

from __future__ import annotations

import datetime as dt

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from madoguchi.domain.booking.queries import waiting as reads
from madoguchi.ground.accounts.access import READ_RESIDENTS, roles
from madoguchi.ground.contracts.models import Contract

LOOK_BACK = 30


@require_GET
@roles(READ_RESIDENTS)
def waiting(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Who is asked next, which offers are open, whom only the telephone can tell. No personal data: the booking has it."""
    rows = reads.line()
    context = {
        "rows": rows,
        "to_call": [row for row in rows if row.call],
        "answers": reads.answers(request.now - dt.timedelta(days=LOOK_BACK)),
        "look_back": LOOK_BACK,
        "enabled": contract.profile.booking.waiting.enabled,
        "rule": contract.profile.booking.waiting,
    }
    return render(request, "office/waiting/waiting.html", context)
