"""What people do on the page of an incident. A refusal shows the page again with what was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from madoguchi.domain.incidents import services as deeds
from madoguchi.domain.incidents.enums import Effect, LegalResult
from madoguchi.domain.incidents.errors import IncidentRefused
from madoguchi.domain.incidents.queries import people_of
from madoguchi.ground.accounts.access import (
    ACCEPT_INCIDENTS,
    FOLLOW_INCIDENTS,
    READ_CALLS,
    READ_COUNTER,
    REPORT_INCIDENTS,
    WORK_ON_INCIDENTS,
    roles,
)
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.web.ui.middleware import handles_individual_number

from .incident_forms import CauseForm, DoneForm, EffectForm, LegalForm, LineForm, PreventForm, ReasonForm, SortForm
from .incidents import doer, found_or_404, page_of

WORDS_TO_CHECK = "入力を確かめてください。"


def _do(
    request: HttpRequest, contract: Contract, pk: int, said: str, deed: Callable[[], Any], *, name: str = "", form: BaseForm | None = None
) -> HttpResponse:
    """Check the form, do the deed, and say so on the page."""
    found_or_404(request, pk)
    typed = {name: form} if form is not None else None
    if form is not None and not form.is_valid():
        return page_of(request, contract, pk, WORDS_TO_CHECK, typed)
    try:
        deed()
    except IncidentRefused as refused:
        return page_of(request, contract, pk, str(refused), typed)
    messages.success(request, said)
    return redirect("incidents:incident", contract.code, pk)


@require_POST
@roles(REPORT_INCIDENTS & (READ_CALLS | READ_COUNTER))
def complaint(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Make an incident of a complaint recorded elsewhere, in one click; the second click leads to the same."""
    try:
        made = deeds.report_complaint(contract, origin=request.POST.get("origin", "")[:40], **doer(request))
    except IncidentRefused as refused:
        messages.error(request, str(refused))
        return redirect("incidents:overview", contract.code)
    if made.reported_at == request.now:
        messages.success(request, "苦情・トラブルとして報告しました。決められた人に、いまメールで知らせています。")
    return redirect("incidents:incident", contract.code, made.pk)


@require_POST
@roles(FOLLOW_INCIDENTS)
def acknowledge(request: HttpRequest, contract: Contract, incident: int) -> HttpResponse:
    """Say that one knows."""
    role = Role(request.assignment.role)  # type: ignore[attr-defined]
    ends = role in contract.profile.incidents.acknowledged_by
    said = "確認したことを記録しました。お知らせを止めました。" if ends else "見たことを記録しました。市などが確認するまで、お知らせは続きます。"
    return _do(request, contract, incident, said, lambda: deeds.acknowledge(contract, incident, role=role, **doer(request)))


@require_POST
@roles(WORK_ON_INCIDENTS)
def begin(request: HttpRequest, contract: Contract, incident: int) -> HttpResponse:
    """Begin to look into it."""
    return _do(request, contract, incident, "調査・対応を始めました。", lambda: deeds.begin(contract, incident, **doer(request)))


@handles_individual_number
@require_POST
@roles(REPORT_INCIDENTS)
def line(request: HttpRequest, contract: Contract, incident: int) -> HttpResponse:
    """Write what happened since."""
    form = LineForm(request.POST)
    deed = lambda: deeds.add_line(contract, incident, text=form.cleaned_data["text"], **doer(request))  # noqa: E731
    return _do(request, contract, incident, "経過を記録しました。", deed, name="line", form=form)


@handles_individual_number
@require_POST
@roles(FOLLOW_INCIDENTS)
def sort(request: HttpRequest, contract: Contract, incident: int) -> HttpResponse:
    """Put right kind, seriousness, times, place and people."""
    form = SortForm(contract, request.POST)
    return _do(
        request, contract, incident, "直しました。", lambda: deeds.sort(contract, incident, **form.values(), **doer(request)), name="sort", form=form
    )


