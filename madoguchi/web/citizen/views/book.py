"""Making a reservation: who, where, when, hold, details, check, done.

Until the hold everything stands in the address, so that back, reload and a second tab simply work; from the hold on it
stands in the session under the name of the flow. Every step can be sent twice without doing anything twice.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.party import Contact, Person
from madoguchi.domain.booking.queries.resident import HoldState, hold_state, resident_booking
from madoguchi.domain.booking.rules import Refusal
from madoguchi.domain.booking.services.change import cancel as cancel_booking
from madoguchi.domain.booking.services.reserve import Reservation, confirm_hold, reserve, takes_sms
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.actors import CITIZEN_WEB
from madoguchi.web.ui.throttle import allow

from .. import flow as flows
from .. import forms, showing
from .pages import busy, confirm_notices

HELD = State.HELD.value


def address(contract: Contract, step: str, **query: str) -> str:
    """URL of a step before the hold, with what was chosen so far."""
    kept = {key: value for key, value in query.items() if value}
    return f"{reverse(f'citizen:{step}', args=[contract.code])}?{urlencode(kept, safe=',')}"


def read_party(contract: Contract, text: str) -> list[str]:
    """Procedure codes ``a,b`` from the address; empty when one of them is not bookable or there are too many."""
    known = {code for plan in availability.site_plans(contract).values() for code in plan.procedures}
    codes = [code for code in text.split(",") if code]
    return codes if all(code in known for code in codes) and len(codes) <= contract.profile.booking.max_people else []


def sites_for(contract: Contract, codes: list[str]) -> list[availability.SitePlan]:
    """Sites that offer every procedure of the party."""
    plans = availability.site_plans(contract).values()
    return [plan for plan in plans if plan.procedures and all(code in plan.procedures for code in codes)]


@require_GET
def who(request: HttpRequest, contract: Contract) -> HttpResponse:
    """How many people come, and what each comes for."""
    if contract.profile.booking.mode == "external":
        return redirect("citizen:start", contract.code)
    limit = contract.profile.booking.max_people
    query = request.GET
    chosen = [query.get(f"p{n}", "") for n in range(1, limit + 1) if f"p{n}" in query or f"has{n}" in query]
    if not chosen:
        chosen = read_party(contract, query.get("p", "")) or [""]
    if query.get("remove", "").isdigit() and len(chosen) > 1:
        chosen = [code for n, code in enumerate(chosen, start=1) if n != int(query["remove"])]
    if "add" in query and len(chosen) < limit:
        chosen.append("")
    shown = showing.bookable(contract)
    known = {one.code for one in shown}
    sent = "next" in query
    flow_id = query.get("flow", "")
    if sent and all(code in known for code in chosen):
        return redirect(address(contract, "site", p=",".join(chosen), flow=flow_id))
    people = []
    for n, code in enumerate(chosen, start=1):
        label = _("%(n)s人目の手続き") % {"n": n} if len(chosen) > 1 else _("どの手続きで来ますか")
        data = {f"p{n}": code} if sent else None
        form = forms.ProcedureForm(shown, label, data, initial={"procedure": code}, hints=n == 1)
        form.add_prefix = lambda name, n=n: f"p{n}"  # type: ignore[method-assign,misc]
        people.append((n, form))
    context = {
        **showing.frame(request, contract),
        "people": people,
        "forms": [form for _n, form in people] if sent else [],
        "flow": flow_id,
        "may_add": len(chosen) < limit,
        "next_person": len(chosen) + 1,
        "limit": limit,
        "steps": showing.steps(1),
    }
    return render(request, "citizen/who.html", context)


def _party_or_back(request: HttpRequest, contract: Contract) -> list[str] | HttpResponse:
    codes = read_party(contract, request.GET.get("p", ""))
    return codes or redirect(address(contract, "who", flow=request.GET.get("flow", "")))


@require_GET
def site(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Where; skipped when only one site offers everything that the party needs."""
    codes = _party_or_back(request, contract)
    if isinstance(codes, HttpResponse):
        return codes
    party, flow_id = ",".join(codes), request.GET.get("flow", "")
    plans = sites_for(contract, codes)
    if len(plans) == 1:
        return redirect(address(contract, "when", p=party, site=plans[0].code, flow=flow_id))
    now = request.now  # type: ignore[attr-defined]
    rows = []
    for plan in plans:
        free = showing.next_free(showing.all_days(contract, plan, codes, now))
        place = contract.profile.site(plan.code)
        rows.append(
            {
                "name": showing.site_name(contract, plan.code),
                "address": place.address,
                "free": showing.day_text(free) if free else "",
                "url": address(contract, "when", p=party, site=plan.code, flow=flow_id),
            }
        )
    context = {
        **showing.frame(request, contract),
        "rows": rows,
        "back_url": address(contract, "who", p=party, flow=flow_id),
        "steps": showing.steps(1),
    }
    return render(request, "citizen/site.html", context)


