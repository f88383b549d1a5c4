"""One booking on the desk: look, change party or time, contact, note, cancel."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.availability import Unknown
from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.queries import desk as reads
from madoguchi.domain.booking.queries.waiting import PART_LABELS, wait_of
from madoguchi.domain.booking.rules import Refusal
from madoguchi.domain.booking.services import change as deeds
from madoguchi.domain.booking.services import remarks
from madoguchi.domain.cards.queries.stock import cards_of_booking
from madoguchi.ground.accounts.access import READ_RESIDENTS, WORK_AT_COUNTER, WORK_ON_BOOKINGS, actor_of, may, roles
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.privacy.guard import REFUSAL, find_individual_numbers

from .desk import check_over, choices, party_page, refused_page, say, shell
from .party_form import PartyForm, of_panel, read

CANCEL_REASONS = (
    "都合が悪くなった",
    "別の日に取り直す",
    "カード・通知書がまだ届かない",
    "必要な書類がそろわない",
    "必要がなくなった",
    "誤って予約した・重複",
    "その他",
)
DONE = {
    "new": "予約を入れました",
    "changed": "予約を変更しました",
    "cancelled": "予約を取り消しました",
    "contact": "連絡先を変更しました",
}


def panel_of(request: HttpRequest, contract: Contract, code: str) -> reads.Panel:
    """The booking of a code; the look at it is reported to the audit log. ``Http404`` when there is none."""
    try:
        found = reads.panel(contract, code)
    except Booking.DoesNotExist:
        raise Http404("この予約番号の予約はありません。") from None
    request.audit_reads.append(Read("booking.viewed", f"booking:{found.booking.pk}", actor_of(request)))
    return found


def spoken(code: str) -> str:
    """The code with a pause after every sign, for reading aloud: ``K 7 M 2 ・ 9 Q X T``."""
    return f"{' '.join(code[:4])} ・ {' '.join(code[4:])}"


@roles(READ_RESIDENTS)
def show(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """Everything about one booking; ``done`` names the deed just done, whose result is read out to the caller."""
    panel = panel_of(request, contract, code)
    if code != panel.code:
        return redirect("callcentre:booking", contract.code, panel.code)
    return booking_page(request, contract, panel, {"done": DONE.get(request.GET.get("done", ""), "")})


def booking_page(
    request: HttpRequest, contract: Contract, panel: reads.Panel, extra: dict[str, Any], status: int = 200
) -> HttpResponse:
    """The page of a booking with what ``extra`` adds: the deed just done, or why one was refused."""
    today, visit = request.now.date(), panel.starts_at.date()
    context = shell(request, contract) | {
        "panel": panel,
        "wait": wait_of(panel.booking.pk),
        "part_labels": [(part.value, label) for part, label in PART_LABELS.items()],
        "may_wait": contract.profile.booking.waiting.enabled and panel.live and visit > today + dt.timedelta(days=1),
        "wait_first": today + dt.timedelta(days=1),
        "wait_last": visit - dt.timedelta(days=1),
        "spoken": spoken(panel.code),
        "reasons": CANCEL_REASONS,
        "language_name": dict(choices(contract)["languages"]).get(panel.booking.language, panel.booking.language),
        "changeable": panel.live and panel.ends_at >= request.now,
        "cards": cards_of_booking(contract, panel.booking),
        "may_link": may(request, WORK_AT_COUNTER),
    }
    return render(request, "callcentre/booking.html", context | extra, status=status)


@roles(WORK_ON_BOOKINGS)
def change(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """Another time, another party, other procedures: one form, one deed, all or nothing."""
    panel = panel_of(request, contract, code)
    context = shell(request, contract) | choices(contract) | {"panel": panel}
    if not panel.live or panel.ends_at < request.now:
        refusal = Refused(Refusal.NOT_LIVE if not panel.live else Refusal.TOO_LATE)
        return booking_page(request, contract, panel, {"refused": refusal.message}, status=409)
    if request.method != "POST":
        return party_page(request, contract, of_panel(contract, panel), "callcentre/change.html", context)
    form = read(contract, request.POST, [p.code for p in context["procedures"]])
    form.site = panel.booking.site.code
    if request.POST.get("step") != "save":
        return party_page(request, contract, form, "callcentre/change.html", context)
    return _save(request, contract, panel, form, context)


def _save(
    request: HttpRequest, contract: Contract, panel: reads.Panel, form: PartyForm, context: dict[str, Any]
) -> HttpResponse:
    by, now = actor_of(request), request.now
    form.before = {guest.id: guest.person for guest in panel.people}
    form.check(now.date(), contact=False)
    check_over(request, form)
    if form.moment is None:
        form.errors["at"] = "日時を選んでください。"
    if form.version is None:
        form.errors["at"] = "画面を開き直してから、もう一度操作してください。"
    if form.errors:
        return party_page(request, contract, form, "callcentre/change.html", context, status=422)
    assert form.moment is not None
    members = [deeds.Member(row.id, row.procedure, row.person) for row in form.kept]
    try:
        with transaction.atomic():
            done = deeds.revise(
                contract,
                panel.code,
                members=members,
                starts_at=form.moment,
                by=by,
                now=now,
                version=form.version,
                over=form.over,
            )
            if form.over:
                remarks.remark(contract, done.code, text=form.over_reason, kind="over_reason", by=by, now=now)
            if form.notice_unconfirmed:
                remarks.remark(contract, done.code, text=form.notice_reason, kind="notice_reason", by=by, now=now)
    except (Refused, Unknown) as refused:
        return refused_page(request, contract, form, refused, "callcentre/change.html", context)
    return redirect(reverse("callcentre:booking", args=[contract.code, done.code]) + "?done=changed")


@roles(WORK_ON_BOOKINGS)
def contact(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """Phone, mail, address, needs."""
    panel = panel_of(request, contract, code)
    context = shell(request, contract) | {"panel": panel}
    form = of_panel(contract, panel)
    status = 200
    if request.method == "POST":
        sent = read(contract, request.POST, [panel.people[0].procedure])
        form.contact_data, form.filling = sent.contact_data, sent.filling
    if request.method == "POST" and form.filling is None:
        form.check_contact(request.now.date())
        if str(panel.booking.version) != request.POST.get("version"):
            context["refused"], status = Refused(Refusal.STALE).message, 409
        elif form.ready and form.contact is not None:
            try:
                deeds.edit_contact(contract, panel.code, contact=form.contact, by=actor_of(request), now=request.now)
            except Refused as refused:
                context["refused"], status = refused.message, 409
            else:
                return redirect(reverse("callcentre:booking", args=[contract.code, panel.code]) + "?done=contact")
        else:
            status = 422
    form.draw(request.now.date())
    return render(
        request, "callcentre/contact.html", {**context, "form": form, "summary": form.summary()}, status=status
    )


@require_POST
@roles(WORK_ON_BOOKINGS)
def cancel(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """Cancel with one of the reasons; a booking changed meanwhile is shown again first."""
    panel = panel_of(request, contract, code)
    reason = request.POST.get("reason", "")
    if reason not in CANCEL_REASONS:
        return booking_page(
            request, contract, panel, {"refused": "取り消す理由を選んでください。", "cancelling": True}, status=422
        )
    if panel.live and str(panel.booking.version) != request.POST.get("version"):
        return booking_page(request, contract, panel, {"refused": Refused(Refusal.STALE).message}, status=409)
    try:
        deeds.cancel(contract, panel.code, by=actor_of(request), now=request.now, reason=reason)
    except Refused as refused:
        return booking_page(request, contract, panel, {"refused": refused.message}, status=409)
    return redirect(reverse("callcentre:booking", args=[contract.code, panel.code]) + "?done=cancelled")


@require_POST
@roles(WORK_ON_BOOKINGS)
def note(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """Add a line of what was said; it is sealed like every personal detail."""
    panel = panel_of(request, contract, code)
    text = request.POST.get("text", "").strip()
    problem = ""
    if not text:
        problem = "メモを入力してください。"
    elif len(text) > 500:
        problem = f"メモは500文字以内で入力してください。いまは{len(text)}文字です。"
    elif find_individual_numbers(text):
        text, problem = "", str(REFUSAL)
    if problem:
        return booking_page(request, contract, panel, {"note_problem": problem, "note_text": text}, status=422)
    remarks.remark(contract, panel.code, text=text, by=actor_of(request), now=request.now)
    say(request, "メモを残しました。")
    return redirect("callcentre:booking", contract.code, panel.code)
