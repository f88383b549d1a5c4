"""Contingents of a pool: places kept for a channel until their release."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from madoguchi.domain.booking.models import Contingent
from madoguchi.domain.booking.rules import SHARES
from madoguchi.domain.booking.services.contingents import Kept, set_contingents
from madoguchi.ground.accounts.access import EDIT_SLOTS, READ_RESIDENTS, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import CHANNEL_LABELS, Channel
from madoguchi.ground.kit.dates import read_time

from .slots import pool_of


@dataclass
class Line:
    """One channel as typed: places, days before the visit, time of the release; ``error`` says what to mend."""

    channel: str
    places: str = ""
    days: str = "1"
    at: str = "12:00"
    error: str = ""
    kept: Kept | None = field(default=None)

    @property
    def label(self) -> str:
        """Name of the channel."""
        return CHANNEL_LABELS[Channel(self.channel)]

    def read(self) -> None:
        """Fill ``kept`` (None for no places) or ``error``."""
        places, days = self.places.strip(), self.days.strip()
        if places in ("", "0"):
            return
        try:
            clock = read_time(self.at)
        except ValueError as wrong:
            self.error = str(wrong)
            return
        if not (places.isdecimal() and 1 <= int(places) <= 500):
            self.error = "残す件数は、1から500までの数で入力してください。残さないときは空にします。"
        elif not (days.isdecimal() and int(days) <= 60):
            self.error = "開放する日は、来庁日の0日前から60日前までの数で入力してください。"
        else:
            self.kept = Kept(int(places), int(days), clock)


@roles(READ_RESIDENTS)
def contingents(request: HttpRequest, contract: Contract, pool: str) -> HttpResponse:
    """One line per channel; saving changes every coming slot of the pool at once."""
    found = pool_of(pool)
    status = 200
    if request.method == "POST":
        if not may(request, EDIT_SLOTS):
            raise PermissionDenied("経路ごとに残す件数は、リーダー・業務責任者・市職員が変えられます。")
        sent = request.POST
        lines = [
            Line(c, sent.get(f"{c}_places", ""), sent.get(f"{c}_days", ""), sent.get(f"{c}_at", "")) for c in SHARES
        ]
        for line in lines:
            line.read()
        if not any(line.error for line in lines):
            wanted = {line.channel: line.kept for line in lines if line.kept}
            set_contingents(contract, found, wanted, by=actor_of(request), now=request.now)
            messages.success(request, f"{found.name}の、経路ごとに残す件数を変更しました。")
            return redirect("office:slots", contract.code)
        status = 422
    else:
        rows = {row.channel: row for row in Contingent.objects.filter(pool=found)}
        lines = [
            Line(c, str(rows[c].places), str(rows[c].days_before), f"{rows[c].at:%H:%M}") if c in rows else Line(c)
            for c in SHARES
        ]
    context = {
        "pool": found,
        "lines": lines,
        "errors": [{"href": f"#id_{line.channel}", "text": f"{line.label}：{line.error}"} for line in lines if line.error],
        "may_edit": may(request, EDIT_SLOTS),
        "example": dt.time(12),
    }
    return render(request, "office/contingents/contingents.html", context, status=status)
