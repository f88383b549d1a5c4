"""The call-back list: who is owed a call, since when, until when; take one, call, note what came of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from madoguchi.domain.calls import rules
from madoguchi.domain.calls.enums import CallbackEnd, TryOutcome
from madoguchi.domain.calls.errors import CallsRefused
from madoguchi.domain.calls.models import Call
from madoguchi.domain.calls.queries import callbacks as reads
from madoguchi.domain.calls.queries.contacts import number_of
from madoguchi.domain.calls.services import callbacks as deeds
from madoguchi.ground.accounts.access import READ_CALLS, WORK_ON_CALLS, actor_of, may, roles
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.web.ui.middleware import handles_individual_number

from .phone_forms import CallbackForm

DAYS_SHOWN = 7
ENDS = [end for end in CallbackEnd if end is not CallbackEnd.REACHED]
"""Ways to end a call-back without having spoken; having spoken is a try."""


@roles(READ_CALLS)
def callbacks(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What is owed, the longest due first, and what ended in the last days."""
    owed = reads.open_callbacks(contract, request.now)
    ended = reads.ended_callbacks(contract, request.now - dt.timedelta(days=DAYS_SHOWN), request.now)
    shown = [row.id for row in (*owed, *ended)]
    if shown:
        request.audit_reads.append(Read("callback.listed", f"contract:{contract.code}", actor_of(request), {"callbacks": shown}))
    context = {
        "owed": owed,
        "late": sum(row.late for row in owed),
        "ended": ended,
        "days": DAYS_SHOWN,
        "now": request.now,
        "may_work": may(request, WORK_ON_CALLS),
    }
    return render(request, "callcentre/phone/callbacks.html", context)


@roles(READ_CALLS)
def callback(request: HttpRequest, contract: Contract, callback: int) -> HttpResponse:
    """One call-back with its number large, its tries, and what can be noted."""
    return _page(request, contract, callback)


def _page(request: HttpRequest, contract: Contract, pk: int, problem: str = "") -> HttpResponse:
    row = reads.callback_of(contract, pk, request.now)
    if row is None:
        raise Http404("この折り返しは見つかりません。")
    request.audit_reads.append(Read("callback.viewed", f"callback:{pk}", actor_of(request)))
    ends = [end for end in ENDS if end is not CallbackEnd.GIVEN_UP or row.tries >= rules.TRIES_BEFORE_GIVING_UP]
    context = {
        "row": row,
        "tries": reads.tries_of(pk),
        "outcomes": [(outcome, outcome.label) for outcome in TryOutcome],
        "ends": [(end, end.label) for end in ends],
        "needed": rules.TRIES_BEFORE_GIVING_UP,
        "problem": problem,
        "now": request.now,
        "may_work": may(request, WORK_ON_CALLS),
    }
    return render(request, "callcentre/phone/callback.html", context, status=409 if problem else 200)


@handles_individual_number
@roles(WORK_ON_CALLS)
def new(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Promise a call-back; ``?call=`` takes the number of a call that nobody answered."""
    call = _call(request)
    initial: dict[str, Any] = {"language": "ja"}
    if call is not None:
        initial = {"number": number_of(contract, call), "language": call.language or "ja"}
        request.audit_reads.append(Read("call.viewed", f"call:{call.pk}", actor_of(request)))
    form = CallbackForm(contract, request.now, request.POST if request.method == "POST" else None, initial=initial)
    problem, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            words = {name: data[name] for name in ("number", "name", "about", "language", "due_at")}
            try:
                made = deeds.promise(contract, **words, call=call, by=actor_of(request), now=request.now)
            except CallsRefused as refused:
                problem, status = refused.message, 409
            else:
                messages.success(request, "折り返しを受け付けました。")
                return redirect(reverse("phone:callbacks", args=[contract.code]) + f"#c{made.pk}")
    context = {"form": form, "call": call, "problem": problem, "now": request.now}
    return render(request, "callcentre/phone/callback_new.html", context, status=status)


def _call(request: HttpRequest) -> Call | None:
    """The call named in the address; ``Http404`` for one that does not exist."""
    asked = request.GET.get("call", "")
    if not asked:
        return None
    found = Call.objects.filter(pk=int(asked)).first() if asked.isdecimal() and len(asked) < 10 else None
    if found is None:
        raise Http404("この通話は見つかりません。")
    return found


@require_POST
@roles(WORK_ON_CALLS)
def take(request: HttpRequest, contract: Contract, callback: int) -> HttpResponse:
    """Take a call-back on and go to its page, where the number stands large."""
    try:
        deeds.take(contract, callback, user=request.user, by=actor_of(request), now=request.now)
    except CallsRefused as refused:
        return _page(request, contract, callback, refused.message)
    return redirect("phone:callback", contract.code, callback)


@require_POST
@roles(WORK_ON_CALLS)
def tried(request: HttpRequest, contract: Contract, callback: int) -> HttpResponse:
    """Note what came of calling; who was reached is to be recorded next."""
    outcome = request.POST.get("outcome", "")
    if outcome not in TryOutcome.values:
        return _page(request, contract, callback, "電話の結果を選んでください。")
    try:
        done = deeds.tried(
            contract, callback, outcome=TryOutcome(outcome), user=request.user, by=actor_of(request), now=request.now
        )
    except CallsRefused as refused:
        return _page(request, contract, callback, refused.message)
    if done.ended_at is not None:
        messages.success(request, "話せたことを記録し、折り返しを終えました。続けて、応対を記録してください。")
        return redirect(reverse("phone:contact_new", args=[contract.code]) + f"?callback={callback}")
    messages.success(request, f"電話の結果を記録しました（{done.tries}回目）。")
    return redirect("phone:callback", contract.code, callback)


@require_POST
@roles(WORK_ON_CALLS)
def end(request: HttpRequest, contract: Contract, callback: int) -> HttpResponse:
    """End a call-back without having spoken."""
    outcome = request.POST.get("outcome", "")
    if outcome not in ENDS:
        return _page(request, contract, callback, "終える理由を選んでください。")
    try:
        deeds.end(contract, callback, outcome=CallbackEnd(outcome), by=actor_of(request), now=request.now)
    except CallsRefused as refused:
        return _page(request, contract, callback, refused.message)
    messages.success(request, "折り返しを終えました。")
    return redirect("phone:callbacks", contract.code)
