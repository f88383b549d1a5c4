"""Papers kept until they are destroyed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.premises.enums import Holder, Stage, Unit
from madoguchi.domain.premises.errors import PremisesRefused
from madoguchi.domain.premises.models import Collection
from madoguchi.domain.premises.queries.papers import bundles_of, collections, kept, this_year, volume_text
from madoguchi.domain.premises.services import papers as deeds
from madoguchi.ground.accounts.access import LEAD_AT_COUNTER, READ_COUNTER, WORK_AT_COUNTER, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Shredding
from madoguchi.web.ui.dates import DayBox

from ..shared import counter_actor


class BundleForm(forms.Form):
    """What was put away."""

    use_required_attribute = False
    kind = forms.ChoiceField(label="文書の種類", error_messages={"required": "文書の種類を選んでください。"})
    holder = forms.ChoiceField(label="入れ物", choices=Holder.choices, initial=Holder.BOX)
    volume = forms.IntegerField(
        label="量", min_value=1, max_value=deeds.LARGEST,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), f"量は1から{deeds.LARGEST:,}までの数で入力してください。"),
    )  # fmt: skip
    unit = forms.ChoiceField(label="単位", choices=Unit.choices, initial=Unit.SHEETS)
    place = forms.ChoiceField(label="保管場所", error_messages={"required": "保管場所を選んでください。"})
    kept_on = DayBox(label="保管した日", error_messages={"required": "日を入力してください。"})

    def __init__(self, terms: Shredding, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(kind.code, kind.label) for kind in terms.kinds]  # type: ignore[attr-defined]
        self.fields["place"].choices = [(place, place) for place in terms.places]  # type: ignore[attr-defined]


class DayForm(forms.Form):
    """The day on which papers are destroyed."""

    use_required_attribute = False
    on = DayBox(label="廃棄の日", error_messages={"required": "日を入力してください。"})


@roles(READ_COUNTER)
def papers(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What lies there, how often it was destroyed this year, the named days."""
    return _page(request, contract)


def _terms(contract: Contract) -> Shredding:
    if contract.profile.shredding is None:
        raise Http404("この契約では、文書の廃棄を記録していません。")
    return contract.profile.shredding


def _page(
    request: HttpRequest, contract: Contract, *, form: BundleForm | None = None, day: DayForm | None = None, problem: str = "", at: int = 0,
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    terms = _terms(contract)
    labels = {kind.code: kind.label for kind in terms.kinds}
    lying = list(kept())
    context = {
        "terms": terms,
        "by_city": terms.by == "city",
        "ledger": this_year(contract, request.now),
        "bundles": [(bundle, labels.get(bundle.kind, bundle.kind)) for bundle in lying],
        "volume": volume_text(lying),
        "days": [
            {
                "day": one, "tone": {Stage.PLANNED: "info", Stage.COLLECTED: "warn", Stage.DESTROYED: "ok"}[Stage(one.stage)],
                "taken": volume_text(bundles_of(one)) if one.stage != Stage.PLANNED else "", "come": one.on <= request.now.date(),
                "own": one.collected_by_id == request.user.pk, "typed": request.POST.get("certificate", "") if one.pk == at else "",
                "marked": request.POST.getlist("bundle") if one.pk == at else [],
            }
            for one in collections()
        ],
        "form": form or BundleForm(terms, initial={"kept_on": request.now.date()}),
        "day_form": day or DayForm(),
        "problem": problem,
        "may_work": may(request, WORK_AT_COUNTER),
        "may_lead": may(request, LEAD_AT_COUNTER),
    }  # fmt: skip
    return render(request, "counter/rooms/papers.html", context, status=status)


@require_POST
@roles(WORK_AT_COUNTER)
def keep(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Write down papers that were put away."""
    form = BundleForm(_terms(contract), request.POST)
    if not form.is_valid():
        return _page(request, contract, form=form, status=422)
    try:
        deeds.keep(contract, deeds.Papers(**form.cleaned_data), user=request.user, by=counter_actor(request), now=request.now)  # type: ignore[arg-type]
    except PremisesRefused as refused:
        return _page(request, contract, form=form, problem=refused.message, status=422)
    messages.success(request, "保管の記録を付けました。")
    return redirect("premises:papers", contract.code)


@require_POST
@roles(WORK_AT_COUNTER)
def withdraw(request: HttpRequest, contract: Contract, bundle: int) -> HttpResponse:
    """Take a mistaken record back."""
    _terms(contract)
    try:
        deeds.withdraw_bundle(contract, bundle, by=counter_actor(request), now=request.now)
    except PremisesRefused as refused:
        return _page(request, contract, problem=refused.message, status=409)
    messages.success(request, "記録を取り消しました。")
    return redirect("premises:papers", contract.code)


@require_POST
@roles(LEAD_AT_COUNTER)
def plan(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Name a day."""
    _terms(contract)
    form = DayForm(request.POST)
    if not form.is_valid():
        return _page(request, contract, day=form, status=422)
    try:
        deeds.plan(contract, form.cleaned_data["on"], user=request.user, by=counter_actor(request), now=request.now)  # type: ignore[arg-type]
    except PremisesRefused as refused:
        return _page(request, contract, day=form, problem=refused.message, status=409)
    messages.success(request, "廃棄の日を決めました。")
    return redirect("premises:papers", contract.code)


@require_POST
@roles(WORK_AT_COUNTER)
def deed(request: HttpRequest, contract: Contract, collection: int, deed: str) -> HttpResponse:
    """A step of a named day: ``tell``, ``cancel`` and ``collect`` by who leads, ``confirm`` by a second person."""
    _terms(contract)
    if not Collection.objects.filter(pk=collection).exists():
        raise Http404("この廃棄の日は見つかりません。")
    by, now, user = counter_actor(request), request.now, request.user
    said = {
        "tell": "量を伝えた記録を付けました。", "cancel": "取りやめました。", "collect": "回収を記録しました。別の方が確認してください。",
        "confirm": "廃棄を確認しました。",
    }  # fmt: skip
    if deed not in said:
        raise Http404("この操作はありません。")
    try:
        if deed != "confirm" and not may(request, LEAD_AT_COUNTER):
            raise PremisesRefused("この操作は、リーダー・業務責任者・市の方が行います。")
        if deed == "tell":
            deeds.tell_volume(contract, collection, by=by, now=now)
        elif deed == "cancel":
            deeds.cancel(contract, collection, by=by, now=now)
        elif deed == "collect":
            chosen = [int(one) for one in request.POST.getlist("bundle") if one.isdecimal() and len(one) < 19]
            deeds.collect(contract, collection, chosen, user=user, by=by, now=now)  # type: ignore[arg-type]
        else:
            deeds.confirm(contract, collection, request.POST.get("certificate", ""), user=user, by=by, now=now)  # type: ignore[arg-type]
    except PremisesRefused as refused:
        return _page(request, contract, problem=refused.message, at=collection, status=409)
    messages.success(request, said[deed])
    return redirect("premises:papers", contract.code)