def _place_or_back(request: HttpRequest, contract: Contract) -> tuple[list[str], availability.SitePlan] | HttpResponse:
    codes = _party_or_back(request, contract)
    if isinstance(codes, HttpResponse):
        return codes
    wanted = request.GET.get("site", "")
    plan = next((plan for plan in sites_for(contract, codes) if plan.code == wanted), None)
    if plan is None:
        return redirect(address(contract, "site", p=",".join(codes), flow=request.GET.get("flow", "")))
    return codes, plan


def _chosen(contract: Contract, codes: list[str], plan: availability.SitePlan, flow_id: str) -> dict[str, Any]:
    """The box that says what was chosen so far."""
    shown = showing.names(showing.shown_procedures(showing.language()))
    party = ",".join(codes)
    return {
        "people": [shown[code] for code in codes],
        "count": len(codes),
        "site": showing.site_name(contract, plan.code),
        "several_sites": len(sites_for(contract, codes)) > 1,
        "who_url": address(contract, "who", p=party, flow=flow_id),
        "site_url": address(contract, "site", p=party, flow=flow_id),
    }


@require_GET
def when(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The month, for the whole party."""
    place = _place_or_back(request, contract)
    if isinstance(place, HttpResponse):
        return place
    codes, plan = place
    now = request.now  # type: ignore[attr-defined]
    party, flow_id = ",".join(codes), request.GET.get("flow", "")
    days = showing.all_days(contract, plan, codes, now)
    free = showing.next_free(days)
    span = showing.horizon(contract, now)
    month = showing.read_month(request.GET.get("month", ""), free or span.first)
    kept = {"p": party, "site": plan.code, "flow": flow_id}
    in_month = [day for day in days if (day.date.year, day.date.month) == (month.year, month.month)]
    context = {
        **showing.frame(request, contract),
        "calendar": showing.month_view(
            days,
            month,
            span,
            month_url=lambda date: address(contract, "when", **kept, month=f"{date:%Y-%m}"),
            day_url=lambda date: address(contract, "day", **kept, date=date.isoformat()),
            snapshot_url=showing.snapshot_url(contract, plan.code, codes, month),
            today=now.date(),
        ),
        "next_free": showing.day_text(free) if free else "",
        "next_free_url": address(contract, "day", **kept, date=free.isoformat()) if free else "",
        "nothing_in_month": showing.next_free(in_month) is None,
        "none_at_all": free is None,
        "chosen": _chosen(contract, codes, plan, flow_id),
        "until": showing.day_text(span.last),
        "book_until": showing.cutoff_text(contract.profile.booking.window.web_lead),
        "steps": showing.steps(2),
    }
    return render(request, "citizen/when.html", context)


@require_GET
def day(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The times of one day."""
    place = _place_or_back(request, contract)
    if isinstance(place, HttpResponse):
        return place
    codes, plan = place
    date = showing.read_day(request.GET.get("date", ""))
    if date is None:
        return redirect(address(contract, "when", p=",".join(codes), site=plan.code, flow=request.GET.get("flow", "")))
    return _day_page(request, contract, codes, plan, date, request.GET.get("flow", ""))


def _day_page(
    request: HttpRequest,
    contract: Contract,
    codes: list[str],
    plan: availability.SitePlan,
    date: dt.date,
    flow_id: str,
    *,
    problem: str = "",
    chosen: str = "",
    status: int = 200,
) -> HttpResponse:
    now = request.now  # type: ignore[attr-defined]
    flow_id = flows.valid_id(flow_id)
    party = ",".join(codes)
    days = showing.all_days(contract, plan, codes, now)
    found = next((one for one in days if one.date == date), None)
    free_days = [one.date for one in days if showing.MARKS[one.mark] in ("open", "few")]
    before = max((one for one in free_days if one < date), default=None)
    after = min((one for one in free_days if one > date), default=None)
    kept = {"p": party, "site": plan.code, "flow": flow_id}
    minutes = max(plan.procedures[code].minutes for code in codes)
    slots = showing.slot_rows(found, minutes, chosen) if found else []
    context = {
        **showing.frame(request, contract),
        "day": showing.day_text(date),
        "morning": [slot for slot in slots if slot["value"][11:13] < "12"],
        "afternoon": [slot for slot in slots if slot["value"][11:13] >= "12"],
        "any_free": any(slot["mark"] in ("open", "few") for slot in slots),
        "before": (showing.day_text(before), address(contract, "day", **kept, date=before.isoformat()))
        if before
        else None,
        "after": (showing.day_text(after), address(contract, "day", **kept, date=after.isoformat())) if after else None,
        "month_url": address(contract, "when", **kept, month=f"{date:%Y-%m}"),
        "hidden": {"p": party, "site": plan.code, "flow": flow_id, "date": date.isoformat()},
        "hold_url": reverse("citizen:hold", args=[contract.code]),
        "hold_minutes": contract.profile.booking.hold_minutes,
        "problem": problem,
        "chosen": _chosen(contract, codes, plan, flow_id),
        "steps": showing.steps(3),
    }
    return render(request, "citizen/day.html", context, status=status)


@require_POST
def hold(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Keep the chosen time for this session while the details are typed."""
    now = request.now  # type: ignore[attr-defined]
    codes = read_party(contract, request.POST.get("p", ""))
    plan = (
        next((plan for plan in sites_for(contract, codes) if plan.code == request.POST.get("site")), None)
        if codes
        else None
    )
    flow_id = flows.valid_id(request.POST.get("flow", ""))
    if plan is None:
        return redirect(address(contract, "who", flow=flow_id))
    starts_at = _moment(request.POST.get("starts", ""))
    date = starts_at.date() if starts_at else showing.read_day(request.POST.get("date", "")) or now.date()
    if starts_at is None:
        problem = _("時間を1つ選んでください。")
        return _day_page(request, contract, codes, plan, date, flow_id, problem=problem, status=422)
    wait = allow(request, contract, "reserve")
    if wait:
        return busy(request, contract, wait)
    flow = flows.load(request, contract, flow_id) or flows.Flow(flow_id)
    if flow.done:
        return redirect("citizen:done", contract.code, flow.id)
    old = hold_state(flow.code) if flow.code else None
    if old and old.state == State.BOOKED:
        return redirect("citizen:done", contract.code, flow.id)
    same = flow.site == plan.code and flow.procedures == codes and flow.starts_at == starts_at.isoformat()
    if old and _alive(old, now) and same:
        return redirect("citizen:details", contract.code, flow.id)
    if old:
        flow.attempt += 1
    try:
        code = _claim(contract, flow, plan.code, codes, starts_at, now)
    except Refused as refused:
        return _day_page(
            request,
            contract,
            codes,
            plan,
            date,
            flow_id,
            problem=refused.message,
            chosen=starts_at.isoformat(),
            status=409,
        )
    if old and old.state == HELD and flow.code != code:
        _let_go(contract, flow.code, now)
    if flow.procedures != codes:
        flow.clean = ""
    flow.site, flow.procedures, flow.starts_at, flow.code = plan.code, codes, starts_at.isoformat(), code
    flows.save(request, contract, flow)
    return redirect("citizen:details", contract.code, flow.id)


def _claim(
    contract: Contract, flow: flows.Flow, site_code: str, codes: list[str], starts_at: dt.datetime, now: dt.datetime
) -> str:
    """Code of a live hold for the flow. Raises ``Refused``."""
    for _again in range(3):
        wanted = Reservation(
            site=site_code,
            starts_at=starts_at,
            people=[(code, None) for code in codes],
            contact=None,
            language=showing.language(),
            key=flow.key(site_code, codes, starts_at),
        )
        made = reserve(contract, wanted, by=CITIZEN_WEB, now=now, hold=True)
        state = hold_state(made.code)
        if state and state.state in (State.HELD, State.BOOKED):
            return made.code
        flow.attempt += 1
    raise Refused(Refusal.FULL)


def _alive(state: HoldState, now: dt.datetime) -> bool:
    return state.state == HELD and state.expires_at is not None and state.expires_at > now


def _let_go(contract: Contract, code: str, now: dt.datetime) -> None:
    """Give a hold back; one that is over already needs nothing."""
    try:
        cancel_booking(contract, code, by=CITIZEN_WEB, now=now)
    except Refused:
        return


def _moment(text: str) -> dt.datetime | None:
    return dates.read_iso_moment(text)


def _held(request: HttpRequest, contract: Contract, flow_id: str) -> tuple[flows.Flow, HoldState] | HttpResponse:
    """The flow with its hold; or the page that goes on from where the flow really is."""
    flow = flows.load(request, contract, flow_id)
    if flow is None:
        context = {**showing.frame(request, contract), "start_url": address(contract, "who")}
        return render(request, "citizen/lost.html", context, status=410)
    state = hold_state(flow.code)
    if flow.done or (state and state.state == State.BOOKED):
        return redirect("citizen:done", contract.code, flow.id)
    if state is None or state.state != HELD:
        return _expired(request, contract, flow)
    return flow, state


def _expired(request: HttpRequest, contract: Contract, flow: flows.Flow) -> HttpResponse:
    kept = {"p": ",".join(flow.procedures), "site": flow.site, "flow": flow.id}
    context = {
        **showing.frame(request, contract),
        "when": showing.when_text(flow.moment),
        "has_draft": bool(flow.draft),
        "same_day_url": address(contract, "day", **kept, date=flow.moment.date().isoformat()),
        "month_url": address(contract, "when", **kept, month=f"{flow.moment:%Y-%m}"),
        "steps": showing.steps(3),
    }
    return render(request, "citizen/expired.html", context, status=410)


def _summary(contract: Contract, flow: flows.Flow, state: HoldState, now: dt.datetime) -> dict[str, Any]:
    """What the pages of a hold share: what is held, until when, the ways back."""
    shown = showing.names(showing.shown_procedures(showing.language()))
    kept = {"p": ",".join(flow.procedures), "site": flow.site, "flow": flow.id}
    return {
        "hold_expires": state.expires_at,
        "now": now,
        "when": showing.when_text(flow.moment),
        "site": showing.site_name(contract, flow.site),
        "people": [
            (shown[code], showing.span_text(starts, ends))
            for code, (starts, ends) in zip(flow.procedures, state.times, strict=True)
        ],
        "count": len(flow.procedures),
        "fit": showing.fit_text(state.times),
        "flow": flow,
        "day_url": address(contract, "day", **kept, date=flow.moment.date().isoformat()),
        "who_url": address(contract, "who", p=kept["p"], flow=flow.id),
        "details_url": reverse("citizen:details", args=[contract.code, flow.id]),
        "release_url": reverse("citizen:release", args=[contract.code, flow.id]),
    }


def details(request: HttpRequest, contract: Contract, flow: str) -> HttpResponse:
    """Who comes and how to reach them."""
    held = _held(request, contract, flow)
    if isinstance(held, HttpResponse):
        if request.method == "POST" and _keep_typed(request, contract, flow):
            return _held(request, contract, flow)  # type: ignore[return-value]
        return held
    found, state = held
    now = request.now  # type: ignore[attr-defined]
    bound = request.POST if request.method == "POST" else None
    people, contact = _detail_forms(contract, found, now.date(), bound)
    if bound is not None and "fill" in bound and contact.fills_address:
        people, contact = _fill_address(request, contract, found, people, contact)
        bound = None
    elif bound is not None:
        valid = sum(form.is_valid() for form in (*people, contact)) == len(people) + 1
        wait = confirm_notices(request, contract, [(form, None) for form in people])
        valid = valid and not wait and all(form.is_valid() for form in people)
        found.draft = flows.seal(contract, _typed(people, contact))
        found.clean = (
            flows.seal(contract, {"people": [form.answer for form in people], "contact": contact.answer})
            if valid
            else ""
        )
        flows.save(request, contract, found)
        if wait:
            return busy(request, contract, wait)
        if valid:
            return redirect("citizen:check", contract.code, found.id)
    shown = showing.names(showing.shown_procedures(showing.language()))
    context = {
        **showing.frame(request, contract),
        **_summary(contract, found, state, now),
        "people_forms": [
            (n, form, shown[code]) for n, (form, code) in enumerate(zip(people, found.procedures, strict=True), start=1)
        ],
        "contact_form": contact,
        "all_forms": [*people, contact],
        "steps": showing.steps(4),
    }
    return render(request, "citizen/details.html", context, status=422 if bound is not None else 200)


def _detail_forms(
    contract: Contract, flow: flows.Flow, today: dt.date, data: Any
) -> tuple[list[forms.PartyForm], forms.PartyForm]:
    draft = flows.unseal(contract, flow.draft) or {}
    typed = draft.get("people", [])
    people = [
        forms.person_form(
            contract.profile,
            code,
            today=today,
            position=n,
            data=data,
            initial=typed[n - 1] if n <= len(typed) else None,
            asked=showing.asked(code, today),
        )
        for n, code in enumerate(flow.procedures, start=1)
    ]
    if len(people) > 1:
        for n, form in enumerate(people, start=1):
            form.caption = _("%(n)s人目") % {"n": n}
    contact = forms.contact_form(
        contract.profile, flow.procedures, today=today, data=data, initial=draft.get("contact")
    )
    return people, contact


def _fill_address(
    request: HttpRequest,
    contract: Contract,
    flow: flows.Flow,
    people: list[forms.PartyForm],
    contact: forms.PartyForm,
) -> tuple[list[forms.PartyForm], forms.PartyForm]:
    """Forms with the address of the postal code; everything typed is kept, nothing is found fault with yet."""
    for form in people:
        form.full_clean()
    filling, typed = contact.filled()
    flow.draft = flows.seal(contract, {**_typed(people, contact), "contact": typed})
    flow.clean = ""
    flows.save(request, contract, flow)
    people, contact = _detail_forms(contract, flow, request.now.date(), None)  # type: ignore[attr-defined]
    contact.filling = filling
    return people, contact


def _typed(people: list[forms.PartyForm], contact: forms.PartyForm) -> dict[str, Any]:
    return {"people": [form.typed() for form in people], "contact": contact.typed()}


def _keep_typed(request: HttpRequest, contract: Contract, flow_id: str) -> bool:
    """Keep details that arrive after the hold ended for the next time chosen; whether there was a flow to keep them in."""
    flow = flows.load(request, contract, flow_id)
    if flow is None or flow.done:
        return False
    people, contact = _detail_forms(contract, flow, request.now.date(), request.POST)  # type: ignore[attr-defined]
    for form in (*people, contact):
        form.is_valid()
    flow.draft = flows.seal(contract, _typed(people, contact))
    flows.save(request, contract, flow)
    return True


def check(request: HttpRequest, contract: Contract, flow: str) -> HttpResponse:
    """Everything once more; confirming makes the booking."""
    held = _held(request, contract, flow)
    if isinstance(held, HttpResponse):
        return held
    found, state = held
    now = request.now  # type: ignore[attr-defined]
    clean = flows.unseal(contract, found.clean)
    if not clean or len(clean["people"]) != len(found.procedures):
        return redirect("citizen:details", contract.code, found.id)
    problem, twin = "", False
    if request.method == "POST":
        try:
            confirm_hold(
                contract,
                found.code,
                people=[Person(values) for values in clean["people"]],
                contact=Contact(clean["contact"]),
                language=showing.language(),
                by=CITIZEN_WEB,
                now=now,
                twin_seen="twin_seen" in request.POST,
            )
        except Refused as refused:
            if refused.reason == Refusal.HOLD_EXPIRED:
                return _expired(request, contract, found)
            problem = refused.message
            twin = refused.reason == Refusal.TWIN and contract.profile.booking.duplicates == "warn"
        else:
            found.done, found.draft, found.clean = True, "", ""
            flows.save(request, contract, found)
            return redirect("citizen:done", contract.code, found.id)
    shown = showing.names(showing.shown_procedures(showing.language()))
    context = {
        **showing.frame(request, contract),
        **_summary(contract, found, state, now),
        "problem": problem,
        "twin": twin,
        "party": [
            (n, shown[code], _rows(contract, values))
            for n, (code, values) in enumerate(zip(found.procedures, clean["people"], strict=True), start=1)
        ],
        "contact_rows": _rows(contract, clean["contact"]),
        "no_mail": not clean["contact"].get("email"),
        "by_sms": takes_sms(contract, Contact(clean["contact"])),
        "change_until": showing.cutoff_text(contract.profile.booking.window.change_until),
        "cancel_until": showing.cutoff_text(contract.profile.booking.window.cancel_until),
        "steps": showing.steps(5),
    }
    return render(request, "citizen/check.html", context, status=409 if problem else 200)


def _rows(contract: Contract, values: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (forms.label_of(rule), showing.field_text(rule, values[rule.code]))
        for rule in contract.profile.booking.fields
        if values.get(rule.code)
    ]


@require_POST
def release(request: HttpRequest, contract: Contract, flow: str) -> HttpResponse:
    """Give the time back: to choose another one (what was typed stays), or to stop (it is forgotten)."""
    found = flows.load(request, contract, flow)
    if found is None:
        return redirect("citizen:start", contract.code)
    if found.done:
        return redirect("citizen:done", contract.code, found.id)
    state = hold_state(found.code)
    if state and state.state == HELD:
        _let_go(contract, found.code, request.now)  # type: ignore[attr-defined]
    found.attempt += 1
    stop = request.POST.get("to") == "stop"
    if stop:
        found.draft = found.clean = ""
    flows.save(request, contract, found)
    if stop:
        messages.info(request, _("予約をやめました。時間は確保していません。"))
        return redirect("citizen:start", contract.code)
    kept = {"p": ",".join(found.procedures), "site": found.site, "flow": found.id}
    return redirect(address(contract, "when", **kept, month=f"{found.moment:%Y-%m}"))


@require_GET
def done(request: HttpRequest, contract: Contract, flow: str) -> HttpResponse:
    """The booking is made: number, link, what to bring."""
    found = flows.load(request, contract, flow)
    booking = resident_booking(contract, found.code) if found else None
    if found is None or booking is None:
        context = {**showing.frame(request, contract), "start_url": address(contract, "who")}
        return render(request, "citizen/lost.html", context, status=410)
    if booking.state in (State.HELD, State.EXPIRED):
        return redirect("citizen:details", contract.code, found.id)
    now = request.now  # type: ignore[attr-defined]
    request.audit_reads.append(Read("booking.viewed", f"booking:{booking.id}", by=CITIZEN_WEB))  # type: ignore[attr-defined]
    view = showing.booking_view(contract, booking, now)
    context = {
        **showing.frame(request, contract),
        **view,
        "qr": showing.qr_svg(view["link_full"]),
        "draft_name": found.id,
    }
    return render(request, "citizen/done.html", context)
