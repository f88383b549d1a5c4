"""The pre-delivery setup: a batch per day, worked through by scanner, checked by a second person."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.cards.enums import Fault
from madoguchi.domain.cards.errors import CardsRefused
from madoguchi.domain.cards.queries import setups as reads
from madoguchi.domain.cards.services import setups
from madoguchi.ground.accounts.access import READ_COUNTER, WORK_AT_COUNTER, actor_of, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.web.ui.middleware import handles_individual_number

from .shared import Heard, doer, posted, rights, scanned, terms_of


@roles(READ_COUNTER)
def batches(request: HttpRequest, contract: Contract) -> HttpResponse:
    """All batches; a new one is opened for a day with its target."""
    terms = terms_of(contract)
    today, problem = request.now.date(), ""
    day, target = today.isoformat(), str(terms.setup_daily_target)
    if posted(request):
        day, target = request.POST.get("day", ""), request.POST.get("target", "")
        try:
            aim = int(target) if target.isdecimal() and len(target) < 6 else 0
            made = setups.open_batch(contract, day=dates.parse(day), target=aim, **doer(request))
        except (CardsRefused, dates.DateError) as refused:
            problem = str(refused)
        else:
            return redirect("stock:batch", contract.code, made.pk)
    rows = reads.batches()
    context = {
        "rows": rows, "day": day, "target": target, "problem": problem, "today": today, "has_today": any(row.batch.day == today for row in rows),
        "waiting": reads.waiting_checks().count(), **rights(request, terms),
    }  # fmt: skip
    return render(request, "counter/stock/batches.html", context, status=409 if problem else 200)


@handles_individual_number
@roles(READ_COUNTER)
def batch(request: HttpRequest, contract: Contract, batch: int) -> HttpResponse:
    """One batch: progress against its target, its cards; a scan says that a card was set up."""
    terms = terms_of(contract)
    heard = None
    if posted(request):
        try:
            done = setups.set_up(contract, batch, number=request.POST.get("code", ""), **doer(request))
            heard = Heard(True, f"{done.card.number} の設定を記録しました。", "別の人の確認を待ちます。", done.card)
        except CardsRefused as refused:
            heard = Heard(False, refused.message)
    found = reads.progress_of(batch)
    if found is None:
        raise Http404("この作業は見つかりません。")
    worked = found.done + found.waiting
    context = {
        "batch": found.batch, "found": found, "rows": list(reads.setups_of(found.batch)), "counting": True,
        "progress": f"設定 {worked} / {found.batch.target}枚", **rights(request, terms),
    }  # fmt: skip
    return scanned(request, "counter/stock/batch.html", context, heard)


@require_POST
@roles(WORK_AT_COUNTER)
def close(request: HttpRequest, contract: Contract, batch: int) -> HttpResponse:
    """End a batch."""
    terms_of(contract)
    if reads.progress_of(batch) is None:
        raise Http404("この作業は見つかりません。")
    try:
        setups.close_batch(contract, batch, by=actor_of(request), now=request.now)
    except CardsRefused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, "作業を終了しました。始めていないカードは、次の作業に回ります。")
    return redirect("stock:batch", contract.code, batch)


@handles_individual_number
@roles(READ_COUNTER)
def check(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The four-eye check: a scan with no fault chosen is good, with one it sends the card back."""
    terms = terms_of(contract)
    heard, fault = None, ""
    if posted(request):
        fault = request.POST.get("fault", "")
        try:
            done = setups.check(contract, request.POST.get("code", ""), fault=fault, **doer(request))
            text = f"{done.card.number} を差し戻しました。" if fault else f"{done.card.number} の確認が済みました。"
            heard = Heard(True, text, "もう一度、交付前設定をします。" if fault else "交付通知を送れます。", done.card)
        except CardsRefused as refused:
            heard = Heard(False, refused.message)
    rows = [(row, row.worked_by_id == request.user.pk) for row in reads.waiting_checks()]
    context = {
        "rows": rows, "faults": Fault.choices, "fault": fault, "counting": True, "progress": f"確認待ち {len(rows)}枚", **rights(request, terms),
    }
    return scanned(request, "counter/stock/check.html", context, heard)
