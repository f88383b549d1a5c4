"""Saved lists: see, keep under a name, change name, conditions and sharing, remove."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.errors import ListError
from madoguchi.domain.booking.queries.saved_lists import lists_of, may_change
from madoguchi.domain.booking.selection import Selection
from madoguchi.domain.booking.services.saved_lists import NAME_MAX, change_list, remove_list, save_list
from madoguchi.ground.accounts.access import MANAGE_STAFF, READ_RESIDENTS, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract

from .filters import FilterForm


class NameForm(forms.Form):
    """Name and sharing of a list."""

    name = forms.CharField(
        label="名前", max_length=NAME_MAX, error_messages={"required": "一覧の名前を入力してください。例：明日の受取り"}
    )
    shared = forms.BooleanField(label="この契約の担当者みんなに見せる", required=False)


@roles(READ_RESIDENTS)
def saved(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The lists one sees; POST keeps the conditions of ``query`` under a name."""
    form = NameForm(request.POST or None, auto_id="n-%s")
    query = request.POST.get("query", "")
    problem = ""
    if request.method == "POST":
        problem = _keep(request, contract, form, query)
        if not problem and form.is_valid():
            messages.success(request, f"「{form.cleaned_data['name']}」を保存しました。「保存した一覧」から開けます。")
            return redirect(reverse("office:bookings", args=[contract.code]) + f"?{query}")
    return _page(request, form, query, problem)


def _page(
    request: HttpRequest, form: NameForm, query: str | None, problem: str, changing: int | None = None
) -> HttpResponse:
    """The lists, and above them what could not be kept (as ``changing``: a list that exists) with what was typed."""
    me, manages = actor_of(request).ref, may(request, MANAGE_STAFF)
    rows = []
    for kept in lists_of(me):
        selection = Selection.of(kept.selection)
        own = may_change(kept, me, manages=manages)
        rows.append({"list": kept, "words": selection.words(), "faults": selection.faults(), "own": own})
    context: dict[str, Any] = {"rows": rows, "form": form, "query": query, "problem": problem, "changing": changing}
    return render(request, "office/bookings/saved.html", context, status=422 if form.is_bound else 200)


def _keep(request: HttpRequest, contract: Contract, form: NameForm, query: str) -> str:
    """Keep the list; a sentence when it cannot be kept (or the form's own errors)."""
    if not form.is_valid():
        return ""
    try:
        selection = _selection(request, query)
        save_list(contract, **form.cleaned_data, selection=selection, by=actor_of(request), now=request.now)
    except ListError as wrong:
        return str(wrong)
    return ""


def _selection(request: HttpRequest, query: str) -> Selection:
    """The conditions of a list's address. Raises :class:`ListError` when they cannot be kept."""
    conditions = FilterForm(request.now.date(), QueryDict(query))
    if not conditions.is_valid():
        raise ListError("一覧の条件を読み取れません。一覧に戻って、もう一度絞り込んでください。")
    selection = conditions.selection()
    if selection is None:
        raise ListError("日付を指定した条件は保存できません。一覧に戻り、日付の代わりに「明日」「来週」などの期間を選んでください。")
    return selection


@require_POST
@roles(READ_RESIDENTS)
def deed(request: HttpRequest, contract: Contract, pk: int) -> HttpResponse:
    """Remove (``deed=remove``), or change name and sharing, and with a ``query`` the conditions."""
    common: dict[str, Any] = {"manages": may(request, MANAGE_STAFF), "by": actor_of(request), "now": request.now}
    if request.POST.get("deed") == "remove":
        try:
            remove_list(contract, pk, **common)
            messages.success(request, "一覧を削除しました。予約は変わりません。")
        except ListError as wrong:
            messages.error(request, str(wrong))
        return redirect("office:saved", contract.code)
    form, query, problem = NameForm(request.POST, auto_id="n-%s"), request.POST.get("query"), ""
    if form.is_valid():
        try:
            selection = None if query is None else _selection(request, query)
            kept = change_list(contract, pk, **form.cleaned_data, selection=selection, **common)
            messages.success(request, f"「{kept.name}」を変更しました。")
            if selection is None:
                return redirect("office:saved", contract.code)
            return redirect(reverse("office:bookings", args=[contract.code]) + f"?list={pk}")
        except ListError as wrong:
            problem = str(wrong)
    return _page(request, form, query, problem, pk)
