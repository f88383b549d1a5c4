"""The list of contracts, and the start page of one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from madoguchi.ground.contracts.models import Contract

from .. import showing


def index(request: HttpRequest) -> HttpResponse:
    """All cities of this installation."""
    contracts = [
        {
            "code": contract.code,
            "name": contract.name,
            "name_en": contract.profile.city.name_en,
            "external": contract.profile.booking.mode == "external",
        }
        for contract in Contract.objects.filter(active=True)
    ]
    return render(request, "citizen/index.html", {"contracts": contracts})


def start(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What would you like to do; whether it is open now; the phone. With a city's own site: the way there."""
    now = request.now  # type: ignore[attr-defined]
    booking = contract.profile.booking
    external = booking.external if booking.mode == "external" else None
    shown = showing.bookable(contract) if external is None else showing.shown_procedures(showing.language())
    context = {
        **showing.frame(request, contract),
        "opening": showing.opening(contract, now),
        "phone_hours": showing.phone_hours(contract, now),
        "external": external,
        "procedures": shown,
        "bookable": bool(shown) and external is None,
        "max_people": booking.max_people,
        "days_ahead": booking.window.open_days_ahead,
        "book_until": showing.cutoff_text(booking.window.web_lead),
        "change_until": showing.cutoff_text(booking.window.change_until),
        "cancel_until": showing.cutoff_text(booking.window.cancel_until),
    }
    return render(request, "citizen/external.html" if external else "citizen/start.html", context)
