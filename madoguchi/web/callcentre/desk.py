"""The desk: find a booking by what the caller says, or make a new one.

What callers say travels in POST, never in an address.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.availability import Unknown
from madoguchi.domain.booking.batch import Busy, Unsure
from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.queries import desk as reads
from madoguchi.domain.booking.rules import Refusal
from madoguchi.domain.booking.services import remarks
from madoguchi.domain.booking.services.reserve import Reservation, reserve
from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.accounts.access import (
    OVERBOOK,
    READ_RESIDENTS,
    WORK_AT_COUNTER,
    WORK_ON_BOOKINGS,
    actor_of,
    may,
    roles,
)
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract, Site

from . import free as availability_rows
from .party_form import PartyForm, blank, read

BUSY = "ただいま予約が集中しています。入力した内容は残っています。数秒おいて、もう一度「予約を確定」を押してください。"
NO_TIME = "日時を選んでください。"
NO_REASON = "定員を超えて受け付ける理由を入力してください。"
DUPLICATE = "同じ方の予約がすでにあります。それでも予約するときは「重複を承知で予約する」にチェックを入れてください。"
DUPLICATE_BLOCKED = "同じ方の予約がすでにあるため、新しい予約は入れられません。下の予約を変更してください。"


def shell(request: HttpRequest, contract: Contract) -> dict[str, Any]:
    """What every page of the desk needs: rights and whether the city's own site takes the bookings."""
    return {
        "may_work": may(request, WORK_ON_BOOKINGS),
        "may_open_case": "desk" in contract.profile.modules and may(request, WORK_AT_COUNTER),
        "may_overbook": may(request, OVERBOOK),
        "external": contract.profile.booking.mode == "external",
    }