@handles_individual_number
@require_POST
@roles(WORK_ON_INCIDENTS)
def cause(request: HttpRequest, contract: Contract, incident: int) -> HttpResponse:
    """Write cause and response."""
    form = CauseForm(request.POST)
    deed = lambda: deeds.state_cause(contract, incident, **form.cleaned_data, **doer(request))  # noqa: E731
    return _do(request, contract, incident, "原因と対応を保存しました。", deed, name="cause", form=form)


@handles_individual_number
@require_POST
@roles(WORK_ON_INCIDENTS)
def prevent(request: HttpRequest, contract: Contract, incident: int) -> HttpResponse:
    """Decide on a prevention."""
    form = PreventForm([(user.pk, f"{user}（{role.label}）") for role, user in people_of(contract, list(Role))], request.POST)

    def deed() -> None:
        data = form.cleaned_data
        deeds.prevent(contract, incident, what=data["what"], owner=int(data["owner"]), due_on=data["due_on"], **doer(request))

    return _do(request, contract, incident, "再発防止策を記録しました。", deed, name="prevent", form=form)


@handles_individual_number
@require_POST
@roles(FOLLOW_INCIDENTS)
def prevention_done(request: HttpRequest, contract: Contract, incident: int, prevention: int) -> HttpResponse:
    """A prevention is done."""
    form = DoneForm(request.POST, prefix=f"d{prevention}")
    deed = lambda: deeds.finish_prevention(contract, incident, prevention, check_on=form.cleaned_data["check_on"], **doer(request))  # noqa: E731
    return _do(request, contract, incident, "再発防止策を行ったことを記録しました。", deed, name=f"done-{prevention}", form=form)


@handles_individual_number
@require_POST
@roles(FOLLOW_INCIDENTS)
def effect(request: HttpRequest, contract: Contract, incident: int, prevention: int) -> HttpResponse:
    """Whether a prevention works."""
    form = EffectForm(request.POST, prefix=f"e{prevention}")

    def deed() -> None:
        data = form.cleaned_data
        deeds.check_effect(contract, incident, prevention, effect=Effect(data["effect"]), text=data["text"], **doer(request))

    return _do(request, contract, incident, "効果を記録しました。", deed, name=f"effect-{prevention}", form=form)


@handles_individual_number
@require_POST
@roles(FOLLOW_INCIDENTS)
def legal(request: HttpRequest, contract: Contract, incident: int, code: str) -> HttpResponse:
    """What became of a legal step."""
    form = LegalForm(request.POST, prefix=f"l-{code}")

    def deed() -> None:
        data = form.cleaned_data
        deeds.settle_legal(contract, incident, code, result=LegalResult(data["result"]), on=data["on"], evidence=data["evidence"], **doer(request))

    return _do(request, contract, incident, "法令上の手続きを記録しました。", deed, name=f"legal-{code}", form=form)


@require_POST
@roles(WORK_ON_INCIDENTS)
def write(request: HttpRequest, contract: Contract, incident: int) -> HttpResponse:
    """Report it in writing."""
    said = "書面で報告しました。市が確かめて、終結を認めるか差し戻します。"
    return _do(request, contract, incident, said, lambda: deeds.write_up(contract, incident, **doer(request)))


@require_POST
@roles(ACCEPT_INCIDENTS)
def close(request: HttpRequest, contract: Contract, incident: int) -> HttpResponse:
    """The city accepts the end."""
    return _do(request, contract, incident, "終結を認めました。", lambda: deeds.close(contract, incident, **doer(request)))


@handles_individual_number
@require_POST
@roles(FOLLOW_INCIDENTS)
def reopen(request: HttpRequest, contract: Contract, incident: int) -> HttpResponse:
    """Give it back, or take it up again, with a reason."""
    form = ReasonForm(request.POST)
    deed = lambda: deeds.reopen(contract, incident, reason=form.cleaned_data["reason"], **doer(request))  # noqa: E731
    return _do(request, contract, incident, "調査・対応中に戻しました。", deed, name="reason", form=form)
