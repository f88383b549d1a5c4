"""The second line: what operators handed over, by line, late ones first; each matter with its steps."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.calls.enums import Line, Topic
from madoguchi.domain.calls.errors import CallsRefused
from madoguchi.domain.calls.models import Contact
from madoguchi.domain.calls.officials import LINE_ROLES
from madoguchi.domain.calls.queries import second as reads
from madoguchi.domain.calls.queries.contacts import words_of
from madoguchi.domain.calls.services import escalations as deeds
from madoguchi.ground.accounts.access import (
    LEAD_CALLS,
    READ_CALLS,
    REPORT_INCIDENTS,
    WORK_ON_CALLS,
    actor_of,
    may,
    roles,
)
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import phones
from madoguchi.web.ui.middleware import handles_individual_number

from .phone_forms import HandOverForm

DAYS_SHOWN = 30
OTHER = {Line.SUPERVISOR: Line.CITY, Line.CITY: Line.SUPERVISOR}


def own_line(request: HttpRequest) -> Line | None:
    """The line of the signed-in role; None for those who have none."""
    role = Role(request.assignment.role)  # type: ignore[attr-defined]
    return next((line for line, people in LINE_ROLES.items() if role in people), None)


@roles(READ_CALLS)
def second(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What is open: one's own, then each line with one's own line first; what was closed in the last days."""
    matters = reads.open_matters(contract, request.now)
    closed = reads.closed_matters(contract, request.now - dt.timedelta(days=DAYS_SHOWN), request.now)
    ids = [one.id for one in (*matters, *closed)]
    if ids:
        request.audit_reads.append(Read("escalation.listed", f"contract:{contract.code}", actor_of(request), {"escalations": ids}))
    mine = [one for one in matters if one.owner == request.user]
    lines = sorted(Line, key=lambda line: line != own_line(request))
    by_line = [(line, [one for one in matters if one.line == line]) for line in lines]
    context = {
        "mine": mine,
        "lines": [(line.label, rows, sum(one.late for one in rows), line == own_line(request)) for line, rows in by_line],
        "closed": closed,
        "days": DAYS_SHOWN,
        "now": request.now,
        "may_work": may(request, WORK_ON_CALLS),
    }
    return render(request, "callcentre/phone/second.html", context)


@handles_individual_number
@roles(WORK_ON_CALLS)
def new(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Hand something over; ``?contact=`` begins with what was recorded of the conversation."""
    contact, initial = _begin(request, contract)
    form = HandOverForm(request.POST if request.method == "POST" else None, initial=initial)
    problem, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = {**form.cleaned_data, "topic": Topic(form.cleaned_data["topic"]), "line": Line(form.cleaned_data["line"])}
            try:
                made = deeds.hand_over(contract, **data, contact=contact, user=request.user, by=actor_of(request), now=request.now)
            except CallsRefused as refused:
                problem, status = refused.message, 409
            else:
                told = made.complaint or made.line == Line.CITY
                messages.success(request, f"引き継ぎました。{'市職員にメールで知らせます。' if told else ''}")
                return redirect("phone:second_matter", contract.code, made.pk)
    return render(request, "callcentre/phone/second_new.html", {"form": form, "contact": contact, "problem": problem}, status=status)


def _begin(request: HttpRequest, contract: Contract) -> tuple[Contact | None, dict[str, Any]]:
    asked = request.GET.get("contact", "")
    if not asked:
        return None, {}
    contact = Contact.objects.filter(pk=int(asked)).first() if asked.isdecimal() and len(asked) < 10 else None
    if contact is None:
        raise Http404("この応対の記録は見つかりません。")
    request.audit_reads.append(Read("contact.viewed", f"contact:{contact.pk}", actor_of(request)))
    words = words_of(contract, contact)
    return contact, {
        "topic": contact.topic, "summary": "\n".join(filter(None, (words.question, words.answer))), "name": words.name,
        "number": phones.show(words.number), "complaint": contact.topic == Topic.COMPLAINT,
    }  # fmt: skip


@roles(READ_CALLS)
def matter(request: HttpRequest, contract: Contract, escalation: int) -> HttpResponse:
    """One matter: what it is about, who acts until when, every step."""
    return _page(request, contract, escalation)


def _page(request: HttpRequest, contract: Contract, pk: int, problem: str = "", text: str = "") -> HttpResponse:
    found = reads.matter_of(contract, pk, request.now)
    if found is None:
        raise Http404("この引き継ぎは見つかりません。")
    request.audit_reads.append(Read("escalation.viewed", f"escalation:{pk}", actor_of(request)))
    live = found.closed_at is None
    context = {
        "matter": found,
        "steps": reads.steps_of(contract, pk),
        "problem": problem,
        "text": text,
        "now": request.now,
        "other": OTHER[found.line],
        "own": found.owner == request.user,
        "may_take": live and own_line(request) == found.line,
        "may_write": live and may(request, WORK_ON_CALLS),
        "may_lead": live and may(request, LEAD_CALLS),
        "may_report": found.complaint and may(request, REPORT_INCIDENTS),
        "most": deeds.LONGEST,
    }
    return render(request, "callcentre/phone/second_matter.html", context, status=409 if problem else 200)


@require_POST
@roles(WORK_ON_CALLS)
def step(request: HttpRequest, contract: Contract, escalation: int) -> HttpResponse:
    """Take, note, note that the person was called, pass to the other line, or close; what was typed stays when it is refused."""
    found = reads.matter_of(contract, escalation, request.now)
    if found is None:
        raise Http404("この引き継ぎは見つかりません。")
    deed, text = request.POST.get("deed", ""), request.POST.get("text", "")
    common: dict[str, Any] = {"user": request.user, "by": actor_of(request), "now": request.now}
    if deed == "take" and own_line(request) != found.line:
        raise PermissionDenied(f"{found.line.label}の担当は、その役割の方だけがなれます。")
    if deed in (*Line.values, "close") and not may(request, LEAD_CALLS):
        raise PermissionDenied("引き継ぎと完了は、リーダー・業務責任者・市職員だけができます。")
    try:
        if deed == "take":
            shown = request.POST.get("instead_of", "")
            deeds.take(contract, escalation, instead_of=int(shown) if shown.isdecimal() and len(shown) < 10 else None, **common)
            said = "担当になりました。"
        elif deed in ("note", "called"):
            deeds.write(contract, escalation, text=text, called=deed == "called", **common)
            said = "本人へ連絡したことを記録しました。" if deed == "called" else "記録しました。"
        elif deed in Line.values:
            deeds.pass_on(contract, escalation, to=Line(deed), text=text, **common)
            said = "市へ引き継ぎました。市職員にメールで知らせます。" if deed == Line.CITY else "センターへ戻しました。"
        elif deed == "close":
            deeds.close(contract, escalation, text=text, **common)
            said = "完了しました。"
        else:
            return _page(request, contract, escalation, "することを、ボタンで選んでください。", text)
    except CallsRefused as refused:
        return _page(request, contract, escalation, refused.message, text)
    messages.success(request, said)
    return redirect("phone:second_matter", contract.code, escalation)
