"""Pages that several topics answer with."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from madoguchi.domain.booking.cards import refusals
from madoguchi.domain.booking.party import Person
from madoguchi.domain.notices.queries import stop_now
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST
from madoguchi.web.ui.throttle import allow

from .. import showing
from ..forms import PartyForm


def busy(request: HttpRequest, contract: Contract, wait: int) -> HttpResponse:
    """Too many requests from one address: how long to wait, and the phone."""
    context = {**showing.frame(request, contract), "minutes": -(-wait // 60)}
    response = render(request, "citizen/busy.html", context, status=429)
    response.headers["Retry-After"] = str(wait)
    return response


def confirm_notices(request: HttpRequest, contract: Contract, told: list[tuple[PartyForm, Person | None]]) -> int:
    """Check the postcards' numbers of filled forms against the city's list; the forms say what cannot be confirmed.

    Each comes with the details kept so far. Returns the seconds to wait where one address has tried too often, else 0: every try with
    a number counts, a right one too, so that nobody can go on guessing.
    """
    if contract.profile.booking.notice_check != "list":
        return 0
    right = [(form, before) for form, before in told if not {"notice_number", "birth_date"} & form.errors.keys()]
    people = [(Person(form.answer), before) for form, before in right]
    if any(person.values.get("notice_number") for person, _before in people):
        wait = allow(request, contract, "notice")
        if wait:
            return wait
    today = request.now.date()  # type: ignore[attr-defined]
    for position, problems in refusals(contract, people, today=today).items():
        right[position][0].refuse(problems)
    return 0


def unless_stopped(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """During a planned stop every page of the site says so, until when, and whom to call (503 with ``Retry-After``)."""

    @wraps(view)
    def guarded(request: HttpRequest, contract: Contract, **kwargs: Any) -> HttpResponse:
        now = request.now  # type: ignore[attr-defined]
        stop = stop_now(contract, now)
        if stop is None:
            return view(request, contract=contract, **kwargs)
        context = {
            **showing.frame(request, contract),
            "until": showing.moment_text(stop.ends_at.astimezone(JST)),
            "reason": stop.reason if showing.language() == "ja" else "",
        }
        response = render(request, "citizen/stopped.html", context, status=503)
        response._has_been_logged = True  # type: ignore[attr-defined]  # planned, no error
        response.headers["Retry-After"] = str(max(1, int((stop.ends_at - now).total_seconds())))
        return response

    return guarded
