"""Changing the own booking: other time, one more or one less person, other procedure, contact, cancel."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.party import Contact, Person, missing_of_contact
from madoguchi.domain.booking.queries.resident import Companion, ResidentBooking
from madoguchi.domain.booking.recipients import manage_path
from madoguchi.domain.booking.rules import Refusal
from madoguchi.domain.booking.services import change as deeds
from madoguchi.domain.booking.services.change import Member
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.actors import CITIZEN_WEB

from .. import forms, showing
from .manage import by_link
from .pages import busy, confirm_notices


def _frame(request: HttpRequest, contract: Contract, booking: ResidentBooking) -> dict[str, Any]:
    now = request.now  # type: ignore[attr-defined]
    return {**showing.frame(request, contract), **showing.booking_view(contract, booking, now)}


def _closed(request: HttpRequest, contract: Contract, booking: ResidentBooking) -> HttpResponse | None:
    """The page that says why nothing can be changed any more; None while it can."""
    context = _frame(request, contract, booking)
    return None if context["may_change"] else render(request, "citizen/too_late.html", context, status=409)


def _members(booking: ResidentBooking) -> list[Member]:
    return [Member(one.id, one.procedure) for one in booking.people]


def _version(request: HttpRequest) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isdigit() else None


def _revise(
    request: HttpRequest, contract: Contract, booking: ResidentBooking, members: list[Member], starts_at: dt.datetime
) -> None:
    """Raises ``Refused``."""
    deeds.revise(
        contract,
        booking.code,
        members=members,
        starts_at=starts_at,
        by=CITIZEN_WEB,
        now=request.now,  # type: ignore[attr-defined]
        version=_version(request),
    )


def _back(request: HttpRequest, contract: Contract, booking: ResidentBooking, text: str) -> HttpResponse:
    messages.success(request, text)
    return redirect(manage_path(contract, booking.code))


@require_GET
@by_link
def when(request: HttpRequest, contract: Contract, booking: ResidentBooking) -> HttpResponse:
    """The month, for the party of the booking."""
    closed = _closed(request, contract, booking)
    if closed:
        return closed
    now = request.now  # type: ignore[attr-defined]
    plan = availability.site_plan(contract, booking.site)
    days = showing.all_days(contract, plan, booking.procedures, now, availability.own_places(booking.id))
    span = showing.horizon(contract, now)
    month = showing.read_month(request.GET.get("month", ""), booking.starts_at.date())
    link = manage_path(contract, booking.code)
    free = showing.next_free(days)
    context = {
        **_frame(request, contract, booking),
        "calendar": showing.month_view(
            days,
            month,
            span,
            month_url=lambda date: f"{link}when/?month={date:%Y-%m}",
            day_url=lambda date: f"{link}day/?date={date.isoformat()}",
            snapshot_url="",  # it does not know which places the party itself would give back
            today=now.date(),
            selected=booking.starts_at.date(),
        ),
        "next_free": showing.day_text(free) if free else "",
        "next_free_url": f"{link}day/?date={free.isoformat()}" if free else "",
    }
    return render(request, "citizen/change_when.html", context)


@by_link
def day(request: HttpRequest, contract: Contract, booking: ResidentBooking) -> HttpResponse:
    """The times of a day; sending one moves the whole party there."""
    closed = _closed(request, contract, booking)
    if closed:
        return closed
    now = request.now  # type: ignore[attr-defined]
    problem, chosen = "", request.POST.get("starts", "")
    date = showing.read_day(request.GET.get("date", "")) or booking.starts_at.date()
    if request.method == "POST":
        starts_at = dates.read_iso_moment(chosen)
        if starts_at is None:
            problem = _("時間を1つ選んでください。")
        else:
            if starts_at == booking.starts_at:
                return redirect(manage_path(contract, booking.code))
            try:
                _revise(request, contract, booking, _members(booking), starts_at)
            except Refused as refused:
                problem = refused.message
            else:
                return _back(request, contract, booking, _("日時を変更しました。"))
    plan = availability.site_plan(contract, booking.site)
    own = availability.own_places(booking.id)
    found = availability.day_marks(contract, plan, booking.procedures, date, date, by=CITIZEN_WEB, now=now, freed=own)[0]
    minutes = max(plan.procedures[code].minutes for code in booking.procedures)
    slots = showing.slot_rows(found, minutes, chosen)
    context = {
        **_frame(request, contract, booking),
        "day": showing.day_text(date),
        "morning": [slot for slot in slots if slot["value"][11:13] < "12"],
        "afternoon": [slot for slot in slots if slot["value"][11:13] >= "12"],
        "any_free": any(slot["mark"] in ("open", "few") for slot in slots),
        "month_url": f"{manage_path(contract, booking.code)}when/?month={date:%Y-%m}",
        "problem": problem,
    }
    return render(request, "citizen/change_day.html", context, status=409 if problem else 200)


@require_POST
@by_link
def accept(request: HttpRequest, contract: Contract, booking: ResidentBooking) -> HttpResponse:
    """Take one of the times offered in place of a closed one; when it is gone, the page shows what is free now."""
    closed = _closed(request, contract, booking)
    if closed:
        return closed
    starts_at = dates.read_iso_moment(request.POST.get("starts", ""))
    if starts_at is None:
        return redirect(f"{manage_path(contract, booking.code)}when/")
    try:
        _revise(request, contract, booking, _members(booking), starts_at)
    except Refused as refused:
        messages.warning(request, refused.message)
        return redirect(manage_path(contract, booking.code))
    return _back(request, contract, booking, _("日時を変更しました。"))


def _one(booking: ResidentBooking, person: int) -> Companion:
    for companion in booking.people:
        if companion.id == person:
            return companion
    raise Http404(f"no person {person} in this booking")


@by_link
def add(request: HttpRequest, contract: Contract, booking: ResidentBooking) -> HttpResponse:
    """One more person at the same time."""
    closed = _closed(request, contract, booking)
    if closed:
        return closed
    label = _("増やす人の手続き")
    position = len(booking.people) + 1
    return _person_page(request, contract, booking, None, label, position)


@by_link
def person(request: HttpRequest, contract: Contract, booking: ResidentBooking, person: int) -> HttpResponse:
    """Other procedure or corrected details of one person."""
    companion = _one(booking, person)
    closed = _closed(request, contract, booking)
    if closed:
        return closed
    return _person_page(request, contract, booking, companion, _("手続き"), companion.position)


def _person_page(
    request: HttpRequest,
    contract: Contract,
    booking: ResidentBooking,
    companion: Companion | None,
    label: str,
    position: int,
) -> HttpResponse:
    today = request.now.date()  # type: ignore[attr-defined]
    plan = availability.site_plan(contract, booking.site)
    shown = [one for one in showing.shown_procedures(showing.language()) if one.code in plan.procedures]
    data = request.POST if request.method == "POST" else None
    procedure_form = forms.ProcedureForm(
        shown, label, data, initial={"procedure": companion.procedure if companion else ""}, hints=False
    )
    wanted = (data or {}).get("procedure", "") or (companion.procedure if companion else shown[0].code)
    if wanted not in plan.procedures:
        wanted = shown[0].code
    initial = dict(companion.person.values) if companion and companion.person else None
    person_form = forms.person_form(
        contract.profile,
        wanted,
        today=today,
        position=position,
        data=data,
        initial=initial,
        asked=showing.asked(wanted, today),
    )
    problem, status = "", 200
    others: list[tuple[str, str]] = []
    if data is not None:
        status = 422
        person_form.full_clean()
        wait = confirm_notices(request, contract, [(person_form, companion.person if companion else None)])
        if wait:
            return busy(request, contract, wait)
        if all([procedure_form.is_valid(), person_form.is_valid()]):
            details = Person(person_form.answer)
            members = [
                Member(one.id, wanted, details)
                if companion and one.id == companion.id
                else Member(one.id, one.procedure)
                for one in booking.people
            ]
            if companion is None:
                members.append(Member(None, wanted, details))
            starts_at = dates.read_iso_moment(data.get("starts", "")) or booking.starts_at
            try:
                _revise(request, contract, booking, members, starts_at)
            except Refused as refused:
                problem, status = refused.message, 409
                if refused.reason is Refusal.FULL:
                    problem = _("この時間には、全員が入れる空きがありません。いまの予約はそのままです。")
                    codes = [member.procedure for member in members]
                    others = showing.alternatives(contract, booking, request.now, codes)  # type: ignore[attr-defined]
            else:
                text = _("内容を変更しました。") if companion else _("人数を増やしました。")
                codes = [member.procedure for member in members]
                if missing_of_contact(contract.profile, codes, booking.contact or Contact({})):
                    messages.success(request, text)
                    messages.warning(request, _("この手続きのために、あと少し入力をお願いします。"))
                    return redirect(f"{manage_path(contract, booking.code)}contact/")
                return _back(request, contract, booking, text)
    context = {
        **_frame(request, contract, booking),
        "procedure_form": procedure_form,
        "person_form": person_form,
        "companion": companion,
        "problem": problem,
        "others": others,
        "full": status == 409 and not others,
        "sent": data is not None,
    }
    return render(request, "citizen/change_person.html", context, status=status)


@by_link
def remove(request: HttpRequest, contract: Contract, booking: ResidentBooking, person: int) -> HttpResponse:
    """One person fewer; the last one is not removed but the booking cancelled."""
    companion = _one(booking, person)
    closed = _closed(request, contract, booking)
    if closed:
        return closed
    if len(booking.people) == 1:
        return redirect(f"{manage_path(contract, booking.code)}cancel/")
    problem = ""
    if request.method == "POST":
        members = [member for member in _members(booking) if member.id != companion.id]
        try:
            _revise(request, contract, booking, members, booking.starts_at)
        except Refused as refused:
            problem = refused.message
        else:
            return _back(request, contract, booking, _("人数を減らしました。"))
    context = {
        **_frame(request, contract, booking),
        "name": companion.person.name if companion.person else "",
        "position": companion.position,
        "problem": problem,
    }
    return render(request, "citizen/change_remove.html", context, status=409 if problem else 200)


@by_link
def contact(request: HttpRequest, contract: Contract, booking: ResidentBooking) -> HttpResponse:
    """Other phone number, mail address, needs."""
    closed = _closed(request, contract, booking)
    if closed:
        return closed
    now = request.now  # type: ignore[attr-defined]
    data = request.POST if request.method == "POST" else None
    initial = booking.contact.as_dict() if booking.contact else None
    if initial and initial.get("phone"):
        initial["phone"] = showing.phones.show(initial["phone"])
    form = forms.contact_form(contract.profile, booking.procedures, today=now.date(), data=data, initial=initial)
    problem, status = "", 200
    if data is not None and "fill" in data and form.fills_address:
        filling, typed = form.filled()
        form = forms.contact_form(contract.profile, booking.procedures, today=now.date(), initial=typed)
        form.filling = filling
    elif data is not None:
        status = 422
        if form.is_valid():
            try:
                deeds.edit_contact(contract, booking.code, contact=Contact(form.answer), by=CITIZEN_WEB, now=now)
            except Refused as refused:
                problem, status = refused.message, 409
            else:
                return _back(request, contract, booking, _("連絡先を変更しました。"))
    context = {**_frame(request, contract, booking), "form": form, "problem": problem}
    return render(request, "citizen/change_contact.html", context, status=status)


@by_link
def cancel(request: HttpRequest, contract: Contract, booking: ResidentBooking) -> HttpResponse:
    """Ask once, then give all places back."""
    context = _frame(request, contract, booking)
    problem = ""
    if request.method == "POST":
        try:
            deeds.cancel(contract, booking.code, by=CITIZEN_WEB, now=request.now)  # type: ignore[attr-defined]
        except Refused as refused:
            problem = refused.message
        else:
            return _back(request, contract, booking, _("予約を取り消しました。"))
    if context["is_cancelled"]:
        return redirect(manage_path(contract, booking.code))
    if not context["may_cancel"]:
        return render(request, "citizen/too_late.html", context, status=409)
    return render(
        request, "citizen/change_cancel.html", {**context, "problem": problem}, status=409 if problem else 200
    )