@roles(READ_RESIDENTS)
def desk(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The search box; with ``q`` the matches. One live match opens at once."""
    context = shell(request, contract)
    text = str(request.POST.get("q") or request.GET.get("q") or "").strip()
    if not text:
        return render(request, "callcentre/desk.html", context)
    key = reads.read_search(text)
    found = reads.find(contract, key, now=request.now)
    if key.kind != "unknown":
        by = actor_of(request)
        detail = {"kind": key.kind, "bookings": [row.id for row in found]}
        request.audit_reads.append(Read("booking.searched", f"contract:{contract.code}", by, detail))
    if len(found) == 1 and found[0].live:
        return redirect("callcentre:booking", contract.code, found[0].code)
    context |= {"asked": True, "search_text": text, "key": key, "found": found, "most": reads.MOST}
    return render(request, "callcentre/desk.html", context)


def choices(contract: Contract) -> dict[str, Any]:
    """Sites, procedures and languages to choose from."""
    plans = availability.site_plans(contract)
    return {
        "sites": list(Site.objects.filter(code__in=[code for code, plan in plans.items() if plan.procedures])),
        "procedures": list(Procedure.objects.filter(bookable=True)),
        "languages": [(code, name) for code, name in _languages() if code in contract.profile.languages],
        "max_people": contract.profile.booking.max_people,
    }


def _languages() -> list[tuple[str, str]]:
    from django.conf import settings

    return list(settings.LANGUAGES)


def party_page(
    request: HttpRequest,
    contract: Contract,
    form: PartyForm,
    template: str,
    context: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    """Draw a form of a party with what is free around the chosen day."""
    by = actor_of(request)
    form.draw(request.now.date())
    found = availability_rows.free(
        contract, form.site, form.procedures, first=form.first, day=form.day, at=form.at, by=by, now=request.now,
        over=form.over and may(request, OVERBOOK), freed=_own_places(context),
    )  # fmt: skip
    own_fields = any(rule.procedures for rule in contract.profile.booking.fields)
    context = {
        **context,
        "form": form,
        "free": found,
        "summary": form.summary(),
        "first_look": request.method == "GET",
        "party_target": "#party-form" if own_fields else "#times",
    }
    return render(request, template, context, status=status)


def _own_places(context: dict[str, Any]) -> dict[int, int] | None:
    """What the booking on the screen would give back by moving; None for a new one."""
    panel = context.get("panel")
    return availability.own_places(panel.booking.pk) if panel else None


@roles(WORK_ON_BOOKINGS)
def new(request: HttpRequest, contract: Contract) -> HttpResponse:
    """A new booking on one screen: party, time, people, contact; everything typed stays through every step. ``?p=&site=`` begin it."""
    context = shell(request, contract) | choices(contract)
    if context["external"]:
        return redirect("callcentre:external", contract.code)
    codes = [p.code for p in context["procedures"]]
    if not codes or not context["sites"]:
        messages.warning(request, "予約を入れられる枠がまだありません。先に、手続きを受け付ける予約枠を用意してください。")
        return redirect("office:slots", contract.code)
    site = context["sites"][0].code
    if request.method != "POST":
        site = request.GET.get("site", "") if request.GET.get("site", "") in {s.code for s in context["sites"]} else site
        there = availability.site_plan(contract, site).procedures
        asked = request.GET.get("p", "")
        offered = asked if asked in there else next(iter(there), codes[0])
        return party_page(request, contract, blank(contract, offered, site), "callcentre/new.html", context)
    form = read(contract, request.POST, codes)
    if form.site not in {s.code for s in context["sites"]}:
        form.site = site
    if request.POST.get("step") != "book":
        return party_page(request, contract, form, "callcentre/new.html", context)
    return _book(request, contract, form, context)


def _book(request: HttpRequest, contract: Contract, form: PartyForm, context: dict[str, Any]) -> HttpResponse:
    by, now = actor_of(request), request.now
    form.check(now.date())
    check_over(request, form)
    if form.moment is None:
        form.errors["at"] = NO_TIME
    if form.errors:
        return party_page(request, contract, form, "callcentre/new.html", context, status=422)
    people = [row.person for row in form.kept if row.person]
    assert form.contact is not None and form.moment is not None
    rule = contract.profile.booking.duplicates
    if rule != "allow" and (rule == "block" or not form.duplicate_seen):
        twins = reads.likely_duplicates(contract, people, form.contact, now=now)
        twins = [t for t in twins if not is_replay(t.id, form.key)]
        if twins:
            audit_listing(request, "duplicate", [t.id for t in twins])
            context |= {
                "twins": twins,
                "twins_text": DUPLICATE_BLOCKED if rule == "block" else DUPLICATE,
                "twins_block": rule == "block",
            }
            return party_page(request, contract, form, "callcentre/new.html", context, status=409)
    wanted = Reservation(
        site=form.site,
        starts_at=form.moment,
        people=[(row.procedure, row.person) for row in form.kept],
        contact=form.contact,
        language=form.language,
        key=form.key,
        over=form.over,
    )
    try:
        if form.over or form.notice_unconfirmed:
            with transaction.atomic():
                done = reserve(contract, wanted, by=by, now=now)
                if form.over and not done.replayed:
                    remarks.remark(contract, done.code, text=form.over_reason, kind="over_reason", by=by, now=now)
                if form.notice_unconfirmed and not done.replayed:
                    remarks.remark(contract, done.code, text=form.notice_reason, kind="notice_reason", by=by, now=now)
        else:
            done = reserve(contract, wanted, by=by, now=now)
    except (Refused, Unknown, Busy, Unsure) as refused:
        return refused_page(request, contract, form, refused, "callcentre/new.html", context)
    return redirect(reverse("callcentre:booking", args=[contract.code, done.code]) + "?done=new")


def is_replay(booking_id: int, key: str) -> bool:
    """Whether a found booking is the one this very form made a moment ago."""
    from madoguchi.domain.booking.models import Booking

    return Booking.objects.filter(pk=booking_id, idempotency_key=key).exists()


def check_over(request: HttpRequest, form: PartyForm) -> None:
    """Over-booking needs the right and a reason."""
    if not form.over:
        return
    if not may(request, OVERBOOK):
        raise PermissionDenied("定員を超える受付は、リーダー・業務責任者・市職員だけができます。")
    if not form.over_reason:
        form.errors["over_reason"] = NO_REASON


def audit_listing(request: HttpRequest, kind: str, ids: list[int]) -> None:
    """Report that personal data of these bookings was shown."""
    detail = {"kind": kind, "bookings": ids}
    request.audit_reads.append(Read("booking.searched", f"contract:{request.contract.code}", actor_of(request), detail))


def refused_page(
    request: HttpRequest,
    contract: Contract,
    form: PartyForm,
    refused: Exception,
    template: str,
    context: dict[str, Any],
) -> HttpResponse:
    """The same screen with the sentence and, when places lack, the nearest times for the same party."""
    if isinstance(refused, Refused):
        context["refused"] = refused.message
        context["refused_stale"] = refused.reason is Refusal.STALE
        near = refused.reason in (Refusal.FULL, Refusal.TOO_LATE, Refusal.PAST)
        if near and form.moment:
            wanted: dt.datetime = form.moment
            context["alternatives"] = availability_rows.alternatives(
                contract, form.site, form.procedures, wanted, by=actor_of(request), now=request.now, freed=_own_places(context)
            )
    else:
        context["refused"] = str(refused) if isinstance(refused, Unknown) else BUSY
    return party_page(request, contract, form, template, context, status=409)


def say(request: HttpRequest, text: str) -> None:
    """A short message after a deed; never holds a resident's data."""
    messages.success(request, text)
