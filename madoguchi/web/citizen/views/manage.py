"""The own booking: found by link or by code and phone, seen, printed, put into a calendar."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from madoguchi.domain.booking import rules
from madoguchi.domain.booking.calendar_file import calendar_file
from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.queries.resident import ResidentBooking, code_for_phone, resident_booking
from madoguchi.domain.booking.queries.waiting import wait_of
from madoguchi.domain.booking.recipients import manage_path
from madoguchi.domain.notices import line
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import phones
from madoguchi.ground.kit.actors import CITIZEN_WEB
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.web.ui.throttle import allow

from .. import forms, showing
from .pages import busy

View = Callable[..., HttpResponse]


def by_link(view: View) -> View:
    """Opens the booking of a link ``code/token``, reports the look, and answers alike for a wrong code or token."""

    @wraps(view)
    def opened(request: HttpRequest, contract: Contract, code: str, token: str, **kwargs: Any) -> HttpResponse:
        code = rules.read_code(code)
        right = hmac.compare_digest(keyring(contract).token("booking", code).encode(), token.encode())
        booking = resident_booking(contract, code) if right else None
        if booking is None or booking.state in (State.HELD, State.EXPIRED):
            return render(request, "citizen/wrong_link.html", showing.frame(request, contract), status=404)
        request.audit_reads.append(Read("booking.viewed", f"booking:{booking.id}", by=CITIZEN_WEB))  # type: ignore[attr-defined]
        response = view(request, contract, booking, **kwargs)
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return opened


def find(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Code and phone number lead to the page of the booking. Wrong code and wrong phone get the same answer."""
    form = forms.FindForm(request.POST or None, initial={"code": request.GET.get("code", "")})
    status = 200
    if request.method == "POST":
        wait = allow(request, contract, "lookup")
        if wait:
            return busy(request, contract, wait)
        status = 422
        if form.is_valid():
            try:
                phone = phones.normalise(form.cleaned_data["phone"])
            except phones.PhoneError as problem:
                form.add_error("phone", str(problem))
            else:
                code = code_for_phone(contract, rules.read_code(form.cleaned_data["code"]), phone)
                if code:
                    return redirect(manage_path(contract, code))
                form.add_error(
                    None,
                    _(
                        "この予約番号と電話番号の組み合わせでは、予約が見つかりません。"
                        "予約の控えを見て、もう一度入力してください。わからないときはお電話ください。"
                    ),
                )
    return render(request, "citizen/find.html", {**showing.frame(request, contract), "form": form}, status=status)


@require_GET
@by_link
def manage(request: HttpRequest, contract: Contract, booking: ResidentBooking) -> HttpResponse:
    """The booking with everything that can still be done with it."""
    now = request.now  # type: ignore[attr-defined]
    view = showing.booking_view(contract, booking, now)
    context = {**showing.frame(request, contract), **view, "qr": showing.qr_svg(view["link_full"])}
    if view["is_affected"] and view["may_change"]:
        context["alternatives"] = showing.alternatives(contract, booking, now)
    context["wait"] = showing.wait_view(wait_of(booking.id)) if view["is_booked"] else None
    context["line"] = line.offered(contract) and view["is_booked"]
    return render(request, "citizen/manage.html", context)


@require_GET
@by_link
def calendar_entry(request: HttpRequest, contract: Contract, booking: ResidentBooking) -> HttpResponse:
    """The booking as a calendar file."""
    now = request.now  # type: ignore[attr-defined]
    view = showing.booking_view(contract, booking, now)
    people = "、".join(forms.full_name(companion["shown"]) for companion in view["companions"])
    body = calendar_file(
        uid=f"{booking.code}@{contract.code}.madoguchi",
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        summary=_("%(city)s　マイナンバーカード窓口") % {"city": contract.name},
        location=f"{view['site']} {view['address']}".strip(),
        description="\n".join([_("予約番号 %(number)s") % {"number": view["number"]}, people, view["link_full"]]),
        url=view["link_full"],
        version=booking.version,
        now=now,
        cancelled=booking.state == State.CANCELLED,
    )
    response = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="madoguchi-{view["number"]}.ics"'
    return response
